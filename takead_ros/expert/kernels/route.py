"""Kernels of the route: its grid, places along it, the road beside it, who is in the way of which path."""

from __future__ import annotations

import numpy as np

from takead_ros.compiled import Indices, Matrix, Vector, kernel, part
from takead_ros.expert.arrays import Along, Band, Boxes, Ego, LaneGraph, RouteGrid

BAND_RANGE = 80.0  # m around the ego in which road edges are looked at
BAND_WIDTH = 25.0  # m beside the route
JUNCTION_RANGE = 40.0  # m around the ego in which crossing lanes are looked for


@part
def nearest_point(grid_x: Vector, grid_y: Vector, x: float, y: float, guess: int) -> int:
    """The first of the grid points nearest to (x, y); neighbours are at most 1 m apart. ``guess`` only saves time."""
    best, i, count = guess, 0, len(grid_x)
    least = (grid_x[best] - x) ** 2 + (grid_y[best] - y) ** 2
    root = np.sqrt(least)
    while i < count:
        square = (grid_x[i] - x) ** 2 + (grid_y[i] - y) ** 2
        if square < least or (square == least and i < best):
            best, least, root = i, square, np.sqrt(square)
        if square > (root + 2.0) ** 2:  # the points before this distance is made up for cannot be nearer
            i += max(int(min(0.999999 * (np.sqrt(square) - root), float(count))), 1)
        else:
            i += 1
    return best


@kernel
def locate(grid: RouteGrid, x: Vector, y: Vector) -> tuple[Vector, Vector, Indices]:
    """(along m, offset m, nearest grid point), each (M,), of the points x y (M,) m."""
    count = len(x)
    along, offset, at = np.empty(count), np.empty(count), np.empty(count, dtype=np.int64)
    i = grid.behind
    for m in range(count):
        i = nearest_point(grid.x, grid.y, x[m], y[m], i)
        cos, sin = np.cos(grid.yaw[i]), np.sin(grid.yaw[i])
        dx, dy = x[m] - grid.x[i], y[m] - grid.y[i]
        along[m], offset[m], at[m] = i - grid.behind + cos * dx + sin * dy, cos * dy - sin * dx, i
    return along, offset, at


@part
def _slope(values: Vector, i: int) -> float:
    """Change per grid point: central, one-sided at the ends."""
    last = len(values) - 1
    low, high = max(i - 1, 0), min(i + 1, last)
    return float((values[high] - values[low]) / (high - low))


@kernel
def grid(path: Matrix, ego: Ego, behind: int, ahead: int) -> tuple[Vector, Vector, Vector, Vector]:
    """(x, y, yaw, curvature), each (behind + ahead + 1,): points 1 m apart along ``path`` (Q, 2) m, in ``base_link``.

    Point ``behind`` is the one nearest to the ego; beyond its ends the path goes straight on. Yaw has no jumps. All are
    of length 0 where the path has no two distinct points.
    """
    cos, sin = np.cos(ego.yaw), np.sin(ego.yaw)
    px, py, arc = np.empty(len(path)), np.empty(len(path)), np.zeros(len(path))
    count, last_x, last_y = 0, 0.0, 0.0
    for q in range(len(path)):
        dx, dy = path[q, 0] - ego.x, path[q, 1] - ego.y
        x, y = dx * cos + dy * sin, dy * cos - dx * sin
        if count == 0 or np.hypot(x - last_x, y - last_y) > 1e-3:
            px[count], py[count] = x, y
            if count:
                arc[count] = arc[count - 1] + np.hypot(x - px[count - 1], y - py[count - 1])
            count += 1
        last_x, last_y = x, y
    if count < 2:
        return np.empty(0), np.empty(0), np.empty(0), np.empty(0)
    here, least = 0.0, np.inf
    for q in range(count - 1):
        dx, dy = px[q + 1] - px[q], py[q + 1] - py[q]
        share = min(max(-(px[q] * dx + py[q] * dy) / (dx * dx + dy * dy), 0.0), 1.0)
        square = (px[q] + share * dx) ** 2 + (py[q] + share * dy) ** 2
        if square < least:
            least, here = square, arc[q] + share * (arc[q + 1] - arc[q])

    length, q, total = behind + ahead + 1, 0, arc[count - 1]
    x, y = np.empty(length), np.empty(length)
    for i in range(length):
        at = here + (i - behind)
        held = min(max(at, 0.0), total)
        while q < count - 2 and arc[q + 1] <= held:
            q += 1
        step = arc[q + 1] - arc[q]
        dx, dy = (px[q + 1] - px[q]) / step, (py[q + 1] - py[q]) / step
        x[i], y[i] = px[q] + dx * (at - arc[q]), py[q] + dy * (at - arc[q])

    yaw, turned = np.empty(length), 0.0
    before = 0.0
    for i in range(length):
        raw = np.arctan2(_slope(y, i), _slope(x, i))
        if i and abs(raw - before) >= np.pi:
            turned += (raw - before + np.pi) % (2.0 * np.pi) - np.pi - (raw - before)
        before = raw
        yaw[i] = raw + turned
    turns = 2.0 * np.pi * np.floor(yaw[behind] / (2.0 * np.pi) + 0.5)
    for i in range(length):
        yaw[i] -= turns
    curvature = np.empty(length)
    for i in range(length):
        curvature[i] = 0.25 * (yaw[min(i + 2, length - 1)] - yaw[max(i - 2, 0)])
    return x, y, yaw, curvature


