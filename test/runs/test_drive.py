"""The closed loop through the command line: what it writes, that it is deterministic, that it can be continued."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from mcap.reader import make_reader
from PIL import Image

from takead_ros.files import locked
from takead_ros.recording import clip_manifests
from takead_ros.resources import resource

pytestmark = pytest.mark.slow

SUITE = "intersection_right"  # the shortest family


def payload(clip: Path) -> list[tuple[str, int, bytes]]:
    """Every message of a bag: topic, time, bytes."""
    messages = []
    for file in sorted(clip.glob("*.mcap")):
        with file.open("rb") as stream:
            messages += [(channel.topic, m.log_time, m.data) for _, channel, m in make_reader(stream).iter_messages()]
    return messages


def two_seeds(folder: Path) -> tuple[Any, ...]:
    """The words of a drive of two seeds into ``folder``, but for the model."""
    where = ("--bags", folder / "bags", "--json", folder / "drive.json")
    return ("drive", "--suite", SUITE, "--seeds", "collection:0-1", *where)


@pytest.fixture(scope="module")
def driven(takead: Any, untrained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seeds driven by one process."""
    folder = tmp_path_factory.mktemp("driven")
    result = takead(*two_seeds(folder), "--model", untrained)
    assert result.returncode == 0, result.stderr
    return folder


def test_the_json_holds_what_the_contract_promises(driven: Path) -> None:
    content = json.loads((driven / "drive.json").read_text())
    keys = {"driving_score", "success_rate", "route_completion", "takeovers_per_km", "expert_share"}
    assert {*keys, "episodes", "abilities", "model_sha256", "version"} <= set(content)
    assert 0.0 <= content["driving_score"] <= 100.0
    assert 0.0 <= content["success_rate"] <= 1.0
    assert 0.0 < content["expert_share"] <= 1.0
    assert [episode["seed"] for episode in content["episodes"]] == [1_000_000, 1_000_001]
    for episode in content["episodes"]:
        assert {*keys, "suite", "scenario", "seed"} <= set(episode)


def test_every_takeover_is_in_a_clip(driven: Path) -> None:
    content = json.loads((driven / "drive.json").read_text())
    for episode in content["episodes"]:
        assert episode["takeovers"] > 0
        starts = 0
        for clip in episode["clips"]:
            manifest = clip_manifests.read_manifest(driven / "bags" / clip)
            assert manifest.provenance.model_sha256 == content["model_sha256"]
            assert manifest.provenance.seed == episode["seed"]
            starts += sum(event.kind == "start" for event in manifest.events)
        assert starts == episode["takeovers"]


def test_two_processes_give_the_same_bytes_and_the_same_score(
    takead: Any, untrained: Path, driven: Path, tmp_path: Path
) -> None:
    result = takead(*two_seeds(tmp_path), "--model", untrained, "--workers", "2")
    assert result.returncode == 0, result.stderr
    first, second = (json.loads((folder / "drive.json").read_text()) for folder in (driven, tmp_path))
    assert {k: v for k, v in first.items() if k != "path"} == {k: v for k, v in second.items() if k != "path"}
    for episode in first["episodes"]:
        for clip in episode["clips"]:
            ours = payload(driven / "bags" / clip)
            assert len(ours) > 100
            assert ours == payload(tmp_path / "bags" / clip)


def test_a_stopped_run_continues_and_other_settings_are_refused(
    takead: Any, one_error: Any, untrained: Path, driven: Path
) -> None:
    journal = driven / "bags" / "episodes.jsonl"
    whole = journal.read_bytes()
    lines = whole.splitlines(keepends=True)
    journal.write_bytes(b"".join(lines[:2]) + lines[2][:50])  # killed while the second episode was written down
    common = ("drive", "--model", untrained, "--suite", SUITE, "--bags", driven / "bags")

    result = takead(*common, "--seeds", "collection:0-1")
    assert result.returncode == 0, result.stderr
    assert journal.read_bytes() == whole

    one_error(takead(*common, "--seeds", "collection:0-2"), "seeds", "nothing is overwritten")
    one_error(takead(*common, "--seeds", "collection:0-1", "--record", "all"), "record", "nothing is overwritten")
    assert journal.read_bytes() == whole


