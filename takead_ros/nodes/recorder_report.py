"""What the recorder says about itself: losses and failures, while they happen."""

from __future__ import annotations

from takead_ros.nodes.diagnostics import Level, Part
from takead_ros.recording.background import BackgroundWriter
from takead_ros.recording.session import Session


def trouble(writer: BackgroundWriter, session: Session, flush_s: float, undecodable: int) -> str:
    """What is wrong, in words; empty where nothing is. flush_s: how long a message may wait for the disk."""
    status, ring = writer.status, session.ring
    parts = []
    if status.current_failure:
        parts.append(f"not recording: {status.current_failure} ({sum(status.lost_disk.values())} messages lost)")
    if status.lost_queue:
        parts.append(f"the disk is too slow: {sum(status.lost_queue.values())} messages lost")
    if writer.longest_at_risk > flush_s:
        parts.append(f"messages waited up to {writer.longest_at_risk:.2f} s for the disk (flush_s)")
    if ring.cut_by_bytes:
        parts.append(f"ring_mib cut the ring short of ring_s by {ring.cut_by_bytes} messages so far")
    if undecodable:
        parts.append(f"{undecodable} events, requests or episodes could not be decoded")
    return "; ".join(parts)


def report(writer: BackgroundWriter, session: Session, words: str, undecodable: int) -> Part:
    """The recorder's part of the diagnostics; words: its trouble."""
    status = writer.status
    level = Level.ERROR if status.current_failure else Level.WARN if words else Level.OK
    counts: dict[str, object] = {
        "recording": session.recording,
        "clips": len(status.clips),
        "ring_messages": len(session.ring),
        "ring_bytes": session.ring.bytes,
        "ring_cut_by_bytes": session.ring.cut_by_bytes,
        "queued_bytes": writer.queued_bytes,
        "written": sum(status.written.values()),
        "lost_queue": sum(status.lost_queue.values()),
        "lost_disk": sum(status.lost_disk.values()),
        "longest_at_risk": f"{writer.longest_at_risk:.2f} s",
        "undecodable": undecodable,
        "clock_jumps": session.jumps,
    }
    for name, by_topic in (
        ("received", session.received),
        ("written", status.written),
        ("lost_gap", session.gaps),
        ("lost_queue", status.lost_queue),
        ("lost_disk", status.lost_disk),
    ):
        counts |= {f"{name} {topic}": count for topic, count in by_topic.items()}
    return Part("clips", level, words or ("recording a clip" if session.recording else "ready"), counts)