@kernel
def band(grid: RouteGrid, ego: Ego, edges: Matrix) -> Band:
    """The road's edges beside the route, infinite where none is known.

    edges (E, 2) m: points on them, in ``map``. Each holds for two grid points to both sides.
    """
    count = len(grid.x)
    right, left = np.full(count, -np.inf), np.full(count, np.inf)
    ego_cos, ego_sin, i = np.cos(ego.yaw), np.sin(ego.yaw), grid.behind
    for e in range(len(edges)):
        dx, dy = edges[e, 0] - ego.x, edges[e, 1] - ego.y
        if dx * dx + dy * dy >= BAND_RANGE**2:
            continue
        x, y = dx * ego_cos + dy * ego_sin, dy * ego_cos - dx * ego_sin
        i = nearest_point(grid.x, grid.y, x, y, i)
        cos, sin = np.cos(grid.yaw[i]), np.sin(grid.yaw[i])
        dx, dy = x - grid.x[i], y - grid.y[i]
        offset = cos * dy - sin * dx
        if abs(offset) >= BAND_WIDTH or abs(cos * dx + sin * dy) >= 2.0:
            continue
        for at in range(max(i - 2, 0), min(i + 3, count)):
            if offset > 0.0:
                left[at] = min(left[at], offset)
            else:
                right[at] = max(right[at], offset)
    return Band(right, left)


@kernel
def follow_route(grid: RouteGrid, boxes: Boxes, every: int) -> Along:
    """The actors along the route, at each ``every``-th time of their forecasts."""
    actors, knots = len(boxes.length), (boxes.x.shape[1] + every - 1) // every
    along, offset, same = np.empty((actors, knots)), np.empty((actors, knots)), np.empty((actors, knots))
    extent_along, extent_across = np.empty((actors, knots)), np.empty((actors, knots))
    nearest = np.empty((actors, knots), dtype=np.int64)
    grid_cos, grid_sin = np.empty(len(grid.yaw)), np.empty(len(grid.yaw))
    for i in range(len(grid.yaw)):
        grid_cos[i], grid_sin[i] = np.cos(grid.yaw[i]), np.sin(grid.yaw[i])
    for n in range(actors):
        i, heading, yaw_cos, yaw_sin = grid.behind, np.nan, 1.0, 0.0
        for s in range(knots):
            t = s * every
            i = nearest_point(grid.x, grid.y, boxes.x[n, t], boxes.y[n, t], i)
            cos, sin = grid_cos[i], grid_sin[i]
            dx, dy = boxes.x[n, t] - grid.x[i], boxes.y[n, t] - grid.y[i]
            along[n, s], offset[n, s] = i - grid.behind + cos * dx + sin * dy, cos * dy - sin * dx
            if boxes.yaw[n, t] != heading:
                heading = boxes.yaw[n, t]
                yaw_cos, yaw_sin = np.cos(heading), np.sin(heading)
            cos, sin = yaw_cos * cos + yaw_sin * sin, abs(yaw_sin * cos - yaw_cos * sin)
            same[n, s], nearest[n, s] = cos, i
            cos = abs(cos)
            half_length, half_width = 0.5 * boxes.length[n], 0.5 * boxes.width[n]
            if cos < 0.9:  # crosses on between the knots
                half_length += 0.25 * boxes.speed[n, t]
            extent_along[n, s] = half_length * cos + half_width * sin
            extent_across[n, s] = half_length * sin + half_width * cos
    return Along(along, offset, extent_along, extent_across, same, nearest)


@part
def nearest_cell(along: float, last: int) -> int:
    """The path's grid point nearest to ``along`` m, held within 0..last; 0 for NaN."""
    place = np.rint(along)
    if not place > 0.0:
        return 0
    return last if place >= last else int(place)


@kernel
def first_crossing(grid: RouteGrid, lanes: LaneGraph, ego: Ego) -> float:
    """m along the route ahead of the ego's centre to where the first lane crosses it, inf where none does."""
    ego_cos, ego_sin, i, first = np.cos(ego.yaw), np.sin(ego.yaw), grid.behind, np.inf
    for q in lanes.own:
        dx, dy = lanes.x[q] - ego.x, lanes.y[q] - ego.y
        if abs(dx) >= JUNCTION_RANGE or abs(dy) >= JUNCTION_RANGE:
            continue
        x, y = dx * ego_cos + dy * ego_sin, dy * ego_cos - dx * ego_sin
        i = nearest_point(grid.x, grid.y, x, y, i)
        cos, sin = np.cos(grid.yaw[i]), np.sin(grid.yaw[i])
        dx, dy = x - grid.x[i], y - grid.y[i]
        along, offset = i - grid.behind + cos * dx + sin * dy, cos * dy - sin * dx
        crosses = abs(offset) < 0.8 * ego.width and along > 0.5 * ego.length
        if crosses and along < first and abs(np.sin(lanes.yaw[q] - ego.yaw - grid.yaw[i])) > 0.45:
            first = along
    return first
