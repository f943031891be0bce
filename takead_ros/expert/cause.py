"""What the expert acts on, in words: the object or rule behind its choice, and whether the policy could see it."""

from __future__ import annotations

import numpy as np

from takead_ros.domain.driving import Cause
from takead_ros.domain.scene import ObjectKind, Scene
from takead_ros.expert.forecast import Actors
from takead_ros.expert.paths import Paths
from takead_ros.expert.rollout import PACES, Rollouts
from takead_ros.expert.rules import Wall
from takead_ros.expert.scoring import Scores


def _about(actors: Actors, row: int, text: str, kind: str = "") -> Cause:
    if not kind:
        if actors.person[row]:
            kind = "pedestrian" if actors.kind[row] == ObjectKind.PEDESTRIAN else "cyclist"
        else:
            kind = "crossing" if actors.speed[row] > 0.5 else "obstacle"
    return Cause(kind, int(actors.id[row]), bool(actors.visible[row]), f"{text} {kind} {int(actors.id[row])}")


def find_cause(
    scene: Scene, actors: Actors, paths: Paths, rollouts: Rollouts, scores: Scores, best: int, why: np.ndarray,
    wall: Wall | None, urgent: int,
) -> Cause:  # fmt: skip
    """The cause of proposal ``best``. ``why`` (L, G) is what caps the speed (``rules.speed_caps``), ``urgent`` the row
    of the one that room is made for, or -1."""
    path = int(rollouts.path[best])
    pace = int(rollouts.pace[best])
    full = path * len(PACES)
    if pace > 0 and scores.worst[full] >= 0:
        return _about(actors, int(scores.worst[full]), f"{PACES[pace]} for")
    slows = rollouts.v[best, -1] < rollouts.v[best, 0] - 0.5 or rollouts.v[best, 8] < 1.0
    if wall is not None and rollouts.along[best, -1] < wall.along and wall.along - rollouts.along[best, -1] < 8.0:
        return Cause(wall.kind, wall.control_id, wall.visible, f"stops for {wall.kind} {wall.control_id}")
    if urgent >= 0:
        return _about(actors, urgent, "makes room for", "emergency_vehicle")
    if paths.kind[path] == "keep_clear":
        row = int(np.flatnonzero(actors.id == paths.object_id[path])[0])
        return _about(actors, row, "keeps clear of", "oncoming")
    row = int(rollouts.lead[best])
    if row >= 0:
        moves = actors.speed[row] > 0.5
        return _about(
            actors, row, "follows" if moves else "stops behind", "lead" if moves and not actors.person[row] else ""
        )
    if paths.object_id[path]:
        row = int(np.flatnonzero(actors.id == paths.object_id[path])[0])
        return _about(actors, row, "passes", "" if actors.person[row] else "obstacle")
    reach = int(np.clip(np.ceil(rollouts.along[best, 16]), 1, why.shape[1]))
    for reason in why[path, :reach]:
        if reason >= 0:
            return _about(actors, int(reason), "somebody may step out from behind", "occlusion")
        if reason == -3:
            return Cause("yield", 0, True, "slows for a yield line")
        if reason == -2 and slows:
            return Cause("curve", 0, True, "slows for a bend")
    return Cause("route", 0, True, "follows the route")
