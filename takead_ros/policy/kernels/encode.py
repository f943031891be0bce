"""The kernel of the encoding ``vector-1``: one scene into one row of a batch. The meaning is that of ``encoding``."""

from __future__ import annotations

import numpy as np

from takead_ros.compiled import Cube, Indices, Matrix, Matrix32, Vector, Vector32, kernel, part
from takead_ros.domain.kernels import interpolate
from takead_ros.policy.arrays import Controls, EgoFields, EncodedScenes, Guidance, ObjectColumns, Pieces, RouteFrame
from takead_ros.policy.kernels.route import point_from_frame, point_to_frame

PATH_STEP = 4.0  # m between encoded points of the reference path
LENGTH, SPEED, YAW_RATE, TIME = 20.0, 10.0, 0.5, 5.0  # scales: m, m/s, rad/s, s
KIND_COLUMNS, UNKNOWN, TRUCK, EMERGENCY = 7, 0, 2, 7
FARTHEST = 100.0  # m; what lies farther away in a direction is put there
LINES_AHEAD = 10.0  # m: pieces of the map are taken nearest to a point this far ahead
BEHIND = -10.0  # m: a line that was passed by more is forgotten


@part
def _held(value: float, low: float, high: float) -> float:
    """Within low..high; NaN stays NaN."""
    if value < low:
        return low
    return high if value > high else value


@part
def _sorted_in(rows: Indices, keys: Vector, count: int, row: int, key: float, ids: Indices) -> int:
    """Insert ``row`` by key, then id, into the first ``count`` of rows (M,), dropping the last where it is full."""
    at = count
    while at > 0 and (key < keys[at - 1] or (key == keys[at - 1] and ids[row] < ids[rows[at - 1]])):
        at -= 1
    if at == len(rows):
        return count
    count = min(count + 1, len(rows))
    for i in range(count - 1, at, -1):
        rows[i], keys[i] = rows[i - 1], keys[i - 1]
    rows[at], keys[at] = row, key
    return count


@kernel
def cut(points: Matrix, longest: float, each: int) -> Cube:
    """A polyline (P, 2) m as pieces (S, each, 2) m of at most ``longest`` m, of ``each`` evenly spaced points."""
    arc = np.zeros(len(points))
    for p in range(1, len(points)):
        dx, dy = points[p, 0] - points[p - 1, 0], points[p, 1] - points[p - 1, 1]
        arc[p] = arc[p - 1] + np.sqrt(dx * dx + dy * dy)
    count = max(int(np.ceil(arc[-1] / longest)), 1)
    pieces = np.empty((count, each, 2))
    for s in range(count):
        for i in range(each):
            at = (s + i / (each - 1.0)) * (arc[-1] / count)
            pieces[s, i, 0] = interpolate(at, arc, points[:, 0])
            pieces[s, i, 1] = interpolate(at, arc, points[:, 1])
    return pieces


