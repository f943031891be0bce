"""Writes the frames of a world into a file of CARLA's recorder (recording.py)."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from takead_ros.domain.errors import TakeadError
from takead_ros.simulators.carla_server import array_columns as c
from takead_ros.simulators.carla_server import recording as r
from takead_ros.simulators.carla_server.actors import Rows, ServerActor
from takead_ros.simulators.carla_server.blueprints import Kind
from takead_ros.simulators.carla_server.recording import CM, PACKETS, Added, RecordedFrame, pack_frame, pack_head
from takead_ros.simulators.carla_server.server_world import ServerWorld

MOST_BYTES = 256 * 1024 * 1024  # of one file, which is looked through in one go
KINDS = {
    Kind.VEHICLE: 1, Kind.WALKER: 2, Kind.PROP: 0, Kind.SENSOR: 5, Kind.LIGHT: 3, Kind.SIGN: 4, Kind.OTHER: 0,
}  # fmt: skip


class WorldRecorder:
    """One recording. ``additional``: velocities, boxes, times of lights and of this machine as well."""

    def __init__(self, path: Path, world: ServerWorld, additional: bool) -> None:
        """Raises TakeadError where the file cannot be written."""
        self.path, self.episode, self.full = path, world.episode, False
        self._additional = additional
        self._begun = time.monotonic()
        self._pending: RecordedFrame | None = None  # its length is known with the next one
        self._known: dict[int, int] = {}  # ids that are in the file, and their parents
        self._doors: dict[int, set[int]] = {}  # that are open
        self._collisions, self._bytes = 0, 0
        try:
            self._file = path.open("wb")
            self._write(pack_head(world.town.name, int(time.time())))
        except OSError as error:
            raise TakeadError(f"{path.name}: {error.strerror or error}, expected a file that can be written") from error

    def frame(self, world: ServerWorld) -> None:
        """After each frame of the world."""
        if self.full:
            return
        last = self._pending
        if last is None:
            self._pending = RecordedFrame(1, 0.0)
        else:
            last.lasts = world.delta
            self._write(pack_frame(last))
            self._pending = RecordedFrame(last.number + 1, last.elapsed + world.delta)
        self._fill(self._pending, world)
        self.full = self._bytes > MOST_BYTES

    def close(self) -> None:
        """The file is whole from here on."""
        if self._pending is not None:
            self._write(pack_frame(self._pending))
            self._pending = None
        self._file.close()

    def _write(self, data: bytes) -> None:
        self._file.write(data)
        self._bytes += len(data)

    def _fill(self, frame: RecordedFrame, world: ServerWorld) -> None:
        rows, records = world.rows, frame.records
        frame.times[r.VISUAL_TIME] = world.elapsed
        new = [actor for actor in rows.actors if actor.id not in self._known]
        gone = [(actor,) for actor in self._known if actor not in rows.by_id]
        frame.added = [
            Added(one.id, KINDS[one.kind], rows.transform(one), one.info.description) for one in new
        ]  # fmt: skip
        records[r.REMOVED] = np.array(gone, PACKETS[r.REMOVED])
        parents = [(one.id, one.info.parent_id) for one in new if one.info.parent_id]
        records[r.PARENTS] = np.array(parents, PACKETS[r.PARENTS])
        self._known.update((one.id, one.info.parent_id) for one in new)
        for (actor,) in gone:
            del self._known[actor]
        hits = []
        for contact in world.contacts:
            pair = (contact.first, contact.second)
            hits.append((self._collisions, *pair, *(_is_hero(rows.by_id.get(one)) for one in pair)))
            self._collisions += 1
        records[r.COLLISIONS] = np.array(hits, PACKETS[r.COLLISIONS])
        records[r.DOORS] = np.array(self._moved_doors(rows), PACKETS[r.DOORS])
        self._states(frame, rows, world)
        if self._additional:
            self._more(frame, rows, world, new)

    def _moved_doors(self, rows: Rows) -> list[tuple[int, int, bool]]:
        moved = []
        for row in rows.vehicles:
            actor = rows.actors[row]
            before = self._doors.get(actor.id, set())
            if actor.doors != before:
                moved += [(actor.id, door, door in actor.doors) for door in sorted(actor.doors ^ before)]
                self._doors[actor.id] = set(actor.doors)
        return moved

    def _states(self, frame: RecordedFrame, rows: Rows, world: ServerWorld) -> None:
        records = frame.records
        moving = np.flatnonzero(rows.kinds <= Kind.PROP.value)
        told = np.zeros(len(moving), PACKETS[r.POSITIONS])
        told["id"] = _ids(rows, moving)
        told["a"], told["b"] = CM * rows.pose[moving, :3], rows.pose[moving][:, [c.ROLL, c.PITCH, c.YAW]]
        records[r.POSITIONS] = told
        lights = np.zeros(len(rows.lights), PACKETS[r.LIGHTS])
        lights["id"], lights["frozen"] = _ids(rows, rows.lights), world.lights.frozen
        lights["elapsed"], lights["state"] = world.lights.elapsed, world.lights.states
        records[r.LIGHTS] = lights
        drive, cars = rows.drive[rows.vehicles], np.zeros(len(rows.vehicles), PACKETS[r.VEHICLES])
        cars["id"] = _ids(rows, rows.vehicles)
        cars["steer"], cars["throttle"], cars["brake"] = (drive[:, i] for i in (c.STEER, c.THROTTLE, c.BRAKE))
        cars["hand_brake"], cars["gear"] = drive[:, c.HAND_BRAKE] > 0.0, drive[:, c.GEAR]
        records[r.VEHICLES] = cars
        walkers = np.zeros(len(rows.walkers), PACKETS[r.WALKERS])
        walkers["id"], walkers["speed"] = _ids(rows, rows.walkers), rows.drive[rows.walkers, c.WALK_SPEED]
        records[r.WALKERS] = walkers
        records[r.VEHICLE_LIGHTS] = np.array(
            [(rows.actors[row].id, rows.actors[row].lights) for row in rows.vehicles], PACKETS[r.VEHICLE_LIGHTS]
        )

    def _more(self, frame: RecordedFrame, rows: Rows, world: ServerWorld, new: list[ServerActor]) -> None:
        frame.times[r.PLATFORM_TIME] = time.monotonic() - self._begun
        moving = np.concatenate([rows.vehicles, rows.walkers])
        told = np.zeros(len(moving), PACKETS[r.KINEMATICS])
        told["id"], told["a"], told["b"] = _ids(rows, moving), rows.velocity[moving], rows.spin[moving]
        frame.records[r.KINEMATICS] = told
        frame.records[r.BOXES] = np.array(
            [(one.id, CM * rows.box[one.row, :3], CM * rows.box[one.row, 3:]) for one in new], PACKETS[r.BOXES]
        )
        times = [
            (rows.actors[row].id, *world.lights.times[i])
            for i, row in enumerate(rows.lights)
            if rows.actors[row] in new
        ]
        frame.records[r.LIGHT_TIMES] = np.array(times, PACKETS[r.LIGHT_TIMES])


def _ids(rows: Rows, some: np.ndarray) -> list[int]:
    return [rows.actors[row].id for row in some]


def _is_hero(actor: ServerActor | None) -> bool:
    return actor is not None and actor.attributes.get("role_name") == "hero"
