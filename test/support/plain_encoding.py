"""The encoding ``vector-1`` once more, plainly in numpy: what the kernel is compared with."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from takead_ros.domain.geometry import to_local, wrap_angle
from takead_ros.domain.scene import FloatArray, ObjectKind, RouteCommand, Scene
from takead_ros.policy.encoding import (
    CONTROL_FEATURES,
    CONTROLS,
    LINE_FEATURES,
    LINE_POINTS,
    LINES,
    OBJECT_FEATURES,
    OBJECTS,
    PATH_POINTS,
    LineCache,
)

Encoded = dict[str, NDArray[np.float32]]
PATH_STEP = 4.0
LENGTH, SPEED, YAW_RATE, TIME = 20.0, 10.0, 0.5, 5.0
_EXTENSION = 200.0
_KINDS = np.eye(len(ObjectKind), 7, dtype=np.float32)
_KINDS[ObjectKind.EMERGENCY_VEHICLE, [ObjectKind.UNKNOWN, ObjectKind.TRUCK]] = 1.0
_COMMANDS = np.eye(len(RouteCommand), dtype=np.float32)
_CONTROL_KINDS, _LIGHTS = np.eye(3, dtype=np.float32), np.eye(4, dtype=np.float32)


@dataclass(frozen=True)
class PlainFrame:
    """A reference path in ``base_link``: points (P, 2) m, heading (P,) rad (continuous), arc (P,) m where 0 is the
    point nearest to the ego. ``offset`` m: the ego's own, positive left of the path; ``heading_error`` rad: ego yaw
    minus path yaw, in [-pi, pi)."""

    points: FloatArray
    heading: FloatArray
    arc: FloatArray
    offset: float
    heading_error: float

    def place(self, along: FloatArray, offset: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """``base_link`` x, y (...) m and path heading (...) rad of points ``along`` m ahead, ``offset`` m left."""
        x = np.interp(along, self.arc, self.points[:, 0])
        y = np.interp(along, self.arc, self.points[:, 1])
        heading = np.interp(along, self.arc, self.heading)
        return x - offset * np.sin(heading), y + offset * np.cos(heading), heading

    def locate(self, x: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Distance ahead m, offset m and path heading rad, each (N,), of ``base_link`` points x, y (N,) m."""
        nearest, share, lateral = _project(self.points, np.asarray(x, dtype=float), np.asarray(y, dtype=float))
        along = self.arc[nearest] + share * (self.arc[nearest + 1] - self.arc[nearest])
        heading = self.heading[nearest] + share * (self.heading[nearest + 1] - self.heading[nearest])
        return along, lateral, heading


def plain_frame(scene: Scene) -> PlainFrame:
    """The frame of the scene's route."""
    ego = scene.ego
    points = to_local(scene.route.path, ego.x, ego.y, ego.yaw)
    steps = np.diff(points, axis=0)
    length = np.sqrt((steps * steps).sum(1))
    if not (length > 1e-3).all():
        keep = np.concatenate([[True], length > 1e-3])
        points = points[keep]
        steps = np.diff(points, axis=0)
        length = np.sqrt((steps * steps).sum(1))
    unit = steps / length[:, None]
    points = np.concatenate([points[:1] - _EXTENSION * unit[:1], points, points[-1:] + _EXTENSION * unit[-1:]])
    segment = np.unwrap(np.arctan2(unit[:, 1], unit[:, 0]))
    inner = 0.5 * (segment[:-1] + segment[1:])
    heading = np.concatenate([segment[:1], segment[:1], inner, segment[-1:], segment[-1:]])
    arc = np.concatenate([[-_EXTENSION, 0.0], np.cumsum(length), [length.sum() + _EXTENSION]])
    nearest, share, lateral = _project(points, np.zeros(1), np.zeros(1))
    i = int(nearest[0])
    start = arc[i] + share[0] * (arc[i + 1] - arc[i])
    direction = heading[i] + share[0] * (heading[i + 1] - heading[i])
    return PlainFrame(points, heading, arc - start, float(lateral[0]), float(wrap_angle(-direction)))


