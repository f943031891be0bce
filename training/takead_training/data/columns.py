"""The table that training learns from: its columns, and how a row of them lies in one record of numbers.

A table is a dictionary of arrays (N, ...), one for each column. The inputs are the format's; the targets say what the
better driver did there and what later stages need to know of the moment.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from takead_ros.domain.driving import PLAN_STEPS
from takead_ros.policy.format import PolicyFormat
from takead_ros.recording.clip import Label

Table = dict[str, NDArray[Any]]
FloatRecords = NDArray[np.float32]  # (N, width)

LABELS = tuple(Label)
FOREIGN = -2  # a choice made with another vocabulary: mapped by its plan instead of its index
NEVER_S = 1e4  # no takeover before or after this frame


@dataclass(frozen=True)
class Column:
    """One target: the shape of a row, whether it holds whole numbers (below 2^24), and what it says."""

    shape: tuple[int, ...]
    whole: bool
    text: str


TARGETS: dict[str, Column] = {
    "profile": Column((PLAN_STEPS, 2), False, "the better driver's plan, as in policy.vocabulary"),
    "speed": Column((), False, "the ego's own, m/s"),
    "target_speed": Column((), False, "of the better driver's plan, 2 s ahead, m/s"),
    "control": Column((2,), False, "rad, m/s^2"),
    "label": Column((), True, "index into LABELS"),
    "choice": Column((), True, "the policy's own top choice at that very scene; -1: none recorded; FOREIGN"),
    "choice_profile": Column((PLAN_STEPS, 2), False, "the same as a profile"),
    "expert_score": Column((), False, "PDM scores of both plans, NaN without a choice"),
    "policy_score": Column((), False, ""),
    "human": Column((), True, "1: learned from a person, in hindsight"),
    "perturbed": Column((), True, "1: from a start that was moved aside"),
    "frame": Column((), True, "which of the clip's frames (data.world)"),
    "until_takeover_s": Column((), False, "s to the clip's next takeover, NEVER_S: none"),
    "since_takeover_s": Column((), False, "s since somebody else drove, NEVER_S: never"),
    "followable": Column((), True, "1: a vehicle could follow the better driver's plan from here"),
    "of_round": Column((), True, "1: of the clips that a round is about, 0: of the demonstrations kept beside them"),
}


class RecordLayout:
    """Columns side by side in records (N, width) of float32."""

    def __init__(self, shapes: Mapping[str, tuple[int, ...]]) -> None:
        self._places: dict[str, tuple[int, int, tuple[int, ...]]] = {}
        at = 0
        for name, shape in shapes.items():
            size = int(np.prod(shape, dtype=int))
            self._places[name] = (at, at + size, shape)
            at += size
        self.width = at

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._places)

    def pack(self, table: Mapping[str, NDArray[Any]]) -> FloatRecords:
        """The columns of ``table`` as records."""
        count = len(next(iter(table.values())))
        parts = [np.asarray(table[name], np.float32).reshape(count, -1) for name in self._places]
        return np.concatenate(parts, axis=1) if count else np.zeros((0, self.width), np.float32)

    def column(self, records: FloatRecords, name: str) -> NDArray[Any]:
        """One column (N, ...) of records: a view, or whole numbers where it holds such."""
        first, last, shape = self._places[name]
        values = records[:, first:last].reshape(len(records), *shape)
        whole = name in TARGETS and TARGETS[name].whole
        return values.astype(np.int64) if whole else values


def inputs_layout(format: PolicyFormat) -> RecordLayout:
    return RecordLayout({name: tensor.shape for name, tensor in format.inputs.items()})


TARGETS_LAYOUT = RecordLayout({name: column.shape for name, column in TARGETS.items()})


def empty_table(format: PolicyFormat) -> Table:
    """A table without rows."""
    targets = {
        name: np.zeros((0, *column.shape), np.int64 if column.whole else np.float32) for name, column in TARGETS.items()
    }
    return {**format.empty(0), **targets}
