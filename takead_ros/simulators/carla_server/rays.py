"""Casting rays against the boxes of actors and the ground: the geometry of lidar, radar and the obstacle sensor."""

from __future__ import annotations

import numpy as np

from takead_ros.compiled import Matrix, Vector, kernel
from takead_ros.simulators.carla_server.kernel_arrays import HeightGrid, RayHits
from takead_ros.simulators.carla_server.motion import height_at

NOTHING, GROUND = -2, -1
GROUND_STEP_M = 0.5  # along a ray over ground that is not level


@kernel
def cast(origin: Vector, directions: Matrix, reach: float, boxes: Matrix, grid: HeightGrid, hits: RayHits) -> None:
    """What each ray hits first, within ``reach`` m, into ``hits``.

    origin (3,) m, directions (R, 3) unit vectors, boxes (B, 15): centre m, half lengths m, and the rotation from the
    box to the world by rows.
    """
    heights = grid.heights
    level = heights.shape[0] == 1 and heights.shape[1] == 1
    for r in range(len(directions)):
        dx, dy, dz = directions[r, 0], directions[r, 1], directions[r, 2]
        best, hit, cosine = reach, NOTHING, 0.0
        if level:
            if dz < -1e-9:
                far = (heights[0, 0] - origin[2]) / dz
                if 0.0 < far < best:
                    best, hit, cosine = far, GROUND, -dz
        else:
            far = 0.0
            while far < best:
                far += GROUND_STEP_M
                below = height_at(origin[0] + far * dx, origin[1] + far * dy, grid)
                if origin[2] + far * dz <= below:
                    if far < best:
                        best, hit, cosine = far, GROUND, abs(dz)
                    break
        for b in range(len(boxes)):
            ox, oy, oz = boxes[b, 0] - origin[0], boxes[b, 1] - origin[1], boxes[b, 2] - origin[2]
            near, far_side, axis = -np.inf, np.inf, -1
            for k in range(3):
                # column k of the rotation: the box's own axis in the world
                ax, ay, az = boxes[b, 6 + k], boxes[b, 9 + k], boxes[b, 12 + k]
                along, middle, half = ax * dx + ay * dy + az * dz, ax * ox + ay * oy + az * oz, boxes[b, 3 + k]
                if abs(along) < 1e-12:
                    if abs(middle) > half:
                        near = np.inf
                    continue
                first, second = (middle - half) / along, (middle + half) / along
                if first > second:
                    first, second = second, first
                if first > near:
                    near, axis = first, k
                far_side = min(far_side, second)
            if near <= far_side and 0.0 < near < best:
                best, hit = near, b
                cosine = abs(boxes[b, 6 + axis] * dx + boxes[b, 9 + axis] * dy + boxes[b, 12 + axis] * dz)
        hits.distances[r], hits.hits[r], hits.cosines[r] = best, hit, cosine
