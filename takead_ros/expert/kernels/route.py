"""Kernels of the route: its grid, places along it, the road beside it, who is in the way of which path."""

from __future__ import annotations

import numpy as np

from takead_ros.compiled import FlagCube, Flags, Indices, Matrix, Vector, kernel, part

BAND_RANGE = 80.0  # m around the ego in which road edges are looked at
BAND_WIDTH = 25.0  # m beside the route
JUNCTION_RANGE = 40.0  # m around the ego in which crossing lanes are looked for


@part
def _nearest(grid_x: Vector, grid_y: Vector, x: float, y: float, guess: int) -> int:
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
def locate(
    grid_x: Vector, grid_y: Vector, grid_yaw: Vector, behind: int, x: Vector, y: Vector
) -> tuple[Vector, Vector, Indices]:
    """(along m, offset m, nearest grid point), each (M,), of the points x y (M,) m; grid point ``behind`` is at 0 m."""
    count = len(x)
    along, offset, at = np.empty(count), np.empty(count), np.empty(count, dtype=np.int64)
    i = behind
    for m in range(count):
        i = _nearest(grid_x, grid_y, x[m], y[m], i)
        cos, sin = np.cos(grid_yaw[i]), np.sin(grid_yaw[i])
        dx, dy = x[m] - grid_x[i], y[m] - grid_y[i]
        along[m], offset[m], at[m] = i - behind + cos * dx + sin * dy, cos * dy - sin * dx, i
    return along, offset, at


@part
def _slope(values: Vector, i: int) -> float:
    """Change per grid point: central, one-sided at the ends."""
    last = len(values) - 1
    low, high = max(i - 1, 0), min(i + 1, last)
    return float((values[high] - values[low]) / (high - low))


@kernel
def grid(
    path: Matrix, ego_x: float, ego_y: float, ego_yaw: float, behind: int, ahead: int
) -> tuple[Vector, Vector, Vector, Vector]:
    """(x, y, yaw, curvature), each (behind + ahead + 1,): points 1 m apart along ``path`` (Q, 2) m, in ``base_link``.

    Point ``behind`` is the one nearest to the ego; beyond its ends the path goes straight on. Yaw has no jumps. All are
    of length 0 where the path has no two distinct points.
    """
    cos, sin = np.cos(ego_yaw), np.sin(ego_yaw)
    px, py, arc = np.empty(len(path)), np.empty(len(path)), np.zeros(len(path))
    count, last_x, last_y = 0, 0.0, 0.0
    for q in range(len(path)):
        dx, dy = path[q, 0] - ego_x, path[q, 1] - ego_y
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
def band(
    grid_x: Vector, grid_y: Vector, grid_yaw: Vector, behind: int,
    edges: Matrix, ego_x: float, ego_y: float, ego_yaw: float,
) -> tuple[Vector, Vector]:  # fmt: skip
    """(right, left) (P,) m: how far from the route the road reaches at each grid point, infinite where unknown.

    edges (E, 2) m: points on the road's edges, in ``map``. Each holds for two grid points to both sides.
    """
    count = len(grid_x)
    right, left = np.full(count, -np.inf), np.full(count, np.inf)
    ego_cos, ego_sin, i = np.cos(ego_yaw), np.sin(ego_yaw), behind
    for e in range(len(edges)):
        dx, dy = edges[e, 0] - ego_x, edges[e, 1] - ego_y
        if dx * dx + dy * dy >= BAND_RANGE**2:
            continue
        x, y = dx * ego_cos + dy * ego_sin, dy * ego_cos - dx * ego_sin
        i = _nearest(grid_x, grid_y, x, y, i)
        cos, sin = np.cos(grid_yaw[i]), np.sin(grid_yaw[i])
        dx, dy = x - grid_x[i], y - grid_y[i]
        offset = cos * dy - sin * dx
        if abs(offset) >= BAND_WIDTH or abs(cos * dx + sin * dy) >= 2.0:
            continue
        for at in range(max(i - 2, 0), min(i + 3, count)):
            if offset > 0.0:
                left[at] = min(left[at], offset)
            else:
                right[at] = max(right[at], offset)
    return right, left


@part
def _cell(along: float, last: int) -> int:
    """The path's grid point nearest to ``along`` m, held within 0..last; 0 for NaN."""
    place = np.rint(along)
    if not place > 0.0:
        return 0
    return last if place >= last else int(place)