def _project(points: FloatArray, x: FloatArray, y: FloatArray) -> tuple[np.ndarray, FloatArray, FloatArray]:
    """Segment (N,), share of it (N,) in [0, 1] and signed distance (N,) m of points x, y (N,) on ``points`` (P, 2)."""
    along = points[1:] - points[:-1]
    ahead, aside = along[:, 0], along[:, 1]
    dx, dy = x[:, None] - points[None, :-1, 0], y[:, None] - points[None, :-1, 1]
    share = (dx * ahead + dy * aside) / (ahead * ahead + aside * aside)
    share = np.minimum(np.maximum(share, 0.0), 1.0)
    dx2, dy2 = dx - share * ahead, dy - share * aside
    apart = dx2 * dx2 + dy2 * dy2
    nearest = apart.argmin(1)
    rows = np.arange(len(x))
    side = along[nearest, 0] * dy[rows, nearest] - along[nearest, 1] * dx[rows, nearest]
    return nearest, share[rows, nearest], np.copysign(np.sqrt(apart[rows, nearest]), side)


def plain_encode(scene: Scene) -> Encoded:
    frame = plain_frame(scene)
    return {**_ego(scene, frame), **_objects(scene, frame), **_lines(scene, LineCache()), **_controls(scene)}


def _ego(scene: Scene, frame: PlainFrame) -> Encoded:
    ego, route = scene.ego, scene.route
    limit = route.speed_limit
    features = [
        ego.speed / SPEED, ego.lateral_speed, ego.yaw_rate / YAW_RATE, ego.length / 5.0, ego.width / 2.0,
        ego.wheelbase / 3.0, frame.offset, np.sin(frame.heading_error), np.cos(frame.heading_error),
        min(route.remaining, 100.0) / LENGTH, limit is not None, (limit or 0.0) / SPEED,
        ((limit or 0.0) - ego.speed) / SPEED if limit is not None else 0.0,
    ]  # fmt: skip
    x, y, heading = frame.place(PATH_STEP * np.arange(PATH_POINTS, dtype=np.float64), np.zeros(PATH_POINTS))
    path = np.stack([x / LENGTH, y / LENGTH, heading], axis=-1)
    targets = np.zeros((3, 9), np.float32)
    targets[:, :2] = np.clip(to_local(route.targets, ego.x, ego.y, ego.yaw), -100.0, 100.0) / LENGTH
    targets[:, 2:] = _COMMANDS[list(route.commands)]
    return {
        "ego": np.array(features, np.float32),
        "path": path.astype(np.float32).ravel(),
        "targets": targets.ravel(),
    }


def _within(values: FloatArray, low: float, high: float) -> FloatArray:
    return np.minimum(np.maximum(values, low), high)


