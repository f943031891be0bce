"""A scenario family: a decorated function that draws one scenario for each seed. Its name is said once, by ``def``.

    @family(Ability.MERGING, Setting.STREET)
    def cut_in(case: Case) -> Scenario:
        "A slower car from the next lane moves in just ahead and brakes."
        rng = case.rng
        limit = choose(rng, SPEED_LIMITS)
        ...
        return case.scenario(roads=..., route=..., ...)

Every draw (``uniform``, ``choose``, ``chance``) takes the next number of the case's generator, so the order of draws is
part of what a seed means: one draw a line, and a new one goes behind those that are there, or every seed of the family
becomes another scenario.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum

from takead_ros.maps.roads import LanePath, OpenDriveMap, Roads, SafeMetaDriveMap
from takead_ros.scenarios.draws import Rng, generator
from takead_ros.scenarios.spec import Ability, Actor, Control, Scenario


class Setting(str, Enum):
    """Where a family plays, and so what long routes make of it (``long.py``)."""

    STREET = "street"  # one piece of street: may be strung into a long route
    JUNCTION = "junction"  # a junction with 140 m of road on each side: the same in towns
    OWN = "own"  # roads of its own


@dataclass(frozen=True)
class Case:
    """A family under one seed. ``rng``: the one source of randomness of its scenario."""

    family: str
    seed: int
    ability: Ability
    rng: Rng

    def scenario(
        self,
        *,
        roads: Roads | SafeMetaDriveMap | OpenDriveMap,
        route: LanePath,
        start: float,
        goal: float,
        speed: float,
        speed_limit: float,
        time_limit: float,
        actors: Sequence[Actor],
        threat: bool = True,
        controls: Sequence[Control] = (),
        limits: tuple[tuple[float, float], ...] = (),
        events: tuple[tuple[float, str], ...] = (),
    ) -> Scenario:
        """The scenario of this case; see ``Scenario`` for what each is."""
        return Scenario(
            family=self.family,
            seed=self.seed,
            ability=self.ability,
            roads=roads,
            route=route,
            start=start,
            goal=goal,
            speed=speed,
            speed_limit=speed_limit,
            time_limit=time_limit,
            actors=tuple(actors),
            threat=threat,
            controls=tuple(controls),
            limits=limits,
            events=events,
        )


@dataclass(frozen=True)
class Family:
    """A named family: called with a seed (>= 0) it gives the scenario, always the same one for the same seed."""

    name: str
    ability: Ability
    setting: Setting
    description: str
    draw: Callable[[Case], Scenario]

    def __call__(self, seed: int) -> Scenario:
        return self.draw(Case(self.name, seed, self.ability, generator(self.name, seed)))


def family(ability: Ability, setting: Setting) -> Callable[[Callable[[Case], Scenario]], Family]:
    """Makes a family of a function ``name(case) -> Scenario``; its docstring is what ``takead scenarios ls`` shows."""

    def make(draw: Callable[[Case], Scenario]) -> Family:
        return Family(draw.__name__, ability, setting, inspect.getdoc(draw) or "", draw)

    return make
