"""Which frames the comparison of takeovers with other driving gives to each side (benchmarks/takeover_learning)."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.takeover_learning.rows import Stretch, cut, driven, from_first, moments, windows
from support.tables import make_table
from takead_ros.policy.vector import VECTOR_1
from takead_ros.recording.clip import Label
from takead_training.data.columns import LABELS, TARGETS_LAYOUT, inputs_layout
from takead_training.data.dataset import ClipRows, Dataset


def drives(*lengths: int, perturbed: bool = True) -> Dataset:
    """Drives of so many frames; with ``perturbed``, each frame is followed by a perturbed start."""
    parts = []
    for k, length in enumerate(lengths):
        table = make_table(length * (1 + perturbed), seed=k)
        table["perturbed"] = np.tile([0, 1], length) if perturbed else np.zeros(length, np.int64)
        table["label"][:] = LABELS.index(Label.PRE)
        parts.append(ClipRows(inputs_layout(VECTOR_1).pack(table), TARGETS_LAYOUT.pack(table), f"clip {k}"))
    return Dataset(VECTOR_1, parts)


def test_the_experts_seconds_are_the_stretches_in_which_it_drives() -> None:
    data = drives(50, 30, perturbed=False)
    label = data.column("label").copy()
    label[10:12], label[12:30], label[30:33] = (
        LABELS.index(one) for one in (Label.TAKEOVER_START, Label.TAKEOVER, Label.HANDBACK)
    )
    label[48:55] = LABELS.index(Label.TAKEOVER)  # the end of one drive and the start of the next: two
    found = driven(data.with_columns(label=label))
    assert found == [Stretch(0, 10, 33), Stretch(0, 48, 50), Stretch(1, 0, 5)]


@given(st.lists(st.integers(1, 40), min_size=1, max_size=4), st.integers(0, 120), st.integers(1, 15), st.integers(0, 9))
def test_windows_hold_as_many_frames_as_asked_for_and_none_twice(
    lengths: list[int], frames: int, length: int, seed: int
) -> None:
    data = drives(*lengths)
    found = windows(data, frames, length, seed)
    part = cut(data, found)
    assert (part.column("perturbed") == 0).sum() == min(frames, sum(lengths))
    assert (part.column("perturbed") == 1).sum() == (part.column("perturbed") == 0).sum()
    covered = [(one.part, row) for one in found for row in range(one.first, one.last)]
    assert len(covered) == len(set(covered))
    assert windows(data, frames, length, seed) == found


def test_windows_lie_everywhere() -> None:
    data = drives(300, 300, 300)
    found = windows(data, 300, 10, 0)
    assert {one.part for one in found} == {0, 1, 2}
    places = np.array([one.first for one in found])
    assert places.min() < 120 and places.max() > 480


@given(st.lists(st.integers(1, 40), min_size=1, max_size=4), st.integers(0, 120))
def test_whole_drives_from_the_first_on_are_cut_where_the_seconds_end(lengths: list[int], frames: int) -> None:
    data = drives(*lengths)
    found = from_first(data, frames)
    part = cut(data, found)
    assert (part.column("perturbed") == 0).sum() == min(frames, sum(lengths))
    assert [one.part for one in found] == list(range(len(found)))
    assert all(one.first == 0 for one in found)
    assert all(one.last == moments(data, one.part)[-1] for one in found[:-1])