def _objects(scene: Scene, frame: PlainFrame) -> Encoded:
    """The nearest visible objects, nearest first, each in ``base_link`` and along the route."""
    features, mask = np.zeros((OBJECTS, OBJECT_FEATURES), np.float32), np.zeros(OBJECTS, np.float32)
    ego, objects = scene.ego, scene.objects
    seen = np.flatnonzero(objects.visibility > 0.0)
    if len(seen):
        square = (objects.x[seen] - ego.x) ** 2 + (objects.y[seen] - ego.y) ** 2
        seen = seen[np.lexsort((objects.id[seen], square))[:OBJECTS]]
        n = len(seen)
        cos, sin = np.cos(ego.yaw), np.sin(ego.yaw)
        dx, dy, vx, vy = objects.x[seen] - ego.x, objects.y[seen] - ego.y, objects.vx[seen], objects.vy[seen]
        x, y, vx, vy = cos * dx + sin * dy, cos * dy - sin * dx, cos * vx + sin * vy, cos * vy - sin * vx
        yaw, length, width = objects.yaw[seen] - ego.yaw, objects.length[seen], objects.width[seen]
        along, offset, heading = frame.locate(x, y)
        pcos, psin = np.cos(heading), np.sin(heading)
        v_along, v_across = pcos * vx + psin * vy, pcos * vy - psin * vx
        turned = np.abs(np.sin(yaw - heading))
        gap = np.abs(along) - 0.5 * (ego.length + length + turned * (width - length))
        side = np.abs(offset - frame.offset) - 0.5 * (ego.width + width + turned * (length - width))
        closing = np.sign(along) * (ego.speed - v_along)
        arrival = np.minimum(np.maximum(gap / max(ego.speed, 1.0), 0.0), TIME)
        crossing = offset + v_across * arrival
        columns = (
            x / LENGTH, y / LENGTH, np.cos(yaw), np.sin(yaw), vx / SPEED, vy / SPEED, length / 5.0, width / 2.0,
            objects.visibility[seen],
            along / LENGTH, _within(offset / 4.0, -5, 5), v_along / SPEED, v_across / 2.0,
            _within(gap / LENGTH, -0.5, 5), np.exp(-np.maximum(gap, 0.0) / 6.0), _within(side, -3, 5) / 2.0,
            closing / SPEED, _within(closing / np.maximum(gap, 1.0), -2, 2), arrival / TIME,
            _within(crossing, -20, 20) / 4.0, np.tanh(crossing),
        )  # fmt: skip
        for i, column in enumerate(columns):
            features[:n, i] = column
        features[:n, len(columns) :] = _KINDS[objects.kind[seen]]
        mask[:n] = 1.0
    return {"objects": features, "objects_mask": mask}


def _lines(scene: Scene, cache: LineCache) -> Encoded:
    """The pieces of map geometry nearest to a point a little ahead of the ego, nearest first."""
    features, mask = np.zeros((LINES, LINE_FEATURES), np.float32), np.zeros(LINES, np.float32)
    points, flags = cache.pieces(scene.polylines)
    if len(points):
        ego = scene.ego
        ahead = (ego.x + 10.0 * np.cos(ego.yaw), ego.y + 10.0 * np.sin(ego.yaw))
        square = ((points[:, LINE_POINTS // 2] - ahead) ** 2).sum(-1)
        nearest = np.argsort(square, kind="stable")[:LINES]
        n = len(nearest)
        local = to_local(points[nearest], ego.x, ego.y, ego.yaw)
        features[:n, : 2 * LINE_POINTS] = _within(local.reshape(n, -1), -100.0, 100.0) / LENGTH
        features[:n, 2 * LINE_POINTS :] = flags[nearest]
        mask[:n] = 1.0
    return {"lines": features, "lines_mask": mask}


def _controls(scene: Scene) -> Encoded:
    """Visible lights and signs that are ahead or hardly passed, nearest first."""
    features, mask = np.zeros((CONTROLS, CONTROL_FEATURES), np.float32), np.zeros(CONTROLS, np.float32)
    ego = scene.ego
    seen = [c for c in scene.controls if c.visible and c.distance > -10.0]
    for row, control in enumerate(sorted(seen, key=lambda c: (c.distance, c.id))[:CONTROLS]):
        x, y = to_local(np.array([control.x, control.y]), ego.x, ego.y, ego.yaw)
        # Deceleration that would stop at the line, in units of 5 m/s^2.
        brake = ego.speed**2 / (2.0 * max(control.distance, 1.0)) / 5.0
        features[row] = [
            *_CONTROL_KINDS[control.kind],
            *_LIGHTS[control.state],
            min(control.distance, 100.0) / LENGTH,
            np.clip(x, -100, 100) / LENGTH,
            np.clip(y, -100, 100) / LENGTH,
            min(brake, 3.0),
            control.distance > 0.0,
        ]
        mask[row] = 1.0
    return {"controls": features, "controls_mask": mask}
