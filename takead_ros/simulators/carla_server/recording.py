"""The file of CARLA's recorder: its bytes in, frames out, and the other way. No world and no disk here.

The layout is CARLA's own, so that its tools read these files and this server those of CARLA: a head, then packets of
number (u8), size (u32) and content, little endian; lengths in cm, angles as roll, pitch, yaw in degrees. A frame is all
from FrameStart to FrameEnd. Packets that are not among PACKETS are read over.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from takead_ros.domain.errors import TakeadError
from takead_ros.simulators.carla_server.values import (
    ActorAttributeValue,
    ActorDescription,
    Rotation,
    Transform,
    Vector3D,
)

MAGIC, FORMAT = "CARLA_RECORDER", 2
CM = 100.0
FRAME_START, FRAME_END, ADDED, REMOVED, PARENTS, COLLISIONS, POSITIONS, LIGHTS, VEHICLES, WALKERS, VEHICLE_LIGHTS = (
    range(11)
)
KINEMATICS, BOXES, PLATFORM_TIME, LIGHT_TIMES, VISUAL_TIME, DOORS = 12, 13, 14, 16, 20, 23
_VECTORS = [("a", "<f4", 3), ("b", "<f4", 3)]
PACKETS: dict[int, np.dtype[Any]] = {
    REMOVED: np.dtype([("id", "<u4")]),
    PARENTS: np.dtype([("id", "<u4"), ("parent", "<u4")]),
    COLLISIONS: np.dtype([("number", "<u4"), ("id", "<u4"), ("other", "<u4"), ("hero", "?"), ("other_hero", "?")]),
    POSITIONS: np.dtype([("id", "<u4"), *_VECTORS]),  # where, and how it is turned
    LIGHTS: np.dtype([("id", "<u4"), ("frozen", "?"), ("elapsed", "<f4"), ("state", "u1")]),
    VEHICLES: np.dtype(
        [("id", "<u4"), ("steer", "<f4"), ("throttle", "<f4"), ("brake", "<f4"), ("hand_brake", "?"), ("gear", "<i4")]
    ),
    WALKERS: np.dtype([("id", "<u4"), ("speed", "<f4")]),
    VEHICLE_LIGHTS: np.dtype([("id", "<u4"), ("flags", "<u4")]),
    KINEMATICS: np.dtype([("id", "<u4"), *_VECTORS]),  # m/s and degrees/s
    BOXES: np.dtype([("id", "<u4"), *_VECTORS]),  # middle and half lengths
    LIGHT_TIMES: np.dtype([("id", "<u4"), ("green", "<f4"), ("yellow", "<f4"), ("red", "<f4")]),
    DOORS: np.dtype([("id", "<u4"), ("door", "u1"), ("open", "?")]),
}
_FRAME, _HEAD, _TIME = struct.Struct("<Qdd"), struct.Struct("<BI"), struct.Struct("<d")
Records = NDArray[np.void]


@dataclass(frozen=True)
class Added:
    """An actor that is there from this frame on; ``kind``: CARLA's (other, vehicle, walker, light, sign, sensor)."""

    id: int
    kind: int
    place: Transform
    description: ActorDescription


@dataclass
class RecordedFrame:
    """One frame; ``lasts`` s until the next, -1 of the last one. ``records``: arrays by packet."""

    number: int
    elapsed: float
    lasts: float = -1.0
    added: list[Added] = field(default_factory=list)
    records: dict[int, Records] = field(default_factory=dict)
    times: dict[int, float] = field(default_factory=dict)

    def of(self, packet: int) -> Records:
        """The records of a packet, none where it is not there."""
        return self.records.get(packet, np.zeros(0, PACKETS[packet]))


def vectors(place: Transform) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """A transform as the file has it."""
    pitch, yaw, roll = place.rotation
    return tuple(CM * value for value in place.location), (roll, pitch, yaw)


def transform(where: Any, turned: Any) -> Transform:
    """The other way."""
    roll, pitch, yaw = (float(value) for value in turned)
    return Transform(Vector3D(*(float(value) / CM for value in where)), Rotation(pitch, yaw, roll))


def pack_head(map_name: str, date: int) -> bytes:
    """How a file begins; ``date``: s since 1970."""
    return struct.pack("<H", FORMAT) + _text(MAGIC) + struct.pack("<q", date) + _text(map_name)


