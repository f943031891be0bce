"""Clips that were spoiled or made to do harm: one clear error each, and the others are not affected."""

from __future__ import annotations

import json
import os
import shutil
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from support import stream
from support.clip_verbs import edited, run
from takead_ros.cli import clips
from takead_ros.domain.driving import EventKind, Source, TakeoverEvent, Trigger
from takead_ros.domain.errors import TakeadError
from takead_ros.domain.parameters import validated
from takead_ros.files import locked
from takead_ros.messages import codec, convert
from takead_ros.nodes.settings import RecorderParameters
from takead_ros.recording import bag, clip_folders, clip_manifests, export, timeline
from takead_ros.recording.bag_metadata import load_yaml
from takead_ros.recording.clip import MANIFEST_FILE, ClipEvent, Provenance, clip_name, parse_manifest
from takead_ros.recording.recorder import Recorder
from takead_ros.recording.recover import recover_clip
from takead_ros.recording.verify import verify_clip

pytestmark = pytest.mark.slow  # many clips


def test_a_bag_that_is_no_clip_is_named_and_hides_none(folder: Path) -> None:
    bad = folder / "other"
    shutil.copytree(clip_folders.list_clips(folder)[0], bad)
    (bad / MANIFEST_FILE).unlink()
    (bag_file,) = bad.glob("*.mcap")
    bag_file.write_bytes(b"\x89MCAP0\r\n" * 2)
    shelf = clip_folders.read_clips(folder)
    assert len(shelf.clips) == 2 and [item.path for item in shelf.broken] == [bad]
    text = run(["ls", str(folder)], code=1)
    assert "2 clips" in text and "other is left out" in text


GARBAGE = {
    "empty": b"",
    "half": b'{"schema_version": 1, "clip_id": "x", "ki',
    "list": b"[]",
    "text": b"hello",
    "binary": bytes(range(256)),
    "deep": b"[" * 100_000,
    "nan": b'{"severity": NaN}',
    "infinity": b'{"severity": 1e999}',
    "huge": b'{"start": 1' + b"0" * 4000 + b"}",
    "long": b" " * (16 * 1024 * 1024 + 1),
}


@pytest.mark.parametrize("kind", GARBAGE)
def test_one_bad_manifest_stops_no_verb(folder: Path, kind: str) -> None:
    bad, good = clip_folders.list_clips(folder)
    (bad / MANIFEST_FILE).write_bytes(GARBAGE[kind])
    shelf = clip_folders.read_clips(folder)
    assert [clip for clip, _ in shelf.clips] == [good]
    assert str(bad / MANIFEST_FILE) in shelf.broken[0].why and "\n" not in shelf.broken[0].why
    assert good.name in run(["ls", str(folder)], code=1)
    assert "1 of 2 whole" in run(["verify", str(folder)], code=1)
    with pytest.raises(TakeadError):
        run(["show", str(bad)])
    answer = run(["recover", str(folder), "--json", "-"])
    assert len(json.loads(answer)["recovered"]) == 1 and all(
        verify_clip(clip).ok for clip in clip_folders.list_clips(folder)
    )


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("severity", float("nan"), "finite number"), ("severity", float("inf"), "finite number"),
        ("start", 10**400, "start: "), ("end", 1 << 63, "less than"),
        ("provenance__seed", -1, "provenance.seed"), ("provenance__seed", 1 << 70, "provenance.seed"),
        ("provenance__parameters", {"a": [1.0, {"b": float("nan")}]}, "provenance.parameters"),
        ("windows", {"pre": float("-inf")}, "windows.pre"), ("content_sha256", "../..", "content_sha256"),
        ("kind", "joyride", "kind"), ("extra", 1, "extra"),
    ],
)  # fmt: skip
def test_a_manifest_with_an_impossible_value_is_refused_by_name(
    folder: Path, name: str, value: Any, words: str
) -> None:
    clip = clip_folders.list_clips(folder)[0]
    edited(clip, **{name: value})
    with pytest.raises(TakeadError) as caught:
        clip_manifests.read_manifest(clip)
    assert words in str(caught.value) and len(str(caught.value)) < 600


def test_no_manifest_is_written_with_a_number_that_is_not_finite(folder: Path) -> None:
    manifest = clip_manifests.read_manifest(clip_folders.list_clips(folder)[0])
    manifest.severity = float("nan")
    with pytest.raises(ValueError, match="not JSON compliant"):
        manifest.to_json()


@pytest.mark.parametrize("text", ['{"a": NaN}', '{"a": [1e999]}', "[]", "{", "-Infinity"])
def test_no_run_is_described_by_what_a_manifest_cannot_hold(text: str) -> None:
    with pytest.raises(TakeadError, match="parameter 'provenance'"):
        validated(RecorderParameters, {"provenance": text})


