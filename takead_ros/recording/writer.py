"""Writes one clip: a rosbag2 directory with one MCAP file, safe against a kill at any moment.

While it is written it is ``<clip id>.recording``; closing renames it to ``<clip id>`` in one step. Every
``flush_seconds`` of recorded time the open chunk is finished, written and fsynced: a kill can lose no more than that.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from mcap.writer import CompressionType, Writer

from takead_ros.domain.errors import TakeadError
from takead_ros.messages import codec
from takead_ros.recording.clip import MANIFEST_FILE, METADATA_NAME, ClipManifest
from takead_ros.recording.ring import Received

OPEN_SUFFIX = ".recording"
COMPRESSIONS = {"none": CompressionType.NONE, "lz4": CompressionType.LZ4, "zstd": CompressionType.ZSTD}
CHUNK_BYTES = 1024 * 1024
# Version 5 of rosbag2's metadata is what Humble writes; every later rosbag2 and rosbags read it.
ROSBAG2_VERSION = 5


@dataclass(frozen=True)
class Topic:
    """A topic of the bag: message type such as ``takead_ros/msg/Scene``, and the QoS that players should offer."""

    type: str
    reliable: bool = True
    latched: bool = False
    depth: int = 10

    def qos(self) -> str:
        """rosbag2's ``offered_qos_profiles`` (YAML text, enum numbers as rmw has them)."""
        forever = {"sec": 9223372036, "nsec": 854775807}
        profile = {
            "history": 1,
            "depth": self.depth,
            "reliability": 1 if self.reliable else 2,
            "durability": 1 if self.latched else 2,
            "deadline": forever,
            "lifespan": forever,
            "liveliness": 1,
            "liveliness_lease_duration": forever,
            "avoid_ros_namespace_conventions": False,
        }
        return str(yaml.safe_dump([profile], sort_keys=False, default_flow_style=False)).strip()


