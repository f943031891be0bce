"""Others over time: when each was seen last, how it speeds up or slows down, how long it has stood."""

from __future__ import annotations

from typing import NamedTuple

from takead_ros.domain.scene import Objects

MOVING = 0.5  # m/s
_SMOOTHING = 0.4  # share of a new acceleration sample
_COLUMNS = ("id", "kind", "x", "y", "yaw", "vx", "vy", "length", "width", "visibility")


class Track(NamedTuple):
    """One object over time: its last row (the columns of Objects, in ``map``), when it was seen (ns), its speed m/s and
    acceleration m/s^2 along its motion, since when it stands (ns; None: it moves), whether it was ever seen moving."""

    row: tuple[float, ...]
    seen: int
    speed: float
    acceleration: float = 0.0
    standing_since: int | None = None
    has_moved: bool = False


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
    if speed < MOVING:
        since = old.standing_since if old is not None and old.standing_since is not None else stamp
    return Track(row, stamp, speed, acceleration, since, speed >= MOVING or (old is not None and old.has_moved))


def remember(old: dict[int, Track], objects: Objects, stamp: int, keep: float) -> dict[int, Track]:
    """Tracks after ``objects`` were seen at ``stamp`` ns; those unseen for more than ``keep`` s are forgotten.

    Repeating a stamp changes nothing.
    """
    rows = zip(*(getattr(objects, name).tolist() for name in _COLUMNS), strict=True)
    tracks: dict[int, Track] = {}
    for row in rows:
        known = old.get(row[0])
        tracks[row[0]] = known if known is not None and known.seen == stamp else _track(row, stamp, known)
    for name, track in old.items():
        if name not in tracks and (stamp - track.seen) * 1e-9 <= keep:
            tracks[name] = track
    return tracks
