"""The transition table as a whole: what is printed is what runs, no row is idle, and no passing mode lasts."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from copy import copy
from typing import Any

import pytest

from support.arbiter_loop import Loop, engaged, in_mode
from support.scenery import TICK
from takead_ros.domain.driving import ArbiterMode as M
from takead_ros.domain.driving import EventKind, Trigger
from takead_ros.domain.errors import TakeadError
from takead_ros.domain.units import SECOND
from takead_ros.resources import resource
from takead_ros.takeover import table
from takead_ros.takeover.arbiter import assess, step
from takead_ros.takeover.events import Booking
from takead_ros.takeover.inputs import Ask
from takead_ros.takeover.machine import ANY, ROWS, Row, first_hit

ROOT = resource("takead_ros").parent
KINDS = {  # what an event column may publish, in this order
    Booking.NOTHING: {()},
    Booking.END: {(), (EventKind.END,)},
    Booking.HANDBACK: {(), (EventKind.HANDBACK,)},
    Booking.START: {(EventKind.START,), (EventKind.END, EventKind.START)},
    Booking.ARRIVAL: {(EventKind.ARRIVAL,), (EventKind.END, EventKind.ARRIVAL)},
    Booking.RESUME: {(EventKind.START,), (EventKind.END, EventKind.START)},
}
DRIVERS = (("policy", "expert", "human"), ("policy", "human"), ("expert", "human"))
HANDS: tuple[tuple[float | None, float | None] | None, ...] = (
    None,
    (None, None),
    (0.1, None),
    (None, -1.0),
    (0.1, 1.0),
)
WORDS: tuple[Trigger | None, ...] = (None, *Trigger)  # None: the monitor is lost
FEW = (None, Trigger.NONE, Trigger.STUCK, Trigger.COLLISION_PREDICTED, Trigger.OFF_ROAD)
POLICIES = ("agrees", "disagrees", "restless", "lost")


class Steady(Loop):
    """A vehicle that does what it is told, under the same input at every tick, each tick checked against the table."""

    def drive(
        self, scene: bool, policy: str, expert: bool, hands: Any, word: Trigger | None, ask: Ask = Ask.NOTHING
    ) -> Row | None:
        """One tick. Returns the row that was taken."""
        swing = 3.9 if self.ticks % 2 else -5.0  # faster than the limits follow: never reached
        wish = {"agrees": {}, "disagrees": {"steering": 0.15}, "restless": {"acceleration": swing}, "lost": None}[
            policy
        ]
        messages = {
            "scene": scene or None,
            "policy": None if wish is None else self.out(**wish),
            "expert": self.out("expert") if expert else None,
            "request": None if word is None else self.ask(word),
        }
        if hands is not None:
            messages["human"] = self.hand(*hands)
        before = self.state
        self.inputs_of(ask=ask, **messages)
        s = assess(before, self.inputs, self.now, self.p)
        row = first_hit(s)
        self.state, self.command, self.events = step(before, self.inputs, self.now, self.p)
        self.speed = max(self.speed + self.command.acceleration * TICK / SECOND, 0.0)
        moved = row is not None and row.to is not before.mode
        assert self.mode is (row.to if row is not None else before.mode)
        assert moved == (self.state.entered == self.now)
        if row is not None and moved:
            assert self.state.reason == row.reason.code(s) != ""
            assert tuple(event.kind for event in self.events) in KINDS[row.booking]
        else:
            assert not self.events and self.state.reason == before.reason
        return row if moved or (row is not None and row.to is before.mode) else None


def cases(*hands: Any, words: tuple[Trigger | None, ...] = WORDS) -> Iterator[tuple[Any, ...]]:
    """Every constant input: scene, policy, expert, hands, the monitor's word."""
    return itertools.product((True, False), POLICIES, (True, False), hands or HANDS, words)


def modes(drivers: tuple[str, ...]) -> list[M]:
    """The modes that exist with these drivers."""
    without = {M.POLICY, M.HANDBACK} if "policy" not in drivers else {M.EXPERT} if "expert" not in drivers else set()
    return [mode for mode in M if mode not in without]


def began(mode: M, **parameters: Any) -> Steady:
    """A loop that has just got into ``mode``."""
    if mode is M.EXPERT and "policy" not in parameters.get("drivers", "policy"):
        loop = engaged(Steady, **parameters)  # what engage leads to
    else:
        loop = in_mode(mode, Steady, **parameters)
    if mode is M.STOPPED:
        loop.speed = 0.0
    assert isinstance(loop, Steady)
    return loop


def again(loop: Steady) -> Steady:
    """The same moment once more: state and inputs are values."""
    return copy(loop)


