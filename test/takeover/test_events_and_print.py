"""What a row does to the takeover that is going on, what a person is asked for, and what is printed from the code."""

from __future__ import annotations

import pytest

from support.arbiter_loop import in_mode
from support.scenery import request
from takead_ros.domain.driving import ArbiterMode as M
from takead_ros.domain.driving import EventKind, Source, TakeoverEvent, Trigger
from takead_ros.takeover import table
from takead_ros.takeover.events import Booking, booked
from takead_ros.takeover.inputs import Now
from takead_ros.takeover.machine import ROWS
from takead_ros.takeover.memory import ArbiterMemory, Takeover
from takead_ros.takeover.risks import RECORDS

NOW = Now(ros=1234, steady=77)
RUNNING = Takeover(4, Source.EXPERT, Trigger.STUCK, 0.3, None)
OF_HUMAN = Takeover(4, Source.HUMAN, Trigger.HUMAN_OVERRIDE, 1.0, None)


def event(kind: EventKind, takeover: Takeover, why: str = "because") -> TakeoverEvent:
    values = takeover.number, takeover.who, takeover.trigger, takeover.severity, takeover.time_to_event
    return TakeoverEvent(1234, kind, *values, why)


def after(
    booking: Booking, mode: M, origin: M, running: Takeover | None, asked: bool = False
) -> tuple[ArbiterMemory, list[TakeoverEvent]]:
    facts = in_mode(M.POLICY).assess().facts
    if asked:
        facts = type(facts)(**{**facts.__dict__, "request": request(0, Trigger.OFF_ROUTE, 0.6)})
    state = ArbiterMemory(mode=mode, reason="because", takeover=running, takeovers=4)
    return booked(state, facts, origin, booking, NOW)


@pytest.mark.parametrize("running", [None, RUNNING], ids=["none", "running"])
def test_rows_that_start_nothing(running: Takeover | None) -> None:
    state, events = after(Booking.NOTHING, M.POLICY, M.MRM, running)
    assert events == [] and state.takeover is running and state.takeovers == 4
    state, events = after(Booking.END, M.POLICY, M.HANDBACK, running)
    assert events == ([event(EventKind.END, running)] if running else [])
    assert state.takeover is None and state.takeovers == 4
    state, events = after(Booking.HANDBACK, M.HANDBACK, M.EXPERT, running)
    assert events == ([event(EventKind.HANDBACK, running)] if running else []) and state.takeover is running


@pytest.mark.parametrize("running", [None, RUNNING], ids=["none", "running"])
@pytest.mark.parametrize(
    ("mode", "origin", "asked", "expected"),
    [(M.HUMAN, M.POLICY, True, Takeover(5, Source.HUMAN, Trigger.HUMAN_OVERRIDE, 1.0, None)),
     (M.EXPERT, M.HUMAN, True, Takeover(5, Source.EXPERT, Trigger.HUMAN_OVERRIDE, 1.0, None)),
     (M.EXPERT, M.POLICY, True, Takeover(5, Source.EXPERT, Trigger.OFF_ROUTE, 0.6, 1.0)),
     (M.EXPERT, M.POLICY, False, Takeover(5, Source.EXPERT, Trigger.POLICY_UNHEALTHY, 1.0, None)),
     (M.MRM, M.HUMAN, True, Takeover(5, Source.MRM, Trigger.OFF_ROUTE, 0.6, 1.0)),
     (M.MRM, M.HUMAN, False, Takeover(5, Source.MRM, Trigger.POLICY_UNHEALTHY, 1.0, None))],
)  # fmt: skip
def test_rows_that_start_a_takeover(
    mode: M, origin: M, asked: bool, expected: Takeover, running: Takeover | None
) -> None:
    state, events = after(Booking.START, mode, origin, running, asked)
    assert events == [*([event(EventKind.END, running)] if running else []), event(EventKind.START, expected)]
    assert state.takeover == expected and state.takeovers == 5


def test_the_experts_own_goes_on() -> None:
    state, events = after(Booking.RESUME, M.EXPERT, M.HANDBACK, RUNNING, True)
    same = Takeover(4, Source.EXPERT, Trigger.OFF_ROUTE, 0.6, 1.0)
    assert events == [event(EventKind.START, same)] and state.takeover == same and state.takeovers == 4
    state, events = after(Booking.RESUME, M.EXPERT, M.HANDBACK, OF_HUMAN, True)
    new = Takeover(5, Source.EXPERT, Trigger.OFF_ROUTE, 0.6, 1.0)
    assert events == [event(EventKind.END, OF_HUMAN), event(EventKind.START, new)] and state.takeovers == 5
    state, events = after(Booking.RESUME, M.EXPERT, M.HANDBACK, None, True)
    assert events == [event(EventKind.START, new)] and state.takeover == new


