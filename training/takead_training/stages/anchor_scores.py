"""How every anchor of a network would fare at recorded frames, by the project's rule score."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from takead_ros.domain.scene import FloatArray
from takead_training.data.dataset import Dataset
from takead_training.data.score_cache import anchor_scores
from takead_training.data.scores import utility
from takead_training.settings import Rule
from takead_training.stages.stage import Progress


def with_world(data: Dataset) -> NDArray[np.int64]:
    """The rows (N,) whose clip's world is known and that are not from a perturbed start."""
    known = np.concatenate(
        [np.zeros(0, bool), *(np.full(len(part.inputs), part.world is not None) for part in data.parts)]
    )
    return np.flatnonzero(known & (data.column("perturbed") == 0))


def anchor_utilities(
    data: Dataset,
    rows: NDArray[np.int64],
    anchors: FloatArray,
    progress: Progress | None = None,
    rule: Rule = "recorded",
) -> FloatArray:
    """The utility (R, K) of every anchor (K, T, 2) driven from each of ``rows`` (R,), see ``data.scores``.

    Progress is measured against the best feasible anchor of the same frame. What is worked out is kept beside the
    clips' rows, where these lie in a cache (``data.score_cache``).
    """
    found = np.empty((len(rows), len(anchors)))
    parts, frames = data.part_of(rows), data.column("frame")[rows]
    done = 0
    for part in np.unique(parts):
        mine = np.flatnonzero(parts == part)
        found[mine] = utility(anchor_scores(data.parts[part], frames[mine], anchors, rule), rule)
        done += len(mine)
        if progress:
            progress(done, len(rows), {})
    return found
