"""The mutants: those that mutmut makes of the code, and changes to the rows of the transition table."""

from __future__ import annotations

import ast
import difflib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import reduce
from operator import and_, or_
from pathlib import Path
from typing import TYPE_CHECKING

from mutmut.mutation.file_mutation import mutate_file_contents

if TYPE_CHECKING:
    from takead_ros.takeover import machine
ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "takead_ros" / "takeover"
MODULES = tuple(sorted(path.stem for path in PACKAGE.glob("*.py") if path.stem not in ("__init__", "parameters")))
ROWS = "rows"  # in place of a module's name: the transition table


@dataclass(frozen=True)
class Mutant:
    """``name`` as the trampolines know it, ``function`` that it changes, its lines taken out and put in."""

    name: str
    function: str
    removed: str
    added: str
    module: str


def make_mutants(folder: Path, modules: tuple[str, ...]) -> list[Mutant]:
    """Copy the package and its tests to ``folder``, with mutants in the core's modules."""
    skip = shutil.ignore_patterns("__pycache__")
    for name in ("takead_ros", "test/takeover", "test/support", "msg", "srv", "config"):
        shutil.copytree(ROOT / name, folder / name, ignore=skip)
    shutil.copy(ROOT / "pyproject.toml", folder)
    (folder / "setup.cfg").write_text("[mutmut]\nsource_paths=takead_ros\n", "utf-8")  # mutmut looks for it
    mutants: list[Mutant] = []
    for module in sorted(set(modules) - {ROWS}):
        path = folder / "takead_ros" / "takeover" / f"{module}.py"
        plain = path.read_text("utf-8").replace("@kernel\n", "").replace("@part\n", "")  # what is decorated is left out
        made = mutate_file_contents(str(path), plain)
        path.write_text(made.code, "utf-8")
        mutants += described(f"takead_ros.takeover.{module}", made.code, set(made.mutant_names))
    return mutants


def described(module: str, code: str, names: set[str]) -> Iterator[Mutant]:
    """The mutants of a module with what they change."""
    lines = code.splitlines()
    bodies: dict[str, list[str]] = {}
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.FunctionDef) and "__mutmut_" in node.name:
            bodies[node.name] = lines[node.lineno : node.end_lineno]
    for name in sorted(names, key=lambda n: (n.rpartition("_")[0], int(n.rpartition("_")[2]))):
        original = name.rpartition("__mutmut_")[0]
        changes = list(difflib.ndiff(bodies[f"{original}__mutmut_orig"], bodies[name]))
        removed, added = ("\n".join(line[2:].strip() for line in changes if line.startswith(sign)) for sign in "-+")
        yield Mutant(f"{module}.{name}", f"{module}.{original}", removed, added, module.rpartition(".")[2])


def changed_tables() -> dict[str, tuple[tuple[machine.Row, ...], str, str]]:
    """Each change to the transition table: its name, the rows then, and what was taken out and put in."""
    from takead_ros.takeover import machine, table
    from takead_ros.takeover.events import Booking

    known = {value.words: value for value in vars(machine).values() if isinstance(value, machine.Condition)}
    tables: dict[str, tuple[tuple[machine.Row, ...], str, str]] = {}

    def enter(what: str, i: int, new: list[machine.Row], added: str) -> None:
        rows = (*machine.ROWS[:i], *new, *machine.ROWS[i + 1 + (what == "below the next") :])
        tables[f"rows.{i}: {what}"] = (rows, " | ".join(table.cells(machine.ROWS[i])), added)

    for i, row in enumerate(machine.ROWS):
        enter("left out", i, [], "")
        if i + 1 < len(machine.ROWS) and row.origin & machine.ROWS[i + 1].origin:
            enter("below the next", i, [machine.ROWS[i + 1], row], "the same, below the next")
        for booking in Booking:
            if booking is not row.booking and row.booking is not Booking.NOTHING:
                enter(f"event '{booking.value}'", i, [replace(row, booking=booking)], booking.value)
        words = row.when.words.split(", ")
        for k in range(len(words) if len(words) > 1 else 0):
            rest = [known.get(word) or either(known, word) for word in words[:k] + words[k + 1 :]]
            enter(f"without '{words[k]}'", i, [replace(row, when=reduce(and_, rest))], ", ".join(r.words for r in rest))
    return tables


def either(known: dict[str, machine.Condition], words: str) -> machine.Condition:
    """The condition that the table prints as "(a or b)"."""
    return reduce(or_, (known[word] for word in words.strip("()").split(" or ")))
