"""The rows of many clips as one table that need not fit into memory: records on disk are mapped, not read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from takead_ros.policy.format import PolicyFormat
from takead_training.data.clip_frames import ClipFrames
from takead_training.data.columns import TARGETS, TARGETS_LAYOUT, FloatRecords, Table, inputs_layout


@dataclass(frozen=True)
class ClipRows:
    """The rows of one clip: records of its inputs (N, W) and of its targets (N, V), the clip's name, and how to get at
    its world.

    ``files``: where the records are mapped from, inputs and targets, and which row there is the first. Pickled, such
    rows say only this. ``scores``: how the files begin in which scores of plans in this world are kept (None: nowhere).
    """

    inputs: FloatRecords
    targets: FloatRecords
    clip: str = ""
    world: Callable[[], ClipFrames] | None = None
    files: tuple[Path, Path, int] | None = None
    scores: Path | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        if self.files is None:
            return ClipRows, (self.inputs, self.targets, self.clip, self.world, None, self.scores)
        return _mapped_rows, (self.files, len(self.inputs), self.clip, self.world, self.scores)


def mapped(file: Path) -> FloatRecords:
    """The records of a shard's file, mapped into memory."""
    records: FloatRecords = np.load(file, mmap_mode="r", allow_pickle=False)
    return records


_mapped_once = lru_cache(maxsize=None)(mapped)  # the parts of a shard share one mapping


def _mapped_rows(
    files: tuple[Path, Path, int], count: int, clip: str, world: Callable[[], ClipFrames] | None, scores: Path | None
) -> ClipRows:
    rows = slice(files[2], files[2] + count)
    inputs, targets = (_mapped_once(file)[rows] for file in files[:2])
    return ClipRows(inputs, targets, clip, world, files, scores)


class Dataset:
    """Rows of a format, in the order of their parts.

    ``extra`` holds columns that a stage has worked out for itself, (N, ...) each. Targets are small and are read into
    memory when first asked for; inputs stay where they are until a batch needs them.
    """

    def __init__(
        self, format: PolicyFormat, parts: Sequence[ClipRows], extra: Mapping[str, NDArray[Any]] | None = None
    ) -> None:
        self.format, self.parts = format, tuple(parts)
        self._extra = dict(extra or {})
        self._layout = inputs_layout(format)
        self._first = np.concatenate([[0], np.cumsum([len(part.inputs) for part in self.parts], dtype=np.int64)])
        self._columns: Table = {}

    def __reduce__(self) -> tuple[Any, ...]:
        return Dataset, (self.format, self.parts, self._extra)

    @staticmethod
    def of(format: PolicyFormat, table: Table) -> Dataset:
        """A dataset of one table in memory."""
        return Dataset(format, [ClipRows(inputs_layout(format).pack(table), TARGETS_LAYOUT.pack(table))])

    def __len__(self) -> int:
        return int(self._first[-1])

    def part_of(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Which part each of ``rows`` (N,) belongs to."""
        return np.asarray(np.searchsorted(self._first, rows, side="right") - 1, dtype=np.int64)

    def first(self, part: int) -> int:
        """The first row of a part; of the part after the last one: how many rows there are."""
        return int(self._first[part])

    def with_columns(self, **extra: NDArray[Any]) -> Dataset:
        """The same rows with further columns (N, ...)."""
        return Dataset(self.format, self.parts, {**self._extra, **extra})

    def column(self, name: str) -> NDArray[Any]:
        """A target or extra column (N, ...) of every row."""
        if name in self._extra:
            return self._extra[name]
        if name not in self._columns:
            found = [TARGETS_LAYOUT.column(part.targets, name) for part in self.parts]
            kind = np.int64 if TARGETS[name].whole else np.float32
            whole = np.concatenate([np.zeros((0, *TARGETS[name].shape), kind), *found])
            self._columns[name] = whole
        return self._columns[name]

    def batch(self, rows: NDArray[np.int64], columns: Iterable[str]) -> Table:
        """The inputs and the named columns of ``rows`` (B,), in that order."""
        records = self.records(rows)
        inputs = {name: np.ascontiguousarray(self._layout.column(records, name)) for name in self._layout.names}
        return {**inputs, **{name: self.column(name)[rows] for name in columns}}

    def records(self, rows: NDArray[np.int64]) -> FloatRecords:
        """The input records (B, W) of ``rows`` (B,)."""
        found = np.empty((len(rows), self._layout.width), np.float32)
        parts = self.part_of(rows)
        order = np.argsort(parts, kind="stable")
        touched, starts = np.unique(parts[order], return_index=True)
        for part, at in zip(touched, np.split(order, starts[1:]), strict=True):
            found[at] = self.parts[part].inputs[rows[at] - self._first[part]]
        return found
