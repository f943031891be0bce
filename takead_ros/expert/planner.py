"""The rule-based expert, after PDM-Lite and PDM-Closed: propose, roll out, score, take the best.

Pure: what it carries from tick to tick is in ``Memory``. It sees what the ego's sensors see unless ``privileged``.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from takead_ros.compiled import prepare
from takead_ros.domain.driving import PLAN_DT, PLAN_STEPS, Cause, DriverOutput, DriverStatus, Plan
from takead_ros.domain.scene import EgoState, FloatArray, Scene
from takead_ros.expert.cause import find_cause
from takead_ros.expert.forecast import EVERY, TIMES, Actors, forecast, shifted
from takead_ros.expert.frame import Frame, build_frame, drivable_band
from takead_ros.expert.kernels.shapes import CRAWLS, DRIVES
from takead_ros.expert.lanes import read_lanes
from takead_ros.expert.memory import Memory
from takead_ros.expert.oncoming import find_oncoming, hurried, in_their_way, keep_clear
from takead_ros.expert.parameters import ExpertParameters
from takead_ros.expert.paths import (
    GRID,
    Passing,
    Paths,
    build_paths,
    find_blockers,
    find_overtakings,
    find_passings,
    place,
    slow_ahead,
)
from takead_ros.expert.rollout import PACES, Rollouts, roll_out
from takead_ros.expert.rules import Corridor, closed_line, corridor, merging, nearby, speed_caps, surroundings
from takead_ros.expert.scoring import TOUCH, Crossing, score, separation
from takead_ros.expert.tracks import remember
from takead_ros.expert.urgency import add_rooms, aside, lanes_beside, notice_urgent
from takead_ros.policy.tracking import track

SPEED_BINS: FloatArray = np.arange(0.0, 26.0, 2.0)  # m/s
_TEMPERATURE = 0.02  # of the scores, so that the best proposal carries most of the weight
_PLAN_ROWS = np.searchsorted(TIMES, PLAN_DT * np.arange(1, PLAN_STEPS + 1))
_BEGINNING = 3  # points of the path
_TURN = 0.5  # rad; more is no demand that wheels can meet until the next answer
_CREEP = 2.0  # m/s; slower, the preview of the path is that of this speed
_FIRM = -3.0  # m/s^2
_STANDING = 0.1  # m/s
_UNDER_WAY = 2.0  # m/s; slower, the ego is still waiting
_TRAIL = 0.3  # s that crossing traffic is kept away behind it
_KNOWN_BEHIND = 10.0  # m of the route behind the ego that the scene holds; farther back the road may bend
_BEHIND_BENDS = 0.15  # m to the side for each metre
_MAKES_ROOM = 0.3  # in favour of leaving the lane of an emergency vehicle
_QUEUE = 30.0  # m before a closed line within which standing vehicles are a queue


def _finite(scene: Scene) -> bool:
    ego, objects = scene.ego, scene.objects
    numbers = (ego.x, ego.y, ego.yaw, ego.speed, ego.acceleration, ego.steering_angle, ego.length, ego.width)
    arrays = (objects.x, objects.y, objects.yaw, objects.vx, objects.vy, objects.length, objects.width)
    return bool(np.isfinite(np.concatenate([numbers, *arrays, np.ravel(scene.route.path)])).all())


def _two_hot(speed: float) -> FloatArray:
    """Probabilities (B,) over SPEED_BINS whose mean is ``speed`` m/s, on the two nearest bins."""
    place = min(max(speed / (SPEED_BINS[1] - SPEED_BINS[0]), 0.0), len(SPEED_BINS) - 1.0)
    return np.asarray(np.maximum(1.0 - np.abs(np.arange(len(SPEED_BINS)) - place), 0.0))


def _ignored(actors: Actors, seen: Corridor, frame: Frame, ego: EgoState, stuck: bool) -> np.ndarray:
    """(N,) bool: whom no path needs to mind.

    Who drives behind the ego on its own track has to keep the distance; a vehicle that the ego has long been standing
    against has to be driven away from.
    """
    along = seen.along[:, 0]
    track = 1.8 + _BEHIND_BENDS * np.maximum(-along - _KNOWN_BEHIND, 0.0)
    behind = (along < -1.0) & (np.abs(seen.offset[:, 0] - frame.offset) < track) & (seen.same[:, 0] > 0.7)
    if stuck:
        here = np.zeros((1, 1))
        size = actors.length[:, None], actors.width[:, None]
        gap = separation(
            here, here, here, ego.length, ego.width, actors.x[:, :1], actors.y[:, :1], actors.yaw[:, :1], *size
        )
        behind |= (gap[0, :, 0] < TOUCH) & ~actors.person
    return np.asarray(behind)


def plan(scene: Scene, memory: Memory, parameters: ExpertParameters) -> tuple[DriverOutput, Memory]:
    """What the expert would do at ``scene``, and its memory after it.

    The output's candidates (K, 8, 2) m are all proposals, the logits their scores over a temperature; plan and
    candidates are in ``base_link``. A scene that cannot be driven gives a failed output and leaves the memory as it is.
    """
    prepare()
    if not _finite(scene):
        return DriverOutput.failed(scene.stamp, "expert", DriverStatus.NOT_FINITE, "scene holds NaN or inf"), memory
    try:
        frame = build_frame(scene)
    except ValueError as error:
        return DriverOutput.failed(scene.stamp, "expert", DriverStatus.OUT_OF_RANGE, str(error)), memory
    ego, p = scene.ego, parameters
    if memory.stamp is not None and scene.stamp < memory.stamp:
        memory = Memory()  # a world that was reset
    objects = scene.objects if p.privileged else scene.objects.visible()
    tracks = remember(memory.tracks, objects, scene.stamp, p.memory_s)
    stands = scene.stamp if memory.waiting_since is None else memory.waiting_since
    waiting = None if ego.speed > _UNDER_WAY else stands
    waited = 0.0 if waiting is None else (scene.stamp - waiting) * 1e-9
    impatience = min(max(waited / p.patience_s - 1.0, 0.0), 1.0)
    lanes = read_lanes(scene.polylines, memory.lanes)
    actors, courses = forecast(ego, lanes, tracks, scene.stamp)
    limit = p.default_speed_limit_mps if scene.route.speed_limit is None else max(scene.route.speed_limit, 0.5)
    wall, dealt, yield_line = closed_line(scene, memory, p)

    now = place(frame, actors)
    queue_end = np.inf if wall is None else wall.line - _QUEUE
    noticed, urgent = notice_urgent(memory.urgent, actors, now, ego, frame, scene.stamp)
    blocks, slow = find_blockers(actors, now, ego, p, queue_end), slow_ahead(actors, now, ego, limit, p)
    passings: list[Passing] = []
    band, away = None, 0.0
    if len(blocks) or len(slow) or urgent >= 0:
        band = drivable_band(lanes, ego, frame)
        if len(blocks) and (not len(slow) or now.along[blocks[0]] < now.along[slow[0]]):
            passings = find_passings(actors, blocks, now, band, ego, p)
        elif len(slow):
            passings = find_overtakings(actors, int(slow[0]), now, band, ego, limit, p)
    meeting = find_oncoming(actors, now, frame, ego, p)
    rooms = lanes_beside(lanes, frame, ego) if urgent >= 0 else []
    if urgent >= 0 and not rooms and band is not None:
        away, limit = aside(actors, now, band, ego), min(limit, p.aside_speed_mps)
    paths = build_paths(frame, passings, ego, away)
    if rooms:
        paths = add_rooms(paths, rooms, int(actors.id[urgent]), frame, ego)
    hurries = in_their_way(meeting, frame, ego, away)
    if hurries:
        band = drivable_band(lanes, ego, frame) if band is None else band
        clear = keep_clear(meeting, actors, now, band, ego)
        paths = add_rooms(paths, [("keep_clear", clear)], int(actors.id[meeting.row]), frame, hurried(ego))
    seen = corridor(frame, actors, paths, ego, p)
    merges = merging(seen)
    cap, _, why = speed_caps(paths, actors, seen, ego, limit, yield_line, p)
    around = surroundings(paths, actors, seen, lanes, frame, cap, wall, meeting, hurries, ego, impatience, p)
    rollouts = roll_out(paths, around, ego, limit, p)

    keep = nearby(paths, actors, seen, ego, p)
    minded = (seen.same < 0.7) | merges[:, None]
    across = np.flatnonzero(keep & (actors.speed > 0.3) & minded.any(axis=1))
    early = np.where(merges[across], p.merging_margin_s, p.crossing_margin_s) * (1.0 - 0.5 * impatience)
    shifts = np.stack([np.full(len(across), -_TRAIL), np.zeros(len(across)), 0.5 * early, early], axis=1)
    crossing = Crossing(
        across, np.repeat(minded[across], EVERY, axis=1)[:, : len(TIMES)],
        *shifted(actors, courses, across, shifts, ego),
    )  # fmt: skip
    closed = np.inf if wall is None else wall.along - 0.5 * ego.length
    ignored = _ignored(actors, seen, frame, ego, impatience > 0.0)
    if urgent >= 0 and now.along[urgent] < 0.0:
        ignored[urgent] = True  # it passes; nothing is gained by braking for it
    scores = score(rollouts, paths, actors, ignored | ~keep, crossing, band, closed, around.yield_wall, ego, p)

    identity = [(paths.kind[j], int(paths.object_id[j])) for j in range(len(paths.kind))]
    same_path = np.array([p.hysteresis * (name == memory.choice) for name in identity])
    same_pace = np.array([p.hysteresis * (name == memory.pace) for name in PACES])
    makes_room = _MAKES_ROOM * np.array([kind.startswith("make_room") for kind in paths.kind])
    total = scores.total + (same_path + makes_room)[rollouts.path] + same_pace[rollouts.pace]
    best = int(total.argmax())
    cause = find_cause(scene, actors, paths, rollouts, scores, best, why, wall, urgent)
    output = _output(scene, paths, rollouts, total, best, cause)
    after = replace(
        memory, stamp=scene.stamp, tracks=tracks, choice=identity[rollouts.path[best]],
        pace=PACES[rollouts.pace[best]], waiting_since=waiting, stopped_at=dealt, urgent=noticed,
        lanes=lanes,
    )  # fmt: skip
    return output, after


def _output(scene: Scene, paths: Paths, rollouts: Rollouts, total: FloatArray, best: int, cause: Cause) -> DriverOutput:
    chosen = Plan(
        rollouts.x[best, _PLAN_ROWS], rollouts.y[best, _PLAN_ROWS], rollouts.yaw[best, _PLAN_ROWS],
        rollouts.v[best, _PLAN_ROWS],
    )  # fmt: skip
    # Steer along the whole path, however early the plan ends: stopping is no reason to lose sight of the bend.
    places = np.arange(1, PLAN_STEPS + 1) * max(scene.ego.speed, _CREEP) * PLAN_DT
    on_path = [np.interp(places, GRID, values[rollouts.path[best]]) for values in (paths.x, paths.y, paths.yaw)]
    steering, acceleration = track(Plan(on_path[0], on_path[1], on_path[2], chosen.speed), scene.ego)
    # Pulling out in little space, the wheels turn as the path begins: the preview would cut its corners.
    crawls = min(max((DRIVES - scene.ego.speed) / (DRIVES - CRAWLS), 0.0), 1.0)
    if crawls > 0.0 and chosen.speed.max() >= _STANDING:
        lock = scene.ego.max_steering_angle
        bend = float(np.arctan(scene.ego.wheelbase * paths.curvature[rollouts.path[best], :_BEGINNING].mean()))
        bend = min(max(bend, scene.ego.steering_angle - _TURN), scene.ego.steering_angle + _TURN)
        steering = min(max(steering + crawls * (bend - steering), -lock), lock)
    if rollouts.acceleration[best, 0] < _FIRM:  # braking in earnest does not fade towards the stop
        acceleration = min(acceleration, float(rollouts.acceleration[best, 0]))
    if chosen.speed.max() < _STANDING and scene.ego.speed < _STANDING:
        lock = scene.ego.max_steering_angle
        steering = min(max(scene.ego.steering_angle, -lock), lock)
    candidates = np.stack([rollouts.x[:, _PLAN_ROWS], rollouts.y[:, _PLAN_ROWS]], axis=-1)
    logits = (total - total[best]) / _TEMPERATURE
    return DriverOutput(
        scene.stamp, "expert", chosen, candidates, logits, SPEED_BINS, _two_hot(float(chosen.speed[1])),
        steering, acceleration, steering, acceleration, cause=cause,
    )  # fmt: skip
