"""Plane geometry on numpy arrays: angles, frames, polylines, oriented boxes, the kinematic bicycle."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from takead_ros.domain.scene import FloatArray


def wrap_angle(angle: FloatArray | float) -> FloatArray:
    """Angle(s) in rad wrapped to [-pi, pi)."""
    return np.asarray((np.asarray(angle) + np.pi) % (2.0 * np.pi) - np.pi)


def unwrapped(angle: FloatArray) -> FloatArray:
    """Angles (..., N) rad without jumps of a full turn along the last axis; at once where there are none."""
    if (np.abs(angle[..., 1:] - angle[..., :-1]) < np.pi).all():
        return angle
    return np.asarray(np.unwrap(angle))


def to_local(points: FloatArray, x: float, y: float, yaw: float) -> FloatArray:
    """Points (..., 2) m from the outer frame into the frame at pose (x, y, yaw)."""
    cos, sin = np.cos(yaw), np.sin(yaw)
    shifted = np.asarray(points) - (x, y)
    return np.asarray(shifted @ np.array([[cos, -sin], [sin, cos]]))


def to_outer(points: FloatArray, x: float, y: float, yaw: float) -> FloatArray:
    """Points (..., 2) m from the frame at pose (x, y, yaw) into the outer frame; inverse of ``to_local``."""
    cos, sin = np.cos(yaw), np.sin(yaw)
    return np.asarray(np.asarray(points) @ np.array([[cos, sin], [-sin, cos]]) + (x, y))


def box_corners(x: FloatArray, y: FloatArray, yaw: FloatArray, length: FloatArray, width: FloatArray) -> FloatArray:
    """Corners (..., 4, 2) m of oriented boxes, counter-clockwise from front left. All inputs broadcast."""
    cos, sin = np.cos(yaw), np.sin(yaw)
    along, across = np.asarray(length) / 2.0, np.asarray(width) / 2.0
    ahead_x, ahead_y, left_x, left_y = cos * along, sin * along, sin * across, cos * across
    corners = np.empty((*np.broadcast(x, y, ahead_x, left_x).shape, 4, 2))
    corners[..., 0, 0], corners[..., 0, 1] = x + ahead_x - left_x, y + ahead_y + left_y
    corners[..., 1, 0], corners[..., 1, 1] = x - ahead_x - left_x, y - ahead_y + left_y
    corners[..., 2, 0], corners[..., 2, 1] = x - ahead_x + left_x, y - ahead_y - left_y
    corners[..., 3, 0], corners[..., 3, 1] = x + ahead_x + left_x, y + ahead_y - left_y
    return corners


def boxes_overlap(first: FloatArray, second: FloatArray) -> np.ndarray:
    """Whether oriented boxes (..., 4, 2) m overlap, broadcasting; separating-axis theorem. Touching is no overlap."""
    first, second = np.broadcast_arrays(first, second)
    apart = np.zeros(first.shape[:-2], dtype=bool)
    for box in (first, second):
        for corner in (0, 1):
            axis = box[..., corner + 1, :] - box[..., corner, :]
            shadow_first = np.einsum("...ij,...j->...i", first, axis)
            shadow_second = np.einsum("...ij,...j->...i", second, axis)
            apart |= shadow_first.max(-1) <= shadow_second.min(-1)
            apart |= shadow_second.max(-1) <= shadow_first.min(-1)
    return ~apart


def arc_lengths(points: FloatArray) -> FloatArray:
    """Distance (P,) m along a polyline (P, 2) m to each of its points."""
    steps = np.hypot(*np.diff(points, axis=0).T)
    return np.concatenate([[0.0], np.cumsum(steps)])


def project(points: FloatArray, x: float, y: float) -> tuple[float, float, float]:
    """Where (x, y) lies on a polyline (P >= 2, 2) m: (distance along m, lateral m positive left, heading rad there)."""
    start, end = points[:-1], points[1:]
    along = end - start
    length = np.maximum(np.hypot(along[:, 0], along[:, 1]), 1e-9)
    offset = np.array([x, y]) - start
    share = np.minimum(np.maximum((offset * along).sum(1) / length**2, 0.0), 1.0)
    nearest = start + share[:, None] * along
    i = int(np.argmin(np.hypot(nearest[:, 0] - x, nearest[:, 1] - y)))
    lateral = (along[i, 0] * offset[i, 1] - along[i, 1] * offset[i, 0]) / length[i]
    distance = float(length[:i].sum() + share[i] * length[i])
    return distance, float(lateral), float(np.arctan2(along[i, 1], along[i, 0]))


def points_at(points: FloatArray, distances: FloatArray) -> FloatArray:
    """Points (..., 2) m at ``distances`` (...) m along a polyline (P, 2) m, held at its ends."""
    arc = arc_lengths(points)
    return np.stack([np.interp(distances, arc, points[:, 0]), np.interp(distances, arc, points[:, 1])], axis=-1)


@dataclass(frozen=True)
class Path:
    """A path (P, 2) m about 1 m apart, with its arc (P,) m and heading (P,) rad (unwrapped)."""

    points: FloatArray
    arc: FloatArray = field(init=False)
    yaw: FloatArray = field(init=False)

    def __post_init__(self) -> None:
        step = np.gradient(self.points, axis=0)
        object.__setattr__(self, "arc", arc_lengths(self.points))
        object.__setattr__(self, "yaw", np.unwrap(np.arctan2(step[:, 1], step[:, 0])))

    def at(self, s: float) -> tuple[float, float, float]:
        """Point and heading (x m, y m, yaw rad) at ``s`` m."""
        return (
            float(np.interp(s, self.arc, self.points[:, 0])),
            float(np.interp(s, self.arc, self.points[:, 1])),
            float(np.interp(s, self.arc, self.yaw)),
        )


def bicycle_rollout(
    x: float,
    y: float,
    yaw: float,
    speed: float,
    steering_angle: FloatArray,
    acceleration: FloatArray,
    wheelbase: float,
    dt: float,
) -> FloatArray:
    """States (..., T, 4) [x m, y m, yaw rad, speed m/s] of a kinematic bicycle whose reference point is the centre.

    ``steering_angle`` rad and ``acceleration`` m/s^2 have shape (..., T), one value per step of ``dt`` s. Speed is
    held at zero or above. Source: Rajamani, Vehicle Dynamics and Control, eq. 2.3, with equal axle distances.
    """
    steer, accel = np.broadcast_arrays(steering_angle, acceleration)
    slip = np.arctan(0.5 * np.tan(steer))
    states = np.empty((*steer.shape, 4))
    px, py, heading, v = (np.full(steer.shape[:-1], value, dtype=float) for value in (x, y, yaw, speed))
    for i in range(steer.shape[-1]):
        v_next = np.maximum(v + accel[..., i] * dt, 0.0)
        mean = 0.5 * (v + v_next)
        turn = mean * np.sin(slip[..., i]) / (0.5 * wheelbase) * dt
        direction = heading + slip[..., i] + 0.5 * turn
        px, py = px + mean * np.cos(direction) * dt, py + mean * np.sin(direction) * dt
        heading, v = heading + turn, v_next
        states[..., i, :] = np.stack([px, py, heading, v], axis=-1)
    return states
