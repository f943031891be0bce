"""Messages to bytes and back (XCDR1, as ROS 2 puts them on the wire and into bags), their names and definitions."""

from __future__ import annotations

import functools
import struct
from typing import Any

from rosbags.serde import SerdeError
from rosbags.typesys import TypesysError, get_types_from_msg

from takead_ros.domain.errors import TakeadError
from takead_ros.messages import store, types
from takead_ros.messages.encoder import LITTLE_ENDIAN_CDR, writer


def serialize(msg: Any, anew: bool = False) -> bytes:
    """CDR bytes of a message, with the 4-byte encapsulation header in front.

    anew: also of what is known not to change and was written before (``StaticSequence``). Raises TypeError where a
    field holds a value that is none for it.
    """
    if types.RESOLUTION == "rosidl":
        from rclpy.serialization import serialize_message

        return bytes(serialize_message(msg))
    name = type_name(msg)
    parts = [LITTLE_ENDIAN_CDR]
    try:
        writer(name, anew)(msg, 0, parts.append)
    except (struct.error, AttributeError, ValueError) as error:
        raise TypeError(f"{name}: a field holds what it cannot: {error}; the message is {msg!r}") from error
    return b"".join(parts)


def deserialize(data: bytes | memoryview, name: str) -> Any:
    """The message of type ``name`` in CDR bytes, in the class that ``messages.types`` gives.

    Raises TakeadError where the bytes are no such message or the type is unknown.
    """
    try:
        cls = types.message(name)
    except (KeyError, ImportError, AttributeError, ValueError):
        raise TakeadError(f"message type '{name}' is unknown; expected one of ROS 2's or takead_ros's own") from None
    try:
        return _decode(data, name, cls)
    except (SerdeError, RuntimeError) as error:  # rclpy's RMWError is a RuntimeError
        raise TakeadError(f"{len(data)} bytes are no message of type '{name}': {error}") from error


def _decode(data: bytes | memoryview, name: str, cls: Any) -> Any:
    if types.RESOLUTION == "rosidl":
        from rclpy.serialization import deserialize_message

        return deserialize_message(bytes(data), cls)
    return store.typestore().deserialize_cdr(data, name)


def type_name(message: Any) -> str:
    """Full name such as ``takead_ros/msg/Scene`` of a message or service class, or of an instance of one."""
    cls = message if isinstance(message, type) else type(message)
    name = getattr(cls, "__msgtype__", None)
    if name is None:  # rosidl: module takead_ros.msg._scene
        package, kind = cls.__module__.split(".")[:2]
        name = f"{package}/{kind}/{cls.__name__}"
    return str(name)


@functools.cache
def definition(name: str) -> str:
    """The ``ros2msg`` text of a type with all that it contains, as an MCAP schema wants it."""
    return store.typestore().generate_msgdef(name, ros_version=2)[0]


def other_fields(name: str, text: str) -> list[str]:
    """The types, among ``name`` and all that it contains, of which the ros2msg ``text`` of another version has other
    fields than this one, or that it lacks; empty where bytes written by that version can be read."""
    known = store.typestore().fielddefs
    try:
        told = get_types_from_msg(text, name)
    except TypesysError:
        return [name]
    here = {one: known[one][1] if one in known else None for one in told}
    return [one for one in sorted({name, *told}) if one not in told or told[one][1] != here[one]]


@functools.cache
def type_hash(name: str) -> str:
    """The REP-2016 hash ``RIHS01_...`` of a type, as ROS 2 and rosbag2 write it."""
    return store.typestore().hash_rihs01(name)