def test_eval_takes_scores_from_driving_alone_and_takeovers_from_driving_assisted(
    takead: Any, untrained: Path, tmp_path: Path
) -> None:
    result = takead("eval", "--model", untrained, "--suite", SUITE, "--seeds", "0", "--json", tmp_path / "e.json")
    assert result.returncode == 0, result.stderr
    content = json.loads((tmp_path / "e.json").read_text())
    assert content["driving_score"] == content["passes"]["unassisted"]["driving_score"]
    assert content["takeovers_per_km"] == content["passes"]["assisted"]["takeovers_per_km"] > 0.0
    assert content["passes"]["unassisted"]["takeovers_per_km"] == 0.0
    assert content["passes"]["assisted"]["driving_score"] > content["driving_score"]
    assert "Score" in result.stdout


def test_the_expert_drives_without_a_model_and_progress_is_told_in_lines(takead: Any, tmp_path: Path) -> None:
    """Where there is no terminal."""
    result = takead("eval", "--model", "expert", "--suite", SUITE, "--seeds", "0", "--json", tmp_path / "e.json")
    assert result.returncode == 0, result.stderr
    content = json.loads((tmp_path / "e.json").read_text())
    assert content["success_rate"] == 1.0
    assert content["model_sha256"] == ""
    assert list(content["passes"]) == ["unassisted"]
    assert "evaluating expert: 0/1" in result.stderr and "evaluating expert: 1/1 after" in result.stderr


def test_a_second_process_in_the_same_place_is_refused_by_name(
    takead: Any, one_error: Any, driven: Path, untrained: Path
) -> None:
    common = ("drive", "--model", untrained, "--suite", SUITE, "--seeds", "collection:0-1", "--bags", driven / "bags")
    before = (driven / "bags" / "episodes.jsonl").read_bytes()
    with locked(driven / "bags"):
        one_error(takead(*common), "bags", f"in use by process {os.getpid()}", "one process at a time")
    with locked(driven / "e.json"):
        one_error(takead("eval", "--model", "expert", "--suite", SUITE, "--json", driven / "e.json"), "in use by")
    assert (driven / "bags" / "episodes.jsonl").read_bytes() == before


def test_nothing_is_removed_that_no_recording_made(
    takead: Any, one_error: Any, untrained: Path, driven: Path, tmp_path: Path
) -> None:
    """An episode that has to be driven again finds a file of somebody else's in its folder."""
    shutil.copytree(driven / "bags", tmp_path / "bags")
    journal = tmp_path / "bags" / "episodes.jsonl"
    journal.write_bytes(b"".join(journal.read_bytes().splitlines(keepends=True)[:2]))
    own = tmp_path / "bags" / f"{SUITE}-1000001" / "thesis.txt"
    own.write_text("mine")
    clips = sorted(own.parent.rglob("*.mcap"))
    command = ("drive", "--model", untrained, "--suite", SUITE, "--seeds", "collection:0-1", "--bags", journal.parent)
    one_error(takead(*command), "thesis.txt", "no part of a recording")
    assert own.read_text() == "mine" and sorted(own.parent.rglob("*.mcap")) == clips
    own.unlink()
    bag = own.parent / "mine" / "own_0.mcap"
    bag.parent.mkdir()
    bag.write_text("mine")
    one_error(takead(*command), "own_0.mcap", "no part of a recording")
    shutil.rmtree(bag.parent)
    kept = own.parent.rename(tmp_path / "kept")
    own.parent.symlink_to(kept)
    one_error(takead(*command), own.parent.name, "is a link")
    assert sorted(path.name for path in kept.rglob("*.mcap")) == [clip.name for clip in clips]
    own.parent.unlink()
    kept.rename(own.parent)
    result = takead(*command)
    assert result.returncode == 0, result.stderr
    assert journal.read_bytes() == (driven / "bags" / "episodes.jsonl").read_bytes()


