"""What a clip teaches of its road users: each, every half second, with its surroundings and where it then went."""

from __future__ import annotations

import hashlib
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from takead_ros.domain.errors import TakeadError
from takead_ros.domain.geometry import to_local, wrap_angle
from takead_ros.domain.scene import FloatArray, ObjectKind
from takead_ros.prediction.features import (
    EGO_TIMES_S,
    MOVERS,
    PAST,
    PAST_S,
    SHAPES,
    STEP_S,
    STEPS,
    Arrays,
    WorldMoment,
    features,
    pieces_of,
)
from takead_ros.recording.driven import Driven, driven
from takead_ros.recording.tracks import RecordedTracks, tracks_of

VERSION = 3  # of what is made of a clip; another one is made anew
TICK_S = 0.1
LONGEST_GAP_S = 0.25  # between two scenes; nothing is learned across a longer one
CRASH_MPS2 = 12.0  # who slows down harder than tyres can was hit: what came of that is nobody's choice
BACKWARDS_MPS = -0.3
STANDS_M, STANDING_KEPT = 0.3, 0.2  # who comes less far in a prediction stands; of those, this share is kept
MOVES_MPS = 1.0
ASIDE_M, TURNED_RAD, SLOWER = 0.6, 0.08, 0.15  # how far a start is moved, at most (speed: as a share)
UNPLANNED = 0.1  # share of samples that are told no plan of the ego

# What is learned from beside SHAPES: where it went, at each STEP_S, and what of that is known.
TARGETS: dict[str, tuple[int, ...]] = {
    "future": (STEPS, 4),  # x m, y m, yaw rad from where it was; speed m/s
    "known": (STEPS,),
    "speed": (),  # m/s, along its heading
    "on_foot": (),
    "group": (),  # 0 vehicle, 1 cyclist, 2 pedestrian
    "plain": (),  # 1: its start is as recorded
}


def samples_of(path: Path, name: str) -> Arrays:
    """All samples of clip ``path``, each (N, ...), by SHAPES and TARGETS. ``name`` decides what is drawn by chance.

    Raises TakeadError where the clip cannot be read, or its scenes hold what is not finite.
    """
    record = driven(path)
    rng = np.random.default_rng(int(hashlib.sha256(name.encode()).hexdigest()[:12], 16))
    parts = [_empty()]
    begin = 0
    stamps = [tick.stamp for tick in record.ticks]
    ends = [k + 1 for k, (a, b) in enumerate(pairwise(stamps)) if b - a > LONGEST_GAP_S * 1e9]
    for end in (*ends, len(stamps)):
        if end - begin > 1:
            parts += _samples(path, record, begin, end, rng)
        begin = end
    return {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}


def _empty() -> Arrays:
    return {key: np.zeros((0, *shape), np.float32) for key, shape in {**SHAPES, **TARGETS}.items()}


def _samples(path: Path, record: Driven, begin: int, end: int, rng: np.random.Generator) -> list[Arrays]:
    ticks = record.ticks[begin:end]
    tracks = tracks_of(ticks, TICK_S)
    values = [tracks.pose[tracks.here], tracks.ego, tracks.length, tracks.width]
    values += [line.points for line in record.polylines]
    if not all(np.isfinite(found).all() for found in values):
        raise TakeadError(f"clip '{path}': topic '.../scene': a place, speed or size is not finite")
    lanes, usable = pieces_of(record.polylines), _usable(tracks)
    at = np.array([(tick.stamp - ticks[0].stamp) / 1e9 for tick in ticks])
    parts = []
    step, past = round(STEP_S / TICK_S), round(PAST_S / TICK_S)
    for k in range(0, len(tracks.here) - round(1.0 / TICK_S), step):
        rows = np.flatnonzero(usable[k] & usable[k + 1 : k + 1 + 2 * step].all(0))
        if not len(rows):
            continue
        future, known = _future(tracks, usable, k, rows, step)
        stands = np.hypot(*(future[:, :, :2] - tracks.pose[k, rows, None, :2]).transpose(2, 0, 1))
        stands = np.where(known, stands, 0.0).max(1) < STANDS_M
        keep = ~stands | (rng.random(len(rows)) < STANDING_KEPT)
        rows, future, known = rows[keep], future[keep], known[keep]
        controls = ticks[int(np.abs(at - k * TICK_S).argmin())].world.controls
        goes_on = bool(rng.random() < UNPLANNED)
        moment = WorldMoment(
            tracks.kind,
            tracks.length,
            tracks.width,
            tracks.here[k],
            tracks.pose[k],
            np.stack([_seen_at(tracks, k - past * (i + 1)) for i in range(PAST)]),
            ego_told(tracks, k, goes_on),
            (float(tracks.ego[k, 3]), float(tracks.ego[k, 4])),
            not goes_on,
            controls,
        )
        plain = features(moment, lanes, rows)
        parts.append({**plain, **_targets(tracks, rows, tracks.pose[k, rows, :3], future, known, k, True)})
        speed = _along(tracks.pose[k, rows])
        moved = np.flatnonzero((speed > MOVES_MPS) & (tracks.kind[rows] != ObjectKind.PEDESTRIAN))
        if len(moved):
            views = _moved(tracks.pose[k, rows[moved], :3], rng)
            aside = features(moment, lanes, rows[moved], views)
            slower = 1.0 + rng.uniform(-SLOWER, SLOWER, len(moved))
            aside["own"][:, 0] *= slower
            told = _targets(tracks, rows[moved], views, future[moved], known[moved], k, False)
            told["speed"] *= slower
            parts.append({**aside, **{key: value.astype(np.float32) for key, value in told.items()}})
    return parts


