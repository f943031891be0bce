from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from support.scenes import make_scene
from takead_ros.domain.driving import (
    PLAN_DT,
    PLAN_STEPS,
    ArbiterMode,
    Cause,
    DriveCommand,
    DriverOutput,
    DriverStatus,
    Plan,
    Source,
)
from takead_ros.domain.scene import Objects, Scene
from takead_ros.policy.encoding import encode
from takead_ros.policy.route_frame import route_frame
from takead_ros.policy.vector import VECTOR_1
from takead_ros.policy.vocabulary import kinematic_anchors, plans_from_profiles
from takead_ros.recording.clip import Label
from takead_ros.recording.open_clip import SessionConfig
from takead_ros.recording.reader import Frame
from takead_training.data.clip_frames import ClipFrames
from takead_training.data.columns import LABELS, NEVER_S, Table
from takead_training.data.followable import followable
from takead_training.data.samples import LinePool, settle_labels
from takead_training.data.samples import clip_samples as samples_and_world
from takead_training.data.scores import score_at, utility

TENTH = 100_000_000
BRAKE, STEADY = 3 * 7 + 3, 9 * 7 + 3  # anchors that stay on the route: brake at 4.2 m/s^2, slow down by 0.2 m/s^2
NO_CAUSE = Cause()


def drive(profile: np.ndarray, scene: Scene) -> Plan:
    positions, yaws, speeds = plans_from_profiles(profile, scene.ego.speed, route_frame(scene))
    return Plan(positions[:, 0], positions[:, 1], yaws, speeds, PLAN_DT)


def output(source: str, scene: Scene, anchor: int, cause: Cause = NO_CAUSE) -> DriverOutput:
    plan = drive(kinematic_anchors()[anchor], scene)
    candidates = np.zeros((128, PLAN_STEPS, 2)) if source == "policy" else np.zeros((0, PLAN_STEPS, 2))
    logits = np.eye(128)[anchor] if source == "policy" else np.zeros(0)
    bins = np.zeros(0)
    return DriverOutput(scene.stamp, source, plan, candidates, logits, bins, bins, 0.0, 0.0, 0.05, -1.0, cause=cause)


def car(x: float, y: float = 0.0, speed: float = 0.0) -> Objects:
    one = np.ones(1)
    return Objects(
        np.array([9]), np.array([1]), x * one, y * one, 0 * one, speed * one, 0 * one, 4.5 * one, 1.9 * one, one
    )


def clip(count: int, label: Label = Label.PRE, policy: int | None = STEADY, expert: int | None = BRAKE) -> list[Frame]:
    """Driving along the x axis at 8 m/s, a car standing 40 m ahead of the start."""
    frames = []
    for i in range(count):
        start = make_scene(offset=0.0, speed=8.0)
        scene = replace(
            start, stamp=1_000_000_000 + i * TENTH, objects=car(40.0), ego=replace(start.ego, x=0.8 * i, yaw=0.0)
        )
        frames.append(
            Frame(
                scene.stamp,
                scene,
                None if policy is None else output("policy", scene, policy),
                None if expert is None else output("expert", scene, expert),
                None,
                label,
                ArbiterMode.EXPERT if label is Label.DEMONSTRATION else ArbiterMode.POLICY,
            )
        )
    return frames


def clip_samples(frames: list[Frame], seed: int) -> Table:
    return samples_and_world(frames, seed, VECTOR_1)[0]


def test_a_frame_teaches_the_experts_plan_and_keeps_the_policys_choice() -> None:
    table = clip_samples(clip(5), seed=0)
    assert len(table["speed"]) == 5
    brake = np.maximum(kinematic_anchors()[BRAKE], [-8.0, -np.inf])  # nobody brakes below standstill
    np.testing.assert_allclose(table["profile"][0], brake, atol=2e-2)
    np.testing.assert_allclose(table["choice_profile"][0], kinematic_anchors()[STEADY], atol=2e-2)
    assert set(table["choice"]) == {STEADY} and set(table["label"]) == {LABELS.index(Label.PRE)}
    np.testing.assert_allclose(table["control"][0], [0.05, -1.0])
    np.testing.assert_array_equal(table["objects"][2], encode(clip(5)[2].scene)["objects"])


def test_what_the_policy_could_not_see_is_not_taught() -> None:
    frames = clip(4)
    hidden = replace(frames[1].expert, cause=Cause("pedestrian", 3, visible=False))  # type: ignore[type-var]
    failed = DriverOutput.failed(frames[2].stamp, "expert", DriverStatus.ERROR, "no")
    frames[1], frames[2] = replace(frames[1], expert=hidden), replace(frames[2], expert=failed)
    assert len(clip_samples(frames, 0)["speed"]) == 2
    assert len(clip_samples(clip(4, expert=None), 0)["speed"]) == 0


