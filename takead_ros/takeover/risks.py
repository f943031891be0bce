"""What is wrong with the policy at one scene: each risk with its enter and its exit condition, no memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from takead_ros.domain.driving import DriverOutput, DriverStatus, Trigger
from takead_ros.domain.geometry import project
from takead_ros.domain.scene import ControlKind, FloatArray, LightState, Objects, Scene
from takead_ros.takeover import prediction
from takead_ros.takeover.parameters import MonitorParameters
from takead_ros.takeover.prediction import Lanes

NS = 1_000_000_000
Poses = Mapping[int, tuple[float, float, float]]

STRAIGHT_AHEAD_S = 1.0  # constant velocity is believed this long, lane following over the whole horizon
BETTER_BY_S, BETTER_BY_MPS2 = 0.3, 1.0  # the expert does better: contact this much later, or braking this much harder
JUMP_AT_S = 1.0  # two plans are compared this far ahead
DISAGREEMENT_SPEED = 1.0  # m/s; slower, the wheel's angle means little
RANGE_RAD, RANGE_MPS2, RANGE_MPS = 0.9, 15.0, 75.0
CORRIDOR_M = 0.3  # beside the ego's box, for what counts as ahead on the path
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


def of_policy(
    scene: Scene, policy: DriverOutput, expert: DriverOutput | None, poses: Poses, lanes: Lanes | None, stood_s: float,
    p: MonitorParameters,
) -> list[Finding]:  # fmt: skip
    """Every risk of a sound policy output whose scene's pose is in ``poses``; ``stood_s``: s the ego has stood."""
    ahead = prediction.times(p.horizon_s)
    near = _in_reach(scene, p)
    path = _rolled(scene, policy, poses, ahead)
    findings = [
        _collision(scene, policy, expert, poses, lanes, near, path, ahead, p),
        _following(scene, policy, near, path, ahead, p),
    ]
    if expert is not None:
        findings += [_disagreement(scene, policy, expert, p), _stuck(policy, expert, stood_s, p)]
    findings.append(_off_route(scene, policy, expert, p))
    return findings


def unhealthy(
    scene: Scene, policy: DriverOutput, before: DriverOutput | None, poses: Poses, p: MonitorParameters
) -> Finding:
    """Whether the policy's newest output may be used at all; ``before`` is the one before it."""
    fault = _fault(scene, policy, p) or _jump(policy, before, poses, p)
    return Finding(Trigger.POLICY_UNHEALTHY, bool(fault), not fault, 1.0, None, 0, fault)


def _fault(scene: Scene, policy: DriverOutput, p: MonitorParameters) -> str:
    if policy.status is not DriverStatus.OK:
        return f"status_{policy.status.name.lower()}"
    if (scene.stamp - policy.stamp) / NS > p.policy_max_age_s:
        return "late"
    plan = policy.plan
    if not 2 <= len(plan.x) == len(plan.y) == len(plan.yaw) == len(plan.speed):
        return "malformed"
    values = np.concatenate((plan.x, plan.y, plan.yaw, plan.speed, (policy.steering_angle, policy.acceleration)))
    if not np.isfinite(values).all():
        return "not_finite"
    fast = np.abs(plan.speed).max() > RANGE_MPS
    if abs(policy.steering_angle) > RANGE_RAD or abs(policy.acceleration) > RANGE_MPS2 or fast:
        return "out_of_range"
    return ""


