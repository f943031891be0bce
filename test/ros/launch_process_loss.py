"""Real processes are killed, one in each run; what the arbiter publishes afterwards is the subject.

    launch_test test/ros/launch_process_loss.py

Each run launches the stack on another family of scenarios, with a pad at ``/joy``, and kills one node with SIGKILL, as
a crash would end it. Needs a sourced ROS 2 in which this package is built, and the simulator on PYTHONPATH
(``colcon test`` runs it). PROCESS_LOSS=all tries every node in every family.
"""

from __future__ import annotations

import itertools
import os
import signal
import time
import unittest
from collections.abc import Callable
from pathlib import Path
from typing import Any

import launch_ros.actions
import launch_testing
import launch_testing.actions
import launch_testing.asserts
import rclpy
from ament_index_python.packages import get_package_share_directory
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node

from launch import LaunchDescription
from takead_ros.host import wiring
from takead_ros.messages import interfaces, types

START_S = 90.0
GAP_S = 0.5  # ten control periods: on a loaded test machine any process may wait for a core
LIMIT_S = 0.3 + GAP_S  # the arbiter's limits of age and silence, and the same allowance
COMMAND, STATE = types.DriveCommand, types.ArbiterState
AUTOMATION = (COMMAND.POLICY, COMMAND.EXPERT)
NODES = ("policy", "expert", "monitor", "arbiter", "joystick", "simulator")
VICTIMS = ("policy", "expert", "monitor", "joystick", "simulator")
FAMILIES = ("cut_in", "lead_hard_brake", "broken_down_car", "intersection_left", "pedestrian_from_van")
PAIRS = list(zip(VICTIMS, FAMILIES, strict=True))
if os.environ.get("PROCESS_LOSS") == "all":
    PAIRS = list(itertools.product(VICTIMS, FAMILIES))
os.environ["ROS_DOMAIN_ID"] = str(30 + os.getpid() % 40)


def _node(name: str, family: str) -> launch_ros.actions.Node:
    simulator = name == "simulator"
    values: dict[str, Any] = {"use_sim_time": not simulator}
    if simulator:
        values |= {"family": family, "seed": 1_000_000, "publish_clock": True, "real_time": True, "auto_engage": True}
    if name == "policy":
        values["model"] = str(Path(get_package_share_directory("takead_ros")) / "models" / "novice.onnx")
    return launch_ros.actions.Node(
        package="takead_ros",
        executable=f"{name}_node",
        name=f"{name}_node",
        namespace="takead",
        parameters=[values],
        output="screen",
        sigterm_timeout="40",
        sigkill_timeout="10",
    )


@launch_testing.parametrize("victim, family", PAIRS)  # type: ignore[untyped-decorator, unused-ignore]
def generate_test_description(victim: str, family: str) -> tuple[LaunchDescription, dict[str, Any]]:
    nodes = {name: _node(name, family) for name in NODES}
    return LaunchDescription([*nodes.values(), launch_testing.actions.ReadyToTest()]), {"nodes": nodes}


class Listener:
    """A pad at ``/joy`` (50 Hz), and everything that the arbiter says with the time of reception."""

    def __init__(self) -> None:
        rclpy.init()
        self.axes = [0.0, 0.0, 1.0, 0.0, 0.0, 1.0]
        self.commands: list[tuple[float, Any]] = []
        self.states: list[tuple[float, Any]] = []
        self.node = Node("listener", namespace="takead")
        wiring.subscription(self.node, interfaces.COMMAND, self._keep(self.commands))
        wiring.subscription(self.node, interfaces.ARBITER_STATE, self._keep(self.states))
        self.experts: list[tuple[float, Any]] = []
        wiring.subscription(self.node, interfaces.EXPERT_OUTPUT, self._keep(self.experts))
        self.joy = wiring.publisher(self.node, interfaces.JOY)
        self.node.create_timer(0.02, lambda: self.joy.publish(types.Joy(axes=self.axes, buttons=[0] * 11)))
        self.executor = SingleThreadedExecutor()
        self.executor.add_node(self.node)

    @staticmethod
    def _keep(messages: list[tuple[float, Any]]) -> Callable[[Any], None]:
        return lambda msg: messages.append((time.monotonic(), msg))

    def spin(self, seconds: float, until: Callable[[], bool] = lambda: False) -> bool:
        end = time.monotonic() + seconds
        while time.monotonic() < end and not until():
            self.executor.spin_once(timeout_sec=0.02)
        return until()

    def driven_by(self, *sources: int) -> bool:
        return bool(self.commands) and self.commands[-1][1].lateral_source in sources

    def ready(self) -> bool:
        """Somebody drives, and the expert would know what to do."""
        fresh = [msg for at, msg in self.experts[-3:] if at > time.monotonic() - 0.3 and msg.status == msg.OK]
        return self.driven_by(*AUTOMATION) and bool(fresh)

    def after(self, moment: float) -> list[Any]:
        return [msg for at, msg in self.commands if at > moment]

    def state(self) -> int:
        return int(self.states[-1][1].state) if self.states else -1

    def close(self) -> None:
        self.executor.shutdown()
        self.node.destroy_node()
        rclpy.shutdown()


