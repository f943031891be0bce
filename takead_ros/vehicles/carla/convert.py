"""From carla_ros_bridge's messages to domain types. Pure; duck-typed on the message classes.

The bridge already publishes in right-handed ``map`` (ENU of CARLA's world with y flipped). Its traps that matter here:
odometry's linear twist is wrong on slopes (``body_velocity``) and its angular rate is not rotated into the body frame,
so speed is taken from ``vehicle_status`` and the yaw rate (about the vertical axis of ``map``) is used as it is;
``objects`` hold vehicles and walkers only, neither props nor the ego; object twists are in ``map``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from takead_ros.domain.geometry import project, wrap_angle
from takead_ros.domain.scene import ControlKind, EgoState, FloatArray, LightState, ObjectKind, Objects, TrafficControl

# derived_object_msgs/Object classifications
_KINDS = {
    4: ObjectKind.PEDESTRIAN,
    5: ObjectKind.CYCLIST,
    6: ObjectKind.CAR,
    7: ObjectKind.TRUCK,
    8: ObjectKind.CYCLIST,
    9: ObjectKind.TRUCK,
    10: ObjectKind.OBSTACLE,
}
NARROW_M = 1.1  # CARLA's two-wheelers are at most 0.87 m wide, its cars at least 1.48
# carla_msgs/CarlaTrafficLightStatus states
_LIGHTS = {0: LightState.RED, 1: LightState.YELLOW, 2: LightState.GREEN}

BESIDE = 2.0  # m from the route within which a stop point is on it
ASTRAY = float(np.deg2rad(60.0))


def yaw_of(quaternion: Any) -> float:
    """Yaw in rad of a geometry_msgs/Quaternion."""
    x, y, z, w = quaternion.x, quaternion.y, quaternion.z, quaternion.w
    return float(np.arctan2(2.0 * (w * z + x * y), 1.0 - 2.0 * (y * y + z * z)))


def body_velocity(quaternion: Any, linear: Any) -> FloatArray:
    """Velocity in the body frame, (3,) m/s, of the linear twist of the bridge's odometry.

    The bridge turns CARLA's left-handed vector by the right-handed rotation R from body to ``map``, and flips y
    afterwards: with F for the flip, its twist is F R F v_map. That is R^T v_map, as it should be, on the level only;
    elsewhere it leaks speed into the lateral (0.3 m/s at 10 m/s on 10 degrees). v_map = F R^T F twist.
    """
    x, y, z, w = quaternion.x, quaternion.y, quaternion.z, quaternion.w
    rotation = np.array(
        [
            [1.0 - 2.0 * (y * y + z * z), 2.0 * (x * y - z * w), 2.0 * (x * z + y * w)],
            [2.0 * (x * y + z * w), 1.0 - 2.0 * (x * x + z * z), 2.0 * (y * z - x * w)],
            [2.0 * (x * z - y * w), 2.0 * (y * z + x * w), 1.0 - 2.0 * (x * x + y * y)],
        ]
    )
    flip = np.array([1.0, -1.0, 1.0])
    in_map = flip * (rotation.T @ (flip * np.array([linear.x, linear.y, linear.z])))
    return np.asarray(rotation.T @ in_map)


@dataclass(frozen=True)
class Chassis:
    """The measures of a vehicle: length, width, wheelbase in m, largest angle of its front wheels in rad."""

    length: float
    width: float
    wheelbase: float
    max_steering_angle: float


def ego_from_bridge(
    odometry: Any,
    status: Any,
    previous: EgoState | None,
    dt: float,
    chassis: Chassis,
    steering_share: Callable[[float], float],
) -> EgoState:
    """Ego state from nav_msgs/Odometry and CarlaEgoVehicleStatus.

    steering_share: how much of the largest angle full steer reaches at a speed (m/s). Accelerations are
    differences against ``previous`` over ``dt`` s, since the bridge's are in ``map`` and noisy.
    """
    pose, twist = odometry.pose.pose, odometry.twist.twist
    yaw = yaw_of(pose.orientation)
    velocity = body_velocity(pose.orientation, twist.linear)
    forward = 1.0 if velocity[0] >= 0.0 else -1.0
    speed = forward * float(status.velocity)
    yaw_rate = float(twist.angular.z)
    known = previous is not None and dt > 0.0
    return EgoState(
        x=float(pose.position.x),
        y=float(pose.position.y),
        yaw=yaw,
        speed=speed,
        lateral_speed=float(velocity[1]),
        yaw_rate=yaw_rate,
        acceleration=(speed - previous.speed) / dt if known and previous is not None else 0.0,
        lateral_acceleration=speed * yaw_rate,
        steering_angle=-float(status.control.steer) * chassis.max_steering_angle * steering_share(speed),
        **asdict(chassis),
    )


def objects_from_bridge(messages: Iterable[Any], ego_id: int) -> Objects:
    """Objects from derived_object_msgs/Object, sorted by id, fully visible until a line-of-sight check says less.

    Objects that are no box (fewer than two dimensions) are left out: without a size nothing can be said of them.
    """
    rows = []
    for message in messages:
        size = list(message.shape.dimensions)
        if message.id == ego_id or len(size) < 2:
            continue
        pose, velocity = message.pose, message.twist.linear
        kind = _KINDS.get(int(message.classification), ObjectKind.UNKNOWN)
        if kind is ObjectKind.CAR and size[1] < NARROW_M:  # the bridge calls who has no object_type a car
            kind = ObjectKind.CYCLIST
        rows.append(
            (
                int(message.id),
                int(kind),
                pose.position.x,
                pose.position.y,
                yaw_of(pose.orientation),
                velocity.x,
                velocity.y,
                size[0],
                size[1],
                1.0,
            )
        )
    if not rows:
        return Objects.empty()
    columns = list(zip(*sorted(rows), strict=True))
    ids, kinds = (np.array(column, dtype=np.int64) for column in columns[:2])
    return Objects(ids, kinds, *(np.array(column, dtype=float) for column in columns[2:]))


def light_state(state: int) -> LightState:
    """Our state for a CarlaTrafficLightStatus state; OFF and unknown numbers are UNKNOWN."""
    return _LIGHTS.get(int(state), LightState.UNKNOWN)


def light_on_route(
    light: int, state: LightState, stops: FloatArray, path: FloatArray, ego_along: float, half_length: float
) -> TrafficControl | None:
    """The control for a light where one of its ``stops`` (S, 3) [x m, y m, yaw rad] lies on the route, else None.

    path (P, 2) m, 1 m apart: a piece of the route; ``ego_along`` m: the ego's place on it. On the route: within 2 m, in
    its direction.
    """
    for x, y, yaw in stops:
        if np.hypot(path[:, 0] - x, path[:, 1] - y).min() > np.hypot(BESIDE, 0.5):  # before or beyond the piece
            continue
        along, lateral, heading = project(path, float(x), float(y))
        if abs(lateral) < BESIDE and abs(float(wrap_angle(heading - yaw))) < ASTRAY:
            distance = along - ego_along - half_length
            return TrafficControl(light, ControlKind.TRAFFIC_LIGHT, state, float(x), float(y), heading, distance)
    return None
