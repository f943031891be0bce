"""Clips whose messages or manifests were changed, or are missing: noticed though every checksum fits."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from support.clip_verbs import edited, run
from takead_ros.domain.errors import TakeadError
from takead_ros.recording import bag, clip_folders, clip_manifests, reader
from takead_ros.recording.clip import MANIFEST_FILE
from takead_ros.recording.ring import SerializedMessage
from takead_ros.recording.verify import verify_clip
from takead_ros.recording.writer import ClipWriter

pytestmark = pytest.mark.slow  # many clips


def rewritten(clip: Path, number: int, data: bytes | None, keep_digest: bool = True) -> None:
    """Write the clip's bag anew, valid to the last checksum, with message ``number`` changed (None: left out)."""
    messages = list(bag.read(clip))
    manifest, old = clip_manifests.read_manifest(clip), clip_manifests.read_manifest(clip).content_sha256
    scan = bag.Scan()
    (file,) = clip.glob("*.mcap")
    list(bag.salvage(file, scan))
    shutil.rmtree(clip)
    work = clip.with_name("work")
    work.mkdir()
    writer = ClipWriter(work, clip, manifest, scan.topics)
    for i, message in enumerate(messages):
        if i != number or data is not None:
            content = data if i == number and data is not None else message.data
            writer.write(SerializedMessage(message.topic, message.stamp, content))
    for topic, count in writer.written.items():
        if topic in manifest.topics:
            manifest.topics[topic].written = count
    finish = manifest.to_json
    if keep_digest:  # who changes a message need not know of the digest
        object.__setattr__(manifest, "to_json", lambda: json.dumps({**json.loads(finish()), "content_sha256": old}))
    writer.close(manifest)


@pytest.mark.parametrize("drop", [False, True])
def test_a_changed_or_missing_message_is_noticed_though_every_checksum_fits(folder: Path, drop: bool) -> None:
    clip = clip_folders.list_clips(folder)[0]
    messages = list(bag.read(clip))
    chosen = next(i for i, m in enumerate(messages) if m.topic.endswith("/policy/output") and i > 300)
    data = bytearray(messages[chosen].data)
    data[60] ^= 1
    rewritten(clip, chosen, None if drop else bytes(data))
    assert any("not the ones that were recorded (content digest)" in problem for problem in verify_clip(clip).problems)
    with pytest.raises(TakeadError, match="content digest"):
        list(reader.frames(clip))


def test_a_rewritten_clip_with_nothing_changed_is_whole(folder: Path) -> None:
    """The proof that the test above sees the change and not the rewriting."""
    clip = clip_folders.list_clips(folder)[0]
    data = list(bag.read(clip))[300].data
    rewritten(clip, 300, data)
    assert verify_clip(clip).problems == [] and clip_manifests.read_manifest(clip).content_sha256


def test_a_clip_from_before_there_were_digests_is_whole() -> None:
    golden = clip_folders.list_clips(Path(__file__).parent / "golden")[0]
    assert verify_clip(golden).ok and len(list(reader.frames(golden))) > 20


@pytest.mark.parametrize(
    ("name", "value"),
    [("provenance__seed", None), ("provenance__seed", 3_000_000), ("provenance__model_sha256", "ff" * 32),
     ("provenance__scenario", "other"), ("severity", 0.0), ("events", []), ("content_sha256", "")],
)  # fmt: skip
def test_a_manifest_that_says_something_else_than_the_bag_is_not_learned_from(
    folder: Path, name: str, value: Any
) -> None:
    clip = clip_folders.list_clips(folder)[0]
    assert clip_manifests.agreed_manifest(clip).provenance.seed == 7
    edited(clip, **{name: value})
    with pytest.raises(TakeadError, match=f"differ in '{name.split('__')[0]}'"):
        clip_manifests.agreed_manifest(clip)
    assert not verify_clip(clip).ok


def test_what_people_add_later_is_no_difference(folder: Path) -> None:
    clip = clip_folders.list_clips(folder)[0]
    run(["label", str(clip), "false_alarm"])
    run(["label", str(clip), "takeover"])
    assert clip_manifests.agreed_manifest(clip).judged == "takeover" and verify_clip(clip).ok


def test_a_clip_without_manifest_json_is_found_by_its_bag_and_gets_it_back(folder: Path) -> None:
    clip = clip_folders.list_clips(folder)[0]
    before = (clip / MANIFEST_FILE).read_bytes()
    (clip / MANIFEST_FILE).unlink()
    assert clip in clip_folders.list_clips(folder) and "2 clips" in run(["ls", str(folder)])
    with pytest.raises(TakeadError, match=r"manifest.json is missing; expected both copies"):
        clip_manifests.agreed_manifest(clip)
    assert "manifest.json is missing" in run(["verify", str(folder)], code=1)
    assert "1 of 1 recovered" in run(["recover", str(folder)])
    assert (clip / MANIFEST_FILE).read_bytes() == before and verify_clip(clip).ok
    assert not clip.with_name(clip.name + ".damaged").exists(), "nothing else was touched"
