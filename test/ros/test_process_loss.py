"""Real processes are killed, one in each run; what the arbiter publishes afterwards is the subject.

Needs a sourced ROS 2 in which this package is built, and the simulator on PYTHONPATH (``colcon test`` runs it).
"""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("metadrive", reason="the simulator is not on PYTHONPATH")

import rclpy
from ament_index_python.packages import get_package_prefix, get_package_share_directory
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node

from takead_ros.host import qos
from takead_ros.messages import types

START_S = 90.0
GAP_S = 0.5  # ten control periods: on a loaded test machine any process may wait for a core
LIMIT_S = 0.3 + GAP_S  # the arbiter's limits of age and silence, and the same allowance
COMMAND, STATE = types.DriveCommand, types.ArbiterState
AUTOMATION = (COMMAND.POLICY, COMMAND.EXPERT)
NODES = ("policy", "expert", "monitor", "arbiter", "joystick", "simulator")
DOMAINS = itertools.count(30 + os.getpid() % 40)


class Stack:
    """The nodes as processes of their own, a pad at ``/joy`` (50 Hz) and a listener at the arbiter's outputs."""

    def __init__(self, folder: Path) -> None:
        os.environ["ROS_DOMAIN_ID"] = str(next(DOMAINS))
        self.axes = [0.0, 0.0, 1.0, 0.0, 0.0, 1.0]
        self.commands: list[tuple[float, Any]] = []  # (s when received, message)
        self.states: list[tuple[float, Any]] = []
        self.processes = {name: self._start(name, folder) for name in NODES}
        rclpy.init()
        self.node = Node("test", namespace="takead")
        self.node.create_subscription(COMMAND, "command", self._keep(self.commands), qos.COMMAND)
        self.node.create_subscription(STATE, "arbiter/state", self._keep(self.states), qos.STATE)
        self.joy = self.node.create_publisher(types.Joy, "/joy", qos.SENSOR)
        self.node.create_timer(0.02, lambda: self.joy.publish(types.Joy(axes=self.axes, buttons=[0] * 11)))
        self.executor = SingleThreadedExecutor()
        self.executor.add_node(self.node)

    @staticmethod
    def _start(name: str, folder: Path) -> subprocess.Popen[bytes]:
        share = Path(get_package_share_directory("takead_ros"))
        simulator = name == "simulator"
        values: dict[str, Any] = {"use_sim_time": not simulator}
        if simulator:
            values |= {"family": "cut_in", "seed": 1_000_000, "publish_clock": True, "auto_engage": True}
        if name == "policy":
            values["model"] = str(share / "models" / "baseline.onnx")
        program = Path(get_package_prefix("takead_ros")) / "lib" / "takead_ros" / f"{name}_node"
        given = [part for key, value in values.items() for part in ("-p", f"{key}:={str(value).lower()}")]
        with (folder / f"{name}.log").open("wb") as log:
            return subprocess.Popen([str(program), "--ros-args", *given], stdout=log, stderr=subprocess.STDOUT)

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

    def kill(self, name: str) -> float:
        """SIGKILL, as a crash would end it; returns when."""
        assert self.processes[name].poll() is None, f"{name}_node had ended by itself"
        self.processes[name].kill()
        self.processes[name].wait(10)
        return time.monotonic()

    def after(self, moment: float) -> list[tuple[float, Any]]:
        return [(at, msg) for at, msg in self.commands if at > moment]

    def close(self) -> None:
        for process in self.processes.values():
            process.send_signal(signal.SIGINT)
        for process in self.processes.values():
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(10)
        self.executor.shutdown()
        self.node.destroy_node()
        rclpy.shutdown()


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    stack = Stack(tmp_path)
    yield stack
    stack.close()
    for log in sorted(tmp_path.glob("*.log")):
        print(f"--- {log.name}\n{log.read_text(errors='replace')[-1500:]}")


