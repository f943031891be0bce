"""Lane and boundary polylines from an OpenDRIVE text, read by the ``carla`` wheel's own map (works offline).

CARLA's map is left-handed: y and yaw flip into ROS ``map``.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from takead_ros.domain.errors import TakeadError
from takead_ros.domain.geometry import to_outer
from takead_ros.domain.scene import FloatArray, LineKind, Polyline

SPACING = 2.0  # m between points
END = 0.2  # m, to which the ends of a lane are found
FARTHEST_M = 1e6  # from the origin of a map
POINTS = 20  # of one polyline at most


def import_carla() -> Any:
    """The ``carla`` package. Raises TakeadError that says how to get it."""
    try:
        return importlib.import_module("carla")
    except ImportError as error:
        raise TakeadError(
            f"OpenDRIVE maps are read by the 'carla' package: pip install 'takead_ros[carla]' ({error})"
        ) from error


def load_map(name: str, opendrive: str) -> Any:
    """A ``carla.Map``. Raises TakeadError without the ``carla`` package or for a text that is no OpenDRIVE map."""
    carla = import_carla()
    try:
        return carla.Map(name, opendrive)
    except RuntimeError as error:
        raise TakeadError(f"map '{name}': expected OpenDRIVE text, CARLA said: {error}") from error


class Road:
    """All polylines of a map, cut to pieces of 20 points; ``near`` picks those around a place.

    The pieces keep their identity over calls, so that what is static is converted to messages once.
    """

    def __init__(self, carla_map: Any, speeds: Mapping[int, float] | None = None) -> None:
        """``speeds``: m/s by road id, as the map declares them."""
        self._speeds = speeds or {}
        self._pieces: list[Polyline] = []
        lanes: dict[tuple[int, int, int], list[Any]] = {}
        # Not by get_topology: that leaves out lanes which lead nowhere.
        for waypoint in carla_map.generate_waypoints(SPACING):
            lanes.setdefault((waypoint.road_id, waypoint.section_id, waypoint.lane_id), []).append(waypoint)
        for (_, _, lane), waypoints in sorted(lanes.items()):
            self._add_lane(carla_map, sorted(waypoints, key=lambda waypoint: waypoint.s, reverse=lane > 0))
        self._own_limits = [piece.speed_limit for piece in self._pieces]
        ends = [(piece.points.min(0), piece.points.max(0)) for piece in self._pieces]
        self._low = np.array([low for low, _ in ends]).reshape(-1, 2)
        self._high = np.array([high for _, high in ends]).reshape(-1, 2)

    def _add_lane(self, carla_map: Any, waypoints: list[Any]) -> None:
        """Adds one lane from its waypoints in driving direction; its very ends are added, so that lanes join."""
        first = waypoints[0]
        ends = _beyond(carla_map, first, -1.0), _beyond(carla_map, waypoints[-1], 1.0)
        waypoints = [*ends[0], *waypoints, *ends[1]]
        centre = np.array([_place(waypoint) for waypoint in waypoints])
        apart = np.concatenate([[True], np.hypot(*np.diff(centre, axis=0).T) > END / 2.0])
        centre, waypoints = centre[apart], [waypoint for waypoint, kept in zip(waypoints, apart, strict=True) if kept]
        if len(centre) < 2:
            return
        width = np.array([waypoint.lane_width for waypoint in waypoints])
        yaw = -np.deg2rad([waypoint.transform.rotation.yaw for waypoint in waypoints])
        left = np.stack([-np.sin(yaw), np.cos(yaw)], axis=-1) * width[:, None] / 2.0
        limit = self._speeds.get(first.road_id)
        self._cut(Polyline(0, LineKind.LANE_CENTER, centre, speed_limit=limit, width=float(width.mean())))
        if not first.is_junction:
            self._cut(Polyline(0, marking_kind(first.left_lane_marking), centre + left))
            self._cut(Polyline(0, marking_kind(first.right_lane_marking), centre - left))

    def _cut(self, line: Polyline) -> None:
        for start in range(0, len(line.points) - 1, POINTS - 1):
            piece = line.points[start : start + POINTS]
            self._pieces.append(replace(line, id=len(self._pieces) + 1, points=piece))

    def mark_route(self, path: FloatArray, limits: FloatArray | None = None) -> None:
        """Flag the lane centres along a route path (P, 2) m: those whose points all lie within 1 m of it.

        limits (P,) m/s, NaN where unknown: what holds along the route, where it differs from the roads' own.
        """
        for i, piece in enumerate(self._pieces):
            on_route, limit = False, self._own_limits[i]
            if piece.kind is LineKind.LANE_CENTER:
                close = path[((path > self._low[i] - 1.0) & (path < self._high[i] + 1.0)).all(1)]
                gaps = np.hypot(*(piece.points[:, None] - close[None]).transpose(2, 0, 1))
                on_route = len(close) > 0 and bool((gaps.min(1) < 1.0).all())
            if on_route and limits is not None:
                middle = piece.points[len(piece.points) // 2]
                told = float(limits[np.hypot(*(path - middle).T).argmin()])
                limit = limit if np.isnan(told) else told
            if (on_route, limit) != (piece.on_route, piece.speed_limit):
                self._pieces[i] = replace(piece, on_route=on_route, speed_limit=limit)

    def near(self, x: float, y: float, radius: float) -> tuple[Polyline, ...]:
        """The pieces whose bounding box comes within ``radius`` m of (x, y) in ``map``."""
        here = np.array([x, y])
        gap = np.maximum(np.maximum(self._low - here, here - self._high), 0.0)
        return tuple(self._pieces[i] for i in np.flatnonzero(np.hypot(gap[:, 0], gap[:, 1]) <= radius))


def waypoint_at(carla_map: Any, x: float, y: float) -> Any:
    """The ``carla.Waypoint`` of the driving lane nearest to (x, y) m in ``map``. Raises TakeadError for a place that is
    none, and where CARLA finds no lane."""
    if not (abs(x) <= FARTHEST_M and abs(y) <= FARTHEST_M):  # not so for NaN
        raise TakeadError(f"place ({x:g}, {y:g}) m: expected one within {FARTHEST_M:g} m of the map's origin")
    location = importlib.import_module("carla").Location(x, -y, 0.0)
    try:
        found = carla_map.get_waypoint(location)
    except RuntimeError as error:
        raise TakeadError(f"place ({x:g}, {y:g}) m: CARLA finds no lane there: {error}") from error
    if found is None:
        raise TakeadError(f"place ({x:g}, {y:g}) m: CARLA finds no lane there")
    return found


def stop_points(carla_map: Any, x: float, y: float, yaw: float, length: float, width: float) -> FloatArray:
    """Where the lanes that a light's trigger volume covers end before their junction: (S, 3) [x m, y m, yaw rad], map.

    The volume is a box at pose (x, y, yaw). Its lanes are followed to the junction, at most 25 m.
    """
    shares = np.array([(a, b) for a in (-0.4, 0.0, 0.4) for b in (-0.4, -0.2, 0.0, 0.2, 0.4)])
    found: dict[tuple[int, int, int], tuple[float, float, float]] = {}
    for px, py in to_outer(shares * (length, width), x, y, yaw):
        waypoint = waypoint_at(carla_map, float(px), float(py))
        lane = (waypoint.road_id, waypoint.section_id, waypoint.lane_id)
        if lane in found or waypoint.is_junction:
            continue
        for _ in range(50):
            following = waypoint.next(0.5)
            if not following or following[0].is_junction:
                break
            waypoint = following[0]
        found[lane] = (*_place(waypoint), -float(np.deg2rad(waypoint.transform.rotation.yaw)))
    return np.array(list(found.values())).reshape(-1, 3)


def _beyond(carla_map: Any, waypoint: Any, direction: float) -> list[Any]:
    """The last waypoint of the same lane beyond ``waypoint``, with (1) or against (-1) the driving direction, if any.

    Probed by ``get_waypoint_xodr``: next_until_lane_end of carla 0.9.16 crashes the process at a dead end.
    """
    step = -direction * END * np.sign(waypoint.lane_id)  # s runs against the driving direction of positive lanes
    last = []
    for k in range(1, round(SPACING / END) + 1):
        probe = carla_map.get_waypoint_xodr(waypoint.road_id, waypoint.lane_id, waypoint.s + k * step)
        if probe is None or probe.section_id != waypoint.section_id:
            break
        last = [probe]
    return last


def _place(waypoint: Any) -> tuple[float, float]:
    location = waypoint.transform.location
    return location.x, -location.y


def marking_kind(marking: Any) -> LineKind:
    """What a ``carla.LaneMarking`` is to a driver; none at all is the edge of the road."""
    name = str(marking.type)
    if "Broken" in name:
        return LineKind.BOUNDARY_BROKEN
    return LineKind.BOUNDARY_SOLID if "Solid" in name else LineKind.ROAD_EDGE
