"""How good a plan turned out to be, by rules, against what the recorded scene's other road users really did.

In the manner of NAVSIM's PDM score (Dauner et al., 2024): what must not happen multiplies, what is good is averaged.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from takead_ros.domain.driving import PLAN_DT, PLAN_STEPS
from takead_ros.domain.geometry import box_corners, boxes_overlap, to_local
from takead_ros.domain.scene import FloatArray, LineKind, Objects, Scene

STEP = 0.1  # s between checked moments
MOMENTS = round(PLAN_STEPS * PLAN_DT / STEP)
_CLEARANCE_TIMES = (0.5, 1.0)  # s that a plan may go on straight at each moment without a collision
_OFF_ROAD_SLACK = 0.5  # m that the centre may lie outside every lane
_FULL_PROGRESS_SPEED = 8.0  # m/s: mean speed from which progress counts in full


@dataclass(frozen=True)
class Futures:
    """Where N objects are at MOMENTS moments, STEP s apart, the first one STEP s ahead, in ``base_link`` of the frame.

    corners (MOMENTS, N, 4, 2) m.
    """

    corners: FloatArray


class Tracks:
    """Objects of a whole clip by time, to look up what came after a frame. ``scenes`` in time order, STEP s apart."""

    def __init__(self, scenes: list[Scene]) -> None:
        self._scenes = scenes
        ids = sorted({int(i) for scene in scenes for i in scene.objects.id})
        column = {identity: n for n, identity in enumerate(ids)}
        self._stamps = np.array([scene.stamp for scene in scenes], dtype=np.int64)
        # x, y, yaw, vx, vy, length, width
        self._states = np.full((len(scenes), len(ids), 7), np.nan)
        for row, scene in enumerate(scenes):
            o: Objects = scene.objects
            if len(o):
                columns = [column[int(i)] for i in o.id]
                self._states[row, columns] = np.stack([o.x, o.y, o.yaw, o.vx, o.vy, o.length, o.width], axis=-1)

    def futures(self, row: int) -> Futures:
        """The futures of the objects of scene ``row``: as recorded, then at constant velocity from the last record."""
        scene = self._scenes[row]
        known = ~np.isnan(self._states[row, :, 0])
        last = self._states[row, known]
        since = np.zeros(len(last))
        ego = scene.ego
        placed = np.empty((MOMENTS, len(last), 7))
        now, at = scene.stamp, row
        for moment in range(MOMENTS):
            due = now + round((moment + 1) * STEP * 1e9)
            since = since + STEP
            while at + 1 < len(self._stamps) and self._stamps[at + 1] <= due:
                at += 1
                fresh = self._states[at, known]
                seen = ~np.isnan(fresh[:, 0])
                last = np.where(seen[:, None], fresh, last)
                since = np.where(seen, (due - self._stamps[at]) / 1e9, since)
            placed[moment] = last
            placed[moment, :, :2] += last[:, 3:5] * since[:, None]
        local = to_local(placed[..., :2], ego.x, ego.y, ego.yaw)
        yaw = placed[..., 2] - ego.yaw
        return Futures(box_corners(local[..., 0], local[..., 1], yaw, placed[..., 5], placed[..., 6]))


def rule_score(positions: FloatArray, yaws: FloatArray, scene: Scene, futures: Futures) -> FloatArray:
    """Scores (A,) in [0, 1] of plans: positions (A, T, 2) m in ``base_link``, yaws (A, T) rad.

    0 for a collision or for leaving every lane, sooner or later alike, except that a later collision counts for a
    little (up to 0.1); else 0.4 for keeping clear (no collision within 1 s of going on straight at any moment), 0.4
    for progress up to 8 m/s and 0.2 for comfort (deceleration and lateral acceleration).
    """
    ego = scene.ego
    x, y, yaw = (_finer(values) for values in (positions[..., 0], positions[..., 1], np.unwrap(yaws, axis=-1)))
    boxes = box_corners(x, y, yaw, np.float64(ego.length), np.float64(ego.width))
    first = _first_hit(boxes, futures)
    vx, vy = np.gradient(x, STEP, axis=-1), np.gradient(y, STEP, axis=-1)
    clear = np.ones(len(boxes), dtype=bool)
    for lag in _CLEARANCE_TIMES:
        ahead = boxes + np.stack([vx, vy], axis=-1)[..., None, :] * lag
        clear &= _first_hit(ahead, futures, round(lag / STEP)) >= MOMENTS - round(lag / STEP)
    speed = np.hypot(vx, vy)
    travelled = np.hypot(np.diff(x, axis=-1, prepend=0.0), np.diff(y, axis=-1, prepend=0.0)).sum(-1)
    progress = np.clip(travelled / (_FULL_PROGRESS_SPEED * PLAN_STEPS * PLAN_DT), 0.0, 1.0)
    brake = -np.diff(speed[..., ::5], axis=-1).min(-1) / (5 * STEP)
    sideways = np.abs(speed * np.gradient(yaw, STEP, axis=-1)).max(-1)
    comfort = np.clip(1.0 - np.maximum(brake - 3.0, 0.0) / 6.0 - np.maximum(sideways - 3.0, 0.0) / 6.0, 0.0, 1.0)
    good = 0.4 * clear + 0.4 * progress + 0.2 * comfort
    hit = first < MOMENTS
    return np.asarray(np.where(hit, 0.1 * first / MOMENTS, np.where(_on_road(x, y, scene), good, 0.0)))


def _finer(values: FloatArray) -> FloatArray:
    """Values (A, T) every PLAN_DT s as (A, MOMENTS) every STEP s, starting from 0 at the ego."""
    times = np.concatenate([[0.0], PLAN_DT * np.arange(1, PLAN_STEPS + 1)])
    at = STEP * np.arange(1, MOMENTS + 1)
    whole = np.concatenate([np.zeros((*values.shape[:-1], 1)), values], axis=-1)
    return np.stack([np.interp(at, times, row) for row in whole])


def _first_hit(boxes: FloatArray, futures: Futures, later: int = 0) -> np.ndarray:
    """First moment (A,) at which boxes (A, M, 4, 2) meet an object ``later`` moments after; M - later where never."""
    count = boxes.shape[1] - later
    if futures.corners.shape[1] == 0:
        return np.full(len(boxes), count)
    hit = boxes_overlap(boxes[:, :count, None], futures.corners[None, later : later + count]).any(-1)
    return np.asarray(np.where(hit.any(-1), hit.argmax(-1), count))


def _on_road(x: FloatArray, y: FloatArray, scene: Scene) -> np.ndarray:
    """Whether the centre stays within a lane of known width (A,), at every fifth moment; True without such lanes."""
    ego = scene.ego
    starts, ends, widths = [], [], []
    for line in scene.polylines:
        if line.kind == LineKind.LANE_CENTER and line.width is not None and len(line.points) > 1:
            local = to_local(line.points, ego.x, ego.y, ego.yaw)
            starts.append(local[:-1])
            ends.append(local[1:])
            widths.append(np.full(len(local) - 1, line.width))
    if not starts:
        return np.ones(len(x), dtype=bool)
    start, end, width = np.concatenate(starts), np.concatenate(ends), np.concatenate(widths)
    points = np.stack([x[:, 4::5], y[:, 4::5]], axis=-1)[..., None, :]
    along = end - start
    share = ((points - start) * along).sum(-1) / np.maximum((along**2).sum(-1), 1e-9)
    nearest = start + np.clip(share, 0.0, 1.0)[..., None] * along
    apart = np.hypot(*np.moveaxis(points - nearest, -1, 0))
    return np.asarray((apart <= 0.5 * width + _OFF_ROAD_SLACK).any(-1).all(-1))
