"""A scenario of this project played through CARLA's API: its map, its road users and lights, and an ego for a client.

The scripted ones are moved by the scenario's own rules, as in every simulator here; the vehicle with the role ``hero``
is whoever's client takes it.
"""

from __future__ import annotations

import math

from takead_ros.domain.scene import ControlKind, EgoState, LightState
from takead_ros.maps.lanemap import LaneMap
from takead_ros.maps.navigation import navigate
from takead_ros.scenarios.road_users import RoadUsers
from takead_ros.scenarios.signals import Signals
from takead_ros.scenarios.spec import Model, Scenario
from takead_ros.simulators.carla_server import actor_commands
from takead_ros.simulators.carla_server.array_columns import BOX_Z, FORWARD, HALF_Z, PHYSICS
from takead_ros.simulators.carla_server.blueprints import STRING
from takead_ros.simulators.carla_server.lights import GREEN, OFF, RED, YELLOW
from takead_ros.simulators.carla_server.opendrive_export import RoadSignal, opendrive
from takead_ros.simulators.carla_server.server_world import ServerWorld
from takead_ros.simulators.carla_server.values import (
    ActorAttributeValue,
    ActorDescription,
    Rotation,
    Transform,
    Vector3D,
)
from takead_ros.simulators.layout import lay_out

EGO = "vehicle.lincoln.mkz_2017"
BODIES = {
    Model.CAR_S: "vehicle.seat.leon", Model.CAR_M: "vehicle.toyota.prius", Model.CAR_L: "vehicle.lincoln.mkz_2017",
    Model.VAN: "vehicle.mercedes.sprinter", Model.PEDESTRIAN: "walker.pedestrian.0001",
    Model.CYCLIST: "vehicle.gazelle.omafiets", Model.CONE: "static.prop.trafficcone01",
    Model.WARNING: "static.prop.warningconstruction", Model.BARRIER: "static.prop.streetbarrier",
}  # fmt: skip
_STATES = {
    LightState.GREEN: GREEN,
    LightState.YELLOW: YELLOW,
    LightState.RED: RED,
    LightState.UNKNOWN: OFF,
}
EMERGENCY = "vehicle.ford.ambulance"
_SIGNS = {ControlKind.STOP_SIGN: "206", ControlKind.YIELD_SIGN: "205"}


class Script:
    """One scenario, from its first moment on. Frames of the scenario (y to the left) become CARLA's at this border."""

    def __init__(self, scenario: Scenario) -> None:
        lanes, self.scenario = lay_out(scenario)
        self.lane_map = LaneMap(lanes, self.scenario.speed_limit)
        self._restart()

    def _restart(self) -> None:
        told = self.scenario
        self._users = RoadUsers(told, self.lane_map)
        self._navigation = navigate(self.lane_map, told.route, told.start, told.goal, told.speed_limit)
        self._signals = Signals(told.controls, self._navigation.path)
        self._time = 0.0

    def opendrive(self) -> str:
        """The scenario's map with its lights and signs, and the speed limit at the beginning of the route."""
        route = self.scenario.route
        edges = self.lane_map.edges(route)

        def place(s: float) -> tuple[int, float]:
            i = next((i for i, edge in enumerate(edges) if s <= edge.high), len(edges) - 1)
            return i, s - edges[i].low

        signals = []
        for control in self.scenario.controls:
            i, s = place(control.s)
            light = control.kind is ControlKind.TRAFFIC_LIGHT
            kind = "1000001" if light else _SIGNS.get(control.kind, "206")
            signals.append(
                RoadSignal(route.keys[i], min(s, self.lane_map.lanes[route.keys[i]].length), kind, -1.0, light)
            )
        for s, limit in ((self.scenario.start + 5.0, self.scenario.speed_limit), *self.scenario.limits):
            i, s = place(s)
            signals.append(RoadSignal(route.keys[i], s, "274", 3.6 * limit))
        return opendrive(self.scenario.family, self.lane_map, signals)

    def begin(self, world: ServerWorld) -> None:
        """A new episode: the ego, and who is there at first."""
        self._restart()
        x, y, yaw = self._navigation.path.at(self.scenario.start)
        self._ego = world.spawn(_described(EGO, "hero"), _place(x, y, yaw, 0.0), anyway=True).id
        speed = self.scenario.speed
        actor_commands.set_velocity(world, self._ego, Vector3D(speed * math.cos(yaw), -speed * math.sin(yaw), 0.0))
        self._cast: dict[int, int] = {}  # ids of those that are in the world, by their places in the scenario
        world.lights.frozen = True
        for i, control in enumerate(self.scenario.controls):
            self._show(world, i, control.state)
        self._move(world)

    def step(self, world: ServerWorld, dt: float) -> None:
        """On by ``dt`` s; without the ego everything stands."""
        actor = world.rows.by_id.get(self._ego)
        if actor is None:
            return
        x, y, _, _, yaw, _ = world.rows.pose[actor.row].tolist()
        speed = float(world.rows.drive[actor.row, FORWARD])
        length, width, _ = (2.0 * world.rows.box[actor.row, 3:]).tolist()
        ego = EgoState(x, -y, -math.radians(yaw), speed, length=length, width=width)
        self._navigation.update(ego.x, ego.y, ego.yaw)
        places = {number: i for i, number in self._cast.items()}
        for contact in world.contacts:
            if self._ego in (contact.first, contact.second):
                hit = places.get(contact.second if contact.first == self._ego else contact.first)
                if hit is not None:
                    self._users.wreck(hit)
        self._users.come_and_go(ego, self._navigation.s, self._time)
        self._users.advance(ego, self._navigation, self._signals, self._time, dt)
        self._time += dt
        self._signals.advance(self._time, self._navigation.s, speed, length / 2.0)
        for control in self._signals.around(self._navigation.s, length / 2.0):
            self._show(world, control.id - 1, control.state)
        self._move(world)

    def _show(self, world: ServerWorld, control: int, state: LightState) -> None:
        """A light as the scenario has it; the signals' ids are the controls' places plus 1."""
        for i, signal in enumerate(world.lights.signals):
            if signal.signal_id == str(control + 1) and world.lights.states[i] != _STATES[state]:
                world.lights.set_state(i, _STATES[state])

    def _move(self, world: ServerWorld) -> None:
        """Everybody to where the scenario has them; who is not there is not in the world."""
        for i, pose in enumerate(self._users.poses):
            number = self._cast.get(i)
            if pose is None:
                if number is not None:
                    world.destroy(self._cast.pop(i))
                continue
            x, y, yaw, vx, vy = pose
            if number is None or number not in world.rows.by_id:
                actor = self.scenario.actors[i]
                name = EMERGENCY if actor.emergency else BODIES[actor.model]
                number = world.spawn(_described(name, "scenario"), _place(x, y, yaw, 0.0), anyway=True).id
                actor_commands.set_flag(world, number, PHYSICS, False)
                self._cast[i] = number
            row = world.rows.by_id[number].row
            height = float(world.rows.box[row, HALF_Z] - world.rows.box[row, BOX_Z])
            world.rows.put(world.rows.actors[row], _place(x, y, yaw, height))
            world.rows.velocity[row] = vx, -vy, 0.0


def _described(name: str, role: str) -> ActorDescription:
    return ActorDescription(0, name, (ActorAttributeValue("role_name", STRING, role),))


def _place(x: float, y: float, yaw: float, z: float) -> Transform:
    return Transform(Vector3D(x, -y, z), Rotation(0.0, -math.degrees(yaw), 0.0))
