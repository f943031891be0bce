"""The rows one by one: what each does to the takeover that is going on, and which of two comes first."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from support.arbiter_loop import Loop, engaged, in_mode, told
from support.scenery import output, request
from takead_ros.domain.driving import ArbiterMode as M
from takead_ros.domain.driving import Trigger
from takead_ros.domain.units import SECOND
from takead_ros.takeover import machine
from takead_ros.takeover.events import Booking
from takead_ros.takeover.inputs import Ask, Now
from takead_ros.takeover.machine import GuardInput
from takead_ros.takeover.notice import notice
from takead_ros.takeover.parameters import ArbiterParameters
from takead_ros.takeover.risks import STOPPING


def expected(origin: M, to: M, with_policy: bool) -> Booking:
    """What becomes of the takeover, from what a takeover is: somebody other than the policy drives in its place."""
    if (origin, to) == (M.ARRIVING, M.STOPPED):
        return Booking.NOTHING
    if to is M.ARRIVING:
        return Booking.ARRIVAL
    if to is M.HANDBACK:
        return Booking.HANDBACK
    if origin is M.HANDBACK and to is M.EXPERT:
        return Booking.RESUME
    engages = origin in machine.IDLE and to is not M.MRM
    alone = to is M.EXPERT and not with_policy  # the expert is then the driver whose place is taken
    return Booking.END if to in (M.POLICY, M.STOPPED, M.DISENGAGED) or engages or alone else Booking.START


def test_every_row_books_what_its_change_of_driver_means() -> None:
    for row in machine.ROWS:
        with_policy = machine.no_policy.words not in row.when.words
        for origin in row.origin - {row.to}:  # where the mode stays, nothing is booked
            assert row.booking is expected(origin, row.to, with_policy), (origin.name, row.when.words, row.to.name)


@pytest.mark.parametrize("goes", ["released", "human_lost"])
def test_the_expert_alone_goes_on_after_a_human_without_a_takeover(goes: str) -> None:
    loop = Loop(drivers=("expert", "human"))
    loop.tick(policy=None)
    loop.tick(policy=None, ask=machine.Ask.ENGAGE)
    loop.tick(policy=None, human=loop.hand(0.1, -1.0))
    assert loop.mode is M.HUMAN
    while loop.mode is M.HUMAN:
        loop.tick(policy=None, **({"human": loop.hand()} if goes == "released" else {}))
    assert (loop.mode, loop.state.reason) == (M.EXPERT, goes)
    assert told(loop) == [("END", 1, "HUMAN", "HUMAN_OVERRIDE")]


def early(mode: M, **facts: Any) -> GuardInput:
    """A situation with these facts, just after ``mode`` was entered."""
    s = in_mode(mode).assess()
    return s._replace(facts=replace(s.facts, **facts))


def without_policy(mode: M, **facts: Any) -> GuardInput:
    """The same where the expert is the only driver."""
    return early(mode, policy=None, **facts)._replace(p=ArbiterParameters(drivers=("expert", "human")))


def at(mode: M, **facts: Any) -> GuardInput:
    """A situation in ``mode`` with these facts, long after the mode was entered."""
    s = in_mode(mode).assess()
    entered = s.state.entered
    assert entered is not None
    later = Now(s.now.ros + 1000 * SECOND, s.now.steady + 1000 * SECOND)
    return s._replace(facts=replace(s.facts, **facts), now=later)


OFF_ROUTE = request(0, Trigger.OFF_ROUTE, 0.6)
OFF_ROAD = request(0, Trigger.OFF_ROAD, 1.0)


@pytest.mark.parametrize(
    ("s", "to", "reason"),
    [(at(M.POLICY, request=OFF_ROUTE, policy=None, policy_fault="stale"), M.EXPERT, "policy_stale"),
     (at(M.ARRIVING, still=True), M.STOPPED, "arrived"),  # it stands where it should: nothing is given up
     (at(M.MRM, still=True), M.STOPPED, "standstill"),
     (at(M.POLICY, request=OFF_ROAD, wheel=True, policy=None, expert=None, policy_fault="stale", expert_fault="stale"),
      M.MRM, "no_driver:policy_stale,expert_stale"),
     (at(M.POLICY, request=OFF_ROAD, arrived=True), M.MRM, "off_road"),  # off the road at the end of the route
     (at(M.HANDBACK, policy=output(0, steering=0.3)), M.EXPERT, "rollback:timeout"),  # too long, and they disagree
     (at(M.POLICY, arrived=True, wheel=True), M.ARRIVING, "arrived"),  # one hand does not drive past the goal
     (at(M.POLICY, arrived=True, wheel=True, pedals=True), M.HUMAN, "human_input"),
     (at(M.HUMAN, wheel=True, human_lost=True), M.HUMAN, "")],
    ids=["unfit", "arrives", "stops", "left_alone", "off_road", "late", "one_hand", "both_hands", "held"],
)  # fmt: skip
def test_which_of_two_rows_is_first(s: GuardInput, to: M, reason: str) -> None:
    row = machine.first_hit(s)
    assert row is not None and (row.to, row.reason.code(s)) == (to, reason)


STALE: dict[str, Any] = {"policy": None, "policy_fault": "stale"}
DEAD: dict[str, Any] = {"expert": None, "expert_fault": "stale"}
HANDS_OFF: dict[str, Any] = {"wheel": False, "pedals": False}


@pytest.mark.parametrize(
    ("s", "to", "reason"),
    [(early(M.HANDBACK, **STALE, **DEAD), M.MRM, "no_driver:policy_stale,expert_stale"),
     (early(M.HANDBACK, request=OFF_ROUTE, **STALE), M.EXPERT, "rollback:policy_stale"),
     (at(M.HANDBACK, request=OFF_ROUTE), M.EXPERT, "rollback:off_route"),  # too long too, but that is not why
     (early(M.EXPERT, **STALE, **DEAD), M.MRM, "no_driver:policy_stale,expert_stale"),
     (early(M.HUMAN, human_lost=True, **HANDS_OFF, **STALE, **DEAD), M.MRM, "no_driver:policy_stale,expert_stale"),
     (without_policy(M.HUMAN, human_lost=True, policy_fault="stale", **HANDS_OFF, **DEAD), M.MRM,
      "no_driver:policy_stale,expert_stale"),
     (without_policy(M.HUMAN, policy_fault="stale", **HANDS_OFF, **DEAD), M.MRM,
      "no_driver:policy_stale,expert_stale")],
    ids=["handback_nobody", "unfit_and_asked", "asked_and_late", "expert_nobody", "lost_nobody", "lost_alone", "alone"],
)  # fmt: skip
def test_who_drives_when_somebody_is_gone(s: GuardInput, to: M, reason: str) -> None:
    row = machine.first_hit(s)
    assert row is not None and (row.to, row.reason.code(s)) == (to, reason)


def test_a_stopping_trigger_stops_a_handback_without_an_expert() -> None:
    for trigger in STOPPING:
        s = early(M.HANDBACK, request=request(0, trigger, 1.0), **DEAD)
        row = machine.first_hit(s)
        assert row is not None and row.to is M.MRM


def test_a_handback_that_took_too_long_is_over_even_as_it_gets_there() -> None:
    s = at(M.HANDBACK, **DEAD)
    assert s.state.last is not None
    policy = output(0, steering=s.state.last[0], acceleration=s.state.last[1])
    row = machine.first_hit(s._replace(facts=replace(s.facts, policy=policy)))
    assert row is not None and row.to is M.MRM


def test_disengage_is_heard_before_an_engage() -> None:
    s = early(M.DISENGAGED, wheel=True)._replace(ask=Ask.DISENGAGE, accepted=True)
    row = machine.first_hit(s)
    assert row is not None and row.to is M.DISENGAGED


def test_a_stop_still_knows_why_the_manoeuvre_began() -> None:
    loop = engaged()
    loop.tick(request=request(loop.now.ros, Trigger.OFF_ROAD, 1.0))
    assert (loop.mode, loop.state.reason, loop.state.earlier) == (M.MRM, "off_road", "engaged")
    loop.speed = 0.0
    while loop.mode is M.MRM:
        loop.tick()
    assert (loop.mode, loop.state.earlier) == (M.STOPPED, "off_road")
    assert notice(loop.state, loop.command, loop.now, loop.p).why == "off_road, standstill"
