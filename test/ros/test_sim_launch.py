"""``ros2 launch takead_ros sim.launch.py`` in each world of ours, with real processes: every interface speaks.

Needs a sourced ROS 2 in which this package is built (``colcon test`` runs it); MetaDrive for that world only.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pytest
import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node

from takead_ros.host import wiring
from takead_ros.messages import interfaces, types

START_S = 90.0  # eight Python processes start, two of them heavy
TOPICS = (
    interfaces.EPISODE,
    interfaces.SCENE,
    interfaces.POLICY_OUTPUT,
    interfaces.EXPERT_OUTPUT,
    interfaces.COMMAND,
    interfaces.ARBITER_STATE,
)


@pytest.fixture(scope="module", params=["metadrive", "vector"])
def stack(request: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[subprocess.Popen[bytes]]:
    """The launched stack in a ROS domain of its own; ended by SIGINT as a person would."""
    if request.param == "metadrive":
        pytest.importorskip("metadrive", reason="the simulator is not on PYTHONPATH")
    os.environ["ROS_DOMAIN_ID"] = str(20 + os.getpid() % 60)
    folder = tmp_path_factory.mktemp("launch")
    command = ["ros2", "launch", "takead_ros", "sim.launch.py", f"sim:={request.param}", f"bags:={folder / 'clips'}"]
    with (folder / "log").open("wb") as log:
        # A child of a background job ignores SIGINT unless told otherwise.
        process = subprocess.Popen(
            ["env", "--default-signal=INT", *command], stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )
        yield process
        os.killpg(process.pid, signal.SIGINT)
        try:
            process.wait(30)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            print((folder / "log").read_text(errors="replace")[-4000:])


@pytest.fixture(scope="module")
def heard(stack: subprocess.Popen[bytes]) -> Iterator[dict[str, list[Any]]]:
    """Some seconds of every topic, until both sides drive: at its first start the expert is compiled before."""
    messages: dict[str, list[Any]] = defaultdict(list)
    rclpy.init()
    node = Node("listener", namespace="takead")
    for interface in TOPICS:
        wiring.subscription(node, interface, messages[interface.name].append)
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and stack.poll() is None:
        executor.spin_once(timeout_sec=0.1)
        driven = [m for m in messages["command"] if m.lateral_source == types.DriveCommand.POLICY]
        answers = [m for m in messages["expert/output"] if m.status == m.OK]
        if len(driven) > 40 and len(answers) > 20 and all(messages[one.name] for one in TOPICS):
            break
    yield messages
    node.destroy_node()
    rclpy.shutdown()


@pytest.mark.ros
@pytest.mark.parametrize("topic", [interface.name for interface in TOPICS])
def test_every_interface_speaks(heard: dict[str, list[Any]], topic: str) -> None:
    assert heard[topic], f"no message on {topic} in {START_S} s"


@pytest.mark.ros
def test_the_policy_drives_by_scenes_of_the_simulator(heard: dict[str, list[Any]]) -> None:
    driven = [m for m in heard["command"] if m.lateral_source == types.DriveCommand.POLICY]
    assert len(driven) > 40
    assert all(len(m.model_sha256) == 64 for m in driven)
    stamps = [m.header.stamp.sec + 1e-9 * m.header.stamp.nanosec for m in heard["scene"]]
    assert max(stamps) > min(stamps)


@pytest.mark.ros
def test_both_sides_speak_on_the_same_scenes(heard: dict[str, list[Any]]) -> None:
    def stamps(topic: str) -> set[tuple[int, int]]:
        return {(m.header.stamp.sec, m.header.stamp.nanosec) for m in heard[topic] if m.status == m.OK}

    policy, expert = stamps("policy/output"), stamps("expert/output")
    assert len(policy & expert) > 0.5 * min(len(policy), len(expert)) > 5


@pytest.mark.ros
def test_the_stack_stays_up(stack: subprocess.Popen[bytes], heard: dict[str, list[Any]]) -> None:
    assert heard and stack.poll() is None
