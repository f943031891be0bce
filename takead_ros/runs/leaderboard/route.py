"""A leaderboard's route as an episode: the world goes on by itself, and is looked at once a tick."""

from __future__ import annotations

from typing import Any

from takead_ros.domain.geometry import box_corners
from takead_ros.domain.scene import EgoState, Objects, Scene
from takead_ros.maps.lanemap import LaneMap
from takead_ros.maps.opendrive import read_town
from takead_ros.maps.roads import LanePath, OpenDriveMap
from takead_ros.measures.episode_log import End, EpisodeLog
from takead_ros.scenarios.spec import Ability, Scenario
from takead_ros.simulators.episode_recorder import EpisodeRecorder
from takead_ros.vehicles.carla.actors import (
    ActorObjects,
    chassis_of,
    ego_from_actor,
    light_states,
    place_lights,
    waypoints_of,
)
from takead_ros.vehicles.carla.control import PedalParameters, steering_share
from takead_ros.vehicles.carla.surroundings import Surroundings

FAMILY = "leaderboard"
ARRIVED = 10.0  # m before the route's end, where RouteCompletionTest of ScenarioRunner lets a route be complete
TIME_LIMIT = 10000.0  # s, the evaluator's own: it ends routes by rules of its own long before
UNLIMITED = 100.0  # m/s, told where a map has no limits


class LeaderboardEpisode:
    """The drive of ``vehicle`` (the hero) along ``plan`` in ``world``; see ``simulators.api.Episode``.

    plan: the evaluator's dense plan, (carla.Transform, RoadOption) pairs. ``look`` is to be called once a tick, before
    the drive's nodes take their step. What the ego is told comes from the world's actors: privileged, no sensor.
    Raises TakeadError for a map, a route or a vehicle that cannot be used.
    """

    def __init__(self, world: Any, vehicle: Any, plan: Any, seed: int, step_s: float, pedals: PedalParameters) -> None:
        self.step_s, self._world, self._vehicle, self._pedals = step_s, world, vehicle, pedals
        carla_map = world.get_map()
        name, text = carla_map.name.split("/")[-1], carla_map.to_opendrive()
        self._surroundings = Surroundings(name, text)
        self._surroundings.follow(waypoints_of(plan))
        self._lights = list(world.get_actors().filter("traffic.traffic_light*"))
        place_lights(self._surroundings, self._lights)
        self._lane_map = LaneMap(list(read_town(name, text).lanes), None)
        self._chassis, self._others = chassis_of(vehicle), ActorObjects()
        self.scenario = Scenario(
            family=FAMILY,
            seed=seed,
            ability=Ability.MIXED,
            roads=OpenDriveMap(name),
            route=LanePath((), ()),
            start=0.0,
            goal=0.0,
            speed=0.0,
            speed_limit=self._first_limit(),
            time_limit=TIME_LIMIT,
            actors=(),
        )
        self._recorder = EpisodeRecorder(self.scenario, step_s)
        self._tick, self._end = 0, End.RUNNING
        self._ego: EgoState | None = None
        self.look()
        self._record()

    def _first_limit(self) -> float:
        planned = self._surroundings.planned
        limits = [] if planned is None else [limit for limit in planned.limits if limit > 0.0]  # NaN is not
        return float(limits[0]) if limits else UNLIMITED

    @property
    def time_s(self) -> float:
        """s since the start of the episode."""
        return self._tick * self.step_s

    @property
    def done(self) -> bool:
        """Whether the route's end has been reached: the evaluator ends the rest."""
        return self._end is not End.RUNNING

    @property
    def ego(self) -> EgoState:
        """The ego at the last look."""
        assert self._ego is not None
        return self._ego

    def look(self) -> None:
        """Read the world as it is now."""
        self._ego = ego_from_actor(
            self._vehicle, self._chassis, self._ego, self.step_s, lambda speed: steering_share(speed, self._pedals)
        )
        height = self._vehicle.get_location().z
        self._objects: Objects = self._others.read(self._world.get_actors(), self._vehicle.id, height)
        self._scene = self._surroundings.scene(0, self._ego, self._objects, light_states(self._lights), 0.0)

    def step(self, steering_angle: float, acceleration: float) -> None:
        """The world has gone on by what was commanded last; this notes how."""
        self._tick += 1
        navigation = self._surroundings.navigation
        assert navigation is not None
        self._recorder.find_contacts(self.ego, self._objects, navigation.s)
        self._record()
        if navigation.goal - navigation.s <= ARRIVED:
            self._end = End.GOAL

    def observe(self, stamp: int | None = None) -> Scene:
        """The scene at the last look; ``stamp`` is the host's to set."""
        return self._scene

    def outcome(self) -> EpisodeLog:
        """The drive so far; RUNNING where the evaluator ended it before the route's end."""
        return self._recorder.log(self._end)

    def verdict(self) -> dict[str, float] | None:
        """The evaluator's own measures are in its statistics file."""
        return None

    def _record(self) -> None:
        ego, navigation = self.ego, self._surroundings.navigation
        assert navigation is not None
        corners = box_corners(ego.x, ego.y, ego.yaw, ego.length, ego.width)  # type: ignore[arg-type]
        off_road = float(self._lane_map.beyond(corners).max())
        self._recorder.record(ego, navigation, off_road, self._objects, self._scene.controls)
