"""Results of a run as they come in: one JSON line each, so that the same command continues where it stopped."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from takead_ros.domain.errors import TakeadError
from takead_ros.files import writable_folder


class Ledger:
    """An append-only file: the first line holds the run's settings, each later one a finished result by its key.

    A line cut off by a kill is dropped on reading. Raises TakeadError where the file belongs to other settings.
    """

    def __init__(self, path: Path, settings: Mapping[str, Any]) -> None:
        self._path = path
        writable_folder(path.parent)
        self.results: dict[str, dict[str, Any]] = {}
        lines = _whole_lines(path)
        if not lines:
            _drop_cut_off_line(path)
            _append(path, {"settings": settings})
            return
        _check_same(path, lines[0].get("settings"), json.loads(json.dumps(settings)))
        self.results = {line["key"]: line["result"] for line in lines[1:]}
        _drop_cut_off_line(path)

    def add(self, key: str, result: Mapping[str, Any]) -> None:
        """Keep a finished result; it is on disk when this returns."""
        _append(self._path, {"key": key, "result": result})
        self.results[key] = dict(result)


def _append(path: Path, line: Mapping[str, Any]) -> None:
    try:
        with path.open("ab") as file:
            file.write((json.dumps(line, sort_keys=True, allow_nan=False) + "\n").encode())
            file.flush()
            os.fsync(file.fileno())
    except OSError as problem:
        raise TakeadError(f"'{path}': {problem.strerror}; expected a writable place with space left") from problem


def _drop_cut_off_line(path: Path) -> None:
    """Cut what a kill left after the last line end, else it would run together with the next line."""
    if path.exists():
        whole = path.read_bytes()
        os.truncate(path, whole.rfind(b"\n") + 1)


def _whole_lines(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    lines = []
    for number, text in enumerate(path.read_bytes().split(b"\n")[:-1], start=1):
        try:
            line = json.loads(text)
        except ValueError as problem:
            raise TakeadError(f"'{path}' line {number}: not JSON; expected a run's results ({problem})") from problem
        if not isinstance(line, dict) or not ({"settings"} == set(line) or {"key", "result"} == set(line)):
            raise TakeadError(f"'{path}' line {number}: expected a run's settings or result; is this another file?")
        lines.append(line)
    return lines


def _check_same(path: Path, found: Any, wanted: Mapping[str, Any]) -> None:
    if not isinstance(found, dict):
        raise TakeadError(f"'{path}': line 1 holds no settings; expected a run's results")
    for name in sorted({*found, *wanted}):
        if found.get(name) != wanted.get(name):
            raise TakeadError(
                f"'{path.parent}' holds a run with {name} = {found.get(name)!r}, this one has {wanted.get(name)!r}; "
                "expected the same settings (to continue) or another output (nothing is overwritten)"
            )
