"""The types of a library by its debug information, as ``llvm-dwarfdump`` prints it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any


@dataclass
class DebugEntry:
    """One type of the debug information: its own members, values or bases, and the file it is declared in."""

    kind: str
    name: str = ""
    size: int = 0
    file: str = ""
    members: list[tuple[str, str, int]] = field(default_factory=list)  # name, type, offset
    values: dict[str, int] = field(default_factory=dict)
    bases: list[str] = field(default_factory=list)
    methods: list[str] = field(default_factory=list)


def read_types(dump: str) -> Iterator[DebugEntry]:
    """The types at the top of each block that ``llvm-dwarfdump --name .. -c`` printed, their members with them."""
    entry: DebugEntry | None = None
    depth = 0
    child: dict[str, Any] = {}
    tag = ""

    def close() -> None:
        if entry is None or not child:
            return
        if child["tag"] == "DW_TAG_member" and "at" in child:
            entry.members.append((child.get("name", ""), child.get("type", ""), child["at"]))
        elif child["tag"] == "DW_TAG_enumerator":
            entry.values[child["name"]] = child["value"]
        elif child["tag"] == "DW_TAG_inheritance":
            entry.bases.append(child["type"])
        elif child["tag"] == "DW_TAG_subprogram":
            entry.methods.append(child.get("name", ""))

    for line in dump.splitlines():
        opened = re.match(r"0x[0-9a-f]{8}:( +)(DW_TAG_\w+|NULL)", line)
        if opened:
            close()
            child = {}
            depth, tag = len(opened[1]), opened[2]
            if depth == 1:
                if entry is not None:
                    yield entry
                entry = DebugEntry(tag)
            elif depth == 3:
                child = {"tag": tag}
            continue
        found = re.match(r"\s+(DW_AT_\w+)\t\((.*)\)$", line)
        if not found or entry is None:
            continue
        key, text = found[1], found[2]
        if depth == 1:
            if key == "DW_AT_name":
                entry.name = text.strip('"')
            elif key == "DW_AT_byte_size":
                entry.size = int(text, 16)
            elif key == "DW_AT_decl_file":
                entry.file = text.strip('"')
        elif depth == 3 and child:
            if key == "DW_AT_name":
                child["name"] = text.strip('"')
            elif key == "DW_AT_type":
                child["type"] = text.split('"')[1]
            elif key == "DW_AT_data_member_location":
                child["at"] = int(text, 16)
            elif key == "DW_AT_const_value":
                child["value"] = int(text, 0)
    close()
    if entry is not None:
        yield entry