def pack_frame(frame: RecordedFrame) -> bytes:
    """One frame."""
    parts = [_packet(FRAME_START, _FRAME.pack(frame.number, frame.lasts, frame.elapsed))]
    if VISUAL_TIME in frame.times:
        parts.append(_packet(VISUAL_TIME, _TIME.pack(frame.times[VISUAL_TIME])))
    added = b"".join(_added(one) for one in frame.added)
    parts.append(_packet(ADDED, struct.pack("<H", len(frame.added)) + added))
    for packet, records in frame.records.items():
        parts.append(_packet(packet, struct.pack("<H", len(records)) + records.tobytes()))
    if PLATFORM_TIME in frame.times:
        parts.append(_packet(PLATFORM_TIME, _TIME.pack(frame.times[PLATFORM_TIME])))
    parts.append(_packet(FRAME_END, b""))
    return b"".join(parts)


def _packet(number: int, content: bytes) -> bytes:
    return _HEAD.pack(number, len(content)) + content


def _text(text: str) -> bytes:
    data = text.encode("utf-8", "surrogateescape")[:65535]
    return struct.pack("<H", len(data)) + data


def _added(one: Added) -> bytes:
    where, turned = vectors(one.place)
    told = one.description
    head = struct.pack("<IB6fI", one.id, one.kind, *where, *turned, told.uid) + _text(told.id)
    attributes = b"".join(bytes([item.type]) + _text(item.id) + _text(item.value) for item in told.attributes)
    return head + struct.pack("<H", len(told.attributes)) + attributes


class Recording:
    """What is in a file. Raises TakeadError where it is none."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0
        try:
            (self.version,) = self._take("<H")
            magic = self._text()
            (self.date,) = self._take("<q")
            self.map_name = self._text()
        except struct.error:
            raise TakeadError("File is not a CARLA recorder") from None
        if magic != MAGIC:
            raise TakeadError("File is not a CARLA recorder")
        self._first = self._at

    def frames(self) -> Iterator[RecordedFrame]:
        """One after the other, as far as the file is whole: one that is cut off ends with its last whole frame."""
        self._at = self._first
        frame: RecordedFrame | None = None
        while self._at + _HEAD.size <= len(self._data):
            number, size = _HEAD.unpack_from(self._data, self._at)
            self._at += _HEAD.size
            end = self._at + size
            if end > len(self._data):
                return
            try:
                frame = self._read(number, size, frame)
            except (struct.error, ValueError):
                raise TakeadError(f"the recording is damaged at byte {self._at}") from None
            if number == FRAME_END and frame is not None:
                yield frame
            self._at = end

    def _read(self, number: int, size: int, frame: RecordedFrame | None) -> RecordedFrame | None:
        if number == FRAME_START:
            count, lasts, elapsed = self._take("<Qdd")
            return RecordedFrame(count, elapsed, lasts)
        if frame is None:
            return None
        if number in (VISUAL_TIME, PLATFORM_TIME):
            (frame.times[number],) = self._take("<d")
        elif number == ADDED:
            (count,) = self._take("<H")
            frame.added = [self._one() for _ in range(count)]
        elif number in PACKETS:
            (count,) = self._take("<H")
            if 2 + count * PACKETS[number].itemsize > size:
                raise ValueError(number)
            frame.records[number] = np.frombuffer(self._data, PACKETS[number], count, self._at)
        return frame

    def _one(self) -> Added:
        actor, kind, *six, uid = self._take("<IB6fI")
        name = self._text()
        (count,) = self._take("<H")
        attributes = []
        for _ in range(count):
            (form,) = self._take("<B")
            attributes.append(ActorAttributeValue(self._text(), form, self._text()))
        place = transform(six[:3], six[3:])
        return Added(actor, kind, place, ActorDescription(uid, name, tuple(attributes)))

    def _take(self, form: str) -> tuple[Any, ...]:
        found = struct.unpack_from(form, self._data, self._at)
        self._at += struct.calcsize(form)
        return found

    def _text(self) -> str:
        (length,) = self._take("<H")
        found = self._data[self._at : self._at + length]
        if len(found) < length:
            raise struct.error
        self._at += length
        return found.decode("utf-8", "replace")
