"""How the heads become a plan and a command, and what each switch of the manifest changes."""

from __future__ import annotations

import numpy as np
import pytest

from support.scenes import make_scene
from takead_ros.domain.driving import PLAN_DT, PLAN_STEPS, DriverOutput
from takead_ros.domain.errors import TakeadError
from takead_ros.policy.format import Observation, Outputs
from takead_ros.policy.kernels.decode import FUSED, HYBRID, MEAN, MEDIAN, MODE, NONE, ONLY, PLAN, retimed, speed_of
from takead_ros.policy.manifest import CONTROL_DECODES, SPEED_DECODES, Decoding, SpeedDecode
from takead_ros.policy.model import load_model
from takead_ros.policy.vector import VECTOR_1
from takead_ros.policy.vocabulary import kinematic_anchors, unroll
from takead_ros.resources import resource

BINS = np.array([0.0, 1.0, 2.5, 4.0, 6.0, 8.0, 10.0, 12.5, 15.0, 20.0])
STOP_OR_GO = np.array([0.45, 0.05, 0.0, 0.0, 0.0, 0.1, 0.4, 0.0, 0.0, 0.0])


def test_the_mean_of_stop_and_go_is_neither() -> None:
    assert speed_of(BINS, STOP_OR_GO, MODE) == 0.0
    assert speed_of(BINS, STOP_OR_GO, MEAN) == pytest.approx(4.85)
    assert 1.0 <= speed_of(BINS, STOP_OR_GO, MEDIAN) <= 8.0
    for one in np.eye(len(BINS)):
        assert {speed_of(BINS, one, how) for how in (MODE, MEAN, MEDIAN)} == {float(BINS @ one)}


def test_the_kernel_knows_the_decodings_by_their_places() -> None:
    assert [SPEED_DECODES[place] for place in (PLAN, MODE, MEDIAN, MEAN)] == ["plan", "mode", "median", "mean"]


@pytest.mark.parametrize("target", [0.0, 3.0, 12.0])
def test_the_chosen_path_is_kept_and_only_its_speed_changes(target: float) -> None:
    for profile in kinematic_anchors()[::9]:
        changed = retimed(profile, 8.0, target, PLAN_DT)
        along, aside, pace = unroll(changed, 8.0, 0.0)
        np.testing.assert_allclose(pace[4:], target, atol=1e-9)  # after 2 s
        assert (np.diff(np.concatenate([[8.0], pace])) * np.sign(target - 8.0) >= -1e-9).all()
        before, old_aside, _ = unroll(profile, 8.0, 0.0)
        road = np.concatenate([[0.0], before])
        wanted = np.interp(along, road + 1e-9 * np.arange(9), np.concatenate([[0.0], old_aside]))
        np.testing.assert_allclose(aside, wanted, atol=1e-3)


def decoded(outputs: Outputs, observation: Observation, **decoding: object) -> DriverOutput:
    manifest = load_model(resource("models/novice.onnx")).manifest
    return VECTOR_1.decode(outputs, observation, manifest.model_copy(update={"decoding": Decoding(**decoding)}))  # type: ignore[arg-type]


def test_each_switch_does_what_it_says() -> None:
    policy = load_model(resource("models/novice.onnx"))
    observation = Observation(make_scene(4, radius=60.0))
    outputs = dict(policy.run(VECTOR_1.encode(observation)))
    outputs["speed_logits"] = np.log(np.maximum(STOP_OR_GO, 1e-12))
    plain = decoded(outputs, observation)
    assert plain.acceleration == policy.infer(observation.scene).acceleration  # today's default: the plan decides
    speeds = {name: decoded(outputs, observation, speed=name).plan.speed[-1] for name in ("mode", "median", "mean")}
    assert speeds["mode"] < 0.5 < speeds["mean"] == pytest.approx(4.85, abs=0.1)
    pushed = {**outputs, "control": np.array([0.0, 9.0])}
    assert decoded(pushed, observation).acceleration != plain.acceleration
    alone = decoded(outputs, observation, control=False)
    assert decoded(pushed, observation, control=False).acceleration == alone.acceleration
    pushed = {**outputs, "control": np.array([0.1, 1.5])}
    hybrid, only = decoded(pushed, observation, control="hybrid"), decoded(pushed, observation, control="only")
    assert (hybrid.steering_angle, hybrid.acceleration) == (alone.steering_angle, 1.5)
    assert (only.steering_angle, only.acceleration) == (0.1, 1.5)
    turned = {**outputs, "control": np.array([9.0, 1.5])}  # beyond the lock, where a network's bounds end
    limit = observation.scene.ego.max_steering_angle
    assert decoded(turned, observation, control="only").steering_angle == pytest.approx(limit)
    assert len(plain.plan.x) == PLAN_STEPS and plain.plan.dt == PLAN_DT


def test_an_unknown_switch_is_refused() -> None:
    assert {Decoding.of(name).speed for name in SPEED_DECODES} == set(SPEED_DECODES)
    with pytest.raises(TakeadError, match="--decode-speed 'best': expected one of plan, mode"):
        Decoding.of("best")
    with pytest.raises(TakeadError, match="--decode-control 'all': expected one of none, mean, hybrid, only"):
        Decoding.of("plan", "all")
    name: SpeedDecode = "mode"
    assert Decoding.of(name).control is True  # as the manifests of all shipped models say it
    assert {Decoding.of("plan", word).control for word in CONTROL_DECODES} == {False, True, "hybrid", "only"}


def test_the_kernel_knows_what_the_control_branch_decides_by_its_place() -> None:
    words = list(CONTROL_DECODES)
    assert [words[place] for place in (NONE, FUSED, HYBRID, ONLY)] == ["none", "mean", "hybrid", "only"]
    assert [Decoding.of("plan", word).control_place for word in words] == [NONE, FUSED, HYBRID, ONLY]