@pytest.mark.parametrize(
    ("origin", "who"),
    [(M.POLICY, Source.POLICY), (M.EXPERT, Source.EXPERT), (M.HUMAN, Source.HUMAN), (M.HANDBACK, Source.POLICY)],
)
@pytest.mark.parametrize("running", [None, RUNNING], ids=["none", "running"])
def test_an_arrival_is_no_takeover(origin: M, who: Source, running: Takeover | None) -> None:
    state, events = after(Booking.ARRIVAL, M.ARRIVING, origin, running)
    arrival = TakeoverEvent(1234, EventKind.ARRIVAL, 0, who, Trigger.NONE, 0.0, None, "because")
    assert events == [*([event(EventKind.END, running)] if running else []), arrival]
    assert state.takeover is None and state.takeovers == 4


def test_the_triggers_in_print() -> None:
    lines = table.triggers().split("\n")
    assert (
        lines[-1] == ""
        and max(map(len, lines)) <= 116
        and sum(line.startswith("- **") for line in lines) == len(RECORDS)
    )
    text = " ".join(line.strip() for line in lines)
    for words in (
        "- **STUCK** enters when stands for stuck_s while only the expert would go; clears when it moves",
        "or the expert would not (for clear_s). Severity 0.3. Without a fit expert the policy goes on. - **",
        "and the expert does better (for collision_sustain_s); clears when",
        "(for collision_clear_s). Severity 0.5 to 1, by the time that is left. Without a fit expert the vehicle stops.",
    ):
        assert words in text
    assert text.endswith("(for clear_s). Severity 1. The vehicle stops. ")
    assert all(line.startswith(("- **", "  ")) for line in lines[:-1])


def test_the_table_in_print() -> None:
    lines = table.markdown().split("\n")
    assert [cell.strip() for cell in lines[0].strip("|").split("|")] == ["from", "when", "to", "reason", "event"]
    assert set(lines[1]) == {"|", "-"} and len({len(line) for line in lines[:-1]}) == 1 and lines[-1] == ""
    assert table.aligned([("a", "bcd"), ("ef", "g")]) == "| a  | bcd |\n|----|-----|\n| ef | g   |\n"
    assert [table.cells(row) for row in ROWS[:2]] == [
        ("any", "disengage is asked for", "DISENGAGED", "disengaged", "END"),
        ("not engaged", "engage is accepted, a human holds an axis", "HUMAN", "engaged", "END"),
    ]
    origins = [table.origins(row) for row in ROWS]
    assert {"any", "engaged", "engaged, not HUMAN", "not engaged", "HUMAN", "MRM, ARRIVING"} <= set(origins)


def test_the_diagram_in_print() -> None:
    lines = table.mermaid().split("\n")
    assert lines[:3] == [
        "stateDiagram-v2",
        "    [*] --> DISENGAGED",
        "    note right of DISENGAGED : from any mode: disengage is asked for, to DISENGAGED",
    ]
    assert "    STOPPED --> MRM : it moves, no human drives" in lines and lines[-1] == ""
    assert "    MRM --> STOPPED : stood for standstill_s" in lines
    assert any("<br/>" in line for line in lines) and len(lines) == 3 + len(table.edges()) + 1
    assert (M.HUMAN, M.HUMAN) not in table.edges()
    assert table.edges()[M.EXPERT, M.HANDBACK] == [
        "expert unfit, policy fit, no request",
        "held expert_hold_s, no request, both agree",
    ]
    assert (
        set(table.printed_pieces()) == {"transitions", "triggers"}
        and table.printed_pieces()["triggers"] == table.triggers()
    )


def test_the_diagram_breaks_lines_between_conditions_and_nowhere_else() -> None:
    drawn = table.mermaid()
    for (origin, to), words in table.edges().items():
        assert f"    {origin.name} --> {to.name} : {'<br/>'.join(words)}\n" in drawn
    assert any(len(words) > 1 for words in table.edges().values())


def test_the_list_of_triggers_uses_the_width_of_the_page() -> None:
    lines = table.triggers().splitlines()
    assert 100 < max(map(len, lines)) <= 116


def test_a_piece_is_put_in_line_by_line_up_to_its_own_end() -> None:
    text = "[end of a]\n  [printed: a]\nold\n  [end of a]\nlast"
    assert table.renewed(text, {"a": "one two \nthree  \n"}, "F") == (
        "[end of a]\n  [printed: a]\n\n  one two \n  three  \n\n  [end of a]\nlast"
    )