class TestProcessLoss(unittest.TestCase):
    def setUp(self) -> None:
        self.listener = Listener()
        self.addCleanup(self.listener.close)

    def test_the_loss_of_a_process(self, nodes: dict[str, Any], victim: str) -> None:
        listener = self.listener
        self.assertTrue(listener.spin(START_S, listener.ready), "nobody began to drive, or the expert is missing")
        listener.spin(1.0)
        if victim == "joystick":
            listener.axes = [0.6, 0.0, 1.0, 0.0, 0.0, 1.0]
            self.assertTrue(listener.spin(3.0, lambda: listener.driven_by(COMMAND.HUMAN)), "the person got no wheel")
            listener.spin(0.3)
        os.kill(nodes[victim].process_details["pid"], signal.SIGKILL)
        killed = time.monotonic()
        if victim == "simulator":
            self.assertTrue(listener.spin(20.0, lambda: listener.state() == STATE.STOPPED), "no stop")
            listener.spin(1.0)
        else:
            listener.spin(4.0)
        self.check_never_silent(killed)
        self.check_wheel_not_jerked(killed)
        getattr(self, f"check_without_{victim}")(killed)

    def check_never_silent(self, moment: float) -> None:
        """A command at every tick from ``moment`` on, each finite, nobody's input used beyond its age limit."""
        heard = [entry for entry in self.listener.commands if entry[0] > moment]
        times = [moment, *(at for at, _ in heard)]
        self.assertLess(max(later - earlier for earlier, later in itertools.pairwise(times)), GAP_S)
        self.assertGreater(len(heard), 10.0 * (times[-1] - moment), "fewer than 10 commands a second on the whole")
        for _, msg in heard:
            self.assertTrue(abs(msg.steering_angle) < 0.9 and abs(msg.acceleration) < 12.0)  # false for NaN
            if msg.lateral_source in (*AUTOMATION, COMMAND.HUMAN):
                self.assertLessEqual(msg.lateral_age, 0.31)

    def check_wheel_not_jerked(self, moment: float) -> None:
        """No step in the steering beyond its largest rate, 1 rad/s; a command or two may be lost on the way here."""
        heard = [entry for entry in self.listener.commands if entry[0] > moment - 0.5]
        for (earlier, before), (later, after) in itertools.pairwise(heard):
            self.assertLessEqual(abs(after.steering_angle - before.steering_angle), later - earlier + 0.1)

    def check_without_policy(self, killed: float) -> None:
        late = [msg.lateral_source for msg in self.listener.after(killed + LIMIT_S)]
        self.assertNotIn(COMMAND.POLICY, late)
        self.assertGreater(late.count(COMMAND.EXPERT), 0.5 * len(late))

    def check_without_expert(self, killed: float) -> None:
        """Nobody uses its last word."""
        late = {msg.lateral_source for msg in self.listener.after(killed + LIMIT_S)}
        self.assertLessEqual(late, {COMMAND.POLICY, COMMAND.MRM})

    def check_without_monitor(self, killed: float) -> None:
        """A policy that nobody watches does not drive."""
        late = [msg.lateral_source for msg in self.listener.after(killed + LIMIT_S)]
        self.assertNotIn(COMMAND.POLICY, late)
        self.assertGreater(late.count(COMMAND.EXPERT), 0.5 * len(late))

    def check_without_joystick(self, killed: float) -> None:
        """It is the loss of the person, and no zero input."""
        late = self.listener.after(killed + 0.2 + GAP_S)
        self.assertTrue(late)
        self.assertFalse(any(COMMAND.HUMAN in (msg.lateral_source, msg.longitudinal_source) for msg in late))
        self.assertNotEqual(self.listener.state(), STATE.HUMAN)

    def check_without_simulator(self, killed: float) -> None:
        """Without scenes the vehicle brakes to a held stop, and nothing but a person leaves that."""
        late = self.listener.after(killed + LIMIT_S)
        self.assertTrue(all(msg.lateral_source == msg.longitudinal_source == COMMAND.MRM for msg in late))
        self.assertTrue(all(msg.acceleration <= 0.0 for msg in late[10:]))
        self.assertLess(late[-1].acceleration, 0.0, "a stopped vehicle is held by the brake")
        self.assertEqual(self.listener.state(), STATE.STOPPED)


@launch_testing.post_shutdown_test()  # type: ignore[untyped-decorator, unused-ignore]
class TestTheOthersEndWell(unittest.TestCase):
    def test_exit_codes(self, proc_info: Any, nodes: dict[str, Any], victim: str) -> None:
        for name, node in nodes.items():
            expected = [-signal.SIGKILL] if name == victim else [0]
            launch_testing.asserts.assertExitCodes(proc_info, expected, process=node)