def test_a_person_teaches_in_hindsight() -> None:
    frames = clip(60, Label.TAKEOVER, expert=None)
    human = DriveCommand(0, 0.1, -0.5, Source.HUMAN, Source.HUMAN)
    frames = [replace(frame, command=human) for frame in frames]
    table = clip_samples(frames, 0)
    assert len(table["speed"]) == 60 - 40  # the last 4 s have no future to look back from
    assert set(table["human"]) == {1}
    np.testing.assert_allclose(table["profile"][..., 0], 0.0, atol=1e-2)  # went on at 8 m/s
    np.testing.assert_allclose(table["target_speed"], 8.0, atol=1e-4)
    np.testing.assert_allclose(table["control"], [[0.1, -0.5]] * 20, rtol=1e-6)


def test_a_gap_in_the_recording_gives_no_hindsight() -> None:
    frames = [
        replace(frame, command=DriveCommand(0, 0.0, 0.0, Source.HUMAN, Source.NONE))
        for frame in clip(60, Label.TAKEOVER, expert=None)
    ]
    assert len(clip_samples(frames, 0)["speed"]) == 20
    assert len(clip_samples(frames[:30] + frames[33:], 0)["speed"]) == 0  # every 4 s run over the gap


def test_demonstrations_are_also_seen_from_starts_moved_aside() -> None:
    table = clip_samples(clip(30, Label.DEMONSTRATION, policy=None), seed=1)
    assert table["perturbed"].tolist() == [0, 1] * 30
    plain, moved = (table["perturbed"] == 0), (table["perturbed"] == 1)
    np.testing.assert_array_equal(table["profile"][plain], table["profile"][moved])
    shift = table["ego"][moved][:, 6] - table["ego"][plain][:, 6]
    assert 0.2 < shift.std() < 0.7
    # Where the start lies to the left or looks to the left, the way back steers to the right.
    turn = table["ego"][moved][:, 7] - table["ego"][plain][:, 7]
    slopes, *_ = np.linalg.lstsq(np.stack([shift, turn], -1), table["control"][moved][:, 0], rcond=None)
    assert np.all(slopes < 0.0)
    same = clip_samples(clip(30, Label.DEMONSTRATION, policy=None), seed=1)
    for name in table:
        np.testing.assert_array_equal(table[name], same[name])


def scored(scenes: list[Scene], plans: list[Plan]) -> tuple[np.ndarray, np.ndarray]:
    """Score and utility of plans at the first of ``scenes``."""
    found = score_at(ClipFrames.of(scenes), 0, np.stack([np.stack([p.x, p.y], -1) for p in plans]))
    return found.score, utility(found)


def test_the_score_prefers_stopping_to_hitting_and_driving_to_standing() -> None:
    scene = clip(1)[0].scene
    blocked = replace(scene, objects=car(25.0))
    plans = [np.zeros((PLAN_STEPS, 2)), kinematic_anchors()[BRAKE]]  # go on; brake
    score, value = scored([blocked], [drive(p, blocked) for p in plans])
    assert score[0] == 0.0 < 0.3 < score[1] and value[0] < -0.7 < 0.0 < value[1]
    free = replace(scene, objects=Objects.empty())
    score, _ = scored([free], [drive(p, free) for p in plans])
    assert score[0] > score[1]


def test_the_score_knows_what_the_others_did_afterwards() -> None:
    scenes = []
    for i, frame in enumerate(clip(50)):  # a car beside the lane that cuts in later
        aside = 3.5 if i < 5 else 0.0
        scenes.append(replace(frame.scene, objects=car(22.0 + 0.2 * i, aside, 2.0)))
    plan = drive(np.zeros((PLAN_STEPS, 2)), scenes[0])
    assert scored(scenes, [plan])[0][0] == 0.0 < 0.5 < scored(scenes[:1], [plan])[0][0]


@pytest.mark.parametrize("aside", [0.0, 0.5, 7.0])
def test_the_score_punishes_leaving_the_road(aside: float) -> None:
    scene = replace(clip(1)[0].scene, objects=Objects.empty())
    plan = Plan(4.0 * np.arange(1, 9), np.full(8, aside), np.zeros(8), np.full(8, 8.0), PLAN_DT)
    score, value = scored([scene], [plan])
    assert (score[0] == 0.0) == (aside > 1.0) and (value[0] < 0.0) == (aside > 1.0)


def test_every_feasible_plan_is_worth_more_than_every_infeasible_one() -> None:
    scene = replace(clip(1)[0].scene, objects=car(30.0))
    plans = [drive(profile, scene) for profile in kinematic_anchors()]
    score, value = scored([scene], plans)
    feasible = value >= 0.0
    assert feasible.any() and (~feasible).any()
    assert value[feasible].min() >= 0.0 > -0.7 > value[~feasible].max() and value.min() >= -1.0
    np.testing.assert_array_equal(value[feasible], score[feasible])
    assert len(np.unique(value[~feasible])) > 1  # a set without a feasible plan still has an order


