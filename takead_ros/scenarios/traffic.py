"""Scripted, reactive actors: kinematics along paths, triggers, and what a person at the wheel would do (IDM).

Pure: state in, state out. Source of the car-following law: Treiber, Hennecke, Helbing, Phys. Rev. E 62 (2000) 1805.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from takead_ros.domain.car_following import COMFORT_DECELERATION, MAX_ACCELERATION, STANDSTILL_GAP, idm_acceleration
from takead_ros.domain.geometry import Path
from takead_ros.domain.scene import FloatArray
from takead_ros.scenarios.spec import MOTOR_VEHICLES, Actor, Change, Model, Phase, When

LOOK_AHEAD = 50.0  # m
LOOK_SPACING = 1.5  # m
SIDE_MARGIN = 0.35  # m beside the body that has to stay free
STOP_SHARE = 0.8  # of its hardest braking that an actor uses to stop at a light
LATERAL_ACCELERATION = 2.0  # m/s^2


@dataclass(frozen=True)
class ActorMotion:
    """Where an actor is and what it aims at."""

    s: float  # m along its path
    d: float  # m left of it
    speed: float  # m/s along the path
    drift: float = 0.0  # m/s to the left
    aim_speed: float = 0.0  # m/s
    aim_lateral: float = 0.0  # m
    acceleration: float = MAX_ACCELERATION  # m/s^2 at most
    deceleration: float = COMFORT_DECELERATION  # m/s^2 at most, but for what is in its way
    lateral_speed: float = 1.2  # m/s at most
    phase: int = 0  # of its script that comes next
    phase_since: float = 0.0  # s of its own time at which the phase before began
    born: float = 0.0  # s into the episode at which its own time begins
    hit: bool = False  # a wreck, for good
    gone: bool = False  # not in the world, or not yet


def start(actor: Actor, time: float = 0.0) -> ActorMotion:
    """Where the actor begins, ``time`` s into the episode; its script's own time runs from there."""
    aim = actor.speed if actor.cruise is None else actor.cruise
    return ActorMotion(actor.s, actor.lateral, actor.speed, aim_speed=aim, aim_lateral=actor.lateral, born=time)


def pose(actor: Actor, motion: ActorMotion, path: Path) -> tuple[float, float, float, float, float]:
    """(x m, y m, yaw rad, vx m/s, vy m/s) of the box centre in ``map``."""
    x, y, heading = path.at(motion.s)
    cos, sin = math.cos(heading), math.sin(heading)
    x, y = x - sin * motion.d, y + cos * motion.d
    vx, vy = cos * motion.speed - sin * motion.drift, sin * motion.speed + cos * motion.drift
    yaw = heading + actor.yaw_offset
    if actor.model in (Model.PEDESTRIAN, Model.CYCLIST):
        if math.hypot(motion.speed, motion.drift) > 0.1:
            yaw = heading + math.atan2(motion.drift, motion.speed)
    elif motion.speed > 0.5:
        yaw = heading + math.atan2(motion.drift, motion.speed)
    return x, y, math.remainder(yaw, 2.0 * math.pi), vx, vy


def phase_is_due(
    phase: Phase | Change, s: float, since: float, time: float, ego_gap: float, ego_speed: float, ego_travelled: float
) -> bool:
    """Whether a phase of an actor at ``s`` m, or a light's change, begins; the one before began at ``since`` s.

    ``ego_gap`` m along the ego's route from its front to the actor's box or the stop line.
    """
    if phase.when is When.TIME:
        return time >= phase.value
    if phase.when is When.EGO_GAP:
        return ego_gap <= phase.value
    if phase.when is When.EGO_PASSED:
        return ego_gap >= phase.value
    if phase.when is When.EGO_ARRIVAL:
        return ego_gap / max(ego_speed, 2.0) <= phase.value
    if phase.when is When.EGO_TRAVELLED:
        return ego_travelled >= phase.value
    if phase.when is When.SINCE:
        return time - since >= phase.value
    return s >= phase.value


def wreck(motion: ActorMotion) -> ActorMotion:
    """After a collision: stands where it was hit, for good."""
    return replace(motion, speed=0.0, drift=0.0, hit=True)


def begin_phase(phase: Phase, motion: ActorMotion, time: float) -> ActorMotion:
    return replace(
        motion,
        phase=motion.phase + 1,
        phase_since=time,
        aim_speed=motion.aim_speed if phase.speed is None else phase.speed,
        aim_lateral=motion.aim_lateral if phase.lateral is None else phase.lateral,
        acceleration=MAX_ACCELERATION if phase.acceleration is None else phase.acceleration,
        deceleration=COMFORT_DECELERATION if phase.deceleration is None else phase.deceleration,
        lateral_speed=phase.lateral_speed if phase.lateral is not None else motion.lateral_speed,
    )


