"""Lane and boundary polylines from an OpenDRIVE text, read by the ``carla`` wheel's own map (works offline).

CARLA's map is left-handed: y and yaw flip into ROS ``map``.
"""

from __future__ import annotations

import importlib
from dataclasses import replace
from typing import Any

import numpy as np

from takead_ros.domain.errors import TakeadError
from takead_ros.domain.scene import FloatArray, LineKind, Polyline

SPACING = 2.0  # m between points
POINTS = 20  # of one polyline at most


def load_map(name: str, opendrive: str) -> Any:
    """A ``carla.Map``. Raises TakeadError without the ``carla`` package or for a text that is no OpenDRIVE map."""
    try:
        carla = importlib.import_module("carla")
    except ImportError as error:
        raise TakeadError(
            f"the CARLA adapter needs the 'carla' package: pip install 'takead_ros[carla]' ({error})"
        ) from error
    try:
        return carla.Map(name, opendrive)
    except RuntimeError as error:
        raise TakeadError(
            f"map '{name}' from /carla/world_info: expected OpenDRIVE text, CARLA said: {error}"
        ) from error


class Road:
    """All polylines of a map, cut to pieces of 20 points; ``near`` picks those around a place.

    The pieces keep their identity over calls, so that what is static is converted to messages once.
    """

    def __init__(self, carla_map: Any) -> None:
        self._pieces: list[Polyline] = []
        for entry, _ in carla_map.get_topology():
            self._add_lane(entry)
        ends = [(piece.points.min(0), piece.points.max(0)) for piece in self._pieces]
        self._low = np.array([low for low, _ in ends]).reshape(-1, 2)
        self._high = np.array([high for _, high in ends]).reshape(-1, 2)

    def _add_lane(self, entry: Any) -> None:
        waypoints = [entry, *entry.next_until_lane_end(SPACING)]
        # The end of the lane itself closes the gap to the next piece.
        centre = np.array([_place(waypoint) for waypoint in waypoints])
        if len(centre) < 2:
            return
        width = np.array([waypoint.lane_width for waypoint in waypoints])
        yaw = -np.deg2rad([waypoint.transform.rotation.yaw for waypoint in waypoints])
        left = np.stack([-np.sin(yaw), np.cos(yaw)], axis=-1) * width[:, None] / 2.0
        limits = entry.get_landmarks_of_type(200.0, "274")
        limit = float(limits[0].value) / 3.6 if limits else None
        self._cut(Polyline(0, LineKind.LANE_CENTER, centre, speed_limit=limit, width=float(width.mean())))
        if not entry.is_junction:
            self._cut(Polyline(0, _marking(entry.left_lane_marking), centre + left))
            self._cut(Polyline(0, _marking(entry.right_lane_marking), centre - left))

    def _cut(self, line: Polyline) -> None:
        for start in range(0, len(line.points) - 1, POINTS - 1):
            piece = line.points[start : start + POINTS]
            self._pieces.append(replace(line, id=len(self._pieces) + 1, points=piece))

    def mark_route(self, path: FloatArray) -> None:
        """Flag the lane centres along a route path (P, 2) m: those whose points all lie within 1 m of it."""
        for i, piece in enumerate(self._pieces):
            gaps = np.hypot(*(piece.points[:, None] - path[None]).transpose(2, 0, 1)).min(1)
            on_route = piece.kind is LineKind.LANE_CENTER and bool((gaps < 1.0).all())
            if on_route != piece.on_route:
                self._pieces[i] = replace(piece, on_route=on_route)

    def near(self, x: float, y: float, radius: float) -> tuple[Polyline, ...]:
        """The pieces whose bounding box comes within ``radius`` m of (x, y) in ``map``."""
        here = np.array([x, y])
        gap = np.maximum(np.maximum(self._low - here, here - self._high), 0.0)
        return tuple(self._pieces[i] for i in np.flatnonzero(np.hypot(gap[:, 0], gap[:, 1]) <= radius))


def _place(waypoint: Any) -> tuple[float, float]:
    location = waypoint.transform.location
    return location.x, -location.y


def _marking(marking: Any) -> LineKind:
    name = str(marking.type)
    if "Broken" in name:
        return LineKind.BOUNDARY_BROKEN
    return LineKind.BOUNDARY_SOLID if "Solid" in name else LineKind.ROAD_EDGE
