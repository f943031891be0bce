"""``takead clips`` and ``takead replay`` as a user calls them."""

from __future__ import annotations

import importlib.util
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from support import stream
from takead_ros.cli import clips, replay
from takead_ros.domain.driving import DriverStatus, Source, Trigger
from takead_ros.domain.errors import TakeadError
from takead_ros.recording import clip_folders, clip_manifests, comparison

HERE = Path(__file__).parent
NOVICE = HERE.parents[1] / "models" / "novice.onnx"
run = CliRunner().invoke


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clips")
    human = stream.Takeover(8.0, 9.5, 10.0, Source.HUMAN, Trigger.HUMAN_OVERRIDE, 0.1, requested=False)
    stream.record(folder / "a", stream.run(16.0, (stream.Takeover(8.0, 10.0, 11.0, severity=0.9),)))
    stream.record(folder / "b", stream.run(16.0, (human,)))
    return folder


def ok(arguments: list[str], code: int = 0) -> str:
    result = run(clips.app, arguments, catch_exceptions=False)
    assert result.exit_code == code, result.output
    return result.output


def listed(folder: Path, *options: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(ok(["ls", str(folder), "--json", "-", *options]))["clips"]
    return found


def test_ls_filters(recorded: Path) -> None:
    assert [clip["classification"] for clip in listed(recorded)] == ["takeover", "casual_override"]
    assert len(listed(recorded, "--trigger", "human_override")) == 1
    assert len(listed(recorded, "--min-severity", "0.5")) == 1
    assert len(listed(recorded, "--scenario", "lead_brake", "--model", "abab")) == 2
    assert listed(recorded, "--model", "ff") == []
    assert listed(recorded, "--since", "2020-01-01") == [], "these clips do not say when they were made"
    assert len(listed(recorded, "--classification", "casual_override")) == 1
    text = ok(["ls", str(recorded)])
    assert "a/lead-brake_s7_abababab_000003000ms" in text and "2 clips" in text


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--trigger", "x"], "trigger 'x': expected one of none, collision_predicted"),
        (["--min-severity", "7"], "severity 7.0: expected 0 to 1"),
        (["--min-severity", "nan"], "severity nan: expected 0 to 1"),
        (["--since", "yesterday"], "date 'yesterday': expected a day as YYYY-MM-DD"),
        (["--since", "2026-13-99"], "date '2026-13-99': expected a day"),
        (["--until", "２０２６-01-01"], "date '２０２６-01-01': expected a day"),
        (["--scenario", "leadbrake"], "scenario 'leadbrake': no clip here is of it; there are lead_brake"),
        (["--classification", "x"], "class 'x': expected one of takeover"),
    ],
)
def test_ls_refuses(recorded: Path, options: list[str], words: str) -> None:
    with pytest.raises(TakeadError) as caught:
        ok(["ls", str(recorded), *options])
    assert words in str(caught.value)


def test_show_tells_the_story_and_draws_it_where_it_is_told_to(folder: Path) -> None:
    clip = clip_folders.list_clips(folder)[0]
    before = sorted(clip.iterdir())
    text = ok(["show", str(clip)])
    for words in ("collision_predicted, severity 0.90, expert drove", "seed 7", "lost      nothing", "5.00 s start"):
        assert words in text
    assert sorted(clip.iterdir()) == before, "looking at a clip changes nothing"
    ok(["show", str(next(clip.glob("*.mcap")))])
    ok(["show", str(clip), "--picture", str(clip / "timeline.png")])
    assert (clip / "timeline.png").read_bytes()[:4] == b"\x89PNG"
    with pytest.raises(TakeadError, match="exists already"):
        ok(["show", str(clip), "--picture", str(clip / "timeline.png")])
    assert ok(["verify", str(folder)]).endswith("2 of 2 whole\n"), "a picture beside the bag does no harm"


def test_verify_and_recover(folder: Path) -> None:
    clip = clip_folders.list_clips(folder)[0]
    bag = next(clip.glob("*.mcap"))
    bag.write_bytes(bag.read_bytes()[:-1000])
    text = ok(["verify", str(folder)], code=1)
    assert "DAMAGED" in text and "1 of 2 whole" in text
    answer = json.loads(ok(["recover", str(folder), "--json", "-"]))["recovered"]
    assert [Path(item["clip"]).name for item in answer] == [clip.name] and answer[0]["kept"].endswith(".damaged")
    assert ok(["verify", str(folder)]).endswith("2 of 2 whole\n")
    assert json.loads(ok(["recover", str(folder), "--json", "-"]))["recovered"] == []
    assert len(listed(folder)) == 2, "the kept original is no clip"


def test_label_by_a_person(folder: Path) -> None:
    clip = clip_folders.list_clips(folder)[0]
    ok(["label", str(clip), "false_alarm", "--by", "ann", "--note", "a plastic bag"])
    manifest = clip_manifests.read_manifest(clip)
    assert manifest.judged == "false_alarm" and manifest.classification == "takeover" and manifest.relabel is not None
    assert manifest.relabel.note == "a plastic bag"
    assert "recorder said takeover" in ok(["show", str(clip)]) and ok(["verify", str(clip)])
    with pytest.raises(TakeadError, match="class 'nice': expected one of"):
        ok(["label", str(clip), "nice"])
    ok(["label", str(clip), "takeover", "--by", "bob"])
    manifest = clip_manifests.read_manifest(clip)
    assert manifest.judged == "takeover" and [label.by for label in manifest.earlier_labels] == ["ann"]
    with pytest.raises(TakeadError, match="expected a clip's folder"):
        ok(["label", str(next(clip.glob("*.mcap"))), "takeover"])


