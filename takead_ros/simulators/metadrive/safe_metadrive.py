"""MetaDrive's own SafeMetaDriveEnv as the human-in-the-loop literature uses it: its maps, traffic, physics and verdict.

Protocol (PVP, Peng et al., NeurIPS 2023; PPL, Cai et al., 2025): SafeMetaDriveEnv with traffic density 0.06, accident
probability 0.8, horizon 1500 steps of 0.1 s; leaving the road or the route ends an episode, a crash costs 1 per step
and does not. Training on maps 100 to 149, evaluation on held-out maps from 1000 on.

What is added changes nothing there: objects are never reused (``force_destroy``; reuse lets two runs drift apart),
maps are not kept, nothing is rendered and nobody computes MetaDrive's lidar observation, which our nodes do not read.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np

from takead_ros.domain.errors import TakeadError
from takead_ros.domain.scene import FloatArray, ObjectKind, Objects
from takead_ros.maps.lanemap import JOINED, Lane
from takead_ros.maps.roads import LanePath
from takead_ros.measures.episode_log import End
from takead_ros.scenarios.spec import DIMENSIONS, KINDS, Model, Scenario
from takead_ros.simulators.episode import RouteEpisode, VehicleState
from takead_ros.simulators.metadrive.blocks import read_network
from takead_ros.simulators.metadrive.environment import EGO, OnlyEnvironment, quiet, vehicle_state

MAPS = 2_000_000  # MetaDrive wants to know how many there may be; a map is a function of its number alone
STEP = 0.1  # s, five physics steps of MetaDrive's own 0.02 s
PHYSICS_STEP = 0.02  # s
ARRIVED = 5.0  # m before the end of the route at which MetaDrive counts it as done
LANES = 3  # of these roads, in each direction
SHORT = 40.0  # m of an edge below which a change of lane is the last resort


def _make_environment() -> Any:
    from metadrive.envs.safe_metadrive_env import SafeMetaDriveEnv
    from metadrive.obs.observation_base import DummyObservation

    class Environment(SafeMetaDriveEnv):  # type: ignore[misc]
        def _is_out_of_road(self, vehicle: Any) -> bool:
            """As the published environments have it: off the lanes, on a pavement, or off the route."""
            return bool((not vehicle.on_lane) or vehicle.crash_sidewalk or vehicle.out_of_route)

    return Environment(
        {
            "out_of_route_done": True,
            "traffic_density": 0.06,
            "cost_to_reward": True,
            "horizon": 1500,
            "start_seed": 0,
            "num_scenarios": MAPS,
            "agent_observation": DummyObservation,
            "force_destroy": True,
            "store_map": False,
            "log_level": logging.CRITICAL,
        }
    )


class SafeMetaDriveEpisode(RouteEpisode):
    """One episode of SafeMetaDriveEnv: MetaDrive decides who else drives and when it ends, and has placed the ego.

    For tests: ``environment`` (MetaDrive's own) and ``destination``."""

    def __init__(self, environment: Any, info: dict[str, Any], scenario: Scenario, lanes: list[Lane]) -> None:
        super().__init__(scenario, lanes, STEP, EGO)
        self.environment, self._info = environment, info
        self._body = environment.agent
        self._cost, self._reward, self._terminated, self._truncated = 0.0, 0.0, False, False
        self._ids: dict[str, int] = {}
        self.navigation.update(*self.navigation.path.at(scenario.start))
        self._start()

    @property
    def destination(self) -> FloatArray:
        """Where MetaDrive's own navigation ends: the end (2,) m of its last lane's centre line, in ``map``."""
        lane = self._body.navigation.final_lane
        return np.array(lane.position(lane.length, 0.0))

    def verdict(self) -> dict[str, float] | None:
        """success (arrive_dest, 0 or 1), cost and reward summed over the episode, route_completion 0..1."""
        return {
            "success": float(self._info["arrive_dest"]),
            "cost": self._cost,
            "reward": self._reward,
            "route_completion": float(self._info["route_completion"]),
        }

    def _drive(self, steering: float, acceleration: float) -> None:
        """One step of 0.1 s; the acceleration is turned into MetaDrive's pedals."""
        action = [steering / EGO.max_steering_angle, self._pedal(acceleration)]
        _, reward, self._terminated, self._truncated, self._info = self.environment.step(action)
        self._cost += float(self._info["cost"])
        self._reward += float(reward)

    def _pedal(self, acceleration: float) -> float:
        """Throttle (positive) or brake (negative), by MetaDrive's forces on four wheels; no throttle at all brakes."""
        ego, config = self._body, self._body.config
        if acceleration >= 0.0:
            return float(max(min(acceleration * ego.MASS / (4.0 * config["max_engine_force"]), 1.0), 1e-4))
        return float(max(acceleration * ego.MASS * PHYSICS_STEP / (4.0 * config["max_brake_force"]), -1.0))

    def _vehicle_state(self) -> VehicleState:
        return vehicle_state(self._body)

    def _objects(self) -> Objects:
        """All of MetaDrive's vehicles and objects but the ego, numbered by the order of their creation."""
        from metadrive.component.static_object.traffic_object import TrafficCone, TrafficObject, TrafficWarning
        from metadrive.component.vehicle.base_vehicle import BaseVehicle
        from metadrive.component.vehicle.vehicle_type import XLVehicle

        models = {TrafficCone: Model.CONE, TrafficWarning: Model.WARNING}
        rows: list[tuple[float, ...]] = []
        for name, body in self.environment.engine.get_objects().items():
            if body is self._body or not isinstance(body, (BaseVehicle, TrafficObject)):
                continue
            number = self._ids.setdefault(name, len(self._ids) + 1)
            if isinstance(body, BaseVehicle):
                kind = ObjectKind.TRUCK if isinstance(body, XLVehicle) else ObjectKind.CAR
                size = (body.LENGTH, body.WIDTH)
            else:
                model = models.get(type(body), Model.BARRIER)
                kind, size = KINDS[model], DIMENSIONS[model]
            rows.append((number, int(kind), *body.position, body.heading_theta, *body.velocity, *size))
        table: FloatArray = np.array(rows, dtype=float).reshape(-1, 9)
        x, y, yaw, vx, vy, length, width = table[:, 2:].T
        number, kind = table[:, :2].astype(np.int64).T
        return Objects(number, kind, x, y, yaw, vx, vy, length, width, np.ones(len(table)))

    def _wreck(self, ids: list[int]) -> None:
        """Nothing: MetaDrive's physics and its traffic decide what comes of a crash."""

    def _ending(self) -> End:
        """MetaDrive's own verdict."""
        if self._terminated:
            return End.GOAL if self._info["arrive_dest"] else End.ROUTE_DEVIATION
        return End.TIME_LIMIT if self._truncated else End.RUNNING


class SafeMetaDriveScenarios:
    """Plays the scenarios of SafeMetaDriveEnv in one environment, at its own step of 0.1 s whatever is asked for."""

    def __init__(self, _: float) -> None:
        self._only = OnlyEnvironment(_make_environment)

    def begin(self, scenario: Scenario, offset_m: float, turn_rad: float) -> SafeMetaDriveEpisode:
        """Builds the map, and the route as MetaDrive has it: from where the ego spawns to the destination.

        Raises TakeadError for an ego that is to begin elsewhere: MetaDrive places it.
        """
        if offset_m or turn_rad:
            raise TakeadError(
                f"scenario {scenario.family}: ego {offset_m} m beside its route, turned by {turn_rad} rad; "
                "expected 0, 0: MetaDrive places it"
            )
        environment, index = self._only.environment, scenario.roads.index  # type: ignore[union-attr]
        with quiet():
            environment.lazy_init()
            environment.engine.map_manager.maps = {index: None}  # not a place for each map that there may be
            _, info = environment.reset(seed=index)
        vehicle = environment.agent
        lane = vehicle.lane
        lanes = read_network(environment.current_map.road_network, LANES)
        route = _route(lanes, tuple(vehicle.navigation.checkpoints), int(lane.index[2]))
        start, _ = lane.local_coordinates(vehicle.position)
        length = sum(next(x.length for x in lanes if x.key == key) for key in route.keys)
        built = replace(scenario, route=route, start=float(start), goal=length - ARRIVED)
        return SafeMetaDriveEpisode(environment, info, built, lanes)

    def close(self) -> None:
        """Gives the environment back."""
        self._only.close()


def _route(lanes: list[Lane], nodes: tuple[str, ...], first: int) -> LanePath:
    """The lanes along ``nodes`` from lane ``first`` of the first edge that need the fewest changes of lane, late ones
    rather than early ones on edges that are long enough."""
    edges = [[lane for lane in lanes if lane.key[:2] == edge] for edge in pairwise(nodes)]
    # cost of being on a lane at the end of an edge, and from which lane of the edge before
    costs = {(0, lane.key[2]): abs(lane.key[2] - first) * _change(edges[0]) for lane in edges[0]}
    came: dict[tuple[int, int], int] = {}
    for i in range(1, len(edges)):
        for lane in edges[i]:
            best: tuple[float, int] | None = None
            for before in edges[i - 1]:
                enters = _continued(before, edges[i])
                if (i - 1, before.key[2]) in costs and enters is not None:
                    cost = costs[(i - 1, before.key[2])] + abs(enters - lane.key[2]) * _change(edges[i])
                    if best is None or cost < best[0]:
                        best = (cost, before.key[2])
            if best is not None:
                costs[(i, lane.key[2])], came[(i, lane.key[2])] = best
    last = len(edges) - 1
    lane_now = min((cost, index) for (edge, index), cost in costs.items() if edge == last)[1]
    chosen = [lane_now]
    for i in range(last, 0, -1):
        chosen.insert(0, came[(i, chosen[0])])
    return LanePath(nodes, tuple(chosen))


def _change(edge: list[Lane]) -> float:
    """What a change of lane costs on an edge."""
    return 1.0 if edge[0].length >= SHORT else 10.0


def _continued(lane: Lane, edge: list[Lane]) -> int | None:
    """The lane of the next edge that goes on where ``lane`` ends, if there is one."""
    gaps = [float(np.hypot(*(other.center[0] - lane.center[-1]))) for other in edge]
    nearest = int(np.argmin(gaps))
    return edge[nearest].key[2] if gaps[nearest] < JOINED else None
