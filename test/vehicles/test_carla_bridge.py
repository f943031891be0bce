"""What carla_ros_bridge gets wrong, computed as it computes it (carla_common/transforms.py), and what is made of it.

Its other traps have their tests beside what they concern: the sign of steer and the dropped turn commands in
test_carla_control and test_carla_road, the ego among the objects in test_carla_assembly, the latched override in
test/ros/test_vehicle_carla.
"""

from __future__ import annotations

import itertools
from types import SimpleNamespace as Msg
from typing import Any

import numpy as np
import pytest

from takead_ros.vehicles.carla.convert import Chassis, body_velocity, ego_from_bridge

CHASSIS = Chassis(4.8, 2.2, 2.9, 1.2)
SLOPES = list(itertools.product((0.0, 90.0, -135.0), (-10.0, 0.0, 8.0), (0.0, 3.0)))


def full(speed: float) -> float:
    """A steering curve that is none."""
    return 1.0


def matrix(roll: float, pitch: float, yaw: float) -> Any:
    """Rz Ry Rx of fixed axes, rad: transforms3d's euler2mat, as the bridge calls it."""
    (cr, sr), (cp, sp), (cy, sy) = ((np.cos(a), np.sin(a)) for a in (roll, pitch, yaw))
    about_x = np.array([[1, 0, 0], [0, cr, -sr], [0, sr, cr]])
    about_y = np.array([[cp, 0, sp], [0, 1, 0], [-sp, 0, cp]])
    return np.array([[cy, -sy, 0], [sy, cy, 0], [0, 0, 1]]) @ about_y @ about_x


def quaternion(rotation: Any) -> Msg:
    w = np.sqrt(max(1.0 + np.trace(rotation), 0.0)) / 2.0
    if w > 1e-3:
        x, y, z = (rotation[i, j] - rotation[j, i] for i, j in ((2, 1), (0, 2), (1, 0)))
        return Msg(w=w, x=x / (4 * w), y=y / (4 * w), z=z / (4 * w))
    raise AssertionError("not needed here")


def vector(values: Any) -> Msg:
    return Msg(x=float(values[0]), y=float(values[1]), z=float(values[2]))


def odometry(in_body: Any, yaw: float, pitch: float, roll: float, turn: float = 0.0) -> tuple[Msg, Msg]:
    """Pose and twist as the bridge publishes them of a vehicle that moves so in its own frame (degrees, CARLA's signs
    of yaw, pitch and roll)."""
    rotation = matrix(np.deg2rad(roll), -np.deg2rad(pitch), -np.deg2rad(yaw))
    in_carla = rotation @ np.asarray(in_body) * [1.0, -1.0, 1.0]
    published = (rotation @ in_carla) * [1.0, -1.0, 1.0]
    pose = Msg(position=vector((1.0, 2.0, 3.0)), orientation=quaternion(rotation))
    return pose, Msg(linear=vector(published), angular=vector((0.0, 0.0, turn)))


@pytest.mark.parametrize(("yaw", "pitch", "roll"), SLOPES)
def test_velocity_on_slopes_is_what_it_is(yaw: float, pitch: float, roll: float) -> None:
    moved = (9.0, -0.4, 0.1)
    pose, twist = odometry(moved, yaw, pitch, roll)
    assert body_velocity(pose.orientation, twist.linear) == pytest.approx(np.array(moved), abs=1e-9)


def test_a_slope_makes_no_car_slide() -> None:
    pose, twist = odometry((10.0, 0.0, 0.0), 90.0, 10.0, 0.0)
    assert abs(twist.linear.y) > 0.25, "the bridge says that it slides"
    msg = Msg(pose=Msg(pose=pose), twist=Msg(twist=twist))
    ego = ego_from_bridge(msg, Msg(velocity=10.0, control=Msg(steer=0.0)), None, 0.0, CHASSIS, lambda speed: 1.0)
    assert (ego.speed, ego.lateral_speed) == pytest.approx((10.0, 0.0), abs=1e-9)


@pytest.mark.parametrize("yaw", [0.0, 90.0, -135.0])
def test_openads_ignore_tilt_costs_a_slope_no_more_than_the_twist_is_wrong_by(yaw: float) -> None:
    """It levels the pose but not the twist: what is wrong on slopes cannot be taken back. Speed is vehicle_status's."""
    _, told = odometry((10.0, 0.0, 0.0), yaw, 10.0, 0.0)
    level, _ = odometry((10.0, 0.0, 0.0), yaw, 0.0, 0.0)
    assert abs(body_velocity(level.orientation, told.linear)[1]) < 0.35


@pytest.mark.parametrize("yaw", [0.0, 90.0, -135.0])
def test_the_angular_rate_is_of_map_and_used_so(yaw: float) -> None:
    """The bridge turns the linear part into the body frame, not the angular one: z is the rate about the vertical."""
    pose, twist = odometry((5.0, 0.0, 0.0), yaw, 0.0, 0.0, turn=0.3)
    msg = Msg(pose=Msg(pose=pose), twist=Msg(twist=twist))
    ego = ego_from_bridge(msg, Msg(velocity=5.0, control=Msg(steer=0.0)), None, 0.0, CHASSIS, lambda speed: 1.0)
    assert ego.yaw_rate == 0.3 and ego.yaw == pytest.approx(-np.deg2rad(yaw))
