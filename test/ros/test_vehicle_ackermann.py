"""vehicle_node with an Ackermann vehicle over rclpy: commands in, ackermann_msgs out, stops where an input is lost."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

pytest.importorskip("ackermann_msgs", reason="ackermann_msgs is not in this ROS 2 install")

import rclpy
from ackermann_msgs.msg import AckermannDriveStamped
from rclpy.clock import Clock, ClockType
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.parameter import Parameter

from takead_ros.host import qos, wiring
from takead_ros.messages import interfaces, types
from takead_ros.messages.interfaces import Qos
from takead_ros.nodes.vehicle_node import VehicleNode

POLICY = types.DriveCommand.POLICY


class Vehicle:
    def __init__(self) -> None:
        self.context = rclpy.Context()
        rclpy.init(context=self.context)
        chosen = [Parameter("vehicle", value="ackermann")]
        self.handle = Node(VehicleNode.NAME, namespace="vehicle_test", context=self.context, parameter_overrides=chosen)
        self.subject = VehicleNode(self.handle, Clock(clock_type=ClockType.STEADY_TIME))
        self.node = Node("vehicle", namespace="vehicle_test", context=self.context)
        self.heard: list[Any] = []
        self.command = wiring.publisher(self.node, interfaces.COMMAND)
        self.scene = wiring.publisher(self.node, interfaces.SCENE)
        self.node.create_subscription(
            AckermannDriveStamped, "ackermann_cmd", lambda m: self.heard.append(m.drive), qos.profile(Qos(1))
        )
        self.executor = SingleThreadedExecutor(context=self.context)
        self.executor.add_node(self.handle)
        self.executor.add_node(self.node)

    def run(self, until: Callable[[], bool], seconds: float = 10.0, scene: bool = True, command: bool = True) -> bool:
        """20 Hz of a vehicle at 8 m/s that is told to steer 0.2 rad and to accelerate by 2 m/s^2."""
        end, due = time.monotonic() + seconds, 0.0
        while time.monotonic() < end and not until():
            if time.monotonic() >= due:
                due = time.monotonic() + 0.05
                if scene:
                    self.scene.publish(types.Scene(ego=types.EgoState(speed=8.0)))
                if command:
                    self.command.publish(
                        types.DriveCommand(
                            steering_angle=0.2, acceleration=2.0, lateral_source=POLICY, longitudinal_source=POLICY
                        )
                    )
            self.executor.spin_once(timeout_sec=0.01)
        return until()

    def last(self) -> tuple[float, float, float]:
        if not self.heard:
            return (0.0, 0.0, 0.0)
        wanted = self.heard[-1]
        return (wanted.steering_angle, wanted.speed, wanted.acceleration)

    def close(self) -> None:
        self.executor.shutdown()
        self.handle.destroy_node()
        self.node.destroy_node()
        rclpy.shutdown(context=self.context)


@pytest.fixture
def vehicle() -> Iterator[Vehicle]:
    vehicle = Vehicle()
    yield vehicle
    vehicle.close()


def near(*expected: float) -> Any:
    return pytest.approx(expected, abs=1e-5)


@pytest.mark.ros
@pytest.mark.parametrize("lost", ["scene", "command"])
def test_it_drives_and_stops_where_an_input_stays_away(vehicle: Vehicle, lost: str) -> None:
    assert vehicle.run(lambda: vehicle.last() == near(0.2, 9.0, 2.0)), vehicle.last()
    assert vehicle.run(lambda: vehicle.last() == near(0.2, 0.0, 3.0), scene=lost != "scene", command=lost != "command")
