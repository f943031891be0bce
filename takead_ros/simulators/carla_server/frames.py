"""Rotations and transforms in CARLA's left-handed frame (x forward, y right, z up; pitch up, yaw to the right)."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from takead_ros.simulators.carla_server.values import Rotation, Transform, Vector3D

Matrix3 = NDArray[np.float64]


def rotation_matrix(rotation: Rotation) -> Matrix3:
    """(3, 3): its columns are the turned axes in the frame around."""
    cp, sp = _cos_sin(rotation.pitch)
    cy, sy = _cos_sin(rotation.yaw)
    cr, sr = _cos_sin(rotation.roll)
    return np.array(
        [
            [cp * cy, cy * sp * sr - sy * cr, -cy * sp * cr - sy * sr],
            [cp * sy, sy * sp * sr + cy * cr, -sy * sp * cr + cy * sr],
            [sp, -cp * sr, cp * cr],
        ]
    )


def rotation_of(matrix: Matrix3) -> Rotation:
    """The angles of a rotation matrix, pitch within 90 degrees."""
    pitch = math.asin(min(max(float(matrix[2, 0]), -1.0), 1.0))
    if abs(matrix[2, 0]) > 1.0 - 1e-9:  # straight up or down: yaw and roll are one
        return Rotation(math.degrees(pitch), math.degrees(math.atan2(-matrix[0, 1], matrix[1, 1])), 0.0)
    yaw = math.atan2(float(matrix[1, 0]), float(matrix[0, 0]))
    roll = math.atan2(-float(matrix[2, 1]), float(matrix[2, 2]))
    return Rotation(math.degrees(pitch), math.degrees(yaw), math.degrees(roll))


def inside(outer: Transform, inner: Transform) -> Transform:
    """``inner``, told in the frame of ``outer``, in the frame around that."""
    turned = rotation_matrix(outer.rotation)
    x, y, z = turned @ inner.location
    if inner.rotation == (0.0, 0.0, 0.0):
        rotation = outer.rotation
    else:
        rotation = rotation_of(turned @ rotation_matrix(inner.rotation))
    at = outer.location
    return Transform(Vector3D(float(at.x + x), float(at.y + y), float(at.z + z)), rotation)


def _cos_sin(degrees: float) -> tuple[float, float]:
    angle = math.radians(degrees)
    return math.cos(angle), math.sin(angle)
