"""The PDM score of NAVSIM v1.1 written out from its definition, trajectory by trajectory, with shapely and scipy.

A yardstick for ``takead_ros.measures.pdm``, of which it uses nothing: the thresholds stand here a second time, as the
devkits give them, the areas are polygons, the smoothing is scipy's. Sources: NAVSIM v1.1 ``pdm_scorer.py`` and
``pdm_comfort_metrics.py``; nuplan-devkit v1.2 ``collision_utils.py`` and ``idm/utils.py``. The departures that
docs/measures.md lists hold here as well (plans as they are, 0.3 m of tolerance, junctions where lanes cross).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy.signal import savgol_filter
from shapely import LineString, MultiLineString, MultiPolygon, Point, Polygon, buffer, line_merge, unary_union
from shapely.affinity import translate

from takead_ros.domain.geometry import to_outer
from takead_ros.domain.scene import EgoState, FloatArray, LineKind, ObjectKind, Objects, Polyline

DT = 0.1  # s, proposal_sampling.interval_length
TOLERANCE = 0.3  # m
AGENT_TYPES = (
    ObjectKind.CAR,
    ObjectKind.TRUCK,
    ObjectKind.EMERGENCY_VEHICLE,
    ObjectKind.CYCLIST,
    ObjectKind.PEDESTRIAN,
)
AHEAD, BEHIND = np.deg2rad(30.0), np.deg2rad(150.0)  # is_agent_ahead, is_agent_behind
STOPPED = 5e-2  # m/s, is_track_stopped and get_collision_type
TTC_STOPPED = 5e-3  # m/s, stopped_speed_threshold
TTC_STEPS = (0, 3, 6, 9)  # future_time_idcs
PROGRESS_DISTANCE = 5.0  # m, progress_distance_threshold


@dataclass(frozen=True)
class Areas:
    """The map as polygons: lanes whole, all that is drivable, and where lanes cross."""

    lanes: tuple[Polygon, ...]
    drivable: Polygon | MultiPolygon
    junctions: Polygon | MultiPolygon

    @staticmethod
    def of(lines: Sequence[Polyline]) -> Areas:
        """Straight lanes of one width each, in pieces or whole."""
        found = [line for line in lines if line.kind is LineKind.LANE_CENTER]
        whole = line_merge(MultiLineString([line.points for line in found]))
        parts = list(whole.geoms) if isinstance(whole, MultiLineString) else [whole]
        half = 0.5 * float(found[0].width or 3.5)
        lanes = tuple(buffer(part, half, quad_segs=64) for part in parts)
        yaws = [np.arctan2(*np.diff(np.array(part.coords)[[0, -1]], axis=0)[0][::-1]) for part in parts]
        crossing = [
            lanes[i].intersection(lanes[j])
            for i, j in combinations(range(len(lanes)), 2)
            if abs(np.sin(yaws[i] - yaws[j])) > np.sin(np.deg2rad(30.0))
        ]
        drivable = unary_union([buffer(part, half + TOLERANCE, quad_segs=64) for part in parts])
        return Areas(lanes, drivable, unary_union(crossing))

    def off_road(self, corners: Sequence[Point]) -> bool:
        """NON_DRIVABLE_AREA: some corner is in no drivable polygon."""
        return not all(self.drivable.covers(corner) for corner in corners)

    def multiple_lanes(self, corners: Sequence[Point]) -> bool:
        """MULTIPLE_LANES: corners are in more than one lane, and no lane holds all four."""
        counts = [sum(lane.covers(corner) for corner in corners) for lane in self.lanes]
        return sum(count > 0 for count in counts) > 1 and max(counts) < 4


def pdm_score(
    states: FloatArray, ego: EgoState, others: Sequence[Objects], areas: Areas, path: FloatArray
) -> FloatArray:
    """Scores (N,) of trajectories (N, S, 4) [x, y, yaw, speed]; ``others`` at S + 9 samples; progress relative to the
    best of these trajectories."""
    observation = [
        {int(objects.id[i]): (objects.select(np.array([i])), _box(objects, i)) for i in range(len(objects))}
        for objects in others
    ]
    rows = [_multipliers_and_ttc(trajectory, ego, observation, areas) for trajectory in states]
    gate, ttc = np.array([row[0] for row in rows]), np.array([row[1] for row in rows])
    line = LineString(path)
    progress = (
        np.array(
            [
                max(line.project(Point(trajectory[-1, :2])) - line.project(Point(trajectory[0, :2])), 0.0)
                for trajectory in states
            ]
        )
        * gate
    )
    if progress.max() > PROGRESS_DISTANCE:
        progress = progress / progress.max()
    else:
        progress = np.where(gate == 0.0, 0.0, 1.0)
    comfort = np.array([float(is_comfortable(trajectory)) for trajectory in states])
    return np.asarray(gate * (5.0 * progress + 5.0 * ttc + 2.0 * comfort) / 12.0)


def _multipliers_and_ttc(
    trajectory: FloatArray, ego: EgoState, observation: Sequence[dict[int, tuple[Objects, Polygon]]], areas: Areas
) -> tuple[float, float]:
    """(no at-fault collision x drivable area, time to collision) of one trajectory (S, 4)."""
    no_collision, drivable, ttc = 1.0, 1.0, 1.0
    collided: set[int] = set()
    collided_ahead: set[int] = set()
    for t, (x, y, yaw, speed) in enumerate(trajectory):
        box = _rectangle(x, y, yaw, ego.length, ego.width)
        front_left, rear_left, rear_right, front_right = box.exterior.coords[:4]
        corners = [Point(corner) for corner in (front_left, rear_left, rear_right, front_right)]
        rear_axle = np.array([x, y]) - 0.5 * ego.wheelbase * np.array([np.cos(yaw), np.sin(yaw)])
        off_road = areas.off_road(corners)
        drivable = 0.0 if off_road else drivable
        astray = off_road or areas.multiple_lanes(corners)
        for token, (track, shape) in observation[t].items():
            if token in collided or not box.intersects(shape):
                continue
            agent = track.kind[0] in AGENT_TYPES
            if speed <= STOPPED:
                at_fault = False
            elif not agent or np.hypot(track.vx[0], track.vy[0]) <= STOPPED:
                at_fault = True
            elif _angle(rear_axle, yaw, track) > BEHIND:
                at_fault = False
            else:
                at_fault = LineString([front_left, front_right]).intersects(shape) or astray
            if at_fault:
                no_collision = min(no_collision, 0.0 if agent else 0.5)
            else:
                collided.add(token)
        if speed < TTC_STOPPED:
            continue
        for later in TTC_STEPS:
            way = speed * DT * later
            moved = translate(box, way * np.cos(yaw), way * np.sin(yaw))
            for token, (track, shape) in observation[t + later].items():
                if token in collided_ahead or not moved.intersects(shape):
                    continue
                angle = _angle(rear_axle, yaw, track)
                crossing = astray or areas.junctions.covers(Point(rear_axle))
                if angle < AHEAD or (crossing and angle <= BEHIND):
                    ttc = 0.0
                else:
                    collided_ahead.add(token)
    return no_collision * drivable, ttc


def is_comfortable(trajectory: FloatArray) -> bool:
    """``ego_is_comfortable``: all six bounds at every sample of a trajectory (S, 4)."""
    samples = len(trajectory)
    yaw, speed = np.unwrap(trajectory[:, 2]), trajectory[:, 3]
    along = np.gradient(speed, DT)
    across = speed * np.gradient(yaw, DT)

    def smooth(values: FloatArray, window: int, order: int, derivative: int = 0) -> FloatArray:
        return np.asarray(savgol_filter(values, window, order, deriv=derivative, delta=DT))

    acceleration = smooth(along, samples, 2)
    bounds = (
        (acceleration, -4.05, 2.40),
        (smooth(across, samples, 2), -4.89, 4.89),
        (smooth(smooth(np.hypot(along, across), samples, 2), samples, 2, 1), -8.37, 8.37),
        (smooth(acceleration, samples, 2, 1), -4.13, 4.13),
        (smooth(yaw, 5, 2, 1), -0.95, 0.95),
        (smooth(yaw, 5, 3, 2), -1.93, 1.93),
    )
    return all(bool(((low < values) & (values < high)).all()) for values, low, high in bounds)


def _rectangle(x: float, y: float, yaw: float, length: float, width: float) -> Polygon:
    corners = np.array([[1.0, 1.0], [-1.0, 1.0], [-1.0, -1.0], [1.0, -1.0]]) * (length / 2, width / 2)
    return Polygon(to_outer(corners, x, y, yaw))


def _box(objects: Objects, i: int) -> Polygon:
    return _rectangle(objects.x[i], objects.y[i], objects.yaw[i], objects.length[i], objects.width[i])


def _angle(rear_axle: FloatArray, yaw: float, track: Objects) -> float:
    """Between the ego's heading and the way from its rear axle to the track's centre, 0..pi rad."""
    way = np.array([track.x[0], track.y[0]]) - rear_axle
    return float(np.arccos(np.clip(way @ (np.cos(yaw), np.sin(yaw)) / np.hypot(*way), -1.0, 1.0)))


def simulated(trajectory: FloatArray, ego: EgoState) -> FloatArray:
    """What ``PDMSimulator`` makes of one trajectory (S, 4): states of a kinematic bicycle under ``BatchLQRTracker``."""
    rear = 0.5 * ego.wheelbase
    heading = np.unwrap(trajectory[:, 2])
    poses = trajectory[:, :2] - rear * np.stack([np.cos(heading), np.sin(heading)], axis=1)
    speeds, curvatures = _fitted(poses, heading)
    x, y, yaw = float(poses[0, 0]), float(poses[0, 1]), float(heading[0])
    speed, acceleration, steering = ego.speed, ego.acceleration, ego.steering_angle
    states = [(x, y, yaw, speed)]
    for i in range(len(trajectory) - 1):
        last = min(i + 10, len(speeds) - 1)
        bends = [curvatures[min(k, last)] for k in range(i, i + 10)]
        error = np.array(
            [
                -(x - poses[i, 0]) * np.sin(heading[i]) + (y - poses[i, 1]) * np.cos(heading[i]),
                _principal(yaw - heading[i]),
                steering,
            ]
        )
        if speeds[last] <= 0.2 and speed <= 0.2:
            wanted, rate = -0.5 * (speed - speeds[last]), 0.0
        else:
            wanted = -10.0 * (speed - speeds[last]) / 11.0  # B = 10 steps of 0.1 s, q = 10, r = 1
            rate = _steering_rate(error, [speed + 0.1 * k * wanted for k in range(10)], bends, ego.wheelbase)
        acceleration = acceleration + 0.1 / 0.3 * (wanted - acceleration)
        steered = np.clip(steering + 0.1 / 0.15 * 0.1 * rate, -np.pi / 3, np.pi / 3)
        x, y = x + 0.1 * speed * np.cos(yaw), y + 0.1 * speed * np.sin(yaw)
        yaw = _principal(yaw + 0.1 * speed * np.tan(steering) / ego.wheelbase)
        speed, steering = speed + 0.1 * acceleration, steered
        states.append((x, y, yaw, speed))
    found = np.array(states)
    found[:, :2] += rear * np.stack([np.cos(found[:, 2]), np.sin(found[:, 2])], axis=1)
    return found


def _fitted(poses: FloatArray, heading: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Speeds and curvatures (S - 1,): the least squares of ``batch_lqr_utils``, with the penalties as further rows."""
    count = len(poses) - 1
    rows, right = [], []
    for k in range(count):
        for direction, way in zip((np.cos(heading[k]), np.sin(heading[k])), poses[k + 1] - poses[k], strict=True):
            rows.append(direction * np.array([DT] + [DT**2 if j < k else 0.0 for j in range(count - 1)]))
            right.append(way)
    for j in range(count - 2):
        rows.append(np.sqrt(1e-4) * np.array([0.0] + [float(i == j + 1) - float(i == j) for i in range(count - 1)]))
        right.append(0.0)
    first, *changes = np.linalg.lstsq(np.array(rows), np.array(right), rcond=None)[0]
    speeds = first + DT * np.concatenate([[0.0], np.cumsum(changes)])
    rows = [
        speeds[k] * np.array([DT] + [DT**2 if j < k else 0.0 for j in range(count - 1)]) for k in range(count)
    ] + list(np.diag(np.sqrt([1e-10] + [1e-2] * (count - 1))))
    turns = [_principal(turn) for turn in np.diff(heading)]
    first, *changes = np.linalg.lstsq(np.array(rows), np.array(turns + [0.0] * count), rcond=None)[0]
    return speeds, first + DT * np.concatenate([[0.0], np.cumsum(changes)])


def _steering_rate(error: FloatArray, speeds: list[float], bends: list[float], wheelbase: float) -> float:
    """The rate (rad/s) that, held for 10 steps, brings [lateral error, heading error, steering angle] nearest to 0."""
    state, per_rate, offset = np.eye(3), np.zeros(3), np.zeros(3)
    for speed, bend in zip(speeds, bends, strict=True):
        step = np.array([[1.0, speed * DT, 0.0], [0.0, 1.0, speed * DT / wheelbase], [0.0, 0.0, 1.0]])
        state, per_rate = step @ state, step @ per_rate + np.array([0.0, 0.0, DT])
        offset = step @ offset + np.array([0.0, -speed * bend * DT, 0.0])
    weights, left = np.diag([1.0, 10.0, 0.0]), state @ error + offset
    left[1:] = [_principal(angle) for angle in left[1:]]
    return float(-(per_rate @ weights @ left) / (per_rate @ weights @ per_rate + 1.0))


def _principal(angle: float) -> float:
    return float(np.arctan2(np.sin(angle), np.cos(angle)))
