"""What a safety driver feels: the pulses of each change, and that asking goes on until somebody answers."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from support.arbiter_bench import Bench
from takead_ros.domain.driving import ArbiterMode, Source
from takead_ros.domain.units import SECOND
from takead_ros.host import wiring
from takead_ros.messages import interfaces, types
from takead_ros.nodes.joystick_node import JoystickNode
from takead_ros.takeover.haptics import ENGAGE, EXPERT_CAME, GIVEN_BACK, TAKE_OVER, TAKEN, Pulses, Told, pulses
from takead_ros.takeover.notice import Asked, NoticeLevel

REST = [0.0, 0.0, 1.0, 0.0, 0.0, 1.0]
TURNED = [-1.0, *REST[1:]]


def drives(*who: Source, asked: Asked = Asked.NOTHING, alarm: NoticeLevel = NoticeLevel.CALM) -> Told:
    return Told(frozenset(who), asked, alarm)


@pytest.mark.parametrize(
    ("before", "told", "felt"),
    [
        (None, drives(Source.POLICY), None),
        (None, drives(Source.MRM, asked=Asked.TAKE_OVER, alarm=NoticeLevel.ACT), TAKE_OVER),
        (drives(Source.POLICY), drives(Source.EXPERT), EXPERT_CAME),
        (drives(Source.EXPERT), drives(Source.POLICY), None),
        (drives(Source.POLICY), drives(Source.HUMAN), TAKEN),
        (drives(Source.POLICY), drives(Source.HUMAN, Source.POLICY), TAKEN),  # the wheel alone
        (drives(Source.HUMAN, Source.POLICY), drives(Source.HUMAN), None),  # and the pedals as well
        (drives(Source.HUMAN), drives(Source.POLICY), GIVEN_BACK),
        (drives(Source.HUMAN), drives(Source.EXPERT), GIVEN_BACK),
        (drives(Source.HUMAN), drives(Source.MRM, asked=Asked.TAKE_OVER, alarm=NoticeLevel.ACT), TAKE_OVER),
        (drives(Source.MRM, asked=Asked.TAKE_OVER), drives(Source.HUMAN), TAKEN),
        (drives(Source.MRM), drives(Source.MRM, asked=Asked.ENGAGE, alarm=NoticeLevel.ACT), ENGAGE),
        (None, drives(Source.NONE, asked=Asked.ENGAGE, alarm=NoticeLevel.ATTEND), None),
        (drives(Source.POLICY), drives(Source.NONE, asked=Asked.GIVE_GOAL, alarm=NoticeLevel.ATTEND), None),
    ],
)
def test_what_is_felt(before: Told | None, told: Told, felt: Pulses | None) -> None:
    assert pulses(before, told) is felt


def test_a_request_to_take_over_is_felt_whatever_was_told_before_it() -> None:
    sets = [frozenset(pair) for pair in itertools.combinations_with_replacement(Source, 2)]
    befores = [None, *(Told(own, asked, alarm) for own in sets for asked in Asked for alarm in NoticeLevel)]
    for own, alarm, before in itertools.product(sets, NoticeLevel, befores):
        felt = pulses(before, Told(own, Asked.TAKE_OVER, alarm))
        assert (felt is TAKE_OVER) == (Source.HUMAN not in own)


@pytest.mark.parametrize("one", [ENGAGE, EXPERT_CAME, GIVEN_BACK, TAKEN])
def test_pulses_are_as_many_as_they_say(one: Pulses) -> None:
    samples = [one.at(0.01 * k + 0.005) for k in range(3000)]
    rises = sum(b > a for a, b in itertools.pairwise([0.0, *samples]))
    assert rises == one.times and set(samples) == {0.0, one.strength}
    assert sum(s > 0 for s in samples) * 0.01 == pytest.approx(one.times * one.on_s, abs=0.01)


def test_a_pulse_is_over_when_its_time_is() -> None:
    one = Pulses(1.0, 0.25, 0.25, 2)
    assert [one.at(since_s) for since_s in (0.0, 0.25, 0.5, 0.75, 1.0)] == [1.0, 0.0, 1.0, 0.0, 0.0]


def test_a_request_has_no_end() -> None:
    assert TAKE_OVER.at(3600.1) == 1.0 and TAKE_OVER.at(3600.3) == 0.0


class Seat(Bench):
    """A safety driver's pad beside the arbiter."""

    def __init__(self, **parameters: Any) -> None:
        super().__init__(auto_engage=True, drivers=["policy", "expert", "human"])
        handle = self.host.create_node(JoystickNode.NAME, parameter_overrides=parameters)
        self.joystick = JoystickNode(handle, self.host.steady)
        self.felt: list[tuple[float, float]] = []
        wiring.subscription(self.world, interfaces.JOY_FEEDBACK, self._feel)

    def _feel(self, msg: Any) -> None:
        assert (msg.type, msg.id) == (types.JoyFeedback.TYPE_RUMBLE, 0)
        self.felt.append((self.host.steady.nanoseconds / SECOND, round(msg.intensity, 3)))

    def hold(self, axes: list[float], ticks: int) -> None:
        for _ in range(ticks):
            self.joy.publish(types.Joy(axes=axes, buttons=[0] * 11))
            self.ticks()


def test_a_takeover_is_felt_once() -> None:
    seat = Seat()
    seat.hold(REST, 5)
    assert seat.mode is ArbiterMode.POLICY and seat.felt == []
    touched = seat.host.steady.nanoseconds / SECOND
    seat.hold(TURNED, 20)
    assert seat.mode is ArbiterMode.HUMAN
    assert [strength for _, strength in seat.felt] == [TAKEN.strength, 0.0]
    began, ended = (at for at, _ in seat.felt)
    assert began - touched <= 0.05 and ended - began == pytest.approx(TAKEN.on_s, abs=0.051)
    seat.felt.clear()
    seat.hold(REST, 40)
    assert [strength for _, strength in seat.felt] == [GIVEN_BACK.strength, 0.0] * GIVEN_BACK.times


def test_a_request_is_felt_and_heard_until_the_person_drives_and_its_time_is_told() -> None:
    seat = Seat()
    seat.hold(REST, 5)
    seat.sends = {"scene"}  # both drivers fall silent
    while seat.mode is not ArbiterMode.MRM:
        seat.hold(REST, 1)
    asked = seat.host.steady.nanoseconds / SECOND
    seat.hold(REST, 20)
    strengths = [strength for _, strength in seat.felt]
    assert strengths[:4] == [1.0, 0.0, 1.0, 0.0] and seat.felt[0][0] - asked <= 0.05
    seat.hold(TURNED, 3)
    assert {seat.commands[-1].lateral_source, seat.commands[-1].longitudinal_source} == {Source.HUMAN}
    assert seat.told[-1].asked != Asked.TAKE_OVER
    seat.hold(TURNED, 40)
    assert [strength for _, strength in seat.felt][-2:] == [TAKEN.strength, 0.0]
    parts = [part for msg in seat.health for part in msg.status if part.name.endswith("joystick")]
    values = {pair.key: pair.value for pair in parts[-1].values}
    assert float(values["hand_over_s"]) == pytest.approx(1.05, abs=0.1)


def test_no_rumble_where_none_is_wanted() -> None:
    seat = Seat(rumble=0.0)
    seat.hold(REST, 5)
    seat.hold(TURNED, 20)
    assert seat.mode is ArbiterMode.HUMAN and seat.felt == []
