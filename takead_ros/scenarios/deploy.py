"""Deployment: routes of 1 to 4 km with events of every family that can be strung together, and traffic in between.

Eight families (``HELD_OUT``) happen here only: the suite ``known``, from which demonstrations come, has none of them.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from takead_ros.domain.seeds import SPLIT_SIZE
from takead_ros.maps.roads import LanePath, Roads
from takead_ros.scenarios.draws import Rng, chance, choose, uniform
from takead_ros.scenarios.families import HELD_OUT
from takead_ros.scenarios.family import Case, Family, Setting, family
from takead_ros.scenarios.parts import SPEED_LIMITS, approach, car, follower, time_limit
from takead_ros.scenarios.spec import Ability, Actor, Phase, Scenario, When
from takead_ros.scenarios.strung import JUNCTIONS, STREETS, WIDTHS, StrungRoad

EVENTS = (6, 13)  # of a route: at least, at most
ENOUGH = (1200.0, 3500.0)  # m beyond which a route gets no more events once it has enough of them
HELD_OUT_SHARE = 0.46  # of the events
QUIET = 0.25  # of the events follow right after the one before, without a stretch of ordinary traffic
SPACE = (1.4, 4.5)  # s between oncoming cars
TRIES = 60  # pieces that do not fit before a route starts anew
PROBES = 60  # seeds that tell which cross-sections a family has


@family(Ability.MIXED, Setting.OWN)
def deploy_town(case: Case) -> Scenario:
    """1 to 4 km through a town, 6 to 13 events, every second one at a junction; traffic in both directions between."""
    first = int(case.rng.integers(2))
    return _compose(case, 1, lambda k: (k + first) % 2 == 1)


@family(Ability.MIXED, Setting.OWN)
def deploy_outskirts(case: Case) -> Scenario:
    """1 to 4 km of narrow streets, 6 to 13 events, one in four at a junction; traffic in both directions between."""
    return _compose(case, 1, lambda _: chance(case.rng, 0.25))


@family(Ability.MIXED, Setting.OWN)
def deploy_avenue(case: Case) -> Scenario:
    """1 to 4 km of street with two lanes in each direction, 6 to 13 events, and traffic on all of them between."""
    return _compose(case, 2, lambda _: False)


@family(Ability.MIXED, Setting.OWN)
def open_street(case: Case) -> Scenario:
    """Ordinary traffic without an event: a car ahead that parks further on, one behind, others towards and beside."""
    rng = case.rng
    limit = choose(rng, SPEED_LIMITS[:3])
    lanes = choose(rng, (1, 2))
    builder = approach(rng, lanes, limit)
    builder.straight(uniform(rng, 80.0, 160.0))
    route = builder.route(lanes - 1)
    start = uniform(rng, 28.0, 36.0)
    speed = limit * uniform(rng, 0.8, 0.95)
    actors = follower(rng, route, start, speed, limit)
    if chance(rng, 0.6):
        actors.append(_parks(rng, route, start, builder.length, builder.lane_width, limit))
    for lane in range(lanes):
        actors += _towards(rng, builder.against(lane), builder.length - start - uniform(rng, 50.0, 80.0), limit)
    if lanes == 2:
        s = start - uniform(rng, 10.0, 25.0)
        for _ in range(choose(rng, (1, 2, 3))):
            pace = limit * uniform(rng, 0.85, 1.0)
            actors.append(car(rng, builder.route(0), max(s, 3.0), pace))
            s += uniform(rng, 18.0, 40.0)
    goal = builder.length - 20.0
    return case.scenario(
        roads=builder.build(),
        route=route,
        start=start,
        goal=goal,
        speed=speed,
        speed_limit=limit,
        time_limit=time_limit(goal - start, limit, 3.0),
        actors=actors,
        threat=False,
    )


def _parks(rng: Rng, route: LanePath, start: float, length: float, width: float, limit: float) -> Actor:
    """A car ahead, a little slower than the limit, that pulls over to the kerb before the street of ``length`` m ends
    and stays there, beside the lane."""
    pace = limit * uniform(rng, 0.75, 0.92)
    ahead = start + uniform(rng, 22.0, 40.0)
    aside = -(width / 2.0 + 1.3)
    out = Phase(When.OWN_S, length - uniform(rng, 45.0, 60.0), speed=5.0, deceleration=1.5, lateral=aside)
    stands = Phase(When.SINCE, uniform(rng, 3.6, 4.4), speed=0.0, deceleration=2.0)
    return car(rng, route, ahead, pace, phases=(out, stands))


def _towards(rng: Rng, path: LanePath, first: float, limit: float) -> list[Actor]:
    """Oncoming cars on ``path`` from ``first`` m back to its start, in groups and with gaps."""
    cars, s = list[Actor](), first
    while s > 1.0:
        pace = limit * uniform(rng, 0.85, 1.0)
        cars.append(car(rng, path, s, pace, cruise=pace))
        s -= max(limit * uniform(rng, *SPACE), 12.0)
    return cars


def _compose(case: Case, lanes: int, at_junction: Callable[[int], bool]) -> Scenario:
    """Events, most of them with a stretch of ordinary traffic before, on a road with ``lanes`` lanes.

    ``at_junction``: whether the event with this number happens at a junction.
    """
    rng = case.rng
    width = choose(rng, WIDTHS)
    count = int(rng.integers(EVENTS[0], EVENTS[1] + 1))
    enough = uniform(rng, *ENOUGH)
    split = min(case.seed // SPLIT_SIZE, 3) * SPLIT_SIZE  # a route's events come from the seeds of its own split
    while True:
        road, events, misses, traffic = StrungRoad(lanes, width, own_lights=True), list[Family](), 0, False
        while misses < TRIES:
            chosen = open_street if traffic else _event(rng, lanes, at_junction(len(events)), events)
            piece = _piece(rng, chosen, road, split)
            if not road.clear(piece):
                misses += 1
                continue
            road.add(piece)
            if traffic:
                traffic = False
                continue
            events.append(chosen)
            if len(events) >= count or (len(events) >= EVENTS[0] and road.length > enough):
                return road.scenario(case)
            traffic = not chance(rng, QUIET)
        # boxed in by its own road: start anew with the numbers that follow


@cache
def _streets(lanes: int) -> tuple[Family, ...]:
    """The families on streets that can have ``lanes`` lanes."""
    return tuple(each for each in STREETS if any(_lanes(each(seed)) == lanes for seed in range(PROBES)))


def _lanes(piece: Scenario) -> int:
    assert isinstance(piece.roads, Roads)
    return piece.roads.lanes


def _event(rng: Rng, lanes: int, junction: bool, events: list[Family]) -> Family:
    """The family of the next event: none of the last four, with HELD_OUT_SHARE one of those held out."""
    there = JUNCTIONS if junction else _streets(lanes)
    left = [each for each in there if each not in events[-4:]]
    held_out = [each for each in left if each.name in HELD_OUT]
    known = [each for each in left if each.name not in HELD_OUT]
    return choose(rng, held_out if held_out and (not known or chance(rng, HELD_OUT_SHARE)) else known)


def _piece(rng: Rng, chosen: Family, road: StrungRoad, split: int) -> Scenario:
    """A scenario of the family with the road's cross-section, from the seeds of the split."""
    while True:
        piece = chosen(split + int(rng.integers(SPLIT_SIZE)))
        if road.alike(piece):
            return piece
