"""How a road user moves under what is predicted for it: acceleration and turn, held for a while.

A vehicle or cyclist turns by a curvature (1/m): standing, it does not; people on foot turn by a rate (rad/s). Nobody
goes backwards. Both are bounded by what such bodies can do.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from takead_ros.domain.scene import FloatArray
from takead_ros.prediction.features import STEP_S

GAINS_MPS2, BRAKES_MPS2 = 4.0, 9.0
CURVATURE_1PM, TURN_RADPS = 0.25, 2.0
SIDEWAYS_MPS2 = 6.0


def advanced(
    pose: FloatArray, speed: FloatArray, control: FloatArray, on_foot: NDArray[np.bool_], dt: float
) -> tuple[FloatArray, FloatArray]:
    """Poses (..., 3) [x m, y m, yaw rad] and speeds (...) m/s after dt s under controls (..., 2) [m/s^2, 1/m or
    rad/s]; who comes to stand within dt stays."""
    gain, turn = control[..., 0], control[..., 1]
    moves = np.where(gain < 0.0, np.minimum(dt, speed / np.maximum(-gain, 1e-6)), dt)  # s until it stands
    way = speed * moves + 0.5 * gain * moves**2
    curvature = np.clip(turn, -1.0, 1.0) * np.minimum(1.0, SIDEWAYS_MPS2 / np.maximum(np.abs(turn) * speed**2, 1e-6))
    change = np.where(on_foot, turn * dt, curvature * way)
    heading = pose[..., 2] + 0.5 * change
    after = np.stack(
        [pose[..., 0] + way * np.cos(heading), pose[..., 1] + way * np.sin(heading), pose[..., 2] + change], axis=-1
    )
    return after, np.maximum(speed + gain * dt, 0.0)


def unrolled(controls: FloatArray, speed: FloatArray, on_foot: NDArray[np.bool_]) -> FloatArray:
    """States (..., T, 4) [x m, y m, yaw rad, speed m/s] at each STEP_S from the origin on, under controls (..., T, 2);
    speed (...) m/s at first."""
    pose, found = np.zeros((*controls.shape[:-2], 3)), []
    now, foot = np.broadcast_to(speed, controls.shape[:-2]), np.broadcast_to(on_foot, controls.shape[:-2])
    for t in range(controls.shape[-2]):
        pose, now = advanced(pose, now, controls[..., t, :], foot, STEP_S)
        found.append(np.concatenate([pose, now[..., None]], axis=-1))
    return np.stack(found, axis=-2)
