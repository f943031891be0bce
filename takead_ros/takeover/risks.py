"""What is wrong with the policy at one scene: each risk with its enter and its exit condition, no memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from takead_ros.domain.driving import DriverOutput, DriverStatus, Trigger
from takead_ros.domain.geometry import project
from takead_ros.domain.scene import ControlKind, FloatArray, LightState, Objects, Scene
from takead_ros.takeover import prediction
from takead_ros.takeover.parameters import MonitorParameters
from takead_ros.takeover.prediction import Lanes, Trace

NS = 1_000_000_000
JUMP = "plan_jump"
STRAIGHT_AHEAD_S = 1.0  # constant velocity is believed this long, lane following over the whole horizon
BETTER_BY_S, BETTER_BY_MPS2 = 0.3, 1.0  # the expert does better: contact this much later, or braking this much harder
JUMP_AT_S = 1.0  # two plans are compared this far ahead
DISAGREEMENT_SPEED = 1.0  # m/s; slower, the wheel's angle means little
RANGE_RAD, RANGE_MPS2, RANGE_MPS = 0.9, 15.0, 75.0
CORRIDOR_M = 0.3  # beside the ego's box, for what counts as ahead on the path
ENOUGH = 0.7  # share of the needed braking with which the policy is seen to act on it
RETURNS_M = 1.0  # the policy returns to the route when its plan ends at most this much farther out than the expert's
CROSSING = 1.0  # m/s across the path; faster, it crosses
CREEP = 2.0  # m/s; slower, headway means little


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


@dataclass(frozen=True, eq=False)
class Driver:
    """A driver's newest output with its path in ``map``; ``sound``: it may be used (see ``fault``)."""

    output: DriverOutput
    trace: Trace | None
    fault: str = ""

    @property
    def usable(self) -> bool:
        return self.trace is not None and self.fault in ("", JUMP)


def of_policy(
    scene: Scene, policy: Driver, expert: Driver | None, lanes: Lanes | None, stood_s: float, p: MonitorParameters
) -> list[Finding]:
    """Every risk of a usable policy; ``expert`` None: there is none to compare with; ``stood_s``: s the ego stands."""
    ahead = prediction.times(p.horizon_s)
    near = _in_reach(scene, p)
    path = _rolled(scene, policy, ahead)
    findings = [
        _collision(scene, policy, expert, lanes, near, path, ahead, p),
        _following(scene, policy.output, expert, near, path, p),
        _off_route(scene, policy.output, expert, p),
    ]
    if expert is not None:
        findings.append(_disagreement(scene, policy.output, expert.output, p))
        findings.append(_stuck(policy.output, expert.output, stood_s, p))
    return findings


def unhealthy(scene: Scene, policy: Driver, p: MonitorParameters) -> Finding:
    """Whether the policy's newest output is failed, broken, jumping or late."""
    late = "" if (scene.stamp - policy.output.stamp) / NS <= p.policy_max_age_s else "late"
    fault = policy.fault or late
    return Finding(Trigger.POLICY_UNHEALTHY, bool(fault), not fault, 1.0, None, 0, fault)


def fault(output: DriverOutput) -> str:
    """Why an output must not be used, or empty."""
    if output.status is not DriverStatus.OK:
        return f"status_{output.status.name.lower()}"
    plan = output.plan
    if not 2 <= len(plan.x) == len(plan.y) == len(plan.yaw) == len(plan.speed):
        return "malformed"
    values = np.concatenate((plan.x, plan.y, plan.yaw, plan.speed, (output.steering_angle, output.acceleration)))
    if not np.isfinite(values).all():
        return "not_finite"
    fast = np.abs(plan.speed).max() > RANGE_MPS
    if abs(output.steering_angle) > RANGE_RAD or abs(output.acceleration) > RANGE_MPS2 or fast:
        return "out_of_range"
    return ""


def jump(new: Driver, before: Driver, p: MonitorParameters) -> str:
    """Whether two plans in a row are farther apart at the same moment than a change of mind explains: beside the old
    path, or along it beyond what braking instead of accelerating makes. Slower on the same bend is no way beside it."""
    if new.trace is None or before.trace is None:
        return ""
    elapsed = (new.output.stamp - before.output.stamp) / NS
    if not 0.0 < elapsed < JUMP_AT_S:
        return ""
    x, y = (float(np.interp(JUMP_AT_S, new.trace.t, values)) for values in (new.trace.x, new.trace.y))
    old = before.trace
    dx, dy = x - old.x, y - old.y
    i = int((dx * dx + dy * dy).argmin())
    cos, sin = np.cos(old.yaw[i]), np.sin(old.yaw[i])
    sideways = abs(cos * dy[i] - sin * dx[i])
    along = abs(old.arc[i] + cos * dx[i] + sin * dy[i] - np.interp(JUMP_AT_S + elapsed, old.t, old.arc))
    return JUMP if sideways > p.plan_jump_m or along > p.plan_jump_along_m else ""


