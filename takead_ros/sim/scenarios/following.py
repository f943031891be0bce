"""Families about the car in front: it brakes hard, or another one cuts in."""

from __future__ import annotations

from takead_ros.sim.scenarios.parts import (
    SPEED_LIMITS,
    approach,
    car,
    chance,
    choose,
    follower,
    generator,
    oncoming,
    time_limit,
    uniform,
)
from takead_ros.sim.scenarios.spec import Ability, Actor, Phase, Scenario, When


def lead_hard_brake(seed: int) -> Scenario:
    """The lead brakes hard, stands or crawls, and drives on. Without threat it only slows down a little."""
    rng = generator("lead_hard_brake", seed)
    limit, lanes, threat = choose(rng, SPEED_LIMITS), choose(rng, (1, 2)), chance(rng, 0.75)
    builder = approach(rng, lanes, limit)
    builder.straight(max(uniform(rng, 190.0, 230.0) - builder.length, 60.0))
    lane = lanes - 1
    route, start, speed = builder.route(lane), uniform(rng, 28.0, 36.0), limit * uniform(rng, 0.75, 0.95)
    gap = max(speed * uniform(rng, 1.0, 1.9), 9.0)
    at = uniform(rng, 30.0, 75.0)
    if threat:
        down_to, braking = choose(rng, (0.0, 0.0, 1.5, 3.0)), uniform(rng, 4.5, 8.0)
        pause = uniform(rng, 1.0, 3.5)
    else:
        down_to, braking, pause = speed * uniform(rng, 0.6, 0.8), uniform(rng, 1.0, 2.0), uniform(rng, 1.0, 2.5)
    script = (
        Phase(When.EGO_TRAVELLED, start + at, speed=down_to, deceleration=braking),
        Phase(When.SINCE, speed / braking + pause, speed=limit * uniform(rng, 0.85, 1.0),
              acceleration=uniform(rng, 1.2, 2.0)),
    )  # fmt: skip
    actors: list[Actor] = [car(rng, route, start + gap + 4.7, speed, phases=script)]
    actors += follower(rng, route, start, speed, limit)
    if lanes == 2 and chance(rng, 0.6):
        actors.append(car(rng, builder.route(0), start + uniform(rng, -15.0, 20.0), limit * 0.9))
    actors += oncoming(rng, builder.against(0), builder.length - start - uniform(rng, 60.0, 110.0), limit, 2)
    goal = builder.length - 20.0
    return Scenario(
        "lead_hard_brake", seed, Ability.EMERGENCY_BRAKE, builder.build(), route, start, goal, speed, limit,
        time_limit(goal - start, limit, pause + 2.0), tuple(actors), threat,
    )  # fmt: skip


def cut_in(seed: int) -> Scenario:
    """A slower car from the next lane moves in just ahead and slows down. Without threat it stays in its lane."""
    rng = generator("cut_in", seed)
    limit, lanes, threat = choose(rng, SPEED_LIMITS[1:]), choose(rng, (2, 2, 3)), chance(rng, 0.75)
    builder = approach(rng, lanes, limit)
    builder.straight(max(uniform(rng, 200.0, 240.0) - builder.length, 70.0))
    lane = int(rng.integers(lanes))
    from_left = lane == lanes - 1 or (lane > 0 and chance(rng, 0.5))
    other = lane - 1 if from_left else lane + 1
    route, start, speed = builder.route(lane), uniform(rng, 28.0, 36.0), limit * uniform(rng, 0.8, 0.95)
    slower = speed - uniform(rng, 1.5, 3.5)
    width = builder.lane_width
    phases: tuple[Phase, ...] = ()
    if threat:
        after = max(slower - uniform(rng, 0.0, 3.5), 3.0)
        phases = (
            Phase(When.EGO_GAP, uniform(rng, 3.0, 8.0), lateral=-width if from_left else width,
                  lateral_speed=uniform(rng, 1.2, 2.0)),
            Phase(When.SINCE, uniform(rng, 0.8, 1.6), speed=after, deceleration=uniform(rng, 1.5, 3.0)),
            Phase(When.SINCE, uniform(rng, 2.0, 4.0), speed=limit * uniform(rng, 0.85, 1.0)),
        )  # fmt: skip
    cutter = car(rng, builder.route(other), start + uniform(rng, 14.0, 24.0), slower, phases=phases)
    actors = [cutter, *follower(rng, route, start, speed, limit)]
    if chance(rng, 0.5):
        actors.append(car(rng, route, start + uniform(rng, 50.0, 70.0), limit * 0.9))
    actors += oncoming(rng, builder.against(0), builder.length - start - uniform(rng, 60.0, 110.0), limit, 2)
    goal = builder.length - 20.0
    return Scenario(
        "cut_in", seed, Ability.MERGING, builder.build(), route, start, goal, speed, limit,
        time_limit(goal - start, limit, 2.0), tuple(actors), threat,
    )  # fmt: skip
