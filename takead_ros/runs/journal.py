"""Results of a run as they come in: one JSON line each, so that the same command continues where it stopped."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Generic, TypeVar

from pydantic import ConfigDict, JsonValue
from pydantic.dataclasses import dataclass

from takead_ros.domain.errors import TakeadError
from takead_ros.files import content_of, parse_record, read_record, to_json, writable_folder
from takead_ros.runs.results import RECORD

R = TypeVar("R")
_EXPECTED = "the settings of a run, as this version writes them"


@dataclass(frozen=True, config=ConfigDict(strict=True, extra="forbid"))
class _Head:
    """The first line."""

    settings: dict[str, JsonValue]


@dataclass(frozen=True, config=RECORD)
class _Line(Generic[R]):
    """Each later line."""

    key: str
    result: R


class Journal(Generic[R]):
    """An append-only file: the first line holds the run's settings, each later one a finished result by its key.

    ``settings`` and the results are records. A line cut off by a kill is dropped on reading. Raises TakeadError where
    the file belongs to other settings, or where a line is no result. Whoever writes holds the lock of the run.
    """

    def __init__(self, path: Path, settings: object, kind: type[R]) -> None:
        self._path, self._kind = path, kind
        writable_folder(path.parent)
        if path.is_symlink():
            raise TakeadError(f"'{path}': is a link; expected a file of this run's own (nothing is written elsewhere)")
        lines = _whole_lines(path)
        head = to_json(_Head(_plain(settings)))
        self.results: dict[str, R] = {}
        if not lines:
            _refuse_foreign(path, head)
            _drop_cut_off_line(path)
            self._append(head)
            return
        _check_same(path, _settings(path, lines[0]), _plain(settings))
        _drop_cut_off_line(path)
        for number, line in enumerate(lines[1:], start=2):
            entry = parse_record(_Line[kind], line, f"'{path}' line {number}", "a finished result")  # type: ignore[valid-type]
            self.results[entry.key] = entry.result

    def add(self, key: str, result: R) -> None:
        """Keep a finished result; it is on disk when this returns."""
        self._append(to_json(_Line(key, result)))
        self.results[key] = result

    def _append(self, line: str) -> None:
        try:
            with self._path.open("ab") as file:
                file.write((line + "\n").encode())
                file.flush()
                os.fsync(file.fileno())
        except OSError as problem:
            raise TakeadError(
                f"'{self._path}': {problem.strerror}; expected a writable place with space left"
            ) from problem


def journal_overview(path: Path) -> tuple[dict[str, JsonValue], int]:
    """The settings in the journal ``path``, whatever kind of run it is of, and how many results follow.

    Raises TakeadError where it is no journal.
    """
    lines = _whole_lines(path)
    if not lines:
        raise TakeadError(f"'{path}': holds no whole line; expected {_EXPECTED}")
    return _settings(path, lines[0]), len(lines) - 1


def check_same_settings(path: Path, settings: object) -> None:
    """TakeadError where the record in ``path`` differs from ``settings``."""
    found = read_record(dict[str, JsonValue], path, "the settings of a run, as this version writes them")
    _check_same(path, found, _plain(settings))


def _settings(path: Path, line: bytes) -> dict[str, JsonValue]:
    return parse_record(_Head, line, f"'{path}' line 1", _EXPECTED).settings


def _plain(settings: object) -> dict[str, JsonValue]:
    """A record as it comes back from a file."""
    return parse_record(dict[str, JsonValue], to_json(settings), "settings", "a record")


def _refuse_foreign(path: Path, head: str) -> None:
    """TakeadError where a file without a whole line is not the beginning of ``head``, which a kill cut off."""
    if path.exists() and not head.encode().startswith(content_of(path)):
        raise TakeadError(f"'{path}': holds no whole line; expected {_EXPECTED} (nothing is overwritten)")


def _drop_cut_off_line(path: Path) -> None:
    """Cut what a kill left after the last line end, else it would run together with the next line."""
    if path.exists():
        content = content_of(path)
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            os.truncate(path, whole)


def _whole_lines(path: Path) -> list[bytes]:
    try:
        return content_of(path).split(b"\n")[:-1]
    except FileNotFoundError:
        return []
    except OSError as problem:
        raise TakeadError(f"'{path}': {problem.strerror}; expected the file of a run's results") from problem


def _check_same(path: Path, stored: dict[str, JsonValue], settings: dict[str, JsonValue]) -> None:
    for name in sorted({*stored, *settings}):
        if stored.get(name) != settings.get(name):
            raise TakeadError(
                f"'{path}' holds a run with {name} = {_short(stored.get(name))}, this one has "
                f"{_short(settings.get(name))}; "
                "expected the same settings (to continue) or another output (nothing is overwritten)"
            )


def _short(value: JsonValue) -> str:
    text = repr(value)
    return text if len(text) <= 120 else f"{text[:80]} ... {text[-30:]}"
