"""The observation encoding of the format ``vector-1``, used by training and on the vehicle: a scene as fixed-size
float32 arrays. A change of meaning here is another format with another name (``vector.py``).

Only what the vehicle could see is encoded. Everything is expressed in ``base_link`` or along the route, so nothing
depends on where the map's origin lies or how it is turned, nor on the order of objects. Values are divided by the
scales below, so that they are about 1. The ego's own acceleration and steering angle are left out on purpose: a clone
that sees them learns to repeat them (de Haan et al., Causal Confusion in Imitation Learning, 2019).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from takead_ros.domain.geometry import to_local
from takead_ros.domain.scene import FloatArray, LineKind, ObjectKind, Polyline, RouteCommand, Scene
from takead_ros.policy.route_frame import NotFiniteError, RouteFrame, route_frame

Encoded = dict[str, NDArray[np.float32]]

OBJECTS, LINES, LINE_POINTS, PATH_POINTS, CONTROLS = 16, 32, 5, 16, 4
PIECE = 20.0  # m: longest piece of a polyline that becomes one token
PATH_STEP = 4.0  # m between encoded points of the reference path
LENGTH, SPEED, YAW_RATE, TIME = 20.0, 10.0, 0.5, 5.0  # scales: m, m/s, rad/s, s
EGO_FEATURES, OBJECT_FEATURES, CONTROL_FEATURES = 13, 28, 12
EGO_SPEED_COLUMNS = (0, 12)  # of "ego": what says how fast the vehicle itself is
LINE_FEATURES = 2 * LINE_POINTS + len(LineKind) + 5
_KINDS = np.eye(len(ObjectKind), 7, dtype=np.float32)
# seven columns hold eight kinds: an emergency vehicle is a truck that is like no other
_KINDS[ObjectKind.EMERGENCY_VEHICLE, [ObjectKind.UNKNOWN, ObjectKind.TRUCK]] = 1.0
_COMMANDS = np.eye(len(RouteCommand), dtype=np.float32)
_LINE_KINDS = np.eye(len(LineKind), dtype=np.float32)
_CONTROL_KINDS, _LIGHTS = np.eye(3, dtype=np.float32), np.eye(4, dtype=np.float32)


class LineCache:
    """Pieces of the map's polylines in ``map``, kept from one scene to the next.

    Holds one tuple of polylines and the pieces of each polyline seen in it; both are compared by identity, so that a
    new map with the same ids is never mistaken for the old one. Contents affect speed only, never a result.
    """

    def __init__(self) -> None:
        self._lines: tuple[Polyline, ...] = ()
        self._pieces: dict[int, tuple[Polyline, FloatArray, NDArray[np.float32]]] = {}
        self._all: tuple[FloatArray, NDArray[np.float32]] = _no_pieces()

    def pieces(self, lines: tuple[Polyline, ...]) -> tuple[FloatArray, NDArray[np.float32]]:
        """Points (S, LINE_POINTS, 2) m in ``map`` and flags (S, F) of every piece of ``lines``."""
        if lines is self._lines and lines:
            return self._all
        known, self._pieces = self._pieces, {}
        parts = []
        for line in lines:
            entry = known.get(id(line))
            if entry is None:
                entry = (line, *_cut(line))
            self._pieces[id(line)] = entry
            parts.append(entry)
        self._lines = lines
        if parts:
            self._all = np.concatenate([p[1] for p in parts]), np.concatenate([p[2] for p in parts])
        else:
            self._all = _no_pieces()
        return self._all


def _no_pieces() -> tuple[FloatArray, NDArray[np.float32]]:
    return np.zeros((0, LINE_POINTS, 2)), np.zeros((0, LINE_FEATURES - 2 * LINE_POINTS), np.float32)


def _cut(line: Polyline) -> tuple[FloatArray, NDArray[np.float32]]:
    """A polyline as pieces of at most PIECE m, LINE_POINTS evenly spaced points each, and their common flags."""
    points = np.asarray(line.points, dtype=float)
    if len(points) < 2:
        return _no_pieces()
    steps = np.diff(points, axis=0)
    arc = np.concatenate([[0.0], np.cumsum(np.sqrt((steps * steps).sum(1)))])
    count = max(int(np.ceil(arc[-1] / PIECE)), 1)
    at = (np.arange(count)[:, None] + np.linspace(0.0, 1.0, LINE_POINTS)) * (arc[-1] / count)
    cut = np.stack([np.interp(at, arc, points[:, 0]), np.interp(at, arc, points[:, 1])], axis=-1)
    limit, width = line.speed_limit, line.width
    flags = np.array(
        [
            *_LINE_KINDS[line.kind], line.on_route, limit is not None, (limit or 0.0) / SPEED,
            width is not None, (width or 0.0) / 5.0,
        ],
        dtype=np.float32,
    )  # fmt: skip
    return cut, np.broadcast_to(flags, (count, len(flags)))


def encode(scene: Scene, cache: LineCache | None = None, frame: RouteFrame | None = None) -> Encoded:
    """The scene as the inputs of the format ``vector-1``, float32, without a batch axis.

    ``frame`` is ``route_frame(scene)`` where the caller has it already. Masks are 1 where a row holds something.
    Raises ValueError where the scene has no usable route, NotFiniteError where it holds a value that is not finite.
    """
    frame = frame if frame is not None else route_frame(scene)
    encoded = {
        **_ego(scene, frame),
        **_objects(scene, frame),
        **_lines(scene, cache or LineCache()),
        **_controls(scene),
    }
    for name, values in encoded.items():
        if not np.isfinite(values).all():
            raise NotFiniteError(f"scene has a value that is not finite (in encoded '{name}')")
    return encoded


def _ego(scene: Scene, frame: RouteFrame) -> Encoded:
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


def _objects(scene: Scene, frame: RouteFrame) -> Encoded:
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
            *_CONTROL_KINDS[control.kind], *_LIGHTS[control.state], min(control.distance, 100.0) / LENGTH,
            np.clip(x, -100, 100) / LENGTH, np.clip(y, -100, 100) / LENGTH, min(brake, 3.0), control.distance > 0.0,
        ]  # fmt: skip
        mask[row] = 1.0
    return {"controls": features, "controls_mask": mask}
