"""What a frame of a clip is, and whether a takeover was casual, given the clip's events. Pure."""

from __future__ import annotations

import struct

from takead_ros.domain.driving import EventKind, Source, TakeoverEvent, Trigger
from takead_ros.domain.units import SECOND
from takead_ros.recording.clip import Label


def label_bytes(label: Label) -> bytes:
    """A ``std_msgs/msg/String`` with the label, as little-endian CDR."""
    text = label.value.encode() + b"\0"
    return b"\x00\x01\x00\x00" + struct.pack("<I", len(text)) + text


def label_of(stamp: int, events: list[TakeoverEvent], start_transition_ns: int, post_ns: int) -> Label:
    """What the frame at ``stamp`` ns is, given the clip's events in order."""
    label = Label.PRE
    for event in events:
        if event.stamp > stamp:
            break
        if event.kind is EventKind.START:
            label = Label.TAKEOVER_START if stamp < event.stamp + start_transition_ns else Label.TAKEOVER
        elif event.kind is EventKind.HANDBACK:
            label = Label.HANDBACK
        elif event.kind is EventKind.END:
            label = Label.POST if stamp <= event.stamp + post_ns else Label.PRE
    return label


def is_casual(events: list[TakeoverEvent], foreseen: bool, longest_s: float) -> bool:
    """Whether every takeover is a human override up to ``longest_s`` s long that no trigger had foreseen."""
    starts = [event for event in events if event.kind is EventKind.START]
    ends = {event.takeover: event.stamp for event in events if event.kind is EventKind.END}
    return (
        bool(starts)
        and not foreseen
        and all(
            start.who is Source.HUMAN
            and start.trigger in (Trigger.HUMAN_OVERRIDE, Trigger.NONE)
            and start.takeover in ends
            and ends[start.takeover] - start.stamp <= longest_s * SECOND
            for start in starts
        )
    )
