"""From the frames of one clip to training samples: encoded scenes with what the better driver did there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from takead_ros.domain.driving import PLAN_DT, PLAN_STEPS, DriverStatus, Plan, Source
from takead_ros.domain.geometry import to_local, wrap_angle
from takead_ros.domain.scene import EgoState, Objects, Polyline, Scene
from takead_ros.measures.pdm import score_plans
from takead_ros.policy.encoding import LineCache, encode
from takead_ros.policy.route_frame import RouteFrame, route_frame
from takead_ros.policy.tracking import track
from takead_ros.policy.vector import VECTOR_1
from takead_ros.policy.vocabulary import plans_from_profiles, profile_from_plan
from takead_ros.recording.clip import Label
from takead_ros.recording.reader import Frame

VERSION = "samples-2"
LABELS = tuple(Label)
SPEED_AHEAD = 4  # plan steps to the target speed, 2 s
SHIFT, TURN = 0.4, 0.05  # m, rad: standard deviations of a perturbed start
_HINDSIGHT_GAP = 0.15  # s: the longest gap between frames over which hindsight interpolates
_FUTURE_STEP = 0.1  # s between the moments at which the PDM score wants the others
_FUTURE_STEPS = round(PLAN_STEPS * PLAN_DT / _FUTURE_STEP) + 10

_Sample = dict[str, NDArray[np.float32] | float | int]
Table = dict[str, NDArray[Any]]

TARGETS: dict[str, tuple[tuple[int, ...], type]] = {
    "profile": ((PLAN_STEPS, 2), np.float32),  # the better driver's plan, as in policy.vocabulary
    "speed": ((), np.float32),  # the ego's own, m/s
    "target_speed": ((), np.float32),  # of the better driver's plan, 2 s ahead, m/s
    "control": ((2,), np.float32),  # rad, m/s^2
    "label": ((), np.int64),  # index into LABELS
    "choice": ((), np.int64),  # the policy's own top choice at that very scene, -1: none recorded
    "choice_profile": ((PLAN_STEPS, 2), np.float32),  # the same as a profile
    "expert_score": ((), np.float32),  # PDM scores of both plans, NaN without a choice
    "policy_score": ((), np.float32),
    "human": ((), np.int64),  # 1: learned from a person, in hindsight
    "perturbed": ((), np.int64),  # 1: from a start that was moved aside
}


def empty_table() -> Table:
    """A table without rows."""
    return {
        **VECTOR_1.empty(0),
        **{name: np.zeros((0, *shape), kind) for name, (shape, kind) in TARGETS.items()},
    }


class LinePool:
    """Makes equal polylines of different frames the same object, so that they are cut into pieces only once."""

    def __init__(self) -> None:
        self._lines: dict[tuple[int, int, bool, bytes], Polyline] = {}

    def share(self, scene: Scene) -> Scene:
        lines = tuple(
            self._lines.setdefault((line.id, int(line.kind), line.on_route, line.points.tobytes()), line)
            for line in scene.polylines
        )
        return replace(scene, polylines=lines)


@dataclass(frozen=True)
class _Lesson:
    """What is to be learned at a scene: the plan of the better driver, its command, and whether a person gave it."""

    plan: Plan
    control: tuple[float, float]
    human: bool


def clip_samples(frames: Iterable[Frame], seed: int) -> Table:
    """Samples of one clip's frames (in time order). ``seed`` draws the perturbed starts of demonstrations.

    A frame teaches the expert's plan where the expert is sound and its cause could be seen by the policy; where a
    person drives, it teaches what the vehicle then really did. Other frames give no sample.
    """
    pool, cache = LinePool(), LineCache()
    whole = [replace(frame, scene=pool.share(frame.scene)) for frame in frames]
    random = np.random.default_rng(seed)
    rows: list[_Sample] = []
    for i, frame in enumerate(whole):
        lesson = _lesson(whole, i)
        if lesson is None:
            continue
        scene, road = frame.scene, route_frame(frame.scene)
        row = _row(scene, road, lesson, frame.label, cache)
        row |= _preference(whole, i, road, lesson)
        rows.append(row)
        if frame.label == Label.DEMONSTRATION:
            rows.append(_perturbed(scene, road, lesson, row, cache, random))
    table = empty_table()
    if not rows:
        return table
    return {name: np.array([row[name] for row in rows], dtype=table[name].dtype) for name in table}


def _lesson(frames: list[Frame], i: int) -> _Lesson | None:
    frame = frames[i]
    command = frame.command
    if command is not None and Source.HUMAN in (command.lateral, command.longitudinal):
        plan = _hindsight(frames, i)
        return None if plan is None else _Lesson(plan, (command.steering_angle, command.acceleration), True)
    expert = frame.expert
    if expert is None or expert.status != DriverStatus.OK or not expert.cause.visible:
        return None
    if len(expert.plan.x) != PLAN_STEPS:
        return None
    return _Lesson(expert.plan, (expert.steering_angle, expert.acceleration), False)


def _hindsight(frames: list[Frame], i: int) -> Plan | None:
    """The way the vehicle went in the PLAN_STEPS * PLAN_DT s after frame ``i``; None where the clip ends before."""
    ego, start = frames[i].scene.ego, frames[i].stamp
    times = np.array([(frame.stamp - start) / 1e9 for frame in frames[i:]])
    due = PLAN_DT * np.arange(1, PLAN_STEPS + 1)
    if times[-1] < due[-1] - 1e-6 or np.diff(times[times <= due[-1] + _HINDSIGHT_GAP]).max() > _HINDSIGHT_GAP:
        return None
    poses = np.array([(e.x, e.y, e.yaw, e.speed) for e in (frame.scene.ego for frame in frames[i:])])
    local = to_local(poses[:, :2], ego.x, ego.y, ego.yaw)
    yaw = np.unwrap(poses[:, 2] - ego.yaw)
    columns = (local[:, 0], local[:, 1], np.asarray(yaw), poses[:, 3])
    x, y, turned, speed = (np.interp(due, times, column) for column in columns)
    return Plan(x, y, np.asarray(wrap_angle(turned)), speed, PLAN_DT)


def _row(scene: Scene, road: RouteFrame, lesson: _Lesson, label: Label, cache: LineCache) -> _Sample:
    return {
        **encode(scene, cache, road),
        "profile": np.asarray(profile_from_plan(lesson.plan, scene.ego.speed, road), np.float32),
        "speed": scene.ego.speed,
        "target_speed": float(lesson.plan.speed[SPEED_AHEAD - 1]),
        "control": np.asarray(lesson.control, np.float32),
        "label": LABELS.index(label),
        "choice": -1,
        "choice_profile": np.zeros((PLAN_STEPS, 2), np.float32),
        "expert_score": np.nan,
        "policy_score": np.nan,
        "human": int(lesson.human),
        "perturbed": 0,
    }


def _preference(frames: list[Frame], i: int, road: RouteFrame, lesson: _Lesson) -> _Sample:
    """The policy's own top choice at frame ``i`` and how both plans fare by the PDM score, against what the others then
    really did; empty where no choice was recorded."""
    scene, policy = frames[i].scene, frames[i].policy
    if policy is None or policy.status != DriverStatus.OK or not len(policy.logits):
        return {}
    plans = np.stack([np.stack([plan.x, plan.y], axis=-1) for plan in (lesson.plan, policy.plan)])
    scores = score_plans(scene, _future(frames, i), plans).score
    return {
        "choice": int(policy.logits.argmax()),
        "choice_profile": np.asarray(profile_from_plan(policy.plan, scene.ego.speed, road), np.float32),
        "expert_score": float(scores[0]),
        "policy_score": float(scores[1]),
    }


def _future(frames: list[Frame], i: int) -> list[Objects]:
    """The others every 0.1 s from frame ``i`` on, as recorded, as far as no frame is missing."""
    due, future = frames[i].stamp, []
    for frame in frames[i : i + _FUTURE_STEPS]:
        if abs(frame.stamp - due) > _FUTURE_STEP / 2.0 * 1e9:
            break
        future.append(frame.scene.objects)
        due += round(_FUTURE_STEP * 1e9)
    return future


def _perturbed(
    scene: Scene, road: RouteFrame, lesson: _Lesson, row: _Sample,
    cache: LineCache, random: np.random.Generator,
) -> _Sample:  # fmt: skip
    """The same moment seen from a start moved aside and turned a little.

    Honest because the profile leaves out the present offset, which fades out: the same profile from the moved start is
    the way back to what the expert meant. Speeds and the other road users stay as they were.
    """
    shift, turn = SHIFT * random.standard_normal(), TURN * random.standard_normal()
    heading = scene.ego.yaw - road.heading_error
    ego: EgoState = replace(
        scene.ego,
        x=scene.ego.x - shift * np.sin(heading),
        y=scene.ego.y + shift * np.cos(heading),
        yaw=scene.ego.yaw + turn,
    )
    moved = replace(scene, ego=ego)
    frame = route_frame(moved)
    profile = np.asarray(row["profile"], dtype=float)
    positions, yaws, speeds = plans_from_profiles(profile, ego.speed, frame)
    steering, _ = track(Plan(positions[:, 0], positions[:, 1], yaws, speeds, PLAN_DT), ego)
    control = np.array([steering, lesson.control[1]], np.float32)
    return {**row, **encode(moved, cache, frame), "control": control, "perturbed": 1}
