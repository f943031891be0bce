"""Where the ego must stop or slow down: traffic controls, bends, hiding places, leads, crossing traffic."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from takead_ros.domain.scene import ControlKind, EgoState, FloatArray, IntArray, LightState, ObjectKind, Scene
from takead_ros.expert.forecast import EVERY, KNOTS, Actors
from takead_ros.expert.frame import BEHIND, Frame
from takead_ros.expert.kernels import route as kernel
from takead_ros.expert.kernels.limits import in_the_way, speed_limits
from takead_ros.expert.kernels.motion import speed_profile
from takead_ros.expert.lanes import Lanes
from takead_ros.expert.memory import Memory
from takead_ros.expert.oncoming import Oncoming
from takead_ros.expert.parameters import ExpertParameters
from takead_ros.expert.paths import Paths
from takead_ros.expert.rollout import Surroundings

_CAR, _TRUCK, _OBSTACLE = int(ObjectKind.CAR), int(ObjectKind.TRUCK), int(ObjectKind.OBSTACLE)
_ENTRY_GAP = 2.0  # m that the front keeps from the first lane that crosses
_JUNCTION_SLACK = 8.0  # m before that in which the way of crossing traffic still belongs to the junction
_JOLT = 5.0  # m/s^2
_CLOSE = 2.3  # m kept to a standing obstacle, so as to be out of the way of an oncoming vehicle


@dataclass(frozen=True)
class Wall:
    """A stop line that is closed now: the front stops ``along`` m ahead of the ego's centre; ``line`` m: the line."""

    along: float
    line: float
    kind: str
    control_id: int
    visible: bool


@dataclass(frozen=True)
class Corridor:
    """The actors seen along the route at the knots: along offset (N, S) m, extents along and across (N, S) m,
    same (N, S): cosine of its heading against the route's; inside (L, N, S): in the way of path l."""

    along: FloatArray
    offset: FloatArray
    extent_along: FloatArray
    extent_across: FloatArray
    same: FloatArray
    inside: np.ndarray


def closed_line(
    scene: Scene, memory: Memory, parameters: ExpertParameters
) -> tuple[Wall | None, frozenset[int], float | None]:
    """(nearest closed stop line or None, stop signs that are dealt with, distance m to a yield line or None)."""
    ego = scene.ego
    dealt = set(memory.stopped_at)
    nearest: Wall | None = None
    yield_line: float | None = None
    for control in scene.controls:
        if control.distance < -1.0 or not (control.visible or parameters.privileged):
            continue
        room = max(control.distance, 0.05)
        needed = ego.speed**2 / (2.0 * room)
        if control.kind == ControlKind.TRAFFIC_LIGHT:
            if control.state == LightState.GREEN:
                continue
            can = needed < (3.5 if control.state == LightState.YELLOW else 0.9 * parameters.max_deceleration_mps2)
            if not can:
                continue
            kind = "red_light" if control.state == LightState.RED else "yellow_light"
        elif control.kind == ControlKind.STOP_SIGN:
            if ego.speed < 0.15 and control.distance < parameters.stop_line_gap_m + 2.0:
                dealt.add(control.id)
            if control.id in dealt:
                yield_line = control.distance if yield_line is None else min(yield_line, control.distance)
                continue
            if needed > 0.9 * parameters.max_deceleration_mps2:
                continue
            kind = "stop_sign"
        else:
            yield_line = control.distance if yield_line is None else min(yield_line, control.distance)
            continue
        line = control.distance + 0.5 * ego.length
        if nearest is None or line < nearest.line:
            nearest = Wall(line - parameters.stop_line_gap_m, line, kind, control.id, control.visible)
    return nearest, frozenset(dealt), yield_line


def corridor(frame: Frame, actors: Actors, paths: Paths, ego: EgoState, parameters: ExpertParameters) -> Corridor:
    """Who is in the way of which path, at the knots."""
    margin = np.where(actors.person, parameters.person_margin_m, parameters.side_margin_m)
    return Corridor(
        *kernel.corridor(
            frame.x, frame.y, frame.yaw, BEHIND, actors.x, actors.y, actors.yaw, actors.v, EVERY, actors.length,
            actors.width, margin, paths.offset, ego.width,
        )
    )  # fmt: skip


def merging(seen: Corridor) -> np.ndarray:
    """(N,) bool: who drives beside some path now and will be on it, in the ego's direction."""
    later = (seen.inside & ~seen.inside[:, :, :1]).any(axis=(0, 2))
    return np.asarray(later & (seen.same > 0.7).all(axis=1))


