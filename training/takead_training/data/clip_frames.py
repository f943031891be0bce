"""What a clip knows of the world around its frames: enough to ask of any plan how it would have fared there.

Positions are in ``map``. The road users are as they were recorded, visible to the ego or not; the roads are the lanes
near the ego; the route is the reference path. ``moment`` gives a frame back as a scene with the future that followed.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from takead_ros.domain.driving import PLAN_STEPS, DriverOutput
from takead_ros.domain.scene import (
    EgoState,
    FloatArray,
    IntArray,
    LineKind,
    Objects,
    Polyline,
    Route,
    RouteCommand,
    Scene,
)

STEP_S = 0.1  # between the samples of a future (measures.pdm)
FUTURE_S = 4.9  # 4 s of a plan and 0.9 s for which the time to collision looks ahead
_EGO = tuple(field.name for field in fields(EgoState))
_REAL = ("x", "y", "yaw", "vx", "vy", "length", "width", "visibility")  # of Objects


@dataclass(frozen=True)
class ClipFrames:
    """T frames of a clip.

    stamps (T,) ns; ego (T, 13) as EgoState's fields. objects (S, 8) as _REAL, who (S, 2) id and kind: the objects of
    all frames one after another, object_at (T + 1,) where each frame's begin. Likewise routes (P, 2) m with route_at.
    Lanes lie in lane_points (Q, 2) m with lane_at (L + 1,) and lane_width (L,) m (NaN: unknown), each once;
    lanes (R,) names those of each frame with lanes_at (T + 1,). candidates (T, K, 8, 2) m in ``base_link`` and logits
    (T, K): all that the policy of the recording weighed up at each frame, NaN where it did not answer; K is 0 without.
    """

    stamps: IntArray
    ego: FloatArray
    objects: FloatArray
    who: IntArray
    object_at: IntArray
    routes: FloatArray
    route_at: IntArray
    lane_points: FloatArray
    lane_at: IntArray
    lane_width: FloatArray
    lanes: IntArray
    lanes_at: IntArray
    candidates: NDArray[np.float32]
    logits: NDArray[np.float32]

    @staticmethod
    def of(scenes: Sequence[Scene], answers: Sequence[DriverOutput | None] = ()) -> ClipFrames:
        """The world of scenes in time order, and what the policy said at each of them, where it was there."""
        known: dict[int, int] = {}  # a lane's place by identity: equal ones must be one object (samples.LinePool)
        lanes: list[Polyline] = []
        chosen: list[list[int]] = []
        for scene in scenes:
            here = []
            for line in scene.polylines:
                if line.kind is LineKind.LANE_CENTER and len(line.points) > 1:
                    if id(line) not in known:
                        known[id(line)] = len(lanes)
                        lanes.append(line)
                    here.append(known[id(line)])
            chosen.append(here)
        real = [np.stack([getattr(s.objects, name) for name in _REAL], axis=-1) for s in scenes]
        whole = [np.stack([s.objects.id, s.objects.kind], axis=-1) for s in scenes]
        return ClipFrames(
            stamps=np.array([scene.stamp for scene in scenes], dtype=np.int64),
            ego=np.array([[getattr(scene.ego, name) for name in _EGO] for scene in scenes]).reshape(-1, len(_EGO)),
            objects=np.concatenate([np.zeros((0, len(_REAL))), *real]),
            who=np.concatenate([np.zeros((0, 2), np.int64), *whole]).astype(np.int64),
            object_at=_starts([len(scene.objects) for scene in scenes]),
            routes=np.concatenate([np.zeros((0, 2)), *(scene.route.path for scene in scenes)]),
            route_at=_starts([len(scene.route.path) for scene in scenes]),
            lane_points=np.concatenate([np.zeros((0, 2)), *(line.points for line in lanes)]),
            lane_at=_starts([len(line.points) for line in lanes]),
            lane_width=np.array([np.nan if line.width is None else line.width for line in lanes]),
            lanes=np.array([i for here in chosen for i in here], dtype=np.int64),
            lanes_at=_starts([len(here) for here in chosen]),
            **_weighed(answers, len(scenes)),
        )

    def __len__(self) -> int:
        return len(self.stamps)

    def moment(self, frame: int) -> tuple[Scene, list[Objects]]:
        """Frame ``frame`` as a scene (ego, objects, lanes and route only) and the objects that were there from then on,
        every STEP_S s for FUTURE_S s, as far as no frame is missing."""
        path = self.routes[self.route_at[frame] : self.route_at[frame + 1]]
        route = Route(path, path[:3], (RouteCommand.VOID,) * 3, 0.0, 0.0, 0.0, 0.0)
        ego = EgoState(*(float(value) for value in self.ego[frame]))
        scene = Scene(int(self.stamps[frame]), ego, self._objects(frame), self._lanes(frame), route)
        due = self.stamps[frame] + np.round(np.arange(round(FUTURE_S / STEP_S) + 1) * STEP_S * 1e9).astype(np.int64)
        at = frame + np.arange(min(len(due), len(self) - frame))
        late = np.abs(self.stamps[at] - due[: len(at)]) > 0.5e9 * STEP_S
        known = int(late.argmax()) if late.any() else len(at)
        return scene, [self._objects(int(i)) for i in at[:known]]

    def _objects(self, frame: int) -> Objects:
        part = slice(self.object_at[frame], self.object_at[frame + 1])
        x, y, yaw, vx, vy, length, width, visibility = self.objects[part].T
        return Objects(self.who[part, 0], self.who[part, 1], x, y, yaw, vx, vy, length, width, visibility)

    def _lanes(self, frame: int) -> tuple[Polyline, ...]:
        found = []
        for lane in self.lanes[self.lanes_at[frame] : self.lanes_at[frame + 1]]:
            points = self.lane_points[self.lane_at[lane] : self.lane_at[lane + 1]]
            width = float(self.lane_width[lane])
            found.append(Polyline(int(lane), LineKind.LANE_CENTER, points, width=None if np.isnan(width) else width))
        return tuple(found)

    def to_bytes(self) -> bytes:
        buffer = io.BytesIO()
        np.savez(buffer, **{field.name: getattr(self, field.name) for field in fields(ClipFrames)})
        return buffer.getvalue()

    @staticmethod
    def from_bytes(data: bytes) -> ClipFrames:
        """Raises ValueError, KeyError or OSError where ``data`` is none."""
        with np.load(io.BytesIO(data), allow_pickle=False) as stored:
            return ClipFrames(**{field.name: stored[field.name] for field in fields(ClipFrames)})


def _weighed(answers: Sequence[DriverOutput | None], count: int) -> dict[str, NDArray[np.float32]]:
    width = max((len(answer.logits) for answer in answers if answer is not None), default=0)
    candidates = np.full((count, width, PLAN_STEPS, 2), np.nan, np.float32)
    logits = np.full((count, width), np.nan, np.float32)
    for row, answer in enumerate(answers):
        if answer is not None and width and answer.candidates.shape == candidates.shape[1:]:
            candidates[row], logits[row] = answer.candidates, answer.logits
    return {"candidates": candidates, "logits": logits}


def _starts(counts: Sequence[int]) -> NDArray[np.int64]:
    return np.concatenate([[0], np.cumsum(np.array(counts, dtype=np.int64))]).astype(np.int64)
