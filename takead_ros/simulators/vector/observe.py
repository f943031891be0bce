"""What the ego of each environment sees, straight from the batch's arrays into those of the encoding ``vector-1``.

The same bytes as ``policy.encoding.encode`` of the scene that ``Environment.observe`` makes: both end in one kernel.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from takead_ros.compiled import Cube, IndexMatrix, Indices, Matrix, Vector, kernel, part, prepare
from takead_ros.domain.kernels import interpolate
from takead_ros.domain.navigation import AHEAD, BEHIND, TARGETS
from takead_ros.domain.perceived_tracks import COLUMNS, ID, KIND, LENGTH, VISIBILITY, VX, VY, WIDTH, YAW, X, Y
from takead_ros.domain.visibility import RANGE, Footprints, share_seen
from takead_ros.policy.arrays import Controls, EgoFields, Frames, Guidance, Motions, ObjectColumns, Observed, Pieces
from takead_ros.policy.arrays import EncodedScenes as Encoded
from takead_ros.policy.encoding import empty_batch
from takead_ros.policy.kernels.encode import fill_row
from takead_ros.policy.kernels.route import lay_frame, observed_frame
from takead_ros.scenarios.signals import PASSED, VISIBLE
from takead_ros.simulators.map_view import MAP_RANGE, MAP_REFRESH
from takead_ros.simulators.vector.arrays import Map
from takead_ros.simulators.vector.batch import Batch
from takead_ros.simulators.vector.ego import SingleTrack


class ObservedWorld(NamedTuple):
    """What observing needs of ``arrays.Layout`` and ``arrays.State``: fewer arrays to hand on."""

    route_count: Indices
    route_x: Matrix
    route_y: Matrix
    route_arc: Matrix
    route_command: IndexMatrix
    goal: Vector
    actor_count: Indices
    length: Matrix
    width: Matrix
    kind: IndexMatrix
    control_count: Indices
    control_kind: IndexMatrix
    control_s: Matrix
    control_x: Matrix
    control_y: Matrix
    ego: Matrix
    navigation: Matrix
    gone: IndexMatrix
    pose: Cube
    light_state: IndexMatrix


class Seen(NamedTuple):
    """The objects around the ego of each environment as they are perceived: number (E,) and objects (E, M, 10), with
    the columns of ``domain.perceived_tracks``. Not ``noisy``: nothing is here, and the truth is perceived."""

    noisy: bool
    number: Indices
    objects: Cube


TRUTH = Seen(False, np.zeros(0, np.int64), np.zeros((0, 0, COLUMNS)))


def world_of(batch: Batch) -> ObservedWorld:
    """The arrays of ``batch`` as they are now; a wider scenario makes others."""
    arrays = {**batch.layout._asdict(), **batch.state._asdict()}
    return ObservedWorld(**{name: arrays[name] for name in ObservedWorld._fields})


class Observer:
    """Observes a batch's environments as a network takes them."""

    def __init__(self, batch: Batch) -> None:
        prepare()
        self._batch = batch
        self._room = self._make_room(0)

    def observe(self, rows: Indices, seen: Seen = TRUTH) -> Observed:
        """Of the environments ``rows`` (B,), in that order, where ``seen`` are perceived; overwritten by the next
        call."""
        batch, count = self._batch, len(rows)
        if self._room.frames.arc.shape[1] != batch.layout.route_x.shape[1] + 2:
            self._room = self._make_room(batch.layout.route_x.shape[1] + 2)
        encoded, frames, motions, sound = self._room
        room = Observed(
            Encoded._make(values[:count] for values in encoded),
            Frames._make(values[:count] for values in frames),
            Motions._make(values[:count] for values in motions),
            sound[:count],
        )
        world = world_of(batch)
        observe_all(world, batch.map, rows, seen, room, batch.vehicle)
        return room

    def _make_room(self, width: int) -> Observed:
        count = self._batch.count
        frames = Frames(
            np.zeros(count, np.int64),
            np.empty((count, width, 2)),
            np.empty((count, width)),
            np.empty((count, width)),
            np.empty(count),
            np.empty(count),
        )
        motions = Motions(*(np.empty(count) for _ in Motions._fields))
        return Observed(empty_batch(count), frames, motions, np.zeros(count, np.bool_))


