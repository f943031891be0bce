"""From the frames of one clip to training samples: encoded scenes with what the better driver did there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from takead_ros.domain.driving import PLAN_DT, PLAN_STEPS, ArbiterMode, DriverStatus, Plan, Source
from takead_ros.domain.geometry import to_local, wrap_angle
from takead_ros.domain.scene import EgoState, FloatArray, Polyline, Scene
from takead_ros.policy.encoding import LineCache
from takead_ros.policy.format import SCENE, Observation, PolicyFormat
from takead_ros.policy.tracking import track_plan
from takead_ros.policy.vocabulary import plans_from_profiles, profile_from_plan
from takead_ros.recording.clip import Label
from takead_ros.recording.open_clip import SessionConfig
from takead_ros.recording.reader import Frame
from takead_training.data.clip_frames import ClipFrames
from takead_training.data.columns import LABELS, NEVER_S, Table, empty_table
from takead_training.data.followable import followable
from takead_training.data.scores import score_at

VERSION = "samples-5"  # changes with every change of meaning: caches of another version are made again
SPEED_AHEAD = 4  # plan steps to the target speed, 2 s
SHIFT, TURN = 0.4, 0.05  # m, rad: standard deviations of a perturbed start
_HINDSIGHT_GAP = 0.15  # s: the longest gap between frames over which hindsight interpolates

_Sample = dict[str, NDArray[np.float32] | float | int]


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


def clip_samples(frames: Iterable[Frame], seed: int, format: PolicyFormat) -> tuple[Table, ClipFrames]:
    """Samples of one clip's frames (in time order), and the world that they lie in. ``seed`` draws the perturbed starts
    of demonstrations.

    A frame teaches the expert's plan where the expert is sound and its cause could be seen by the policy, whoever
    drives; where a person drives, it teaches what the vehicle then really did. Other frames, and those before the first
    message of a topic that the format needs, give no sample.
    """
    pool, cache = LinePool(), LineCache()
    whole = settle_labels(
        [
            replace(frame, scene=pool.share(frame.scene), truth=frame.truth and pool.share(frame.truth))
            for frame in frames
        ]
    )
    answers = [f.policy if f.policy is not None and f.policy.status == DriverStatus.OK else None for f in whole]
    world = ClipFrames.of([frame.world for frame in whole], answers)
    until, since = _takeover_times(whole)
    random, further = np.random.default_rng(seed), set(format.needs) - {SCENE}
    rows: list[_Sample] = []
    for i, frame in enumerate(whole):
        lesson = _lesson(whole, i)
        if lesson is None or not further <= frame.others.keys():
            continue
        observation = Observation(frame.scene, frame.others, lines=cache)
        row = _row(observation, lesson, frame.label, format)
        row |= {"frame": i, "until_takeover_s": float(until[i]), "since_takeover_s": float(since[i])}
        row |= _preference(frame, observation, lesson, world, i)
        rows.append(row)
        if frame.label == Label.DEMONSTRATION:
            rows.append(_perturbed(observation, lesson, row, format, random))
    table = empty_table(format)
    if not rows:
        return table, world
    return {name: np.array([row[name] for row in rows], dtype=table[name].dtype) for name in table}, world


def settle_labels(frames: list[Frame]) -> list[Frame]:
    """The same frames, where a whole drive that the policy took part in is labelled by who drove.

    The recorder calls every frame of a whole drive a demonstration; one is only where the policy never drove.
    """
    if not any(frame.mode is ArbiterMode.POLICY for frame in frames):
        return frames
    settled: list[Frame] = []
    since: int | None = None  # the stamp at which somebody else took over
    for frame in frames:
        if frame.label is not Label.DEMONSTRATION:
            settled.append(frame)
            continue
        if frame.mode is ArbiterMode.POLICY:
            label, since = Label.PRE, None
        elif frame.mode in (ArbiterMode.EXPERT, ArbiterMode.HUMAN):
            since = frame.stamp if since is None else since
            begun = frame.stamp - since < SessionConfig.start_transition_s * 1e9
            label = Label.TAKEOVER_START if begun else Label.TAKEOVER
        else:
            label = Label.HANDBACK  # nobody drives for sure: masked
        settled.append(replace(frame, label=label))
    return settled


def _takeover_times(frames: list[Frame]) -> tuple[FloatArray, FloatArray]:
    """Seconds (T,) from each frame to the next takeover, and since somebody else than the policy last drove."""
    stamps = np.array([frame.stamp for frame in frames], dtype=np.int64)
    starts = [f.stamp for f in frames if f.label in (Label.TAKEOVER_START, Label.TAKEOVER)]
    driven = [f.stamp for f in frames if f.label in (Label.TAKEOVER_START, Label.TAKEOVER, Label.HANDBACK)]
    begin, end = np.array([*starts, np.iinfo(np.int64).max]), np.array([np.iinfo(np.int64).min, *driven])
    until = (begin[np.searchsorted(begin, stamps, side="left")] - stamps.astype(float)) / 1e9
    since = (stamps.astype(float) - end[np.searchsorted(end, stamps, side="right") - 1]) / 1e9
    return np.minimum(until, NEVER_S), np.minimum(since, NEVER_S)


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


def _row(observation: Observation, lesson: _Lesson, label: Label, format: PolicyFormat) -> _Sample:
    speed = observation.scene.ego.speed
    return {
        **format.encode(observation),
        "profile": np.asarray(profile_from_plan(lesson.plan, speed, observation.road), np.float32),
        "speed": speed,
        "target_speed": float(lesson.plan.speed[SPEED_AHEAD - 1]),
        "control": np.asarray(lesson.control, np.float32),
        "label": LABELS.index(label),
        "choice": -1,
        "choice_profile": np.zeros((PLAN_STEPS, 2), np.float32),
        "expert_score": np.nan,
        "policy_score": np.nan,
        "human": int(lesson.human),
        "perturbed": 0,
        "followable": int(followable(lesson.plan, observation.scene.ego)),
        "of_round": 0,
    }


def _preference(frame: Frame, observation: Observation, lesson: _Lesson, world: ClipFrames, i: int) -> _Sample:
    """The policy's own top choice at the scene and the scores of both plans; empty where none was recorded."""
    policy = frame.policy
    if policy is None or policy.status != DriverStatus.OK or not len(policy.logits):
        return {}
    both = np.stack([np.stack([plan.x, plan.y], axis=-1) for plan in (lesson.plan, policy.plan)])
    scores = score_at(world, i, both).score
    profile = profile_from_plan(policy.plan, observation.scene.ego.speed, observation.road)
    return {
        "choice": int(policy.logits.argmax()),
        "choice_profile": np.asarray(profile, np.float32),
        "expert_score": float(scores[0]),
        "policy_score": float(scores[1]),
    }


def _perturbed(
    observation: Observation, lesson: _Lesson, row: _Sample, format: PolicyFormat, random: np.random.Generator
) -> _Sample:
    """The same moment seen from a start moved aside and turned a little.

    Honest because the profile leaves out the present offset, which fades out: the same profile from the moved start is
    the way back to what the expert meant. Speeds and the other road users stay as they were.
    """
    scene, road = observation.scene, observation.road
    shift, turn = SHIFT * random.standard_normal(), TURN * random.standard_normal()
    heading = scene.ego.yaw - road.heading_error
    ego: EgoState = replace(
        scene.ego,
        x=scene.ego.x - shift * np.sin(heading),
        y=scene.ego.y + shift * np.cos(heading),
        yaw=scene.ego.yaw + turn,
    )
    moved = replace(observation, scene=replace(scene, ego=ego))
    profile = np.asarray(row["profile"], dtype=float)
    positions, yaws, speeds = plans_from_profiles(profile, ego.speed, moved.road)
    steering, _ = track_plan(Plan(positions[:, 0], positions[:, 1], yaws, speeds, PLAN_DT), ego)
    control = np.array([steering, lesson.control[1]], np.float32)
    return {**row, **format.encode(moved), "control": control, "perturbed": 1}
