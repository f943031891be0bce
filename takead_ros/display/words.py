"""The lines of text beside the vehicle: who drives, what is asked, which trigger is active, how old the inputs are."""

from __future__ import annotations

from collections.abc import Iterator

from takead_ros.display.overview import Overview
from takead_ros.display.palette import ALARM, ATTEND, CALM, FAINT, Colour
from takead_ros.domain.driving import TakeoverRequest, Trigger
from takead_ros.takeover.notice import NoticeLevel

LONGEST = 120  # characters of a line
ALARMS: dict[NoticeLevel, Colour] = {NoticeLevel.CALM: CALM, NoticeLevel.ATTEND: ATTEND, NoticeLevel.ACT: ALARM}
DRIVES, ASKED, TRIGGER, AGES = range(4)  # the lines, from the first on


def lines(now: Overview) -> Iterator[tuple[int, Colour, str]]:
    """Number, colour and text of every line that there is something to say in."""
    standing = now.standing
    if standing is None:
        yield DRIVES, ALARM, "nothing is heard of the arbiter"
    else:
        colour = ALARMS[standing.alarm]
        yield DRIVES, colour, one_line(f"{standing.mode.name}: {standing.who} ({standing.why})")
        asked = " | ".join(part for part in (standing.asked.upper(), standing.goes_on) if part)
        if asked:
            yield ASKED, colour if standing.asked else FAINT, one_line(asked)
    if now.request is not None and now.request.trigger is not Trigger.NONE:
        yield TRIGGER, ATTEND, one_line(trigger_line(now.request))
    stale = any(is_stale(now, name) for name in now.ages)
    yield AGES, ALARM if stale else FAINT, one_line(ages_line(now))


def trigger_line(request: TakeoverRequest) -> str:
    """Which trigger, how severe, how soon, and why."""
    soon = "" if request.time_to_event is None else f" in {request.time_to_event:.1f} s"
    return f"trigger: {request.trigger.name.lower()} {request.severity:.2f}{soon}  {request.text}"


def ages_line(now: Overview) -> str:
    """Age of every input in s; one that is stale has a mark."""
    return "age s:" + "".join(
        f" {name} {'-' if age is None else f'{min(age, 999.0):.2f}'}{'!' if is_stale(now, name) else ''}"
        for name, age in now.ages.items()
    )


def is_stale(now: Overview, name: str) -> bool:
    """Whether an input that is needed is missing or too old."""
    age = now.ages[name]
    return name not in now.optional and (age is None or not age < now.stale_s)


def one_line(text: str) -> str:
    """``text`` without what would break a line or a renderer, and not longer than a screen is wide."""
    shown = "".join(c if c.isprintable() else " " for c in text[: 4 * LONGEST])
    return shown if len(shown) <= LONGEST else f"{shown[: LONGEST - 3].rstrip()}..."