def step_actor(
    actor: Actor, motion: ActorMotion, length: float, gap: float, lead_speed: float, dt: float
) -> ActorMotion:
    """One step of dt s. gap m, lead_speed m/s: of what is ahead in the way (inf: nothing). length m of the path."""
    difference = motion.aim_speed - motion.speed
    acceleration = max(min(difference / dt, motion.acceleration), -motion.deceleration)
    if actor.reactive and gap < math.inf:
        acceleration = min(
            acceleration,
            idm_acceleration(motion.speed, motion.aim_speed, gap, lead_speed, actor.braking, actor.headway),
        )
    speed = max(motion.speed + acceleration * dt, 0.0)
    s = motion.s + 0.5 * (motion.speed + speed) * dt
    d, drift = _drift(actor, motion, dt)
    moves = actor.speed > 0.0 or actor.cruise is not None
    return replace(motion, s=s, d=d, speed=speed, drift=drift, gone=moves and s >= length - 1.0)


def _drift(actor: Actor, motion: ActorMotion, dt: float) -> tuple[float, float]:
    """Sideways motion: eased at both ends for vehicles, at once for people on foot."""
    remaining = motion.aim_lateral - motion.d
    if abs(remaining) < 1e-3 and abs(motion.drift) < 0.05:
        return motion.aim_lateral, 0.0
    wanted = math.copysign(min(motion.lateral_speed, math.sqrt(2.0 * LATERAL_ACCELERATION * abs(remaining))), remaining)
    if actor.model in MOTOR_VEHICLES:
        # a car cannot slide sideways: its drift is bounded by its speed
        wanted = math.copysign(min(abs(wanted), 0.35 * motion.speed), wanted)
        change = max(-LATERAL_ACCELERATION * dt, min(LATERAL_ACCELERATION * dt, wanted - motion.drift))
        drift = motion.drift + change
    else:
        drift = wanted
    step = drift * dt
    if abs(step) >= abs(remaining) and step * remaining > 0.0:
        return motion.aim_lateral, drift if actor.model in MOTOR_VEHICLES else 0.0
    return motion.d + step, drift


def stop_line_gap(actor: Actor, motion: ActorMotion) -> float:
    """m to a standing obstacle that makes the actor stop at its line; inf where it is past it or cannot stop."""
    assert actor.light is not None
    room = actor.light[0] - motion.s - actor.length / 2.0
    can_stop = motion.speed**2 < 2.0 * STOP_SHARE * actor.braking * max(room, 0.0)
    return room + STANDSTILL_GAP - 0.5 if can_stop or 0.0 <= room < 1.5 > motion.speed else math.inf


def blockers(
    actors: tuple[Actor, ...],
    motions: list[ActorMotion],
    paths: list[Path],
    boxes: FloatArray,
    own: list[int],
) -> dict[int, tuple[float, float]]:
    """For each actor index in ``own``: (gap m, speed m/s along its path) of the nearest box in its way ahead.

    ``boxes`` (N, 7): x, y, yaw, length, width, vx, vy in ``map`` of all actors in their order, then the ego; actors
    that are gone have NaN. Each box counts as five points along its length.
    """
    share = np.array([-0.5, -0.25, 0.0, 0.25, 0.5])
    forward = np.stack([np.cos(boxes[:, 2]), np.sin(boxes[:, 2])], axis=1)
    spots = boxes[:, None, :2] + share[None, :, None] * boxes[:, None, 3:4] * forward[:, None, :]  # (N, 5, 2)
    result: dict[int, tuple[float, float]] = {}
    for i in own:
        motion, path, actor = motions[i], paths[i], actors[i]
        # from within the own front: what is beside the rear or behind will give way itself
        ahead = np.arange(0.3 * actor.length, LOOK_AHEAD, LOOK_SPACING) + motion.s
        px, py = np.interp(ahead, path.arc, path.points[:, 0]), np.interp(ahead, path.arc, path.points[:, 1])
        yaw = np.interp(ahead, path.arc, path.yaw)
        px, py = px - np.sin(yaw) * motion.d, py + np.cos(yaw) * motion.d
        distance2 = (spots[:, :, None, 0] - px) ** 2 + (spots[:, :, None, 1] - py) ** 2  # (N, 5, A)
        reach = actor.width / 2.0 + boxes[:, 4] / 2.0 + SIDE_MARGIN
        near = distance2 < (np.maximum(reach, LOOK_SPACING * 0.5) ** 2)[:, None, None]
        near[i] = False
        hits = near.any(1)  # (N, A)
        if not hits.any():
            continue
        first = np.where(hits.any(1), hits.argmax(1), len(ahead))
        j = int(first.argmin())
        heading = float(yaw[first[j]])
        along = math.cos(heading) * boxes[j, 5] + math.sin(heading) * boxes[j, 6]
        in_way = near[j].any(1)
        away = np.hypot(*(spots[j, in_way] - boxes[i, :2]).T).min()
        result[i] = (float(away) - actor.length / 2.0, max(float(along), 0.0))
    return result
