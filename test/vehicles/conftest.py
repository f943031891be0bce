"""Messages shaped as the two bridges publish them, and maps.

Every test with the fixture ``bridge`` is the contract of both: carla_ros_bridge, and its fork
openads-project/carla-ros-bridge, which has the same topics and messages but calls the frame ``carla_map``, may count
its stamps from 1970, and may tell of parked vehicles of the map as objects.
"""

from __future__ import annotations

import math
from types import SimpleNamespace as Msg
from typing import Any

import pytest

from support.opendrive import crossing, straight


def quaternion(yaw: float) -> Msg:
    return Msg(x=0.0, y=0.0, z=math.sin(yaw / 2.0), w=math.cos(yaw / 2.0))


def vector(x: float = 0.0, y: float = 0.0, z: float = 0.0) -> Msg:
    return Msg(x=x, y=y, z=z)


def pose(x: float, y: float, yaw: float) -> Msg:
    return Msg(position=vector(x, y), orientation=quaternion(yaw))


def twist(x: float = 0.0, y: float = 0.0, turn: float = 0.0) -> Msg:
    return Msg(linear=vector(x, y), angular=vector(z=turn))


class Bridge:
    """Builds the bridge's messages, in the units, frames and signs that it uses; ``since``: s of its clock at 0."""

    def __init__(self, frame: str, since: int) -> None:
        self.frame, self.since = frame, since

    def stamp(self, seconds: float) -> int:
        """ns of its clock."""
        return self.since * 1_000_000_000 + round(seconds * 1e9)

    def header(self, seconds: float) -> Msg:
        sec, nanosec = divmod(self.stamp(seconds), 1_000_000_000)
        return Msg(stamp=Msg(sec=sec, nanosec=nanosec), frame_id=self.frame)

    @staticmethod
    def world(opendrive: str) -> Any:
        return Msg(map_name="crossing", opendrive=opendrive)

    @staticmethod
    def info(lock: float = 1.22) -> Any:
        places = ((1.4, 0.8), (1.4, -0.8), (-1.5, 0.8), (-1.5, -0.8))
        locks = (lock, lock, 0.0, 0.0)
        wheels = [Msg(max_steer_angle=a, position=vector(x, y)) for a, (x, y) in zip(locks, places, strict=True)]
        return Msg(id=7, type="vehicle.tesla.model3", rolename="ego_vehicle", wheels=wheels)

    def odometry(self, t: float, x: float, y: float, yaw: float, speed: float = 0.0, turn: float = 0.0) -> Any:
        # the bridge's linear twist is wrong on slopes: only its sign is used, so that its size here is wrong as well
        return Msg(
            header=self.header(t), pose=Msg(pose=pose(x, y, yaw)), twist=Msg(twist=twist(0.7 * speed, turn=turn))
        )

    def status(self, t: float, speed: float = 0.0, steer: float = 0.0) -> Any:
        return Msg(header=self.header(t), velocity=abs(speed), control=Msg(steer=steer))

    @staticmethod
    def object(
        number: int,
        kind: int,
        x: float,
        y: float,
        yaw: float = 0.0,
        vx: float = 0.0,
        vy: float = 0.0,
        size: tuple[float, ...] = (4.5, 1.9, 1.6),
    ) -> Any:
        return Msg(
            id=number, classification=kind, pose=pose(x, y, yaw), twist=twist(vx, vy), shape=Msg(dimensions=list(size))
        )

    def objects(self, t: float, *objects: Any) -> Any:
        return Msg(header=self.header(t), objects=list(objects))

    @staticmethod
    def waypoints(points: Any) -> Any:
        return Msg(poses=[Msg(pose=pose(float(x), float(y), 0.0)) for x, y in points])

    @staticmethod
    def light_info(number: int, at: tuple[float, float, float], centre: tuple[float, float], size: float) -> Any:
        """``at``: the light's pose in map; ``centre``: of its trigger volume, in the light's own frame."""
        volume = Msg(center=vector(*centre), size=vector(size, size, 2.0))
        return Msg(traffic_lights=[Msg(id=number, transform=pose(*at), trigger_volume=volume)])

    @staticmethod
    def light_status(number: int, state: int) -> Any:
        return Msg(traffic_lights=[Msg(id=number, state=state)])


@pytest.fixture(params=[("map", 0), ("carla_map", 1_790_000_000)], ids=["carla_ros_bridge", "openads"])
def bridge(request: pytest.FixtureRequest) -> Bridge:
    return Bridge(*request.param)


@pytest.fixture
def straight_xodr() -> str:
    return straight()


@pytest.fixture
def crossing_xodr() -> str:
    return crossing()