def check_never_silent(stack: Stack, moment: float) -> None:
    """A command at every tick from ``moment`` on, each finite, nobody's input used beyond its age limit."""
    heard = stack.after(moment)
    times = [moment, *(at for at, _ in heard)]
    assert max(later - earlier for earlier, later in itertools.pairwise(times)) < GAP_S
    assert len(heard) > 10.0 * (times[-1] - moment), "fewer than 10 commands a second on the whole"
    for _, msg in heard:
        assert abs(msg.steering_angle) < 0.9 and abs(msg.acceleration) < 12.0  # false for NaN
        if msg.lateral_source in (*AUTOMATION, COMMAND.HUMAN):
            assert msg.lateral_age <= 0.31


def check_wheel_not_jerked(stack: Stack, moment: float) -> None:
    """No step in the steering angle beyond its largest rate, 1 rad/s; a command or two may be lost on the way here."""
    heard = [entry for entry in stack.commands if entry[0] > moment - 0.5]
    for (earlier, before), (later, after) in itertools.pairwise(heard):
        assert abs(after.steering_angle - before.steering_angle) <= 1.0 * (later - earlier + 0.1)


@pytest.mark.ros
def test_without_the_policy_the_expert_drives(stack: Stack) -> None:
    assert stack.spin(START_S, lambda: stack.driven_by(*AUTOMATION))
    killed = stack.kill("policy")
    stack.spin(4.0)
    check_never_silent(stack, killed)
    check_wheel_not_jerked(stack, killed)
    late = [msg.lateral_source for _, msg in stack.after(killed + LIMIT_S)]
    assert COMMAND.POLICY not in late
    assert late.count(COMMAND.EXPERT) > 0.5 * len(late)


@pytest.mark.ros
def test_without_the_expert_nobody_uses_its_last_word(stack: Stack) -> None:
    assert stack.spin(START_S, lambda: stack.driven_by(*AUTOMATION))
    killed = stack.kill("expert")
    stack.spin(4.0)
    check_never_silent(stack, killed)
    late = {msg.lateral_source for _, msg in stack.after(killed + LIMIT_S)}
    assert late <= {COMMAND.POLICY, COMMAND.MRM}


@pytest.mark.ros
def test_a_lost_joystick_is_a_lost_human_and_no_zero_input(stack: Stack) -> None:
    assert stack.spin(START_S, lambda: stack.driven_by(*AUTOMATION))
    stack.axes = [0.6, 0.0, 1.0, 0.0, 0.0, 1.0]
    assert stack.spin(3.0, lambda: stack.driven_by(COMMAND.HUMAN))
    stack.spin(0.3)
    killed = stack.kill("joystick")
    stack.spin(3.0)
    check_never_silent(stack, killed)
    check_wheel_not_jerked(stack, killed)
    late = [msg for _, msg in stack.after(killed + 0.2 + GAP_S)]
    assert late
    assert not any(COMMAND.HUMAN in (msg.lateral_source, msg.longitudinal_source) for msg in late)
    assert stack.states[-1][1].state != STATE.HUMAN


@pytest.mark.ros
def test_without_scenes_the_vehicle_stops_with_the_wheel_held(stack: Stack) -> None:
    assert stack.spin(START_S, lambda: stack.driven_by(*AUTOMATION))
    stack.spin(1.0)
    killed = stack.kill("simulator")
    stopped = stack.spin(20.0, lambda: bool(stack.states) and stack.states[-1][1].state == STATE.STOPPED)
    stack.spin(1.0)
    check_never_silent(stack, killed)
    check_wheel_not_jerked(stack, killed)
    late = [msg for _, msg in stack.after(killed + LIMIT_S)]
    assert stopped
    assert all(msg.lateral_source == msg.longitudinal_source == COMMAND.MRM for msg in late)
    assert all(msg.acceleration <= 0.0 for msg in late[10:])
    assert late[-1].acceleration < 0.0, "a stopped vehicle is held by the brake"
    # No engage by itself: only a person or the simulator's own request leaves a stop.
    assert stack.states[-1][1].state == STATE.STOPPED
