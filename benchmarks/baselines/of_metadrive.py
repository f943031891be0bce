"""MetaDrive's own drivers, with the navigation and the observation that they were made for."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import numpy as np

from benchmarks.baselines.in_lane import Command, Driver
from takead_ros.maps.roads import Roads
from takead_ros.simulators import Episode
from takead_ros.simulators.metadrive.blocks import node_name
from takead_ros.simulators.metadrive.episode import MetaDriveEpisode

# MetaDrive's default vehicle, for which its drivers' pedals are meant: four wheels, 1100 kg, physics steps of 20 ms
FULL_THROTTLE = 4 * 800.0 / 1100.0  # m/s^2
FULL_BRAKE = 4 * 150.0 / 1100.0 / 0.02  # m/s^2; more than the tyres hold, as there
FULL_LOCK = math.radians(40.0)


def _vehicle(episode: MetaDriveEpisode) -> Any:
    """MetaDrive's ego, given the navigation to the scenario's destination that its own environment would give it."""
    from metadrive.component.navigation_module.node_network_navigation import NodeNetworkNavigation

    ego, scenario = episode.ego_body, episode.scenario
    assert isinstance(scenario.roads, Roads)
    nodes = [node_name(node, scenario.roads) for node in scenario.route.nodes]
    ego.config["navigation_module"] = NodeNetworkNavigation
    ego.add_navigation()
    lane = ego.navigation.map.road_network.get_lane((nodes[0], nodes[1], scenario.route.lanes[0]))
    ego.navigation._current_lane = lane
    ego.navigation.set_route(lane.index, nodes[-1])
    ego.navigation.update_localization(ego)
    ego.update_dist_to_left_right()
    return ego


def _pedals(action: Any) -> Command:
    steering, pedal = (float(np.clip(value, -1.0, 1.0)) for value in action)
    return steering * FULL_LOCK, pedal * (FULL_THROTTLE if pedal >= 0.0 else FULL_BRAKE)


def metadrive_idm(episode: Episode) -> Driver:
    from metadrive.component.static_object.traffic_object import TrafficObject
    from metadrive.component.vehicle.base_vehicle import BaseVehicle
    from metadrive.policy.idm_policy import IDMPolicy
    from metadrive.utils.pg.utils import ray_localization

    assert isinstance(episode, MetaDriveEpisode)
    ego = _vehicle(episode)
    policy = IDMPolicy(ego, episode.scenario.seed)
    metadrive_bodies = episode.bodies

    def drive(episode: Episode) -> Command:
        # it asks every vehicle and object for its lane, which MetaDrive's own traffic knows and scripted bodies do not
        bodies = list(metadrive_bodies.values())
        for body in bodies:
            lanes = ray_localization(body.heading, body.position, body.engine)
            lane = lanes[0][0] if lanes else None
            if isinstance(body, BaseVehicle):
                body.navigation = SimpleNamespace(current_lane=lane)
            elif isinstance(body, TrafficObject):
                body.lane = lane
        command = _pedals(policy.act())
        for body in bodies:
            if isinstance(body, BaseVehicle):
                body.navigation = None
        return command

    return drive


def metadrive_ppo(episode: Episode) -> Driver:
    from metadrive.examples.ppo_expert.numpy_expert import expert

    assert isinstance(episode, MetaDriveEpisode)
    ego = _vehicle(episode)
    heading = ego.heading
    shared = ego.engine.global_config["vehicle_config"]
    shared["navigation_module"] = ego.config["navigation_module"]  # its observation is laid out by this at first use
    expert(ego, deterministic=True)
    shared["navigation_module"] = None

    def drive(episode: Episode) -> Command:
        nonlocal heading
        ego.last_heading_dir = heading  # its yaw rate is the turn since the last decision, over 0.1 s
        heading = ego.heading
        return _pedals(expert(ego, deterministic=True))

    return drive
