"""When the expert should take over from the policy: pure, with hysteresis, every threshold in physical units.

[printed: triggers, by `takead takeover table --write`]

- **POLICY_UNHEALTHY** enters when late, failed, not finite, out of range, or the plan jumps; clears when healthy
  (for unhealthy_clear_s). Severity 1. Without a fit expert the policy goes on.
- **COLLISION_PREDICTED** enters when the policy's plan meets a visible road user within horizon_s, or runs a stop
  line that the expert respects, and the expert does better (for collision_sustain_s); clears when it no longer does
  (for collision_clear_s). Severity 0.5 to 1, by the time that is left. Without a fit expert the vehicle stops.
- **TIME_TO_COLLISION** enters when time to collision below ttc_s or headway below headway_s to what goes ahead or
  stands on the policy's path, and the policy brakes less than it must and than the expert (for
  following_sustain_s); clears when above ttc_exit_s and headway_exit_s (for clear_s). Severity 0.3 to 1, by the
  time to collision. Without a fit expert the vehicle stops.
- **STEERING_DISAGREEMENT** enters when policy and expert steer more than disagreement_share of full lock apart,
  above disagreement_speed_mps (for disagreement_sustain_s); clears when less than disagreement_exit_share apart, or
  slower (for clear_s). Severity 0.4 and more, by the difference. Without a fit expert the policy goes on.
- **STUCK** enters when stands for stuck_s while only the expert would go; clears when it moves, or the policy would
  go, or the expert would not (for clear_s). Severity 0.3. Without a fit expert the policy goes on.
- **OFF_ROUTE** enters when farther from the route than off_route_m or turned from it by off_route_yaw_rad, the
  policy not returning (for off_route_sustain_s); clears when within off_route_exit_m and off_route_yaw_exit_rad, or
  the policy returns as the expert would (for clear_s). Severity 0.4 to 0.8, by the distance. Without a fit expert
  the policy goes on.
- **SPEED_LIMIT** enters when faster than the limit by speeding_share and by speeding_mps, and the policy brakes
  less than the expert (for speeding_sustain_s); clears when within speeding_exit_share of the limit (for clear_s).
  Severity 0.3 to 0.8, by the excess. Without a fit expert the policy goes on.
- **BEND_SPEED** enters when the policy's plan takes a bend of the route with more than bend_mps2, braking for it is
  due (bend_braking_mps2), and the policy brakes less than it must (braking_share) and than the expert (for
  bend_sustain_s); clears when no bend is planned with more than bend_exit_mps2 (for clear_s). Severity 0.5 to 1, by
  the time to the bend. Without a fit expert the vehicle stops.
- **OFF_ROAD** enters when farther than off_road_m from the edge of every lane and than off_road_route_m from the
  route: both drivers plan along roads, so nobody is fit (for off_road_sustain_s); clears when nearer than
  off_road_exit_m (for clear_s). Severity 1. The vehicle stops.

[end of triggers]

Only what the ego's sensors could see counts: a takeover must be one that the policy could have known to avoid. The
triggers themselves are in ``takeover.collisions``, ``conduct`` and ``course``; here is their memory.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from takead_ros.domain.driving import DriverOutput, TakeoverRequest, Trigger
from takead_ros.domain.errors import TakeadError
from takead_ros.domain.scene import Scene
from takead_ros.domain.units import SECOND
from takead_ros.takeover import plans
from takead_ros.takeover.inputs import unsound
from takead_ros.takeover.parameters import MonitorParameters
from takead_ros.takeover.plans import Driver
from takead_ros.takeover.prediction import CentreLines, Trace
from takead_ros.takeover.risks import RECORDS
from takead_ros.takeover.view import Finding, Record, View, in_reach, rolled

POSES_KEPT = 20  # a second of scenes: plans are placed at the pose of the scene they answer


@dataclass(frozen=True)
class TriggerState:
    """One trigger over time (ns): since when its enter condition holds, whether it is active, since when its exit
    condition holds, and what was found last."""

    entering: int | None = None
    active: bool = False
    leaving: int | None = None
    finding: Finding | None = None


@dataclass(frozen=True, eq=False)
class MonitorState:
    """Begin with ``MonitorState()``. Times are the scenes' stamps, in ns."""

    alarms: Mapping[Trigger, TriggerState] = field(default_factory=dict)
    poses: Mapping[int, tuple[float, float, float, float]] = field(default_factory=dict)  # x, y, yaw, speed, by stamp
    began: int | None = None  # the first scene
    last: int = 0  # the last scene
    lanes: CentreLines | None = None  # of the last scene
    policy: Driver | None = None  # the newest output that was placed
    expert: Driver | None = None  # the newest output that was placed
    stands_since: int | None = None  # None: the ego moves


