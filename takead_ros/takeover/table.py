"""The arbiter's transition table, read from its docstring, and as a diagram."""

from __future__ import annotations

from dataclasses import dataclass

from takead_ros.domain.driving import ArbiterMode
from takead_ros.takeover import arbiter

ANY = "any"


@dataclass(frozen=True)
class Transition:
    """One row: from and to are names of ArbiterMode (or ``any``), ``events`` what is published."""

    origin: str
    when: str
    to: str
    reason: str
    events: str


def transitions(text: str = arbiter.__doc__ or "") -> list[Transition]:
    """The rows of the table, in the order in which they are tried. Raises ValueError for a state that is none."""
    rows = [
        [cell.strip() for cell in line.strip().strip("|").split("|")]
        for line in text.splitlines()
        if line.strip().startswith("|") and not line.strip().startswith("|-")
    ][1:]
    known = {mode.name for mode in ArbiterMode}
    for row in rows:
        if len(row) != 5 or row[0] not in known | {ANY} or row[2] not in known:
            raise ValueError(f"transition table: {row} is no row of from, when, to, reason, event")
    return [Transition(*row) for row in rows]


def edges() -> dict[tuple[str, str], list[str]]:
    """(from, to) -> conditions, for every pair of different states; ``any`` stands for all of them."""
    joined: dict[tuple[str, str], list[str]] = {}
    for row in transitions():
        if row.origin != row.to:
            joined.setdefault((row.origin, row.to), []).append(row.when)
    return joined


def mermaid() -> str:
    """The table as a Mermaid state diagram."""
    lines = ["stateDiagram-v2", "    [*] --> DISENGAGED"]
    for (origin, to), conditions in edges().items():
        label = "<br/>".join(conditions)
        if origin == ANY:
            lines.append(f"    note right of {to} : from any state: {label}")
        else:
            lines.append(f"    {origin} --> {to} : {label}")
    return "\n".join(lines) + "\n"


def markdown() -> str:
    """The table as it stands in the docstring."""
    rows = [line.strip() for line in (arbiter.__doc__ or "").splitlines() if line.strip().startswith("|")]
    return "\n".join(rows) + "\n"