@kernel
def corridor(
    grid_x: Vector, grid_y: Vector, grid_yaw: Vector, behind: int,
    x: Matrix, y: Matrix, yaw: Matrix, v: Matrix, every: int,
    length: Vector, width: Vector, margin: Vector, path_offset: Matrix, ego_width: float,
) -> tuple[Matrix, Matrix, Matrix, Matrix, Matrix, FlagCube]:  # fmt: skip
    """(along, offset, extent_along, extent_across, same, inside) of ``rules.Corridor``.

    x y yaw v (N, T): the actors' forecasts, of which each ``every``-th is looked at; length width (N,) m; margin (N,)
    m: kept to each; path_offset (L, G) m: the paths beside the route.
    """
    actors, knots = len(length), (x.shape[1] + every - 1) // every
    paths, last = path_offset.shape[0], path_offset.shape[1] - 1
    along, offset, same = np.empty((actors, knots)), np.empty((actors, knots)), np.empty((actors, knots))
    extent_along, extent_across = np.empty((actors, knots)), np.empty((actors, knots))
    inside = np.zeros((paths, actors, knots), dtype=np.bool_)
    grid_cos, grid_sin = np.empty(len(grid_yaw)), np.empty(len(grid_yaw))
    for i in range(len(grid_yaw)):
        grid_cos[i], grid_sin[i] = np.cos(grid_yaw[i]), np.sin(grid_yaw[i])
    for n in range(actors):
        i, heading, yaw_cos, yaw_sin = behind, np.nan, 1.0, 0.0
        for s in range(knots):
            t = s * every
            i = _nearest(grid_x, grid_y, x[n, t], y[n, t], i)
            cos, sin = grid_cos[i], grid_sin[i]
            dx, dy = x[n, t] - grid_x[i], y[n, t] - grid_y[i]
            there, beside = i - behind + cos * dx + sin * dy, cos * dy - sin * dx
            if yaw[n, t] != heading:
                heading = yaw[n, t]
                yaw_cos, yaw_sin = np.cos(heading), np.sin(heading)
            cos, sin = yaw_cos * cos + yaw_sin * sin, abs(yaw_sin * cos - yaw_cos * sin)
            along[n, s], offset[n, s], same[n, s] = there, beside, cos
            cos = abs(cos)
            half_length, half_width = 0.5 * length[n], 0.5 * width[n]
            if cos < 0.9:  # crosses on between the knots
                half_length += 0.25 * v[n, t]
            ahead, across = half_length * cos + half_width * sin, half_length * sin + half_width * cos
            extent_along[n, s], extent_across[n, s] = ahead, across
            if i == 0 or i == len(grid_x) - 1:
                continue
            reach = 0.5 * ego_width + margin[n] + across
            for path in range(paths):
                inside[path, n, s] = (
                    abs(beside - path_offset[path, _cell(there - ahead, last)]) < reach
                    or abs(beside - path_offset[path, _cell(there, last)]) < reach
                    or abs(beside - path_offset[path, _cell(there + ahead, last)]) < reach
                )
    return along, offset, extent_along, extent_across, same, inside


@kernel
def nearby(along: Matrix, offset: Matrix, extent_across: Matrix, reach: Vector, path_offset: Matrix) -> Flags:
    """(N,) bool: whose side comes within ``reach`` (N,) m of a path (L, G) at some knot; the rest is ``corridor``'s."""
    actors, knots = along.shape
    close = np.zeros(actors, dtype=np.bool_)
    for n in range(actors):
        for s in range(knots):
            if -30.0 < along[n, s] < 110.0 and not close[n]:
                at = _cell(along[n, s], path_offset.shape[1] - 1)
                for path in range(path_offset.shape[0]):
                    close[n] |= abs(offset[n, s] - path_offset[path, at]) < reach[n] + extent_across[n, s]
    return close


@kernel
def first_crossing(
    grid_x: Vector, grid_y: Vector, grid_yaw: Vector, behind: int,
    lane_x: Vector, lane_y: Vector, lane_yaw: Vector, own: Indices,
    ego_x: float, ego_y: float, ego_yaw: float, length: float, width: float,
) -> float:  # fmt: skip
    """m along the route ahead of the ego's front to where the first lane crosses it, inf where none does.

    lane_x lane_y lane_yaw (Q,) in ``map``, at the points ``own`` (R,); length width m are the ego's.
    """
    ego_cos, ego_sin, i, first = np.cos(ego_yaw), np.sin(ego_yaw), behind, np.inf
    for q in own:
        dx, dy = lane_x[q] - ego_x, lane_y[q] - ego_y
        if abs(dx) >= JUNCTION_RANGE or abs(dy) >= JUNCTION_RANGE:
            continue
        x, y = dx * ego_cos + dy * ego_sin, dy * ego_cos - dx * ego_sin
        i = _nearest(grid_x, grid_y, x, y, i)
        cos, sin = np.cos(grid_yaw[i]), np.sin(grid_yaw[i])
        dx, dy = x - grid_x[i], y - grid_y[i]
        along, offset = i - behind + cos * dx + sin * dy, cos * dy - sin * dx
        crosses = abs(offset) < 0.8 * width and along > 0.5 * length
        if crosses and along < first and abs(np.sin(lane_yaw[q] - ego_yaw - grid_yaw[i])) > 0.45:
            first = along
    return first
