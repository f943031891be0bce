"""What only the lockstep host promises: exact order, simulated time, loud failures, the same run twice."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from takead_ros.domain.errors import TakeadError
from takead_ros.host import qos
from takead_ros.host.lockstep import LockstepHost
from takead_ros.messages import codec, types
from takead_ros.messages.interfaces import Qos

MS = 1_000_000
DEEP = qos.profile(Qos(10))


def text(data: str) -> Any:
    return types.String(data=data)


# order ------------------------------------------------------------------------------------------------------------


def test_delivery_is_in_the_order_of_publishing_across_topics() -> None:
    host, order = LockstepHost(), []
    node = host.create_node("node")
    first, second = (node.create_publisher(types.String, name, DEEP) for name in ("first", "second"))
    for name in ("second", "first"):
        node.create_subscription(types.String, name, lambda msg, name=name: order.append((name, msg.data)), DEEP)
    for publisher, data in ((first, "a"), (second, "b"), (first, "c")):
        publisher.publish(text(data))
    host.advance(0)
    assert order == [("first", "a"), ("second", "b"), ("first", "c")]


def test_a_chain_of_callbacks_is_breadth_first() -> None:
    host, order = LockstepHost(), []
    node = host.create_node("node")
    start, middle = (node.create_publisher(types.String, name, DEEP) for name in ("start", "middle"))

    def pass_on(msg: Any) -> None:
        order.append(f"start {msg.data}")
        middle.publish(msg)

    node.create_subscription(types.String, "start", pass_on, DEEP)
    node.create_subscription(types.String, "middle", lambda msg: order.append(f"middle {msg.data}"), DEEP)
    start.publish(text("1"))
    start.publish(text("2"))
    host.advance(0)
    assert order == ["start 1", "start 2", "middle 1", "middle 2"]


def test_timers_due_together_fire_in_the_order_of_creation_with_queues_drained_between() -> None:
    host, order = LockstepHost(), []
    slow, fast = host.create_node("slow"), host.create_node("fast")
    publisher = slow.create_publisher(types.String, "tick", DEEP)

    def tick() -> None:
        order.append("slow")
        publisher.publish(text("x"))

    slow.create_timer(0.1, tick, clock=host.steady)
    fast.create_timer(0.05, lambda: order.append("fast"))
    fast.create_subscription(types.String, "tick", lambda msg: order.append("heard"), DEEP)
    host.run_until(100 * MS)
    assert order == ["fast", "slow", "heard", "fast"]


def test_a_message_that_a_newer_one_pushed_out_does_not_move_the_newer_one_forward() -> None:
    host, order = LockstepHost(), []
    node = host.create_node("node")
    shallow, other = (node.create_publisher(types.String, name, DEEP) for name in ("shallow", "other"))
    subscription = node.create_subscription(types.String, "shallow", lambda msg: order.append(msg.data), 1)
    node.create_subscription(types.String, "other", lambda msg: order.append(msg.data), DEEP)
    for publisher, data in ((shallow, "old"), (other, "between"), (shallow, "new")):
        publisher.publish(text(data))
    host.advance(0)
    assert order == ["between", "new"]
    assert subscription.dropped == 1


# time -------------------------------------------------------------------------------------------------------------


def test_time_stands_still_inside_a_callback_and_both_clocks_advance_together() -> None:
    host = LockstepHost(start_ns=5)
    node, seen = host.create_node("node"), []
    node.create_timer(0.03, lambda: seen.append((node.get_clock().now().nanoseconds, host.steady.now().nanoseconds)))
    host.run_until(5 + 70 * MS)
    assert seen == [(5 + 30 * MS, 5 + 30 * MS), (5 + 60 * MS, 5 + 60 * MS)]
    assert host.clock.now().nanoseconds == 5 + 70 * MS
    with pytest.raises(ValueError, match="already"):
        host.run_until(5)


def test_a_paused_clock_stops_its_timers_but_not_the_steady_ones() -> None:
    host, order = LockstepHost(), []
    node = host.create_node("node")
    node.create_timer(0.1, lambda: order.append("ros"))
    node.create_timer(0.1, lambda: order.append("steady"), clock=host.steady)
    host.advance(150 * MS)
    host.pause_ros_time()
    host.advance(200 * MS)
    assert order == ["ros", "steady", "steady", "steady"]
    assert (host.clock.now().nanoseconds, host.steady.now().nanoseconds) == (150 * MS, 350 * MS)
    host.resume_ros_time()
    host.advance(50 * MS)
    assert order[4:] == ["ros", "steady"]
    assert host.clock.now().nanoseconds == 200 * MS


def test_a_jump_forward_fires_once_and_skips_what_was_missed() -> None:
    host = LockstepHost()
    node, seen = host.create_node("node"), []
    node.create_timer(0.1, lambda: seen.append(node.get_clock().now().nanoseconds // MS))
    host.jump_ros_time(550 * MS)
    host.advance(0)
    assert seen == [550]
    host.advance(100 * MS)
    assert seen == [550, 600]


def test_a_jump_back_waits_one_period_from_there() -> None:
    host = LockstepHost(start_ns=10_000 * MS)
    node, seen = host.create_node("node"), []
    node.create_timer(0.1, lambda: seen.append(node.get_clock().now().nanoseconds // MS))
    host.advance(100 * MS)
    host.jump_ros_time(-5_000 * MS)
    host.advance(250 * MS)
    assert seen == [10_100, 5_200, 5_300]


def test_a_timer_that_is_late_does_not_catch_up() -> None:
    host = LockstepHost()
    node, seen = host.create_node("node"), []
    timer = node.create_timer(0.1, lambda: seen.append(host.steady.now().nanoseconds // MS))
    timer.cancel()
    host.advance(1000 * MS)
    assert timer.time_until_next_call() is None
    timer.reset()
    assert timer.time_until_next_call() == 100 * MS
    host.advance(200 * MS)
    assert seen == [1100, 1200]


@pytest.mark.parametrize("period", [0.0, -1.0, 1e-12])
def test_a_timer_needs_a_period(period: float) -> None:
    with pytest.raises(TakeadError, match="timer period"):
        LockstepHost().create_node("node").create_timer(period, lambda: None)


def test_overrides_that_nobody_declared_are_known() -> None:
    node = LockstepHost().create_node("node", parameter_overrides={"rate": 1.0, "rat": 2.0})
    node.declare_parameter("rate", 5.0)
    assert node.undeclared_overrides() == ["rat"]


# sharing ----------------------------------------------------------------------------------------------------------


def test_messages_are_shared_and_raw_bytes_are_made_once() -> None:
    host, heard, raw = LockstepHost(), [], []
    node = host.create_node("node")
    publisher = node.create_publisher(types.String, "x", DEEP)
    for _ in range(2):
        node.create_subscription(types.String, "x", heard.append, DEEP)
        node.create_subscription(types.String, "x", raw.append, DEEP, raw=True)
    msg = text("x")
    publisher.publish(msg)
    msg.data = "changed after publishing"
    host.advance(0)
    assert heard[0] is heard[1] is msg
    assert raw[0] is raw[1]
    assert codec.deserialize(raw[0], "std_msgs/msg/String").data == "x"


def test_a_node_may_destroy_itself_or_another_in_a_callback() -> None:
    host, order = LockstepHost(), []
    first, second = host.create_node("first"), host.create_node("second")
    first.create_timer(0.1, lambda: (order.append("first"), first.destroy_node(), second.destroy_node()))
    second.create_timer(0.1, lambda: order.append("second"))
    host.advance(300 * MS)
    assert order == ["first"]


# determinism ------------------------------------------------------------------------------------------------------

WIRING = """
import hashlib
import numpy as np
from takead_ros.host import qos, wiring
from takead_ros.host.lockstep import LockstepHost
from takead_ros.messages import types

