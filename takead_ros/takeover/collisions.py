"""Triggers about other road users and stop lines: a predicted collision, following too close."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from takead_ros.domain.driving import Trigger
from takead_ros.domain.scene import ControlKind, EgoState, FloatArray, LightState, Objects, TrafficControl
from takead_ros.takeover import prediction
from takead_ros.takeover.parameters import MonitorParameters
from takead_ros.takeover.view import Finding, Record, View, ahead_s, driver_of, rolled
from takead_ros.takeover.view_kernels import follow_gap


def collision(view: View, p: MonitorParameters) -> Finding:
    policy, expert, near = driver_of(view), view.expert, view.near
    if len(near):
        contact = _contacts(view, near, p)
        mine = contact(view.path)
        i = int(np.argmin(mine))
        when = float(mine[i])
        if np.isfinite(when):
            brakes = policy.output.acceleration - p.better_braking_mps2
            if (
                expert is None
                or expert.output.acceleration < brakes
                or contact(rolled(view.scene, expert, p)).min() >= when + p.better_contact_s
            ):
                severity = 1.0 - 0.5 * when / p.horizon_s
                text = f"contact with object {near.id[i]} in {when:.1f} s"
                return Finding(Trigger.COLLISION_PREDICTED, True, False, severity, when, int(near.id[i]), text)
    line = _line_run(view, p)
    if line is not None:
        when, control = line
        text = f"stop line {control} would be run in {when:.1f} s"
        return Finding(Trigger.COLLISION_PREDICTED, True, False, 0.9 - 0.4 * when / p.horizon_s, when, 0, text)
    return Finding(Trigger.COLLISION_PREDICTED, False, True, 0.0)


COLLISION_PREDICTED = Record(
    Trigger.COLLISION_PREDICTED,
    collision,
    sustain="collision_sustain_s",
    clear="collision_clear_s",
    stops="alone",
    enters="the policy's plan meets a visible road user within horizon_s, or runs a stop line that the expert "
    "respects, and the expert does better",
    clears="it no longer does",
    severity="0.5 to 1, by the time that is left",
)


def _contacts(view: View, near: Objects, p: MonitorParameters) -> Callable[[FloatArray], FloatArray]:
    """A function from ego poses (T, 3) to the s (N,) until contact with each object, by lane following, and for the
    first moments by constant velocity as well."""
    ego, ahead = view.scene.ego, ahead_s(p)
    straight = prediction.constant_velocity(near, ahead)
    on_lane = prediction.lane_following(near, view.lanes, straight, ahead, p)
    size = (ego.length + 2.0 * p.margin_m, ego.width + 2.0 * p.margin_m)
    soon = int(np.searchsorted(ahead, p.straight_ahead_s + 1e-9))

    def contact(poses: FloatArray) -> FloatArray:
        first = prediction.first_contact(poses, size, on_lane, near, ahead)
        if on_lane is straight:
            return first
        return np.minimum(first, prediction.first_contact(poses[:soon], size, straight[:, :soon], near, ahead[:soon]))

    return contact


def _line_run(view: View, p: MonitorParameters) -> tuple[float, int] | None:
    """(s until, id) of a red light's or stop sign's line that the policy crosses and the expert does not."""
    if view.expert is None:
        return None
    for control in view.scene.controls:
        closed = control.kind is ControlKind.STOP_SIGN or control.state is LightState.RED
        if not closed or not control.visible or control.distance < 0.0:
            continue
        past = _past(control, view.path, view.scene.ego, p)
        if past.any() and not _past(control, rolled(view.scene, view.expert, p), view.scene.ego, p).any():
            return float(ahead_s(p)[int(np.argmax(past))]), control.id
    return None


def _past(control: TrafficControl, path: FloatArray, ego: EgoState, p: MonitorParameters) -> np.ndarray:
    """(T,) whether the front of the ego on ``path`` (T, 3) has run the line."""
    along = np.cos(control.yaw) * (path[:, 0] - control.x) + np.sin(control.yaw) * (path[:, 1] - control.y)
    return np.asarray((along + 0.5 * ego.length) > p.stop_line_overrun_m)


def following(view: View, p: MonitorParameters) -> Finding:
    """What crosses the path is left to the predicted collision."""
    ego, policy, expert, near = view.scene.ego, driver_of(view), view.expert, view.near
    if not len(near):
        return Finding(Trigger.TIME_TO_COLLISION, False, True, 0.0)
    own = np.array((ego.x, ego.y, ego.yaw, ego.speed, ego.length, ego.width))
    others = np.array((near.x, near.y, near.yaw, near.vx, near.vy, near.length, near.width), dtype=float)
    k, soonest, must, gap = follow_gap(np.ascontiguousarray(view.path), own, others, p.corridor_m, p.crossing_mps)
    headway = gap / ego.speed if ego.speed > p.headway_speed_mps else np.inf
    braking = -policy.output.acceleration
    harder = expert is None or -expert.output.acceleration > braking + p.better_braking_mps2
    close = (soonest < p.ttc_s and braking < p.braking_share * must) or (headway < p.headway_s and braking < 0.0)
    leave = soonest > p.ttc_exit_s and headway > p.headway_exit_s
    severity = min(max(1.0 - 0.5 * soonest / p.ttc_s, 0.3), 1.0)
    when = soonest if np.isfinite(soonest) else None
    text = f"TTC {soonest:.1f} s, headway {headway:.1f} s"
    return Finding(Trigger.TIME_TO_COLLISION, harder and close, leave, severity, when, int(near.id[k]), text)


TIME_TO_COLLISION = Record(
    Trigger.TIME_TO_COLLISION,
    following,
    sustain="following_sustain_s",
    stops="alone",
    enters="time to collision below ttc_s or headway below headway_s to what goes ahead or stands on the policy's "
    "path, and the policy brakes less than it must and than the expert",
    clears="above ttc_exit_s and headway_exit_s",
    severity="0.3 to 1, by the time to collision",
)
