"""The first stage: from a scene and the memory of those before it to what the expert knows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from takead_ros.domain.scene import Scene
from takead_ros.expert.arrays import Ego, Margins, Neighbours
from takead_ros.expert.controls import read_controls
from takead_ros.expert.forecast import TIMES, actors_of, known_of
from takead_ros.expert.kernels.surroundings import HIDES, look_around
from takead_ros.expert.lanes import read_lanes
from takead_ros.expert.memory import Memory
from takead_ros.expert.others import find_blockers, find_oncoming, find_slow_cyclists, notice_urgent, rows_with
from takead_ros.expert.parameters import ExpertParameters
from takead_ros.expert.route import AHEAD, BEHIND
from takead_ros.expert.situation import Situation
from takead_ros.expert.tracks import remember

_UNDER_WAY_MPS = 2.0  # slower, the ego is still waiting
_QUEUE_M = 30.0  # before a closed line within which standing vehicles are a queue


def perceive(scene: Scene, memory: Memory, parameters: ExpertParameters) -> Situation:
    """The situation at ``scene``. The others are what the ego's sensors see, or all of them if ``privileged``.

    Raises ValueError where the scene has no usable route.
    """
    ego, p = scene.ego, parameters
    body = Ego(
        *map(float, (ego.x, ego.y, ego.yaw, ego.speed, ego.steering_angle, ego.length, ego.width, ego.wheelbase))
    )
    if memory.stamp is not None and scene.stamp < memory.stamp:
        memory = Memory()  # a world that was reset
    lanes = memory.lanes
    if lanes is None or memory.polylines is not scene.polylines:
        lanes = read_lanes(scene.polylines)
    objects = scene.objects if p.privileged else scene.objects.visible()
    tracks = remember(memory.tracks, objects, scene.stamp, p.memory_s)
    limit = p.default_speed_limit_mps if scene.route.speed_limit is None else max(scene.route.speed_limit, 0.5)
    stands_since = scene.stamp if memory.waiting_since is None else memory.waiting_since
    waiting_since = None if ego.speed > _UNDER_WAY_MPS else stands_since
    waited = 0.0 if waiting_since is None else (scene.stamp - waiting_since) * 1e-9

    known, path = known_of(tracks, scene.stamp), np.ascontiguousarray(scene.route.path, dtype=float)
    margins = Margins(p.side_margin_m, p.person_margin_m, limit)
    around = look_around(path, known, lanes, body, margins, BEHIND, AHEAD, TIMES)
    if not len(around.grid.x):
        raise ValueError(f"route.path has {len(path)} points and no length; at least two distinct ones are needed")
    actors, last = actors_of(known, around), around.last
    others = Neighbours(around.along, around.boxes, around.courses, last.speed, last.age, around.person, around.room)
    closed, yield_line, stopped_at = read_controls(scene, memory.stopped_at, p)
    noticed, urgent = notice_urgent(memory.urgent, actors, around, ego, scene.stamp)
    return Situation(
        scene=scene,
        ego=body,
        grid=around.grid,
        lanes=lanes,
        actors=actors,
        places=around.places,
        others=others,
        limit=limit,
        impatience=min(max(waited / p.patience_s - 1.0, 0.0), 1.0),
        closed=closed,
        yield_line=yield_line,
        urgent=urgent,
        hiding=rows_with(around, HIDES),
        blockers=find_blockers(actors, around, p, np.inf if closed is None else closed.line - _QUEUE_M),
        cyclists=find_slow_cyclists(around),
        oncoming=find_oncoming(actors, around, ego, p),
        memory=replace(
            memory,
            stamp=scene.stamp,
            tracks=tracks,
            waiting_since=waiting_since,
            stopped_at=stopped_at,
            urgent=noticed,
            polylines=scene.polylines,
            lanes=lanes,
        ),
    )
