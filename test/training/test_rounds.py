"""A whole round on really recorded episodes, as small as it can be."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from takead_ros.domain.errors import TakeadError
from takead_ros.domain.seeds import parse_seeds
from takead_ros.policy.model import load_model
from takead_ros.resources import resource
from takead_training import cli, rounds
from takead_training.commands import export
from takead_training.data.clips import find_clips
from takead_training.rounds import RoundSettings, run_round
from takead_training.settings import Aggregation, Distil, Mix, Preference, Schedule
from takead_training.stages.dagger import DAGGER
from takead_training.stages.distil import DISTIL
from takead_training.stages.preference import PREFERENCE

pytestmark = pytest.mark.slow

NOVICE = resource("models/novice.onnx")
QUICK = Schedule(epochs=2, batch=64, rate=5e-4, threads=1)
MIX = Mix(draws=128)
SMALL = RoundSettings(
    (
        DAGGER.with_settings(Aggregation(MIX, QUICK)),
        PREFERENCE.with_settings(Preference(mix=MIX, schedule=replace(QUICK, rate=1e-4))),
    ),
    workers=1,
)


def go(bags: Path, out: Path, settings: RoundSettings = SMALL, report: rounds.Report | None = None):  # type: ignore[no-untyped-def]
    return run_round(NOVICE, [bags / "driven"], [bags / "shown"], out, settings, report=report)


def test_a_round_makes_a_model_and_a_cut_round_the_same_one(bags: Path, tmp_path: Path) -> None:
    result = go(bags, tmp_path / "whole")
    policy = load_model(result.model)
    assert policy.sha256 == result.sha256
    assert policy.manifest.parent == load_model(NOVICE).sha256
    assert policy.manifest.stage == "preference" and len(policy.manifest.clips) == 2
    assert set(policy.manifest.seeds) == {*parse_seeds("collection:0"), *parse_seeds("training:0")}

    class CtrlCError(Exception):
        pass

    def cut(phase: str, done: int, total: int, figures: dict[str, float]) -> None:
        if phase == "dagger" and done >= 1:
            raise CtrlCError

    with pytest.raises(CtrlCError):
        go(bags, tmp_path / "cut", report=cut)
    assert not (tmp_path / "cut" / "model.onnx").exists()
    assert go(bags, tmp_path / "cut").sha256 == result.sha256
    assert not list((tmp_path / "cut").glob("*.state"))

    again = go(bags, tmp_path / "whole")  # finished: told again, not trained again
    assert again == result
    with pytest.raises(TakeadError, match="was begun with other stages"):
        go(bags, tmp_path / "whole", replace(SMALL, stages=SMALL.stages[:1]))
    (tmp_path / "whole" / "model.onnx").unlink()
    shutil.copy(NOVICE, tmp_path / "whole" / "model.onnx")
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
    with pytest.raises(TakeadError, match="expected the record of a round"):
        go(bags, tmp_path / "broken")
    (tmp_path / "empty").mkdir()
    for folder in (tmp_path / "empty", tmp_path / "nowhere"):
        with pytest.raises(TakeadError, match=folder.name):
            run_round(NOVICE, [folder], [], tmp_path / "out", SMALL)


def test_a_round_is_any_list_of_stages_and_may_start_from_another_base(bags: Path, tmp_path: Path) -> None:
    first = go(bags, tmp_path / "one")
    small = replace(MIX, draws=64)
    settings = RoundSettings(
        (
            DISTIL.with_settings(Distil(frames=12, mix=small, schedule=QUICK)),
            PREFERENCE.with_settings(Preference(rejected="near_miss", mix=small, schedule=QUICK)),
        ),
        workers=1,
    )
    result = run_round(first.model, [bags / "driven"], [bags / "shown"], tmp_path / "two", settings, base=NOVICE)
    manifest = load_model(result.model).manifest
    assert manifest.parent == load_model(NOVICE).sha256  # retrained from the base, not from the driver
    assert set(manifest.training) == {"network", "bc", "distil", "preference"}
    assert 1 <= manifest.training["distil"]["scored"] <= 12 and result.figures["distil"]["distil"] > 0.0
    assert manifest.training["preference"]["rejected"] == "near_miss"
    for stages in ((), (DAGGER, DAGGER)):
        with pytest.raises(TakeadError, match="expected stages, each at most once"):
            RoundSettings(stages)


def test_a_corrupt_clip_is_named_and_does_not_stop_the_others(bags: Path, tmp_path: Path) -> None:
    (clip,) = find_clips([bags / "driven"]).clips
    shutil.copytree(clip.path, tmp_path / "clips" / clip.path.name)
    shutil.copytree(clip.path, tmp_path / "clips" / "cut")
    (bag,) = (tmp_path / "clips" / "cut").glob("*.mcap")
    bag.write_bytes(bag.read_bytes()[: bag.stat().st_size // 2])
    result = run_round(NOVICE, [tmp_path / "clips"], [bags / "shown"], tmp_path / "out", SMALL)
    assert len(result.refused) == 1 and "cut" in result.refused[0]
    assert len(load_model(result.model).manifest.clips) == 2


def test_commands_clone_export_and_refuse_to_overwrite(bags: Path, tmp_path: Path) -> None:
    run, out = CliRunner(), tmp_path / "bc.pt"
    quick = ["--epochs", "1", "--threads", "1", "--workers", "1"]
    done = run.invoke(cli.app, ["bc", str(bags / "shown"), "--out", str(out), "--json", "-", *quick])
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout[done.stdout.index("{") :])
    assert told["clips"] == 1 and told["refused"] == 0 and told["samples"] > 100 and told["ade_m"] > 0.0
    assert not list(tmp_path.glob("*.state"))
    again = run.invoke(cli.app, ["bc", str(bags / "shown"), "--out", str(out), *quick])
    assert isinstance(again.exception, TakeadError) and "exists already" in str(again.exception)
    made = run.invoke(export.app, [str(out), "--out", str(tmp_path / "m.onnx")])
    assert made.exit_code == 0, made.output
    assert load_model(tmp_path / "m.onnx").manifest.stage == "bc"


@pytest.mark.parametrize("arguments", [["bc", "--help"], ["round", "--help"]])
def test_help_shows_an_example(arguments: list[str]) -> None:
    shown = CliRunner().invoke(cli.app, arguments)
    assert shown.exit_code == 0 and f"takead train {arguments[0]}" in shown.stdout.replace("\n", " ")