def test_play_makes_an_animation(folder: Path) -> None:
    pytest.importorskip("PIL", reason="the sim extra is not installed")
    clip, target = clip_folders.list_clips(folder)[0], folder / "out.gif"
    assert "pictures ->" in ok(["play", str(clip), "--out", str(target), "--speed", "20"])
    assert target.read_bytes()[:6] == b"GIF89a"
    with pytest.raises(TakeadError, match="exists already"):
        ok(["play", str(clip), "--out", str(target)])


@pytest.mark.slow
def test_play_makes_a_film(folder: Path) -> None:
    av = pytest.importorskip("av", reason="the video extra is not installed")
    clip, target = clip_folders.list_clips(folder)[0], folder / "out.mp4"
    answer = json.loads(ok(["play", str(clip), "--out", str(target), "--speed", "20", "--json", "-"]))
    with av.open(str(target)) as film:
        pictures = list(film.decode(video=0))
        # 8 s before, during and after the takeover, in a twentieth of the time.
        assert len(pictures) == answer["pictures"] > 10 and 0.2 < film.duration / 1e6 < 0.8
    assert pictures[0].to_ndarray(format="rgb24").std() > 10.0, "there is something to see"


def test_play_says_what_it_cannot_write(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("PIL", reason="the sim extra is not installed")
    clip = clip_folders.list_clips(folder)[0]
    with pytest.raises(TakeadError, match=r"expected a name ending in .gif or .mp4"):
        ok(["play", str(clip), "--out", str(folder / "x.avi")])
    find = importlib.util.find_spec
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "av" else find(name))
    with pytest.raises(TakeadError, match=r"an MP4 needs PyAV; get it with: pip install 'takead_ros\[video\]'"):
        ok(["play", str(clip), "--out", str(folder / "x.mp4")])


def test_export(folder: Path) -> None:
    arrow = pytest.importorskip("pyarrow.parquet", reason="the export extra is not installed")
    ok(["export", str(folder), "--out", str(folder / "all.parquet")])
    table = arrow.read_table(folder / "all.parquet").to_pydict()
    assert len(table["stamp"]) == 192 and set(table["label"]) > {"pre", "takeover"} and len(table["action"][0]) == 2
    assert clip_manifests.read_manifest(clip_folders.list_clips(folder)[0]).exported == ["parquet:all.parquet"]
    with pytest.raises(TakeadError, match=r"output '.*all.parquet' exists already"):
        ok(["export", str(folder), "--out", str(folder / "all.parquet")])


def test_export_names_the_missing_extra(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(TakeadError, match=r"pip install 'takead_ros\[export\]'"):
        ok(["export", str(folder), "--out", str(folder / "x.parquet")])
    with pytest.raises(TakeadError, match=r"format 'csv': expected one of parquet, lerobot, lerobot-v2\.1"):
        ok(["export", str(folder), "--out", str(folder / "x.csv"), "--format", "csv"])


def test_help_of_every_verb_shows_an_example() -> None:
    for verb in ("ls", "show", "verify", "recover", "label", "prune", "play", "export"):
        assert f"Example: takead clips {verb}" in " ".join(ok([verb, "--help"]).split())


GOLDEN = HERE / "golden"


def golden() -> Path:
    (clip,) = clip_folders.list_clips(GOLDEN)
    return clip


def test_golden_clip_replays_through_the_policy_node() -> None:
    """A drive of the shipped novice; remake it with benchmarks/make_golden.py when that model changes."""
    clip = golden()
    assert sum(file.stat().st_size for file in clip.iterdir()) < 300_000
    result = replay.replay_policy(clip, NOVICE)
    assert result.frames >= 20 and result.problems == []


def test_replay_notices_another_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparison, "TOLERANCE", dict.fromkeys(comparison.TOLERANCE, -1.0))
    result = replay.replay_policy(golden(), NOVICE)
    assert not result.ok and "differs by" in result.problems[0]
    answer = run(replay.app, [str(golden()), "--model", str(NOVICE)])
    assert answer.exit_code == 1 and "NOT THE SAME" in answer.output


def test_replay_does_not_pass_over_nan() -> None:
    """max() takes max(0, nan) for 0: a difference that is no number counts as the worst one."""
    before = comparison.recorded_outputs(golden())[1]
    stamp, output = next((s, o) for s, o in before.items() if o.status is DriverStatus.OK)
    said = {**before, stamp: replace(output, steering_angle=float("nan"))}
    result = comparison.judge(golden(), before, said)
    assert result.worst["steering_rad"] == float("inf") and not result.ok
    assert "steering_rad differs by inf" in result.problems[0]


def test_replay_refuses_another_model(recorded: Path) -> None:
    with pytest.raises(TakeadError, match=r"recorded with model abababababab, replayed with .*--any-model"):
        replay.replay_policy(clip_folders.list_clips(recorded)[0], NOVICE)
    with pytest.raises(TakeadError, match="--node 'expert': unknown, expected one of policy"):
        run(replay.app, [str(golden()), "--model", str(NOVICE), "--node", "expert"], catch_exceptions=False)
