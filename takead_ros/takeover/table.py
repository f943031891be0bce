"""The transition table in print: as a table, as a diagram, and written to where people read it."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping

from takead_ros.domain.driving import ArbiterMode
from takead_ros.domain.errors import TakeadError
from takead_ros.takeover.machine import ANY, AUTOMATIC, IDLE, ROWS, Row
from takead_ros.takeover.memory import ENGAGED
from takead_ros.takeover.risks import RECORDS

PLACES = (
    "takead_ros/takeover/arbiter.py",
    "takead_ros/takeover/triggers.py",
    "docs/takeover.md",
)  # files with printed pieces, from the checkout's root
PICTURE = "docs/images/takeover_states.svg"
HEADER = ("from", "when", "to", "reason", "event")


def cells(row: Row) -> tuple[str, str, str, str, str]:
    """What the table shows of a row, in the order of ``HEADER``."""
    return origins(row), row.when.words, row.to.name, row.reason.words, row.booking.value


def origins(row: Row) -> str:
    names = {ANY: "any", ENGAGED: "engaged", AUTOMATIC: "engaged, not HUMAN", IDLE: "not engaged"}
    return names.get(row.origin) or ", ".join(mode.name for mode in sorted(row.origin))


def markdown() -> str:
    """The table, rows in the order in which they are tried."""
    return aligned([HEADER, *all_cells()])


def all_cells() -> list[tuple[str, ...]]:
    """What the table shows, row by row."""
    return [cells(row) for row in ROWS]


def aligned(rows: list[tuple[str, ...]]) -> str:
    """A Markdown table of ``rows``, the first of which is its head, with columns of equal width."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines) + "\n"


def edges() -> dict[tuple[ArbiterMode, ArbiterMode], list[str]]:
    """(from, to) -> conditions, for every pair of different modes; rows from any mode are left out."""
    joined: dict[tuple[ArbiterMode, ArbiterMode], list[str]] = {}
    for row in ROWS:
        for origin in sorted(row.origin):
            if row.origin != ANY and origin is not row.to:
                joined.setdefault((origin, row.to), []).append(row.when.words)
    return joined


def from_any() -> list[str]:
    """One sentence for each row that holds in every mode."""
    return [f"from any mode: {row.when.words}, to {row.to.name}" for row in ROWS if row.origin == ANY]


def mermaid() -> str:
    """The table as a Mermaid state diagram."""
    lines = ["stateDiagram-v2", "    [*] --> DISENGAGED"]
    lines += [f"    note right of DISENGAGED : {text}" for text in from_any()]
    lines += [f"    {origin.name} --> {to.name} : {'<br/>'.join(words)}" for (origin, to), words in edges().items()]
    return "\n".join(lines) + "\n"


STOPS = {
    "no": "Without a fit expert the policy goes on.",
    "alone": "Without a fit expert the vehicle stops.",
    "always": "The vehicle stops.",
}


def triggers() -> str:
    """The triggers as a list, as their records say."""
    lines = []
    for record in RECORDS.values():
        enters = f"enters when {record.enters}" + (f" (for {record.sustain})" if record.sustain else "")
        clears = f"clears when {record.clears} (for {record.clear})"
        what = STOPS[record.stops]
        text = f"- **{record.trigger.name}** {enters}; {clears}. Severity {record.severity}. {what}"
        lines += textwrap.wrap(text, 116, subsequent_indent="  ")
    return "\n".join(lines) + "\n"


def printed_pieces() -> dict[str, str]:
    """Every piece of text that is printed from the code into a file, by its name there."""
    return {"transitions": markdown(), "triggers": triggers()}


def renewed(text: str, pieces: Mapping[str, str], name: str) -> str:
    """``text`` with each piece that it holds renewed: what stands between ``[printed: x]`` and ``[end of x]``, as far
    indented as its mark. Raises TakeadError, naming the file ``name``, where a mark has no end."""
    lines, out = text.split("\n"), []
    i = 0
    while i < len(lines):
        out.append(lines[i])
        for key, piece in pieces.items():
            if f"[printed: {key}" in lines[i]:
                indent = lines[i][: len(lines[i]) - len(lines[i].lstrip(" "))]
                end = next((j for j in range(i, len(lines)) if f"[end of {key}]" in lines[j]), None)
                if end is None:
                    raise TakeadError(f"{name}: '[printed: {key}' has no '[end of {key}]' below it")
                out += ["", *(indent + line for line in piece.rstrip("\n").split("\n")), ""]
                i = end - 1
        i += 1
    return "\n".join(out)
