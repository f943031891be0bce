"""Plans as profiles over the route, the space of the anchor vocabulary.

A profile (T, 2) holds, for each of the T steps of PLAN_DT s, how much faster than now the vehicle travels along the
route on average during that step (m/s), and how far left of the route it is at the step's end (m), not counting the
present offset, which fades out over FADE_TIME. The same anchor thus means the same manoeuvre ("brake hard", "pass on
the left") at every speed and in every bend.
"""

from __future__ import annotations

import hashlib

import numpy as np

from takead_ros.compiled import prepare
from takead_ros.domain.driving import PLAN_DT, PLAN_STEPS, Plan
from takead_ros.domain.scene import FloatArray
from takead_ros.policy.arrays import RouteFrame
from takead_ros.policy.kernels.plans import plans
from takead_ros.policy.route_frame import to_route_frame

FADE_TIME = 3.0  # s in which the present offset from the route fades out of a profile
_TIMES = PLAN_DT * np.arange(1, PLAN_STEPS + 1)
_share = np.clip(_TIMES / FADE_TIME, 0.0, 1.0)
FADE: FloatArray = 1.0 - _share**2 * (3.0 - 2.0 * _share)  # (T,) smooth step from 1 to 0


def anchors_sha256(anchors: np.ndarray) -> str:
    """Fingerprint of an anchor vocabulary (K, T, 2): sha256 of its little-endian float32 bytes."""
    return hashlib.sha256(np.ascontiguousarray(anchors, dtype="<f4").tobytes()).hexdigest()


def unroll(profiles: FloatArray, speed: float | FloatArray, offset: float) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Distance along (..., T) m, offset (..., T) m and mean speed per step (..., T) m/s of profiles (..., T, 2).

    ``speed`` m/s (one, or as many as broadcast against (..., T)) and ``offset`` m are the ego's own now. Nobody drives
    backwards: speeds are held at 0.
    """
    pace = np.maximum(speed + profiles[..., 0], 0.0)
    return np.cumsum(pace, axis=-1) * PLAN_DT, profiles[..., 1] + offset * FADE, pace


def plans_from_profiles(
    profiles: FloatArray, speed: float, frame: RouteFrame
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Positions (..., T, 2) m in ``base_link``, yaw (..., T) rad and speed (..., T) m/s of profiles (..., T, 2)."""
    prepare()
    flat = np.array(profiles, dtype=float).reshape(-1, *profiles.shape[-2:])
    positions, yaws, speeds = plans(flat, float(speed), FADE, PLAN_DT, frame)
    shape = profiles.shape[:-1]
    return positions.reshape(*shape, 2), yaws.reshape(shape), speeds.reshape(shape)


def profile_from_plan(plan: Plan, speed: float, frame: RouteFrame) -> FloatArray:
    """Profile (T, 2) of a plan with T = PLAN_STEPS poses PLAN_DT apart; the inverse of ``plans_from_profiles``.

    Raises ValueError for a plan of another length or step.
    """
    if len(plan.x) != PLAN_STEPS or abs(plan.dt - PLAN_DT) > 1e-6:
        raise ValueError(f"plan of {len(plan.x)} steps of {plan.dt} s; {PLAN_STEPS} of {PLAN_DT} s are needed")
    along, offset, _ = to_route_frame(frame, plan.x, plan.y)
    pace = np.maximum(np.diff(along, prepend=0.0) / PLAN_DT, 0.0)
    return np.stack([pace - speed, offset - frame.offset * FADE], axis=-1)


def profile_distance(first: FloatArray, second: FloatArray, speed: FloatArray) -> FloatArray:
    """Root mean square distance (...) m, over the steps, of profiles (..., T, 2) driven from ``speed`` (...) m/s."""
    pace = [np.maximum(speed[..., None] + p[..., 0], 0.0) for p in (first, second)]
    along = np.cumsum(pace[0] - pace[1], axis=-1) * PLAN_DT
    return np.asarray(np.sqrt((along**2 + (first[..., 1] - second[..., 1]) ** 2).mean(-1)))


def kinematic_anchors() -> FloatArray:
    """(128, T, 2) profiles that a vehicle can drive: 16 accelerations x 7 offsets at the end, and 16 starts from rest.

    They make the vocabulary cover what no demonstration showed.
    """
    rates = np.array([-9.0, -7.0, -5.5, -4.2, -3.2, -2.4, -1.7, -1.1, -0.6, -0.2, 0.2, 0.6, 1.1, 1.7, 2.4, 3.2])
    ends = np.array([-3.5, -1.75, -0.7, 0.0, 0.7, 1.75, 3.5])
    middle = _TIMES - 0.5 * PLAN_DT
    anchors = [np.stack([rate * middle, end * (1.0 - FADE)], axis=-1) for rate in rates for end in ends]
    for wait in (0.5, 1.0, 2.0, 3.0):
        for rate in (-3.0, -1.5, 1.5, 3.0):
            anchors.append(np.stack([rate * np.maximum(middle - wait, 0.0), np.zeros(PLAN_STEPS)], axis=-1))
    return np.array(anchors)
