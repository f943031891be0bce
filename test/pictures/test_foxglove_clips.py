"""``takead clips export --format foxglove``: all of the clip and its pictures, and the clip is as it was."""

from __future__ import annotations

import base64
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("foxglove", reason="the foxglove extra is not installed")

from mcap.reader import make_reader

from support.foxglove_client import decode
from takead_ros.cli.verbs import run
from takead_ros.domain.errors import TakeadError
from takead_ros.messages import interfaces
from takead_ros.pictures.foxglove.clips import export_foxglove
from takead_ros.recording.bag import read
from takead_ros.recording.clip_folders import read_clips
from takead_ros.recording.verify import verify_clip

pytestmark = pytest.mark.slow  # whole clips

GOLDEN = next((Path(__file__).parents[1] / "recording" / "golden").iterdir())
SCENE = "/takead/display/scene"


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    folder = tmp_path / "clips" / GOLDEN.name
    shutil.copytree(GOLDEN, folder)
    return folder


def exported(clip: Path, out: Path) -> list[tuple[Any, Any, Any]]:
    """Schema, channel and message of all in the one file of an export."""
    assert run(["clips", "export", str(clip), "--format", "foxglove", "--out", str(out)], lambda: None) == 0
    (file,) = out.iterdir()
    assert file.name == f"{clip.name}.mcap"
    with file.open("rb") as stream:
        return list(make_reader(stream).iter_messages())


def test_the_copy_holds_the_clip_and_a_picture_of_each_scene(clip: Path, tmp_path: Path) -> None:
    before = [(one.topic, one.stamp, one.data) for one in read(clip)]
    found = exported(clip, tmp_path / "out")
    copied = [(channel.topic, message.log_time, message.data) for _, channel, message in found]
    assert sorted(one for one in copied if one[0] != SCENE) == sorted(before)
    scenes = {stamp for topic, stamp, _ in before if topic == "/takead/scene"}
    pictures = [(schema, message) for schema, channel, message in found if channel.topic == SCENE]
    assert {message.log_time for _, message in pictures} == scenes and len(pictures) == len(scenes) > 40
    seen: set[str] = set()
    texts: set[str] = set()
    for schema, message in pictures:
        assert (schema.name, schema.encoding) == ("foxglove.SceneUpdate", "protobuf")
        told = {"schemaName": schema.name, "schema": base64.b64encode(schema.data).decode()}
        update = decode(told, message.data)
        seen |= {entity.id.split("/")[0] for entity in update.entities}
        texts |= {text.text for entity in update.entities for text in entity.texts}
    assert seen >= {"road", "route", "ego", "policy", "expert", "candidates", "status"}
    assert any(text.startswith("EXPERT: the expert") for text in texts), "who drives comes from arbiter/state here"
    assert any(text.startswith("trigger: ") for text in texts)


def test_the_clip_stays_what_it_was_and_knows_of_the_copy(clip: Path, tmp_path: Path) -> None:
    mcap = next(clip.glob("*.mcap"))
    before = mcap.read_bytes()
    exported(clip, tmp_path / "out")
    assert mcap.read_bytes() == before
    verify_clip(clip)
    assert json.loads((clip / "manifest.json").read_text())["exported"] == ["foxglove:out"]
    assert not [one for one in read(clip) if one.topic == SCENE]


def test_a_damaged_clip_is_named_and_the_others_are_written(
    clip: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    other = clip.with_name("other")
    shutil.copytree(clip, other)
    mcap = next(other.glob("*.mcap"))
    mcap.write_bytes(mcap.read_bytes()[: mcap.stat().st_size // 2])
    shutil.copytree(clip, clip.parent / "again" / clip.name)
    arguments = ["clips", "export", str(clip.parent), "--format", "foxglove", "--out", str(tmp_path / "out")]
    assert run(arguments, lambda: None) == 1
    told = capfd.readouterr().err
    assert "other is left out: " in told and f"another clip of the name '{clip.name}'" in told
    assert [path.name for path in (tmp_path / "out").iterdir()] == [f"{clip.name}.mcap"]


def test_nothing_is_overwritten_and_nothing_left_behind(clip: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with pytest.raises(TakeadError, match="out"):
        export_foxglove(read_clips(clip).clips, tmp_path / "out")
    with pytest.raises(TakeadError, match="no clips"):
        export_foxglove([], tmp_path / "new")
    next(clip.glob("*.mcap")).write_bytes(b"")
    with pytest.raises(TakeadError, match="no clip can be exported"):
        export_foxglove([(clip, manifest) for _, manifest in read_clips(GOLDEN).clips], tmp_path / "new")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clips", "out"]


def test_topics_keep_the_namespace_that_they_were_recorded_in(clip: Path) -> None:
    from takead_ros.pictures.foxglove.clips import pictured

    moved = [one._replace(topic=one.topic.replace("/takead/", "/car7/")) for one in read(clip)][:400]
    topics = {item[0] for item in pictured(moved) if len(item) == 3}
    assert topics == {"/car7/display/scene"} and interfaces.SCENE.name == "scene"
