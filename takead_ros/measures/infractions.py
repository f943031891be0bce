"""Infractions of an episode, typed and located, with the penalties of CARLA Leaderboard 2.0 as Bench2Drive uses them.

Sources: CARLA Leaderboard 2.0 evaluation criteria; Bench2Drive v0.0.3. docs/measures.md lists the departures.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from takead_ros.domain.scene import ControlKind, LightState, ObjectKind
from takead_ros.domain.stop_signs import stands_before
from takead_ros.measures.episode_log import End, EpisodeLog

PENALTIES: dict[str, float] = {
    "collision_pedestrian": 0.50,
    "collision_vehicle": 0.60,
    "collision_static": 0.65,
    "red_light": 0.70,
    "stop_sign": 0.80,
    "scenario_timeout": 0.70,
    "yield_to_emergency_vehicle": 0.70,
}
VEHICLES = (ObjectKind.CAR, ObjectKind.TRUCK, ObjectKind.CYCLIST, ObjectKind.EMERGENCY_VEHICLE)
# These take away the share of the route itself; they have no factor of their own.
ENDINGS = {End.ROUTE_DEVIATION: "route_deviation", End.BLOCKED: "blocked"}
OFF_ROAD_TOLERANCE = 0.3  # m that a corner of the box may lie beyond the lanes (a tyre on the kerb line)
SAME_COLLISION = 2.0  # s within which touching the same object again is the same collision
STANDING = 0.1  # m/s


@dataclass(frozen=True)
class Infraction:
    """kind: a key of PENALTIES, ``off_road``, or how the episode ended early. time s; x, y m in map; route_s m along
    the route; factor: what the driving score is multiplied by; object_id: whom it concerns (0: nobody)."""

    kind: str
    time: float
    x: float
    y: float
    route_s: float
    factor: float
    object_id: int = 0


def find_infractions(log: EpisodeLog) -> list[Infraction]:
    """All infractions in order of time."""
    found = [*_collisions(log), *_controls(log), *_off_road(log), *_emergency(log), *_ending(log)]
    return sorted(found, key=lambda infraction: (infraction.time, infraction.kind, infraction.object_id))


def _at(log: EpisodeLog, tick: int, kind: str, factor: float, object_id: int = 0) -> Infraction:
    return Infraction(
        kind, tick * log.step_s, float(log.x[tick]), float(log.y[tick]), float(log.route_s[tick]), factor, object_id
    )


def _collisions(log: EpisodeLog) -> list[Infraction]:
    result: list[Infraction] = []
    last: dict[int, int] = {}
    for contact in sorted(log.contacts, key=lambda contact: (contact.tick, contact.object_id)):
        if log.speed[max(contact.tick - 1, 0)] < STANDING:
            continue
        before = last.get(contact.object_id)
        last[contact.object_id] = contact.tick
        if before is not None and (contact.tick - before) * log.step_s < SAME_COLLISION:
            continue
        if contact.kind == ObjectKind.PEDESTRIAN:
            kind = "collision_pedestrian"
        elif contact.kind in VEHICLES:
            kind = "collision_vehicle"
        else:
            kind = "collision_static"
        result.append(_at(log, contact.tick, kind, PENALTIES[kind], contact.object_id))
    return result


def _controls(log: EpisodeLog) -> list[Infraction]:
    """Lines crossed by the ego's front: against red, or past a stop sign without a stop just before it."""
    result: list[Infraction] = []
    for tick in range(1, len(log.controls)):
        before = {control.id: control for control in log.controls[tick - 1]}
        for control in log.controls[tick]:
            earlier = before.get(control.id)
            if earlier is None or not (earlier.distance > 0.0 >= control.distance):
                continue
            if control.kind is ControlKind.TRAFFIC_LIGHT and control.state is LightState.RED:
                result.append(_at(log, tick, "red_light", PENALTIES["red_light"], control.id))
            if control.kind is ControlKind.STOP_SIGN and not _stopped_before(log, tick, control.id):
                result.append(_at(log, tick, "stop_sign", PENALTIES["stop_sign"], control.id))
    return result


def _stopped_before(log: EpisodeLog, tick: int, control_id: int) -> bool:
    return any(
        control.id == control_id and stands_before(control.distance, float(log.speed[earlier]))
        for earlier in range(tick)
        for control in log.controls[earlier]
    )


def _off_road(log: EpisodeLog) -> list[Infraction]:
    """One entry at the first place; its factor is the share of the way driven on the road."""
    outside = log.off_road > OFF_ROAD_TOLERANCE
    if not outside.any():
        return []
    steps = np.hypot(np.diff(log.x), np.diff(log.y))
    share = float(steps[outside[1:]].sum()) / max(float(steps.sum()), 1e-6)
    return [_at(log, int(outside.argmax()), "off_road", max(1.0 - share, 0.0))]


def _emergency(log: EpisodeLog) -> list[Infraction]:
    """One for each emergency vehicle that at the end, or where it was seen last, still is behind the ego."""
    everyone = log.objects.all
    rows = np.flatnonzero(everyone.kind == ObjectKind.EMERGENCY_VEHICLE)
    last = dict(zip(everyone.id[rows].tolist(), rows.tolist(), strict=True))
    result: list[Infraction] = []
    for number, row in last.items():
        tick = int(np.searchsorted(log.objects.first, row, side="right")) - 1
        ahead_x, ahead_y = log.x[tick] - everyone.x[row], log.y[tick] - everyone.y[row]
        if np.cos(everyone.yaw[row]) * ahead_x + np.sin(everyone.yaw[row]) * ahead_y > 0.0:
            kind = "yield_to_emergency_vehicle"
            result.append(_at(log, tick, kind, PENALTIES[kind], number))
    return result


def _ending(log: EpisodeLog) -> list[Infraction]:
    last = len(log.x) - 1
    if log.end is End.TIME_LIMIT:
        return [_at(log, last, "scenario_timeout", PENALTIES["scenario_timeout"])]
    return [_at(log, last, ENDINGS[log.end], 1.0)] if log.end in ENDINGS else []
