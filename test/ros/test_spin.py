"""``host.ros.spin`` as a process: parameters, both signals, and how it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

PROGRAM = """
import sys
import rclpy
from takead_ros.domain.errors import TakeadError
from takead_ros.host import wiring
from takead_ros.host.ros import spin
from takead_ros.messages import interfaces, types


class ProbeNode:
    NAME = "probe_node"

    def __init__(self, node, steady):
        self.node, self.steady, self.ticks = node, steady, 0
        node.declare_parameters("", [("rate", 1.0), ("fail", "")])
        self.publisher = wiring.publisher(node, interfaces.COMMAND)
        node.create_timer(1.0 / node.get_parameter("rate").value, self.tick, clock=steady)
        if node.get_parameter("fail").value == "start":
            raise TakeadError("model.onnx: truncated")

    def tick(self):
        self.ticks += 1
        if self.ticks == 3:
            print("ready", self.node.get_namespace(), self.node.get_parameter("rate").value, flush=True)
            if self.node.get_parameter("fail").value == "tick":
                raise ZeroDivisionError("in a timer")

    def close(self):
        self.publisher.publish(types.DriveCommand(reason="closing"))
        print("closed", rclpy.ok(), flush=True)


spin(ProbeNode)
"""


def start(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    program = folder / "probe.py"
    program.write_text(PROGRAM)
    return subprocess.Popen(
        [sys.executable, str(program), "--ros-args", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "ROS_DOMAIN_ID": str(100 + os.getpid() % 100)},
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_closes_the_node_while_it_can_still_publish(tmp_path: Path, number: signal.Signals) -> None:
    (tmp_path / "file.yaml").write_text("/**/probe_node:\n  ros__parameters:\n    rate: 50.0\n")
    with start(tmp_path, "--params-file", str(tmp_path / "file.yaml"), "-r", "__ns:=/ego") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready /ego 50.0\n"
        begun = time.monotonic()
        process.send_signal(number)
        out, err = process.communicate(timeout=20)
    assert (process.returncode, out) == (0, "closed True\n"), err
    assert time.monotonic() - begun < 5.0
    assert "Traceback" not in err


def test_a_repeated_ctrl_c_does_not_make_the_end_a_fault(tmp_path: Path) -> None:
    """As a terminal's, which launch sends once more: here until the process is gone."""
    with start(tmp_path, "-p", "rate:=50.0") as process:
        assert process.stdout is not None and process.stdout.readline().startswith("ready")
        while process.poll() is None:
            process.send_signal(signal.SIGINT)
            time.sleep(0.002)
    assert process.returncode == 0


def test_bad_input_ends_with_code_2_and_one_line(tmp_path: Path) -> None:
    process = start(tmp_path, "-p", "fail:=start")
    _, err = process.communicate(timeout=30)
    assert process.returncode == 2, err
    assert "model.onnx: truncated" in err and "Traceback" not in err


def test_a_callback_that_raises_ends_the_process_and_closes_the_node(tmp_path: Path) -> None:
    process = start(tmp_path, "-p", "fail:=tick", "-p", "rate:=50.0")
    out, err = process.communicate(timeout=30)
    assert process.returncode == 1
    assert out == "ready /takead 50.0\nclosed True\n"
    assert "ZeroDivisionError: in a timer" in err
