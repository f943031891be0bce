"""What the arbiter tells people: its state, diagnostics, who is in charge, and whom it finds beside itself."""

from __future__ import annotations

from typing import Any

import pytest

from support.arbiter_bench import Bench
from takead_ros.domain.driving import ArbiterMode as M
from takead_ros.host import wiring
from takead_ros.messages import interfaces, types
from takead_ros.nodes.joystick_node import JoystickNode


def test_state_is_latched_and_repeated() -> None:
    bench = Bench(auto_engage=True)
    bench.ticks(45)
    assert [s.state for s in bench.states] == [M.POLICY] * len(bench.states) and len(bench.states) >= 3
    late: list[Any] = []
    wiring.subscription(bench.world, interfaces.ARBITER_STATE, late.append)
    bench.ticks()
    assert late and late[0].state == M.POLICY


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
