"""The recorder's logic: windows, merging, labels, counts. Driven by small stand-in messages."""

from __future__ import annotations

import struct
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from takead_ros.domain.driving import EventKind, Source, TakeoverEvent, TakeoverRequest, Trigger
from takead_ros.domain.units import SECOND
from takead_ros.recording.clip import ClipEvent, Label
from takead_ros.recording.gaps import GapCounter, header_stamp
from takead_ros.recording.labels import label_bytes, label_of
from takead_ros.recording.open_clip import Close, SessionConfig
from takead_ros.recording.ring import OVERHEAD, SerializedMessage
from takead_ros.recording.session import Open, Session, Write

SCENE, STATE, LABEL = "/takead/scene", "/takead/arbiter/state", "/takead/clip/label"
CONFIG = SessionConfig(latched={STATE: 1}, periods_s={SCENE: 0.05})


def message(stamp: int, number: int = 0) -> bytes:
    """A CDR message that begins with a header of that stamp."""
    return b"\x00\x01\x00\x00" + struct.pack("<iII", stamp // SECOND, stamp % SECOND, number)


def event(
    at: float, kind: EventKind, number: int = 1, who: Source = Source.EXPERT, trigger: Trigger = Trigger.STUCK
) -> TakeoverEvent:
    return TakeoverEvent(round(at * SECOND), kind, number, who, trigger, 0.5, None, "")


class Run:
    """A session driven tick by tick at 20 Hz; gathers what it wants done into clips."""

    def __init__(self, config: SessionConfig = CONFIG) -> None:
        self.session = Session(config)
        self.clips: list[tuple[list[SerializedMessage], Close | None]] = []
        self.sent: list[SerializedMessage] = []

    def do(self, actions: list[Open | Write | Close]) -> None:
        for action in actions:
            if isinstance(action, Open):
                assert not self.clips or self.clips[-1][1] is not None, "opened while one is open"
                self.clips.append(([], None))
            elif isinstance(action, Write):
                assert self.clips[-1][1] is None, "written after the close"
                self.clips[-1][0].extend(action.messages)
            else:
                self.clips[-1] = (self.clips[-1][0], action)

    def send(self, topic: str, stamp: int, data: bytes) -> None:
        self.sent.append(SerializedMessage(topic, stamp, data))
        self.do(self.session.receive(topic, stamp, data))

    def drive(self, begin: float, end: float, events: tuple[TakeoverEvent, ...] = ()) -> None:
        for tick in range(round(begin * 20), round(end * 20)):
            now = tick * SECOND // 20
            self.send(SCENE, now, message(now))
            for item in events:
                if item.stamp == now:
                    self.do(self.session.event(item, now))

    def finish(self, at: float) -> None:
        self.do(self.session.finish(round(at * SECOND)))

    def scenes(self, clip: int) -> list[int]:
        return [m.stamp for m in self.clips[clip][0] if m.topic == SCENE]

    def labels(self, clip: int) -> dict[int, bytes]:
        return {m.stamp: m.data for m in self.clips[clip][0] if m.topic == LABEL}


def takeover(start: float, handback: float, end: float, number: int = 1) -> tuple[TakeoverEvent, ...]:
    kinds = (EventKind.START, EventKind.HANDBACK, EventKind.END)
    return tuple(event(at, kind, number) for at, kind in zip((start, handback, end), kinds, strict=True))


def test_windows_before_and_after() -> None:
    run = Run()
    run.drive(0, 30, takeover(10, 12, 13))
    assert len(run.clips) == 1
    stamps, close = run.scenes(0), run.clips[0][1]
    assert stamps[0] == 5 * SECOND and stamps[-1] == 15 * SECOND
    assert stamps == [tick * SECOND // 20 for tick in range(100, 301)]
    assert close is not None and close.received[SCENE] == len(stamps) and not close.gaps and close.complete_pre_window


def test_frame_labels() -> None:
    run = Run()
    run.drive(0, 30, takeover(10, 12, 13))
    labels = run.labels(0)
    assert list(labels) == run.scenes(0), "one label for each scene"
    for at, label in (
        (9.95, Label.PRE), (10.0, Label.TAKEOVER_START), (10.45, Label.TAKEOVER_START), (10.5, Label.TAKEOVER),
        (11.95, Label.TAKEOVER), (12.0, Label.HANDBACK), (12.95, Label.HANDBACK), (13.0, Label.POST),
        (15.0, Label.POST),
    ):  # fmt: skip
        assert labels[round(at * SECOND)] == label_bytes(label), at


@pytest.mark.parametrize("second", [14.0, 15.5, 18.0, 19.9])
def test_overlapping_windows_become_one_clip_with_both_events(second: float) -> None:
    run = Run()
    run.drive(0, 40, takeover(10, 12, 13) + takeover(second, second + 1, second + 2, 2))
    assert len(run.clips) == 1
    close = run.clips[0][1]
    assert close is not None and [e.takeover for e in close.events if e.kind is EventKind.START] == [1, 2]
    stamps = run.scenes(0)
    assert stamps == sorted(set(stamps)) and len(stamps) == round((second + 4 - 5) * 20) + 1


@pytest.mark.parametrize("second", [20.2, 25.0])
def test_apart_windows_become_two_clips(second: float) -> None:
    run = Run()
    run.drive(0, 40, takeover(10, 12, 13) + takeover(second, second + 1, second + 2, 2))
    assert [clip[1] is not None for clip in run.clips] == [True, True]
    assert run.scenes(0)[-1] == 15 * SECOND and run.scenes(1)[0] == round((second - 5) * SECOND)
    assert {e.takeover for e in run.clips[1][1].events} == {2}  # type: ignore[union-attr]


def test_latched_topic_is_repeated_at_the_head_as_it_was_then() -> None:
    run = Run()
    run.send(STATE, 0, message(0, 1))
    run.drive(0.05, 4)
    run.send(STATE, 4 * SECOND, message(4 * SECOND, 2))
    run.drive(4.05, 7)
    run.send(STATE, 7 * SECOND, message(7 * SECOND, 3))
    run.drive(7.05, 20, takeover(10, 12, 13))
    run.finish(20)
    states = [m for m in run.clips[0][0] if m.topic == STATE]
    assert [m.data[-4:] for m in states] == [struct.pack("<I", 2), struct.pack("<I", 3)]
    assert run.clips[0][0][0] == states[0] and states[0].stamp == 5 * SECOND


def test_takeover_during_shutdown_is_closed_with_what_there_is() -> None:
    run = Run()
    run.drive(0, 11, takeover(10, 12, 13))
    run.finish(11)
    close = run.clips[0][1]
    assert close is not None and close.closed_by == "shutdown"
    assert run.labels(0)[round(10.95 * SECOND)] == label_bytes(Label.TAKEOVER), "the last scene is labelled too"


def test_clock_going_back_closes_the_clip_and_forgets() -> None:
    run = Run()
    run.drive(100, 111, takeover(110, 112, 113))
    run.drive(3, 20, takeover(10, 12, 13, 2))
    run.finish(20)
    assert run.session.jumps == 1
    assert [clip[1].closed_by for clip in run.clips if clip[1]] == ["clock went back", "shutdown"]
    assert run.scenes(1)[0] == 5 * SECOND and max(run.scenes(1)) < 20 * SECOND


def test_clock_going_forward_ends_the_clip() -> None:
    run = Run()
    run.drive(0, 14, takeover(10, 12, 13))
    run.drive(1000, 1001)
    close = run.clips[0][1]
    assert close is not None and run.scenes(0)[-1] < 14 * SECOND


def test_silent_topics_do_not_keep_a_clip_open() -> None:
    run = Run()
    run.drive(0, 13.5, takeover(10, 12, 13))
    run.do(run.session.tick(16 * SECOND))
    run.do(run.session.tick(21 * SECOND))
    assert run.clips[0][1] is not None


def test_a_takeover_without_end_is_split() -> None:
    run = Run(replace(CONFIG, max_clip_s=20.0))
    run.send(STATE, 0, message(0, 7))
    run.drive(0.05, 60, (event(10, EventKind.START),))
    run.finish(60)
    assert len(run.clips) == 3 and {c[1].closed_by for c in run.clips[:-1] if c[1]} == {"max_clip reached"}
    scenes = [stamp for clip in range(3) for stamp in run.scenes(clip)]
    assert scenes == [tick * SECOND // 20 for tick in range(100, 1200)], "no scene is lost or doubled at the seams"
    assert all(clip[0][0].topic == STATE for clip in run.clips)
    assert set(run.labels(2).values()) == {label_bytes(Label.TAKEOVER)}


def test_gaps_in_a_periodic_topic_are_counted_while_they_happen() -> None:
    run = Run()
    for tick in range(400):
        if tick not in (150, 151, 220):
            now = tick * SECOND // 20
            run.send(SCENE, now, message(now))
            if tick == 200:
                run.do(run.session.event(event(10, EventKind.START), now))
        if tick == 160:
            assert run.session.gaps[SCENE] == 2
    run.finish(20)
    assert run.clips[0][1].gaps == {SCENE: 3}  # type: ignore[union-attr]


def test_publishers_numbers_count_where_they_are_known() -> None:
    run = Run()
    run.drive(0, 9)
    for number in (5, 6, 9, 10):
        run.do(run.session.receive("/note", 9 * SECOND, b"", number))
    run.drive(9, 30, takeover(10, 12, 13))
    assert run.session.gaps == {"/note": 2} and run.clips[0][1].gaps == {"/note": 2}  # type: ignore[union-attr]


def test_numbers_of_two_publishers_mean_nothing() -> None:
    gaps = GapCounter({SCENE: SECOND // 20})
    for tick, number in enumerate((5, 1000, 6, 1001, 7, 2000)):
        gaps.count("/note", b"", number)
        gaps.count(SCENE, message(tick * SECOND // 20), number)
    assert not any(gaps.counts.values())
    gaps.count(SCENE, message(8 * SECOND // 20), 1)
    assert gaps.counts[SCENE] == 2, "by the stamps as before"


def test_another_episode_ends_the_clip_and_nothing_of_the_last_one_is_kept() -> None:
    run = Run()
    run.drive(0, 11, takeover(10, 12, 13))
    run.do(run.session.cut("another episode began"))
    run.drive(11, 30, takeover(12, 14, 15, 2))
    run.finish(30)
    assert [clip[1].closed_by for clip in run.clips if clip[1]] == ["another episode began", "post window passed"]
    assert run.scenes(0)[-1] == 11 * SECOND - SECOND // 20 and run.scenes(1)[0] == 11 * SECOND
    assert {e.takeover for e in run.clips[1][1].events} == {2}  # type: ignore[union-attr]


def test_byte_bound_is_told() -> None:
    run = Run(replace(CONFIG, ring_bytes=50 * (OVERHEAD + 16)))
    run.drive(0, 20, takeover(10, 12, 13))
    run.finish(20)
    close = run.clips[0][1]
    assert close is not None and not close.complete_pre_window
    assert len([stamp for stamp in run.scenes(0) if stamp <= 10 * SECOND]) == 50


@pytest.mark.parametrize(
    ("who", "trigger", "length", "foreseen", "casual"),
    [
        (Source.HUMAN, Trigger.HUMAN_OVERRIDE, 2.0, False, True),
        (Source.HUMAN, Trigger.HUMAN_OVERRIDE, 4.0, False, False),
        (Source.HUMAN, Trigger.HUMAN_OVERRIDE, 2.0, True, False),
        (Source.EXPERT, Trigger.STUCK, 2.0, False, False),
    ],
)
def test_casual_override(who: Source, trigger: Trigger, length: float, foreseen: bool, casual: bool) -> None:
    run = Run()
    run.drive(0, 9)
    if foreseen:
        run.session.request(TakeoverRequest(9 * SECOND, Trigger.COLLISION_PREDICTED, 0.4, 1.0), 9 * SECOND)
    moments = ((10.0, EventKind.START), (9.5 + length, EventKind.HANDBACK), (10.0 + length, EventKind.END))
    run.drive(9, 30, tuple(event(at, kind, 1, who, trigger) for at, kind in moments))
    assert run.clips[0][1].casual is casual  # type: ignore[union-attr]


@settings(deadline=None, max_examples=60)
@given(
    moments=st.lists(st.tuples(st.integers(1, 200), st.integers(1, 60), st.integers(1, 40)), min_size=0, max_size=6),
    stop=st.integers(0, 1400),
)
def test_any_sequence_of_takeovers(moments: list[tuple[int, int, int]], stop: int) -> None:
    """Windows are kept, no scene is doubled, every scene has its label, every start is in exactly one clip."""
    events, tick = [], 0
    for number, (gap, length, ramp) in enumerate(moments, start=1):
        tick += gap
        for kind, after in ((EventKind.START, 0), (EventKind.HANDBACK, length), (EventKind.END, ramp)):
            tick += after
            events.append(event(tick / 20, kind, number))
    run = Run()
    run.drive(0, stop / 20, tuple(events))
    run.finish(stop / 20)
    happened = [e for e in events if e.stamp < stop * SECOND // 20]
    scenes = [stamp for clip in range(len(run.clips)) for stamp in run.scenes(clip)]
    assert len(scenes) == len(set(scenes))
    for stamps, (_, close) in zip(map(run.scenes, range(len(run.clips))), run.clips, strict=True):
        assert close is not None and stamps == list(range(stamps[0], stamps[-1] + 1, SECOND // 20))
    found = [e for _, close in run.clips if close for e in close.events]
    assert sorted(found, key=lambda e: e.stamp) == sorted(happened, key=lambda e: e.stamp)
    for number, (_, close) in enumerate(run.clips):
        assert close is not None
        labels = run.labels(number)
        assert list(labels) == run.scenes(number)
        for item in close.events:
            assert max(0, item.stamp - 5 * SECOND) >= run.scenes(number)[0] or item.kind is not EventKind.START
            if item.kind is EventKind.END:
                assert run.scenes(number)[-1] >= min(item.stamp + 2 * SECOND, (stop - 1) * SECOND // 20)


def test_label_bytes_and_header_stamp_match_the_codec() -> None:
    from takead_ros.messages import codec, convert, types

    for label in Label:
        assert codec.serialize(types.String(data=label.value)) == label_bytes(label)
    command = types.DriveCommand(header=convert.header_to_msg(12_345_678_901, "base_link"))
    assert header_stamp(codec.serialize(command)) == 12_345_678_901
    assert header_stamp(b"\0") == -1


def test_label_before_any_event_is_pre() -> None:
    assert label_of(5, [], 1, 1) is Label.PRE


@pytest.mark.parametrize("kind", list(EventKind), ids=lambda kind: kind.name)
def test_every_kind_of_event_can_stand_in_a_manifest(kind: EventKind) -> None:
    assert ClipEvent.of(event(10.0, kind)).kind == kind.name.lower()
