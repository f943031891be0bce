"""The joystick: mapping, deadband, dead-man, calibration, and silence as the loss of the person."""

from __future__ import annotations

import math
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from takead_ros.domain.driving import Source
from takead_ros.domain.errors import TakeadError
from takead_ros.host import wiring
from takead_ros.host.lockstep import LockstepHost
from takead_ros.messages import convert, interfaces, types
from takead_ros.nodes.joystick_mapping import load_mapping
from takead_ros.nodes.joystick_node import JoystickNode
from takead_ros.takeover.joystick import Buttons, JoystickState, command, interpret
from takead_ros.vehicles.joystick import JoystickDevice

XBOX = load_mapping("xbox")
REST = [0.0, 0.0, 1.0, 0.0, 0.0, 1.0]
NONE = [0] * 11
MS = 1_000_000


def axes(**changes: float) -> list[float]:
    values = list(REST)
    for name, value in changes.items():
        values[{"wheel": 0, "brake": 2, "throttle": 5}[name]] = value
    return values


def settled(mapping: Any = XBOX) -> JoystickState:
    return interpret(REST, NONE, JoystickState(), mapping)[1]


@pytest.mark.parametrize("name", ["xbox", "dualshock", "g29"])
def test_every_mapping_that_is_shipped(name: str) -> None:
    mapping = load_mapping(name)
    rest = [0.0] * mapping.axes_needed
    rest[mapping.throttle.axis], rest[mapping.brake.axis] = mapping.throttle.released, mapping.brake.released
    buttons = [0] * mapping.buttons_needed
    reading, memory = interpret(rest, buttons, JoystickState(), mapping)
    assert (reading.steering_angle, reading.acceleration, reading.uncalibrated) == (None, None, frozenset())
    left = list(rest)
    left[mapping.steering.axis] = 1.0
    left[mapping.brake.axis] = mapping.brake.pressed
    reading, _ = interpret(left, buttons, memory, mapping)
    assert reading.steering_angle == pytest.approx(mapping.steering.lock_rad)  # positive to the left
    assert reading.acceleration == pytest.approx(-mapping.brake.full_mps2)


def test_deadband_and_shape() -> None:
    memory = settled()
    for value in (0.0, 0.08, -0.08):
        assert interpret(axes(wheel=value), NONE, memory, XBOX)[0].steering_angle is None
    small = interpret(axes(wheel=0.081), NONE, memory, XBOX)[0].steering_angle
    assert small is not None and 0.0 < small < 0.001
    right = interpret(axes(wheel=-0.5), NONE, memory, XBOX)[0].steering_angle
    assert right == pytest.approx(-0.5 * (0.42 / 0.92) ** 1.8)


def test_an_axis_that_reads_the_other_way_round_and_a_little_beyond_its_stop() -> None:
    mirrored = XBOX.model_copy(update={"steering": XBOX.steering.model_copy(update={"left": -1})})
    for value in (1.0, 1.0 + 1e-3):  # the tolerance
        assert interpret(axes(wheel=value), NONE, settled(), XBOX)[0].steering_angle == XBOX.steering.lock_rad
        assert interpret(axes(wheel=value), NONE, settled(), mirrored)[0].steering_angle == -XBOX.steering.lock_rad


def test_exactly_at_its_deadband_a_pedal_is_released() -> None:
    wide = XBOX.model_copy(update={"throttle": XBOX.throttle.model_copy(update={"deadband": 0.25})})
    reading, memory = interpret(axes(throttle=0.5), NONE, JoystickState(), wide)  # a quarter of its way
    assert "throttle" in memory.calibrated and reading.acceleration is None
    assert interpret(axes(throttle=0.49), NONE, memory, wide)[0].acceleration == pytest.approx(0.255 * 3.0)


def test_a_pedal_a_little_beyond_its_stop_is_fully_pressed() -> None:
    beyond = XBOX.throttle.pressed * (1.0 + 1e-3)  # the tolerance
    assert interpret(axes(throttle=beyond), NONE, settled(), XBOX)[0].acceleration == XBOX.throttle.full_mps2


def test_the_brake_wins() -> None:
    reading, _ = interpret(axes(throttle=-1.0, brake=0.0), NONE, settled(), XBOX)
    assert reading.acceleration == pytest.approx(-4.0)
    assert interpret(axes(throttle=-1.0), NONE, settled(), XBOX)[0].acceleration == pytest.approx(3.0)
    assert interpret(axes(throttle=0.91), NONE, settled(), XBOX)[0].acceleration is None


