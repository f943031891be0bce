"""The closed loop through the command line: what it writes, that it is deterministic, that it can be continued."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from mcap.reader import make_reader

from takead_ros.recording import reader

pytestmark = pytest.mark.slow

SUITE = "intersection_right"  # the shortest family


def payload(clip: Path) -> list[tuple[str, int, bytes]]:
    """Every message of a bag: topic, time, bytes."""
    messages = []
    for file in sorted(clip.glob("*.mcap")):
        with file.open("rb") as stream:
            messages += [(channel.topic, m.log_time, m.data) for _, channel, m in make_reader(stream).iter_messages()]
    return messages


@pytest.fixture(scope="module")
def driven(takead: Any, untrained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seeds driven by one process."""
    folder = tmp_path_factory.mktemp("driven")
    result = takead(
        "drive", "--model", untrained, "--suite", SUITE, "--seeds", "collection:0-1", "--bags", folder / "bags",
        "--json", folder / "drive.json",
    )  # fmt: skip
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
            manifest = reader.manifest(driven / "bags" / clip)
            assert manifest.provenance.model_sha256 == content["model_sha256"]
            assert manifest.provenance.seed == episode["seed"]
            starts += sum(event.kind == "start" for event in manifest.events)
        assert starts == episode["takeovers"]


def test_two_processes_give_the_same_bytes_and_the_same_score(
    takead: Any, untrained: Path, driven: Path, tmp_path: Path
) -> None:
    result = takead(
        "drive", "--model", untrained, "--suite", SUITE, "--seeds", "collection:0-1", "--bags", tmp_path / "bags",
        "--json", tmp_path / "drive.json", "--workers", "2",
    )  # fmt: skip
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
    ledger = driven / "bags" / "episodes.jsonl"
    whole = ledger.read_bytes()
    lines = whole.splitlines(keepends=True)
    ledger.write_bytes(b"".join(lines[:2]) + lines[2][:50])  # killed while the second episode was written down
    common = ("drive", "--model", untrained, "--suite", SUITE, "--bags", driven / "bags")

    result = takead(*common, "--seeds", "collection:0-1")
    assert result.returncode == 0, result.stderr
    assert ledger.read_bytes() == whole

    one_error(takead(*common, "--seeds", "collection:0-2"), "seeds", "nothing is overwritten")
    one_error(takead(*common, "--seeds", "collection:0-1", "--record", "all"), "record", "nothing is overwritten")
    assert ledger.read_bytes() == whole


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


def test_the_expert_drives_without_a_model(takead: Any, tmp_path: Path) -> None:
    result = takead("eval", "--model", "expert", "--suite", SUITE, "--seeds", "0", "--json", tmp_path / "e.json")
    assert result.returncode == 0, result.stderr
    content = json.loads((tmp_path / "e.json").read_text())
    assert content["success_rate"] == 1.0
    assert content["model_sha256"] == ""
    assert list(content["passes"]) == ["unassisted"]
