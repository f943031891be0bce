"""The first stage: from a scene and the memory of those before it to what the expert knows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from takead_ros.domain.scene import Scene
from takead_ros.expert.arrays import Ego, Neighbours
from takead_ros.expert.controls import read_controls
from takead_ros.expert.forecast import EVERY, forecast
from takead_ros.expert.kernels.route import follow_route
from takead_ros.expert.lanes import read_lanes
from takead_ros.expert.memory import Memory
from takead_ros.expert.others import find_blockers, find_oncoming, find_slow_cyclists, notice_urgent, places_on_route
from takead_ros.expert.parameters import ExpertParameters
from takead_ros.expert.route import build_grid
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
    grid = build_grid(scene, body)
    if memory.stamp is not None and scene.stamp < memory.stamp:
        memory = Memory()  # a world that was reset
    lanes = memory.lanes
    if lanes is None or memory.polylines is not scene.polylines:
        lanes = read_lanes(scene.polylines)
    objects = scene.objects if p.privileged else scene.objects.visible()
    tracks = remember(memory.tracks, objects, scene.stamp, p.memory_s)
    actors, courses = forecast(body, lanes, tracks, scene.stamp)
    limit = p.default_speed_limit_mps if scene.route.speed_limit is None else max(scene.route.speed_limit, 0.5)
    stands_since = scene.stamp if memory.waiting_since is None else memory.waiting_since
    waiting_since = None if ego.speed > _UNDER_WAY_MPS else stands_since
    waited = 0.0 if waiting_since is None else (scene.stamp - waiting_since) * 1e-9

    now = places_on_route(grid, actors)
    room = np.where(actors.person, p.person_margin_m, p.side_margin_m)
    seen = follow_route(grid, actors.boxes, EVERY)
    others = Neighbours(seen, actors.boxes, courses, actors.speed, actors.age, actors.person, room)
    closed, yield_line, stopped_at = read_controls(scene, memory.stopped_at, p)
    noticed, urgent = notice_urgent(memory.urgent, actors, now, ego, grid, scene.stamp)
    return Situation(
        scene=scene,
        ego=body,
        grid=grid,
        lanes=lanes,
        actors=actors,
        places=now,
        others=others,
        limit=limit,
        impatience=min(max(waited / p.patience_s - 1.0, 0.0), 1.0),
        closed=closed,
        yield_line=yield_line,
        urgent=urgent,
        blockers=find_blockers(actors, now, ego, p, np.inf if closed is None else closed.line - _QUEUE_M),
        cyclists=find_slow_cyclists(actors, now, ego, limit, p),
        oncoming=find_oncoming(actors, now, grid, ego, p),
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
