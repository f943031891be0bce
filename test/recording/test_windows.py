"""Which moments belong to which clip, as the recorder's session decides it on messages."""

from __future__ import annotations

from dataclasses import dataclass

from takead_ros.domain.driving import EventKind, Source, TakeoverEvent, Trigger
from takead_ros.recording.clip import Label
from takead_ros.recording.windows import Window, Windows

SECOND = 1_000_000_000


@dataclass(frozen=True)
class Moment:
    stamp: int


def drive(seconds: int, events: dict[int, tuple[EventKind, int]]) -> list[Window[Moment]]:
    """Windows of a drive with a moment a second and the events at the seconds given."""
    windows: Windows[Moment] = Windows()
    closed = []
    for second in range(seconds):
        stamp = second * SECOND
        told = [
            TakeoverEvent(stamp, kind, number, Source.EXPERT, Trigger.STUCK, 0.3, None, "")
            for at, (kind, number) in events.items()
            if at == second
        ]
        closed.append(windows.take(stamp, Moment(stamp), told))
    closed.append(windows.finish((seconds - 1) * SECOND))
    return [one for one in closed if one is not None]


def seconds(window: Window[Moment]) -> list[int]:
    return [one.stamp // SECOND for one in window.moments]


def test_a_window_goes_from_before_the_takeover_to_after_its_end() -> None:
    (window,) = drive(40, {10: (EventKind.START, 1), 14: (EventKind.END, 1)})
    assert seconds(window) == list(range(5, 17))
    assert window.labels == (Label.PRE,) * 5 + (Label.TAKEOVER_START,) + (Label.TAKEOVER,) * 3 + (Label.POST,) * 3
    assert (window.start, window.end) == (5 * SECOND, 16 * SECOND)


def test_windows_that_overlap_are_one_and_others_are_not() -> None:
    both = {10: (EventKind.START, 1), 12: (EventKind.END, 1)}
    (merged,) = drive(40, {**both, 19: (EventKind.START, 2), 20: (EventKind.END, 2)})
    assert seconds(merged) == list(range(5, 23)) and len(merged.events) == 4
    first, second = drive(40, {**both, 20: (EventKind.START, 2), 21: (EventKind.END, 2)})
    assert (seconds(first), seconds(second)) == (list(range(5, 15)), list(range(15, 24)))


def test_a_takeover_that_never_ends_reaches_to_the_end_of_the_drive() -> None:
    (window,) = drive(30, {3: (EventKind.START, 1)})
    assert seconds(window) == list(range(30))


def test_a_drive_without_a_takeover_has_no_window() -> None:
    assert drive(30, {}) == []
