"""Families about people and cyclists who come onto the road away from junctions."""

from __future__ import annotations

from dataclasses import replace

from takead_ros.scenarios.draws import chance, choose, uniform
from takead_ros.scenarios.family import Case, Setting, family
from takead_ros.scenarios.parts import (
    SPEED_LIMITS,
    approach,
    follower,
    oncoming,
    parked_van,
    plain_pedestrian,
    time_limit,
)
from takead_ros.scenarios.spec import Ability, Actor, Model, Phase, Scenario, When


@family(Ability.EMERGENCY_BRAKE, Setting.STREET)
def pedestrian_crossing(case: Case) -> Scenario:
    """One to three people cross from either side, in plain view. Without threat they stay on the kerb."""
    rng = case.rng
    limit = choose(rng, SPEED_LIMITS[:3])
    lanes = choose(rng, (1, 2))
    threat = chance(rng, 0.88)
    builder = approach(rng, lanes, limit)
    straight_from = builder.length
    builder.straight(uniform(rng, 110.0, 130.0))
    route = builder.route(lanes - 1)
    start = uniform(rng, 28.0, 36.0)
    speed = limit * uniform(rng, 0.8, 0.95)
    at = straight_from + uniform(rng, 30.0, 55.0)
    half = builder.lane_width / 2.0
    right, left = -half - 1.2, half + (2 * lanes - 1) * builder.lane_width + 1.2
    actors: list[Actor] = []
    for i in range(choose(rng, (1, 2, 3))):
        begin, end = (right, left) if chance(rng, 0.6) else (left, right)
        walker = plain_pedestrian(rng, route, at + 1.3 * i, begin, end, limit)
        actors.append(walker if threat else replace(walker, phases=()))
    actors += follower(rng, route, start, speed, limit)
    actors += oncoming(rng, builder.against(0), builder.length - start - uniform(rng, 60.0, 110.0), limit, 2)
    goal = builder.length - 20.0
    return case.scenario(
        roads=builder.build(),
        route=route,
        start=start,
        goal=goal,
        speed=speed,
        speed_limit=limit,
        time_limit=time_limit(goal - start, limit, 6.0),
        actors=actors,
        threat=threat,
    )


@family(Ability.EMERGENCY_BRAKE, Setting.STREET)
def cyclist_crossing(case: Case) -> Scenario:
    """Someone rides fast across the road from a side path. Without threat the rider waits."""
    rng = case.rng
    limit = choose(rng, SPEED_LIMITS[:3])
    threat = chance(rng, 0.88)
    builder = approach(rng, 1, limit)
    straight_from = builder.length
    builder.straight(uniform(rng, 110.0, 130.0))
    route = builder.route(0)
    start = uniform(rng, 28.0, 36.0)
    speed = limit * uniform(rng, 0.8, 0.95)
    at = straight_from + uniform(rng, 30.0, 55.0)
    riding = uniform(rng, 3.0, 5.5)
    begin, end = (-9.0, 13.0) if chance(rng, 0.6) else (12.0, -10.0)
    phases: tuple[Phase, ...] = ()
    if threat:
        arrival = max((abs(begin) - 1.3) / riding + uniform(rng, 0.1, 0.6), 0.6 + limit / 12.0)
        phases = (Phase(When.EGO_ARRIVAL, arrival, lateral=end, lateral_speed=riding),)
    actors = [
        Actor(Model.CYCLIST, route, at, lateral=begin, phases=phases, yaw_offset=1.57 if begin < 0.0 else -1.57),
        *follower(rng, route, start, speed, limit),
        *oncoming(rng, builder.against(0), builder.length - start - uniform(rng, 60.0, 110.0), limit, 2),
    ]
    goal = builder.length - 20.0
    return case.scenario(
        roads=builder.build(),
        route=route,
        start=start,
        goal=goal,
        speed=speed,
        speed_limit=limit,
        time_limit=time_limit(goal - start, limit, 4.0),
        actors=actors,
        threat=threat,
    )


@family(Ability.TRAFFIC_SIGN, Setting.STREET)
def speed_limit_change(case: Case) -> Scenario:
    """The limit drops; behind vans in the slow zone people step out when it is too late for who passes them faster than
    with care, and someone crosses in plain view."""
    rng = case.rng
    limit = 13.9
    slow = choose(rng, (5.6, 6.9, 8.3))
    threat = chance(rng, 0.88)
    builder = approach(rng, 1, limit, bend=0.3)
    straight_from = builder.length
    builder.straight(uniform(rng, 150.0, 170.0))
    route = builder.route(0)
    start = uniform(rng, 28.0, 36.0)
    speed = limit * uniform(rng, 0.8, 0.95)
    zone = straight_from + uniform(rng, 25.0, 40.0)
    half = builder.lane_width / 2.0
    actors: list[Actor] = []
    for i in range(2):
        van, person = parked_van(rng, route, zone + 22.0 + 26.0 * i, half, max(slow, 8.3), 7.0)
        actors += [van, person] if threat else [van]
    if threat:
        last = zone + 48.0 + uniform(rng, 25.0, 32.0)
        actors.append(plain_pedestrian(rng, route, last, 7.0, -4.0, slow))
    actors += oncoming(rng, builder.against(0), builder.length - start - uniform(rng, 60.0, 110.0), slow, 1)
    actors += follower(rng, route, start, speed, limit)
    goal = builder.length - 20.0
    return case.scenario(
        roads=builder.build(),
        route=route,
        start=start,
        goal=goal,
        speed=speed,
        speed_limit=limit,
        time_limit=time_limit(goal - start, 0.5 * (limit + slow), 6.0),
        actors=actors,
        threat=threat,
        limits=((zone, slow),),
    )
