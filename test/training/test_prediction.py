"""Models of road users: what clips teach, a training that can be stopped, and the way to an ONNX file."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from trial.material import takead

from support.rewrite import rewritten, scenes
from takead_ros.domain.errors import TakeadError
from takead_ros.domain.seeds import parse_seeds
from takead_ros.policy.manifest import manifest_path
from takead_ros.prediction.features import SHAPES, STEPS
from takead_ros.prediction.model import load_road_user_model
from takead_ros.recording.clip_folders import list_clips
from takead_ros.runs.episode import EXPERT, EpisodeRunner, EpisodeSpec
from takead_training.checkpoint import ModelProvenance
from takead_training.data.clips import TrainingClip, find_clips
from takead_training.prediction.checkpoint import PredictionCheckpoint, export_prediction, load_prediction
from takead_training.prediction.learn import episode_of, held_out
from takead_training.prediction.read import read_samples
from takead_training.prediction.samples import TARGETS, samples_of
from takead_training.prediction.train import PredictionSamples, loss_of, predicted, train_prediction
from takead_training.settings import Prediction, Schedule

pytestmark = pytest.mark.slow

QUICK = Prediction(Schedule(epochs=3, batch=64, threads=1), width=16, modes=2)


@pytest.fixture(scope="module")
def drives(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The expert in the vector world, two families, two seeds."""
    folder, runner = tmp_path_factory.mktemp("drives"), EpisodeRunner()
    for family in ("lead_hard_brake", "intersection_left"):
        for seed in parse_seeds("training:0-1"):
            runner.run(EpisodeSpec("core", family, seed, EXPERT, False, str(folder), "all", "vector"))
    runner.close()
    return folder


@pytest.fixture(scope="module")
def samples(drives: Path) -> PredictionSamples:
    return PredictionSamples([samples_of(clip, clip.name) for clip in list_clips(drives)])


def test_samples_say_where_everybody_went(samples: PredictionSamples) -> None:
    assert len(samples) > 200
    for name in (*SHAPES, *TARGETS):
        assert np.isfinite(samples.column(name)).all(), name
    plain = samples.column("plain") == 1.0
    future, known, speed = (samples.column(name)[plain] for name in ("future", "known", "speed"))
    assert (known[:, :2] == 1.0).all()  # everybody is seen for a second at least
    # half a second on, who drives has come about as far as its speed says, straight on
    fast = speed > 3.0
    np.testing.assert_allclose(future[fast, 0, 0], 0.5 * speed[fast], atol=2.0)
    assert np.abs(future[fast, 0, 1]).max() < 1.0


def test_the_same_clip_teaches_the_same(drives: Path) -> None:
    clip = list_clips(drives)[0]
    first, second = samples_of(clip, "a"), samples_of(clip, "a")
    for name in first:
        np.testing.assert_array_equal(first[name], second[name])


def test_moved_starts_lead_back_to_the_recorded_way(samples: PredictionSamples) -> None:
    moved = samples.column("plain") == 0.0
    assert 0.1 < moved.mean() < 0.6
    assert samples.column("past")[moved].max() == 0.0
    assert np.abs(samples.column("future")[moved][:, 0, 1]).mean() > 0.1  # m aside


class CtrlCError(Exception):
    """Stands for Ctrl-C."""


def test_a_stopped_training_ends_with_the_same_weights(samples: PredictionSamples, tmp_path: Path) -> None:
    rows = np.arange(len(samples))

    def stop(done: int, total: int, figures: dict[str, float]) -> None:
        if done > 0.6 * total:
            raise CtrlCError

    whole, history = train_prediction(samples, rows, QUICK, tmp_path / "whole")
    with pytest.raises(CtrlCError):
        train_prediction(samples, rows, QUICK, tmp_path / "stopped", stop)
    went_on, _ = train_prediction(samples, rows, QUICK, tmp_path / "stopped")
    for name, value in whole.state_dict().items():
        assert torch.equal(went_on.state_dict()[name], value), name
    assert history[-1]["loss"] < history[0]["loss"]


def test_the_way_that_was_gone_costs_least(samples: PredictionSamples) -> None:
    """Controls that lead where it went, against the same mirrored."""
    rows = np.flatnonzero((samples.column("plain") == 1.0) & (samples.column("known").all(1)))[:64]
    batch = {name: torch.from_numpy(values) for name, values in samples.batch(rows, tuple(TARGETS)).items()}
    before = torch.cat([batch["speed"][:, None], batch["future"][:, :-1, 3]], dim=1)
    gain = (batch["future"][..., 3] - before) / 0.5
    right = torch.stack([gain, torch.zeros_like(gain)], dim=-1)[:, None]
    logits = torch.zeros(len(rows), 1)
    near, far = (float(loss_of({"controls": one, "logits": logits}, batch)[0]) for one in (right, -right - 1.0))
    assert near < 0.5 * far


def nobody(msg: Any) -> Any:
    msg.objects = []
    return msg


def nowhere(msg: Any) -> Any:
    for one in msg.objects:
        one.vx = math.nan
    return msg


