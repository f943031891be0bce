"""Who comes from behind in a hurry, an emergency vehicle presumably, and how far aside the ego can move for it."""

from __future__ import annotations

import numpy as np

from takead_ros.domain.scene import EgoState, FloatArray, ObjectKind
from takead_ros.expert.forecast import Actors
from takead_ros.expert.frame import Frame, index
from takead_ros.expert.paths import Places

_CAR, _TRUCK = int(ObjectKind.CAR), int(ObjectKind.TRUCK)
_SAME_TRACK = 1.8  # m between the two centres across the route
_HURRY = 1.15  # of the speed limit; no other vehicle drives that fast
_FASTER = 2.0  # m/s than the ego
_HEARD = 50.0  # m
_STILL_BRAKING = -1.0  # m/s^2; who brakes as hard as this keeps its distance
_PATIENCE = 15_000_000_000  # ns after which the ego drives on as usual
_ROOM_AHEAD = 60.0  # m over which the road's edge is looked at
_EDGE_GAP = 0.3  # m that the ego keeps from the road's edge
_KEPT = 0.6  # m that it keeps from what stands there
_FARTHEST = 2.5  # m aside


def notice_urgent(
    noticed: dict[int, int], actors: Actors, now: Places, ego: EgoState, frame: Frame, limit: float, stamp: int
) -> tuple[dict[int, int], int]:
    """(id -> ns since when it is in a hurry, row of the one to make room for now or -1).

    The scene names no emergency vehicles, so one is known by how it drives: behind the ego on its track, well above the
    ``limit`` m/s, closing in and not braking.
    """
    behind = now.along < -0.5 * (ego.length + actors.length)
    hurries = behind & (np.abs(now.offset - frame.offset) < _SAME_TRACK) & (now.same > 0.9) & actors.visible
    hurries &= (actors.kind == _CAR) | (actors.kind == _TRUCK)
    closing = actors.speed - ego.speed
    hurries &= (actors.speed > max(_HURRY * limit, limit + 1.5)) & (closing > _FASTER)
    hurries &= (actors.acceleration > _STILL_BRAKING) & (now.along > -_HEARD)
    known = {name: since for name, since in noticed.items() if name in actors.id}
    for name in actors.id[hurries].tolist():
        known.setdefault(name, stamp)
    passed = now.along > 0.5 * (ego.length + actors.length)
    for row, name in enumerate(actors.id.tolist()):
        if name in known and not passed[row] and 0 <= stamp - known[name] < _PATIENCE:
            return known, row
    return known, -1


def aside(actors: Actors, now: Places, band: tuple[FloatArray, FloatArray], ego: EgoState) -> float:
    """Offset m (<= 0: to the right) at which the ego makes the most room without leaving the road.

    band (right, left) (P,) m: the road's edges of ``frame.drivable_band``.
    """
    ahead = slice(int(index(np.array(0.0))), int(index(np.array(_ROOM_AHEAD))) + 1)
    edge = float(band[0][ahead].max()) + 0.5 * ego.width + _EDGE_GAP
    side = now.offset + now.half_across
    beside = (actors.speed < 0.5) & (side < 0.0) & (now.along > -ego.length) & (now.along < _ROOM_AHEAD)
    kept = float(side[beside].max(initial=-np.inf)) + 0.5 * ego.width + _KEPT
    return min(max(edge, kept, -_FARTHEST), 0.0)
