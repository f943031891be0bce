"""Copies of clips for Foxglove: all that was recorded, and the picture of each scene as ``foxglove.SceneUpdate``.

Clips themselves stay what rosbag2 can play: it has no topics but ROS messages.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from mcap.writer import CompressionType, Writer

from takead_ros import __version__
from takead_ros.display.picture import draw
from takead_ros.display.shapes import Key, Shape, vanished
from takead_ros.domain.errors import TakeadError
from takead_ros.messages import codec, interfaces
from takead_ros.nodes.display_inputs import SHOWN, Gathered
from takead_ros.pictures.foxglove.scene_update import TOPIC, SceneUpdates
from takead_ros.recording.bag import BagMessage, read
from takead_ros.recording.clip import METADATA_NAME, ClipManifest
from takead_ros.recording.clip_folders import Broken
from takead_ros.recording.export import Exported, new_folder, note_exports
from takead_ros.takeover.inputs import Now

FORMAT = "foxglove"
LIFETIME_S, STALE_S = 0.5, 0.5


def export_foxglove(clips: Sequence[tuple[Path, ClipManifest]], out: Path) -> Exported:
    """Write a copy of each clip, ``<its name>.mcap``, into the new folder ``out``; note it in their manifests.

    Raises TakeadError where ``out`` exists or cannot be written, no clip can be read, or the SDK is missing.
    """
    updates = SceneUpdates(f"clips export --format {FORMAT}")
    if not clips:
        raise TakeadError("no clips to export; expected at least one")
    broken: list[Broken] = []
    frames, written = 0, []
    with new_folder(out) as work:
        for clip, manifest in clips:
            target = work / f"{clip.stem if clip.is_file() else clip.name}.mcap"
            if target.exists():
                broken.append(Broken(clip, f"there is another clip of the name '{target.stem}' among these"))
                continue
            try:
                frames += copy(read(clip), manifest, target, updates)
                written.append(clip)
            except TakeadError as problem:
                target.unlink(missing_ok=True)
                broken.append(Broken(clip, str(problem)))
        if not written:
            raise TakeadError(f"no clip can be exported: {broken[0].why}")
    return Exported(written, frames, [], broken, note_exports(written, f"{FORMAT}:{out.name}"))


def copy(messages: Iterable[BagMessage], manifest: ClipManifest, target: Path, updates: SceneUpdates) -> int:
    """Write ``messages`` and their pictures to the file ``target``; how many pictures there are."""
    count = 0
    with target.open("xb") as file:
        writer = Writer(file, compression=CompressionType.ZSTD)
        writer.start(profile="", library=f"takead_ros {__version__}")
        writer.add_metadata(METADATA_NAME, {"manifest": manifest.to_json()})
        schemas: dict[str, int] = {}
        channels: dict[str, int] = {}

        def channel(topic: str, encoding: str, schema: tuple[str, str, bytes]) -> int:
            if topic not in channels:
                if schema[0] not in schemas:
                    schemas[schema[0]] = writer.register_schema(*schema)
                channels[topic] = writer.register_channel(topic, encoding, schemas[schema[0]])
            return channels[topic]

        told = (updates.schema.name, updates.schema.encoding, updates.schema.data)
        drawn: list[Key] = []
        for item in pictured(messages):
            if isinstance(item, BagMessage):
                number = channel(item.topic, "cdr", (item.type, "ros2msg", item.definition.encode()))
                writer.add_message(number, item.stamp, item.data, item.stamp)
                continue
            topic, stamp, shapes = item
            number = channel(topic, "protobuf", told)
            writer.add_message(number, stamp, updates.encoded(shapes, vanished(drawn, shapes), stamp), stamp)
            drawn = [shape.key for shape in shapes]
            count += 1
        writer.finish()  # type: ignore[no-untyped-call]
    return count


Picture = tuple[str, int, tuple[Shape, ...]]  # topic, ns, what is drawn


def pictured(messages: Iterable[BagMessage]) -> Iterator[BagMessage | Picture]:
    """``messages``, and behind all of the moment of a scene its picture. Raises TakeadError for one that is none."""
    gathered, waiting = Gathered(), None
    for message in messages:
        if waiting is not None and message.stamp > waiting[1]:
            yield picture(gathered, *waiting)
            waiting = None
        one: Any = interfaces.find_interface(message.topic, message.type)
        if one in SHOWN:
            gathered.take(one, codec.deserialize(message.data, message.type), message.stamp)
        if one is interfaces.SCENE:
            waiting = message.topic.removesuffix(one.name) + TOPIC, message.stamp
        yield message
    if waiting is not None:
        yield picture(gathered, *waiting)


def picture(gathered: Gathered, topic: str, stamp: int) -> Picture:
    """What there is to be seen at ``stamp`` ns."""
    return topic, stamp, draw(gathered.overview(Now(stamp, stamp), STALE_S), LIFETIME_S)