@pytest.mark.slow
def test_every_row_is_the_first_hit_of_some_reachable_case() -> None:
    hit: set[int] = set()

    def note(row: Row | None) -> None:
        if row is not None:
            hit.add(next(i for i, known in enumerate(ROWS) if known is row))

    for drivers in DRIVERS:
        for mode in modes(drivers):
            start = began(mode, drivers=drivers, handback_jerk_mps3=20.0)
            for case in itertools.product((True, False), ("agrees", "lost"), (True, False), HANDS, FEW):
                loop = again(start)
                for _ in range(13):  # until what is lost is missed, and what was touched is let go
                    note(loop.drive(*case))
            for ask, hands in itertools.product((Ask.ENGAGE, Ask.DISENGAGE), HANDS):
                note(again(start).drive(True, "agrees", True, hands, Trigger.NONE, ask))
            for policy, expert in itertools.product(POLICIES, (True, False)):
                loop = again(start)
                for _ in range(130):  # what time alone brings
                    note(loop.drive(True, policy, expert, None, Trigger.NONE))
            loop = again(start)
            loop.goal_m = 10.0
            for _ in range(160):
                note(loop.drive(True, "agrees", True, None, Trigger.NONE))
    driven = began(M.MRM, manoeuvre_limit_s=19.0)
    for _ in range(400):
        note(driven.drive(True, "lost", False, (None, 0.5), Trigger.NONE))
    stopped = began(M.STOPPED)
    stopped.speed = 1.0
    note(stopped.drive(True, "lost", False, None, Trigger.NONE))
    assert [table.cells(row) for i, row in enumerate(ROWS) if i not in hit] == []


@pytest.mark.parametrize("expert_gone", [False, True], ids=["expert", "alone"])
def test_handback_ends_within_its_limit_under_every_constant_input(expert_gone: bool) -> None:
    start = began(M.EXPERT, handback_jerk_mps3=20.0)
    while start.mode is M.EXPERT:
        messages = {"expert": None} if expert_gone else {}
        start.tick(policy=start.out(acceleration=1.0), **messages)
    assert start.mode is M.HANDBACK and start.state.entered is not None
    for case in cases():
        loop = again(start)
        while loop.mode is M.HANDBACK:
            loop.drive(*case)
            assert loop.now.steady - start.state.entered.steady <= (loop.p.handback_timeout_s + 0.05) * SECOND, case


@pytest.mark.slow
@pytest.mark.parametrize("mode", [M.MRM, M.ARRIVING], ids=lambda mode: mode.name)
@pytest.mark.parametrize(
    ("speed", "parameters", "words"),
    [
        # every word slowly, so that it is short: each tick of thousands of cases is looked at
        (4.0, {"speed": 4.0, "max_speed_mps": 8.0, "manoeuvre_limit_s": 5.0}, WORDS),
        (15.0, {"manoeuvre_limit_s": 19.0}, FEW),
    ],
    ids=["slow", "fast"],
)
def test_a_manoeuvre_ends_within_its_limit_under_every_constant_input(
    mode: M, speed: float, parameters: dict[str, float], words: tuple[Trigger | None, ...]
) -> None:
    """In a held stop; where a human drives on instead, by giving it up."""
    start = began(mode, **parameters)
    start.speed = speed
    gone = start.p.manoeuvre_limit_s * SECOND + TICK
    stop = (start.speed / min(start.p.mrm_deceleration_mps2, 0.5 * start.p.goal_deceleration_mps2) + 2.0) * SECOND
    for case in cases(None, (None, None), (0.1, None), (None, -1.0), (None, 0.5), (0.1, 0.5), words=words):
        pushed = case[3] is not None and case[3][1] == 0.5
        loop = again(start)
        while loop.mode is mode:
            loop.drive(*case)
            assert loop.now.steady - start.now.steady <= (gone if pushed else stop), case
        assert loop.mode is (M.DISENGAGED if pushed else M.STOPPED), case


def test_the_expert_goes_where_nothing_keeps_it() -> None:
    """Nothing is asked for, the policy is fit and wants the same, or the expert itself is gone."""
    start = began(M.EXPERT)
    for case in cases():
        scene, policy, expert, _hands, word = case
        reason_to_stay = expert and scene and (policy in ("disagrees", "restless", "lost") or word is not Trigger.NONE)
        if reason_to_stay:
            continue
        loop = again(start)
        for _ in range(int((loop.p.expert_hold_s + loop.p.exit_sustain_s) / 0.05) + 1):
            loop.drive(*case)
            if loop.mode is not M.EXPERT:
                break
        assert loop.mode is not M.EXPERT, case


def test_what_is_printed_is_what_runs() -> None:
    for name in table.PLACES:
        text = (ROOT / name).read_text("utf-8")
        assert table.renewed(text, table.printed_pieces(), name) == text, f"{name}: run takead takeover table --write"
        assert "[printed: " in text
    picture = (ROOT / table.PICTURE).read_text("utf-8")
    words = [*table.from_any(), *(word for conditions in table.edges().values() for word in conditions)]
    assert [word for word in words if word not in picture] == [], "run takead takeover diagram --write"


def test_the_print_has_every_row() -> None:
    assert table.markdown().count("\n") == len(ROWS) + 2
    assert len({(row.origin, row.when.words, row.booking) for row in ROWS}) == len(ROWS)
    assert table.mermaid().startswith("stateDiagram-v2") and "    POLICY --> EXPERT : " in table.mermaid()
    assert table.from_any() == ["from any mode: disengage is asked for, to DISENGAGED"]
    assert set(table.edges()) == {(a, r.to) for r in ROWS for a in r.origin if a is not r.to and r.origin != ANY}


def test_a_printed_piece_is_renewed_in_its_place() -> None:
    text = "a\n  [printed: x]\n  old\n  [end of x]\nb\n"
    assert table.renewed(text, {"x": "new\nlines\n"}, "f") == "a\n  [printed: x]\n\n  new\n  lines\n\n  [end of x]\nb\n"
    assert table.renewed(text, {"y": "new"}, "f") == text
    with pytest.raises(TakeadError, match=r"f: '\[printed: x' has no '\[end of x\]'"):
        table.renewed("[printed: x]\n", {"x": "new"}, "f")