def test_a_clip_without_road_users_teaches_nothing_and_is_named(drives: Path, tmp_path: Path) -> None:
    clip = rewritten(list_clips(drives)[0], tmp_path / "empty.mcap", scenes(nobody))
    assert len(samples_of(clip, "a")["speed"]) == 0
    known = find_clips([drives]).clips[0]
    parts, refused = read_samples([TrainingClip(clip, known.manifest, "0" * 64)], tmp_path / "cache")
    assert parts == [None] and "empty.mcap: nobody in it" in refused[0].why


def test_places_that_are_not_finite_are_refused(drives: Path, tmp_path: Path) -> None:
    clip = rewritten(list_clips(drives)[0], tmp_path / "nan.mcap", scenes(nowhere))
    with pytest.raises(TakeadError, match=r"nan\.mcap.*not finite"):
        samples_of(clip, "a")


def test_what_was_read_once_is_not_read_again_unless_it_is_damaged(drives: Path, tmp_path: Path) -> None:
    clips = find_clips([drives]).clips[:1]
    (first,), _ = read_samples(clips, tmp_path)
    (file,) = tmp_path.glob("*.pt")
    before = file.stat().st_mtime_ns
    read_samples(clips, tmp_path)
    assert file.stat().st_mtime_ns == before
    file.write_bytes(file.read_bytes()[:-100])
    (again,), _ = read_samples(clips, tmp_path)
    assert first is not None and again is not None
    for name in first:
        np.testing.assert_array_equal(again[name], first[name])


def test_too_little_is_refused(samples: PredictionSamples, tmp_path: Path) -> None:
    with pytest.raises(TakeadError, match="at least 200 are needed"):
        train_prediction(samples, np.arange(50), QUICK, tmp_path / "state")


def test_every_tenth_episode_is_held_out(drives: Path) -> None:
    clips = list(find_clips([drives]).clips)
    held = held_out(clips)
    assert len({episode_of(clip) for clip in held}) == 1 and held == held_out(clips[::-1])
    with pytest.raises(TakeadError, match="all clips are of one episode"):
        held_out(clips[:1])


def test_the_command_trains_and_its_model_is_exported(drives: Path, tmp_path: Path) -> None:
    out, told = tmp_path / "agents.pt", tmp_path / "agents.json"
    command = ["train", "agents", str(drives), "--out", str(out), "--epochs", "2", "--windows", "2", "--workers", "1"]
    said = takead([*command, "--json", str(told)])
    assert said.code == 0, said.all
    figures = json.loads(told.read_text())["displacements"]
    assert {one["agents"] for one in figures} == {"constant velocity", "rules", "learned"}
    assert {one["horizon_s"] for one in figures} == {1.0, 2.0, 4.0}
    assert "Replay would be 0 by definition" in said.stdout and not out.with_name("agents.pt.state").exists()
    assert takead(command).code == 2  # it is there already
    model = tmp_path / "agents.onnx"
    said = takead(["export", str(out), "--out", str(model)])
    assert said.code == 0 and manifest_path(model).exists(), said.all
    said = takead(["model", "verify", str(model)])
    assert said.code == 0 and "a model of road users" in said.all
    assert takead(["model", "show", str(model)]).code == 0
    loaded, checkpoint = load_road_user_model(model), load_prediction(out)
    assert len(loaded.manifest.clips) == 3 and len(loaded.manifest.training["agents"]["held_out"]) == 1
    with torch.no_grad():
        mine = checkpoint.net({name: torch.from_numpy(values) for name, values in checkpoint.frames.items()})
    np.testing.assert_allclose(loaded.run(checkpoint.frames)["controls"], mine["controls"].numpy(), atol=1e-4)


def test_a_network_that_is_not_finite_is_not_exported(drives: Path, tmp_path: Path) -> None:
    samples = PredictionSamples([samples_of(list_clips(drives)[0], "a")])
    net, _ = train_prediction(samples, np.arange(len(samples)), QUICK, tmp_path / "state")
    ways = predicted(net, samples, np.arange(8))
    assert ways.shape == (8, STEPS, 4) and np.isfinite(ways).all()
    frames = samples.batch(np.arange(4), ())
    with torch.no_grad():
        net.act.weight[0, 0] = torch.nan
    with pytest.raises(TakeadError, match="not finite"):
        export_prediction(PredictionCheckpoint(net, ModelProvenance("x", "agents"), frames), tmp_path / "m.onnx")
    assert not (tmp_path / "m.onnx").exists()


@pytest.mark.parametrize("seed", ["0", "selection:0"])
def test_seeds_that_models_are_judged_on_teach_nothing(seed: str, tmp_path: Path) -> None:
    runner = EpisodeRunner()
    runner.run(EpisodeSpec("core", "cut_in", parse_seeds(seed)[0], EXPERT, False, str(tmp_path / "d"), "all", "vector"))
    runner.close()
    said = takead(["train", "agents", str(tmp_path / "d"), "--out", str(tmp_path / "a.pt"), "--epochs", "1"])
    assert said.code == 2 and "must not learn from it" in said.all