@pytest.mark.parametrize(
    ("field", "value"),
    [("severity", float("nan")), ("severity", float("inf")), ("severity", -float("inf")),
     ("time_to_event", float("inf"))],
)  # fmt: skip
def test_an_event_that_is_not_finite_opens_no_clip_and_is_kept_as_a_message(
    tmp_path: Path, field: str, value: float
) -> None:
    sink = stream.DirectSink(tmp_path)
    recorder = Recorder(stream.CONFIG, stream.TOPICS, stream.PROVENANCE, sink)
    bad = TakeoverEvent(0, EventKind.START, 1, Source.EXPERT, Trigger.STUCK, 0.5, 1.0, "")
    bad = TakeoverEvent(**{**vars(bad), "stamp": 3 * stream.SECOND, field: value})
    for message in stream.run(12.0, (stream.Takeover(6.0, 8.0, 8.5),)):
        recorder.receive(*message)
        if message.topic.endswith("/scene") and message.stamp == 3 * stream.SECOND:
            data = codec.serialize(convert.event_to_msg(bad))
            with pytest.raises(TakeadError, match="expected finite numbers"):
                recorder.receive("/takead/takeover/event", message.stamp, data)
            assert not recorder.session.recording
    recorder.finish(12 * stream.SECOND)
    (clip,) = sink.clips
    assert verify_clip(clip).ok and clip_manifests.read_manifest(clip).trigger == "collision_predicted"
    with pytest.raises(TakeadError):
        ClipEvent.of(bad)


# metadata.yaml ----------------------------------------------------------------------------------------------------


def bomb(levels: int = 9) -> str:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, levels)]
    return "\n".join([*lines, f"rosbag2_bagfile_information: {{relative_file_paths: [*a{levels - 1}]}}"])


@pytest.mark.parametrize(
    "text",
    [
        bomb(),
        "x" * (16 * 1024 * 1024 + 1),
        "a: &a [*a]",
        "[" * 20_000,
        "!!python/object/apply:os.system [id]",
        "rosbag2_bagfile_information: {relative_file_paths: [[1, 2]]}",
        "\x00",
        "a: b: c",
    ],
    ids=["bomb", "long", "recursive", "deep", "object", "list", "nul", "syntax"],
)
def test_metadata_that_would_do_harm_is_refused_at_once(folder: Path, text: str) -> None:
    bad, good = clip_folders.list_clips(folder)
    (bad / "metadata.yaml").write_text(text)
    begin = time.process_time()
    with pytest.raises(TakeadError, match="metadata"):
        list(bag.read(bad))
    assert not verify_clip(bad).ok and verify_clip(good).ok
    assert time.process_time() - begin < 10.0


@pytest.mark.parametrize("name", ["BAG", "metadata.yaml", MANIFEST_FILE])
def test_a_pipe_in_place_of_a_file_stops_nobody(folder: Path, name: str) -> None:
    """Reading it would wait for ever for somebody to write."""
    bad, good = clip_folders.list_clips(folder)
    file = bad / (f"{bad.name}_0.mcap" if name == "BAG" else name)
    file.unlink()
    os.mkfifo(file)
    (folder / "other").mkdir()
    os.mkfifo(folder / "other" / MANIFEST_FILE)
    assert good.name in run(["ls", str(folder)], code=1)
    assert f"whole   {good}" in run(["verify", str(folder)], code=1)
    run(["export", str(good), "--out", str(folder / "x.parquet")])


def test_a_change_of_a_manifest_follows_no_link_and_loses_no_other(folder: Path, tmp_path: Path) -> None:
    clip = clip_folders.list_clips(folder)[0]
    (tmp_path / "precious").write_text("mine")
    (clip / f"{MANIFEST_FILE}.part").symlink_to(tmp_path / "precious")
    shelf = clip_folders.read_clips(clip)  # as an export has read it before somebody labels the clip
    run(["label", str(clip), "false_alarm", "--by", "ann"])
    export.export_clips(shelf.clips, tmp_path / "x.parquet", "parquet")
    found = clip_manifests.read_manifest(clip)
    assert found.judged == "false_alarm" and found.exported == ["parquet:x.parquet"]
    assert (tmp_path / "precious").read_text() == "mine" and not (clip / MANIFEST_FILE).is_symlink()
    with locked(clip / MANIFEST_FILE):
        result = CliRunner().invoke(clips.app, ["label", str(clip), "takeover"])
    assert isinstance(result.exception, TakeadError) and "in use by process" in str(result.exception)


