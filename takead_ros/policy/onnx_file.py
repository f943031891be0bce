"""Reads an ONNX file's protobuf wire format as far as its identity needs it, without the onnx package.

``model_sha256`` identifies a model: the hash of the file's top-level fields in order, without ``metadata_props`` (where
the manifest lies), so that it names the graph and its weights. Weights in other files would escape it, so
``external_tensors`` finds them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from takead_ros.domain.errors import TakeadError

_METADATA_PROPS, _IR_VERSION, _GRAPH, _OPSET_IMPORT = 14, 1, 7, 8  # field numbers in ONNX's ModelProto
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
# Which fields of which message hold what, as far as a tensor can lie below them (onnx.proto).
_NESTED: dict[str, dict[int, str]] = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "function": {7: "node", 11: "attribute"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
}
_NAME, _EXTERNAL_DATA, _DATA_LOCATION = 8, 13, 14  # of TensorProto
_DEEPEST = 40  # messages within messages


def model_sha256(data: bytes, where: str) -> str:
    """Identity of the ONNX model ``data`` (see above). Raises TakeadError for a file that is no whole ONNX model."""
    digest, seen = hashlib.sha256(), set()
    try:
        for number, field in _fields(data):
            seen.add(number)
            if number != _METADATA_PROPS:
                digest.update(field)
    except ValueError as error:
        raise TakeadError(f"{where}: not an ONNX model or cut short ({error}; {len(data)} bytes)") from error
    if not {_IR_VERSION, _GRAPH, _OPSET_IMPORT} <= seen:
        raise TakeadError(f"{where}: not an ONNX model or cut short (no graph or operator set; {len(data)} bytes)")
    return digest.hexdigest()


def metadata(data: bytes, key: str, where: str) -> bytes | None:
    """What the file's ``metadata_props`` say under ``key``; None where there is no such entry. Raises TakeadError for
    what is no whole ONNX model."""
    try:
        for number, field in _fields(data):
            if number == _METADATA_PROPS:
                entry = dict(_fields(_content(field)))
                if 1 in entry and 2 in entry and _content(entry[1]) == key.encode():
                    return _content(entry[2])
    except ValueError as error:
        raise TakeadError(f"{where}: not an ONNX model or cut short ({error}; {len(data)} bytes)") from error
    return None


def _fields(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Number and raw bytes of each top-level protobuf field. Raises ValueError where the wire format ends or breaks."""
    at = 0
    while at < len(data):
        start = at
        tag, at = _varint(data, at)
        kind = tag & 7
        if kind == _VARINT:
            _, at = _varint(data, at)
        elif kind == _BYTES:
            size, at = _varint(data, at)
            at += size
        elif kind in (_FIXED64, _FIXED32):
            at += 8 if kind == _FIXED64 else 4
        else:
            raise ValueError(f"unknown protobuf wire type {kind} at byte {start}")
        if at > len(data):
            raise ValueError(f"field {tag >> 3} at byte {start} ends {at - len(data)} bytes after the file")
        yield tag >> 3, data[start:at]


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(data) and shift < 64:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
    raise ValueError(f"broken number at byte {at}")


def external_tensors(data: bytes, where: str) -> list[str]:
    """Names of the tensors that a model keeps in other files. Raises TakeadError for what is no whole ONNX model."""
    try:
        return list(_external(data, "model", 0))
    except ValueError as error:
        raise TakeadError(f"{where}: not an ONNX model or cut short ({error}; {len(data)} bytes)") from error


def _external(data: bytes, message: str, depth: int) -> Iterator[str]:
    if depth > _DEEPEST:
        raise ValueError(f"messages nested deeper than {_DEEPEST}")
    if message == "tensor":
        name, outside = b"?", False
        for number, field in _fields(data):
            if number == _NAME:
                name = _content(field)
            outside |= number == _EXTERNAL_DATA or (number == _DATA_LOCATION and field[-1] != 0)
        if outside:
            yield name.decode(errors="replace")
        return
    for number, field in _fields(data):
        inner = _NESTED[message].get(number)
        if inner is not None and field[0] & 7 == _BYTES:
            yield from _external(_content(field), inner, depth + 1)


def _content(field: bytes) -> bytes:
    """What a length-delimited field holds."""
    _, at = _varint(field, 0)
    _, at = _varint(field, at)
    return field[at:]
