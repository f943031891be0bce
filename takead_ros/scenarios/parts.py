"""What families share: random draws, approach roads, ambient traffic, fair time limits."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from takead_ros.maps.road_builder import RoadBuilder
from takead_ros.maps.roads import LanePath
from takead_ros.scenarios.draws import Rng, chance, choose, uniform
from takead_ros.scenarios.spec import Actor, Model, Phase, When

CARS = (Model.CAR_S, Model.CAR_M, Model.CAR_L)
SPEED_LIMITS = (9.7, 11.1, 12.5, 13.9)  # m/s
IN_LANE = 1.3  # m from the lane's centre at which a person is in the ego's way
FRICTION_BUDGET = 2.5  # m/s^2 of lateral acceleration that a road's bends are laid out for


def approach(
    rng: Rng, lanes: int, limit: float, arm: float = 35.0, entry: tuple[float, float] = (45.0, 70.0), bend: float = 0.5
) -> RoadBuilder:
    """A first straight and, with probability ``bend``, a curve that ``limit`` m/s can be driven through."""
    builder = RoadBuilder(lanes, choose(rng, (3.25, 3.5, 3.75)), uniform(rng, *entry), arm)
    if chance(rng, bend):
        radius = max(limit**2 / FRICTION_BUDGET, 25.0) * uniform(rng, 1.0, 2.0)
        angle = min(uniform(rng, 15.0, 60.0), 60.0 / radius * 57.3)
        builder.curve(radius, angle, chance(rng, 0.5), uniform(rng, 15.0, 30.0))
    return builder


def arrival(distance: float, speed: float, limit: float, bend: float = math.inf) -> float:
    """s in which who minds nobody drives ``distance`` m from ``speed`` m/s on: gathering speed with 2 m/s^2 up to
    ``limit``, and slowing with 2 m/s^2 to ``bend`` m/s at its end."""
    way = np.linspace(0.0, distance, 201)
    pace = np.minimum(np.sqrt(speed**2 + 4.0 * way), limit)
    slowness = 1.0 / np.minimum(pace, np.sqrt(bend**2 + 4.0 * (distance - way)))
    return float(((slowness[1:] + slowness[:-1]) / 2.0 * np.diff(way)).sum())


def time_limit(length: float, limit: float, waiting: float = 0.0) -> float:
    """Twice what a calm driver needs (70 % of the limit), some seconds to get going, twice any wait; s."""
    return round(2.0 * (length / (0.7 * limit) + waiting) + 5.0, 1)


def car(
    rng: Rng,
    path: LanePath,
    s: float,
    speed: float,
    cruise: float | None = None,
    phases: tuple[Phase, ...] = (),
    model: Model | None = None,
    braking: float = 7.5,
    headway: float = 1.3,
) -> Actor:
    """A car that minds what is ahead of it."""
    model = model or choose(rng, CARS)
    return Actor(
        model, path, s, speed=speed, cruise=cruise, phases=phases, reactive=True, braking=braking, headway=headway
    )


def oncoming(rng: Rng, path: LanePath, start: float, speed: float, count: int) -> list[Actor]:
    """``count`` reactive cars on ``path``, the first at ``start`` m, the others 2 to 6 s behind it."""
    cars, s = [], start
    for _ in range(count):
        if s < 1.0:
            break
        cars.append(car(rng, path, s, speed * uniform(rng, 0.9, 1.05), cruise=speed))
        s -= max(speed * uniform(rng, 2.0, 6.0), 12.0)
    return cars


def follower(rng: Rng, path: LanePath, ego_s: float, speed: float, limit: float) -> list[Actor]:
    """A car behind the ego that keeps its distance, if there is room on the road for it."""
    s = ego_s - max(uniform(rng, 1.6, 2.6) * speed, 9.0) - 4.6
    return [car(rng, path, s, speed, cruise=limit)] if s > 2.5 else []


def plain_pedestrian(rng: Rng, path: LanePath, s: float, begin: float, end: float, limit: float) -> Actor:
    """Walks on in plain view, from lateral ``begin`` m or further away, to ``end`` m, and is in the lane just before a
    driver at ``limit`` m/s who waits for that before braking; who watches can react in 0.5 s and brake with 6 m/s^2."""
    walking = uniform(rng, 1.1, 2.6)
    seen = 0.5 + limit / 12.0 + uniform(rng, 0.2, 0.6)
    begin = min(begin, -IN_LANE - walking * seen) if begin < 0.0 else max(begin, IN_LANE + walking * seen)
    return crossing_pedestrian(path, s, begin, end, walking, (abs(begin) - IN_LANE) / walking + uniform(rng, 0.1, 0.6))


def straggler(rng: Rng, builder: RoadBuilder, lane: int, s: float, limit: float) -> Actor:
    """Someone in plain view who walks over the whole road at ``s`` m, from either side, lets the car before the ego in
    ``lane`` go by, waiting in the road if need be, and then walks on like ``plain_pedestrian``."""
    width, lanes = builder.lane_width, builder.lanes
    right, left = -(lanes - lane - 0.5) * width - 1.2, (lanes + lane + 0.5) * width + 1.2
    begin, end = (right, left) if chance(rng, 0.6) else (left, right)
    person = plain_pedestrian(rng, builder.route(lane), s, math.copysign(IN_LANE, begin), end, limit)
    if abs(person.lateral) > abs(begin):
        return person
    walking = person.phases[0].lateral_speed
    first = Phase(When.EGO_GAP, 70.0, lateral=person.lateral, lateral_speed=walking)
    return replace(person, lateral=begin, phases=(first, *person.phases))


def parked_van(rng: Rng, path: LanePath, at: float, kerb: float, speed: float, end: float) -> list[Actor]:
    """A van parked at the kerb, ``kerb`` m right of the path, and someone behind it who steps out."""
    van = Actor(Model.VAN, path, at, lateral=-(kerb + uniform(rng, 0.9, 1.1)))
    out = at + van.length / 2.0 + uniform(rng, 0.5, 1.0)
    hidden = -(kerb + uniform(rng, 1.4, 1.9))
    return [van, hidden_pedestrian(rng, path, out, hidden, end, speed)]


def hidden_pedestrian(rng: Rng, path: LanePath, s: float, begin: float, end: float, speed: float) -> Actor:
    """Walks from lateral ``begin`` m (out of sight) to ``end`` m, and is in the lane when 9 m/s^2 do not suffice any
    more for who passes at ``speed`` m/s. Who passes at up to 5 m/s can react in 0.5 s and brake with 6 m/s^2."""
    walking = uniform(rng, 1.2, 2.2)
    too_near = uniform(rng, 0.4, 0.65) * speed**2 / 18.0
    gap = too_near + speed * (abs(begin) - IN_LANE) / walking
    step_out = Phase(When.EGO_GAP, gap, lateral=end, lateral_speed=walking)
    return Actor(
        Model.PEDESTRIAN, path, s, lateral=begin, phases=(step_out,), yaw_offset=1.57 if end > begin else -1.57
    )


def crossing_pedestrian(path: LanePath, s: float, begin: float, end: float, walking: float, arrival: float) -> Actor:
    """Walks across the path at ``s`` m from lateral ``begin`` to ``end`` m once the ego is ``arrival`` s away."""
    step_out = Phase(When.EGO_ARRIVAL, arrival, lateral=end, lateral_speed=walking)
    return Actor(
        Model.PEDESTRIAN, path, s, lateral=begin, phases=(step_out,), yaw_offset=1.57 if end > begin else -1.57
    )
