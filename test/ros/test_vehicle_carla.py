"""vehicle_node with CARLA as a real process, fed with the message classes of carla_ros_bridge as it fills them.

Needs a sourced ROS 2 with carla_msgs, derived_object_msgs and this package, and the carla package on PYTHONPATH.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("carla", reason="the carla package is an extra")
pytest.importorskip("carla_msgs", reason="carla_msgs is not in this ROS 2 install")
pytest.importorskip("derived_object_msgs", reason="derived_object_msgs is not in this ROS 2 install")

import rclpy
from ament_index_python.packages import get_package_prefix
from carla_msgs.msg import (
    CarlaEgoVehicleControl,
    CarlaEgoVehicleInfo,
    CarlaEgoVehicleInfoWheel,
    CarlaEgoVehicleStatus,
    CarlaTrafficLightInfo,
    CarlaTrafficLightInfoList,
    CarlaTrafficLightStatus,
    CarlaTrafficLightStatusList,
    CarlaWorldInfo,
)
from derived_object_msgs.msg import Object, ObjectArray
from geometry_msgs.msg import PoseStamped
from nav_msgs.msg import Odometry
from nav_msgs.msg import Path as PathMsg
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from std_msgs.msg import Bool

from support.opendrive import crossing
from takead_ros.host import qos, wiring
from takead_ros.messages import interfaces, types
from takead_ros.messages.fields import header_to_msg, stamp_from_msg
from takead_ros.messages.interfaces import Qos
from takead_ros.vehicles.carla.control import PedalParameters, steering_share

LANE = -1.75
LOCK = 1.22
SPEED = 8.0  # m/s of the driving ego
REACHED = LOCK * steering_share(SPEED, PedalParameters())  # rad, by full steer at that speed

LATCHED, BRIDGE = qos.profile(Qos(1, latched=True)), qos.profile(Qos(10))  # as carla_ros_bridge has them


class Bridge:
    """Publishes what the bridge would, with its topics, types, QoS, units and signs, of one ego on a crossing."""

    def __init__(self) -> None:
        rclpy.init()
        self.node = Node("carla_ros_bridge", namespace="takead")
        self.x, self.speed, self.yaw, self.stamp = -40.0, 8.0, 0.0, 5_000_000_000
        role = "/carla/ego_vehicle"
        self.publishers = {
            name: self.node.create_publisher(kind, topic, profile)
            for name, kind, topic, profile in (
                ("world", CarlaWorldInfo, "/carla/world_info", LATCHED),
                ("info", CarlaEgoVehicleInfo, f"{role}/vehicle_info", LATCHED),
                ("waypoints", PathMsg, f"{role}/waypoints", LATCHED),
                (
                    "light_info",
                    CarlaTrafficLightInfoList,
                    "/carla/traffic_lights/info",
                    LATCHED,
                ),
                (
                    "light_status",
                    CarlaTrafficLightStatusList,
                    "/carla/traffic_lights/status",
                    LATCHED,
                ),
                ("status", CarlaEgoVehicleStatus, f"{role}/vehicle_status", BRIDGE),
                ("objects", ObjectArray, f"{role}/objects", BRIDGE),
                ("odometry", Odometry, f"{role}/odometry", BRIDGE),
            )
        }
        self.scenes: list[Any] = []
        self.controls: list[Any] = []
        self.diagnostics: list[Any] = []
        self.command = wiring.publisher(self.node, interfaces.COMMAND)
        wiring.subscription(self.node, interfaces.SCENE, self.scenes.append)
        self.node.create_subscription(
            CarlaEgoVehicleControl, f"{role}/vehicle_control_cmd", self.controls.append, BRIDGE
        )
        wiring.subscription(self.node, interfaces.DIAGNOSTICS, lambda msg: self.diagnostics.extend(msg.status))
        self.executor = SingleThreadedExecutor()
        self.executor.add_node(self.node)

    def latched(self) -> None:
        """What comes once, at the start; the node may join later."""
        self.publishers["world"].publish(CarlaWorldInfo(map_name="crossing", opendrive=crossing()))
        info = CarlaEgoVehicleInfo(id=7, type="vehicle.tesla.model3", rolename="ego_vehicle")
        for x, lock in ((1.4, LOCK), (1.4, LOCK), (-1.5, 0.0), (-1.5, 0.0)):
            wheel = CarlaEgoVehicleInfoWheel(max_steer_angle=lock)
            wheel.position.x = x
            info.wheels.append(wheel)
        self.publishers["info"].publish(info)
        path = PathMsg()
        for x in range(-58, 58):
            pose = PoseStamped()
            pose.pose.position.x, pose.pose.position.y = float(x), LANE
            path.poses.append(pose)
        self.publishers["waypoints"].publish(path)
        light = CarlaTrafficLightInfo(id=31)
        light.transform.position.x, light.transform.position.y = -14.0, -6.0
        light.trigger_volume.center.y = 4.25
        light.trigger_volume.size.x = light.trigger_volume.size.y = 3.0
        self.publishers["light_info"].publish(CarlaTrafficLightInfoList(traffic_lights=[light]))
        red = CarlaTrafficLightStatus(id=31, state=CarlaTrafficLightStatus.RED)
        self.publishers["light_status"].publish(CarlaTrafficLightStatusList(traffic_lights=[red]))

    def tick(self, steering: float | None = None, acceleration: float = 0.0) -> None:
        """One step of the simulator, 50 ms; the ego rolls on at its speed."""
        self.stamp += 50_000_000
        self.x += 0.05 * self.speed
        header = header_to_msg(self.stamp, "map")
        status = CarlaEgoVehicleStatus(header=header, velocity=self.speed)
        status.control.steer = -0.25
        self.publishers["status"].publish(status)
        walker = Object(id=8, classification=Object.CLASSIFICATION_PEDESTRIAN)
        walker.pose.position.x, walker.pose.position.y = self.x + 12.0, 1.0
        walker.shape.dimensions = [0.4, 0.4, 1.8]
        self.publishers["objects"].publish(ObjectArray(header=header, objects=[walker]))
        odometry = Odometry(header=header)
        odometry.pose.pose.position.x, odometry.pose.pose.position.y = self.x, LANE
        odometry.pose.pose.orientation.w = 1.0
        odometry.twist.twist.linear.x = self.speed
        self.publishers["odometry"].publish(odometry)
        if steering is not None:
            policy = types.DriveCommand.POLICY
            self.command.publish(
                types.DriveCommand(
                    header=header_to_msg(self.stamp, "base_link"),
                    steering_angle=steering,
                    acceleration=acceleration,
                    lateral_source=policy,
                    longitudinal_source=policy,
                )
            )
        end = time.monotonic() + 0.05
        while time.monotonic() < end:
            self.executor.spin_once(timeout_sec=0.01)

    def wait(self, until: Callable[[], bool]) -> bool:
        end = time.monotonic() + 10.0
        while time.monotonic() < end and not until():
            self.executor.spin_once(timeout_sec=0.02)
        return until()

    def close(self) -> None:
        self.executor.shutdown()
        self.node.destroy_node()
        rclpy.shutdown()


@pytest.fixture(scope="module")
def bridge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bridge]:
    os.environ["ROS_DOMAIN_ID"] = str(75 + os.getpid() % 20)
    program = Path(get_package_prefix("takead_ros")) / "lib" / "takead_ros" / "vehicle_node"
    log = tmp_path_factory.mktemp("carla") / "log"
    bridge = Bridge()
    bridge.latched()
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(program), "--ros-args", "-p", "use_sim_time:=true"], stdout=output, stderr=subprocess.STDOUT
        )
    give_up = time.monotonic() + 60.0
    while not bridge.scenes and time.monotonic() < give_up and process.poll() is None:
        bridge.speed = 0.0
        bridge.tick()
    yield bridge
    process.send_signal(signal.SIGINT)
    try:
        assert process.wait(20) == 0
    finally:
        if process.poll() is None:
            process.kill()
        bridge.close()
        print(log.read_text(errors="replace")[-3000:])


@pytest.mark.ros
def test_scenes_follow_the_odometry(bridge: Bridge) -> None:
    assert bridge.scenes, "no scene in 60 s"
    bridge.x, bridge.speed = -40.0, SPEED
    bridge.tick()
    bridge.scenes.clear()
    bridge.tick()
    bridge.tick()
    assert bridge.wait(lambda: bool(bridge.scenes) and stamp_from_msg(bridge.scenes[-1]) == bridge.stamp)
    scene = bridge.scenes[-1]
    assert scene.ego.x == pytest.approx(bridge.x)
    assert scene.ego.speed == pytest.approx(8.0)
    assert scene.ego.steering_angle == pytest.approx(0.25 * REACHED)  # positive left, CARLA's steer is to the right
    assert scene.ego.wheelbase == pytest.approx(2.9)
    assert [(o.id, o.kind, o.visibility) for o in scene.objects] == [(8, types.TrackedObject.PEDESTRIAN, 1.0)]
    (light,) = scene.controls
    assert light.state == types.TrafficControl.RED
    assert light.distance == pytest.approx(-10.0 - bridge.x - 4.79 / 2.0, abs=0.7)
    assert list(scene.route.target_command) == [types.Route.STRAIGHT] * 3
    assert scene.route.speed_limit == pytest.approx(30 * 0.44704, abs=0.01)
    assert len(scene.polylines) > 5


@pytest.mark.ros
def test_a_command_to_the_left_steers_negative_and_accelerates(bridge: Bridge) -> None:
    bridge.x, bridge.speed = -40.0, SPEED
    for _ in range(5):
        bridge.tick(0.5 * REACHED, 1.5)
    assert bridge.wait(lambda: bridge.controls[-1].steer == pytest.approx(-0.5, abs=1e-3))
    control = bridge.controls[-1]
    assert control.throttle > 0.0 and control.brake == 0.0
    assert not (control.hand_brake or control.reverse or control.manual_gear_shift)
    for _ in range(5):
        bridge.tick(-0.5 * REACHED, -2.0)
    assert bridge.wait(lambda: bridge.controls[-1].steer == pytest.approx(0.5, abs=1e-3))
    control = bridge.controls[-1]
    assert control.throttle == 0.0 and control.brake > 0.0


@pytest.mark.ros
def test_a_standing_vehicle_is_held(bridge: Bridge) -> None:
    bridge.speed = 0.0
    for _ in range(5):
        bridge.tick(0.0, -1.0)
    assert bridge.wait(lambda: bridge.controls[-1].brake == pytest.approx(0.5))
    assert bridge.controls[-1].throttle == 0.0


@pytest.mark.ros
def test_without_commands_it_brakes_with_the_wheel_held(bridge: Bridge) -> None:
    bridge.speed = SPEED
    for _ in range(3):
        bridge.tick(0.2, 1.0)
    assert bridge.wait(lambda: bridge.controls[-1].steer == pytest.approx(-0.2 / REACHED, abs=1e-3))
    held = bridge.controls[-1].steer
    for _ in range(12):
        bridge.tick()
    assert bridge.wait(lambda: bridge.controls[-1].brake > 0.1)
    assert bridge.controls[-1].throttle == 0.0
    assert bridge.controls[-1].steer == pytest.approx(held)


@pytest.mark.ros
def test_a_manual_override_that_somebody_left_on_is_told(bridge: Bridge) -> None:
    """It is latched: the bridge goes on to drop our commands when the program that asked for it has ended."""
    bridge.speed = 0.0
    topic = "/carla/ego_vehicle/vehicle_control_manual_override"
    somebody = bridge.node.create_publisher(Bool, topic, LATCHED)

    def told(switched_on: bool) -> bool:
        somebody.publish(Bool(data=switched_on))
        bridge.diagnostics.clear()
        end = time.monotonic() + 8.0
        while time.monotonic() < end:
            bridge.tick(0.0, -1.0)
            newest = [one.message for one in bridge.diagnostics if "vehicle" in one.name][-1:]
            if newest and ("carries out none of our commands" in newest[0]) is switched_on:
                return True
        return False

    assert told(True)
    assert told(False)


@pytest.mark.ros
def test_diagnostics_say_why_there_is_no_scene(bridge: Bridge) -> None:
    bridge.speed = 0.0
    for _ in range(3):
        bridge.tick(0.0, -1.0)
    bridge.stamp += 3_000_000_000  # odometry goes on, what was heard of the others is 3 s old
    odometry = Odometry(header=header_to_msg(bridge.stamp, "map"))
    scenes = len(bridge.scenes)
    bridge.diagnostics.clear()
    bridge.publishers["odometry"].publish(odometry)
    end = time.monotonic() + 3.0
    while time.monotonic() < end and not any("no scene" in status.message for status in bridge.diagnostics):
        bridge.executor.spin_once(timeout_sec=0.05)
    (message, *_) = [status.message for status in bridge.diagnostics if "no scene" in status.message]
    assert "vehicle_status is 3.00 s older than odometry" in message
    assert len(bridge.scenes) == scenes
