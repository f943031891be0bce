"""Writes MCAP with chunks that can be finished at any time.

The MCAP library's own writer spends some 40 us on a small message, most of the recorder's whole budget. Here messages
are packed in one step; every other record is encoded by the library's record classes.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from typing import IO, Any

import lz4.frame  # type: ignore[import-untyped]
import zstandard
from mcap.data_stream import RecordBuilder
from mcap.opcode import Opcode
from mcap.records import (
    Channel,
    Chunk,
    ChunkIndex,
    DataEnd,
    Footer,
    Header,
    Metadata,
    MetadataIndex,
    Schema,
    Statistics,
    SummaryOffset,
)
from mcap.writer import MCAP0_MAGIC

COMPRESSIONS: dict[str, Callable[[bytes], bytes]] = {
    "none": lambda data: data,
    "lz4": lz4.frame.compress,
    "zstd": zstandard.compress,
}
_MESSAGE = struct.Struct("<BQHIQQ")  # opcode, length of the rest, channel, sequence, log time, publish time
_INDEX = struct.Struct("<BQHI")  # opcode, length of the rest, channel, bytes of entries
_FOOTER_HEAD = struct.Struct("<BQQQ")  # what the summary's checksum covers of the footer


class ChunkedWriter:
    """An MCAP file of profile ``ros2``. ``flush`` finishes the open chunk; a chunk is also finished once it holds
    ``chunk_bytes``. The file's position must be at its beginning. Raises OSError as the disk gives it."""

    def __init__(self, file: IO[bytes], compression: str, chunk_bytes: int) -> None:
        self._file = file
        self._name = "" if compression == "none" else compression
        self._compress = COMPRESSIONS[compression]
        self._chunk_bytes = chunk_bytes
        self._schemas: list[Schema] = []
        self._channels: list[Channel] = []
        self._chunks: list[ChunkIndex] = []
        self._metadata: list[MetadataIndex] = []
        self._counts: dict[int, int] = {}
        self._bounds: tuple[int, int] | None = None
        self._offset = 0
        self._low, self._high = 1 << 64, 0  # log times in the open chunk
        self._begin()
        self._put(MCAP0_MAGIC + _encoded(Header(profile="ros2", library="takead_ros")))

    def register_schema(self, name: str, definition: str) -> int:
        """Declare a message type by its ``ros2msg`` text; returns its id."""
        schema = Schema(id=len(self._schemas) + 1, name=name, encoding="ros2msg", data=definition.encode())
        self._schemas.append(schema)
        self._add(_encoded(schema))
        return len(self._schemas)

    def register_channel(self, topic: str, schema: int, metadata: dict[str, str]) -> int:
        """Declare a topic of CDR messages; returns its id."""
        number = len(self._channels) + 1
        channel = Channel(id=number, schema_id=schema, topic=topic, message_encoding="cdr", metadata=metadata)
        self._channels.append(channel)
        self._counts[number] = 0
        self._add(_encoded(channel))
        return number

    def add_message(self, channel: int, stamp: int, data: bytes, sequence: int) -> None:
        """Add a message with log and publish time ``stamp`` ns."""
        self._index.setdefault(channel, []).extend((stamp, self._size))
        self._parts += (_MESSAGE.pack(Opcode.MESSAGE, 22 + len(data), channel, sequence, stamp, stamp), data)
        self._size += 31 + len(data)
        self._low, self._high = min(self._low, stamp), max(self._high, stamp)
        self._counts[channel] += 1
        if self._size > self._chunk_bytes:
            self._finish_chunk()

    def add_metadata(self, name: str, content: dict[str, str]) -> None:
        """Add a metadata record."""
        record = _encoded(Metadata(name=name, metadata=content))
        self._metadata.append(MetadataIndex(offset=self._offset, length=len(record), name=name))
        self._put(record)

    def flush(self) -> None:
        """Hand everything so far to the operating system."""
        self._finish_chunk()
        self._file.flush()

    def finish(self) -> None:
        """Write the indexes and the end of the file; the file stays open."""
        self._finish_chunk()
        self._put(_encoded(DataEnd(data_section_crc=0)))
        start, summary, offsets = self._offset, b"", b""
        groups: list[tuple[Opcode, list[Any]]] = [
            (Opcode.SCHEMA, self._schemas),
            (Opcode.CHANNEL, self._channels),
            (Opcode.STATISTICS, [self._statistics()]),
            (Opcode.CHUNK_INDEX, self._chunks),
            (Opcode.METADATA_INDEX, self._metadata),
        ]
        for opcode, records in groups:
            group = b"".join(map(_encoded, records))
            place = SummaryOffset(group_opcode=opcode, group_start=start + len(summary), group_length=len(group))
            summary += group
            offsets += _encoded(place) if group else b""
        offset_start = start + len(summary)
        summary += offsets
        checksum = zlib.crc32(_FOOTER_HEAD.pack(Opcode.FOOTER, 20, start, offset_start), zlib.crc32(summary))
        footer = Footer(summary_start=start, summary_offset_start=offset_start, summary_crc=checksum)
        self._put(summary + _encoded(footer) + MCAP0_MAGIC)
        self._file.flush()

    def _begin(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0
        self._index: dict[int, list[int]] = {}  # by channel: log time, offset in the chunk, ...
        self._low, self._high = 1 << 64, 0

    def _add(self, record: bytes) -> None:
        self._parts.append(record)
        self._size += len(record)

    def _put(self, data: bytes) -> None:
        self._file.write(data)
        self._offset += len(data)

    def _finish_chunk(self) -> None:
        if not self._index:
            return  # declarations alone wait for their first message
        plain = b"".join(self._parts)
        low, high, index, start = self._low, self._high, self._index, self._offset
        self._begin()
        data = self._compress(plain)
        chunk = Chunk(
            compression=self._name,
            data=b"",
            message_start_time=low,
            message_end_time=high,
            uncompressed_crc=zlib.crc32(plain),
            uncompressed_size=len(plain),
        )
        # The record's head without its data: the pictures in it need not be copied once more.
        head = _encoded(chunk)[9:-8]
        length = len(head) + 8 + len(data)
        self._put(struct.pack("<BQ", Opcode.CHUNK, length) + head + struct.pack("<Q", len(data)))
        self._put(data)
        offsets, entries = {}, b""
        for channel, pairs in index.items():
            offsets[channel] = self._offset + len(entries)
            entries += _INDEX.pack(Opcode.MESSAGE_INDEX, 6 + 8 * len(pairs), channel, 8 * len(pairs))
            entries += struct.pack(f"<{len(pairs)}Q", *pairs)
        self._put(entries)
        self._chunks.append(
            ChunkIndex(
                chunk_length=9 + length,
                chunk_start_offset=start,
                compression=self._name,
                compressed_size=len(data),
                message_end_time=high,
                message_start_time=low,
                message_index_length=len(entries),
                message_index_offsets=offsets,
                uncompressed_size=len(plain),
            )
        )
        first, last = self._bounds or (low, high)
        self._bounds = (min(first, low), max(last, high))

    def _statistics(self) -> Statistics:
        low, high = self._bounds or (0, 0)
        return Statistics(
            attachment_count=0,
            channel_count=len(self._channels),
            channel_message_counts=self._counts,
            chunk_count=len(self._chunks),
            message_count=sum(self._counts.values()),
            message_end_time=high,
            message_start_time=low,
            metadata_count=len(self._metadata),
            schema_count=len(self._schemas),
        )


def _encoded(record: Any) -> bytes:
    builder = RecordBuilder()
    record.write(builder)
    encoded: bytes = builder.end()  # type: ignore[no-untyped-call]
    return encoded
