"""recorder_node as a process: any type that is installed, as it comes off the wire, with its definition in the clip."""

from __future__ import annotations

import importlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import rclpy
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from rclpy.serialization import serialize_message
from rosbags.rosbag2 import Reader
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

from takead_ros.host import wiring
from takead_ros.messages import interfaces, store, types
from takead_ros.recording import bag, clip_folders, clip_manifests
from takead_ros.recording.verify import verify_clip

DOMAIN = 100 + os.getpid() % 100
PROGRAM = (
    "from takead_ros.host.ros import spin; from takead_ros.nodes.recorder_node import RecorderNode; spin(RecorderNode)"
)
# What some install has and the typestore of rosbags has not, most likely first.
FOREIGN = (
    "carla_msgs/msg/CarlaEgoVehicleStatus",
    "rosbag2_interfaces/msg/ReadSplitEvent",
    "test_msgs/msg/Nested",
)


@pytest.fixture
def node() -> Iterator[Any]:
    context = rclpy.Context()
    rclpy.init(context=context, domain_id=DOMAIN)
    handle = rclpy.create_node("source", context=context, namespace="takead")
    yield handle
    handle.destroy_node()
    rclpy.shutdown(context=context)


def foreign() -> str:
    for name in FOREIGN:
        package, kind, _ = name.split("/")
        try:
            importlib.import_module(f"{package}.{kind}")
        except ImportError:
            continue
        if name not in store.typestore().fielddefs:
            return name
    pytest.skip(f"none of {', '.join(FOREIGN)} is installed and unknown to rosbags")


def wait(done: Any, node: Any, what: str, limit_s: float = 30.0) -> None:
    end = time.monotonic() + limit_s
    executor = rclpy.executors.SingleThreadedExecutor(context=node.context)
    executor.add_node(node)
    while not done():
        assert time.monotonic() < end, f"{what}: not within {limit_s} s"
        executor.spin_once(timeout_sec=0.05)
    executor.shutdown()


def test_any_installed_type_is_recorded_as_it_comes(tmp_path: Path, node: Any) -> None:
    kind = foreign()
    topics = [f"/foreign:{kind}", "/camera:sensor_msgs/msg/Image:best_effort", "/robot:std_msgs/msg/String:latched"]
    command = [
        sys.executable,
        "-c",
        PROGRAM,
        "--ros-args",
        "-p",
        f"directory:={tmp_path}",
        "-p",
        f"topics:={topics}",
    ]
    best_effort = QoSProfile(depth=5, reliability=ReliabilityPolicy.BEST_EFFORT)
    latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    publishers = [
        node.create_publisher(types.message(kind), "/foreign", 10),
        node.create_publisher(types.message("sensor_msgs/msg/Image"), "/camera", best_effort),
        node.create_publisher(types.String, "/robot", latched),
    ]
    sent = [
        types.message(kind)(),
        types.message("sensor_msgs/msg/Image")(height=40, width=30, step=120, encoding="bgra8", data=bytes(4800)),
        types.String(data="urdf"),
    ]
    bookmark = wiring.client(node, interfaces.BOOKMARK)
    environment = {**os.environ, "ROS_DOMAIN_ID": str(DOMAIN)}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as process:
        wait(lambda: all(p.get_subscription_count() for p in publishers), node, "the recorder's subscriptions")
        wait(bookmark.service_is_ready, node, "its bookmark service")
        for publisher, message in zip(publishers, sent, strict=True):
            publisher.publish(message)
        time.sleep(0.5)
        answer = bookmark.call_async(types.Bookmark.Request(label="here"))
        wait(answer.done, node, "the bookmark")
        assert answer.result().accepted
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 0 and "Traceback" not in err, err
    (clip,) = clip_folders.list_clips(tmp_path)
    found = {m.topic: m.data for m in bag.read(clip)}
    # Some middlewares round a message up to four bytes.
    padded = [serialize_message(message).rstrip(b"\0") for message in sent]
    assert [found[p.topic_name].rstrip(b"\0") for p in publishers] == padded
    assert clip_manifests.read_manifest(clip).kind == "bookmark"
    assert not [p for p in verify_clip(clip).problems if "expected a clip recorded by takead_ros" not in p]
    # The definition in the clip is enough to read it where the package is not installed.
    elsewhere = get_typestore(Stores.ROS2_JAZZY)
    with Reader(clip) as opened:
        (connection,) = [c for c in opened.connections if c.topic == "/foreign"]
        elsewhere.register(get_types_from_msg(connection.msgdef.data, kind))
        (raw,) = [data for c, _, data in opened.messages() if c.topic == "/foreign"]
    assert type(elsewhere.deserialize_cdr(raw, kind)).__name__ == kind.replace("/", "__")


def test_an_unknown_type_is_refused(tmp_path: Path) -> None:
    command = [sys.executable, "-c", PROGRAM, "--ros-args", "-p", f"directory:={tmp_path}"]
    done = subprocess.run([*command, "-p", "topics:=['/x:std_msgs/msg/Nope']"], capture_output=True, text=True)
    assert (
        done.returncode == 2
        and "'/x:std_msgs/msg/Nope', expected a topic of ours or /name:package/msg/Type" in done.stderr
    )
