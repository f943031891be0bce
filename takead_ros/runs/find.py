"""The runs below a folder: what each is, how far it has come, and whether a process is at work on it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import JsonValue

from takead_ros.domain.errors import TakeadError
from takead_ros.files import holder
from takead_ros.runs.drive import JOURNAL, JOURNAL_SUFFIX
from takead_ros.runs.journal import journal_overview
from takead_ros.runs.loop_state import STATE, read_state
from takead_ros.runs.results import read_evaluation

Kind = Literal["loop", "drive", "evaluation"]


@dataclass(frozen=True)
class Run:
    """One run. path: its folder, or the file meant for an evaluation. done, total: rounds decided and begun, or
    episodes. score: the Driving Score, where it is known. held: who is at work on it. fault: why it cannot be read."""

    path: Path
    kind: Kind
    suite: str = ""
    model_sha256: str = ""
    done: int = 0
    total: int = 0
    score: float | None = None
    held: str = ""
    fault: str = ""


def find_runs(folder: Path) -> list[Run]:
    """The runs below ``folder``, or ``folder`` itself, by path; what belongs to a loop is part of that loop.

    A run that cannot be read is listed with its fault. Raises TakeadError where there is no such folder.
    """
    if not folder.is_dir():
        raise TakeadError(f"runs folder '{folder}': no such folder; expected one with runs in it")
    loops = sorted(path.parent for path in folder.rglob(STATE))
    found = [_read(path, "loop") for path in loops]
    for journal in sorted({*folder.rglob(JOURNAL), *folder.rglob(f"*{JOURNAL_SUFFIX}")}):
        if not any(loop in journal.parents for loop in loops):
            found.append(_read(*_of_journal(journal)))
    return sorted(found, key=lambda run: run.path)


def _of_journal(journal: Path) -> tuple[Path, Kind]:
    if journal.name == JOURNAL:
        return journal.parent, "drive"
    return journal.with_name(journal.name.removesuffix(JOURNAL_SUFFIX)), "evaluation"


def _read(path: Path, kind: Kind) -> Run:
    held = holder(path)
    try:
        if kind == "loop":
            state = read_state(path)
            decided = [done for done in state.rounds if done.decision is not None]
            return Run(path, kind, state.plan.suite, state.deployed[1], len(decided), len(state.rounds), None, held)
        journal = path / JOURNAL if kind == "drive" else path.with_name(path.name + JOURNAL_SUFFIX)
        settings, done = journal_overview(journal)
        score = read_evaluation(path).driving_score if kind == "evaluation" and path.exists() else None
        suite, sha256 = (str(settings.get(name, "")) for name in ("suite", "model_sha256"))
        return Run(path, kind, suite, sha256, done, _episodes(settings), score, held)
    except TakeadError as problem:
        return Run(path, kind, held=held, fault=str(problem))


def _episodes(settings: dict[str, JsonValue]) -> int:
    """How many a run with these settings has."""
    total = 1
    for count in _lengths(settings, ("families", "seeds", "passes")):
        total *= count
    return total


def _lengths(settings: dict[str, JsonValue], names: tuple[str, ...]) -> Iterator[int]:
    for name in names:
        value = settings.get(name)
        if isinstance(value, list):
            yield len(value)