def _jump(policy: DriverOutput, before: DriverOutput | None, poses: Poses, p: MonitorParameters) -> str:
    """Two plans in a row that are far apart at the same moment."""
    if before is None or before.status is not DriverStatus.OK or not {policy.stamp, before.stamp} <= set(poses):
        return ""
    elapsed = (policy.stamp - before.stamp) / NS
    if not 0.0 < elapsed < JUMP_AT_S or len(before.plan.x) < 2 or not np.isfinite(before.plan.x).all():
        return ""
    places = []
    for output, t in ((policy, JUMP_AT_S), (before, JUMP_AT_S + elapsed)):
        knots = output.plan.dt * np.arange(1, len(output.plan.x) + 1)
        x, y, yaw = poses[output.stamp]
        px, py = np.interp(t, knots, output.plan.x), np.interp(t, knots, output.plan.y)
        places.append((x + np.cos(yaw) * px - np.sin(yaw) * py, y + np.sin(yaw) * px + np.cos(yaw) * py))
    apart = np.hypot(places[0][0] - places[1][0], places[0][1] - places[1][1])
    return "plan_jump" if apart > p.plan_jump_m else ""


def _in_reach(scene: Scene, p: MonitorParameters) -> Objects:
    """Visible objects that may matter within the horizon; what comes up from behind is not the ego's to avoid."""
    objects, ego = scene.objects, scene.ego
    if not len(objects):
        return objects
    dx, dy = objects.x - ego.x, objects.y - ego.y
    reach = p.horizon_s * (ego.speed + np.hypot(objects.vx, objects.vy)) + 12.0
    ahead = np.cos(ego.yaw) * dx + np.sin(ego.yaw) * dy > -0.5 * ego.length
    return objects.select((objects.visibility > 0.0) & ahead & (dx * dx + dy * dy < reach * reach))


def _rolled(scene: Scene, output: DriverOutput, poses: Poses, ahead: FloatArray) -> FloatArray:
    age = (scene.stamp - output.stamp) / NS
    return prediction.roll_out(output.plan, poses[output.stamp], age, scene.ego, ahead)


def _collision(
    scene: Scene, policy: DriverOutput, expert: DriverOutput | None, poses: Poses, lanes: Lanes | None, near: Objects,
    path: FloatArray, ahead: FloatArray, p: MonitorParameters,
) -> Finding:  # fmt: skip
    straight = prediction.constant_velocity(near, ahead)
    on_lane = prediction.lane_following(near, lanes, straight, ahead) if len(near) else straight
    size = (scene.ego.length + 2.0 * p.margin_m, scene.ego.width + 2.0 * p.margin_m)

    def contact(poses_of_ego: FloatArray) -> FloatArray:
        first = prediction.first_contact(poses_of_ego, size, on_lane, near, ahead)
        soon = prediction.first_contact(poses_of_ego, size, straight, near, ahead)
        return np.minimum(first, np.where(soon <= STRAIGHT_AHEAD_S, soon, prediction.FAR))

    mine = contact(path) if len(near) else np.zeros(0)
    theirs = _rolled(scene, expert, poses, ahead) if expert is not None and expert.stamp in poses else None
    if len(near) and np.isfinite(mine).any():
        i = int(np.argmin(mine))
        when = float(mine[i])
        better = theirs is None or expert is None or expert.acceleration < policy.acceleration - BETTER_BY_MPS2
        if better or (theirs is not None and contact(theirs).min() >= when + BETTER_BY_S):
            severity = 1.0 - 0.5 * when / p.horizon_s
            text = f"contact with object {near.id[i]} in {when:.1f} s"
            return Finding(Trigger.COLLISION_PREDICTED, True, False, severity, when, int(near.id[i]), text)
    line = _line_run(scene, path, theirs, ahead)
    if line is not None:
        when, control = line
        text = f"stop line {control} would be run in {when:.1f} s"
        return Finding(Trigger.COLLISION_PREDICTED, True, False, 0.9 - 0.4 * when / p.horizon_s, when, 0, text)
    return Finding(Trigger.COLLISION_PREDICTED, False, True, 0.0)


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
    scene: Scene, policy: DriverOutput, near: Objects, path: FloatArray, ahead: FloatArray, p: MonitorParameters
) -> Finding:
    """Time to collision and headway to the nearest object in the corridor of the policy's path."""
    ego, quiet = scene.ego, Finding(Trigger.TIME_TO_COLLISION, False, True, 0.0)
    line = np.vstack(([[ego.x, ego.y]], path[:, :2]))
    line = line[np.concatenate(([True], np.hypot(*np.diff(line, axis=0).T) > 1e-3))]
    if not len(near) or len(line) < 2:
        return quiet
    ttc = headway = np.inf
    who, must = 0, 0.0
    for i in range(len(near)):
        along, lateral, heading = project(line, float(near.x[i]), float(near.y[i]))
        turn = near.yaw[i] - heading
        cos, sin = abs(np.cos(turn)), abs(np.sin(turn))
        beside = 0.5 * float(near.length[i] * sin + near.width[i] * cos)
        if along <= 0.0 or abs(lateral) > beside + 0.5 * ego.width + CORRIDOR_M:
            continue
        gap = along - 0.5 * float(near.length[i] * cos + near.width[i] * sin) - 0.5 * ego.length
        gap = max(gap, 0.05)
        closing = ego.speed - float(near.vx[i] * np.cos(heading) + near.vy[i] * np.sin(heading))
        if closing > 0.0 and gap / closing < ttc:
            ttc, who, must = gap / closing, int(near.id[i]), closing * closing / (2.0 * gap)
        if ego.speed > CREEP:
            headway = min(headway, gap / ego.speed)
    braking = -policy.acceleration
    enter = (ttc < p.ttc_s and braking < 0.7 * must) or (headway < p.headway_s and braking < 0.0)
    leave = ttc > p.ttc_exit_s and headway > p.headway_exit_s
    severity = float(np.clip(1.0 - 0.5 * ttc / p.ttc_s, 0.3, 1.0))
    when = float(ttc) if np.isfinite(ttc) else None
    text = f"TTC {ttc:.1f} s, headway {headway:.1f} s"
    return Finding(Trigger.TIME_TO_COLLISION, enter, leave, severity, when, who, text)


