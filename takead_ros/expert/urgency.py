"""Emergency vehicles from behind: which one to make room for, and where to."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from takead_ros.domain.geometry import to_local
from takead_ros.domain.scene import EgoState, FloatArray, ObjectKind
from takead_ros.expert.forecast import Actors
from takead_ros.expert.frame import Frame, index
from takead_ros.expert.lanes import Lanes
from takead_ros.expert.paths import Paths, Places, build_paths

_URGENT = int(ObjectKind.EMERGENCY_VEHICLE)
_SAME_TRACK = 1.8  # m between the two centres across the route
_PATIENCE = 25_000_000_000  # ns after which the ego drives on as usual
_ROOM_AHEAD = 60.0  # m over which the road's edge and the lanes beside are looked at
_EDGE_GAP = 0.3  # m that the ego keeps from the road's edge
_KEPT = 0.6  # m that it keeps from what stands there
_FARTHEST = 2.5  # m aside within the lane
_BESIDE = (2.2, 4.8)  # m from the route to the centre of a lane next to it
_BEGINS, _ENDS = 15.0, 40.0  # m ahead between which such a lane has to be there


def notice_urgent(
    noticed: dict[int, int], actors: Actors, now: Places, ego: EgoState, frame: Frame, stamp: int
) -> tuple[dict[int, int], int]:
    """(id -> ns since when it is known to come up behind, row of the one to make room for now or -1).

    It comes up behind where its forecast leads over the ego's place. Once noticed it counts until it has passed.
    """
    known = {name: since for name, since in noticed.items() if name in actors.id}
    rows = np.flatnonzero(actors.kind == _URGENT)
    for row in rows.tolist():
        name, reach = int(actors.id[row]), 0.5 * (ego.length + float(actors.length[row]))
        if name not in known and now.along[row] < -reach and actors.visible[row]:
            along, offset, _ = frame.locate(actors.x[row], actors.y[row])
            arrives = int(np.abs(along).argmin())
            if abs(offset[arrives] - frame.offset) < _SAME_TRACK and abs(along[arrives]) < reach + _ROOM_AHEAD:
                known[name] = stamp
        if name in known and now.along[row] < reach and 0 <= stamp - known[name] < _PATIENCE:
            return known, row
    return known, -1


def lanes_beside(lanes: Lanes, frame: Frame, ego: EgoState) -> list[tuple[str, float]]:
    """(name, offset m from the route) of the lanes of the same direction on the left and on the right of it."""
    own = lanes.own
    points = to_local(np.stack([lanes.x[own], lanes.y[own]], axis=-1), ego.x, ego.y, ego.yaw)
    along, offset, i = frame.locate(points[:, 0], points[:, 1])
    same = np.cos(lanes.yaw[own] - ego.yaw - frame.yaw[i]) > 0.95
    near = same & (along > 0.0) & (along < _ROOM_AHEAD)
    found = []
    for name, sign in (("make_room_left", 1.0), ("make_room_right", -1.0)):
        there = near & (sign * offset > _BESIDE[0]) & (sign * offset < _BESIDE[1])
        if there.any() and along[there].min() < _BEGINS and along[there].max() > _ENDS:
            found.append((name, float(np.median(offset[there]))))
    return found


def add_rooms(paths: Paths, rooms: list[tuple[str, float]], number: int, frame: Frame, ego: EgoState) -> Paths:
    """``paths`` and one over to each of the lanes ``rooms`` to make room for object ``number``."""
    for name, target in rooms:
        more = build_paths(frame, [], ego, target)
        more = replace(more, kind=(name,), object_id=np.array([number]), target=np.array([target]))
        columns = [field for field in paths.__dataclass_fields__ if field != "kind"]
        joined = {field: np.concatenate([getattr(paths, field), getattr(more, field)]) for field in columns}
        paths = Paths((*paths.kind, name), **joined)
    return paths


def aside(actors: Actors, now: Places, band: tuple[FloatArray, FloatArray], ego: EgoState) -> float:
    """Offset m (<= 0: to the right) at which the ego makes the most room without leaving its lane or the road.

    band (right, left) (P,) m: the road's edges of ``frame.drivable_band``.
    """
    ahead = slice(int(index(np.array(0.0))), int(index(np.array(_ROOM_AHEAD))) + 1)
    edge = float(band[0][ahead].max()) + 0.5 * ego.width + _EDGE_GAP
    side = now.offset + now.half_across
    beside = (actors.speed < 0.5) & (side < 0.0) & (now.along > -ego.length) & (now.along < _ROOM_AHEAD)
    kept = float(side[beside].max(initial=-np.inf)) + 0.5 * ego.width + _KEPT
    return min(max(edge, kept, -_FARTHEST), 0.0)
