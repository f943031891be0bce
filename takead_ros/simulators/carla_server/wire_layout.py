"""The layout of one CARLA version, from its table in ``layouts/``: NumPy types of what is packed, and decoders.

Tables are made by ``layout_from_library``; a version without one is refused.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from takead_ros.domain.errors import TakeadError, unknown
from takead_ros.files import parse_json
from takead_ros.simulators.carla_server.values import STRUCTS, CallRefused

VERSION = "0.9.16"  # spoken where nobody asks for another
LARGEST = 1e9  # of a number that a client may send: beyond it nothing is a length, a speed or a time
_FOLDER = Path(__file__).parent / "layouts"
Decoder = Callable[[Any], Any]
_SCALARS: dict[str, type] = {"float": float, "bool": bool, "int": int}


@dataclass(frozen=True)
class WireLayout:
    """What is fixed for one version: packed records, numbers of sensors, names of commands and calls, decoders."""

    version: str
    header: np.dtype[Any]
    episode: np.dtype[Any]
    actor: np.dtype[Any]
    vehicle: np.dtype[Any]
    light: np.dtype[Any]
    sign: np.dtype[Any]
    walker: np.dtype[Any]
    radar: np.dtype[Any]
    token: np.dtype[Any]
    sensors: Mapping[str, int]
    enums: Mapping[str, Mapping[str, int]]
    commands: tuple[str, ...]
    calls: frozenset[str]
    decoders: Mapping[str, Decoder]

    def decoder(self, kind: str) -> Decoder:
        """What makes a value of the type ``kind`` (``int``, ``list:float``, ``VehicleControl``, ..) of plain objects.

        It raises Refused for what is of another type, not finite or too large.
        """
        return _decoder(kind, self.decoders)


def versions() -> list[str]:
    """The versions that there is a table of."""
    return sorted(path.stem for path in _FOLDER.glob("*.json"))


def load_layout(version: str) -> WireLayout:
    """Raises TakeadError for a version without a table, and for one whose structs are not those of ``values``."""
    if version not in versions():
        raise unknown("CARLA version", version, versions(), f"one with a layout table: {', '.join(versions())}")
    return read_layout(_FOLDER / f"{version}.json")


def read_layout(path: Path) -> WireLayout:
    """The layout of one table. Raises TakeadError for one that does not fit ``values``."""
    table = parse_json(path.read_bytes())
    for name, kind in STRUCTS.items():
        told, own = [field for field, _ in table["structs"][name]], list(kind._fields)  # type: ignore[attr-defined]
        if told != own:
            raise TakeadError(
                f"{path}: {name} has the fields {told}, expected {own}: the server has to learn them first"
            )
    packed = {
        name: np.dtype(
            {
                "names": [field for field, _, _ in record["fields"]],
                "formats": [
                    f"<{scalar}" if scalar[0] not in "V3" else scalar.replace("f4", "<f4")
                    for _, scalar, _ in record["fields"]
                ],
                "offsets": [offset for _, _, offset in record["fields"]],
                "itemsize": record["size"],
            }
        )
        for name, record in table["packed"].items()
    }
    return WireLayout(
        version=table["version"],
        **packed,
        sensors={name: number for number, name in enumerate(table["sensors"])},
        enums=table["enums"],
        commands=tuple(name for name, _ in table["commands"]),
        calls=frozenset(table["calls"]),
        decoders=_decoders(table),
    )


def _decoders(table: dict[str, Any]) -> dict[str, Decoder]:
    found: dict[str, Decoder] = {
        "float": _float, "int": _int, "bool": _bool, "str": _str, "bytes": _bytes, "any": lambda value: value,
    }  # fmt: skip
    for name, values in table["enums"].items():
        found[name] = _among(name, frozenset(values.values()))
    for name, fields in table["structs"].items():
        found[name] = _struct(name, tuple(_Later(kind, found) for _, kind in fields), STRUCTS.get(name))
    # the client leaves the attachment of a command that has no parent as it finds the memory
    found["AttachmentType"] = _int
    alternatives = [
        _struct(name, tuple(_Later(kind, found) for _, kind in fields), None) for name, fields in table["commands"]
    ]
    found["Command"] = _variant(alternatives)
    return found


class _Later:
    """A decoder that is looked up when it is first needed: structs name each other, and commands themselves."""

    __slots__ = ("_decoders", "_made", "kind")

    def __init__(self, kind: str, decoders: Mapping[str, Decoder]) -> None:
        self.kind, self._decoders = kind, decoders
        self._made: Decoder | None = None

    def get(self) -> Decoder:
        if self._made is None:
            self._made = _decoder(self.kind, self._decoders)
        return self._made


def _decoder(kind: str, decoders: Mapping[str, Decoder]) -> Decoder:
    if kind in decoders:
        return decoders[kind]
    form, _, inner = kind.partition(":")
    if form == "list":
        return _list(_decoder(inner, decoders))
    if form == "optional":
        return _optional(_decoder(inner, decoders))
    if form == "pair":
        return _struct("pair", tuple(_Later(part, decoders) for part in inner.split(",")), None)
    raise TakeadError(f"layout: no decoder for '{kind}'")


def _float(value: Any) -> float:
    if type(value) is float:
        if -LARGEST <= value <= LARGEST:
            return value
    elif type(value) is int and -LARGEST <= value <= LARGEST:
        return float(value)
    raise CallRefused(f"expected a finite number of at most {LARGEST:g}, got {_shown(value)}")


def _int(value: Any) -> int:
    if type(value) is int and -(2**63) <= value < 2**64:
        return value
    raise CallRefused(f"expected a whole number, got {_shown(value)}")


def _bool(value: Any) -> bool:
    if type(value) is bool:
        return value
    raise CallRefused(f"expected true or false, got {_shown(value)}")


def _str(value: Any) -> str:
    if type(value) is str:
        return value
    if type(value) is bytes:
        return value.decode("utf-8", "replace")
    raise CallRefused(f"expected a text, got {_shown(value)}")


def _bytes(value: Any) -> bytes:
    if type(value) is bytes:
        return value
    if type(value) is str:
        return value.encode("utf-8", "surrogateescape")
    raise CallRefused(f"expected bytes, got {_shown(value)}")


def _among(name: str, values: frozenset[int]) -> Decoder:
    def decode(value: Any) -> int:
        if type(value) is int and value in values:
            return value
        raise CallRefused(f"expected a {name} out of {sorted(values)}, got {_shown(value)}")

    return decode


def _struct(name: str, parts: tuple[_Later, ...], kind: type | None) -> Decoder:
    count = len(parts)
    make = kind._make if kind is not None else tuple  # type: ignore[attr-defined]
    ready: list[Decoder] = []
    scalars = [_SCALARS.get(part.kind) for part in parts]
    floats = [i for i, part in enumerate(parts) if part.kind == "float"]

    def decode(value: Any) -> Any:
        # a struct of plain numbers, of exactly the types that the client sends: most of what comes
        if type(value) is list and [*map(type, value)] == scalars:
            for i in floats:
                if not -LARGEST <= value[i] <= LARGEST:
                    break
            else:
                return make(value)
        if not ready:
            ready.extend(part.get() for part in parts)
        if type(value) not in (list, tuple) or len(value) != count:
            raise CallRefused(f"expected a {name} with {count} fields, got {_shown(value)}")
        return make([part(item) for part, item in zip(ready, value, strict=True)])

    return decode


def _list(item: Decoder) -> Decoder:
    def decode(value: Any) -> tuple[Any, ...]:
        if type(value) not in (list, tuple):
            raise CallRefused(f"expected a list, got {_shown(value)}")
        return tuple(item(each) for each in value)

    return decode


def _optional(inner: Decoder) -> Decoder:
    def decode(value: Any) -> tuple[bool] | tuple[bool, Any]:
        if type(value) in (list, tuple):
            if len(value) == 1 and value[0] is False:
                return (False,)
            if len(value) == 2 and value[0] is True:
                return True, inner(value[1])
        raise CallRefused(f"expected [false] or [true, value], got {_shown(value)}")

    return decode


def _variant(alternatives: list[Decoder]) -> Decoder:
    def decode(value: Any) -> tuple[int, Any]:
        if type(value) in (list, tuple) and len(value) == 1:  # a struct around the variant
            value = value[0]
        if type(value) in (list, tuple) and len(value) == 2 and type(value[0]) is int:
            index = value[0]
            if 0 <= index < len(alternatives):
                return index, alternatives[index](value[1])
        raise CallRefused(f"expected one of {len(alternatives)} commands, got {_shown(value)}")

    return decode


def _shown(value: Any) -> str:
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    text = repr(value) if isinstance(value, (int, float, str, bytes, bool, type(None))) else type(value).__name__
    return text[:60]
