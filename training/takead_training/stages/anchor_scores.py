"""How every anchor of a network would have fared at recorded frames, by the project's rule score."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from takead_ros.domain.scene import FloatArray
from takead_ros.policy.route_frame import route_frame
from takead_ros.policy.vocabulary import plans_from_profiles
from takead_training.data.dataset import Dataset
from takead_training.data.scores import score_at, utility
from takead_training.stages.stage import Progress


def with_world(data: Dataset) -> NDArray[np.int64]:
    """The rows (N,) whose clip's world is known and that are not from a perturbed start."""
    known = np.concatenate(
        [np.zeros(0, bool), *(np.full(len(part.inputs), part.world is not None) for part in data.parts)]
    )
    return np.flatnonzero(known & (data.column("perturbed") == 0))


def anchor_utilities(
    data: Dataset, rows: NDArray[np.int64], anchors: FloatArray, progress: Progress | None = None
) -> FloatArray:
    """The utility (R, K) of every anchor (K, T, 2) driven from each of ``rows`` (R,), see ``data.scores.utility``.

    Progress is measured against the best feasible anchor of the same frame.
    """
    found = np.empty((len(rows), len(anchors)))
    parts, frames = data.part_of(rows), data.column("frame")[rows]
    done = 0
    for part in np.unique(parts):
        load = data.parts[part].world
        if load is None:
            raise ValueError(f"row {int(rows[parts == part][0])}: its clip's world is not known")
        world = load()
        for at in np.flatnonzero(parts == part):
            scene, _ = world.moment(int(frames[at]))
            positions, _, _ = plans_from_profiles(anchors, scene.ego.speed, route_frame(scene))
            found[at] = utility(score_at(world, int(frames[at]), positions))
            done += 1
        if progress:
            progress(done, len(rows), {})
    return found
