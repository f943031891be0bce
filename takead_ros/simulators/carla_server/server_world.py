"""The world: one episode of one map with its actors. Values in, values out; it opens no socket and reads no clock.

Everything is a pure function of what was asked of it and of its seed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from takead_ros.compiled import prepare
from takead_ros.simulators.carla_server.ackermann_controller import track_ackermann
from takead_ros.simulators.carla_server.actors import Rows, ServerActor, box_of, plain_info, signal_volumes
from takead_ros.simulators.carla_server.blueprints import CAMERAS, Blueprint, Kind, blueprints, describe_actor
from takead_ros.simulators.carla_server.contacts import collide, look_at_signals, overlapping
from takead_ros.simulators.carla_server.frames import inside
from takead_ros.simulators.carla_server.lights import Lights
from takead_ros.simulators.carla_server.motion import move_bodies
from takead_ros.simulators.carla_server.physics import car_row, default_physics
from takead_ros.simulators.carla_server.snapshot import LIGHT_UPDATE, MAP_CHANGE, Snapshots
from takead_ros.simulators.carla_server.town_map import TownMap
from takead_ros.simulators.carla_server.values import (
    IDENTITY,
    AckermannControllerSettings,
    ActorDescription,
    ActorInfo,
    CallRefused,
    EpisodeSettings,
    Transform,
    Vector3D,
    WeatherParameters,
)
from takead_ros.simulators.carla_server.wire_layout import WireLayout

MOST_ACTORS = 4000
MOST_CONTACTS = 1024
USUAL_STEP_S = 0.05  # where a client asks for no fixed one
LONGEST_STEP_S = 1.0


@dataclass(frozen=True)
class Collision:
    """Two actors that touch, and the impulse in N s (world) on the first."""

    first: int
    second: int
    impulse: Vector3D


class Play(Protocol):
    """What moves actors besides their own driving: a recording that is replayed."""

    def step(self, world: ServerWorld, dt: float) -> None: ...
    def stop(self, world: ServerWorld, keep: bool) -> None: ...


class ServerWorld:
    """One episode after the other. ``stream_port``: what sensors' tokens name."""

    def __init__(self, layout: WireLayout, town: TownMap, stream_port: int, seed: int = 0) -> None:
        prepare()
        self.layout, self.seed, self._port = layout, seed, stream_port
        self.frame, self.episode = 0, 0
        self.settings = EpisodeSettings()
        self._snapshots = Snapshots(layout)
        self._next_id = 1
        self._pairs, self._impulses = np.zeros((MOST_CONTACTS, 2), np.int64), np.zeros((MOST_CONTACTS, 3))
        self.load(town, reset_settings=True)

    def load(self, town: TownMap, reset_settings: bool) -> None:
        """A new episode on ``town``: nobody of the old one is left."""
        self.town = town
        self.episode += 1
        self.elapsed = 0.0
        self.delta = USUAL_STEP_S
        if reset_settings:
            self.settings = EpisodeSettings()
        self.weather = WeatherParameters()
        self.gravity = 9.81
        self.replay: Play | None = None
        self.ackermann_settings: dict[int, AckermannControllerSettings] = {}
        self.contacts: tuple[Collision, ...] = ()
        self.rows = Rows()
        self.lights = Lights([signal for signal in town.signals if signal.type_id == "traffic.traffic_light"])
        self._add(ServerActor(plain_info(self._number(), "spectator"), Kind.OTHER), IDENTITY)
        self.spectator = self.rows.actors[0].id
        tags = bytes([self.layout.enums["CityObjectLabel"]["TrafficLight"]])
        for signal in self.lights.signals:
            info = plain_info(self._number(), signal.type_id, tags, signal.volume)
            self._add(ServerActor(info, Kind.LIGHT, signal=signal), signal.transform)
        tags = bytes([self.layout.enums["CityObjectLabel"]["TrafficSigns"]])
        for signal in town.signals:
            if signal not in self.lights.signals:
                info = plain_info(self._number(), signal.type_id, tags, signal.volume)
                self._add(ServerActor(info, Kind.SIGN, signal=signal), signal.transform)
        self._volumes = signal_volumes(self.rows.actors)
        self._flags = MAP_CHANGE | LIGHT_UPDATE
        if town.stage is not None:
            town.stage.begin(self)

    # --- time -----------------------------------------------------------------------------------------------------

    def step(self) -> None:
        """On by one frame."""
        fixed = self.settings.fixed_delta_seconds
        dt = min(fixed[1], LONGEST_STEP_S) if len(fixed) == 2 and fixed[1] > 0.0 else USUAL_STEP_S
        self.frame += 1
        self.elapsed += dt
        self.delta = dt
        rows = self.rows
        for row in rows.vehicles:
            actor = rows.actors[row]
            if actor.ackermann is not None:
                track_ackermann(actor, rows, dt)
        self.lights.advance(dt)
        move_bodies(rows.bodies(), self.town.ground.grid, dt)
        if self.town.stage is not None:
            self.town.stage.step(self, dt)
        if self.replay is not None:
            self.replay.step(self, dt)
        found = collide(rows.bodies(), self._pairs, self._impulses)
        self.contacts = tuple(
            Collision(rows.actors[i].id, rows.actors[j].id, Vector3D(*impulse))
            for (i, j), impulse in zip(self._pairs[:found].tolist(), self._impulses[:found].tolist(), strict=True)
        )
        if len(rows.vehicles) and len(self._volumes):
            states = np.zeros(len(rows), np.int64)
            states[rows.lights] = self.lights.states
            look_at_signals(rows.pose, rows.box, rows.kinds, rows.drive, self._volumes, states)
        for actor in rows.attached:
            parent = rows.by_id[actor.info.parent_id]
            assert actor.place is not None
            rows.put(actor, inside(rows.transform(parent), actor.place))
            for moving in (rows.velocity, rows.spin, rows.acceleration):
                moving[actor.row] = moving[parent.row]

    def snapshot(self, platform_s: float) -> bytes:
        """The world observer's message of this frame; ``platform_s``: the clock of this machine."""
        flags, self._flags = self._flags, 0
        return self._snapshots.pack(
            self.rows, self.lights, self.episode, self.frame, self.elapsed, self.delta, platform_s, flags
        )

    # --- actors ---------------------------------------------------------------------------------------------------

    def actor(self, number: int) -> ServerActor:
        """The actor with this id. Raises Refused."""
        found = self.rows.by_id.get(number)
        if found is None:
            raise CallRefused(f"actor {number}: not found, it was destroyed or never there")
        return found

    def vehicle(self, number: int) -> ServerActor:
        """The vehicle with this id. Raises Refused."""
        found = self.actor(number)
        if found.kind is not Kind.VEHICLE:
            raise CallRefused(f"actor {number} is a {found.type_id}, expected a vehicle")
        return found

    def walker(self, number: int) -> ServerActor:
        """The walker with this id. Raises Refused."""
        found = self.actor(number)
        if found.kind is not Kind.WALKER:
            raise CallRefused(f"actor {number} is a {found.type_id}, expected a walker")
        return found

    def light(self, number: int) -> int:
        """The place among the lights of the traffic light with this id. Raises Refused."""
        found = self.actor(number)
        if found.kind is not Kind.LIGHT:
            raise CallRefused(f"actor {number} is a {found.type_id}, expected a traffic light")
        return int(np.searchsorted(self.rows.lights, found.row))

    def spawn(
        self, description: ActorDescription, place: Transform, parent: int = 0, anyway: bool = False
    ) -> ActorInfo:
        """A new actor, at ``place`` in the world or, with a ``parent`` (its id), in that one's frame; ``anyway``: also
        where another body is.

        Raises Refused: unknown blueprint or attribute, no parent, another body there, a camera, too many actors.
        """
        blueprint = blueprints().get(description.id)
        if blueprint is None:
            raise CallRefused(f"blueprint '{description.id[:80]}': unknown to this server")
        if description.id.startswith(CAMERAS):
            raise CallRefused(
                f"{description.id}: this server has no renderer; cameras (rgb, depth, segmentation and the like) are "
                "refused, never faked. Lidar and radar are there; for pictures use CARLA itself"
            )
        if len(self.rows) >= MOST_ACTORS:
            raise CallRefused(f"there are {MOST_ACTORS} actors already, more are refused")
        description = describe_actor(blueprint, description)
        holder = self.actor(parent) if parent else None
        where = inside(self.rows.transform(holder), place) if holder else place
        number = self._next_id
        token = self.token(number) if blueprint.sensor else b""
        info = ActorInfo(number, parent, description, box_of(blueprint), self._tags(blueprint), token)
        actor = ServerActor(info, blueprint.kind, blueprint, place=place if holder else None)
        actor.attributes = {item.id: item.value for item in description.attributes}
        car = None
        if blueprint.kind is Kind.VEHICLE:
            actor.physics = default_physics(blueprint)
            car = car_row(actor.physics, blueprint.size)
        self._number()
        self.rows.add(actor, where, car)
        rows = self.rows
        if blueprint.kind in (Kind.VEHICLE, Kind.WALKER) and holder is None and not anyway:
            if overlapping(rows.pose, rows.box, rows.kinds, rows.flags, actor.row) >= 0:
                rows.remove({number})
                raise CallRefused("Spawn failed because of collision at spawn position")
        elif holder is not None:
            rows.flags[actor.row] = False  # carried: nothing moves it or bumps into it
        return info

    def destroy(self, number: int) -> bool:
        """Take an actor out, with all that is attached to it; False where it is not there or belongs to the map."""
        actor = self.rows.by_id.get(number)
        if actor is None or actor.kind in (Kind.LIGHT, Kind.SIGN) or number == self.spectator:
            return False
        gone = {number}
        for other in self.rows.attached:  # in the order of the ids: parents first
            if other.info.parent_id in gone:
                gone.add(other.id)
        self.rows.remove(gone)
        return True

    def infos(self, numbers: tuple[int, ...]) -> list[ActorInfo]:
        """What is fixed of those of these actors that are there."""
        known = self.rows.by_id
        return [known[number].info for number in numbers if number in known]

    def token(self, stream: int) -> bytes:
        """Where to listen to a stream: the client asks the host that it is connected to."""
        record = np.zeros(1, self.layout.token)
        record["stream_id"], record["port"], record["protocol"] = stream, self._port, 1
        return record.tobytes()

    # --- inside ---------------------------------------------------------------------------------------------------

    def _number(self) -> int:
        self._next_id += 1
        return self._next_id - 1

    def _add(self, actor: ServerActor, place: Transform) -> None:
        self.rows.add(actor, place, None)

    def _tags(self, blueprint: Blueprint) -> bytes:
        if blueprint.label == "Any":
            return b""
        labels = self.layout.enums["CityObjectLabel"]
        return bytes([labels[blueprint.label]])