def _disagreement(scene: Scene, policy: DriverOutput, expert: DriverOutput, p: MonitorParameters) -> Finding:
    share = abs(policy.steering_angle - expert.steering_angle) / scene.ego.max_steering_angle
    moving = scene.ego.speed > DISAGREEMENT_SPEED
    return Finding(
        Trigger.STEERING_DISAGREEMENT,
        moving and share > p.disagreement_share,
        not moving or share < p.disagreement_exit_share,
        float(np.clip(0.4 + 0.5 * (share - p.disagreement_share), 0.0, 1.0)),
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


def _off_route(scene: Scene, policy: DriverOutput, expert: DriverOutput | None, p: MonitorParameters) -> Finding:
    """Far off or across the route, unless the expert means to stay there as well (it passes something)."""
    route = scene.route
    offset, yaw = abs(route.lateral_offset), abs(route.heading_error)
    returns = expert is not None and _end_offset(scene, policy) <= _end_offset(scene, expert) + 1.0
    enter = (offset > p.off_route_m or yaw > p.off_route_yaw_rad) and not returns
    leave = (offset < p.off_route_exit_m and yaw < p.off_route_yaw_exit_rad) or returns
    severity = float(np.clip(0.4 + 0.1 * (offset - p.off_route_m), 0.4, 0.8))
    return Finding(Trigger.OFF_ROUTE, enter, leave, severity, None, 0, f"{offset:.1f} m and {yaw:.2f} rad off")


def _end_offset(scene: Scene, output: DriverOutput) -> float:
    """Distance (m) from the route to the end of a plan."""
    ego, plan = scene.ego, output.plan
    x = ego.x + np.cos(ego.yaw) * plan.x[-1] - np.sin(ego.yaw) * plan.y[-1]
    y = ego.y + np.sin(ego.yaw) * plan.x[-1] + np.cos(ego.yaw) * plan.y[-1]
    return abs(project(scene.route.path, float(x), float(y))[1])
