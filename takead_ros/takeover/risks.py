"""The triggers, each with its record in one place: what is wrong with the policy at one scene, without memory.

A trigger is a function of the ``View`` under ``@trigger(...)``, which says how long its conditions must last, what
people are told about it, and what the arbiter does where no expert is fit. ``RECORDS`` has them all. To add one: its
number in ``domain.driving.Trigger`` and ``msg/TakeoverRequest.msg``, its thresholds in ``MonitorParameters``, and its
function here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from takead_ros.domain.driving import DriverOutput, Trigger
from takead_ros.domain.geometry import project
from takead_ros.domain.scene import ControlKind, FloatArray, LightState, Objects, Scene
from takead_ros.takeover import prediction
from takead_ros.takeover.parameters import MonitorParameters
from takead_ros.takeover.plans import NS, Driver
from takead_ros.takeover.prediction import Lanes

NEAREST_M, SLOWEST_MPS = 0.05, 1e-3  # keep a division defined


class View(NamedTuple):
    """What a trigger may look at. Poses in ``map``."""

    scene: Scene
    policy: Driver | None  # its newest output; None: none so far
    expert: Driver | None  # None: there is none to compare with
    lanes: Lanes | None  # of the scene
    stood_s: float  # s for which the ego has stood
    waited_s: float  # s since the first scene
    near: Objects  # that may matter within the horizon
    path: FloatArray  # (T, 3) poses of the ego under the policy's plan; empty where that cannot be used


@dataclass(frozen=True)
class Finding:
    """One trigger at one scene: enter and exit condition, severity 0..1, time to event s (None: does not apply)."""

    trigger: Trigger
    enter: bool
    leave: bool
    severity: float
    time_to_event: float | None = None
    object_id: int = 0
    text: str = ""


Find = Callable[[View, MonitorParameters], "Finding | None"]


@dataclass(frozen=True)
class Record:
    """A trigger: what it finds, for how long its conditions must last, and what is said about it.

    ``sustain`` and ``clear`` name the parameters (s) for which the enter and the exit condition must last (None: the
    enter condition counts at once). ``stops``: without a fit expert the vehicle stops, rather than that the policy goes
    on. ``of_plan``: it is asked only of a policy whose plan can be used.
    """

    trigger: Trigger
    find: Find
    sustain: str | None
    clear: str
    enters: str
    clears: str
    severity: str
    stops: bool
    of_plan: bool

    def sustain_s(self, p: MonitorParameters) -> float:
        return float(getattr(p, self.sustain)) if self.sustain is not None else 0.0

    def clear_s(self, p: MonitorParameters) -> float:
        return float(getattr(p, self.clear))


RECORDS: dict[Trigger, Record] = {}


def trigger(
    which: Trigger, *, enters: str, clears: str, severity: str, sustain: str | None = None, clear: str = "clear_s",
    stops: bool = False, of_plan: bool = True,
) -> Callable[[Find], Find]:  # fmt: skip
    """Enter a function as the trigger ``which``, with the rest of its ``Record``."""

    def enter(find: Find) -> Find:
        RECORDS[which] = Record(which, find, sustain, clear, enters, clears, severity, stops, of_plan)
        return find

    return enter


def ahead_s(p: MonitorParameters) -> FloatArray:
    """(T,) s ahead at which the paths are compared."""
    return prediction.times(p.horizon_s)


def rolled(scene: Scene, driver: Driver, p: MonitorParameters) -> FloatArray:
    """Poses (T, 3) of the ego under a driver's plan."""
    assert driver.trace is not None  # only usable drivers come here
    return prediction.roll_out(driver.trace, (scene.stamp - driver.output.stamp) / NS, scene.ego, ahead_s(p), p)


def in_reach(scene: Scene, p: MonitorParameters) -> Objects:
    """Visible objects that may matter within the horizon; what comes up from behind is not the ego's to avoid."""
    objects, ego = scene.objects, scene.ego
    if not len(objects):
        return objects
    dx, dy = objects.x - ego.x, objects.y - ego.y
    reach = p.horizon_s * (ego.speed + np.hypot(objects.vx, objects.vy)) + p.reach_m
    ahead = np.cos(ego.yaw) * dx + np.sin(ego.yaw) * dy > -0.5 * ego.length
    return objects.select((objects.visibility > 0.0) & ahead & (dx * dx + dy * dy < reach * reach))


@trigger(
    Trigger.POLICY_UNHEALTHY, of_plan=False, clear="unhealthy_clear_s",
    enters="late, failed, not finite, out of range, or the plan jumps", clears="healthy", severity="1",
)  # fmt: skip
def unhealthy(view: View, p: MonitorParameters) -> Finding | None:
    if view.policy is None:
        silent = view.waited_s > p.policy_max_age_s
        return Finding(Trigger.POLICY_UNHEALTHY, True, False, 1.0, text="no policy output") if silent else None
    late = "" if (view.scene.stamp - view.policy.output.stamp) / NS <= p.policy_max_age_s else "late"
    fault = view.policy.fault or late
    return Finding(Trigger.POLICY_UNHEALTHY, bool(fault), not fault, 1.0, text=fault)