def nearby(paths: Paths, actors: Actors, seen: Corridor, ego: EgoState, parameters: ExpertParameters) -> np.ndarray:
    """(N,) bool: who comes close enough to some path, at some time, to be worth scoring."""
    margin = np.where(actors.person, parameters.person_margin_m, parameters.side_margin_m)
    reach = 0.5 * ego.width + margin + 0.6
    return kernel.nearby(seen.along, seen.offset, seen.extent_across, reach, paths.offset)


def speed_caps(
    paths: Paths, actors: Actors, seen: Corridor, ego: EgoState, limit: float, yield_line: float | None,
    parameters: ExpertParameters,
) -> tuple[FloatArray, FloatArray, IntArray]:  # fmt: skip
    """(profile (L, G) m/s that needs no hard braking, the caps behind it (L, G), what caps (L, G): -1 the limit,
    -2 a bend, -3 a yield line, else the actor that may hide somebody)."""
    p = parameters
    kind = actors.kind
    bulky = (kind == _CAR) | (kind == _TRUCK) | (kind == _OBSTACLE)
    cap, why = speed_limits(
        paths.offset, paths.curvature, bulky & (actors.speed < 0.5) & (actors.length > 2.0), seen.along, seen.offset,
        seen.extent_along, seen.extent_across,
        max(limit, ego.speed),  # nobody brakes hard for a limit: the paces see to it
        np.inf if yield_line is None else yield_line, p.max_lateral_acceleration_mps2, p.occlusion_speed_mps,
        p.occlusion_gain_per_s, p.occlusion_reach_m, ego.length, ego.width,
    )  # fmt: skip
    return speed_profile(cap, paths.rate, p.comfort_deceleration_mps2), cap, why


def surroundings(
    paths: Paths, actors: Actors, seen: Corridor, lanes: Lanes, frame: Frame, cap: FloatArray, wall: Wall | None,
    oncoming: Oncoming, hurries: bool, ego: EgoState, impatience: float, parameters: ExpertParameters,
) -> Surroundings:  # fmt: skip
    """What the longitudinal proposals have to mind. ``impatience`` 0..1 narrows the gap to those that stand too.
    ``hurries``: so does being in the way of ``oncoming`` ones."""
    front = 0.5 * ego.length
    stoppable = front + ego.speed**2 / (2.0 * 0.9 * parameters.max_deceleration_mps2)
    against = oncoming.against & (oncoming.limit > 0.0)
    rear, lead_speed, for_people, for_vehicles, meets = in_the_way(
        seen.inside, seen.along, seen.extent_along, seen.same, actors.v, EVERY, paths.overtaken, actors.person,
        against, KNOTS, stoppable,
    )  # fmt: skip
    standing = (actors.speed < 0.5) & ~actors.has_moved & ~actors.person
    gap = np.where(standing, _CLOSE if hurries else parameters.blocker_gap_m, parameters.standstill_gap_m)
    gap = np.where(actors.speed < 0.5, gap * (1.0 - np.where(standing, 0.3, 0.8) * impatience), gap)

    # The yielding proposals stop before the first place where somebody comes into the way from the side.
    if (for_vehicles < np.inf).any():
        # Wait outside the junction, where nobody's way is blocked, if that can still be done without a jolt.
        first = kernel.first_crossing(
            frame.x, frame.y, frame.yaw, BEHIND, lanes.x, lanes.y, lanes.yaw, lanes.own, ego.x, ego.y, ego.yaw,
            ego.length, ego.width,
        )  # fmt: skip
        entry = first - _ENTRY_GAP
        if entry > front + ego.speed**2 / (2.0 * _JOLT):
            in_junction = (for_vehicles < np.inf) & (for_vehicles > entry - _JUNCTION_SLACK)
            for_vehicles = np.where(in_junction, entry, for_vehicles)
    for path in np.flatnonzero(meets):  # ... and before they leave their own side for an oncoming one
        beyond = paths.offset[path] > oncoming.limit
        for_vehicles[path] = min(for_vehicles[path], max(float(beyond.argmax()) - 1.0 + front, stoppable))
    yield_wall = np.minimum(for_people, for_vehicles)
    closed = np.full(len(paths.kind), np.inf if wall is None else wall.along)
    return Surroundings(cap, rear, lead_speed, gap, closed, yield_wall)
