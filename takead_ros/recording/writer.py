"""Writes one clip: a rosbag2 directory with one MCAP file, safe against a kill at any moment.

While it is written it is ``<clip id>.recording``; closing renames it to ``<clip id>`` in one step. Every
``flush_seconds`` of recorded time the open chunk is finished and handed to the operating system, after which a kill
cannot harm it; ``sync`` puts it on the disk, after which a power cut cannot.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Mapping
from pathlib import Path

from takead_ros.messages import codec
from takead_ros.recording.bag_metadata import BagTopic, bag_metadata
from takead_ros.recording.clip import MANIFEST_FILE, METADATA_NAME, ClipManifest
from takead_ros.recording.digest import ContentDigest
from takead_ros.recording.mcap_chunks import ChunkedWriter
from takead_ros.recording.ring import SerializedMessage

OPEN_SUFFIX = ".recording"
CHUNK_BYTES = 1024 * 1024


class ClipWriter:
    """Writes messages into the folder ``path``; ``close`` renames that to ``final``.

    While it is open, the file is locked, so that nobody repairs a clip that is being recorded. ``sync`` and ``close``
    may be called by another thread than ``write``, ``flush`` and ``finish``. Raises OSError as the disk gives it.
    ``count``, ``flushed``, ``synced``: messages taken, with the operating system, on the disk.
    """

    def __init__(
        self,
        path: Path,
        final: Path,
        manifest: ClipManifest,
        topics: Mapping[str, BagTopic],
        compression: str = "zstd",
        flush_seconds: float = 0.5,
    ) -> None:
        self.path, self.final = path, final
        self.manifest = manifest
        self.manifest.clip_id = self.clip_id = final.name
        self.written: dict[str, int] = {}
        self.count = self.flushed = self.synced = 0
        self._flushed: dict[str, int] = {}  # ``written`` at the last flush; replaced, never changed
        self._synced: dict[str, int] = {}
        self._digest = ContentDigest()
        self._topics = topics
        self._flush_ns = int(flush_seconds * 1e9)
        self._schemas: dict[str, int] = {}
        self._channels: dict[str, int] = {}
        self._first_unflushed: int | None = None
        self._bounds: tuple[int, int] | None = None
        self._finished = False
        self._file = (path / f"{self.clip_id}_0.mcap").open("xb")
        fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # What a recovery will know of a clip that is never closed. It goes to the disk with the first sync: until
        # then a slow disk would only keep the first messages waiting.
        (path / MANIFEST_FILE).write_text(manifest.to_json(), encoding="utf-8")
        self._names_synced = False
        self._writer = ChunkedWriter(self._file, compression, CHUNK_BYTES)

    def write(self, message: SerializedMessage) -> None:
        """Add one message; flushes once ``flush_seconds`` of recorded time have gathered."""
        self.count += 1
        channel = self._channels.get(message.topic)
        if channel is None:
            channel = self._register(message.topic)
        count = self.written.get(message.topic, 0)
        self.written[message.topic] = count + 1
        self._writer.add_message(channel, message.stamp, message.data, count)
        self._digest.add(message.topic, message.stamp, message.data)
        low, high = self._bounds or (message.stamp, message.stamp)
        self._bounds = (min(low, message.stamp), max(high, message.stamp))
        if self._first_unflushed is None:
            self._first_unflushed = message.stamp
        elif message.stamp - self._first_unflushed >= self._flush_ns:
            self.flush()

    def flush(self) -> None:
        """Hand everything written so far to the operating system."""
        self._writer.flush()
        self._first_unflushed = None
        self._flushed, self.flushed = dict(self.written), self.count

    def sync(self) -> None:
        """Put everything flushed so far on the disk."""
        counts, number = self._flushed, self.flushed
        os.fsync(self._file.fileno())
        if not self._names_synced:
            with (self.path / MANIFEST_FILE).open("rb") as manifest:
                os.fsync(manifest.fileno())
            sync_folder(self.path)
            sync_folder(self.path.parent)
            self._names_synced = True
        self._synced, self.synced = counts, number

    def missing(self, synced: bool) -> dict[str, int]:
        """Messages by topic that are not in the file yet; with ``synced``, not on the disk for sure."""
        safe = self._synced if synced else self._flushed
        return {topic: n - safe.get(topic, 0) for topic, n in self.written.items() if n > safe.get(topic, 0)}

    def finish(self, manifest: ClipManifest) -> None:
        """Write the end of the file, ``manifest`` in it; nothing can be added afterwards."""
        low, high = self._bounds or (manifest.start, manifest.start)
        manifest.clip_id, manifest.start, manifest.end = self.clip_id, low, high
        manifest.content_sha256 = self._digest.hexdigest()
        self._writer.add_metadata(METADATA_NAME, {"manifest": manifest.to_json()})
        self._writer.finish()
        self._finished = True
        self._flushed, self.flushed = dict(self.written), self.count

    def close(self, manifest: ClipManifest) -> Path:
        """Finish the file where that is not done, write both copies of the manifest and give the clip its name; returns
        the clip's path."""
        if not self._finished:
            self.finish(manifest)
        os.fsync(self._file.fileno())
        self._file.close()
        low, high = manifest.start, manifest.end
        info = bag_metadata(self.clip_id, low, high, {t: (self._topics[t], n) for t, n in self.written.items()})
        write_durably(self.path / "metadata.yaml", info)
        write_durably(self.path / MANIFEST_FILE, manifest.to_json())
        sync_folder(self.path)
        self.path.rename(self.final)
        sync_folder(self.final.parent)
        self.path = self.final
        self._synced, self.synced = self._flushed, self.flushed
        return self.final

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
            text = known.definition or codec.definition(known.type)
            self._schemas[known.type] = self._writer.register_schema(known.type, text)
        metadata = {"offered_qos_profiles": known.qos()}
        self._channels[topic] = self._writer.register_channel(topic, self._schemas[known.type], metadata)
        return self._channels[topic]


def begin_clip(
    folder: Path,
    manifest: ClipManifest,
    topics: Mapping[str, BagTopic],
    compression: str = "zstd",
    flush_seconds: float = 0.5,
) -> ClipWriter:
    """A writer for a new clip in ``folder``. An existing one is never touched: the id then gets ``-2``, ``-3``, ..."""
    folder.mkdir(parents=True, exist_ok=True)
    number, name = 1, manifest.clip_id
    while (folder / name).exists() or not _make_new(folder / (name + OPEN_SUFFIX)):
        number += 1
        name = f"{manifest.clip_id}-{number}"
    path = folder / (name + OPEN_SUFFIX)
    return ClipWriter(path, folder / name, manifest, topics, compression, flush_seconds)


def _make_new(path: Path) -> bool:
    try:
        path.mkdir()
    except FileExistsError:
        return False
    return True


def write_durably(path: Path, text: str) -> None:
    """Replace ``path`` by ``text``, whole or not at all."""
    partial = path.with_name(path.name + ".part")
    partial.unlink(missing_ok=True)  # what a kill left, or a link that would lead the writing elsewhere
    with partial.open("x", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def sync_folder(folder: Path) -> None:
    """Make the names in ``folder`` survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
