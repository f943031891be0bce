"""What a model file says about itself: its JSON manifest, inside the ONNX file and beside it.

``sha256`` identifies a model: the hash of the file's top-level protobuf fields in order, without ``metadata_props``
(where the manifest lies), so that it names the graph and its weights. ``manifest_sha256`` is the hash of the
manifest's own canonical JSON without that field; an edited manifest no longer matches it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from takead_ros.domain.errors import TakeadError

KEY = "takead_manifest"  # name of the ONNX metadata entry
FORMAT = "takead-model-1"
_METADATA_PROPS, _IR_VERSION, _GRAPH, _OPSET_IMPORT = 14, 1, 7, 8  # field numbers in ONNX's ModelProto
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


class Tensor(BaseModel):
    """One input or output: shape without the batch axis, and what it holds in which unit and frame."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    shape: tuple[int, ...]
    dtype: str = "float32"
    description: str


class Manifest(BaseModel):
    """Everything that a vehicle or a sceptic must know of a model before using it."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    format: str = FORMAT
    name: str
    needs: tuple[str, ...] = ("scene",)  # topics that the policy node subscribes to
    inputs: dict[str, Tensor]
    outputs: dict[str, Tensor]
    encoding: str
    frames: str = "REP-105 (map, base_link = centre of the box), REP-103 axes, steering and yaw positive left"
    units: str = "SI: m, s, rad, m/s, m/s^2"
    normalisation: dict[str, float]
    speed_bins: tuple[float, ...]
    anchors_sha256: str
    plan_steps: int
    plan_dt: float
    opset: int
    sha256: str
    parent: str | None = None  # sha256 of the model that this one was trained from
    stage: str  # random, bc, dagger, preference
    clips: tuple[str, ...] = ()
    suites: tuple[str, ...] = ()
    seeds: tuple[int, ...] = ()
    training: dict[str, Any] = {}
    git_commit: str | None = None
    software_version: str
    manifest_sha256: str = ""

    def sealed(self) -> Manifest:
        """The same manifest with its own hash filled in."""
        return self.model_copy(update={"manifest_sha256": self.own_sha256()})

    def own_sha256(self) -> str:
        body = self.model_dump(mode="json", exclude={"manifest_sha256"})
        return hashlib.sha256(json.dumps(body, sort_keys=True, separators=(",", ":")).encode()).hexdigest()

    def to_json(self) -> str:
        return json.dumps(self.model_dump(mode="json"), indent=1, sort_keys=True) + "\n"


def manifest_path(model: Path) -> Path:
    """Where the copy of the manifest beside a model lies: ``x.onnx`` -> ``x.manifest.json``."""
    return model.with_suffix(".manifest.json")


def parse_manifest(text: str | bytes, where: str) -> Manifest:
    """The manifest in ``text``. Raises TakeadError that names ``where`` and the first thing wrong."""
    try:
        manifest = Manifest.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "JSON"
        raise TakeadError(f"{where}: not a valid {FORMAT} manifest ({field}: {first['msg']})") from error
    if manifest.format != FORMAT:
        raise TakeadError(f"{where}: manifest format '{manifest.format}', expected '{FORMAT}'")
    if manifest.manifest_sha256 != manifest.own_sha256():
        raise TakeadError(f"{where}: manifest was edited: its content no longer matches its manifest_sha256")
    return manifest


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
