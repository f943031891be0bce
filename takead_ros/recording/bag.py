"""Reads the records of an MCAP bag in file order, and says where and why it cannot."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import lz4.frame  # type: ignore[import-untyped]
import yaml
import zstandard
from mcap.exceptions import McapError
from mcap.records import Channel, Chunk, Footer, Header, Message, Metadata, Schema
from mcap.stream_reader import StreamReader, breakup_chunk

from takead_ros.domain.errors import TakeadError
from takead_ros.files import content_of, open_file
from takead_ros.recording.bag_metadata import BagTopic, load_yaml
from takead_ros.recording.clip import METADATA_NAME
from takead_ros.recording.digest import ContentDigest, recorded_digest
from takead_ros.recording.writer import OPEN_SUFFIX

MAX_CHUNK = 1 << 30  # bytes; a larger announced size is damage, not data
# What the MCAP, LZ4 and Zstandard libraries raise on bytes that are not what they should be.
DAMAGE = (
    McapError,
    struct.error,
    ValueError,
    EOFError,
    RuntimeError,
    MemoryError,
    OverflowError,
    KeyError,
    zstandard.ZstdError,
)


class BagMessage(NamedTuple):
    """A message in a bag: ``stamp`` is its receive (log) time in ns, ``data`` its CDR bytes, ``definition`` what the
    bag says of its type."""

    topic: str
    type: str
    stamp: int
    data: bytes
    definition: str


@dataclass
class Scan:
    """What a scan found. ``good``: bytes read before the first damage; ``damage`` is empty where all was well.

    ``skipped``: damaged chunks that were passed over. ``closed``: the footer is there. ``manifest``: the copy in the
    bag. ``topics``: as the bag describes them.
    """

    good: int = 0
    damage: str = ""
    skipped: int = 0
    closed: bool = False
    messages: int = 0
    manifest: str | None = None
    topics: dict[str, BagTopic] = field(default_factory=dict)


def bag_files(path: Path) -> list[Path]:
    """The MCAP files of a bag: a rosbag2 folder or one ``.mcap`` file. Raises TakeadError for anything else."""
    if path.is_file() and path.suffix == ".mcap":
        return [path]
    if not path.exists():
        raise TakeadError(f"bag '{path}': no such file or folder; expected a clip folder or an .mcap file")
    if not path.is_dir():
        raise TakeadError(f"bag '{path}': not a bag; expected a clip folder or an .mcap file")
    if path.name.endswith(OPEN_SUFFIX):
        raise TakeadError(
            f"clip '{path}': it was cut off while being recorded; repair it with: takead clips recover {path.parent}"
        )
    files = sorted(path.glob("*.mcap"))
    if not files:
        other = "an SQLite bag (convert it with: ros2 bag convert)" if list(path.glob("*.db3")) else "no .mcap file"
        raise TakeadError(f"bag '{path}': holds {other}; expected a rosbag2 folder with MCAP files")
    return _in_order(path, files)


def _in_order(path: Path, files: list[Path]) -> list[Path]:
    """The files as ``metadata.yaml`` lists them; raises TakeadError where it does not fit them."""
    metadata = path / "metadata.yaml"
    if not metadata.exists():
        raise TakeadError(f"bag '{path}': metadata.yaml is missing; rebuild it with: takead clips recover {path}")
    try:
        content: Any = load_yaml(content_of(metadata))
        names = content["rosbag2_bagfile_information"]["relative_file_paths"]
        listed = [path / Path(_name(name)).name for name in names]
    except OSError as problem:
        raise TakeadError(f"bag metadata '{metadata}': {problem.strerror}; expected a file to read") from problem
    except (yaml.YAMLError, KeyError, TypeError, ValueError, RecursionError) as problem:
        raise TakeadError(
            f"bag metadata '{metadata}': not rosbag2's; expected rosbag2_bagfile_information with "
            f"relative_file_paths ({type(problem).__name__})"
        ) from problem
    if sorted(listed) != files:
        raise TakeadError(
            f"bag metadata '{metadata}': lists {[p.name for p in listed]}, the folder holds {[p.name for p in files]}"
        )
    return listed


def _name(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"a file name that is a {type(value).__name__}")
    return value


def read(path: Path) -> Iterator[BagMessage]:
    """All messages of a bag in file order. Raises TakeadError at the first damage, naming file and byte, and at the end
    where they are not the ones that the manifest in the bag has the digest of."""
    for file in bag_files(path):
        scan, digest = Scan(), ContentDigest()
        for message in salvage(file, scan):
            digest.add(message.topic, message.stamp, message.data)
            yield message
        if scan.damage:
            raise TakeadError(
                f"bag file '{file}': {scan.damage} after byte {scan.good} of {file.stat().st_size} "
                f"({scan.messages} messages before it); try: takead clips recover {path}"
            )
        if recorded_digest(scan.manifest) not in ("", digest.hexdigest()):
            raise TakeadError(f"bag file '{file}': its messages are not the ones that were recorded (content digest)")


def salvage(file: Path, scan: Scan, past_damage: bool = False) -> Iterator[BagMessage]:
    """The messages of a file up to the first damage, which ``scan`` then describes; with ``past_damage`` damaged chunks
    are skipped as long as the file's structure can be followed. Never raises for what the file holds.
    """
    schemas: dict[int, Schema] = {}
    channels: dict[int, Channel] = {}
    try:
        with open_file(file) as stream:
            limit = max(file.stat().st_size, 1)
            records = StreamReader(stream, emit_chunks=True, record_size_limit=limit).records
            for record in _guarded(records, scan):
                try:
                    items = _unpack(record) if isinstance(record, Chunk) else [record]
                    # A chunk is taken whole or not at all.
                    batch = list(_messages(items, schemas, channels, scan))
                except DAMAGE as problem:
                    scan.damage = scan.damage or _words(problem)
                    scan.skipped += 1
                    if not past_damage:
                        return
                    continue
                scan.messages += len(batch)
                if not scan.damage:
                    scan.good = stream.tell()
                yield from batch
    except OSError as problem:
        scan.damage = problem.strerror or str(problem)
    if not scan.damage and not scan.closed:
        scan.damage = "the file ends without a footer"


def _messages(
    items: list[Any], schemas: dict[int, Schema], channels: dict[int, Channel], scan: Scan
) -> Iterator[BagMessage]:
    """The messages among ``items``; what else there is goes into the other arguments. Raises one of DAMAGE."""
    for item in items:
        if isinstance(item, Message):
            if item.channel_id not in channels:
                raise ValueError(f"a message of channel {item.channel_id}, which is not declared")
            channel = channels[item.channel_id]
            topic = scan.topics[channel.topic]
            yield BagMessage(channel.topic, topic.type, item.log_time, item.data, topic.definition)
        elif isinstance(item, Schema):
            schemas[item.id] = item
        elif isinstance(item, Channel):
            if item.schema_id not in schemas:
                raise ValueError(f"channel '{item.topic}' of schema {item.schema_id}, which is not declared")
            schema = schemas[item.schema_id]
            channels[item.id] = item
            qos = item.metadata.get("offered_qos_profiles", "")
            scan.topics[item.topic] = BagTopic.described(schema.name, qos, schema.data.decode())
        elif isinstance(item, Header) and item.profile != "ros2":
            raise ValueError(f"an MCAP file of profile '{item.profile}', expected 'ros2'")
        elif isinstance(item, Metadata) and item.name == METADATA_NAME:
            scan.manifest = item.metadata.get("manifest")
        elif isinstance(item, Footer):
            scan.closed = True


def _guarded(records: Iterator[Any], scan: Scan) -> Iterator[Any]:
    while True:
        try:
            record = next(records, None)
        except DAMAGE as problem:
            scan.damage = scan.damage or _words(problem)
            return
        if record is None:
            return
        yield record


def _unpack(chunk: Chunk) -> list[Any]:
    claims = [chunk.uncompressed_size]
    if chunk.compression == "lz4":
        claims.append(lz4.frame.get_frame_info(chunk.data)["content_size"])
    elif chunk.compression == "zstd":
        claims.append(zstandard.frame_content_size(chunk.data))
    if max(claims) > MAX_CHUNK:
        raise ValueError(f"a chunk that claims {max(claims)} bytes")
    return list(breakup_chunk(chunk, validate_crc=True))


def _words(problem: BaseException) -> str:
    text = str(problem).split("\n")[0]
    if not text or isinstance(problem, struct.error):
        return "the file breaks off within a record"
    return f"a damaged record ({text[:120]})"
