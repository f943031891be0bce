"""How far road users that do something else than the record end from it: dreams of recorded drives, held against them.

The ego drives as recorded; everybody else does what a kind of agents does, from a moment of the record on.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from takead_ros.domain.errors import TakeadError
from takead_ros.domain.scene import FloatArray
from takead_ros.prediction.features import MOVERS, groups_of
from takead_ros.prediction.model import RoadUserModel
from takead_ros.recording.clip import ClipManifest
from takead_ros.recording.clip_manifests import read_manifest
from takead_ros.recording.driven import driven
from takead_ros.recording.tracks import RecordedTracks
from takead_ros.runs.dream import drive_recorded
from takead_ros.simulators.dream.clip_world import ClipWorld, world_in
from takead_ros.simulators.dream.episode import DreamEpisode
from takead_ros.simulators.dream.road_users import LEARNED

CONSTANT = "constant velocity"
ROLLED_OUT = ("rules", LEARNED)  # replay ends where it was recorded, by definition
GROUPS = ("vehicle", "cyclist", "pedestrian")
HORIZONS_S = (1.0, 2.0, 4.0)
STEP_S = 0.5  # of the moments that an average is over
EVERY_S = 2.0  # between two windows of a clip
MOVES_MPS, MOVES_M = 0.5, 1.0  # whoever neither has that speed at first nor comes so far is left out: it stands


@dataclass(frozen=True)
class Displacement:
    """Mean distance from the record (m), averaged over the steps up to a horizon (ade_m) and at it (fde_m), of
    ``count`` road users of a group, as ``agents`` move them."""

    agents: str
    group: str
    horizon_s: float
    count: int
    ade_m: float
    fde_m: float


def displacements(
    clips: Sequence[Path], model: RoadUserModel, most: int, progress: Callable[[int, int], None]
) -> tuple[list[Displacement], int]:
    """Every kind, group and horizon that somebody was seen for, over at most ``most`` windows of 4 s, evenly drawn from
    ``clips``; and how many windows these were. Windows that no world can be made of are left out."""
    found: dict[tuple[str, str, float], list[tuple[float, float]]] = {}
    each = max(1, math.ceil(most / max(len(clips), 1)))
    windows = 0
    for n, clip in enumerate(clips):
        for world in _worlds(clip, each):
            if windows == most:
                break
            windows += 1
            for key, values in _displaced(world, model).items():
                found.setdefault(key, []).extend(values)
        progress(n + 1, len(clips))
    table = []
    for agents in (CONSTANT, *ROLLED_OUT):
        for group in GROUPS:
            for horizon_s in HORIZONS_S:
                apart = found.get((agents, group, horizon_s))
                if apart:
                    ade, fde = np.mean(apart, axis=0)
                    table.append(Displacement(agents, group, horizon_s, len(apart), float(ade), float(fde)))
    return table, windows


def _worlds(clip: Path, most: int) -> list[ClipWorld]:
    """Windows of 4 s, EVERY_S apart, as many as ``most`` of them evenly over the clip."""
    manifest, record = read_manifest(clip), driven(clip)
    starts = [event.stamp for event in manifest.events if event.kind == "start"]
    zero = starts[0] if starts else record.ticks[0].stamp
    begin, end = ((tick.stamp - zero) / 1e9 for tick in (record.ticks[0], record.ticks[-1]))
    moments = np.arange(begin + 1.0, end - HORIZONS_S[-1], EVERY_S)
    if len(moments) > most:
        moments = moments[np.linspace(0, len(moments) - 1, most).round().astype(int)]
    found = []
    for at_s in moments:
        try:
            found.append(world_in(clip, manifest, record, float(at_s), HORIZONS_S[-1], takeover=_first(manifest)))
        except TakeadError:  # too little in it; the next one may do
            continue
    return found


def _first(manifest: ClipManifest) -> int | None:
    return next((event.takeover for event in manifest.events if event.kind == "start"), None)


def _displaced(world: ClipWorld, model: RoadUserModel) -> dict[tuple[str, str, float], list[tuple[float, float]]]:
    """(ade, fde) in m of everybody in one window, by kind of agents, group and horizon."""
    tracks = world.tracks
    steps = round(STEP_S / tracks.step_s)
    ticks = np.arange(steps, len(tracks.here), steps)
    rows = _movers(tracks)
    if not len(rows) or not len(ticks):
        return {}
    recorded, known = tracks.pose[ticks][:, rows, :2], tracks.here[ticks][:, rows]
    ways = {CONSTANT: _constant(tracks, rows, ticks)}
    for agents in ROLLED_OUT:
        episode = DreamEpisode(world, agents, model if agents == LEARNED else None)
        places: list[FloatArray] = []
        drive_recorded(world, episode, lambda: places.append(episode.places()[rows]))  # noqa: B023 - used at once
        for before, after in pairwise(places):  # who has left the world counts where it was last
            np.copyto(after, before, where=np.isnan(after))
        ways[agents] = np.stack([places[min(int(tick), len(places) - 1)] for tick in ticks])
    groups = groups_of(tracks.kind[rows])[:, : len(GROUPS)].argmax(1)
    found: dict[tuple[str, str, float], list[tuple[float, float]]] = {}
    for horizon_s in HORIZONS_S:
        last = round(horizon_s / STEP_S)
        if last > len(ticks):
            continue
        for agents, way in ways.items():
            apart = np.hypot(*(way - recorded).transpose(2, 0, 1))[:last]
            for i in np.flatnonzero(known[:last].all(0)):
                key = (agents, GROUPS[groups[i]], horizon_s)
                found.setdefault(key, []).append((float(apart[:, i].mean()), float(apart[-1, i])))
    return found


def _movers(tracks: RecordedTracks) -> np.ndarray:
    """Who is there at first, can move by itself, and does."""
    first = tracks.pose[0]
    way = np.where(tracks.here[..., None], tracks.pose[..., :2] - first[:, :2], 0.0)
    moves = (np.hypot(first[:, 3], first[:, 4]) > MOVES_MPS) | (np.hypot(*way.transpose(2, 0, 1)).max(0) > MOVES_M)
    return np.flatnonzero(tracks.here[0] & np.isin(tracks.kind, MOVERS) & moves)


def _constant(tracks: RecordedTracks, rows: np.ndarray, ticks: np.ndarray) -> FloatArray:
    pose = tracks.pose[0, rows]
    return np.asarray(pose[:, :2] + (ticks * tracks.step_s)[:, None, None] * pose[:, 3:])
