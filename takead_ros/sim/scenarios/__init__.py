"""Scenario families: each a pure function of a seed. ``build(family, seed)`` is the only way in.

FAMILIES are short and make up the suite ``core``; OTHER_FAMILIES belong to suites of their own.
"""

from __future__ import annotations

from collections.abc import Callable

from takead_ros.domain.errors import TakeadError
from takead_ros.sim.scenarios import (
    crossings,
    following,
    junctions,
    long,
    merging,
    obstacles,
    passing,
    priority,
    ramps,
    simulators,
    town,
)
from takead_ros.sim.scenarios.spec import Ability, Actor, Scenario

FAMILIES: dict[str, Callable[[int], Scenario]] = {
    family.__name__: family
    for family in (
        following.lead_hard_brake,
        following.cut_in,
        obstacles.broken_down_car,
        obstacles.pedestrian_from_van,
        junctions.intersection_left,
        junctions.intersection_right,
        merging.close_cut_in,
        merging.cut_out,
        merging.parking_exit,
        passing.parked_with_oncoming,
        passing.construction_cones,
        passing.slow_cyclist,
        passing.accident,
        passing.opened_door,
        passing.oncoming_invades,
        crossings.pedestrian_crossing,
        crossings.cyclist_crossing,
        crossings.crossing_straight,
        crossings.red_light_runner,
        crossings.red_light,
        crossings.yellow_dilemma,
        crossings.stop_sign,
        crossings.speed_limit_change,
        crossings.blocked_junction,
        ramps.ramp_merge,
        priority.roundabout_entry,
        priority.t_junction,
        ramps.lane_drop,
        ramps.ramp_exit,
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
        raise TakeadError(f"scenario family '{family}': unknown, expected one of {', '.join(sorted(ALL_FAMILIES))}")
    if seed < 0:
        raise TakeadError(f"scenario seed {seed}: expected a non-negative integer")
    return ALL_FAMILIES[family](seed)


__all__ = ["ALL_FAMILIES", "FAMILIES", "OTHER_FAMILIES", "Ability", "Actor", "Scenario", "build"]