@part
def choose_map(world: ObservedWorld, map: Map, e: int) -> None:
    """``simulators.map_view.MapView.around``: the pieces of the polylines around, chosen anew every few metres."""
    x, y, at = world.ego[e, 0], world.ego[e, 1], map.chosen_at[e]
    if np.hypot(x - at[0], y - at[1]) <= MAP_REFRESH:  # not so for NaN
        return
    at[0], at[1] = x, y
    count, line, near = 0, -1, False
    for s in range(map.piece_count[e]):
        if map.piece_line[e, s] != line:
            line = map.piece_line[e, s]
            apart = np.hypot(map.line_x[e, line] - x, map.line_y[e, line] - y) - map.line_reach[e, line]
            near = apart < MAP_RANGE
        if near:
            map.around[e, count] = s
            count += 1
    map.around_count[e] = count


@part
def find_others(world: ObservedWorld, e: int, room: ObjectColumns) -> int:
    """Who is within the sensors' range, and how much of each is seen (``domain.visibility.in_view``), into ``room``;
    returns how many."""
    x, y, count = world.ego[e, 0], world.ego[e, 1], 0
    for i in range(world.actor_count[e]):
        if world.gone[e, i]:
            continue
        p = world.pose[e, i]
        room.id[count], room.kind[count] = i + 1, world.kind[e, i]
        room.x[count], room.y[count], room.yaw[count], room.vx[count], room.vy[count] = p[0], p[1], p[2], p[3], p[4]
        room.length[count], room.width[count] = world.length[e, i], world.width[e, i]
        count += 1
    bodies = Footprints(room.kind, room.x, room.y, room.yaw, room.length, room.width)
    for n in range(count):
        room.visibility[n] = share_seen(n, count, bodies, x, y)
    near = 0
    for n in range(count):
        if np.hypot(room.x[n] - x, room.y[n] - y) <= RANGE:
            if near < n:
                room.id[near], room.kind[near] = room.id[n], room.kind[n]
                for column in (room.x, room.y, room.yaw, room.vx, room.vy, room.length, room.width, room.visibility):
                    column[near] = column[n]
            near += 1
    return near


@part
def recall(seen: Seen, e: int, room: ObjectColumns) -> int:
    """Who is perceived, into ``room``; returns how many."""
    for n in range(seen.number[e]):
        p = seen.objects[e, n]
        room.id[n], room.kind[n] = int(p[ID]), int(p[KIND])
        room.x[n], room.y[n], room.yaw[n], room.vx[n], room.vy[n] = p[X], p[Y], p[YAW], p[VX], p[VY]
        room.length[n], room.width[n], room.visibility[n] = p[LENGTH], p[WIDTH], p[VISIBILITY]
    return int(seen.number[e])


@part
def find_controls(world: ObservedWorld, e: int, front: float, room: Controls) -> int:
    """The lights and signs that concern the ego here (``environment.controls_around``), into ``room``."""
    count = 0
    for i in range(world.control_count[e]):
        distance = world.control_s[e, i] - world.navigation[e, 0] - front
        if PASSED <= distance <= VISIBLE:
            room.id[count], room.kind[count] = i + 1, world.control_kind[e, i]
            room.state[count] = world.light_state[e, i]
            room.x[count], room.y[count] = world.control_x[e, i], world.control_y[e, i]
            room.distance[count] = distance
            count += 1
    return count


