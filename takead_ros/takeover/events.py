"""What the table's event column means: which takeovers a row ends, hands back or starts."""

from __future__ import annotations

from enum import Enum

from takead_ros.domain.driving import ArbiterMode as M
from takead_ros.domain.driving import EventKind, Source, TakeoverEvent, Trigger
from takead_ros.takeover.facts import Facts
from takead_ros.takeover.inputs import Now
from takead_ros.takeover.memory import ArbiterMemory, Takeover

DROVE = {M.POLICY: Source.POLICY, M.EXPERT: Source.EXPERT, M.HUMAN: Source.HUMAN, M.HANDBACK: Source.POLICY}
DRIVER = {M.HUMAN: Source.HUMAN, M.EXPERT: Source.EXPERT, M.MRM: Source.MRM}  # who takes over by entering a mode


class Booking(Enum):
    """What a row does to the takeover that is going on (which may be none). The value is the table's word for it."""

    NOTHING = ""
    END = "END"  # it ends
    HANDBACK = "HANDBACK"  # it goes on, the policy is being let in
    START = "END, START"  # it ends, and one by the new driver starts
    RESUME = "START (*)"  # the expert's own goes on: START again with its number; another one ends as with START
    ARRIVAL = "END, ARRIVAL"  # it ends, and who drove has arrived: no takeover


def booked(
    state: ArbiterMemory, facts: Facts, origin: M, booking: Booking, now: Now
) -> tuple[ArbiterMemory, list[TakeoverEvent]]:
    """``state``, which has just come from ``origin`` into its mode, with its takeover as ``booking`` says, and what is
    published about it."""
    running, events = state.takeover, []
    resumes = booking is Booking.RESUME and running is not None and running.who is Source.EXPERT
    if running is not None and not resumes:
        if booking is not Booking.HANDBACK and booking is not Booking.NOTHING:
            events.append(_event(running, EventKind.END, state.reason, now))
            state = state._replace(takeover=None)
        elif booking is Booking.HANDBACK:
            events.append(_event(running, EventKind.HANDBACK, state.reason, now))
    if booking in (Booking.START, Booking.RESUME):
        number = running.number if running is not None and resumes else state.takeovers + 1
        started = _started(number, facts, origin, state.mode)
        events.append(_event(started, EventKind.START, state.reason, now))
        state = state._replace(takeover=started, takeovers=number)
    if booking is Booking.ARRIVAL:
        who = DROVE[origin]
        events.append(TakeoverEvent(now.ros, EventKind.ARRIVAL, 0, who, Trigger.NONE, 0.0, None, state.reason))
    return state, events


def _started(number: int, facts: Facts, origin: M, mode: M) -> Takeover:
    """The takeover that begins by entering ``mode``. What follows a human's own driving is put down to him, the
    manoeuvre excepted: that one is never what he asked for."""
    who = DRIVER[mode]
    if who is Source.HUMAN or (origin is M.HUMAN and who is Source.EXPERT):
        return Takeover(number, who, Trigger.HUMAN_OVERRIDE, 1.0, None)
    if facts.request is not None:
        return Takeover(number, who, facts.request.trigger, facts.request.severity, facts.request.time_to_event)
    return Takeover(number, who, Trigger.POLICY_UNHEALTHY, 1.0, None)


def _event(takeover: Takeover, kind: EventKind, why: str, now: Now) -> TakeoverEvent:
    return TakeoverEvent(
        now.ros, kind, takeover.number, takeover.who, takeover.trigger, takeover.severity, takeover.time_to_event, why
    )
