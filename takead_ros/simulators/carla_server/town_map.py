"""A map as the server's world needs it: spawn points, ground, lights and signs, out of an OpenDRIVE text.

The text is read by the client library's own map, so that server and client agree on every lane.
"""

from __future__ import annotations

import math
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from takead_ros.domain.errors import TakeadError
from takead_ros.maps.carla_map import load_map
from takead_ros.simulators.carla_server.kernel_arrays import HeightGrid
from takead_ros.simulators.carla_server.values import BoundingBox, Rotation, Transform, Vector3D

SAMPLE_M = 2.0  # between two points of a lane
SPAWN_EVERY_M, SPAWN_FROM_M, SPAWN_HEIGHT_M = 24.0, 6.0, 0.5
LIGHT_DEPTH_M = 4.0  # of the volume before the stop line in which a vehicle is at the light
SIGN_DEPTH_M = 2.0
VOLUME_HEIGHT_M = 4.0
CELL_M = 2.0  # of the grid of heights
MOST_CELLS = 4_000_000
LIGHT_TYPE, SPEED_TYPE = "1000001", "274"
SIGN_NAMES = {"205": "traffic.yield", "206": "traffic.stop"}


@dataclass(frozen=True)
class Signal:
    """A light or sign: CARLA's id of its kind, where it stands, the volume (in its own frame) in which it concerns a
    vehicle, and the group and phase that a light changes with."""

    signal_id: str
    type_id: str
    transform: Transform
    volume: BoundingBox
    speed_limit: float = 0.0  # km/h
    group: str = ""
    phase: str = ""


@dataclass(frozen=True)
class Ground:
    """Heights (rows, columns) m of a grid of cells over x and y from ``corner`` on; one cell where all is level."""

    heights: NDArray[np.float64]
    corner: tuple[float, float]
    cell: float

    @property
    def grid(self) -> HeightGrid:
        """The same as kernels take it."""
        return HeightGrid(self.heights, *self.corner, self.cell)

    def at(self, x: float, y: float) -> float:
        """m above zero at (x, y) m."""
        row = min(max(int((x - self.corner[0]) / self.cell), 0), self.heights.shape[0] - 1)
        column = min(max(int((y - self.corner[1]) / self.cell), 0), self.heights.shape[1] - 1)
        return float(self.heights[row, column])


class TownScript(Protocol):
    """What plays on a map by a script of its own; ``world`` is the server's world."""

    def begin(self, world: Any) -> None:
        """A new episode: put there who is there at first."""

    def step(self, world: Any, dt: float) -> None:
        """On by ``dt`` s."""


@dataclass(frozen=True)
class TownMap:
    """A map: its name as CARLA tells it, the OpenDRIVE text, and what was derived from it."""

    name: str
    opendrive: str
    carla_map: Any
    spawn_points: tuple[Transform, ...]
    signals: tuple[Signal, ...]
    ground: Ground
    stage: TownScript | None = None

    def geolocation(self, place: Vector3D) -> tuple[float, float, float]:
        """Latitude and longitude in degrees and altitude in m."""
        found = self.carla_map.transform_to_geolocation(_location(place))
        return found.latitude, found.longitude, found.altitude


def read_town_map(name: str, opendrive: str) -> TownMap:
    """Raises TakeadError for a text that is no OpenDRIVE map, or has no lane to drive on."""
    carla_map = load_map(name, opendrive)
    waypoints = carla_map.generate_waypoints(SAMPLE_M)
    if not waypoints:
        raise TakeadError(f"map '{name}': expected OpenDRIVE with driving lanes, found none")
    points = np.array([(p.x, p.y, p.z) for p in (waypoint.transform.location for waypoint in waypoints)])
    ground = _ground(points)
    return TownMap(name, opendrive, carla_map, _spawn_points(waypoints), _signals(carla_map, opendrive), ground)


