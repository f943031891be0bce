"""Plays a recording in a world: who was recorded is there again and moves as it did, between frames in a straight line.

Actors that are there already under the recorded number and blueprint are taken, others are made anew. They are moved,
not driven: pedals and physics have no say until the end, when they are let go at the speed they have. Sensors are not
replayed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from takead_ros.simulators.carla_server import array_columns as c
from takead_ros.simulators.carla_server import recording as r
from takead_ros.simulators.carla_server.actor_commands import move_door
from takead_ros.simulators.carla_server.blueprints import Kind
from takead_ros.simulators.carla_server.frames import inside
from takead_ros.simulators.carla_server.recording import Added, RecordedFrame, transform
from takead_ros.simulators.carla_server.server_world import ServerWorld
from takead_ros.simulators.carla_server.values import CallRefused, Rotation, Transform, Vector3D
from takead_ros.simulators.carla_server.wire_layout import LARGEST

SAME_PLACE_M = 1.0  # of a light here and one in the recording
OTHER, LIGHT, SIGN, SENSOR = 0, 3, 4, 5  # kinds of the file


@dataclass(frozen=True)
class Wanted:
    """What of a recording is played: from ``start`` to ``end`` s, ``factor`` times as fast. ``follow``: the recorded
    actor that the spectator goes with, at ``offset`` from it; 0: none."""

    start: float
    end: float
    factor: float = 1.0
    ignore_hero: bool = False
    ignore_spectator: bool = True
    follow: int = 0
    offset: Transform | None = None


class Replayer:
    """A play (server_world.py) in which the recording is played. ``done``: it is over."""

    def __init__(self, frames: Sequence[RecordedFrame], wanted: Wanted) -> None:
        self._frames, self._wanted = frames, wanted
        self._at, self._time = 0, wanted.start
        self._here: dict[int, int] = {}  # ids of the recording, and who plays them
        self._made: set[int] = set()
        self.done = not frames

    def begin(self, world: ServerWorld) -> None:
        """Everybody to where they are at the start."""
        self._show(world, 0.0)

    def step(self, world: ServerWorld, dt: float) -> None:
        """On by ``dt`` s of the world's time."""
        if self.done:
            return
        self._time = min(self._time + dt * self._wanted.factor, self._wanted.end)
        self._show(world, dt)
        if self._time >= self._wanted.end - 1e-9:
            self.stop(world, keep=True)

    def stop(self, world: ServerWorld, keep: bool) -> None:
        """Let everybody go; where they are not to be kept, those that were made for it go away."""
        if self.done:
            return
        self.done = True
        for actor in self._here.values():
            if actor not in world.rows.by_id:
                continue
            if not keep and actor in self._made:
                world.destroy(actor)
            elif world.rows.by_id[actor].kind.value <= Kind.PROP.value:
                row = world.rows.by_id[actor].row
                world.rows.flags[row, c.PHYSICS] = True
                yaw = math.radians(world.rows.pose[row, c.YAW])
                x, y = world.rows.velocity[row, :2]
                world.rows.drive[row, c.FORWARD] = x * math.cos(yaw) + y * math.sin(yaw)

    def _show(self, world: ServerWorld, dt: float) -> None:
        while self._at < len(self._frames) and self._frames[self._at].elapsed <= self._time + 1e-9:
            frame = self._frames[self._at]
            for one in frame.added:
                self._add(world, one)
            for (recorded,) in frame.of(r.REMOVED).tolist():
                actor = self._here.pop(recorded, 0)
                if actor in self._made:
                    world.destroy(actor)
            self._at += 1
        now = self._frames[max(self._at - 1, 0)]
        then = self._frames[min(self._at, len(self._frames) - 1)]
        share = (self._time - now.elapsed) / (then.elapsed - now.elapsed) if then.elapsed > now.elapsed else 0.0
        self._place(world, now, then, min(max(share, 0.0), 1.0), dt)
        self._states(world, now)

    def _add(self, world: ServerWorld, one: Added) -> None:
        if one.kind in (SIGN, SENSOR):
            return
        if one.kind == LIGHT:
            for light in world.rows.lights.tolist():
                away = world.rows.pose[light, :3] - np.array(one.place.location)
                if float(np.linalg.norm(away)) < SAME_PLACE_M:
                    self._here[one.id] = world.rows.actors[light].id
            return
        if one.description.id == "spectator":
            if not self._wanted.ignore_spectator:
                self._here[one.id] = world.spectator
            return
        hero = any(item.id == "role_name" and item.value == "hero" for item in one.description.attributes)
        if hero and self._wanted.ignore_hero:
            return
        there = world.rows.by_id.get(one.id)
        if there is not None and there.type_id == one.description.id and there.place is None:
            self._here[one.id] = one.id
        else:
            try:
                made = world.spawn(one.description, one.place, anyway=True).id
            except CallRefused:  # a blueprint that this server does not have
                return
            self._here[one.id] = made
            self._made.add(made)
        row = world.rows.by_id[self._here[one.id]].row
        if world.rows.kinds[row] <= Kind.PROP.value:
            world.rows.flags[row, c.PHYSICS] = False

    def _row(self, world: ServerWorld, recorded: int) -> int:
        """Where the player of a recorded actor stands in the arrays, -1 where there is none."""
        actor = world.rows.by_id.get(self._here.get(recorded, 0))
        return -1 if actor is None else actor.row

    def _place(self, world: ServerWorld, now: RecordedFrame, then: RecordedFrame, share: float, dt: float) -> None:
        after: dict[int, Any] = {int(one["id"]): one for one in then.of(r.POSITIONS)}
        rows = world.rows
        for one in now.of(r.POSITIONS):
            row = self._row(world, int(one["id"]))
            if row < 0:
                continue
            here, goal = transform(one["a"], one["b"]), after.get(int(one["id"]), one)
            there = transform(goal["a"], goal["b"])
            before = rows.pose[row].copy()
            where = np.array(here.location) + share * (np.array(there.location) - np.array(here.location))
            turned = np.array(here.rotation)
            turned += share * ((np.array(there.rotation) - turned + 180.0) % 360.0 - 180.0)
            if not (np.abs([*where, *turned]) < LARGEST).all():  # not a number, or no place
                continue
            rows.pose[row] = (*where, *turned)
            if dt > 0.0:
                rows.velocity[row] = (where - before[:3]) / dt
                rows.spin[row] = ((turned - before[3:] + 180.0) % 360.0 - 180.0)[[2, 0, 1]] / dt
            if int(one["id"]) == self._wanted.follow and self._wanted.offset is not None:
                place = Transform(Vector3D(*where.tolist()), Rotation(*turned.tolist()))
                rows.put(rows.by_id[world.spectator], inside(place, self._wanted.offset))

    def _states(self, world: ServerWorld, now: RecordedFrame) -> None:
        rows = world.rows
        for recorded, _, elapsed, state in now.of(r.LIGHTS).tolist():
            row = self._row(world, recorded)
            if row >= 0 and 0 <= state <= 4:
                place = int(np.searchsorted(rows.lights, row))
                world.lights.states[place], world.lights.elapsed[place] = state, elapsed
        for recorded, steer, throttle, brake, hand, gear in now.of(r.VEHICLES).tolist():
            row = self._row(world, recorded)
            if row >= 0 and np.isfinite([steer, throttle, brake]).all():
                pedals = (throttle, steer, brake, hand, False, False, min(max(gear, -1), 8))
                rows.drive[row, : c.WANTED_GEAR + 1] = np.clip(pedals, -1.0, 8.0)
        for recorded, flags in now.of(r.VEHICLE_LIGHTS).tolist():
            row = self._row(world, recorded)
            if row >= 0:
                rows.actors[row].lights = flags
        for recorded, door, is_open in now.of(r.DOORS).tolist():
            row = self._row(world, recorded)
            if row >= 0:
                move_door(rows.actors[row], door, is_open)