def check_writable(folder: Path) -> Path:
    """Make ``folder`` and write to it; TakeadError says what stands in the way, before anything is driven."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(b"\0" * 4096)
            probe.flush()
            os.fsync(probe.fileno())
    except OSError as problem:
        raise TakeadError(
            f"clip folder '{folder}': {problem.strerror}; expected a folder that can be made and written to"
        ) from problem
    return folder


class ClipWriter:
    """Writes messages into ``folder/<clip id>.recording``; ``close`` makes it ``folder/<clip id>``.

    An existing clip is never touched: the id then gets ``-2``, ``-3``, ... Raises OSError as the disk gives it.
    """

    def __init__(
        self, folder: Path, manifest: ClipManifest, topics: Mapping[str, Topic], compression: str = "zstd",
        flush_seconds: float = 0.5,
    ) -> None:  # fmt: skip
        if compression not in COMPRESSIONS:
            raise TakeadError(f"compression '{compression}': expected one of {', '.join(COMPRESSIONS)}")
        folder.mkdir(parents=True, exist_ok=True)
        self.manifest = manifest
        self.path, self.clip_id = _claim(folder, manifest.clip_id)
        self.manifest.clip_id = self.clip_id
        self.written: dict[str, int] = {}
        self._topics = topics
        self._flush_ns = int(flush_seconds * 1e9)
        self._compression = compression
        self._schemas: dict[str, int] = {}
        self._channels: dict[str, int] = {}
        self._first_unflushed: int | None = None
        self._bounds: tuple[int, int] | None = None
        # What a recovery will know of a clip that is never closed.
        _write_durably(self.path / MANIFEST_FILE, manifest.to_json())
        self._file = (self.path / f"{self.clip_id}_0.mcap").open("wb")
        self._writer: Any = Writer(self._file, CHUNK_BYTES, COMPRESSIONS[compression])
        self._writer.start(profile="ros2", library="takead_ros")
        self._file.flush()
        os.fsync(self._file.fileno())
        _sync_folder(self.path)
        _sync_folder(folder)

    def write(self, message: Received) -> None:
        """Add one message; flushes once ``flush_seconds`` of recorded time have gathered."""
        channel = self._channels.get(message.topic)
        if channel is None:
            channel = self._register(message.topic)
        count = self.written.get(message.topic, 0)
        self._writer.add_message(channel, message.stamp, message.data, message.stamp, count)
        self.written[message.topic] = count + 1
        low, high = self._bounds or (message.stamp, message.stamp)
        self._bounds = (min(low, message.stamp), max(high, message.stamp))
        if self._first_unflushed is None:
            self._first_unflushed = message.stamp
        elif message.stamp - self._first_unflushed >= self._flush_ns:
            self.flush()

    def flush(self) -> None:
        """Put everything written so far on the disk."""
        self._writer.flush()
        os.fsync(self._file.fileno())
        self._first_unflushed = None

    def close(self, manifest: ClipManifest) -> Path:
        """Finish the file, write both copies of the manifest and give the clip its name; returns the clip's path."""
        low, high = self._bounds or (manifest.start, manifest.start)
        manifest.clip_id, manifest.start, manifest.end = self.clip_id, low, high
        text = manifest.to_json()
        self._writer.add_metadata(METADATA_NAME, {"manifest": text})
        self._writer.finish()
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        info = bag_metadata(self.clip_id, low, high, {t: (self._topics[t], n) for t, n in self.written.items()})
        _write_durably(self.path / "metadata.yaml", info)
        _write_durably(self.path / MANIFEST_FILE, text)
        _sync_folder(self.path)
        final = self.path.with_name(self.clip_id)
        self.path.rename(final)
        _sync_folder(final.parent)
        self.path = final
        return final

    def abandon(self) -> None:
        """Close the file as it is (the disk refuses more); ``takead clips recover`` can repair what is there."""
        try:
            self._file.close()
        except OSError:
            # The buffer could not be written either; the descriptor itself is closed all the same.
            self._file.raw.close()

    def _register(self, topic: str) -> int:
        known = self._topics[topic]
        if known.type not in self._schemas:
            text = codec.definition(known.type).encode()
            self._schemas[known.type] = self._writer.register_schema(known.type, "ros2msg", text)
        metadata = {"offered_qos_profiles": known.qos()}
        self._channels[topic] = self._writer.register_channel(topic, "cdr", self._schemas[known.type], metadata)
        return self._channels[topic]


def bag_metadata(clip_id: str, start: int, end: int, topics: Mapping[str, tuple[Topic, int]]) -> str:
    """The text of rosbag2's ``metadata.yaml`` for a bag with one file; stamps in ns, counts by topic."""
    count = sum(number for _, number in topics.values())
    span: dict[str, Any] = {
        "duration": {"nanoseconds": end - start},
        "starting_time": {"nanoseconds_since_epoch": start},
        "message_count": count,
    }
    described = [
        {
            "topic_metadata": {
                "name": name,
                "type": topic.type,
                "serialization_format": "cdr",
                "offered_qos_profiles": topic.qos(),
            },
            "message_count": number,
        }
        for name, (topic, number) in topics.items()
    ]
    name = f"{clip_id}_0.mcap"
    content = {
        "rosbag2_bagfile_information": {
            "version": ROSBAG2_VERSION,
            "storage_identifier": "mcap",
            **span,
            "topics_with_message_count": described,
            "compression_format": "",
            "compression_mode": "",
            "relative_file_paths": [name],
            "files": [{"path": name, **span}],
        }
    }
    return str(yaml.safe_dump(content, sort_keys=False))


def _claim(folder: Path, clip_id: str) -> tuple[Path, str]:
    """Make the folder of a new clip under the first free name."""
    number, name = 1, clip_id
    while True:
        path = folder / (name + OPEN_SUFFIX)
        if not (folder / name).exists():
            try:
                path.mkdir()
                return path, name
            except FileExistsError:
                pass
        number += 1
        name = f"{clip_id}-{number}"


def _write_durably(path: Path, text: str) -> None:
    """Replace ``path`` by ``text``, whole or not at all."""
    partial = path.with_name(path.name + ".part")
    with partial.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
