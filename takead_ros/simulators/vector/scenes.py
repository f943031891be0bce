"""A batch's environments as scenes, for those who decide on scenes: the expert, the monitor, the arbiter."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from takead_ros.compiled import Cube, IndexMatrix, Indices, kernel, prepare
from takead_ros.domain.navigation import AHEAD, BEHIND, TARGETS
from takead_ros.domain.perceived_tracks import (
    COLUMNS,
    ID,
    KIND,
    LENGTH,
    VISIBILITY,
    VX,
    VY,
    WIDTH,
    YAW,
    X,
    Y,
)
from takead_ros.domain.scene import FloatArray, Objects, Route, RouteCommand, Scene
from takead_ros.simulators.map_view import MapView
from takead_ros.simulators.vector.batch import Batch
from takead_ros.simulators.vector.compiled_scenario import CompiledScenario
from takead_ros.simulators.vector.environment import controls_around, ego_state
from takead_ros.simulators.vector.observe import ObservedWorld, Seen, find_others, guide, room_for_others, world_of

_COMMANDS = tuple(RouteCommand)


class Sights(NamedTuple):
    """What each environment's ego sees now, first axis: environment. number (E,) objects (E, 10, A) with the columns of
    ``domain.perceived_tracks``; first and last (E, 2) sample of the route that is shown; commands (E, 3) at its targets
    (E, 3, 2) m."""

    number: Indices
    objects: Cube
    shown: IndexMatrix
    commands: IndexMatrix
    targets: Cube


class Scenes:
    """Scenes of a batch's environments, the same as ``Environment.observe`` makes of them, bit for bit."""

    def __init__(self, batch: Batch) -> None:
        prepare()
        self._batch = batch
        self._sights = self._room()
        self._views: dict[int, tuple[MapView, CompiledScenario]] = {}

    def begin(self, row: int, compiled: CompiledScenario) -> None:
        """``compiled`` begins in environment ``row``."""
        self._views[row] = MapView(compiled.polylines), compiled

    def look(self, rows: Indices) -> None:
        """See the environments ``rows`` (B,) as they are now; to be called before ``scene``."""
        if self._sights.objects.shape[2] != self._batch.layout.kind.shape[1]:
            self._sights = self._room()
        see_all(world_of(self._batch), rows, self._sights)

    def scene(self, row: int, stamp: int) -> Scene:
        """The scene in environment ``row`` as it was looked at last; stamp ns."""
        batch, sights, (view, compiled) = self._batch, self._sights, self._views[row]
        ego = ego_state(batch.state, row, batch.vehicle)
        front = 0.5 * batch.vehicle.length
        return Scene(
            stamp,
            ego,
            _objects(sights.objects[row, :, : sights.number[row]]),
            view.around(ego.x, ego.y),
            self._route(row, compiled),
            controls_around(batch.layout, batch.state, row, front) if batch.layout.control_count[row] else (),
        )

    def _route(self, row: int, compiled: CompiledScenario) -> Route:
        sights, navigation = self._sights, compiled.navigation
        s, lateral, error, furthest, limit = self._batch.state.navigation[row].tolist()
        first, last = sights.shown[row].tolist()
        one, two, three = sights.commands[row].tolist()
        return Route(
            navigation.path.points[first:last],
            sights.targets[row].copy(),
            (_COMMANDS[one], _COMMANDS[two], _COMMANDS[three]),
            lateral,
            error,
            max(navigation.goal - s, 0.0),
            min(max((furthest - navigation.start) / navigation.length, 0.0), 1.0),
            None if limit != limit else limit,
        )

    def _room(self) -> Sights:
        count, actors = self._batch.count, self._batch.layout.kind.shape[1]
        return Sights(
            np.zeros(count, np.int64),
            np.zeros((count, COLUMNS, actors)),
            np.zeros((count, 2), np.int64),
            np.zeros((count, len(TARGETS)), np.int64),
            np.zeros((count, len(TARGETS), 2)),
        )


def perceived(scene: Scene, seen: Seen, row: int) -> Scene:
    """``scene`` of environment ``row`` with the objects as they are perceived."""
    found = _objects(seen.objects[row, : seen.number[row]].T)
    return Scene(scene.stamp, scene.ego, found, scene.polylines, scene.route, scene.controls)


def _objects(columns: FloatArray) -> Objects:
    """Objects of columns (10, N) that change with the next tick."""
    kept = np.array(columns, order="C")
    id, kind = kept[:X].astype(np.int64)
    return Objects(id, kind, *kept[X:])


@kernel
def see_all(world: ObservedWorld, rows: Indices, out: Sights) -> None:
    """Fill the rows of ``out`` that belong to the environments ``rows`` (B,)."""
    others = room_for_others(world.kind.shape[1])
    for e in rows:
        count, now = find_others(world, e, others), out.objects[e]
        out.number[e] = count
        for n in range(count):
            now[ID, n], now[KIND, n] = others.id[n], others.kind[n]
            now[X, n], now[Y, n], now[YAW, n] = others.x[n], others.y[n], others.yaw[n]
            now[VX, n], now[VY, n] = others.vx[n], others.vy[n]
            now[LENGTH, n], now[WIDTH, n], now[VISIBILITY, n] = others.length[n], others.width[n], others.visibility[n]
        guide(world, e, out.targets[e], out.commands[e])
        arc, s = world.route_arc[e, : world.route_count[e]], world.navigation[e, 0]
        out.shown[e, 0] = np.searchsorted(arc, s - BEHIND)
        out.shown[e, 1] = np.searchsorted(arc, s + AHEAD, side="right")
