"""Scenario families: each a pure function of a seed. ``build(family, seed)`` is the only way in.

FAMILIES are short and make up the suite ``core``: those of which long routes are strung together (``long.STREETS``,
``long.JUNCTIONS``), and those that need roads of their own. OTHER_FAMILIES belong to suites of their own.
"""

from __future__ import annotations

from collections.abc import Callable

from takead_ros.domain.errors import TakeadError, unknown
from takead_ros.scenarios import long, priority, ramps, town
from takead_ros.scenarios import safe_metadrive as simulators
from takead_ros.scenarios.spec import Ability, Actor, Scenario

FAMILIES: dict[str, Callable[[int], Scenario]] = {
    family.__name__: family
    for family in (
        *long.STREETS,
        *long.JUNCTIONS,
        ramps.ramp_merge,
        ramps.ramp_exit,
        ramps.lane_drop,
        priority.roundabout_entry,
        priority.t_junction,
        priority.emergency_vehicle,
    )
}
OTHER_FAMILIES: dict[str, Callable[[int], Scenario]] = {
    family.__name__: family for family in (long.long_street, long.long_town, simulators.safe_metadrive, town.town01)
}
ALL_FAMILIES = {**FAMILIES, **OTHER_FAMILIES}


def build(family: str, seed: int) -> Scenario:
    """The scenario of ``family`` for ``seed`` (>= 0); the same pair always gives the same scenario.

    Raises TakeadError for an unknown family or a negative seed.
    """
    if family not in ALL_FAMILIES:
        raise unknown("scenario family", family, ALL_FAMILIES)
    if seed < 0:
        raise TakeadError(f"scenario seed {seed}: expected a non-negative integer")
    return ALL_FAMILIES[family](seed)


__all__ = ["ALL_FAMILIES", "FAMILIES", "OTHER_FAMILIES", "Ability", "Actor", "Scenario", "build"]