@part
def guide(world: ObservedWorld, e: int, targets: Matrix, commands: Indices) -> Guidance:
    """``domain.navigation.Navigation.route``, but for the path."""
    count, s = world.route_count[e], world.navigation[e, 0]
    arc = world.route_arc[e, :count]
    for t in range(len(TARGETS)):
        at = min(s + TARGETS[t], arc[count - 1])
        targets[t, 0] = interpolate(at, arc, world.route_x[e, :count])
        targets[t, 1] = interpolate(at, arc, world.route_y[e, :count])
        commands[t] = world.route_command[e, min(int(np.rint(at)), count - 1)]
    return Guidance(targets, commands, max(world.goal[e] - s, 0.0), world.navigation[e, 4])


@part
def room_for_others(most: int) -> ObjectColumns:
    id, kind = np.empty(most, np.int64), np.empty(most, np.int64)
    x, y, yaw, vx, vy = np.empty(most), np.empty(most), np.empty(most), np.empty(most), np.empty(most)
    return ObjectColumns(id, kind, x, y, yaw, vx, vy, np.empty(most), np.empty(most), np.empty(most))


@part
def first_others(room: ObjectColumns, n: int) -> ObjectColumns:
    x, y, yaw, vx, vy = room.x[:n], room.y[:n], room.yaw[:n], room.vx[:n], room.vy[:n]
    return ObjectColumns(
        room.id[:n], room.kind[:n], x, y, yaw, vx, vy, room.length[:n], room.width[:n], room.visibility[:n]
    )


@part
def room_for_controls(most: int) -> Controls:
    id, kind, state = np.empty(most, np.int64), np.empty(most, np.int64), np.empty(most, np.int64)
    return Controls(id, kind, state, np.empty(most), np.empty(most), np.empty(most))


@part
def first_controls(room: Controls, n: int) -> Controls:
    return Controls(room.id[:n], room.kind[:n], room.state[:n], room.x[:n], room.y[:n], room.distance[:n])


@kernel
def observe_all(world: ObservedWorld, map: Map, rows: Indices, seen: Seen, out: Observed, vehicle: SingleTrack) -> None:
    """Encode what the ego of each of the environments ``rows`` (B,) sees; see Observer."""
    others = room_for_others(max(world.kind.shape[1], seen.objects.shape[1]))
    controls = room_for_controls(world.control_s.shape[1])
    frames, motions, sound = out.frames, out.motions, out.sound
    targets, commands = np.empty((len(TARGETS), 2)), np.empty(len(TARGETS), np.int64)
    for k in range(len(rows)):
        e = rows[k]
        ego = world.ego[e]
        motions.speed[k], motions.steering_angle[k] = ego[3], ego[8]
        motions.max_steering_angle[k], motions.wheelbase[k] = vehicle.full_lock, vehicle.wheelbase
        arc, s = world.route_arc[e, : world.route_count[e]], world.navigation[e, 0]
        first, last = np.searchsorted(arc, s - BEHIND), np.searchsorted(arc, s + AHEAD, side="right")
        route_x, route_y = world.route_x[e, first:last], world.route_y[e, first:last]
        points, heading, places = frames.points[k], frames.heading[k], frames.arc[k]
        frames.used[k], frames.offset[k], frames.heading_error[k] = lay_frame(
            route_x, route_y, ego[0], ego[1], ego[2], points, heading, places
        )
        sound[k] = frames.used[k] > 0
        if not sound[k]:
            continue
        choose_map(world, map, e)
        n = recall(seen, e, others) if seen.noisy else find_others(world, e, others)
        c = find_controls(world, e, vehicle.length / 2.0, controls)
        body = EgoFields(
            ego[0], ego[1], ego[2], ego[3], ego[4], ego[5], vehicle.length, vehicle.width, vehicle.wheelbase
        )
        pieces = Pieces(map.piece_points[e], map.piece_flags[e], map.around[e, : map.around_count[e]])
        way, told, shown = guide(world, e, targets, commands), first_others(others, n), first_controls(controls, c)
        sound[k] = fill_row(k, body, way, observed_frame(frames, k), told, pieces, shown, out.encoded) < 0
