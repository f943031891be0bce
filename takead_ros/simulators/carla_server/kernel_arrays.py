"""The world's arrays as its kernels take them, one value each."""

from __future__ import annotations

from typing import NamedTuple

from takead_ros.compiled import FlagMatrix, Indices, Matrix, Vector


class Bodies(NamedTuple):
    """All N actors, a row each (array_columns.py). pose (N, 6): x y z m, pitch yaw roll degrees; velocity (N, 3) m/s,
    spin (N, 3) degrees/s, acceleration (N, 3) m/s^2; box (N, 6) m; kinds (N,); flags (N, 3); drive and car (N, ...)."""

    pose: Matrix
    velocity: Matrix
    spin: Matrix
    acceleration: Matrix
    box: Matrix
    kinds: Indices
    flags: FlagMatrix
    drive: Matrix
    car: Matrix


class HeightGrid(NamedTuple):
    """Heights (rows, columns) m of cells ``cell`` m wide, over x and y from the corner (m) on; one if all is level."""

    heights: Matrix
    corner_x: float
    corner_y: float
    cell: float


class RayHits(NamedTuple):
    """What R rays hit first: distances (R,) m, hits (R,) the row of a box, ``GROUND`` or ``NOTHING``, cosines (R,) of
    the angle between ray and surface normal."""

    distances: Vector
    hits: Indices
    cosines: Vector
