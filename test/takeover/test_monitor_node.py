"""The monitor as a node: when it asks, when it says that it is over, and when it has no word."""

from __future__ import annotations

import math

from support.arbiter_bench import Bench
from support.scenery import objects, output, scene
from takead_ros.domain.driving import ArbiterMode as M
from takead_ros.domain.driving import Trigger
from takead_ros.domain.units import SECOND
from takead_ros.messages import convert, types
from takead_ros.nodes.monitor_node import MonitorNode


def test_the_monitor_has_no_word_for_a_scene_that_is_not_finite() -> None:
    bench = Bench(MonitorNode, auto_engage=True)
    bench.ticks(10)
    said = len(bench.asked)
    broken = convert.scene_to_msg(scene(bench.host.clock.nanoseconds))
    broken.ego.speed = math.nan
    bench.sends.discard("scene")
    for _ in range(4):
        bench.ticks()
        broken.header.stamp = convert.scene_to_msg(scene(bench.host.clock.nanoseconds)).header.stamp
        bench.scenes.publish(broken)
    assert len(bench.asked) <= said + 1


def test_without_the_monitor_the_expert_drives_and_engage_is_refused() -> None:
    bench = Bench(auto_engage=True)
    bench.ticks(4)
    bench.sends.discard("monitor")
    bench.ticks(8)
    assert bench.mode is M.EXPERT and bench.states[-1].reason == "policy_unwatched_stale"
    bench.ticks(100)
    assert bench.mode is M.EXPERT  # no hand-back to a policy that nobody watches
    assert bench.call(types.Disengage, "disengage").accepted
    assert bench.call(types.Engage, "engage").code == "monitor_lost"
    bench.sends.add("monitor")
    bench.ticks(2)
    assert bench.call(types.Engage, "engage").accepted and bench.mode is M.POLICY


def test_the_monitor_asks_and_says_when_it_is_over() -> None:
    bench = Bench(MonitorNode, auto_engage=True)
    bench.ticks(10)
    assert [m.trigger for m in bench.asked] == [Trigger.NONE] * 5  # ten times a second: there is a monitor
    bench.near = objects({"x": 10.0 * (bench.host.steady.nanoseconds / SECOND) + 24.0, "y": 0.0})
    bench.ticks(4)
    assert {m.trigger for m in bench.asked} == {Trigger.NONE}  # the expert would do the same: nothing is gained
    bench.sends.discard("expert")
    bench.ticks(8)
    assert bench.asked[-1].trigger == Trigger.COLLISION_PREDICTED and bench.asked[-1].object_id == 1
    bench.near = None
    bench.ticks(12)
    number = len(bench.asked)
    assert bench.asked[-1].trigger == Trigger.NONE
    bench.ticks(10)
    assert [m.trigger for m in bench.asked[number:]] == [Trigger.NONE] * 5
    assert any("triggers" in entry.name for array in bench.health for entry in array.status)


def test_the_monitor_without_inputs() -> None:
    bench = Bench(MonitorNode)
    bench.sends = set()
    bench.ticks(25)
    assert bench.asked == []
    entries = [entry for array in bench.health for entry in array.status if "triggers" in entry.name]
    assert entries[-1].level == types.DiagnosticStatus.ERROR
    broken = convert.scene_to_msg(scene(0))
    broken.route.target_command[0] = 77
    bench.scenes.publish(broken)
    bad = convert.driver_to_msg(output(0))
    bad.status = 99
    bench.policy.publish(bad)
    bench.ticks(25)
    entries = [entry for array in bench.health for entry in array.status if "triggers" in entry.name]
    assert {v.key: v.value for v in entries[-1].values}["unreadable"] == "2"
