"""The arbiter as a node: commands at every tick, services, parameters, and a person who is answered at once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from support.arbiter_bench import Bench
from support.scenery import TICK, output
from takead_ros.domain.driving import ArbiterMode as M
from takead_ros.domain.driving import Source, Trigger
from takead_ros.domain.errors import TakeadError
from takead_ros.domain.units import SECOND
from takead_ros.host.parameters import Parameter
from takead_ros.messages import convert, types
from takead_ros.nodes.joystick_node import JoystickNode


def test_a_command_at_every_tick_whatever_is_there() -> None:
    bench = Bench()
    bench.sends = set()
    bench.ticks(20)
    assert len(bench.commands) == 20 and bench.commands[-1].acceleration < 0.0
    bench.host.pause_ros_time()
    bench.ticks(20)
    assert len(bench.commands) == 40
    bench.host.resume_ros_time()
    bench.host.jump_ros_time(-5 * SECOND)
    bench.ticks(20)
    assert len(bench.commands) == 60


def test_services_answer_with_a_code() -> None:
    bench = Bench()
    assert bench.call(types.Engage, "engage").code == "scene_stale"
    bench.ticks(2)
    answer = bench.call(types.Engage, "engage")
    assert (answer.accepted, answer.code, answer.message) == (True, "ok", "engaged")
    assert bench.mode is M.POLICY
    assert bench.call(types.Engage, "engage").code == "already_engaged"
    assert bench.call(types.Disengage, "disengage").accepted
    assert bench.mode is M.DISENGAGED


def test_auto_engage_in_the_first_tick() -> None:
    bench = Bench(auto_engage=True)
    bench.ticks()
    assert bench.mode is M.POLICY and bench.commands[0].longitudinal_source == Source.POLICY


def test_takeover_and_handback() -> None:
    bench = Bench(auto_engage=True)
    bench.ticks(2)
    bench.trigger = Trigger.STUCK
    bench.ticks()
    bench.trigger = Trigger.NONE
    assert bench.mode is M.EXPERT and bench.states[-1].hold_remaining == pytest.approx(2.0, abs=1e-6)
    assert bench.states[-1].since == pytest.approx(10.15)
    bench.ticks(60)
    assert [(e.kind, e.takeover, e.who, e.trigger) for e in bench.events] == [(0, 1, 2, 4), (1, 1, 2, 4), (2, 1, 2, 4)]
    assert bench.mode is M.POLICY and bench.states[-1].hold_remaining == 0.0


def test_a_broken_message_is_counted_and_dropped() -> None:
    bench = Bench(auto_engage=True)
    bench.ticks(2)
    bad = convert.driver_to_msg(output(bench.host.clock.nanoseconds))
    bad.status = 99
    bench.policy.publish(bad)
    odd = convert.driver_to_msg(replace(output(bench.host.clock.nanoseconds + 1), steering_angle=4.0))
    bench.ticks()
    bench.policy.publish(odd)
    bench.sends.discard("policy")
    bench.ticks(45)
    assert bench.states[-1].rejected_policy == 2 and bench.states[-1].rejected_scene == 0
    status = {entry.name.split()[-1]: entry for entry in bench.health[-1].status}
    assert set(status) == {"mode", "publishers", "scene", "policy", "expert", "human", "request"}
    values = {v.key: v.value for v in status["policy"].values}
    assert values["rejected"] == "2" and "PolicyOutput.status" in values["last_unreadable"]
    assert status["scene"].level == types.DiagnosticStatus.OK
    assert float({v.key: v.value for v in status["scene"].values}["rate_hz"]) == pytest.approx(20.0, abs=1.5)


def test_parameters_change_where_safe() -> None:
    bench = Bench()
    (ok,) = bench.handle.set_parameters([Parameter("expert_hold_s", 3.0)])
    assert ok.successful
    for name, value, words in (
        ("expert_hold_s", 0.0, "expert_hold_s"), ("drivers", ["policy"], "start only"),
        ("period_s", 0.02, "start only"), ("exit_steering_rad", 0.2, "rollback"),
    ):  # fmt: skip
        (refused,) = bench.handle.set_parameters([Parameter(name, value)])
        assert not refused.successful and words in refused.reason
    bench.call(types.Engage, "engage")
    bench.ticks(2)
    bench.call(types.Engage, "engage")
    bench.trigger = Trigger.STUCK
    bench.ticks()
    assert bench.states[-1].hold_remaining == pytest.approx(3.0)


@pytest.mark.parametrize(
    "parameters",
    [{"drivers": ["human"]}, {"period_s": 0.0}, {"mrm_deceleration_mps2": 5.9, "mrm_emergency_deceleration_mps2": 4.0}],
)
def test_bad_parameters_stop_the_start(parameters: dict[str, Any]) -> None:
    with pytest.raises(TakeadError, match="arbiter_node: parameter"):
        Bench(**parameters)


def test_from_the_joystick_to_the_command_in_one_tick() -> None:
    bench = Bench(JoystickNode, auto_engage=True)
    rest = types.Joy(axes=[0.0, 0.0, 1.0, 0.0, 0.0, 1.0], buttons=[0] * 11)
    for _ in range(5):
        bench.joy.publish(rest)
        bench.ticks()
    assert bench.mode is M.POLICY
    bench.joy.publish(types.Joy(axes=[-1.0, 0.0, 1.0, 0.0, 0.0, 1.0], buttons=[0] * 11))
    number = len(bench.commands)
    bench.ticks()
    assert bench.commands[number].lateral_source == bench.commands[-1].lateral_source == Source.HUMAN
    assert bench.commands[-1].steering_angle < 0.0
    assert bench.mode is M.HUMAN and bench.states[-1].hold_remaining == pytest.approx(0.45, abs=0.06)
    lost = bench.host.steady.nanoseconds
    while bench.mode is M.HUMAN:  # unplugged in mid-turn
        bench.ticks()
    assert bench.host.steady.nanoseconds - lost <= SECOND // 5 + TICK
    assert bench.mode is M.EXPERT


def test_a_person_is_answered_at_once_and_once_between_two_ticks() -> None:
    bench = Bench(JoystickNode, auto_engage=True)
    rest = types.Joy(axes=[0.0, 0.0, 1.0, 0.0, 0.0, 1.0], buttons=[0] * 11)
    for _ in range(5):
        bench.joy.publish(rest)
        bench.ticks()
    bench.host.advance(TICK // 5)
    number, before = len(bench.commands), bench.commands[-1].steering_angle
    for _ in range(3):
        bench.joy.publish(types.Joy(axes=[0.5, 0.0, 1.0, 0.0, 0.0, 1.0], buttons=[0] * 11))
        bench.host.advance(0)
    assert len(bench.commands) == number + 1  # within the same instant, and not at every message
    at_once = bench.commands[-1]
    assert at_once.lateral_source == Source.HUMAN
    assert 0.0 < at_once.steering_angle - before <= 0.2 * TICK / SECOND + 1e-6  # a fifth of a tick's way at 1 rad/s
    bench.host.advance(4 * TICK // 5)
    assert len(bench.commands) == number + 2
    assert bench.commands[-1].steering_angle - at_once.steering_angle <= 0.8 * TICK / SECOND + 1e-6
    bench.joy.publish(types.Joy(axes=[0.5, 0.0, 1.0, 0.0, 0.0, -1.0], buttons=[0] * 11))
    bench.host.advance(0)
    assert len(bench.commands) == number + 3 and bench.commands[-1].longitudinal_source == Source.HUMAN


def test_a_person_who_may_not_drive_makes_no_extra_tick() -> None:
    bench = Bench(JoystickNode, auto_engage=True, drivers=["policy", "expert"])
    bench.ticks(3)
    number = len(bench.commands)
    for _ in range(4):
        bench.joy.publish(types.Joy(axes=[1.0, 0.0, 1.0, 0.0, 0.0, 1.0], buttons=[0] * 11))
        bench.ticks()
    assert len(bench.commands) == number + 4 and bench.commands[-1].lateral_source == Source.POLICY
