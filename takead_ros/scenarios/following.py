"""Families about the car in front: it brakes hard, or another one cuts in."""

from __future__ import annotations

from takead_ros.scenarios.draws import Rng, chance, choose, uniform
from takead_ros.scenarios.family import Case, Setting, family
from takead_ros.scenarios.parts import SPEED_LIMITS, approach, car, follower, oncoming, straggler, time_limit
from takead_ros.scenarios.spec import Ability, Actor, Phase, Scenario, When


def emergency_stop(rng: Rng, when: Phase, speed: float, limit: float) -> tuple[Phase, Phase]:
    """From ``when`` on a car at ``speed`` m/s brakes at 5.5 to 8 m/s^2 to a stop or a crawl; then it drives on."""
    down_to = choose(rng, (0.0, 0.0, 0.0, 1.5, 3.0))
    braking = uniform(rng, 5.5, 8.0)
    return (
        Phase(when.when, when.value, speed=down_to, deceleration=braking),
        Phase(
            When.SINCE,
            speed / braking + uniform(rng, 0.8, 3.0),
            speed=limit * uniform(rng, 0.85, 1.0),
            acceleration=uniform(rng, 1.4, 2.2),
        ),
    )


@family(Ability.EMERGENCY_BRAKE, Setting.STREET)
def lead_hard_brake(case: Case) -> Scenario:
    """The lead brakes hard, stands or crawls and drives on, perhaps does it again; further on someone in plain view
    crosses as soon as the lead has gone by. Without threat it only slows a little."""
    rng = case.rng
    limit = choose(rng, SPEED_LIMITS)
    lanes = choose(rng, (1, 2))
    threat = chance(rng, 0.88)
    builder = approach(rng, lanes, limit)
    builder.straight(max(uniform(rng, 200.0, 240.0) - builder.length, 60.0))
    lane = lanes - 1
    route = builder.route(lane)
    start = uniform(rng, 28.0, 36.0)
    speed = limit * uniform(rng, 0.85, 0.98)
    # 0.5 s of reaction, then 6 against 8 m/s^2, need 0.5 v + v^2 / 48
    gap = 0.5 * speed + speed**2 / 48.0 + uniform(rng, 1.5, 7.0)
    begin = Phase(When.EGO_TRAVELLED, start + uniform(rng, 15.0, 50.0))
    if threat:
        script: tuple[Phase, ...] = emergency_stop(rng, begin, speed, limit)
        if chance(rng, 0.4):
            script += emergency_stop(rng, Phase(When.SINCE, uniform(rng, 3.5, 6.0)), 0.8 * limit, limit)
    else:
        slower = Phase(
            begin.when, begin.value, speed=speed * uniform(rng, 0.6, 0.8), deceleration=uniform(rng, 1.0, 2.0)
        )
        script = (slower, Phase(When.SINCE, uniform(rng, 2.5, 4.0), speed=limit * 0.95))
    actors: list[Actor] = [car(rng, route, start + gap + 4.7, speed, phases=script)]
    if threat:
        actors.append(straggler(rng, builder, lane, start + uniform(rng, 120.0, 132.0), limit))
    actors += follower(rng, route, start, speed, limit)
    if lanes == 2 and chance(rng, 0.6):
        actors.append(car(rng, builder.route(0), start + uniform(rng, -15.0, 20.0), limit * 0.9))
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


@family(Ability.MERGING, Setting.STREET)
def cut_in(case: Case) -> Scenario:
    """A slower car from the next lane moves in just ahead and brakes; further on someone in plain view crosses as soon
    as it has gone by. Without threat it stays in its lane."""
    rng = case.rng
    limit = choose(rng, SPEED_LIMITS[1:])
    lanes = choose(rng, (2, 2, 3))
    threat = chance(rng, 0.88)
    builder = approach(rng, lanes, limit)
    builder.straight(max(uniform(rng, 210.0, 250.0) - builder.length, 70.0))
    lane = int(rng.integers(lanes))
    from_left = lane == lanes - 1 or (lane > 0 and chance(rng, 0.5))
    other = lane - 1 if from_left else lane + 1
    route = builder.route(lane)
    start = uniform(rng, 28.0, 36.0)
    speed = limit * uniform(rng, 0.85, 0.98)
    slower = speed - uniform(rng, 1.5, 3.5)
    width = builder.lane_width
    phases: tuple[Phase, ...] = ()
    if threat:
        after = max(slower - uniform(rng, 1.0, 5.0), 2.0)
        closing = limit - slower
        room = 0.5 * closing + closing**2 / 12.0  # 0.5 s of reaction, then 6 m/s^2
        phases = (
            Phase(
                When.EGO_GAP,
                room + uniform(rng, 0.8, 4.0),
                lateral=-width if from_left else width,
                lateral_speed=uniform(rng, 1.4, 2.2),
            ),
            Phase(When.SINCE, uniform(rng, 0.7, 1.3), speed=after, deceleration=uniform(rng, 2.0, 4.0)),
            Phase(When.SINCE, uniform(rng, 2.0, 4.0), speed=limit * uniform(rng, 0.85, 1.0)),
        )
    cutter = car(rng, builder.route(other), start + uniform(rng, 12.0, 20.0), slower, phases=phases)
    actors = [cutter, *follower(rng, route, start, speed, limit)]
    if threat:
        actors.append(straggler(rng, builder, lane, start + uniform(rng, 118.0, 135.0), limit))
    if chance(rng, 0.5):
        actors.append(car(rng, route, start + uniform(rng, 50.0, 70.0), limit * 0.9))
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
