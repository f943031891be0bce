"""The arbiter and the monitor as nodes: wiring, services, parameters, diagnostics, clocks, one-tick latency."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from support.scenery import TICK, objects, output, request, scene
from takead_ros.domain.driving import ArbiterMode as M
from takead_ros.domain.driving import Source, Trigger
from takead_ros.domain.errors import TakeadError
from takead_ros.domain.units import SECOND
from takead_ros.host import wiring
from takead_ros.host.lockstep import LockstepHost
from takead_ros.host.parameters import Parameter
from takead_ros.messages import convert, interfaces, types
from takead_ros.nodes.arbiter_node import ArbiterNode
from takead_ros.nodes.joystick_node import JoystickNode
from takead_ros.nodes.monitor_node import MonitorNode


class Bench:
    """The arbiter (and what else a test asks for) in a lockstep host, with a world that drives straight on."""

    def __init__(self, *others: Any, **parameters: Any) -> None:
        self.host = LockstepHost(start_ns=10 * SECOND)
        self.world = self.host.create_node("world")
        self.scenes = wiring.publisher(self.world, interfaces.SCENE)
        self.policy = wiring.publisher(self.world, interfaces.POLICY_OUTPUT)
        self.expert = wiring.publisher(self.world, interfaces.EXPERT_OUTPUT)
        self.requests = wiring.publisher(self.world, interfaces.REQUEST)
        self.joy = wiring.publisher(self.world, interfaces.JOY)
        self.sends = {"scene", "policy", "expert", "monitor"} - ({"monitor"} if MonitorNode in others else set())
        self.near: Any = None
        self.trigger = Trigger.NONE
        self.world.create_timer(0.05, self._on_world, clock=self.host.steady)
        self.others = [kind(self.host.create_node(kind.NAME), self.host.steady) for kind in others]
        self.handle = self.host.create_node("arbiter_node", parameter_overrides=parameters)
        self.arbiter = ArbiterNode(self.handle, self.host.steady)
        self.commands: list[Any] = []
        self.states: list[Any] = []
        self.events: list[Any] = []
        self.asked: list[Any] = []
        self.health: list[Any] = []
        self.told: list[Any] = []
        for interface, kept in (
            (interfaces.COMMAND, self.commands),
            (interfaces.ARBITER_STATE, self.states),
            (interfaces.EVENT, self.events),
            (interfaces.REQUEST, self.asked),
            (interfaces.DIAGNOSTICS, self.health),
            (interfaces.OPERATOR_STATUS, self.told),
        ):
            wiring.subscription(self.world, interface, kept.append)

    def _on_world(self) -> None:
        now = self.host.clock.nanoseconds
        x = 10.0 * self.host.steady.nanoseconds / SECOND
        if "scene" in self.sends:
            self.scenes.publish(convert.scene_to_msg(scene(now, x, near=self.near)))
        for name, publisher in (("policy", self.policy), ("expert", self.expert)):
            if name in self.sends:
                publisher.publish(convert.driver_to_msg(output(now, name)))
        if "monitor" in self.sends:
            self.requests.publish(convert.request_to_msg(request(now, self.trigger)))

    def ticks(self, number: int = 1) -> None:
        self.host.advance(number * TICK)

    def call(self, kind: Any, name: str) -> Any:
        future = self.world.create_client(kind, name).call_async(kind.Request())
        self.host.advance(0)
        assert future.done()
        return future.result()

    @property
    def mode(self) -> M:
        return M(self.states[-1].state)


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


def test_state_is_latched_and_repeated() -> None:
    bench = Bench(auto_engage=True)
    bench.ticks(45)
    assert [s.state for s in bench.states] == [M.POLICY] * len(bench.states) and len(bench.states) >= 3
    late: list[Any] = []
    wiring.subscription(bench.world, interfaces.ARBITER_STATE, late.append)
    bench.ticks()
    assert late and late[0].state == M.POLICY


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


def test_diagnostics_tell_of_what_is_missing() -> None:
    bench = Bench(auto_engage=True)
    bench.ticks(30)
    bench.sends = {"scene"}
    bench.ticks(80)
    status = {entry.name.split()[-1]: entry for entry in bench.health[-1].status}
    assert status["policy"].level == types.DiagnosticStatus.ERROR == status["expert"].level
    assert status["human"].level == types.DiagnosticStatus.OK and status["human"].message == "silent"
    assert bench.mode in (M.MRM, M.STOPPED)


def test_diagnostics_are_green_only_while_somebody_drives() -> None:
    bench = Bench(auto_engage=True)
    levels = {name: getattr(types.DiagnosticStatus, name) for name in ("OK", "WARN", "ERROR")}

    def mode() -> tuple[str, Any]:
        (entry,) = [one for one in bench.health[-1].status if one.name == "/takead/arbiter_node: mode"]
        return entry.message, entry.level

    bench.ticks(45)
    assert mode()[0].startswith("POLICY") and mode()[1] == levels["OK"]
    bench.sends.clear()  # the simulator stands still
    bench.ticks(200)
    message, level = mode()
    assert level == levels["ERROR"]
    assert message == (
        "STOPPED: the minimum-risk stop (no_driver:policy_scene_stale,expert_scene_stale, standstill) | "
        "CALL THE SERVICE ENGAGE | engage is possible once this is gone: no fresh scene: stale or missing"
    )


def test_the_person_in_charge_is_told_on_change_and_every_second() -> None:
    """The topic says at each moment what drives; what is asked for changes with the mode, and in the log as well."""
    bench = Bench()
    status = types.OperatorStatus
    bench.ticks(5)
    assert bench.told[-1].asked == status.ENGAGE and bench.told[-1].goes_on == "engage is possible now"
    assert bench.call(types.Engage, "engage").accepted
    bench.ticks(50)
    assert (bench.told[-1].alarm, bench.told[-1].asked, bench.told[-1].who) == (status.CALM, 0, "the policy")
    assert len(bench.told) <= 8, "on change and every second, not at every tick"
    bench.sends = set()
    bench.ticks(10)
    assert (bench.mode, bench.told[-1].asked) == (M.MRM, status.TAKE_OVER)
    assert bench.told[-1].line.startswith("MRM: the minimum-risk stop (no_driver:")
    bench.ticks(140)
    assert (bench.mode, bench.told[-1].asked, bench.told[-1].alarm) == (M.STOPPED, status.ENGAGE, status.ACT)
    assert "no fresh scene" in bench.told[-1].goes_on
    late: list[Any] = []
    wiring.subscription(bench.host.create_node("late"), interfaces.OPERATOR_STATUS, late.append)
    bench.host.advance(0)
    assert [one.line for one in late] == [bench.told[-1].line], "who comes later is told at once"


def test_no_place_logs_with_two_severities(caplog: pytest.LogCaptureFixture) -> None:
    """rclpy ends a node that does."""
    caplog.set_level("INFO")
    bench = Bench(auto_engage=True)
    bench.sends = set()
    bench.ticks(5)
    bench.sends = {"scene", "policy", "expert", "monitor"}
    bench.ticks(20)
    bench.sends = set()
    bench.ticks(20)
    levels: dict[tuple[str, int], set[int]] = {}
    for record in caplog.records:
        levels.setdefault((record.filename, record.lineno), set()).add(record.levelno)
    assert {level for found in levels.values() for level in found} >= {20, 30, 40}, "all severities were there"
    assert all(len(found) == 1 for found in levels.values()), levels


def test_no_diagnostics_of_the_arbiter_are_green_over_a_stop() -> None:
    bench = Bench()
    assert bench.call(types.Engage, "engage").code and bench.ticks(5) is None
    assert bench.call(types.Engage, "engage").accepted
    bench.ticks(40)
    bench.sends = set()
    for _ in range(10):
        bench.ticks(20)
        modes = [one for one in bench.health[-1].status if one.name == "/takead/arbiter_node: mode"]
        assert bench.mode in (M.MRM, M.STOPPED) and [one.level for one in modes] == [types.DiagnosticStatus.ERROR]
    bench.sends = {"scene", "policy", "expert", "monitor"}
    bench.ticks(60)
    (mode,) = [one for one in bench.health[-1].status if one.name == "/takead/arbiter_node: mode"]
    assert mode.level == types.DiagnosticStatus.ERROR, "all inputs are back, nobody drives: still not green"
    assert {pair.key: pair.value for pair in mode.values}["asked"] != "NOTHING"


@pytest.mark.parametrize("interface", [interfaces.COMMAND, interfaces.HUMAN_COMMAND], ids=lambda one: one.name)
def test_a_second_publisher_is_named(interface: Any, caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench(JoystickNode)

    def part() -> Any:
        bench.ticks(40)
        told = [one for message in bench.health for one in message.status]
        return [one for one in told if one.name == "/takead/arbiter_node: publishers"][-1]

    assert part().level == types.DiagnosticStatus.OK
    intruder = bench.host.create_node("intruder", "/elsewhere")
    publisher = intruder.create_publisher(interface.message, f"/takead/{interface.name}", 1)
    ours = {"command": "/takead/arbiter_node", "human/command": "/takead/joystick_node"}[interface.name]
    words = f"{interface.name} has 2 publishers: /elsewhere/intruder, {ours}"
    assert (part().level, part().message) == (types.DiagnosticStatus.ERROR, words)
    assert caplog.text.count(words) == 1, "said once, not every second"
    intruder.destroy_publisher(publisher)
    assert part().level == types.DiagnosticStatus.OK


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