def test_a_clips_world_gives_each_frame_back_with_its_future() -> None:
    frames = clip(60)
    pool = LinePool()
    scenes = [pool.share(replace(f.scene, objects=car(40.0 + 0.1 * i, 0.0, 1.0))) for i, f in enumerate(frames)]
    world = ClipFrames.from_bytes(ClipFrames.of(scenes, [f.policy for f in frames]).to_bytes())
    assert len(world) == 60 and world.candidates.shape == (60, 128, PLAN_STEPS, 2)
    scene, future = world.moment(7)
    assert scene.ego == scenes[7].ego and scene.stamp == scenes[7].stamp
    np.testing.assert_array_equal(scene.route.path, scenes[7].route.path)
    np.testing.assert_array_equal(scene.polylines[0].points, scenes[7].polylines[0].points)
    assert scene.polylines[0].width == scenes[7].polylines[0].width
    assert len(future) == 50 and [round(float(o.x[0]) - 40.7, 6) for o in future[:3]] == [0.0, 0.1, 0.2]
    assert len(world.moment(55)[1]) == 5  # the recording ends
    gap = ClipFrames.of([*scenes[:10], *scenes[13:]])
    assert len(gap.moment(7)[1]) == 3, "a future with a hole in it goes on straight from there"


@pytest.mark.parametrize(
    ("change", "sound"),
    [
        (lambda p: p, True),
        (lambda p: replace(p, y=p.y + np.linspace(0.0, 1.0, 8)), True),
        (lambda p: replace(p, y=p.y + 6.0), False),  # begins elsewhere
        (lambda p: replace(p, x=-p.x), False),  # backwards
        (lambda p: replace(p, x=2.5 * p.x), False),  # three times the speed at once
        (lambda p: replace(p, x=np.concatenate([p.x[:4], np.full(4, p.x[3])])), False),  # stands within no time
        (lambda p: replace(p, y=np.where(np.arange(8) > 3, 5.0, 0.0)), False),  # a jump on the way
    ],
    ids=["straight", "aside", "elsewhere", "backwards", "faster", "wall", "jump"],
)
def test_a_plan_that_no_vehicle_could_follow_is_known(change, sound: bool) -> None:  # type: ignore[no-untyped-def]
    scene = clip(1)[0].scene
    assert followable(change(drive(np.zeros((PLAN_STEPS, 2)), scene)), scene.ego) is sound


def test_frames_know_how_far_the_next_and_the_last_takeover_are() -> None:
    labels = [Label.PRE] * 20 + [Label.TAKEOVER_START] * 2 + [Label.TAKEOVER] * 5 + [Label.POST] * 10
    frames = [replace(frame, label=label) for frame, label in zip(clip(37), labels, strict=True)]
    table = clip_samples(frames, 0)
    np.testing.assert_allclose(table["until_takeover_s"][:20], np.arange(20, 0, -1) / 10, atol=1e-5)
    assert set(table["since_takeover_s"][:20]) == {np.float32(NEVER_S)}
    np.testing.assert_allclose(table["since_takeover_s"][27:], np.arange(1, 11) / 10, atol=1e-5)
    assert set(table["until_takeover_s"][27:]) == {np.float32(NEVER_S)}
    assert table["frame"].tolist() == list(range(37))


def test_a_whole_drive_of_the_policy_is_labelled_by_who_drove() -> None:
    """The recorder calls all of it a demonstration; only a drive without the policy is one."""
    frames = clip(60, Label.DEMONSTRATION)
    modes = [ArbiterMode.POLICY] * 20 + [ArbiterMode.EXPERT] * 20 + [ArbiterMode.HANDBACK] * 5
    modes += [ArbiterMode.POLICY] * 15
    driven = [replace(frame, mode=mode) for frame, mode in zip(frames, modes, strict=True)]
    labels = [frame.label for frame in settle_labels(driven)]
    begun = round(SessionConfig.start_transition_s * 10)
    assert labels[:20] == [Label.PRE] * 20 == [*labels[45:], *[Label.PRE] * 5]
    assert labels[20 : 20 + begun] == [Label.TAKEOVER_START] * begun and begun >= 1
    assert labels[20 + begun : 40] == [Label.TAKEOVER] * (20 - begun) and labels[40:45] == [Label.HANDBACK] * 5
    shown = [replace(frame, mode=ArbiterMode.EXPERT) for frame in frames]
    assert settle_labels(shown) == shown
    table = clip_samples(driven, 0)
    assert len(table["speed"]) == 60 and not table["perturbed"].any()  # the expert's label at every tick, seen once
    assert table["until_takeover_s"][0] == pytest.approx(2.0, abs=1e-5) and table["since_takeover_s"][59] < 2.0
    assert clip_samples(shown, 0)["perturbed"].sum() == 60