def _spawn_points(waypoints: Iterable[Any]) -> tuple[Transform, ...]:
    lanes: dict[tuple[int, int, int], list[Any]] = {}
    for waypoint in waypoints:
        if not waypoint.is_junction:
            lanes.setdefault((waypoint.road_id, waypoint.section_id, waypoint.lane_id), []).append(waypoint)
    found = []
    for (_, _, lane), samples in sorted(lanes.items()):
        samples.sort(key=lambda waypoint: waypoint.s, reverse=lane > 0)
        first = min(round(SPAWN_FROM_M / SAMPLE_M), len(samples) // 2)
        for waypoint in samples[first :: round(SPAWN_EVERY_M / SAMPLE_M)]:
            place = _transform(waypoint.transform)
            found.append(Transform(place.location._replace(z=place.location.z + SPAWN_HEIGHT_M), place.rotation))
    return tuple(found)


def _ground(points: NDArray[np.float64]) -> Ground:
    if np.ptp(points[:, 2]) < 0.01:
        return Ground(np.full((1, 1), points[0, 2]), (0.0, 0.0), CELL_M)
    low, high = points[:, :2].min(0) - 20.0, points[:, :2].max(0) + 20.0
    cell = CELL_M
    while np.prod(np.ceil((high - low) / cell)) > MOST_CELLS:
        cell *= 2.0
    rows, columns = (int(n) for n in np.ceil((high - low) / cell))
    total, count = np.zeros((rows, columns)), np.zeros((rows, columns))
    at = ((points[:, :2] - low) / cell).astype(int)
    np.add.at(total, (at[:, 0], at[:, 1]), points[:, 2])
    np.add.at(count, (at[:, 0], at[:, 1]), 1.0)
    while not (count > 0.0).all():  # cells beside the lanes take over their neighbours' height, ring after ring
        spread_total, spread_count = (
            _neighbours(np.where(count > 0, total / np.maximum(count, 1.0), 0.0)),
            _neighbours(count > 0),
        )
        new = (count == 0.0) & (spread_count > 0.0)
        total[new], count[new] = (spread_total / np.maximum(spread_count, 1.0))[new], 1.0
    return Ground(total / count, (float(low[0]), float(low[1])), cell)


def _neighbours(values: NDArray[Any]) -> NDArray[np.float64]:
    padded = np.pad(values.astype(float), 1)
    return padded[:-2, 1:-1] + padded[2:, 1:-1] + padded[1:-1, :-2] + padded[1:-1, 2:]  # type: ignore[no-any-return]


def _signals(carla_map: Any, opendrive: str) -> tuple[Signal, ...]:
    junctions, phases = _controllers(opendrive)
    by_id: dict[str, list[Any]] = {}
    for landmark in carla_map.get_all_landmarks():
        by_id.setdefault(landmark.id, []).append(landmark)
    found = []
    for name, landmarks in sorted(by_id.items(), key=lambda item: (len(item[0]), item[0])):
        first = landmarks[0]
        lanes = [waypoint for landmark in landmarks for waypoint in _lanes(carla_map, landmark)]
        if first.type == LIGHT_TYPE:
            kind, depth = "traffic.traffic_light", LIGHT_DEPTH_M
            lanes = [waypoint for waypoint in map(_before_junction, lanes) if waypoint is not None]
        elif first.type == SPEED_TYPE:
            kind, depth = f"traffic.speed_limit.{round(first.value)}", SIGN_DEPTH_M
        elif first.type in SIGN_NAMES:
            kind, depth = SIGN_NAMES[first.type], LIGHT_DEPTH_M
        else:
            continue
        if not lanes:
            continue
        group = junctions.get(str(first.road_id), str(first.road_id))
        limit = float(first.value) if first.type == SPEED_TYPE else 0.0
        place, volume = _volume(first, lanes, depth)
        found.append(Signal(name, kind, place, volume, limit, group, phases.get(name, name)))
    return tuple(found)


def _controllers(opendrive: str) -> tuple[dict[str, str], dict[str, str]]:
    """The junction of each road in one, and the controller of each signal that has one, all by their ids."""
    try:
        root = ElementTree.fromstring(opendrive)
    except ElementTree.ParseError as error:
        raise TakeadError(f"OpenDRIVE text: {error}") from error
    junctions = {
        road.get("id", ""): road.get("junction", "") for road in root.iter("road") if road.get("junction", "-1") != "-1"
    }
    phases = {
        control.get("signalId", ""): controller.get("id", "")
        for controller in root.iter("controller")
        for control in controller.iter("control")
    }
    return junctions, phases


def _lanes(carla_map: Any, landmark: Any) -> list[Any]:
    """The waypoints of the driving lanes that a signal is for, where it stands."""
    found = []
    for first, last in landmark.get_lane_validities():
        for lane in range(min(first, last), max(first, last) + 1):
            waypoint = carla_map.get_waypoint_xodr(landmark.road_id, lane, landmark.s) if lane else None
            if waypoint is not None and str(waypoint.lane_type) == "Driving":
                found.append(waypoint)
    return found


def _before_junction(waypoint: Any) -> Any:
    """The last place of the lane before the junction: where to stop."""
    for _ in range(60):
        if not waypoint.is_junction:
            return waypoint
        before = waypoint.previous(0.5)
        if not before:
            return None
        waypoint = before[0]
    return None


def _volume(landmark: Any, lanes: list[Any], depth: float) -> tuple[Transform, BoundingBox]:
    """Where the signal stands, x across the lane as CARLA's do, and its volume in that frame: as wide as its lanes,
    ``depth`` m long, ending where they were found."""
    yaw = math.radians(lanes[0].transform.rotation.yaw)
    ahead = np.array([math.cos(yaw), math.sin(yaw)])
    right = np.array([-math.sin(yaw), math.cos(yaw)])
    middles = np.array([(w.transform.location.x, w.transform.location.y) for w in lanes])
    across, along = middles @ right, middles @ ahead
    half = np.array([w.lane_width / 2.0 for w in lanes])
    low, high = float((across - half).min()), float((across + half).max())
    middle = (low + high) / 2.0 * right + (float(along.mean()) - depth / 2.0) * ahead
    at = landmark.transform.location
    offset = middle - (at.x, at.y)
    heading = (math.degrees(yaw) + 90.0 + 180.0) % 360.0 - 180.0
    ground = lanes[0].transform.location.z
    # the frame turned by +90 degrees: x to the right of the lane, y against its direction
    centre = Vector3D(float(offset @ right), float(-(offset @ ahead)), ground - at.z + VOLUME_HEIGHT_M / 2.0)
    extent = Vector3D((high - low) / 2.0, depth / 2.0, VOLUME_HEIGHT_M / 2.0)
    place = Transform(Vector3D(at.x, at.y, at.z), Rotation(0.0, heading, 0.0))
    return place, BoundingBox(centre, extent, Rotation(0.0, 0.0, 0.0))


def _location(place: Vector3D) -> Any:
    import carla

    return carla.Location(*place)


def _transform(transform: Any) -> Transform:
    at, turned = transform.location, transform.rotation
    return Transform(Vector3D(at.x, at.y, at.z), Rotation(turned.pitch, turned.yaw, turned.roll))
