"""Which recorded frames an arm learns from: parts of whole drives, cut by who drove and for how long."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from takead_ros.recording.clip import Label
from takead_training.data.columns import LABELS
from takead_training.data.dataset import ClipRows, Dataset

FRAME_S = 0.1  # s from one frame to the next
DRIVEN = (Label.TAKEOVER_START, Label.TAKEOVER, Label.HANDBACK)  # the expert drives, or has not yet handed back


@dataclass(frozen=True)
class Stretch:
    """Rows [first, last) of a part."""

    part: int
    first: int
    last: int


def driven(data: Dataset) -> list[Stretch]:
    """The stretches of assisted drives in which the expert drove, in order."""
    label = data.column("label")
    mine = np.isin(label, [LABELS.index(name) for name in DRIVEN])
    found = []
    for part in range(len(data.parts)):
        here = mine[data.first(part) : data.first(part + 1)].astype(np.int8)
        edges = np.flatnonzero(np.diff(np.concatenate([[0], here, [0]])))
        found += [Stretch(part, int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]
    return found


def cut(data: Dataset, stretches: Sequence[Stretch]) -> Dataset:
    """Only ``stretches``, each a part of its own."""
    parts = []
    for stretch in stretches:
        whole, rows = data.parts[stretch.part], slice(stretch.first, stretch.last)
        parts.append(ClipRows(whole.inputs[rows], whole.targets[rows], whole.clip, whole.world, None, whole.scores))
    return Dataset(data.format, parts)


def moments(data: Dataset, part: int) -> np.ndarray:
    """First row of each frame (plain; perturbed starts follow it), and the end of the part: (F + 1,) within it."""
    plain = data.column("perturbed")[data.first(part) : data.first(part + 1)] == 0
    return np.append(np.flatnonzero(plain), len(plain))


def windows(data: Dataset, frames: int, length: int, seed: int) -> list[Stretch]:
    """Stretches of ``length`` frames at places drawn by chance, none twice, ``frames`` in all; all frames where there
    are no more than that."""
    starts = [moments(data, part) for part in range(len(data.parts))]
    places = [(part, at) for part, own in enumerate(starts) for at in range(0, len(own) - 1, length)]
    chosen, left = [], frames
    for index in np.random.default_rng((seed, 0x5EC0)).permutation(len(places)):
        part, at = places[index]
        own = starts[part]
        many = min(length, len(own) - 1 - at, left)
        if many > 0:
            chosen.append(Stretch(part, int(own[at]), int(own[at + many])))
            left -= many
    return sorted(chosen, key=lambda one: (one.part, one.first))


def from_first(data: Dataset, frames: int) -> list[Stretch]:
    """Whole parts from the first on, the last one cut, ``frames`` in all."""
    chosen = []
    for part in range(len(data.parts)):
        own = moments(data, part)
        many = min(len(own) - 1, frames)
        if many > 0:
            chosen.append(Stretch(part, 0, int(own[many])))
            frames -= many
    return chosen