def test_an_untouched_trigger_that_reads_zero_is_no_half_pressed_pedal() -> None:
    reading, memory = interpret([0.0] * 6, NONE, JoystickState(), XBOX)
    assert reading.acceleration is None and reading.uncalibrated == {"throttle", "brake"}
    reading, memory = interpret(axes(throttle=0.0), NONE, memory, XBOX)
    assert reading.uncalibrated == {"throttle"} and reading.acceleration is None
    reading, _ = interpret(axes(brake=0.0, throttle=0.0), NONE, memory, XBOX)
    assert reading.acceleration == pytest.approx(-4.0)


def test_buttons_count_once_and_not_when_held_from_the_start() -> None:
    down = list(NONE)
    down[7] = 1
    reading, memory = interpret(REST, down, JoystickState(), XBOX)
    assert reading.pressed == frozenset()
    _, memory = interpret(REST, NONE, memory, XBOX)
    reading, memory = interpret(REST, down, memory, XBOX)
    assert reading.pressed == {"engage"}
    assert interpret(REST, down, memory, XBOX)[0].pressed == frozenset()


def test_dead_man() -> None:
    mapping = XBOX.model_copy(update={"buttons": Buttons(engage=7, disengage=6, bookmark=3, dead_man=4)})
    reading, memory = interpret(axes(wheel=1.0, brake=-1.0), NONE, settled(mapping), mapping)
    assert (reading.steering_angle, reading.acceleration, reading.allowed) == (None, None, False)
    held = list(NONE)
    held[4] = 1
    reading, _ = interpret(axes(wheel=1.0, brake=-1.0), held, memory, mapping)
    assert reading.steering_angle == pytest.approx(0.5) and reading.acceleration == pytest.approx(-8.0)


@pytest.mark.parametrize(
    ("values", "buttons", "words"),
    [([0.0] * 3, NONE, "3 axes"), (REST, [0] * 5, "5 buttons"), (axes(wheel=math.nan), NONE, "steering reads nan"),
     (axes(brake=1.01), NONE, "brake reads 1.01")],
)  # fmt: skip
def test_what_does_not_fit_is_a_fault_and_never_a_zero(values: list[float], buttons: list[int], words: str) -> None:
    reading, memory = interpret(values, buttons, settled(), XBOX)
    assert words in reading.fault and memory == settled()


def test_the_command_names_what_is_touched() -> None:
    reading, _ = interpret(axes(wheel=1.0), NONE, settled(), XBOX)
    got = command(reading, 7)
    assert (got.stamp, got.lateral, got.longitudinal) == (7, Source.HUMAN, Source.NONE)
    assert (got.steering_angle, got.acceleration, got.reason) == (pytest.approx(0.5), 0.0, "joystick")
    got = command(replace(reading, steering_angle=None, acceleration=-1.0), 8)
    assert (got.lateral, got.longitudinal, got.acceleration) == (Source.NONE, Source.HUMAN, -1.0)
    assert got.steering_angle == 0.0


@pytest.mark.parametrize(
    ("change", "words"),
    [({"steering": {"axis": -1}}, "steering.axis"), ({"unknown": 1}, "unknown"),
     ({"brake": {"axis": 2, "released": 1.0, "pressed": 0.9, "full_mps2": 8.0}}, "at least 0.5 apart"),
     ({"buttons": {"engage": "x"}}, "buttons")],
)  # fmt: skip
def test_a_bad_mapping_names_file_field_and_value(tmp_path: Path, change: dict[str, Any], words: str) -> None:
    content = XBOX.model_dump()
    file = tmp_path / "mine.yaml"
    file.write_text(yaml.safe_dump({**content, **change}))
    with pytest.raises(TakeadError) as caught:
        load_mapping(str(file))
    assert str(file) in str(caught.value) and words in str(caught.value)


def test_no_mapping_at_all(tmp_path: Path) -> None:
    with pytest.raises(TakeadError, match="dualshock, g29, xbox"):
        load_mapping("nintendo")
    file = tmp_path / "list.yaml"
    file.write_text("- 1\n")
    with pytest.raises(TakeadError, match="expected name"):
        load_mapping(str(file))
    file.write_text("a: [")
    with pytest.raises(TakeadError, match="not readable as YAML"):
        load_mapping(str(file))