def test_the_aliases_of_ordinary_metadata_are_read() -> None:
    assert load_yaml("a: &x {b: 1}\nc: *x\nd: [*x, *x]") == {"a": {"b": 1}, "c": {"b": 1}, "d": [{"b": 1}] * 2}


def test_a_picture_of_a_clip_that_lies_about_itself(folder: Path) -> None:
    """A formula for a name, a speed beyond all measure: drawn as they are, or not at all."""
    pytest.importorskip("matplotlib", reason="the sim extra is not installed")
    clip = clip_folders.list_clips(folder)[0]
    edited(clip, trigger="$\\frac{$")
    run(["show", str(clip), "--picture", str(folder / "a.png")])
    assert (folder / "a.png").read_bytes()[:4] == b"\x89PNG"
    story = timeline.read_story(clip)
    story.speed[:3] = float("inf"), float("nan"), -float("inf")
    lines = timeline.text(story, clip_manifests.read_manifest(clip), 60)
    assert all(line.isprintable() for line in lines) and "speed" in lines[2]
    with pytest.raises(TakeadError, match=r"expected \.png or \.svg"):
        run(["show", str(clip), "--picture", str(folder / "a.exe")])


# text that steers -------------------------------------------------------------------------------------------------

TEXTS = ["[/bold]", "[red]x[/red]", ":x:", "\x1b[2J\x1b]0;owned\x07", "line\nfeed\rback", "\u202egnp.exe", "\ud800"]


@pytest.mark.parametrize("text", TEXTS)
def test_text_from_a_clip_is_printed_as_text(folder: Path, text: str) -> None:
    clip = clip_folders.list_clips(folder)[0]
    edited(clip, why=text, provenance__scenario=text)
    if "\ud800" in text:
        with pytest.raises(TakeadError, match="clip manifest"):
            run(["show", str(clip)])
        return
    for output in (run(["show", str(clip)]), run(["verify", str(clip)], code=1), run(["ls", str(folder)])):
        assert not any(c in output for c in "\x1b\x07\r\u202e")
    shown = run(["show", str(clip)])
    assert (text if text.isprintable() else text.encode("unicode_escape").decode()) in shown


@pytest.mark.parametrize("name", ["[x]", "[red]ok[", ":x:", "a\x1b[2Jb"])
def test_names_of_folders_are_printed_as_they_are(folder: Path, name: str) -> None:
    place = folder.rename(folder.with_name(name))
    shown = name if name.isprintable() else name.encode("unicode_escape").decode()
    for verb, code in (("ls", 0), ("verify", 0)):
        text = run([verb, str(place)], code)
        assert shown in text and "\x1b" not in text
    with pytest.raises(TakeadError) as caught:
        run(["ls", str(place / name)])
    assert name in str(caught.value)


@pytest.mark.parametrize("scenario", ["x" * 5000, "../../etc", "a/b", "\x00\x1b", "²", "名前", ""])
def test_a_clips_name_is_short_and_plain_whatever_it_is_made_of(scenario: str) -> None:
    name = clip_name(Provenance(scenario=scenario, seed=(1 << 63) - 1, model_sha256="f" * 64), 1 << 62)
    assert len(name) < 150 and "/" not in name and name.isascii() and name.isprintable() and not name.startswith(".")


def test_random_bytes_in_a_manifest_end_in_one_clear_error(folder: Path) -> None:
    """1,000 manifests with some bytes changed: either it still is a manifest, or TakeadError says where not."""
    clip = clip_folders.list_clips(folder)[0]
    whole, random = (clip / MANIFEST_FILE).read_bytes(), np.random.default_rng(3)
    refused = 0
    for _ in range(1000):
        data = bytearray(whole)
        for place in random.integers(len(data), size=random.integers(1, 6)):
            data[place] = random.integers(256)
        try:
            parse_manifest(bytes(data), "x").to_json()
        except TakeadError as problem:
            refused += 1
            assert str(problem).startswith("clip manifest 'x'")
    assert 100 < refused < 1000


def test_recovering_a_folder_goes_on_after_one_that_cannot_be(folder: Path) -> None:
    bad, good = clip_folders.list_clips(folder)
    (bad / MANIFEST_FILE).write_text("{}")
    bad.with_name(bad.name + ".damaged").mkdir()
    (good / MANIFEST_FILE).unlink()
    answer = json.loads(run(["recover", str(folder), "--json", "-"], code=1).split("\nwarning:")[0])
    assert [item["clip"] for item in answer["recovered"]] == [str(good)] and len(answer["failed"]) == 1
    with pytest.raises(TakeadError, match="move it away first"):
        recover_clip(bad)
