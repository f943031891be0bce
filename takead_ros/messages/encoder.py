"""Compiles message types of the typestore to functions that write CDR.

The bytes are those of ``rosbags`` (a property test compares them); it takes a third of the time, because neighbouring
numbers, also across nested messages, are packed at once. A recorded scene is written 20 times a second.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from struct import Struct
from typing import Any

from rosbags.interfaces import Nodetype

from takead_ros.messages import store

LITTLE_ENDIAN_CDR = b"\x00\x01\x00\x00"
_CODES = {
    "bool": "?",
    "byte": "B",
    "char": "B",
    "int8": "b",
    "uint8": "B",
    "int16": "h",
    "uint16": "H",
    "int32": "i",
    "uint32": "I",
    "int64": "q",
    "uint64": "Q",
    "float32": "f",
    "float64": "d",
}
_SIZES = {code: Struct(f"<{code}").size for code in _CODES.values()}

Write = Callable[[Any, int, Callable[[bytes], None]], int]


class StaticSequence(list[Any]):
    """Messages that nobody changes and that are sent together again and again, such as the map in view: written once.

    ``cdr``: their bytes, by where in an 8-byte word these begin.
    """

    __slots__ = ("cdr",)

    def __init__(self, messages: Iterable[Any]) -> None:
        super().__init__(messages)
        self.cdr: dict[int, bytes] = {}


@functools.cache
def writer(type_name: str, anew: bool = False) -> Write:
    """``write(message, position, put) -> position`` calls ``put`` with pieces of CDR (little endian, no header).

    anew: also of static sequences that were written before. Raises what ``struct`` raises for a value that its field
    cannot hold, and ValueError for a fixed array of another length.
    """
    store.message_class(type_name)
    scope: dict[str, Any] = {"PADS": [bytes(count) for count in range(8)], "StaticSequence": StaticSequence}
    body = _Body(scope, anew)
    body.message("m", type_name)
    body.flush()
    source = "def write(m, pos, put):\n" + "".join(f"    {line}\n" for line in body.lines) + "    return pos\n"
    exec(source, scope)  # made of the field names of message definitions
    write: Write = scope["write"]
    return write


class _Body:
    """Collects statements; ``run`` holds the numbers (format code, expression) that are packed next, all at once."""

    def __init__(self, scope: dict[str, Any], anew: bool) -> None:
        self.scope, self.anew = scope, anew
        self.lines: list[str] = []
        self.run: list[tuple[str, str]] = []

    def message(self, path: str, type_name: str) -> None:
        for name, (node, detail) in store.typestore().fielddefs[type_name][1]:
            self.field(f"{path}.{name}", node, detail)

    def field(self, path: str, node: int, detail: Any) -> None:
        if node == Nodetype.NAME:
            self.message(path, detail)
        elif node == Nodetype.BASE:
            self.scalar(path, detail[0])
        else:
            (element, element_detail), count = detail
            self.lines.append(f"values = {path}")
            if node == Nodetype.ARRAY:
                self.flush()
                self.lines.append(f"if len(values) != {count}:")
                self.lines.append(f"    raise ValueError(f'{path[2:]} has {{len(values)}} values, expected {count}')")
            else:
                self.run.append(("I", "len(values)"))
            self.elements(element, element_detail, aligned=1 if node == Nodetype.ARRAY else 4)

    def scalar(self, path: str, base: str) -> None:
        if base != "string":
            self.run.append((_CODES[base], path))
            return
        self.lines.append(f"text = {path}.encode()")
        self.run.append(("I", "len(text) + 1"))
        self.flush()
        self.lines += ["put(text + b'\\0')", "pos += len(text) + 1"]

    def elements(self, node: int, detail: Any, aligned: int) -> None:
        """The content of ``values``, beginning at a multiple of ``aligned``."""
        self.flush()
        if node == Nodetype.BASE and detail[0] != "string":
            size = _SIZES[_CODES[detail[0]]]
            if size > aligned:
                self.lines += [f"if -pos % {size} and len(values):", f"    put(PADS[-pos % {size}])"]
                self.lines += [f"    pos += -pos % {size}"]
            self.lines += ["put(values.tobytes())", "pos += values.nbytes"]
            return
        if node != Nodetype.NAME:
            each = _Body(self.scope, self.anew)
            each.scalar("value", "string")
            self.lines += ["for value in values:", *(f"    {line}" for line in each.lines)]
            return
        name = f"write_{detail.replace('/', '_')}"
        self.scope[name] = writer(detail, self.anew)
        loop = ["for value in values:", f"    pos = {name}(value, pos, put)"]
        if self.anew:
            self.lines += loop
            return
        self.lines += [
            "if type(values) is StaticSequence:",
            "    data = values.cdr.get(pos & 7)",
            "    if data is None:",
            "        pieces, end = [], pos",
            "        for value in values:",
            f"            end = {name}(value, end, pieces.append)",
            "        data = values.cdr[pos & 7] = b''.join(pieces)",
            "    put(data)",
            "    pos += len(data)",
            "else:",
            *(f"    {line}" for line in loop),
        ]

    def flush(self) -> None:
        """Emit the run: one of eight Structs, by where in an 8-byte word it begins, since padding depends on that."""
        if not self.run:
            return
        name = f"RUN_{len(self.scope)}"
        self.scope[name] = [_struct([code for code, _ in self.run], start) for start in range(8)]
        values = ", ".join(expression for _, expression in self.run)
        self.lines += [f"run = {name}[pos & 7]", f"put(run.pack({values}))", "pos += run.size"]
        self.run = []


def _struct(codes: list[str], start: int) -> Struct:
    """Numbers in a row, each aligned to its size, beginning ``start`` bytes into an 8-byte word."""
    text, position = "<", start
    for code in codes:
        padding = -position % _SIZES[code]
        text += f"{padding}x{code}" if padding else code
        position += padding + _SIZES[code]
    return Struct(text)
