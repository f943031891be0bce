"""``vehicle.launch.py`` and ``replay.launch.py`` with real processes: no torch, a signed bundle.

The vehicle's scenes come from a simulator_node beside the launch, under another name, as a perception's would.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from takead_ros.recording import clip_folders

pytest.importorskip("launch_ros", reason="launch_ros is not in this ROS 2 install")
pytest.importorskip("ackermann_msgs", reason="the vehicle's messages are not in this ROS 2 install")

import rclpy
from ament_index_python.packages import get_package_prefix
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node

from support import bundles
from support.bridge import users_environment
from takead_ros.domain.seeds import parse_seeds
from takead_ros.host import wiring
from takead_ros.messages import interfaces, types
from takead_ros.scenarios.suites import load_suite

pytestmark = pytest.mark.ros
PROGRAMS = Path(get_package_prefix("takead_ros")) / "lib" / "takead_ros"
GOLDEN = Path(__file__).resolve().parents[1] / "recording" / "golden"
START_S = 90.0
WORLD = {
    "simulator": "vector", "suite": "intersection_right", "seed": "1000000", "publish_clock": "true",
    "real_time": "true", "auto_engage": "false", "wait_for_driver_s": "45.0",
}  # fmt: skip
# So long the world stands still. Where a scene came late on a loaded machine the arbiter stops the vehicle meanwhile,
# and refuses this one, which says that it rolls and does not, until the world goes on.
START_MPS = load_suite(WORLD["suite"]).episodes(parse_seeds("collection:0"))[0].speed  # collection:0 is seed 1000000


def begin(command: list[str], log: Path) -> subprocess.Popen[bytes]:
    # A child of a background job ignores SIGINT unless told otherwise.
    return subprocess.Popen(
        ["env", "--default-signal=INT", *command],
        stdout=log.open("wb"),
        stderr=subprocess.STDOUT,
        start_new_session=True,
        env=users_environment(),
    )


def end(process: subprocess.Popen[bytes], log: Path) -> None:
    os.killpg(process.pid, signal.SIGINT)
    try:
        process.wait(40)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        print(log.read_text(errors="replace")[-4000:])


class Listener:
    """What the vehicle is told."""

    def __init__(self) -> None:
        rclpy.init()
        self.node = Node("listener", namespace="takead")
        self.commands: list[Any] = []
        self.driven: list[Any] = []
        ackermann = __import__("ackermann_msgs.msg", fromlist=["AckermannDriveStamped"])
        wiring.subscription(self.node, interfaces.COMMAND, self.commands.append)
        self.node.create_subscription(ackermann.AckermannDriveStamped, "/vehicle/ackermann_cmd", self.driven.append, 10)
        self.engage = wiring.client(self.node, interfaces.ENGAGE)
        self.executor = SingleThreadedExecutor()
        self.executor.add_node(self.node)

    def until(self, seconds: float, holds: Any) -> bool:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and not holds():
            self.executor.spin_once(timeout_sec=0.1)
        return bool(holds())

    def asked(self) -> Any:
        future = self.engage.call_async(types.Engage.Request())
        self.until(5.0, future.done)
        return future.result()

    def close(self) -> None:
        self.executor.shutdown()
        self.node.destroy_node()
        rclpy.shutdown()


@pytest.fixture
def domain() -> None:
    os.environ["ROS_DOMAIN_ID"] = str(20 + (os.getpid() + 7) % 60)


@pytest.fixture
def vehicle(tmp_path: Path, domain: None) -> Iterator[Listener]:
    bundle = tmp_path / "b.tar.zst"
    bundle.write_bytes(bundles.make(parameters=bundles.PARAMETERS))
    _, key = bundles.write_keys(tmp_path)
    given = [word for name, value in WORLD.items() for word in ("-p", f"{name}:={value}")]
    world = begin(
        [str(PROGRAMS / "simulator_node"), "--ros-args", *given, "-r", "scene:=/perception/scene"], tmp_path / "world"
    )
    stack = begin(
        [
            "ros2",
            "launch",
            "takead_ros",
            "vehicle.launch.py",
            "vehicle:=ackermann",
            f"bundle:={bundle}",
            f"key:={key}",
            "use_sim_time:=true",
            f"bags:={tmp_path / 'clips'}",
            "remap:=scene:=/perception/scene ackermann_cmd:=/vehicle/ackermann_cmd",
        ],
        tmp_path / "log",
    )
    listener = Listener()
    try:
        yield listener
    finally:
        listener.close()
        end(stack, tmp_path / "log")
        end(world, tmp_path / "world")


def test_a_vehicle_drives_by_a_signed_bundle_once_somebody_engages(vehicle: Listener) -> None:
    assert vehicle.until(START_S, lambda: len(vehicle.commands) > 40 and len(vehicle.driven) > 40)
    nobody = {types.DriveCommand.NONE, types.DriveCommand.MRM}  # the stop, where a scene came late
    assert {m.lateral_source for m in vehicle.commands} <= nobody, "nobody drives before"
    # This world's vehicle comes along at START_MPS and waits there: nobody who engaged means braking, never more speed.
    assert all(m.acceleration <= 0.0 for m in vehicle.commands)
    assert all(m.drive.speed <= START_MPS for m in vehicle.driven) and vehicle.driven[-1].drive.speed < START_MPS - 0.5
    deadline = time.monotonic() + START_S
    answer = vehicle.asked()
    while not answer.accepted and time.monotonic() < deadline:
        vehicle.until(0.5, lambda: False)
        answer = vehicle.asked()
    assert answer.accepted, answer.message
    driving = lambda: vehicle.commands[-1].lateral_source == types.DriveCommand.POLICY  # noqa: E731
    before = len(vehicle.driven)
    speeds = lambda: {round(m.drive.speed, 3) for m in vehicle.driven[before:]}  # noqa: E731
    assert vehicle.until(10.0, lambda: driving() and len(speeds()) > 10), "its speed is led by the policy"
    assert all(len(m.model_sha256) == 64 for m in vehicle.commands if m.lateral_source == types.DriveCommand.POLICY)


@pytest.mark.parametrize(("model", "code"), [("novice", 0), ("baseline", 1)])
def test_a_clip_through_the_nodes(tmp_path: Path, domain: None, model: str, code: int) -> None:
    (clip,) = clip_folders.list_clips(GOLDEN)
    done = subprocess.run(
        [
            "ros2",
            "launch",
            "takead_ros",
            "replay.launch.py",
            f"clip:={clip}",
            "any_model:=true",
            f"model:={bundles.NOVICE.with_name(model + '.onnx')}",
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=150,
        env=users_environment(),
    )
    told = done.stdout + done.stderr
    assert done.returncode == code, told
    assert ("outputs compared: the same" if code == 0 else "NOT THE SAME") in told