def _in_reach(scene: Scene, p: MonitorParameters) -> Objects:
    """Visible objects that may matter within the horizon; what comes up from behind is not the ego's to avoid."""
    objects, ego = scene.objects, scene.ego
    if not len(objects):
        return objects
    dx, dy = objects.x - ego.x, objects.y - ego.y
    reach = p.horizon_s * (ego.speed + np.hypot(objects.vx, objects.vy)) + 12.0
    ahead = np.cos(ego.yaw) * dx + np.sin(ego.yaw) * dy > -0.5 * ego.length
    return objects.select((objects.visibility > 0.0) & ahead & (dx * dx + dy * dy < reach * reach))


def _rolled(scene: Scene, driver: Driver, ahead: FloatArray) -> FloatArray:
    assert driver.trace is not None  # only usable drivers come here
    return prediction.roll_out(driver.trace, (scene.stamp - driver.output.stamp) / NS, scene.ego, ahead)


def _collision(
    scene: Scene, policy: Driver, expert: Driver | None, lanes: Lanes | None, near: Objects, path: FloatArray,
    ahead: FloatArray, p: MonitorParameters,
) -> Finding:  # fmt: skip
    theirs = _rolled(scene, expert, ahead) if expert is not None and (len(near) or scene.controls) else None
    if len(near):
        contact = _contacts(scene, near, lanes, ahead, p)
        mine = contact(path)
        i = int(np.argmin(mine))
        when = float(mine[i])
        if np.isfinite(when):
            if expert is None or theirs is None:
                better = True
            else:
                harder = expert.output.acceleration < policy.output.acceleration - BETTER_BY_MPS2
                better = harder or contact(theirs).min() >= when + BETTER_BY_S
            if better:
                severity = 1.0 - 0.5 * when / p.horizon_s
                text = f"contact with object {near.id[i]} in {when:.1f} s"
                return Finding(Trigger.COLLISION_PREDICTED, True, False, severity, when, int(near.id[i]), text)
    line = _line_run(scene, path, theirs, ahead)
    if line is not None:
        when, control = line
        text = f"stop line {control} would be run in {when:.1f} s"
        return Finding(Trigger.COLLISION_PREDICTED, True, False, 0.9 - 0.4 * when / p.horizon_s, when, 0, text)
    return Finding(Trigger.COLLISION_PREDICTED, False, True, 0.0)


def _contacts(
    scene: Scene, near: Objects, lanes: Lanes | None, ahead: FloatArray, p: MonitorParameters
) -> Callable[[FloatArray], FloatArray]:
    """A function from ego poses (T, 3) to the s (N,) until contact with each object, by lane following, and for the
    first moments by constant velocity as well."""
    straight = prediction.constant_velocity(near, ahead)
    on_lane = prediction.lane_following(near, lanes, straight, ahead)
    size = (scene.ego.length + 2.0 * p.margin_m, scene.ego.width + 2.0 * p.margin_m)
    soon = int(np.searchsorted(ahead, STRAIGHT_AHEAD_S + 1e-9))

    def contact(ego: FloatArray) -> FloatArray:
        first = prediction.first_contact(ego, size, on_lane, near, ahead)
        if on_lane is straight:
            return first
        return np.minimum(first, prediction.first_contact(ego[:soon], size, straight[:, :soon], near, ahead[:soon]))

    return contact


def _line_run(
    scene: Scene, path: FloatArray, expert_path: FloatArray | None, ahead: FloatArray
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
            (cos * (poses[:, 0] - control.x) + sin * (poses[:, 1] - control.y) + front) > 0.3
            for poses in (path, expert_path)
        ]
        if past[0].any() and not past[1].any():
            return float(ahead[int(np.argmax(past[0]))]), control.id
    return None


