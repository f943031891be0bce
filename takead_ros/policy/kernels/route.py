"""Kernels of the route's own frame: how it lies, and places along it."""

from __future__ import annotations

import numpy as np

from takead_ros.compiled import Matrix, Vector, kernel, part
from takead_ros.domain.kernels import interpolate_on, piece_of, wrapped
from takead_ros.policy.arrays import Frames, RouteFrame

EXTENSION = 200.0  # m of straight road assumed before and after the path
DISTINCT = 1e-3  # m between two points of it


@part
def observed_frame(frames: Frames, b: int) -> RouteFrame:
    """The frame of observation ``b``: views into its row."""
    room = frames.used[b]
    points, heading, arc = frames.points[b, :room], frames.heading[b, :room], frames.arc[b, :room]
    return RouteFrame(points, heading, arc, frames.offset[b], frames.heading_error[b])


@part
def point_from_frame(frame: RouteFrame, along: float, offset: float) -> tuple[float, float, float]:
    """(x m, y m, path heading rad) of the place ``along`` m ahead and ``offset`` m left."""
    i = piece_of(along, frame.arc)
    heading = interpolate_on(i, along, frame.arc, frame.heading)
    x = interpolate_on(i, along, frame.arc, frame.points[:, 0])
    y = interpolate_on(i, along, frame.arc, frame.points[:, 1])
    return x - offset * np.sin(heading), y + offset * np.cos(heading), heading


@part
def _project(points: Matrix, x: float, y: float) -> tuple[int, float, float]:
    """(segment, share of it in [0, 1], signed distance m) of the point x, y on ``points`` (P, 2)."""
    nearest, share, least, side = 0, 0.0, np.inf, 0.0
    for i in range(len(points) - 1):
        ahead, aside = points[i + 1, 0] - points[i, 0], points[i + 1, 1] - points[i, 1]
        dx, dy = x - points[i, 0], y - points[i, 1]
        on = min(max((dx * ahead + dy * aside) / (ahead * ahead + aside * aside), 0.0), 1.0)
        apart = (dx - on * ahead) ** 2 + (dy - on * aside) ** 2
        if apart < least:
            nearest, share, least, side = i, on, apart, ahead * dy - aside * dx
    return nearest, share, float(np.copysign(np.sqrt(least), side))


@part
def point_to_frame(frame: RouteFrame, x: float, y: float) -> tuple[float, float, float]:
    """(distance ahead m, offset m, path heading rad) of the point x, y in ``base_link``."""
    i, share, lateral = _project(frame.points, x, y)
    along = frame.arc[i] + share * (frame.arc[i + 1] - frame.arc[i])
    return along, lateral, frame.heading[i] + share * (frame.heading[i + 1] - frame.heading[i])


@kernel
def points_from_frame(frame: RouteFrame, along: Vector, offset: Vector) -> tuple[Vector, Vector, Vector]:
    """(x m, y m, path heading rad), each (N,), of places ``along`` (N,) m ahead and ``offset`` (N,) m left."""
    x, y, heading = np.empty(len(along)), np.empty(len(along)), np.empty(len(along))
    for n in range(len(along)):
        x[n], y[n], heading[n] = point_from_frame(frame, along[n], offset[n])
    return x, y, heading


@kernel
def points_to_frame(frame: RouteFrame, x: Vector, y: Vector) -> tuple[Vector, Vector, Vector]:
    """(distance ahead m, offset m, path heading rad), each (N,), of points x y (N,) in ``base_link``."""
    along, lateral, heading = np.empty(len(x)), np.empty(len(x)), np.empty(len(x))
    for n in range(len(x)):
        along[n], lateral[n], heading[n] = point_to_frame(frame, x[n], y[n])
    return along, lateral, heading


@kernel
def frame_of(path: Matrix, x: float, y: float, yaw: float) -> RouteFrame:
    """The frame of a path (P, 2) m in ``map`` seen from the pose x y m, yaw rad.

    Its arrays are of length 0 where the path has no two distinct points. Everything is finite where the arguments are.
    """
    room = len(path) + 2
    points, heading, arc = np.empty((room, 2)), np.empty(room), np.empty(room)
    count, offset, error = lay_frame(path[:, 0], path[:, 1], x, y, yaw, points, heading, arc)
    return RouteFrame(points[:count], heading[:count], arc[:count], offset, error)


@part
def lay_frame(
    path_x: Vector, path_y: Vector, x: float, y: float, yaw: float, points: Matrix, heading: Vector, arc: Vector
) -> tuple[int, float, float]:
    """``frame_of`` into points (>= P + 2, 2), heading and arc (>= P + 2,): (how many hold something, offset m, heading
    error rad)."""
    cos, sin = np.cos(yaw), np.sin(yaw)
    count, last_x, last_y = 1, 0.0, 0.0
    for p in range(len(path_x)):
        dx, dy = path_x[p] - x, path_y[p] - y
        there_x, there_y = dx * cos + dy * sin, dy * cos - dx * sin
        step = np.hypot(there_x - last_x, there_y - last_y)
        if p == 0 or step > DISTINCT or not np.isfinite(step):
            points[count, 0], points[count, 1] = there_x, there_y
            count += 1
        last_x, last_y = there_x, there_y
    if count < 3:
        return 0, 0.0, 0.0
    # the heading at a point is the mean of those of the pieces that meet there
    before, first_length, length = 0.0, 0.0, 0.0
    arc[0], arc[1] = -EXTENSION, 0.0
    for i in range(1, count - 1):
        ahead, aside = points[i + 1, 0] - points[i, 0], points[i + 1, 1] - points[i, 1]
        length = np.sqrt(ahead * ahead + aside * aside)
        segment = np.arctan2(aside, ahead)
        if i == 1:
            first_length = length
            heading[0], heading[1] = segment, segment
        else:
            segment = before + wrapped(segment - before)
            heading[i] = 0.5 * (before + segment)
        before = segment
        arc[i + 1] = arc[i] + length
    heading[count - 1], heading[count] = before, before
    arc[count] = arc[count - 1] + EXTENSION
    for axis in range(2):
        first = (points[2, axis] - points[1, axis]) / first_length
        last = (points[count - 1, axis] - points[count - 2, axis]) / length
        points[0, axis] = points[1, axis] - EXTENSION * first
        points[count, axis] = points[count - 1, axis] + EXTENSION * last
    count += 1
    i, share, lateral = _project(points[:count], 0.0, 0.0)
    start = arc[i] + share * (arc[i + 1] - arc[i])
    direction = heading[i] + share * (heading[i + 1] - heading[i])
    for p in range(count):
        arc[p] -= start
    return count, lateral, wrapped(-direction)
