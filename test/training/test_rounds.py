"""A whole round on really recorded episodes, as small as it can be."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from takead_ros.domain.errors import TakeadError
from takead_ros.domain.seeds import parse_seeds
from takead_ros.policy.model import load_model
from takead_ros.resources import resource
from takead_ros.runs.episode import EpisodeRunner, EpisodeSpec
from takead_training import cli, data, rounds
from takead_training.dagger import Mix
from takead_training.rounds import RoundSettings, run_round
from takead_training.trainer import Schedule

pytestmark = pytest.mark.slow

BASELINE = resource("models/baseline.onnx")
SMALL = RoundSettings(
    mix=Mix(draws=128),
    dagger=Schedule(epochs=2, batch=64, threads=1),
    preference=Schedule(epochs=2, batch=64, rate=1e-4, threads=1),
    workers=1,
)


@pytest.fixture(scope="module")
def bags(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One episode of the policy with the expert in its shadow, one of the expert alone; both recorded whole."""
    folder = tmp_path_factory.mktemp("bags")
    runner = EpisodeRunner()
    for name, model, seed in (("driven", str(BASELINE), "collection:0"), ("shown", "expert", "training:0")):
        spec = EpisodeSpec("demo", "cut_in", parse_seeds(seed)[0], model, True, str(folder / name), "all")
        runner.run(spec)
    runner.close()
    return folder


def go(bags: Path, out: Path, settings: RoundSettings = SMALL, report: rounds.Report | None = None):  # type: ignore[no-untyped-def]
    return run_round(BASELINE, [bags / "driven"], [bags / "shown"], out, settings, report=report)


def test_every_frame_holds_both_sides(bags: Path) -> None:
    (clip,) = data.find_clips([bags / "driven"])
    table = data.concatenate(data.load([clip], bags / "cache"))
    assert data.rows(table) > 50
    assert (table["choice"] >= 0).mean() > 0.95
    assert not np.isnan(table["expert_score"]).mean() > 0.05


def test_loading_does_not_depend_on_workers_or_cache(bags: Path, tmp_path: Path) -> None:
    clips = data.find_clips([bags])
    one = data.concatenate(data.load(clips, tmp_path / "a", workers=1))
    two = data.concatenate(data.load(clips, tmp_path / "b", workers=2))
    again = data.concatenate(data.load(clips, tmp_path / "a", workers=1))
    for name in one:
        np.testing.assert_array_equal(one[name], two[name])
        np.testing.assert_array_equal(one[name], again[name])


def test_a_round_makes_a_model_and_a_cut_round_the_same_one(bags: Path, tmp_path: Path) -> None:
    result = go(bags, tmp_path / "whole")
    policy = load_model(result.model)
    assert policy.sha256 == result.sha256
    assert policy.manifest.parent == load_model(BASELINE).sha256
    assert policy.manifest.stage == "preference" and len(policy.manifest.clips) == 2
    assert set(policy.manifest.seeds) == {*parse_seeds("collection:0"), *parse_seeds("training:0")}

    class CtrlCError(Exception):
        pass

    def cut(phase: str, done: int, total: int, figures: dict[str, float]) -> None:
        if phase == "dagger" and done == 1:
            raise CtrlCError

    with pytest.raises(CtrlCError):
        go(bags, tmp_path / "cut", report=cut)
    assert not (tmp_path / "cut" / "model.onnx").exists()
    assert go(bags, tmp_path / "cut").sha256 == result.sha256
    assert not list((tmp_path / "cut").glob("*.state"))

    again = go(bags, tmp_path / "whole")  # finished: told again, not trained again
    assert again == result
    with pytest.raises(TakeadError, match="was begun with other settings"):
        go(bags, tmp_path / "whole", replace(SMALL, mix=Mix(draws=64)))
    (tmp_path / "whole" / "model.onnx").unlink()
    shutil.copy(BASELINE, tmp_path / "whole" / "model.onnx")
    (tmp_path / "whole" / "model.manifest.json").unlink()
    with pytest.raises(TakeadError, match="not the model that this round made"):
        go(bags, tmp_path / "whole")


def test_bad_folders_are_refused(bags: Path, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "precious.txt").write_text("mine")
    with pytest.raises(TakeadError, match="holds no round"):
        go(bags, tmp_path / "full")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "round.json").write_text("{")
    with pytest.raises(TakeadError, match="not the record of a round"):
        go(bags, tmp_path / "broken")
    (tmp_path / "empty").mkdir()
    for folder in (tmp_path / "empty", tmp_path / "nowhere"):
        with pytest.raises(TakeadError, match=folder.name):
            run_round(BASELINE, [folder], [], tmp_path / "out", SMALL)


@pytest.mark.parametrize("split", ["test", "selection"])
def test_clips_of_test_and_selection_seeds_are_refused(bags: Path, tmp_path: Path, split: str) -> None:
    (clip,) = data.find_clips([bags / "driven"])
    shutil.copytree(clip.path, tmp_path / "clip")
    about = json.loads((tmp_path / "clip" / "manifest.json").read_text())
    about["provenance"]["seed"] = parse_seeds(f"{split}:3")[0]
    (tmp_path / "clip" / "manifest.json").write_text(json.dumps(about))
    with pytest.raises(TakeadError, match=f"is a {split} seed"):
        data.find_clips([tmp_path])


def test_casual_overrides_are_left_out_unless_asked_for(bags: Path, tmp_path: Path) -> None:
    (clip,) = data.find_clips([bags / "driven"])
    shutil.copytree(clip.path, tmp_path / "clip")
    about = json.loads((tmp_path / "clip" / "manifest.json").read_text())
    about["relabel"] = {"classification": "casual_override"}
    (tmp_path / "clip" / "manifest.json").write_text(json.dumps(about))
    assert data.find_clips([tmp_path]) == []
    assert len(data.find_clips([tmp_path], casual=True)) == 1


def test_commands_clone_export_and_refuse_to_overwrite(bags: Path, tmp_path: Path) -> None:
    run, out = CliRunner(), tmp_path / "bc.pt"
    quick = ["--epochs", "1", "--threads", "1", "--workers", "1"]
    done = run.invoke(cli.train, ["bc", str(bags / "shown"), "--out", str(out), "--json", "-", *quick])
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout[done.stdout.index("{") :])
    assert told["clips"] == 1 and told["samples"] > 100 and told["ade_m"] > 0.0
    assert not list(tmp_path.glob("*.state"))
    again = run.invoke(cli.train, ["bc", str(bags / "shown"), "--out", str(out), *quick])
    assert isinstance(again.exception, TakeadError) and "exists already" in str(again.exception)
    made = run.invoke(cli.export, [str(out), "--out", str(tmp_path / "m.onnx")])
    assert made.exit_code == 0, made.output
    assert load_model(tmp_path / "m.onnx").manifest.stage == "bc"


@pytest.mark.parametrize("arguments", [["bc", "--help"], ["round", "--help"]])
def test_help_shows_an_example(arguments: list[str]) -> None:
    shown = CliRunner().invoke(cli.train, arguments)
    assert shown.exit_code == 0 and f"takead train {arguments[0]}" in shown.stdout.replace("\n", " ")
