"""The world observer's message: the header of the episode and one packed record an actor, as the layout says."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from takead_ros.simulators.carla_server import array_columns as c
from takead_ros.simulators.carla_server.actors import Rows
from takead_ros.simulators.carla_server.blueprints import Kind
from takead_ros.simulators.carla_server.lights import Lights
from takead_ros.simulators.carla_server.values import IDENTITY, Transform
from takead_ros.simulators.carla_server.wire_layout import WireLayout

ACTIVE, MAP_CHANGE, LIGHT_UPDATE = 1, 1, 2
_PLACES = (
    *(
        ("pose", column, f"transform.{name}")
        for column, name in enumerate(
            ("location.x", "location.y", "location.z", "rotation.pitch", "rotation.yaw", "rotation.roll")
        )
    ),
    *(("velocity", column, f"velocity.{axis}") for column, axis in enumerate("xyz")),
    *(("spin", column, f"angular_velocity.{axis}") for column, axis in enumerate("xyz")),
    *(("acceleration", column, f"acceleration.{axis}") for column, axis in enumerate("xyz")),
)
_VEHICLE = (
    (c.THROTTLE, "control.throttle"), (c.STEER, "control.steer"), (c.BRAKE, "control.brake"),
    (c.HAND_BRAKE, "control.hand_brake"), (c.REVERSE, "control.reverse"), (c.MANUAL, "control.manual_gear_shift"),
    (c.GEAR, "control.gear"), (c.LIMIT, "speed_limit"), (c.LIGHT, "traffic_light_state"),
    (c.AT_LIGHT, "has_traffic_light"),
)  # fmt: skip


def header(layout: WireLayout, sensor: str, frame: int, elapsed: float, place: Transform = IDENTITY) -> bytes:
    """What every message of a stream begins with."""
    record = np.zeros(1, layout.header)
    record["sensor_type"], record["frame"], record["timestamp"] = layout.sensors[sensor], frame, elapsed
    for name, value in zip(("x", "y", "z"), place.location, strict=True):
        record[f"sensor_transform.location.{name}"] = value
    for name, value in zip(("pitch", "yaw", "roll"), place.rotation, strict=True):
        record[f"sensor_transform.rotation.{name}"] = value
    return record.tobytes()


class Snapshots:
    """Packs snapshots; keeps what only changes when actors come and go."""

    def __init__(self, layout: WireLayout) -> None:
        self._layout = layout
        self._made_for: tuple[int, int] = (-1, -1)
        self._records = np.zeros(0, layout.actor)
        self._bytes = np.zeros((0, layout.actor.itemsize), np.uint8)
        self._episode = np.zeros(1, layout.episode)
        self._at = layout.actor.fields["state"][1]  # type: ignore[index]

    def pack(
        self,
        rows: Rows,
        lights: Lights,
        episode: int,
        frame: int,
        elapsed: float,
        dt: float,
        platform_s: float,
        flags: int,
    ) -> bytes:
        """The whole message. ``platform_s``: the clock of this machine; ``flags``: MAP_CHANGE, LIGHT_UPDATE."""
        if self._made_for != (episode, rows.changes):
            self._renew(rows, lights)
            self._made_for = episode, rows.changes
        for source, column, name in _PLACES:
            self._records[name] = getattr(rows, source)[:, column]
        vehicles = rows.vehicles
        if len(vehicles):
            states = np.zeros(len(vehicles), self._layout.vehicle)
            drive = rows.drive[vehicles]
            for column, name in _VEHICLE:
                states[name] = drive[:, column]
            light = drive[:, c.LIGHT_ROW].astype(np.int64)
            states["traffic_light_id"] = np.where(light >= 0, self._records["id"][light], 0)
            self._state(vehicles, states)
        if len(rows.walkers):
            states = np.zeros(len(rows.walkers), self._layout.walker)
            drive = rows.drive[rows.walkers]
            states["direction"] = drive[:, c.WALK_X : c.WALK_Z + 1]
            states["speed"] = drive[:, c.WALK_SPEED]
            self._state(rows.walkers, states)
        if len(rows.lights):
            states = self._light_records
            states["state"], states["elapsed_time"] = lights.states, lights.elapsed
            states["green_time"], states["yellow_time"], states["red_time"] = lights.times.T
            states["time_is_frozen"] = lights.frozen
            self._state(rows.lights, states)
        told = self._episode
        told["episode_id"], told["platform_timestamp"], told["delta_seconds"] = episode, platform_s, dt
        told["simulation_state"] = flags
        return header(self._layout, "FWorldObserver", frame, elapsed) + told.tobytes() + self._records.tobytes()

    def _state(self, where: NDArray[np.int64], states: NDArray[np.void]) -> None:
        size = states.dtype.itemsize
        self._bytes[where, self._at : self._at + size] = states.view(np.uint8).reshape(len(states), size)

    def _renew(self, rows: Rows, lights: Lights) -> None:
        self._records = np.zeros(len(rows), self._layout.actor)
        self._bytes = self._records.view(np.uint8).reshape(len(rows), self._layout.actor.itemsize)
        self._records["id"] = [actor.id for actor in rows.actors]
        self._records["actor_state"] = ACTIVE
        signs = np.array([actor.row for actor in rows.actors if actor.kind is Kind.SIGN], np.int64)
        if len(signs):
            states = np.zeros(len(signs), self._layout.sign)
            names = [rows.actors[row].signal for row in signs]
            states["sign_id"] = [_name(signal.signal_id) if signal else b"" for signal in names]
            self._state(signs, states)
        self._light_records = np.zeros(len(lights.signals), self._layout.light)
        self._light_records["sign_id"] = [_name(signal.signal_id) for signal in lights.signals]
        self._light_records["pole_index"] = [lights.pole_index(i) for i in range(len(lights.signals))]


def _name(text: str) -> Any:
    return np.void(text.encode()[:31].ljust(32, b"\0"))