def test_another_simulator_is_refused_by_name(takead: Any, one_error: Any) -> None:
    one_error(takead("eval", "--model", "expert", "--sim", "nothing"), "nothing", "metadrive")


def test_failures_are_drawn_once_and_into_a_folder_of_their_own(
    takead: Any, one_error: Any, untrained: Path, tmp_path: Path
) -> None:
    common = ("eval", "--model", untrained, "--suite", SUITE, "--passes", "unassisted", "--film-failures")
    result = takead(*common, tmp_path / "films", "--seeds", "0", "--json", tmp_path / "e.json")
    assert result.returncode == 0, result.stderr
    assert json.loads((tmp_path / "e.json").read_text())["success_rate"] == 0.0
    film = tmp_path / "films" / f"{SUITE}-0.gif"
    with Image.open(film) as picture:
        assert picture.n_frames > 20
        length_s = sum(_duration(picture, i) for i in range(picture.n_frames)) / 1000.0
    driven_s = json.loads((tmp_path / "e.json").read_text())["episodes"][0]["duration"]
    assert length_s == pytest.approx(driven_s, abs=0.5)
    drawn = film.stat().st_mtime_ns
    one_error(takead(*common, tmp_path / "films", "--seeds", "1"), "films.json", "seeds", "nothing is overwritten")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.txt").write_text("mine")
    one_error(takead(*common, tmp_path / "other", "--seeds", "0"), "other", "nothing is overwritten")
    assert film.stat().st_mtime_ns == drawn


def _duration(picture: Any, number: int) -> int:
    picture.seek(number)
    return int(picture.info["duration"])


def parameter_file(path: Path, node: str, **values: object) -> Path:
    path.write_text(yaml.safe_dump({f"/**/{node}": {"ros__parameters": values}}))
    return path


def test_parameters_of_a_file_are_driven_with_recorded_and_part_of_the_run(
    takead: Any, one_error: Any, untrained: Path, tmp_path: Path
) -> None:
    common = ("drive", "--model", untrained, "--suite", SUITE, "--seeds", "collection:0", "--bags", tmp_path / "bags")
    file = parameter_file(tmp_path / "p.yaml", "monitor_node", horizon_s=1.25)
    result = takead(*common, "--params", file, "--json", tmp_path / "d.json")
    assert result.returncode == 0, result.stderr
    content = json.loads((tmp_path / "d.json").read_text())
    assert content["parameters"] == {"monitor_node": {"horizon_s": 1.25}}
    (episode,) = content["episodes"]
    said: Any = clip_manifests.read_manifest(tmp_path / "bags" / episode["clips"][0]).provenance.parameters
    assert said["nodes"]["monitor_node"]["horizon_s"] == 1.25
    one_error(takead(*common), "parameters", "nothing is overwritten")


@pytest.mark.parametrize(
    ("node", "values", "named"),
    [
        ("monitor_node", {"horizon_s": "soon"}, ["p.yaml", "horizon_s", "soon"]),
        ("monitor_node", {"horzon_s": 1.0}, ["p.yaml", "horzon_s", "no such parameter"]),
        ("monitr_node", {"horizon_s": 1.0}, ["p.yaml", "monitr_node", "no such node"]),
        ("policy_node", {"period_s": 0.2}, ["p.yaml", "period_s", "0.2", "expert_node"]),  # no frame would hold both
        ("arbiter_node", {"supervised": False, "drivers": ["expert"]}, ["arbiter_node", "this run decides it"]),
    ],
)
def test_a_parameter_file_that_does_not_fit_is_refused_before_anything_is_driven(
    takead: Any, one_error: Any, tmp_path: Path, node: str, values: dict[str, object], named: list[str]
) -> None:
    file = parameter_file(tmp_path / "p.yaml", node, **values)
    one_error(
        takead(
            "eval",
            "--model",
            resource("models/novice.onnx"),
            "--suite",
            SUITE,
            "--seeds",
            "0",
            "--passes",
            "assisted",
            "--params",
            file,
        ),
        *named,
    )
