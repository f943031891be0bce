"""When the expert should take over from the policy: pure, with hysteresis, every threshold in physical units.

    | trigger               | enters when (and lasts ..._sustain_s)                  | clears when (for ..._clear_s)   |
    |-----------------------|--------------------------------------------------------|---------------------------------|
    | COLLISION_PREDICTED   | the policy's plan meets a visible road user within     | it no longer does               |
    |                       | horizon_s, or runs a stop line the expert respects,    |                                 |
    |                       | and the expert does better                             |                                 |
    | STEERING_DISAGREEMENT | |policy - expert| above disagreement_share of lock     | below disagreement_exit_share   |
    | TIME_TO_COLLISION     | TTC or headway short on the policy's path, and the     | both long again                 |
    |                       | policy brakes less than it must and than the expert    |                                 |
    | STUCK                 | stands for stuck_s while only the expert would go      | moves, or the policy would go   |
    | OFF_ROUTE             | far off or across the route, the policy not returning  | back within the exit thresholds |
    | POLICY_UNHEALTHY      | late, failed, not finite, or the plan jumps            | healthy for unhealthy_clear_s   |

Only what the ego's sensors could see counts: a takeover must be one that the policy could have known to avoid.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from takead_ros.domain.driving import DriverOutput, TakeoverRequest, Trigger
from takead_ros.domain.scene import Scene
from takead_ros.takeover import risks
from takead_ros.takeover.parameters import MonitorParameters
from takead_ros.takeover.prediction import Lanes, Trace
from takead_ros.takeover.risks import Driver, Finding

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
class MonitorState:
    """Begin with ``MonitorState()``. Times are the scenes' stamps, in ns."""

    alarms: Mapping[Trigger, Alarm] = field(default_factory=dict)
    poses: Mapping[int, tuple[float, float, float, float]] = field(default_factory=dict)  # x, y, yaw, speed, by stamp
    began: int | None = None  # the first scene
    last: int = 0  # the last scene
    lanes: Lanes | None = None  # of the last scene
    policy: Driver | None = None  # the newest output that was placed
    expert: Driver | None = None  # the newest output that was placed
    stands_since: int | None = None  # None: the ego moves


def evaluate(
    scene: Scene, policy: DriverOutput | None, expert: DriverOutput | None, memory: MonitorState, p: MonitorParameters
) -> tuple[TakeoverRequest, MonitorState]:
    """The most severe active trigger at ``scene`` (trigger NONE: none is), and the memory for the next call.

    ``policy`` and ``expert`` are their newest outputs (None: none so far); time is the scenes' stamps. A scene from
    before the last one starts over.
    """
    if memory.began is not None and scene.stamp < memory.last:
        memory = MonitorState()
    memory = _noted(scene, policy, expert, memory, p)
    findings: list[Finding] = []
    if memory.policy is not None:
        findings.append(risks.unhealthy(scene, memory.policy, p))
        if memory.policy.usable and _recent(scene, memory.policy, p):
            peer = memory.expert
            if peer is not None and not (peer.usable and _recent(scene, peer, p)):
                peer = None
            findings += risks.of_policy(scene, memory.policy, peer, memory.lanes, _stood(scene, memory), p)
    elif memory.began is not None and scene.stamp - memory.began > p.policy_max_age_s * NS:
        findings.append(Finding(Trigger.POLICY_UNHEALTHY, True, False, 1.0, None, 0, "no policy output"))
    found = {finding.trigger: finding for finding in findings}
    alarms = {
        trigger: _updated(memory.alarms.get(trigger, Alarm()), found.get(trigger), trigger, scene.stamp, p)
        for trigger in {*memory.alarms, *found}
    }
    return _most_severe(scene, alarms), replace(memory, alarms=alarms)


def _noted(
    scene: Scene, policy: DriverOutput | None, expert: DriverOutput | None, memory: MonitorState, p: MonitorParameters
) -> MonitorState:
    ego = scene.ego
    poses = {**memory.poses, scene.stamp: (ego.x, ego.y, ego.yaw, ego.speed)}
    if len(poses) > POSES_KEPT:
        del poses[next(iter(poses))]
    stands = memory.stands_since if memory.stands_since is not None else scene.stamp
    return MonitorState(
        alarms=memory.alarms,
        poses=poses,
        began=memory.began if memory.began is not None else scene.stamp,
        last=scene.stamp,
        lanes=Lanes.of(scene.polylines, memory.lanes),
        policy=_placed(policy, memory.policy, poses, p),
        expert=_placed(expert, memory.expert, poses, p),
        stands_since=stands if ego.speed < p.stuck_speed_mps else None,
    )


def _placed(
    output: DriverOutput | None, known: Driver | None, poses: Mapping[int, tuple[float, float, float, float]],
    p: MonitorParameters,
) -> Driver | None:  # fmt: skip
    """A new output, judged and placed in ``map`` at the pose of the scene that it answers; ``known`` where it is
    that one."""
    if output is None or (known is not None and known.output is output):
        return known if output is not None else None
    fault, pose = risks.fault(output), poses.get(output.stamp)
    if fault or pose is None:
        return Driver(output, None, fault)
    driver = Driver(output, Trace.of(output.plan, pose[:3], pose[3]))
    return replace(driver, fault=risks.jump(driver, known, p)) if known is not None else driver


def _recent(scene: Scene, driver: Driver, p: MonitorParameters) -> bool:
    return abs(scene.stamp - driver.output.stamp) <= p.policy_max_age_s * NS


def _stood(scene: Scene, memory: MonitorState) -> float:
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
        scene.stamp, worst.trigger, min(max(worst.severity, 0.0), 1.0), worst.time_to_event, worst.object_id,
        worst.text,
    )  # fmt: skip
