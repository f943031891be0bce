"""A town's lanes from an OpenDRIVE text, read offline by the ``carla`` wheel's own map, as the lanes of any other map.

CARLA's map is left-handed: y and yaw flip into ROS ``map``. Only driving lanes are read; their nodes are named by the
lanes that begin there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from takead_ros.domain.geometry import arc_lengths
from takead_ros.domain.scene import FloatArray
from takead_ros.maps.carla_map import load_map, marking_kind
from takead_ros.maps.lanemap import POLYLINE_SPACING, SPACING, Lane
from takead_ros.maps.roads import Key, Node, Street

OPPOSITE = 7.0  # m from a lane's middle within which the lane of the other direction runs


@dataclass(frozen=True)
class Town:
    """Lanes, the keys of those that follow on each (in a fixed order), and the one of the other direction beside."""

    lanes: tuple[Lane, ...]
    following: Mapping[Key, tuple[Key, ...]]
    opposite: Mapping[Key, Key]

    def streets(self) -> list[Street]:
        """The lanes as a scenario sees them, in the map's order."""
        return [
            Street(
                lane.key, lane.length, lane.width, lane.junction, self.following[lane.key], self.opposite.get(lane.key)
            )
            for lane in self.lanes
        ]


def read_town(name: str, text: str) -> Town:
    """Raises TakeadError without the package ``carla`` or for a text that is no OpenDRIVE map."""
    carla_map = load_map(name, text)
    groups: dict[tuple[int, int, int], list[Any]] = {}
    for waypoint in carla_map.generate_waypoints(SPACING):
        groups.setdefault(_lane_of(waypoint), []).append(waypoint)
    for lane, waypoints in groups.items():
        waypoints.sort(key=lambda waypoint: waypoint.s, reverse=lane[2] > 0)
    names = sorted(groups)
    after = {
        lane: sorted({_lane_of(found) for found in groups[lane][-1].next(1.5 * SPACING)} - {lane}) for lane in names
    }
    begins = _nodes(names, after)
    keys: dict[tuple[int, int, int], Key] = {
        lane: (begins[lane], begins[after[lane][0]] if after[lane] else f"{_text(lane)}.end", 0) for lane in names
    }
    places: dict[Node, FloatArray] = {}
    for lane in names:
        places.setdefault(begins[lane], _place(groups[lane][0]))
    lanes = tuple(_lane(keys[lane], groups[lane], places) for lane in names)
    following = {keys[lane]: tuple(keys[other] for other in after[lane]) for lane in names}
    return Town(lanes, following, _opposites(lanes))


def _lane_of(waypoint: Any) -> tuple[int, int, int]:
    return waypoint.road_id, waypoint.section_id, waypoint.lane_id


def _text(lane: tuple[int, int, int]) -> str:
    return ".".join(str(part) for part in lane)


def _nodes(
    names: list[tuple[int, int, int]], after: Mapping[tuple[int, int, int], list[tuple[int, int, int]]]
) -> dict[tuple[int, int, int], str]:
    """The name of the node at which each lane begins: lanes that follow on the same one begin at the same."""
    begins = {lane: _text(lane) for lane in names}
    for lane in names:
        together = {begins[other] for other in after[lane]}
        first = min(together, default="")
        for other in names:
            if begins[other] in together:
                begins[other] = first
    return begins


def _lane(key: Key, waypoints: list[Any], places: Mapping[Node, FloatArray]) -> Lane:
    """CARLA's samples begin up to a spacing late; here lanes begin and end exactly where their nodes are."""
    ends = [places[node] for node in key[1:2] if node in places]
    points = [places[key[0]], *(_place(waypoint) for waypoint in waypoints[1:]), *ends]
    kept = [points[0], *(b for a, b in pairwise(points) if np.hypot(*(b - a)) > 0.05)]
    center: FloatArray = np.array(kept)
    arc = arc_lengths(center)
    middle = waypoints[len(waypoints) // 2]
    width, junction = float(middle.lane_width), bool(middle.is_junction)
    count = max(int(np.ceil(arc[-1] / POLYLINE_SPACING)), 1) + 1
    at = np.linspace(0.0, arc[-1], count)
    line = np.stack([np.interp(at, arc, center[:, 0]), np.interp(at, arc, center[:, 1])], axis=-1)
    step = np.gradient(line, axis=0)
    left = np.stack([-step[:, 1], step[:, 0]], axis=-1) / np.hypot(*step.T)[:, None] * width / 2.0
    return Lane(
        key=key,
        center=center,
        length=float(arc[-1]),
        width=width,
        left=None if junction else marking_kind(middle.left_lane_marking),
        right=None if junction else marking_kind(middle.right_lane_marking),
        junction=junction,
        left_line=line + left,
        right_line=line - left,
    )


def _place(waypoint: Any) -> FloatArray:
    location = waypoint.transform.location
    return np.array([location.x, -location.y])


def _opposites(lanes: tuple[Lane, ...]) -> dict[Key, Key]:
    """For each lane outside of junctions, the nearest one that runs the other way beside it, if there is one."""
    middles = np.array([lane.center[len(lane.center) // 2] for lane in lanes])
    headings = np.array([_heading(lane, len(lane.center) // 2) for lane in lanes])
    result: dict[Key, Key] = {}
    for i, lane in enumerate(lanes):
        gap = np.hypot(*(middles - middles[i]).T)
        against = np.array([not other.junction for other in lanes]) & (headings @ headings[i] < -0.9) & (gap < OPPOSITE)
        if not lane.junction and against.any():
            result[lane.key] = lanes[int(np.where(against, gap, np.inf).argmin())].key
    return result


def _heading(lane: Lane, row: int) -> FloatArray:
    row = min(row, len(lane.center) - 2)
    step = lane.center[row + 1] - lane.center[row]
    return np.asarray(step / np.hypot(*step))