@trigger(
    Trigger.COLLISION_PREDICTED, sustain="collision_sustain_s", clear="collision_clear_s", stops=True,
    enters="the policy's plan meets a visible road user within horizon_s, or runs a stop line that the expert "
    "respects, and the expert does better",
    clears="it no longer does", severity="0.5 to 1, by the time that is left",
)  # fmt: skip
def collision(view: View, p: MonitorParameters) -> Finding:
    scene, policy, expert, ahead = view.scene, _driver(view), view.expert, ahead_s(p)
    near, path = view.near, view.path
    theirs = rolled(scene, expert, p) if expert is not None and (len(near) or scene.controls) else None
    if len(near):
        contact = _contacts(view, near, p)
        mine = contact(path)
        i = int(np.argmin(mine))
        when = float(mine[i])
        if np.isfinite(when):
            if expert is None or theirs is None:
                better = True
            else:
                harder = expert.output.acceleration < policy.output.acceleration - p.better_braking_mps2
                better = harder or contact(theirs).min() >= when + p.better_contact_s
            if better:
                severity = 1.0 - 0.5 * when / p.horizon_s
                text = f"contact with object {near.id[i]} in {when:.1f} s"
                return Finding(Trigger.COLLISION_PREDICTED, True, False, severity, when, int(near.id[i]), text)
    line = _line_run(scene, path, theirs, ahead, p)
    if line is not None:
        when, control = line
        text = f"stop line {control} would be run in {when:.1f} s"
        return Finding(Trigger.COLLISION_PREDICTED, True, False, 0.9 - 0.4 * when / p.horizon_s, when, 0, text)
    return Finding(Trigger.COLLISION_PREDICTED, False, True, 0.0)


def _driver(view: View) -> Driver:
    assert view.policy is not None  # records ``of_plan`` are asked only of a usable policy
    return view.policy


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


def _line_run(
    scene: Scene, path: FloatArray, expert_path: FloatArray | None, ahead: FloatArray, p: MonitorParameters
) -> tuple[float, int] | None:
    """(s until, id) of a red light's or stop sign's line that the policy crosses and the expert does not."""
    if expert_path is None:
        return None
    for control in scene.controls:
        closed = control.kind is ControlKind.STOP_SIGN or control.state is LightState.RED
        if not closed or not control.visible or control.distance < 0.0:
            continue
        front = 0.5 * scene.ego.length
        cos, sin = np.cos(control.yaw), np.sin(control.yaw)
        past = [
            (cos * (poses[:, 0] - control.x) + sin * (poses[:, 1] - control.y) + front) > p.stop_line_overrun_m
            for poses in (path, expert_path)
        ]
        if past[0].any() and not past[1].any():
            return float(ahead[int(np.argmax(past[0]))]), control.id
    return None


@trigger(
    Trigger.STEERING_DISAGREEMENT, sustain="disagreement_sustain_s",
    enters="policy and expert steer more than disagreement_share of full lock apart, above disagreement_speed_mps",
    clears="less than disagreement_exit_share apart, or slower", severity="0.4 and more, by the difference",
)  # fmt: skip
def disagreement(view: View, p: MonitorParameters) -> Finding | None:
    if view.expert is None:
        return None
    ego, policy, expert = view.scene.ego, _driver(view).output, view.expert.output
    share = abs(policy.steering_angle - expert.steering_angle) / ego.max_steering_angle
    moving = ego.speed > p.disagreement_speed_mps
    return Finding(
        Trigger.STEERING_DISAGREEMENT,
        moving and share > p.disagreement_share,
        not moving or share < p.disagreement_exit_share,
        min(max(0.4 + 0.5 * (share - p.disagreement_share), 0.0), 1.0),
        text=f"steering differs by {share:.2f} of full lock",
    )


