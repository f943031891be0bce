"""display_node over DDS beside the launched stack: markers for who watches, and the drive goes on as without it.

Needs a sourced ROS 2 in which this package is built, with visualization_msgs (``colcon test`` runs it).
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("visualization_msgs", reason="visualization_msgs is not in this ROS 2")

import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node

from takead_ros.host import wiring
from takead_ros.messages import interfaces, types

START_S, WATCH_S = 120.0, 8.0
NODE = ["nice", "-n", "19", "ros2", "run", "takead_ros", "display_node", "--ros-args", "-p", "use_sim_time:=true"]
STACK = ["ros2", "launch", "takead_ros", "sim.launch.py", "sim:=vector", "family:=cut_in"]


@pytest.fixture(scope="module")
def processes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[subprocess.Popen[bytes]]]:
    """The stack and the node, in a ROS domain of their own; ended by SIGINT as a person would."""
    os.environ["ROS_DOMAIN_ID"] = str(20 + os.getpid() % 60)
    folder = tmp_path_factory.mktemp("display")
    running = []
    for name, command in (("stack", [*STACK, f"bags:={folder / 'clips'}"]), ("node", NODE)):
        with (folder / name).open("wb") as log:
            running.append(
                subprocess.Popen(
                    ["env", "--default-signal=INT", *command],
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            )
    yield running
    for process in running:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGINT)
    for process in running:
        try:
            process.wait(30)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
    for name in ("stack", "node"):
        print((folder / name).read_text(errors="replace")[-3000:])


class Viewer:
    """Watches as RViz does, and counts commands."""

    def __init__(self) -> None:
        self.node = Node("viewer", namespace="takead")
        self.pictures: list[tuple[float, Any]] = []
        self.commands: list[float] = []
        self.words: dict[str, str] = {}
        wiring.subscription(self.node, interfaces.COMMAND, lambda msg: self.commands.append(time.monotonic()))
        wiring.subscription(self.node, interfaces.DIAGNOSTICS, self._on_diagnostics)
        self.executor = SingleThreadedExecutor()
        self.executor.add_node(self.node)

    def watch(self) -> None:
        wiring.subscription(
            self.node, interfaces.DISPLAY, lambda msg: self.pictures.append((time.monotonic(), msg.markers))
        )

    def spin(self, done: Any, limit_s: float) -> bool:
        end = time.monotonic() + limit_s
        while time.monotonic() < end and not done():
            self.executor.spin_once(timeout_sec=0.1)
        return bool(done())

    def _on_diagnostics(self, msg: Any) -> None:
        self.words |= {status.name: status.message for status in msg.status}


@pytest.fixture(scope="module")
def viewer(processes: list[subprocess.Popen[bytes]]) -> Iterator[Viewer]:
    rclpy.init()
    found = Viewer()
    yield found
    found.node.destroy_node()
    rclpy.shutdown()


def cpu_s(group: int) -> float:
    """Processor time, s, of the processes of a group so far."""
    spent = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it has ended meanwhile
            fields = stat.read_text().rsplit(")", 1)[1].split()
            spent += (int(fields[11]) + int(fields[12])) * (int(fields[2]) == group)
    return spent / os.sysconf("SC_CLK_TCK")


def spaces(markers: Any) -> set[str]:
    return {marker.ns for marker in markers}


@pytest.mark.ros
def test_it_draws_what_is_driven_for_who_watches(viewer: Viewer, processes: list[subprocess.Popen[bytes]]) -> None:
    mark = "/takead/display_node: markers"
    assert viewer.spin(lambda: len(viewer.commands) > 40 and mark in viewer.words, START_S)
    assert viewer.words[mark] == "nobody watches" and not viewer.pictures
    viewer.watch()
    wanted = {"road", "route", "ego", "policy", "expert", "candidates", "status"}
    seen = viewer.spin(lambda: bool(viewer.pictures) and spaces(viewer.pictures[-1][1]) >= wanted, START_S)
    assert seen, spaces(viewer.pictures[-1][1]) if viewer.pictures else "no picture"
    viewer.pictures.clear()
    viewer.commands.clear()
    before = cpu_s(processes[1].pid)
    viewer.spin(lambda: False, WATCH_S)
    share = (cpu_s(processes[1].pid) - before) / WATCH_S
    print(f"display_node: {share:.2f} of a core, {len(viewer.pictures) / WATCH_S:.1f} pictures a second")
    assert share < 0.3
    assert 3.0 * WATCH_S < len(viewer.pictures) < 10.5 * WATCH_S, "ten a second; fewer where others need the processor"
    assert len(viewer.commands) > 0.8 * 20.0 * WATCH_S
    marker = types.message(interfaces.DISPLAY.type.replace("MarkerArray", "Marker"))
    texts = {m.text for _, markers in viewer.pictures for m in markers if m.type == marker.TEXT_VIEW_FACING}
    assert any("the policy" in text or "the expert" in text for text in texts)
    assert any(text.startswith("age s: scene 0.") for text in texts)
    assert all(m.header.frame_id == "base_link" for _, markers in viewer.pictures for m in markers)
    assert all(process.poll() is None for process in processes)


@pytest.mark.ros
def test_its_end_ends_nothing(viewer: Viewer, processes: list[subprocess.Popen[bytes]]) -> None:
    stack, node = processes
    os.killpg(node.pid, signal.SIGKILL)
    node.wait(10)
    viewer.commands.clear()
    viewer.spin(lambda: False, 3.0)
    assert len(viewer.commands) > 40 and stack.poll() is None