@part
def _ego(row: int, ego: EgoFields, guidance: Guidance, frame: RouteFrame, batch: EncodedScenes) -> None:
    out, limit = batch.ego[row], guidance.speed_limit
    known = not np.isnan(limit)
    out[0], out[1], out[2] = ego.speed / SPEED, ego.lateral_speed, ego.yaw_rate / YAW_RATE
    out[3], out[4], out[5] = ego.length / 5.0, ego.width / 2.0, ego.wheelbase / 3.0
    out[6], out[7], out[8] = frame.offset, np.sin(frame.heading_error), np.cos(frame.heading_error)
    out[9] = _held(guidance.remaining, -np.inf, 100.0) / LENGTH
    out[10], out[11] = (1.0, limit / SPEED) if known else (0.0, 0.0)
    out[12] = (limit - ego.speed) / SPEED if known else 0.0
    path = batch.path[row]
    for i in range(len(path) // 3):
        x, y, heading = point_from_frame(frame, PATH_STEP * i, 0.0)
        path[3 * i], path[3 * i + 1], path[3 * i + 2] = x / LENGTH, y / LENGTH, heading
    targets, cos, sin = batch.targets[row], np.cos(ego.yaw), np.sin(ego.yaw)
    width = len(targets) // len(guidance.commands)
    targets[:] = 0.0
    for i in range(len(guidance.commands)):
        dx, dy = guidance.targets[i, 0] - ego.x, guidance.targets[i, 1] - ego.y
        targets[i * width] = _held(dx * cos + dy * sin, -FARTHEST, FARTHEST) / LENGTH
        targets[i * width + 1] = _held(dy * cos - dx * sin, -FARTHEST, FARTHEST) / LENGTH
        targets[i * width + 2 + guidance.commands[i]] = 1.0


@part
def _object(out: Vector32, n: int, ego: EgoFields, others: ObjectColumns, frame: RouteFrame) -> None:
    cos, sin = np.cos(ego.yaw), np.sin(ego.yaw)
    dx, dy = others.x[n] - ego.x, others.y[n] - ego.y
    x, y = cos * dx + sin * dy, cos * dy - sin * dx
    vx, vy = cos * others.vx[n] + sin * others.vy[n], cos * others.vy[n] - sin * others.vx[n]
    yaw, length, width = others.yaw[n] - ego.yaw, others.length[n], others.width[n]
    along, offset, heading = point_to_frame(frame, x, y)
    path_cos, path_sin = np.cos(heading), np.sin(heading)
    v_along, v_across = path_cos * vx + path_sin * vy, path_cos * vy - path_sin * vx
    turned = abs(np.sin(yaw - heading))
    gap = abs(along) - 0.5 * (ego.length + length + turned * (width - length))
    side = abs(offset - frame.offset) - 0.5 * (ego.width + width + turned * (length - width))
    closing = np.sign(along) * (ego.speed - v_along)
    arrival = _held(gap / max(ego.speed, 1.0), 0.0, TIME)
    crossing = offset + v_across * arrival
    out[0], out[1], out[2], out[3] = x / LENGTH, y / LENGTH, np.cos(yaw), np.sin(yaw)
    out[4], out[5], out[6], out[7] = vx / SPEED, vy / SPEED, length / 5.0, width / 2.0
    out[8] = others.visibility[n]
    out[9], out[10] = along / LENGTH, _held(offset / 4.0, -5.0, 5.0)
    out[11], out[12] = v_along / SPEED, v_across / 2.0
    out[13], out[14] = _held(gap / LENGTH, -0.5, 5.0), np.exp(-_held(gap, 0.0, np.inf) / 6.0)
    out[15] = _held(side, -3.0, 5.0) / 2.0
    out[16], out[17] = closing / SPEED, _held(closing / max(gap, 1.0), -2.0, 2.0)
    out[18] = arrival / TIME
    out[19], out[20] = _held(crossing, -20.0, 20.0) / 4.0, np.tanh(crossing)
    for i in range(KIND_COLUMNS):
        out[21 + i] = 0.0
    kind = others.kind[n]
    if kind == EMERGENCY:  # seven columns hold eight kinds: it is a truck that is like no other
        out[21 + UNKNOWN], out[21 + TRUCK] = 1.0, 1.0
    else:
        out[21 + kind] = 1.0


@part
def _objects(row: int, ego: EgoFields, others: ObjectColumns, frame: RouteFrame, batch: EncodedScenes) -> None:
    """The nearest visible objects, nearest first, each in ``base_link`` and along the route."""
    features, mask = batch.objects[row], batch.objects_mask[row]
    rows, keys, count = np.empty(len(mask), np.int64), np.empty(len(mask)), 0
    for n in range(len(others.id)):
        if others.visibility[n] > 0.0:
            square = (others.x[n] - ego.x) ** 2 + (others.y[n] - ego.y) ** 2
            count = _sorted_in(rows, keys, count, n, square, others.id)
    features[count:], mask[count:], mask[:count] = 0.0, 0.0, 1.0
    for i in range(count):
        _object(features[i], rows[i], ego, others, frame)


@part
def _lines(row: int, ego: EgoFields, pieces: Pieces, batch: EncodedScenes) -> None:
    """The pieces of map geometry nearest to a point a little ahead of the ego, nearest first."""
    features, mask = batch.lines[row], batch.lines_mask[row]
    cos, sin = np.cos(ego.yaw), np.sin(ego.yaw)
    ahead_x, ahead_y = ego.x + LINES_AHEAD * cos, ego.y + LINES_AHEAD * sin
    each = pieces.points.shape[1]
    rows, keys, count = np.empty(len(mask), np.int64), np.empty(len(mask)), 0
    for s in pieces.rows:
        dx, dy = pieces.points[s, each // 2, 0] - ahead_x, pieces.points[s, each // 2, 1] - ahead_y
        square, at = dx * dx + dy * dy, count
        if count == len(mask) and not square < keys[count - 1]:
            continue
        while at > 0 and square < keys[at - 1]:
            at -= 1
        count = min(count + 1, len(mask))
        for i in range(count - 1, at, -1):
            rows[i], keys[i] = rows[i - 1], keys[i - 1]
        rows[at], keys[at] = s, square
    features[count:], mask[count:], mask[:count] = 0.0, 0.0, 1.0
    for i in range(count):
        out, s = features[i], rows[i]
        for p in range(each):
            dx, dy = pieces.points[s, p, 0] - ego.x, pieces.points[s, p, 1] - ego.y
            out[2 * p] = _held(dx * cos + dy * sin, -FARTHEST, FARTHEST) / LENGTH
            out[2 * p + 1] = _held(dy * cos - dx * sin, -FARTHEST, FARTHEST) / LENGTH
        out[2 * each :] = pieces.flags[s]


@part
def _controls(row: int, ego: EgoFields, controls: Controls, batch: EncodedScenes) -> None:
    """Lights and signs that are ahead or hardly passed, nearest first."""
    features, mask = batch.controls[row], batch.controls_mask[row]
    rows, keys, count = np.empty(len(mask), np.int64), np.empty(len(mask)), 0
    for c in range(len(controls.id)):
        if controls.distance[c] > BEHIND:
            count = _sorted_in(rows, keys, count, c, controls.distance[c], controls.id)
    features[:], mask[count:], mask[:count] = 0.0, 0.0, 1.0
    cos, sin = np.cos(ego.yaw), np.sin(ego.yaw)
    for i in range(count):
        out, c = features[i], rows[i]
        dx, dy, distance = controls.x[c] - ego.x, controls.y[c] - ego.y, controls.distance[c]
        out[controls.kind[c]], out[3 + controls.state[c]] = 1.0, 1.0
        out[7] = _held(distance, -np.inf, 100.0) / LENGTH
        out[8] = _held(dx * cos + dy * sin, -FARTHEST, FARTHEST) / LENGTH
        out[9] = _held(dy * cos - dx * sin, -FARTHEST, FARTHEST) / LENGTH
        # deceleration that would stop at the line, in units of 5 m/s^2
        out[10] = _held(ego.speed**2 / (2.0 * max(distance, 1.0)) / 5.0, -np.inf, 3.0)
        out[11] = 1.0 if distance > 0.0 else 0.0


@part
def _finite(values: Matrix32) -> bool:
    for i in range(values.shape[0]):
        for j in range(values.shape[1]):
            if not np.isfinite(values[i, j]):
                return False
    return True


@kernel
def fill(
    row: int,
    ego: EgoFields,
    guidance: Guidance,
    frame: RouteFrame,
    others: ObjectColumns,
    pieces: Pieces,
    controls: Controls,
    batch: EncodedScenes,
) -> int:
    """``fill_row`` as a call of its own."""
    bad: int = fill_row(row, ego, guidance, frame, others, pieces, controls, batch)
    return bad


@part
def fill_row(
    row: int,
    ego: EgoFields,
    guidance: Guidance,
    frame: RouteFrame,
    others: ObjectColumns,
    pieces: Pieces,
    controls: Controls,
    batch: EncodedScenes,
) -> int:
    """Encode a scene into row ``row`` of ``batch``, all of it. The controls are the visible ones.

    Returns -1, or the index of the first input of ``batch`` that holds a value that is not finite.
    """
    _ego(row, ego, guidance, frame, batch)
    _objects(row, ego, others, frame, batch)
    _lines(row, ego, pieces, batch)
    _controls(row, ego, controls, batch)
    one = slice(row, row + 1)
    if not _finite(batch.ego[one]):
        return 0
    if not _finite(batch.path[one]):
        return 1
    if not _finite(batch.targets[one]):
        return 2
    if not _finite(batch.objects[row]):
        return 3
    if not _finite(batch.lines[row]):
        return 5
    return -1 if _finite(batch.controls[row]) else 7
