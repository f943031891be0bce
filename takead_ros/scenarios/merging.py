"""Families about cars that come into the ego's lane, or leave it in front of something."""

from __future__ import annotations

from takead_ros.scenarios.draws import chance, choose, uniform
from takead_ros.scenarios.family import Case, Setting, family
from takead_ros.scenarios.parts import CARS, SPEED_LIMITS, approach, follower, oncoming, parked_van, time_limit
from takead_ros.scenarios.spec import Ability, Actor, Model, Phase, Scenario, When


@family(Ability.EMERGENCY_BRAKE, Setting.STREET)
def close_cut_in(case: Case) -> Scenario:
    """A faster car overtakes, moves in right before the ego and brakes; further on someone steps out from behind a
    parked van. Without threat it drives away."""
    rng = case.rng
    limit = choose(rng, SPEED_LIMITS[:3])
    threat = chance(rng, 0.88)
    builder = approach(rng, 2, limit)
    builder.straight(max(uniform(rng, 220.0, 250.0) - builder.length, 70.0))
    route = builder.route(1)
    start = uniform(rng, 32.0, 38.0)
    speed = limit * uniform(rng, 0.8, 0.9)
    faster = limit + uniform(rng, 1.5, 3.0)
    moves = Phase(
        When.EGO_PASSED, uniform(rng, 2.5, 5.0), lateral=-builder.lane_width, lateral_speed=uniform(rng, 1.6, 2.4)
    )
    phases: tuple[Phase, ...] = (moves,)
    if threat:
        phases += (
            Phase(
                When.SINCE,
                uniform(rng, 1.2, 1.8),
                speed=speed * uniform(rng, 0.3, 0.6),
                deceleration=uniform(rng, 2.5, 4.5),
            ),
            Phase(When.SINCE, uniform(rng, 2.5, 4.0), speed=limit),
        )
    passer = Actor(choose(rng, CARS), builder.route(0), start - uniform(rng, 10.0, 22.0), speed=faster, phases=phases)
    actors = [passer, *follower(rng, route, start, speed, limit)]
    if threat:
        kerb = builder.lane_width / 2.0
        actors += parked_van(rng, route, builder.length - uniform(rng, 75.0, 90.0), kerb, 0.9 * limit, 7.0)
    actors += oncoming(rng, builder.against(0), builder.length - start - uniform(rng, 60.0, 110.0), limit, 2)
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


@family(Ability.MERGING, Setting.STREET)
def cut_out(case: Case) -> Scenario:
    """The lead swerves into the next lane at the last moment: a stopped car is ahead. Without threat there is none."""
    rng = case.rng
    limit = choose(rng, SPEED_LIMITS[:3])
    threat = chance(rng, 0.88)
    builder = approach(rng, 2, limit, bend=0.35)
    straight_from = builder.length
    builder.straight(uniform(rng, 210.0, 230.0))
    route = builder.route(1)
    speed = limit * uniform(rng, 0.8, 0.95)
    stopped_at = straight_from + uniform(rng, 50.0, 70.0)
    start = stopped_at - uniform(rng, 65.0, 78.0)
    swerve = Phase(
        When.OWN_S,
        stopped_at - uniform(rng, 18.0, 26.0),
        lateral=builder.lane_width,
        lateral_speed=uniform(rng, 2.0, 2.6),
    )
    gap = speed * uniform(rng, 1.0, 1.6)
    lead = Actor(choose(rng, (*CARS, Model.VAN)), route, start + gap + 5.0, speed=speed, phases=(swerve,))
    actors = [lead, *follower(rng, route, start, speed, limit)]
    if threat:
        actors.append(Actor(choose(rng, CARS), route, stopped_at, lateral=uniform(rng, -0.5, 0.2)))
    actors += oncoming(rng, builder.against(0), builder.length - start - uniform(rng, 60.0, 110.0), limit, 2)
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


@family(Ability.MERGING, Setting.STREET)
def parking_exit(case: Case) -> Scenario:
    """A car pulls out from a row parked at the kerb; further on someone steps out from behind a parked van. Without
    threat all of them stay parked."""
    rng = case.rng
    limit = choose(rng, SPEED_LIMITS[:3])
    lanes = choose(rng, (1, 2))
    threat = chance(rng, 0.88)
    builder = approach(rng, lanes, limit)
    straight_from = builder.length
    builder.straight(uniform(rng, 130.0, 150.0))
    lane = lanes - 1
    route = builder.route(lane)
    start = uniform(rng, 28.0, 36.0)
    speed = limit * uniform(rng, 0.8, 0.95)
    kerb = builder.lane_width / 2.0
    row = straight_from + uniform(rng, 15.0, 30.0)
    leaver = int(rng.integers(3))
    actors: list[Actor] = []
    for i in range(4):
        out: tuple[Phase, ...] = ()
        if threat and i == leaver:
            out = (
                Phase(
                    When.EGO_ARRIVAL,
                    0.5 + speed / 12.0 + uniform(rng, 0.7, 1.8),
                    speed=limit * 0.95,
                    acceleration=uniform(rng, 1.5, 2.5),
                    lateral=0.0,
                    lateral_speed=uniform(rng, 1.0, 1.5),
                ),
            )
        parked = Actor(choose(rng, CARS), route, row + 8.5 * i, lateral=-(kerb + 0.8), phases=out, cruise=0.0)
        actors.append(parked)
    if threat:
        actors += parked_van(rng, route, row + 25.5 + uniform(rng, 30.0, 38.0), kerb, 0.85 * limit, 7.0)
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
        time_limit=time_limit(goal - start, limit, 4.0),
        actors=actors,
        threat=threat,
    )
