from __future__ import annotations

from dataclasses import replace

import numpy as np

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
)  # fmt: skip
from takead_ros.domain.scene import Objects, Scene
from takead_ros.policy.encoding import encode
from takead_ros.policy.route_frame import route_frame
from takead_ros.policy.vocabulary import kinematic_anchors, plans_from_profiles
from takead_ros.recording.clip import Label
from takead_ros.recording.reader import Frame
from takead_training.samples import LABELS, clip_samples

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
                scene.stamp, scene, None if policy is None else output("policy", scene, policy),
                None if expert is None else output("expert", scene, expert), None, label, ArbiterMode.POLICY,
            )
        )  # fmt: skip
    return frames


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


def preferred(frames: list[Frame]) -> tuple[float, float]:
    """PDM scores of the expert's and the policy's plan at the first frame."""
    table = clip_samples(frames, seed=0)
    return float(table["expert_score"][0]), float(table["policy_score"][0])


def test_braking_scores_above_hitting_and_driving_above_braking_for_nothing() -> None:
    """The expert brakes, the policy goes on; a car stands 25 m ahead, or 200 m."""
    for ahead, better in ((25.0, True), (200.0, False)):
        frames = [replace(frame, scene=replace(frame.scene, objects=car(ahead))) for frame in clip(45)]
        brakes, goes_on = preferred(frames)
        assert (brakes > goes_on) == better
        assert (goes_on == 0.0) == better, "what hits somebody is worth nothing"


def test_plans_are_scored_against_what_the_others_then_did() -> None:
    """A car beside the lane cuts in half a second later; without these frames nothing would be known of it."""
    frames = [
        replace(frame, scene=replace(frame.scene, objects=car(22.0 + 0.2 * i, 3.5 if i < 5 else 0.0, 2.0)))
        for i, frame in enumerate(clip(45))
    ]
    assert preferred(frames)[1] == 0.0 < preferred(frames[:5])[1]
    gap = [*frames[:5], *frames[8:]]
    assert preferred(gap) == preferred(frames[:5]), "a future with a hole in it goes on straight from there"