class Bench:
    """The node in a lockstep host, with its three services and something that listens."""

    def __init__(self, **parameters: Any) -> None:
        self.host = LockstepHost(check_mutation=True)
        self.node = JoystickNode(
            self.host.create_node("joystick_node", parameter_overrides=parameters), self.host.steady
        )
        other = self.host.create_node("other")
        self.joy = wiring.publisher(other, interfaces.JOY)
        self.got: list[Any] = []
        self.called: list[str] = []
        self.health: list[Any] = []
        wiring.subscription(other, interfaces.HUMAN_COMMAND, self.got.append)
        wiring.subscription(other, interfaces.DIAGNOSTICS, self.health.append)
        for name, kind in (
            ("engage", types.Engage),
            ("disengage", types.Disengage),
            ("recorder/bookmark", types.Bookmark),
        ):
            other.create_service(kind, name, lambda request, response, name=name: self._serve(name, response))

    def _serve(self, name: str, response: Any) -> Any:
        self.called.append(name)
        response.accepted, response.code, response.message = name != "engage", "refused", "not now"
        return response

    def move(self, ms: int = 20, buttons: list[int] | None = None, stamp: int = 0, **changes: float) -> None:
        header = convert.header_to_msg(stamp * MS, "")
        self.joy.publish(types.Joy(header=header, axes=axes(**changes), buttons=buttons or NONE))
        self.host.advance(ms * MS)


def test_the_node_passes_on_what_a_person_does() -> None:
    bench = Bench()
    bench.move()
    bench.move(wheel=1.0)
    assert [msg.lateral_source for msg in bench.got] == [0, 3]
    assert bench.got[1].header.stamp.nanosec == 20 * MS
    for number, name in ((7, "engage"), (6, "disengage"), (3, "recorder/bookmark")):
        down = list(NONE)
        down[number] = 1
        bench.move(buttons=down)
        assert bench.called[-1] == name
    assert len(bench.called) == 3


def test_silence_is_the_loss_of_the_person(caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench()
    bench.move(wheel=1.0)
    bench.host.advance(300 * MS)
    assert len(bench.got) == 1  # nothing is made up
    assert any("joystick lost" in record.message for record in caplog.records)
    bench.host.advance(1000 * MS)
    assert bench.health[-1].status[0].level == types.DiagnosticStatus.ERROR
    assert {v.key: v.value for v in bench.health[-1].status[0].values}["losses"] == "1"
    bench.move(1100, brake=0.0)  # back, with a pedal that was not seen released
    assert bench.got[-1].longitudinal_source == 0


def test_a_message_that_does_not_fit_is_not_passed_on() -> None:
    bench = Bench()
    bench.move()
    for _ in range(60):
        bench.joy.publish(types.Joy(axes=[0.0], buttons=[]))
        bench.host.advance(20 * MS)
    assert len(bench.got) == 1
    status = bench.health[-1].status[0]
    assert status.level == types.DiagnosticStatus.ERROR and {v.key: v.value for v in status.values}["rejected"] != "0"


def test_a_driver_that_repeats_its_last_message_is_no_person() -> None:
    """A hung joystick driver, replayed by its transport: the stamp tells. Without stamps (0) each message counts."""
    bench = Bench()
    for i in range(3):
        bench.move(wheel=1.0, stamp=i + 1)
    for _ in range(60):
        bench.move(wheel=1.0, stamp=3)
    assert len(bench.got) == 3
    values = {v.key: v.value for v in bench.health[-1].status[0].values}
    assert values["losses"] == "1" and "stamp does not advance" in values["fault"]
    bench.move(wheel=1.0, stamp=4)
    assert len(bench.got) == 4


def test_parameters() -> None:
    bench = Bench(mapping="xbox", dead_man=4)
    bench.move()
    bench.move(wheel=1.0)
    assert bench.got[-1].lateral_source == 0
    with pytest.raises(TakeadError, match="heartbeat_s"):
        Bench(heartbeat_s=0.0)
    with pytest.raises(TakeadError, match="mapping 'foo'"):
        Bench(mapping="foo")


def test_the_device_without_ros(tmp_path: Path) -> None:
    pipe = tmp_path / "js0"
    os.mkfifo(pipe)
    reader = JoystickDevice(pipe)
    writer = os.open(pipe, os.O_WRONLY)
    assert not reader.read(0.0)
    events = [(0, -32767, 2, 0), (0, 32767, 0x82, 5), (0, -16384, 2, 2), (0, 1, 1, 3), (0, 1, 0x81, 1), (0, 0, 1, 1)]
    os.write(
        writer,
        b"".join(
            time.to_bytes(4, "little") + value.to_bytes(2, "little", signed=True) + bytes((kind, n))
            for time, value, kind, n in events
        ),
    )
    assert reader.read(1.0)
    assert reader.axes == pytest.approx([1.0, 0.0, 0.5, 0.0, 0.0, -1.0], abs=1e-4)
    assert reader.buttons == [0, 0, 0, 1]
    os.close(writer)
    with pytest.raises(TakeadError, match="unplugged"):
        reader.read(1.0)
    reader.close()
    with pytest.raises(TakeadError, match="expected a joystick device"):
        JoystickDevice(tmp_path / "js9")
