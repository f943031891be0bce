"""A drive with a vehicle's perception: who sees what, what a clip holds of it, and who says which perception it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from takead_ros.domain.errors import TakeadError
from takead_ros.measures.summary import aggregate
from takead_ros.policy.vector import VECTOR_1
from takead_ros.recording.reader import Frame, frames
from takead_ros.runs.episode import EXPERT, EpisodeRunner, EpisodeSpec, NodeParameters
from takead_ros.runs.results import EpisodeResult
from takead_ros.runs.spec import read_parameters, run_spec
from takead_ros.scenarios.suites import load_suite, perception_of, read_suite
from takead_training.data.clip_frames import ClipFrames
from takead_training.data.samples import clip_samples

pytestmark = pytest.mark.slow  # simulated drives

FAMILY, SEED = "intersection_left", 1_000_002


def _drive(folder: Path, **nodes: dict[str, str]) -> tuple[EpisodeResult, list[Frame]]:
    parameters: NodeParameters = nodes
    spec = EpisodeSpec("core", FAMILY, SEED, EXPERT, False, str(folder), "all", "vector", parameters)
    runner = EpisodeRunner()
    result = runner.run(spec)
    return result, list(frames(folder / result.clips[0]))


@pytest.fixture(scope="module")
def drives(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[EpisodeResult, list[Frame]]]:
    folder = tmp_path_factory.mktemp("drives")
    noisy = {"perception": "vehicle"}
    return {
        "clean": _drive(folder / "clean"),
        "noisy": _drive(folder / "noisy", simulator_node=noisy),
        "again": _drive(folder / "again", simulator_node=noisy),
        "fooled": _drive(folder / "fooled", simulator_node=noisy, expert_node={"expert_sees": "perceived"}),
    }


def _commands(found: tuple[EpisodeResult, list[Frame]]) -> list[tuple[float, float]]:
    return [(f.command.steering_angle, f.command.acceleration) for f in found[1] if f.command is not None]


def test_the_expert_sees_the_truth_by_default_and_what_is_perceived_if_it_is_told_to(
    drives: dict[str, tuple[EpisodeResult, list[Frame]]],
) -> None:
    assert _commands(drives["noisy"]) == _commands(drives["clean"])
    assert _commands(drives["fooled"]) != _commands(drives["clean"])


def test_measures_are_taken_of_the_truth(drives: dict[str, tuple[EpisodeResult, list[Frame]]]) -> None:
    clean, noisy = drives["clean"][0], drives["noisy"][0]
    assert (noisy.driving_score, noisy.min_ttc) == (clean.driving_score, clean.min_ttc)
    assert aggregate([noisy]).driving_score == aggregate([clean]).driving_score


def test_a_clip_holds_what_was_perceived_and_the_truth(drives: dict[str, tuple[EpisodeResult, list[Frame]]]) -> None:
    clean, noisy, again = (drives[name][1] for name in ("clean", "noisy", "again"))
    assert all(frame.truth is None and frame.world is frame.scene for frame in clean)
    assert len(noisy) == len(clean)
    seen = 0
    for frame, before, twin in zip(noisy, clean, again, strict=True):
        assert frame.truth is not None and frame.world is frame.truth
        assert np.array_equal(frame.truth.objects.x, before.scene.objects.x)
        assert np.array_equal(frame.scene.objects.x, twin.scene.objects.x)
        assert frame.scene.ego == before.scene.ego
        seen += len(frame.scene.objects)
        if len(frame.scene.objects) == len(frame.truth.objects) > 0:
            assert not np.array_equal(frame.scene.objects.x, frame.truth.objects.x)
    assert seen > 100


def test_training_sees_what_was_perceived_and_scores_by_the_truth(
    drives: dict[str, tuple[EpisodeResult, list[Frame]]],
) -> None:
    clean, noisy = (clip_samples(drives[name][1], 1, VECTOR_1) for name in ("clean", "noisy"))
    for name in ("objects", "who", "object_at", "ego"):
        assert np.array_equal(getattr(noisy[1], name), getattr(clean[1], name)), name
    assert isinstance(noisy[1], ClipFrames)
    assert not np.array_equal(noisy[0]["objects"], clean[0]["objects"])


def test_the_suite_says_which_perception_it_is_unless_told_otherwise(tmp_path: Path) -> None:
    assert load_suite("deploy").perception == "vehicle" and load_suite("known").perception == "none"
    assert perception_of("deploy") == "vehicle" and perception_of("cut_in") == "none"

    def of(suite: str, chosen: str | None) -> object:
        spec = run_spec(EXPERT, suite, "selection:0", "vector", read_parameters(None, chosen))
        return spec.settings().parameters.get("simulator_node", {}).get("perception")

    own = tmp_path / "own.yaml"
    own.write_text("position_m: 0.5\n")
    assert of("deploy", None) == "vehicle" and of("deploy", "none") == "none"
    assert of("known", None) is None and of("known", "vehicle") == "vehicle"
    assert of("known", str(own)) == str(own.resolve())
    with pytest.raises(TakeadError, match="perception 'vehicel'"):
        of("known", "vehicel")
    suite = tmp_path / "suite.yaml"
    suite.write_text("families: [cut_in]\nperception: 3\n")
    with pytest.raises(TakeadError, match="perception is 3, expected the name of a setting"):
        read_suite(suite)
