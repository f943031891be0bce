"""A clip with other messages: as its own bag file, with the manifest but for the digest of what was recorded."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from mcap.writer import Writer

from takead_ros.messages import codec, interfaces
from takead_ros.recording import bag, clip_manifests
from takead_ros.recording.bag import BagMessage
from takead_ros.recording.clip import METADATA_NAME

Change = Callable[[BagMessage], BagMessage | None]


def rewritten(clip: Path, out: Path, change: Change, who: str = "") -> Path:
    """The .mcap file ``out`` with every message of ``clip`` as ``change`` gives it back; None leaves it out. ``who``:
    took over, by its manifest; empty: who did."""
    manifest = clip_manifests.read_manifest(clip).model_copy(update={"content_sha256": ""})
    if who:
        events = [event.model_copy(update={"who": who}) for event in manifest.events]
        manifest = manifest.model_copy(update={"who": who, "events": events})
    with out.open("wb") as stream:
        writer = Writer(stream)
        writer.start(profile="ros2")
        schemas: dict[tuple[str, str], int] = {}
        channels: dict[str, int] = {}
        for message in bag.read(clip):
            new = change(message)
            if new is None:
                continue
            kind = (new.type, new.definition)
            if kind not in schemas:
                schemas[kind] = writer.register_schema(new.type, "ros2msg", new.definition.encode())
            if new.topic not in channels:
                channels[new.topic] = writer.register_channel(new.topic, "cdr", schemas[kind])
            writer.add_message(channels[new.topic], new.stamp, new.data, new.stamp)
        writer.add_metadata(METADATA_NAME, {"manifest": manifest.to_json()})
        writer.finish()
    return out


def scenes(change: Callable[[Any], Any]) -> Change:
    """Changes every scene message: ``change`` gives it back, or None for none."""

    def each(message: BagMessage) -> BagMessage | None:
        if not interfaces.SCENE.matches(message.topic, message.type):
            return message
        msg = change(codec.deserialize(message.data, message.type))
        return None if msg is None else message._replace(data=codec.serialize(msg))

    return each
