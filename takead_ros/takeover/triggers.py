"""When the expert should take over from the policy: pure, with hysteresis, every threshold in physical units.

    | trigger               | enters when (and lasts ..._sustain_s)                  | clears when (for ..._clear_s)   |
    |-----------------------|--------------------------------------------------------|---------------------------------|
    | COLLISION_PREDICTED   | the policy's plan meets a visible road user within     | it no longer does               |
    |                       | horizon_s, or runs a stop line the expert respects,    |                                 |
    |                       | and the expert does better                             |                                 |
    | STEERING_DISAGREEMENT | |policy - expert| above disagreement_share of lock     | below disagreement_exit_share   |
    | TIME_TO_COLLISION     | TTC or headway short on the policy's path, and the     | both long again                 |
    |                       | policy brakes less than it must                        |                                 |
    | STUCK                 | stands for stuck_s while only the expert would go      | moves, or the policy would go   |
    | OFF_ROUTE             | far off or across the route, the policy not returning  | back within the exit thresholds |
    | POLICY_UNHEALTHY      | late, failed, not finite, or the plan jumps            | healthy for unhealthy_clear_s   |

Only what the ego's sensors could see counts: a takeover must be one that the policy could have known to avoid.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from takead_ros.domain.driving import DriverOutput, DriverStatus, TakeoverRequest, Trigger
from takead_ros.domain.scene import Scene
from takead_ros.takeover import risks
from takead_ros.takeover.parameters import MonitorParameters
from takead_ros.takeover.prediction import Lanes
from takead_ros.takeover.risks import Finding

NS = 1_000_000_000
POSES_KEPT = 20  # a second of scenes: plans are placed at the pose of the scene they answer


@dataclass(frozen=True)
class Alarm:
    """One trigger over time (ns): since when its enter condition holds, whether it is active, since when its exit
    condition holds, and what was found last."""

    entering: int | None = None
    active: bool = False
    leaving: int | None = None
    finding: Finding | None = None


@dataclass(frozen=True, eq=False)
class Memory:
    """Begin with ``Memory()``. ``poses``: stamp (ns) -> x, y, yaw of the last scenes."""

    alarms: Mapping[Trigger, Alarm] = field(default_factory=dict)
    poses: Mapping[int, tuple[float, float, float]] = field(default_factory=dict)
    lanes: Lanes | None = None
    plan: DriverOutput | None = None
    plan_before: DriverOutput | None = None
    stands_since: int | None = None


def evaluate(
    scene: Scene, policy: DriverOutput | None, expert: DriverOutput | None, memory: Memory, p: MonitorParameters
) -> tuple[TakeoverRequest, Memory]:
    """The most severe active trigger at ``scene`` (trigger NONE: none is), and the memory for the next call.

    ``policy`` and ``expert`` are their newest outputs (None: none so far); time is the scenes' stamps. A scene from
    before the last one starts over.
    """
    if memory.poses and scene.stamp < max(memory.poses):
        memory = Memory()
    memory = _noted(scene, policy, memory, p)
    sound = risks.unhealthy(scene, policy, memory.plan_before, memory.poses, p) if policy is not None else None
    if policy is None:
        sound = Finding(Trigger.POLICY_UNHEALTHY, True, True, 1.0, None, 0, "no policy output")
    findings: list[Finding] = [sound] if sound is not None else []
    usable = policy is not None and not (sound is not None and sound.enter and sound.text != "plan_jump")
    if usable and policy is not None and policy.stamp in memory.poses:
        peer = expert if expert is not None and expert.status is DriverStatus.OK and _recent(scene, expert, p) else None
        findings += risks.of_policy(scene, policy, peer, memory.poses, memory.lanes, _stood(scene, memory), p)
    found = {finding.trigger: finding for finding in findings}
    alarms = {
        trigger: _updated(memory.alarms.get(trigger, Alarm()), found.get(trigger), trigger, scene.stamp, p)
        for trigger in set(memory.alarms) | set(found)
    }
    request = _most_severe(scene, alarms)
    return request, replace(memory, alarms=alarms)


def _noted(scene: Scene, policy: DriverOutput | None, memory: Memory, p: MonitorParameters) -> Memory:
    poses = {**memory.poses, scene.stamp: (scene.ego.x, scene.ego.y, scene.ego.yaw)}
    if len(poses) > POSES_KEPT:
        del poses[min(poses)]
    plan, before = memory.plan, memory.plan_before
    if policy is not None and (plan is None or policy.stamp != plan.stamp):
        plan, before = policy, plan
    stands = memory.stands_since if memory.stands_since is not None else scene.stamp
    return replace(
        memory,
        poses=poses,
        lanes=Lanes.of(scene.polylines, memory.lanes),
        plan=plan,
        plan_before=before,
        stands_since=stands if scene.ego.speed < p.stuck_speed_mps else None,
    )


def _recent(scene: Scene, output: DriverOutput, p: MonitorParameters) -> bool:
    return abs(scene.stamp - output.stamp) <= p.policy_max_age_s * NS


def _stood(scene: Scene, memory: Memory) -> float:
    return (scene.stamp - memory.stands_since) / NS if memory.stands_since is not None else 0.0


def _sustain_s(trigger: Trigger, p: MonitorParameters) -> float:
    return {
        Trigger.COLLISION_PREDICTED: p.collision_sustain_s,
        Trigger.STEERING_DISAGREEMENT: p.disagreement_sustain_s,
        Trigger.TIME_TO_COLLISION: p.following_sustain_s,
        Trigger.OFF_ROUTE: p.off_route_sustain_s,
    }.get(trigger, 0.0)


def _clear_s(trigger: Trigger, p: MonitorParameters) -> float:
    return {
        Trigger.COLLISION_PREDICTED: p.collision_clear_s,
        Trigger.POLICY_UNHEALTHY: p.unhealthy_clear_s,
    }.get(trigger, p.clear_s)


def _updated(alarm: Alarm, finding: Finding | None, trigger: Trigger, stamp: int, p: MonitorParameters) -> Alarm:
    """``alarm`` after what was found at ``stamp``; nothing found counts as the exit condition."""
    enter = finding is not None and finding.enter
    leave = finding is None or finding.leave
    if not alarm.active:
        entering = (alarm.entering if alarm.entering is not None else stamp) if enter else None
        active = entering is not None and stamp - entering >= _sustain_s(trigger, p) * NS
        return Alarm(entering, active, None, finding)
    leaving = (alarm.leaving if alarm.leaving is not None else stamp) if leave and not enter else None
    gone = leaving is not None and stamp - leaving >= _clear_s(trigger, p) * NS
    return Alarm(None, not gone, leaving, finding if finding is not None and not leave else alarm.finding)


def _most_severe(scene: Scene, alarms: Mapping[Trigger, Alarm]) -> TakeoverRequest:
    active = [alarm.finding for alarm in alarms.values() if alarm.active and alarm.finding is not None]
    if not active:
        return TakeoverRequest(scene.stamp, Trigger.NONE)
    worst = max(active, key=lambda finding: (finding.severity, -finding.trigger))
    return TakeoverRequest(
        scene.stamp, worst.trigger, float(np.clip(worst.severity, 0.0, 1.0)), worst.time_to_event, worst.object_id,
        worst.text,
    )  # fmt: skip
