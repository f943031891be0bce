"""The arithmetic of perceived tracks, on arrays of many environments (see ``domain.perception``).

All chance is a hash of (seed, object, step), so that nothing else that runs can alter it. Noise of a track is an
Ornstein-Uhlenbeck process in steps (AR(1)); its deviation grows with the distance from the ego.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from takead_ros.compiled import Cube, IndexMatrix, Indices, Matrix, kernel, part
from takead_ros.domain.kernels import wrapped
from takead_ros.domain.visibility import RANGE

MOST_OBJECTS = 512  # around the ego at once
KEPT_S = 1.0  # for which a track that is not seen stays the same one
FIRST_NEW = 1 << 20  # ids from here on are those that a track got by a switch
CHANNELS = 5  # of noise: x, y, yaw, vx, vy
COLUMNS = 10  # of an object: id, kind, x, y, yaw, vx, vy, length, width, visibility
ID, KIND, X, Y, YAW, VX, VY, LENGTH, WIDTH, VISIBILITY = range(COLUMNS)
# uses of chance, beside the channels of noise, each a number of its own
DROPS, DROPS_FOR, SIGHT, SWITCHES = range(CHANNELS, CHANNELS + 4)


class Noise(NamedTuple):
    """``PerceptionSettings`` at a step of ``step`` s, for kernels."""

    position: float
    position_per_m: float
    heading: float
    heading_per_m: float
    speed: float
    speed_per_m: float
    keeps: float  # correlation of a track's noise with that of the step before
    dropout_hz: float
    dropout: float
    first_sight: float
    late: int  # steps
    switch_hz: float
    switch_range: float
    sees_hidden: bool
    step: float


class PerceivedTracks(NamedTuple):
    """What perception remembers of E environments, each with room for M tracks; all rows of one are its own.

    seed, ticks, used, next_id (E,): of chance, steps so far, tracks in use, the next new id. Of each track (E, M): its
    object's true id, the id that is shown, the step of its birth, from which and until which step it is not shown, when
    it was last seen. noise (E, M, 5) in standard deviations. past (E, L, 1 + M * 10): the objects of the last L steps,
    their number first.
    """

    seed: Indices
    ticks: Indices
    used: Indices
    next_id: Indices
    id: IndexMatrix
    shown: IndexMatrix
    born: IndexMatrix
    ready: IndexMatrix
    lost_until: IndexMatrix
    seen: IndexMatrix
    noise: Cube
    past: Cube


def make_tracks(count: int, late: int, most: int = MOST_OBJECTS) -> PerceivedTracks:
    """Room for ``count`` environments with up to ``most`` objects around each; ``late``: as in Noise."""

    def row() -> np.ndarray:
        return np.zeros(count, np.int64)

    def table() -> np.ndarray:
        return np.zeros((count, most), np.int64)

    return PerceivedTracks(
        row(),
        row(),
        row(),
        row(),
        table(),
        table(),
        table(),
        table(),
        table(),
        table(),
        np.zeros((count, most, CHANNELS)),
        np.zeros((count, late + 1, 1 + most * COLUMNS)),
    )


@part
def forget(tracks: PerceivedTracks, e: int, seed: int) -> None:
    """Environment ``e`` begins anew with ``seed``."""
    tracks.seed[e], tracks.ticks[e], tracks.used[e], tracks.next_id[e] = seed, 0, 0, FIRST_NEW


@part
def mixed(value: np.uint64) -> np.uint64:
    """The finaliser of splitmix64 (Steele, Lea, Flood, OOPSLA 2014)."""
    value = value + np.uint64(0x9E3779B97F4A7C15)
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    result: np.uint64 = value ^ (value >> np.uint64(31))
    return result


@part
def hashed_uniform(seed: int, name: int, tick: int, use: int) -> float:
    """A number in (0, 1) that nothing but the four arguments decides."""
    value = mixed(mixed(mixed(mixed(np.uint64(seed)) ^ np.uint64(name)) ^ np.uint64(tick)) ^ np.uint64(use))
    return (float(value >> np.uint64(11)) + 0.5) / 9007199254740992.0


@part
def normal(seed: int, name: int, tick: int, use: int) -> float:
    """The same from the standard normal distribution (Box and Muller)."""
    radius = math.sqrt(-2.0 * math.log(hashed_uniform(seed, name, tick, 2 * use + 64)))
    return radius * math.cos(2.0 * math.pi * hashed_uniform(seed, name, tick, 2 * use + 65))


@part
def track_of(noise: Noise, tracks: PerceivedTracks, e: int, name: int, tick: int) -> int:
    """The track of the object ``name`` that is seen at ``tick``: the one it has, or a new one; -1: no room."""
    kept, free = tick - int(KEPT_S / noise.step + 0.5), -1
    for k in range(tracks.used[e]):
        if tracks.id[e, k] == name:
            if tracks.seen[e, k] >= kept:
                return k
            free = k
            break
        if free < 0 and tracks.seen[e, k] < kept:
            free = k
    if free < 0:
        if tracks.used[e] >= tracks.id.shape[1]:
            return -1
        free = tracks.used[e]
        tracks.used[e] += 1
    seed, shown = tracks.seed[e], name
    for k in range(tracks.used[e]):
        if k != free and tracks.shown[e, k] == name and tracks.seen[e, k] >= kept:
            shown = tracks.next_id[e]  # another track has taken its id
    if shown != name:
        tracks.next_id[e] += 1
    tracks.id[e, free], tracks.shown[e, free], tracks.born[e, free] = name, shown, tick
    tracks.lost_until[e, free], tracks.ready[e, free] = tick, tick
    if tick > 0 and noise.first_sight > 0.0:  # at the start the vehicle has been looking for a while
        wait = noise.first_sight * (0.5 + hashed_uniform(seed, name, tick, SIGHT))
        tracks.ready[e, free] = tick + math.ceil(wait / noise.step)
    for c in range(CHANNELS):
        tracks.noise[e, free, c] = normal(seed, name, tick, c)
    return free


@part
def switch(
    noise: Noise, tracks: PerceivedTracks, e: int, k: int, now: Matrix, rows: Indices, row: int, count: int
) -> None:
    """Track ``k``, of the object in ``row`` of ``now``, swaps ids with the nearest of its kind, or gets a new one."""
    best, other = noise.switch_range, -1
    for j in range(count):
        if j != row and rows[j] >= 0 and now[j, KIND] == now[row, KIND]:
            apart = math.hypot(now[j, X] - now[row, X], now[j, Y] - now[row, Y])
            if apart <= best:
                best, other = apart, rows[j]
    if other >= 0:
        tracks.shown[e, k], tracks.shown[e, other] = tracks.shown[e, other], tracks.shown[e, k]
    else:
        tracks.shown[e, k] = tracks.next_id[e]
        tracks.next_id[e] += 1


@part
def perceive_one(
    noise: Noise, tracks: PerceivedTracks, e: int, ego_x: float, ego_y: float, now: Matrix, count: int, rows: Indices
) -> int:
    """One step of environment ``e``: what is perceived from (ego_x, ego_y) m takes the place of the first ``count``
    rows of ``now`` (M, 10), the objects in view as in COLUMNS. rows (M,): room to work in. Returns their number; -1
    where they are too many. To be called once in every step, in order of time."""
    tick, seed, past = tracks.ticks[e], tracks.seed[e], tracks.past[e]
    tracks.ticks[e] += 1
    if count > tracks.id.shape[1]:
        return -1
    # what was there ``late`` steps ago, or at the start
    length = past.shape[0]
    here = past[tick % length]
    here[0] = count
    for i in range(count):
        for c in range(COLUMNS):
            here[1 + i * COLUMNS + c] = now[i, c]
    then = past[max(tick - noise.late, 0) % length]
    count = int(then[0])
    for i in range(count):
        for c in range(COLUMNS):
            now[i, c] = then[1 + i * COLUMNS + c]
    fresh = math.sqrt(1.0 - noise.keeps * noise.keeps)
    for i in range(count):
        rows[i] = -1
        if now[i, VISIBILITY] <= 0.0 and not noise.sees_hidden:
            continue
        name = int(now[i, ID])
        k = track_of(noise, tracks, e, name, tick)
        if k < 0:
            return -1
        rows[i] = k
        tracks.seen[e, k] = tick
        if tick > tracks.born[e, k]:
            for c in range(CHANNELS):
                step = fresh * normal(seed, name, tick, c)
                tracks.noise[e, k, c] = noise.keeps * tracks.noise[e, k, c] + step
        if tick >= tracks.lost_until[e, k] and noise.dropout_hz > 0.0:
            r = math.hypot(now[i, X] - ego_x, now[i, Y] - ego_y)
            rate = noise.dropout_hz * r / RANGE
            if hashed_uniform(seed, name, tick, DROPS) < 1.0 - math.exp(-rate * noise.step):
                lasts = -noise.dropout * math.log(hashed_uniform(seed, name, tick, DROPS_FOR))
                tracks.lost_until[e, k] = tick + math.ceil(lasts / noise.step)
    if noise.switch_hz > 0.0:
        likely = 1.0 - math.exp(-noise.switch_hz * noise.step)
        for i in range(count):
            if rows[i] >= 0 and hashed_uniform(seed, int(now[i, ID]), tick, SWITCHES) < likely:
                switch(noise, tracks, e, rows[i], now, rows, i, count)
    kept = 0
    for i in range(count):
        k = rows[i]
        if k < 0 or tick < tracks.ready[e, k] or tick < tracks.lost_until[e, k]:
            continue
        r = math.hypot(now[i, X] - ego_x, now[i, Y] - ego_y)
        for c in range(COLUMNS):
            now[kept, c] = now[i, c]
        now[kept, ID] = tracks.shown[e, k]
        drift = tracks.noise[e, k]
        place, turn, pace = (
            noise.position + noise.position_per_m * r,
            noise.heading + noise.heading_per_m * r,
            noise.speed + noise.speed_per_m * r,
        )
        now[kept, X] += place * drift[0]
        now[kept, Y] += place * drift[1]
        if turn > 0.0:
            now[kept, YAW] = wrapped(now[kept, YAW] + turn * drift[2])
        now[kept, VX] += pace * drift[3]
        now[kept, VY] += pace * drift[4]
        kept += 1
    return kept


@kernel
def begin_tracks(tracks: PerceivedTracks, e: int, seed: int) -> None:
    """``forget``, for callers that are no kernels."""
    forget(tracks, e, seed)


@kernel
def perceive_objects(
    noise: Noise, tracks: PerceivedTracks, e: int, ego_x: float, ego_y: float, now: Matrix, count: int, rows: Indices
) -> int:
    """``perceive_one``, for callers that are no kernels."""
    return perceive_one(noise, tracks, e, ego_x, ego_y, now, count, rows)