@trigger(
    Trigger.TIME_TO_COLLISION, sustain="following_sustain_s", stops=True,
    enters="time to collision below ttc_s or headway below headway_s to what goes ahead or stands on the policy's "
    "path, and the policy brakes less than it must and than the expert",
    clears="above ttc_exit_s and headway_exit_s", severity="0.3 to 1, by the time to collision",
)  # fmt: skip
def following(view: View, p: MonitorParameters) -> Finding:
    """What crosses the path is left to the predicted collision."""
    ego, policy, expert, near = view.scene.ego, _driver(view), view.expert, view.near
    if not len(near):
        return Finding(Trigger.TIME_TO_COLLISION, False, True, 0.0)
    line = np.vstack(((ego.x, ego.y, ego.yaw), view.path))
    arc = np.concatenate(([0.0], np.cumsum(np.hypot(line[1:, 0] - line[:-1, 0], line[1:, 1] - line[:-1, 1]))))
    dx, dy = near.x[:, None] - line[:, 0], near.y[:, None] - line[:, 1]
    i = (dx * dx + dy * dy).argmin(axis=1)
    dx, dy, heading = dx[np.arange(len(i)), i], dy[np.arange(len(i)), i], line[i, 2]
    cos, sin = np.cos(heading), np.sin(heading)
    turn = near.yaw - heading
    across, along = np.abs(np.sin(turn)), np.abs(np.cos(turn))
    beside = np.abs(cos * dy - sin * dx) - 0.5 * (near.length * across + near.width * along + ego.width)
    far = arc[i] + cos * dx + sin * dy
    gap = np.maximum(far - 0.5 * (near.length * along + near.width * across + ego.length), NEAREST_M)
    closing = ego.speed - (near.vx * cos + near.vy * sin)
    inside = (beside < p.corridor_m) & (far > 0.0) & (np.abs(near.vy * cos - near.vx * sin) < p.crossing_mps)
    ttc = np.where(inside & (closing > 0.0), gap / np.maximum(closing, SLOWEST_MPS), np.inf)
    headway = float(np.where(inside, gap, np.inf).min()) / ego.speed if ego.speed > p.headway_speed_mps else np.inf
    k = int(np.argmin(ttc))
    soonest, must = float(ttc[k]), float(closing[k] ** 2 / (2.0 * gap[k]))
    braking = -policy.output.acceleration
    harder = expert is None or -expert.output.acceleration > braking + p.better_braking_mps2
    close = (soonest < p.ttc_s and braking < p.braking_share * must) or (headway < p.headway_s and braking < 0.0)
    leave = soonest > p.ttc_exit_s and headway > p.headway_exit_s
    severity = min(max(1.0 - 0.5 * soonest / p.ttc_s, 0.3), 1.0)
    when = soonest if np.isfinite(soonest) else None
    text = f"TTC {soonest:.1f} s, headway {headway:.1f} s"
    return Finding(Trigger.TIME_TO_COLLISION, harder and close, leave, severity, when, int(near.id[k]), text)


@trigger(
    Trigger.STUCK, enters="stands for stuck_s while only the expert would go",
    clears="it moves, or the policy would go, or the expert would not", severity="0.3",
)  # fmt: skip
def stuck(view: View, p: MonitorParameters) -> Finding | None:
    if view.expert is None:
        return None
    waits = _goes(view.expert.output, p) and not _goes(_driver(view).output, p)
    return Finding(
        Trigger.STUCK, waits and view.stood_s >= p.stuck_s, not waits or view.stood_s == 0.0, 0.3,
        text=f"stands for {view.stood_s:.1f} s while the expert would go",
    )  # fmt: skip


def _goes(output: DriverOutput, p: MonitorParameters) -> bool:
    return float(output.plan.speed.max(initial=0.0)) > p.stuck_expert_mps and output.acceleration > 0.0


@trigger(
    Trigger.OFF_ROUTE, sustain="off_route_sustain_s",
    enters="farther from the route than off_route_m or turned from it by off_route_yaw_rad, the policy not returning",
    clears="within off_route_exit_m and off_route_yaw_exit_rad, or the policy returns as the expert would",
    severity="0.4 to 0.8, by the distance",
)  # fmt: skip
def off_route(view: View, p: MonitorParameters) -> Finding:
    """Unless the expert means to stay there as well: it passes something."""
    scene, policy, expert = view.scene, _driver(view).output, view.expert
    offset, yaw = abs(scene.route.lateral_offset), abs(scene.route.heading_error)
    far = offset > p.off_route_m or yaw > p.off_route_yaw_rad
    near = offset < p.off_route_exit_m and yaw < p.off_route_yaw_exit_rad
    if not near and expert is not None:
        near = _end_offset(scene, policy) <= _end_offset(scene, expert.output) + p.off_route_return_m
    severity = min(max(0.4 + 0.1 * (offset - p.off_route_m), 0.4), 0.8)
    text = f"{offset:.1f} m and {yaw:.2f} rad off"
    return Finding(Trigger.OFF_ROUTE, far and not near, near, severity, text=text)


def _end_offset(scene: Scene, output: DriverOutput) -> float:
    """Distance (m) from the route to the end of a plan."""
    ego, plan = scene.ego, output.plan
    x = ego.x + np.cos(ego.yaw) * plan.x[-1] - np.sin(ego.yaw) * plan.y[-1]
    y = ego.y + np.sin(ego.yaw) * plan.x[-1] + np.cos(ego.yaw) * plan.y[-1]
    return abs(project(scene.route.path, float(x), float(y))[1])


STOPPING = frozenset(which for which, record in RECORDS.items() if record.stops)  # without a fit expert: stop
