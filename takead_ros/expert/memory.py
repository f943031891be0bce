"""What the expert carries from tick to tick: tracks of others, its last choice, how long it has waited."""

from __future__ import annotations

from dataclasses import dataclass, field

from takead_ros.domain.scene import EgoState, Objects

_MOVING = 0.5  # m/s
_SMOOTHING = 0.4  # share of a new acceleration sample


@dataclass(frozen=True)
class Track:
    """One object over time: its last row, when it was seen, its acceleration (m/s^2 along its motion)."""

    row: tuple[float, ...]
    seen: int
    speed: float
    acceleration: float = 0.0
    standing_since: int | None = None
    has_moved: bool = False


@dataclass(frozen=True)
class Memory:
    """``choice``: (lateral kind, object id) that was driven last; ``waiting_since`` ns: ego standing since then."""

    stamp: int | None = None
    tracks: dict[int, Track] = field(default_factory=dict)
    choice: tuple[str, int] = ("route", 0)
    pace: str = ""
    waiting_since: int | None = None
    stopped_at: frozenset[int] = frozenset()  # stop signs that the ego has stood at


def _track(row: tuple[float, ...], stamp: int, old: Track | None) -> Track:
    vx, vy = row[5], row[6]
    speed = (vx * vx + vy * vy) ** 0.5
    acceleration = 0.0
    if old is not None and stamp > old.seen:
        passed = (stamp - old.seen) * 1e-9
        if passed < 0.5:
            sample = min(max((speed - old.speed) / passed, -9.0), 4.0)
            acceleration = old.acceleration + _SMOOTHING * (sample - old.acceleration)
    since = None
    if speed < _MOVING:
        since = old.standing_since if old is not None and old.standing_since is not None else stamp
    return Track(row, stamp, speed, acceleration, since, speed >= _MOVING or (old is not None and old.has_moved))


def remember(memory: Memory, objects: Objects, stamp: int, keep: float) -> dict[int, Track]:
    """Tracks after ``objects`` were seen at ``stamp`` ns; those unseen for more than ``keep`` s are forgotten.

    Repeating a stamp changes nothing; a stamp before the last one starts anew (a reset world).
    """
    old = memory.tracks if memory.stamp is None or stamp >= memory.stamp else {}
    names = ("id", "kind", "x", "y", "yaw", "vx", "vy", "length", "width", "visibility")
    rows = zip(*(getattr(objects, name).tolist() for name in names), strict=True)
    tracks: dict[int, Track] = {}
    for row in rows:
        known = old.get(row[0])
        tracks[row[0]] = known if known is not None and known.seen == stamp else _track(row, stamp, known)
    for name, track in old.items():
        if name not in tracks and (stamp - track.seen) * 1e-9 <= keep:
            tracks[name] = track
    return tracks


def waiting_since(memory: Memory, ego: EgoState, stamp: int) -> int | None:
    """Since when (ns) the ego stands, or None while it moves."""
    if ego.speed > _MOVING:
        return None
    return memory.waiting_since if memory.waiting_since is not None and memory.waiting_since <= stamp else stamp