def _along(pose: FloatArray) -> FloatArray:
    return np.asarray(np.cos(pose[:, 2]) * pose[:, 3] + np.sin(pose[:, 2]) * pose[:, 4])


def _usable(tracks: RecordedTracks) -> NDArray[np.bool_]:
    """Who (K, A) can be learned from at each tick: it moves by itself, forwards, and nothing has hit it."""
    usable = tracks.here & np.isin(tracks.kind, MOVERS)
    ahead = np.cos(tracks.pose[..., 2]) * tracks.pose[..., 3] + np.sin(tracks.pose[..., 2]) * tracks.pose[..., 4]
    usable &= ahead > BACKWARDS_MPS
    hit = np.zeros_like(usable)
    fast = np.hypot(tracks.pose[..., 3], tracks.pose[..., 4])
    motor = tracks.kind != ObjectKind.PEDESTRIAN
    both = tracks.here[1:] & tracks.here[:-1]
    hit[1:] = both & motor & (fast[:-1] - fast[1:] > CRASH_MPS2 * TICK_S)
    return np.asarray(usable & ~np.maximum.accumulate(hit, axis=0))


def _seen_at(tracks: RecordedTracks, k: int) -> FloatArray:
    """Poses (A, 3) at tick ``k``; NaN where not seen, and before the clip."""
    if k < 0:
        return np.full((len(tracks.id), 3), np.nan)
    return np.where(tracks.here[k, :, None], tracks.pose[k, :, :3], np.nan)


def ego_told(tracks: RecordedTracks, k: int, goes_on: bool) -> FloatArray:
    """The ego (E, 4) around tick ``k`` as ``WorldMoment`` has it, as it was driven; beyond the record, and from now on
    where it only ``goes_on``, with the speed and the turn that it has."""
    pose = tracks.ego
    speed = np.cos(pose[:, 2]) * pose[:, 5] + np.sin(pose[:, 2]) * pose[:, 6]
    told = np.empty((len(EGO_TIMES_S), 4))
    last = k if goes_on else len(pose) - 1
    for i, time_s in enumerate(EGO_TIMES_S):
        j = k + round(time_s / TICK_S)
        to = min(max(j, 0), last)
        told[i, :3], told[i, 3] = pose[to, :3], speed[to]
        if j > last:
            turn = float(wrap_angle(pose[last, 2] - pose[max(last - 1, 0), 2])) / TICK_S
            told[i, :3] = onward(told[i, :3], float(speed[last]), turn, (j - last) * TICK_S)
    return told


def onward(pose: FloatArray, speed: float, turn: float, time_s: float) -> FloatArray:
    """A pose (3,) ``time_s`` s on, with the same speed (m/s) and turn (rad/s)."""
    heading = pose[2] + 0.5 * turn * time_s
    way = speed * time_s
    return np.array([pose[0] + way * np.cos(heading), pose[1] + way * np.sin(heading), pose[2] + turn * time_s])


def _future(
    tracks: RecordedTracks, usable: NDArray[np.bool_], k: int, rows: NDArray[np.int64], step: int
) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Where they were (R, STEPS, 4) [x, y, yaw in ``map``, speed], and what of it (R, STEPS) is known."""
    future, known = np.zeros((len(rows), STEPS, 4)), np.zeros((len(rows), STEPS), bool)
    going = np.ones(len(rows), bool)
    for i in range(STEPS):
        j = k + step * (i + 1)
        if j >= len(tracks.here):
            break
        going &= usable[j - step + 1 : j + 1, rows].all(0)
        pose = tracks.pose[j, rows]
        future[:, i, :3], future[:, i, 3], known[:, i] = pose[:, :3], _along(pose), going
    return future, known


def _moved(pose: FloatArray, rng: np.random.Generator) -> FloatArray:
    aside = rng.uniform(-ASIDE_M, ASIDE_M, len(pose))
    turned = rng.uniform(-TURNED_RAD, TURNED_RAD, len(pose))
    return np.stack(
        [pose[:, 0] - np.sin(pose[:, 2]) * aside, pose[:, 1] + np.cos(pose[:, 2]) * aside, pose[:, 2] + turned], axis=-1
    )


def _targets(
    tracks: RecordedTracks,
    rows: NDArray[np.int64],
    view: FloatArray,
    future: FloatArray,
    known: NDArray[np.bool_],
    k: int,
    plain: bool,
) -> Arrays:
    kinds = tracks.kind[rows]
    on_foot = kinds == ObjectKind.PEDESTRIAN
    place = np.stack([to_local(future[i, :, :2], *view[i]) for i in range(len(rows))]) if len(rows) else future[..., :2]
    seen = np.concatenate(
        [place, wrap_angle(future[..., 2] - view[:, 2][:, None])[..., None], future[..., 3:]], axis=-1
    )
    found = {
        "future": np.where(known[..., None], seen, 0.0),
        "known": known,
        "speed": np.maximum(_along(tracks.pose[k, rows]), 0.0),
        "on_foot": on_foot,
        "group": np.where(on_foot, 2, np.where(kinds == ObjectKind.CYCLIST, 1, 0)),
        "plain": np.full(len(rows), plain),
    }
    return {key: value.astype(np.float32) for key, value in found.items()}