def evaluate_triggers(
    scene: Scene, policy: DriverOutput | None, expert: DriverOutput | None, memory: MonitorState, p: MonitorParameters
) -> tuple[TakeoverRequest, MonitorState]:
    """The most severe active trigger at ``scene`` (trigger NONE: none is), and the memory for the next call.

    ``policy`` and ``expert`` are their newest outputs (None: none so far); time is the scenes' stamps. A scene from
    before the last one starts over; an output from before the first scene is none.

    Raises TakeadError for a scene with numbers that cannot be reckoned with: no comparison with one that is not finite
    may pass for "all is well".
    """
    if memory.began is not None and scene.stamp < memory.last:
        memory = MonitorState()
    fault = unsound(scene, memory.lanes is None or memory.lanes.source is not scene.polylines)
    if fault:
        raise TakeadError(f"scene at {scene.stamp} ns: {fault}")
    memory = _noted(scene, policy, expert, memory, p)
    sound = memory.policy is not None and memory.policy.usable() and _recent(scene, memory.policy, p)
    view, alarms = _view(scene, memory, sound, p), {}
    for trigger, record in RECORDS.items():
        finding = record.find(view, p) if sound or not record.of_plan else None
        if finding is not None or trigger in memory.alarms:
            alarms[trigger] = updated(memory.alarms.get(trigger, TriggerState()), finding, record, scene.stamp, p)
    return most_severe(scene, alarms), replace(memory, alarms=alarms)


def _view(scene: Scene, memory: MonitorState, sound: bool, p: MonitorParameters) -> View:
    """What the triggers see of ``scene``, an expert only where its plan can be used now, as the policy's where it is
    ``sound``."""
    policy, peer = memory.policy, memory.expert
    if peer is not None and not (peer.usable() and _recent(scene, peer, p)):
        peer = None
    began = memory.began if memory.began is not None else scene.stamp
    return View(
        scene=scene,
        policy=policy,
        expert=peer,
        lanes=memory.lanes,
        stood_s=_stood(scene, memory),
        waited_s=(scene.stamp - began) / SECOND,
        near=in_reach(scene, p),
        path=rolled(scene, policy, p) if sound and policy is not None else np.zeros((0, 3)),
    )


def _noted(
    scene: Scene, policy: DriverOutput | None, expert: DriverOutput | None, memory: MonitorState, p: MonitorParameters
) -> MonitorState:
    ego, began = scene.ego, memory.began if memory.began is not None else scene.stamp
    policy, expert = (None if output is None or output.stamp < began else output for output in (policy, expert))
    poses = {**memory.poses, scene.stamp: (ego.x, ego.y, ego.yaw, ego.speed)}
    if len(poses) > POSES_KEPT:
        del poses[next(iter(poses))]
    stands = memory.stands_since if memory.stands_since is not None else scene.stamp
    return MonitorState(
        alarms=memory.alarms,
        poses=poses,
        began=began,
        last=scene.stamp,
        lanes=CentreLines.of(scene.polylines, memory.lanes),
        policy=_placed(policy, memory.policy, poses, p),
        expert=_placed(expert, memory.expert, poses, p),
        stands_since=stands if ego.speed < p.stuck_speed_mps else None,
    )


def _placed(
    output: DriverOutput | None,
    known: Driver | None,
    poses: Mapping[int, tuple[float, float, float, float]],
    p: MonitorParameters,
) -> Driver | None:
    """A new output, judged and placed in ``map`` at the pose of the scene that it answers; ``known`` where it is
    that one."""
    if output is None or (known is not None and known.output is output):
        return known if output is not None else None
    fault, pose = plans.fault(output, p), poses.get(output.stamp)
    if fault or pose is None:
        return Driver(output, None, fault)
    driver = Driver(output, Trace.of(output.plan, pose[:3], pose[3]))
    return replace(driver, fault=plans.jump(driver, known, p)) if known is not None else driver


def _recent(scene: Scene, driver: Driver, p: MonitorParameters) -> bool:
    return abs(scene.stamp - driver.output.stamp) <= p.policy_max_age_s * SECOND


def _stood(scene: Scene, memory: MonitorState) -> float:
    return (scene.stamp - memory.stands_since) / SECOND if memory.stands_since is not None else 0.0


def updated(
    alarm: TriggerState, finding: Finding | None, record: Record, stamp: int, p: MonitorParameters
) -> TriggerState:
    """``alarm`` after what was found at ``stamp``; nothing found counts as the exit condition."""
    enter = finding is not None and finding.enter
    leave = finding is None or finding.leave
    if not alarm.active:
        entering = (alarm.entering if alarm.entering is not None else stamp) if enter else None
        active = entering is not None and stamp - entering >= record.sustain_s(p) * SECOND
        return TriggerState(entering, active, None, finding)
    leaving = (alarm.leaving if alarm.leaving is not None else stamp) if leave and not enter else None
    gone = leaving is not None and stamp - leaving >= record.clear_s(p) * SECOND
    return TriggerState(None, not gone, leaving, finding if finding is not None and not leave else alarm.finding)


def most_severe(scene: Scene, alarms: Mapping[Trigger, TriggerState]) -> TakeoverRequest:
    """What is asked for: first where nobody is fit, then by severity; NONE where no alarm is active."""
    active = [alarm.finding for alarm in alarms.values() if alarm.active and alarm.finding is not None]
    if not active:
        return TakeoverRequest(scene.stamp, Trigger.NONE)
    worst = max(active, key=lambda f: (RECORDS[f.trigger].stops == "always", f.severity, -f.trigger))
    return TakeoverRequest(
        scene.stamp, worst.trigger, min(max(worst.severity, 0.0), 1.0), worst.time_to_event, worst.object_id, worst.text
    )