def _following(
    scene: Scene, policy: DriverOutput, expert: Driver | None, near: Objects, path: FloatArray, p: MonitorParameters
) -> Finding:
    """Time to collision and headway to what goes ahead or stands in the corridor of the policy's path, (T, 3).

    What crosses it is left to the predicted collision.
    """
    ego = scene.ego
    if not len(near):
        return Finding(Trigger.TIME_TO_COLLISION, False, True, 0.0)
    line = np.vstack(((ego.x, ego.y, ego.yaw), path))
    arc = np.concatenate(([0.0], np.cumsum(np.hypot(line[1:, 0] - line[:-1, 0], line[1:, 1] - line[:-1, 1]))))
    dx, dy = near.x[:, None] - line[:, 0], near.y[:, None] - line[:, 1]
    i = (dx * dx + dy * dy).argmin(axis=1)
    dx, dy, heading = dx[np.arange(len(i)), i], dy[np.arange(len(i)), i], line[i, 2]
    cos, sin = np.cos(heading), np.sin(heading)
    turn = near.yaw - heading
    across, along = np.abs(np.sin(turn)), np.abs(np.cos(turn))
    beside = np.abs(cos * dy - sin * dx) - 0.5 * (near.length * across + near.width * along + ego.width)
    far = arc[i] + cos * dx + sin * dy
    gap = np.maximum(far - 0.5 * (near.length * along + near.width * across + ego.length), 0.05)
    closing = ego.speed - (near.vx * cos + near.vy * sin)
    inside = (beside < CORRIDOR_M) & (far > 0.0) & (np.abs(near.vy * cos - near.vx * sin) < CROSSING)
    ttc = np.where(inside & (closing > 0.0), gap / np.maximum(closing, 1e-3), np.inf)
    headway = float(np.where(inside, gap, np.inf).min()) / ego.speed if ego.speed > CREEP else np.inf
    k = int(np.argmin(ttc))
    soonest, must = float(ttc[k]), float(closing[k] ** 2 / (2.0 * gap[k]))
    braking = -policy.acceleration
    harder = expert is None or -expert.output.acceleration > braking + BETTER_BY_MPS2
    enter = harder and ((soonest < p.ttc_s and braking < ENOUGH * must) or (headway < p.headway_s and braking < 0.0))
    leave = soonest > p.ttc_exit_s and headway > p.headway_exit_s
    severity = min(max(1.0 - 0.5 * soonest / p.ttc_s, 0.3), 1.0)
    when = soonest if np.isfinite(soonest) else None
    text = f"TTC {soonest:.1f} s, headway {headway:.1f} s"
    return Finding(Trigger.TIME_TO_COLLISION, enter, leave, severity, when, int(near.id[k]), text)


def _disagreement(scene: Scene, policy: DriverOutput, expert: DriverOutput, p: MonitorParameters) -> Finding:
    share = abs(policy.steering_angle - expert.steering_angle) / scene.ego.max_steering_angle
    moving = scene.ego.speed > DISAGREEMENT_SPEED
    return Finding(
        Trigger.STEERING_DISAGREEMENT,
        moving and share > p.disagreement_share,
        not moving or share < p.disagreement_exit_share,
        min(max(0.4 + 0.5 * (share - p.disagreement_share), 0.0), 1.0),
        None,
        0,
        f"steering differs by {share:.2f} of full lock",
    )


def _stuck(policy: DriverOutput, expert: DriverOutput, stood_s: float, p: MonitorParameters) -> Finding:
    expert_goes = float(expert.plan.speed.max(initial=0.0)) > p.stuck_expert_mps and expert.acceleration > 0.0
    policy_goes = float(policy.plan.speed.max(initial=0.0)) > p.stuck_expert_mps and policy.acceleration > 0.0
    waits = expert_goes and not policy_goes
    return Finding(
        Trigger.STUCK, waits and stood_s >= p.stuck_s, not waits or stood_s == 0.0, 0.3, None, 0,
        f"stands for {stood_s:.1f} s while the expert would go",
    )  # fmt: skip


def _off_route(scene: Scene, policy: DriverOutput, expert: Driver | None, p: MonitorParameters) -> Finding:
    """Far off or across the route, unless the expert means to stay there as well (it passes something)."""
    route = scene.route
    offset, yaw = abs(route.lateral_offset), abs(route.heading_error)
    far = offset > p.off_route_m or yaw > p.off_route_yaw_rad
    near = offset < p.off_route_exit_m and yaw < p.off_route_yaw_exit_rad
    if not near and expert is not None:
        near = _end_offset(scene, policy) <= _end_offset(scene, expert.output) + RETURNS_M
    severity = min(max(0.4 + 0.1 * (offset - p.off_route_m), 0.4), 0.8)
    text = f"{offset:.1f} m and {yaw:.2f} rad off"
    return Finding(Trigger.OFF_ROUTE, far and not near, near, severity, None, 0, text)


def _end_offset(scene: Scene, output: DriverOutput) -> float:
    """Distance (m) from the route to the end of a plan."""
    ego, plan = scene.ego, output.plan
    x = ego.x + np.cos(ego.yaw) * plan.x[-1] - np.sin(ego.yaw) * plan.y[-1]
    y = ego.y + np.sin(ego.yaw) * plan.x[-1] + np.cos(ego.yaw) * plan.y[-1]
    return abs(project(scene.route.path, float(x), float(y))[1])
