"""The golden clip, played by ``ros2 bag play``, makes policy_node publish what was recorded."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import rclpy

from takead_ros.domain.driving import DriverOutput
from takead_ros.host import qos
from takead_ros.messages import convert, types
from takead_ros.recording import clip_folders
from takead_ros.recording.comparison import judge, recorded_outputs
from takead_ros.resources import resource

GOLDEN = Path(__file__).resolve().parents[1] / "recording" / "golden"
DOMAIN = 100 + (os.getpid() + 50) % 100
PROGRAM = "from takead_ros.host.ros import spin; from takead_ros.nodes.policy_node import PolicyNode; spin(PolicyNode)"


@pytest.mark.skipif(shutil.which("ros2") is None, reason="no ros2 command here")
def test_a_played_clip_gives_the_recorded_outputs() -> None:
    (clip,) = clip_folders.list_clips(GOLDEN)
    environment = {**os.environ, "ROS_DOMAIN_ID": str(DOMAIN)}
    # Played scenes are old by any clock that has not heard /clock yet: their age is no question here.
    policy = [
        sys.executable, "-c", PROGRAM, "--ros-args", "-r", "__ns:=/takead", "-p", "use_sim_time:=true",
        "-p", f"model:={resource('models') / 'novice.onnx'}", "-p", "max_scene_age_s:=1.0e9",
    ]  # fmt: skip
    # The delay lets the player's publisher be found before the first scene, which is sent best effort; the rate keeps a
    # loaded machine from overtaking a scene in the policy's queue of one.
    play = [
        "ros2", "bag", "play", str(clip), "--topics", "/takead/scene", "--clock", "100", "--delay", "4",
        "--rate", "0.2", "--disable-keyboard-controls",
    ]  # fmt: skip
    said: dict[int, DriverOutput] = {}

    def hear(msg: Any) -> None:
        output = convert.driver_from_msg(msg)
        said.setdefault(output.stamp, output)

    context = rclpy.Context()
    rclpy.init(context=context, domain_id=DOMAIN)
    node = rclpy.create_node("listener", context=context, namespace="takead")
    heard = node.create_subscription(types.PolicyOutput, "policy/output", hear, qos.QoSProfile(depth=1000))
    executor = rclpy.executors.SingleThreadedExecutor(context=context)
    executor.add_node(node)
    process = subprocess.Popen(policy, env=environment)
    try:
        end = time.monotonic() + 60.0
        while heard.get_publisher_count() == 0:
            assert time.monotonic() < end, "policy_node was not found within 60 s"
            executor.spin_once(timeout_sec=0.1)
        player = subprocess.Popen(play, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while player.poll() is None:
            executor.spin_once(timeout_sec=0.05)
        assert player.returncode == 0
        end = time.monotonic() + 1.0
        while time.monotonic() < end:
            executor.spin_once(timeout_sec=0.05)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()
        node.destroy_node()
        rclpy.shutdown(context=context)
    result = judge(clip, recorded_outputs(clip)[1], said)
    assert result.frames >= 20 and result.problems == []