host = LockstepHost(start_ns=7)
random = np.random.default_rng((3, 1))
log = []
nodes = [host.create_node(f"node_{i}") for i in range(5)]
out = [node.create_publisher(types.PolicyOutput, f"out_{i}", qos.QoSProfile(depth=3)) for i, node in enumerate(nodes)]


def listener(i):
    def on_output(msg):
        if random.random() < 0.4:
            out[i].publish(types.PolicyOutput(source=str(i), logits=random.normal(size=4), dt=msg.dt + 1))
    return on_output


for i, node in enumerate(nodes):
    node.create_timer(0.01 * (1 + i % 3), lambda i=i: out[i].publish(types.PolicyOutput(source=f"timer {i}")))
    for j in {(i + 1) % 5, (i + 3) % 5}:
        node.create_subscription(types.PolicyOutput, f"out_{j}", listener(i), qos.QoSProfile(depth=2))
recorder = host.create_node("recorder")
for i in range(5):
    recorder.create_subscription(
        types.PolicyOutput, f"out_{i}",
        lambda data, i=i: log.append(b"%d %d " % (i, host.clock.now().nanoseconds) + data), 100, raw=True,
    )
host.run_until(2_000_000_000)
print(len(log), hashlib.sha256(b"".join(log)).hexdigest())
"""


@pytest.mark.slow
def test_the_same_wiring_publishes_the_same_bytes_in_another_process() -> None:
    root = Path(__file__).parents[2]
    runs = [
        subprocess.run(
            [sys.executable, "-c", WIRING],
            capture_output=True,
            text=True,
            check=True,
            cwd=root,
            env={**os.environ, "PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    ]
    count, digest = runs[0].split()
    assert int(count) > 500 and len(digest) == 64
    assert runs[0] == runs[1]
