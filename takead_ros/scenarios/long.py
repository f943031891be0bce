"""Long routes: the events of other families one after the other on 1 to 3 km of one road (``strung.py``)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from takead_ros.domain.seeds import SPLIT_SIZE
from takead_ros.scenarios.draws import choose, uniform
from takead_ros.scenarios.family import Case, Family, Setting, family
from takead_ros.scenarios.spec import Ability, Scenario
from takead_ros.scenarios.strung import JUNCTIONS, STREETS, WIDTHS, StrungRoad

LENGTHS = (1000.0, 2700.0)  # m to be reached; the last piece goes beyond
TRIES = 400


@family(Ability.MIXED, Setting.OWN)
def long_street(case: Case) -> Scenario:
    """1 to 3 km of street with an event every 150 to 250 m: obstacles, people, and cars that brake or push in."""
    return _compose(case, choose(case.rng, (1, 2)), lambda _: STREETS)


@family(Ability.MIXED, Setting.OWN)
def long_town(case: Case) -> Scenario:
    """1 to 3 km through a town: every second event is at a junction, with turns, lights, signs and who has priority."""
    first = int(case.rng.integers(2))
    return _compose(case, 1, lambda k: JUNCTIONS if (k + first) % 2 else STREETS)


def _compose(case: Case, lanes: int, families: Callable[[int], Sequence[Family]]) -> Scenario:
    """Pieces with ``lanes`` lanes until the route is long enough; one that would cross the road so far is replaced."""
    rng = case.rng
    width = choose(rng, WIDTHS)
    target = uniform(rng, *LENGTHS)
    split = min(case.seed // SPLIT_SIZE, 3) * SPLIT_SIZE  # a route's events come from the seeds of its own split
    while True:
        road, used = StrungRoad(lanes, width), list[Family]()
        for _ in range(TRIES):
            left = [each for each in families(len(road.pieces)) if each not in used[-4:]]
            chosen = choose(rng, left)
            piece = chosen(split + int(rng.integers(SPLIT_SIZE)))
            if road.fits(piece):
                road.add(piece)
                used.append(chosen)
            if road.length >= target:
                return road.scenario(case)
        # boxed in by its own road: start anew with the numbers that follow
