"""The user's own command in processes of its own, with a person at ``/joy`` and everything that the stack says."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import rclpy
from ament_index_python.packages import get_package_share_directory
from carla_msgs.msg import CarlaEgoVehicleControl
from geometry_msgs.msg import PoseStamped
from nav_msgs.msg import Path as PathMsg
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node

from support.bridge import users_environment
from takead_ros.host import qos, wiring
from takead_ros.messages import interfaces, types
from takead_ros.messages.interfaces import Qos

RELEASED = [0.0, 0.0, 1.0, 0.0, 0.0, 1.0]  # an Xbox pad's axes at rest: both triggers are at 1
Heard = list[tuple[float, Any]]


class Drive:
    """``ros2 launch takead_ros sim.launch.py sim:=carla`` and further arguments, from ``start`` (x m, y m, yaw degrees
    in ``map``), with a server of its own or (``server`` false) with the one that listens there. Each list holds (time
    of reception by the steady clock in s, message)."""

    def __init__(
        self, folder: Path, start: tuple[float, float, float], port: int, *arguments: str, server: bool = True
    ) -> None:
        self._start = start[:2]
        self.folder, self.clips, self.log = folder, folder / "clips", folder / "log"
        share = Path(get_package_share_directory("takead_ros"))
        shipped = json.loads((share / "config" / "carla_ego.json").read_text())
        (ego,) = [one for one in shipped["objects"] if one["type"].startswith("vehicle.")]
        ego["spawn_point"] = dict(
            zip(("x", "y", "z", "roll", "pitch", "yaw"), (*start[:2], 0.5, 0.0, 0.0, start[2]), strict=True)
        )
        (folder / "objects.json").write_text(json.dumps(shipped))
        command = ["ros2", "launch", "takead_ros", "sim.launch.py", "sim:=carla"]
        command.append(f"carla_server:={str(server).lower()}")
        given = [f"port:={port}", f"objects:={folder / 'objects.json'}", f"bags:={self.clips}", *arguments]
        self._output = self.log.open("wb")
        self.began = time.monotonic()
        # A child of a background job ignores SIGINT unless told otherwise.
        self.process = subprocess.Popen(
            ["env", "--default-signal=INT", *command, *given],
            stdout=self._output,
            stderr=subprocess.STDOUT,
            env=users_environment(),
            start_new_session=True,
        )
        rclpy.init()
        self.node = Node("listener", namespace="takead")
        self.commands: Heard = []
        self.scenes: Heard = []
        self.states: Heard = []
        self.events: Heard = []
        self.controls: Heard = []
        self.diagnostics: Heard = []
        for interface, kept in (
            (interfaces.COMMAND, self.commands), (interfaces.SCENE, self.scenes),
            (interfaces.ARBITER_STATE, self.states), (interfaces.EVENT, self.events),
            (interfaces.DIAGNOSTICS, self.diagnostics),
        ):  # fmt: skip
            wiring.subscription(self.node, interface, self._keep(kept))
        self.node.create_subscription(
            CarlaEgoVehicleControl,
            "/carla/ego_vehicle/vehicle_control_cmd",
            self._keep(self.controls),
            qos.profile(Qos(10)),
        )
        self._route: Heard = []
        latched = qos.profile(Qos(1, latched=True))
        self.node.create_subscription(PathMsg, "/carla/ego_vehicle/waypoints", self._keep(self._route), latched)
        self._goal = self.node.create_publisher(PoseStamped, "/carla/ego_vehicle/goal", 10)
        self.axes: list[float] | None = None  # of the person's pad; None: there is none
        self._joy = wiring.publisher(self.node, interfaces.JOY)
        self._ended = threading.Event()
        self._person = threading.Thread(target=self._hold_the_pad)  # no message waits for what this process hears
        self._person.start()
        self.engaged_again = 0
        self.executor = SingleThreadedExecutor()
        self.executor.add_node(self.node)

    def _keep(self, kept: Heard) -> Callable[[Any], None]:
        return lambda msg: kept.append((time.monotonic(), msg))

    def _hold_the_pad(self) -> None:
        while not self._ended.wait(0.02):
            axes = self.axes
            if axes is not None:
                self._joy.publish(types.Joy(axes=axes, buttons=[0] * 11))

    def spin(self, seconds: float, until: Callable[[], bool] = lambda: False) -> bool:
        """Listen for so long, or until ``until``; whether it came true."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and self.process.poll() is None:
            self.executor.spin_once(timeout_sec=0.005)
            if until():
                return True
        return until()

    @property
    def state(self) -> int:
        """The arbiter's newest mode; -1 before there is one."""
        return self.states[-1][1].state if self.states else -1

    @property
    def ego(self) -> Any:
        """The newest ego state; None before there is one."""
        return self.scenes[-1][1].ego if self.scenes else None

    def driver(self) -> int:
        """Who steers, by the newest command; -1 before there is one."""
        return self.commands[-1][1].lateral_source if self.commands else -1

    def after(self, heard: Heard, moment: float) -> Heard:
        """What was heard after ``moment``."""
        return [entry for entry in heard if entry[0] > moment]

    def vehicle_report(self) -> Any:
        """The newest status of vehicle_node in /diagnostics."""
        for _, msg in reversed(self.diagnostics):
            for status in msg.status:
                if "vehicle" in status.name:
                    return status
        return None

    def call(self, service: interfaces.Service, **values: Any) -> Any:
        """The answer of ``service``; None where it does not come in 20 s."""
        client = wiring.client(self.node, service)
        if not client.wait_for_service(timeout_sec=10.0):
            return None
        future = client.call_async(service.service.Request(**values))
        self.spin(20.0, future.done)
        return future.result() if future.done() else None

    def ahead(self, along_m: int) -> tuple[float, float]:
        """The place so far ahead on the route (its points are 1 m apart)."""
        points = [(pose.pose.position.x, pose.pose.position.y) for pose in self._route[-1][1].poses]
        here = (self.ego.x, self.ego.y)
        nearest = min(range(len(points)), key=lambda i: math.dist(points[i], here))
        return points[min(nearest + along_m, len(points) - 1)]

    def route_end(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """The last point of the newest route, and one 5 m before it."""
        points = [(pose.pose.position.x, pose.pose.position.y) for pose in self._route[-1][1].poses]
        return points[-1], points[max(len(points) - 6, 0)]

    def until(self, seconds: float, true: Callable[[], bool]) -> bool:
        """Wait so; whenever the vehicle has come to a stop meanwhile, engage, as a person does who was asked to: on a
        loaded machine scenes may come too late. From the end of its route it drives back to the start."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and self.process.poll() is None:
            if self.spin(2.0, true):
                return True
            if self.state == types.ArbiterState.STOPPED:
                answer = self.call(interfaces.ENGAGE)
                self.engaged_again += 1
                if answer is not None and answer.code == "arrived":
                    self.set_goal(*self._start)
        return true()

    def set_goal(self, x: float, y: float) -> None:
        """As a person does by ``ros2 topic pub``."""
        goal = PoseStamped()
        goal.header.frame_id = "map"
        goal.pose.position.x, goal.pose.position.y, goal.pose.orientation.w = x, y, 1.0
        self._goal.publish(goal)

    def end(self) -> float:
        """Ctrl-C; the seconds until the launch has ended. Whatever does not end in 40 s is killed."""
        asked = time.monotonic()
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGINT)
        try:
            self.process.wait(40)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
        self._output.close()
        return time.monotonic() - asked

    def close(self) -> None:
        """End the listener."""
        self._ended.set()
        self._person.join()
        self.executor.shutdown()
        self.node.destroy_node()
        rclpy.shutdown()
