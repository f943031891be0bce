"""Families about something that stands in the way and has to be passed."""

from __future__ import annotations

from takead_ros.maps.roads import LanePath
from takead_ros.scenarios.draws import chance, choose, uniform
from takead_ros.scenarios.family import Case, Setting, family
from takead_ros.scenarios.parts import (
    CARS,
    SPEED_LIMITS,
    approach,
    car,
    follower,
    oncoming,
    parked_van,
    plain_pedestrian,
    time_limit,
)
from takead_ros.scenarios.spec import Ability, Actor, Model, Scenario


@family(Ability.OVERTAKING, Setting.STREET)
def broken_down_car(case: Case) -> Scenario:
    """A car stands in the ego's lane, perhaps behind a triangle or cones: pass it through the next lane of the own
    direction, or through the oncoming lane in a gap. Without threat it stands at the kerb and leaves the lane free."""
    rng = case.rng
    limit = choose(rng, SPEED_LIMITS[:3])
    lanes = choose(rng, (1, 2))
    threat = chance(rng, 0.88)
    builder = approach(rng, lanes, limit, bend=0.35)
    straight_from = builder.length
    builder.straight(uniform(rng, 170.0, 200.0))
    lane, width = lanes - 1, builder.lane_width
    at = straight_from + uniform(rng, 30.0, 50.0)
    route = builder.route(lane)
    start = at - uniform(rng, 45.0, 60.0)
    speed = limit * uniform(rng, 0.75, 0.95)
    model = choose(rng, (*CARS, Model.VAN))
    wreck = Actor(model, route, at, lateral=uniform(rng, -0.5, 0.3), yaw_offset=uniform(rng, -0.06, 0.06))
    actors: list[Actor] = [wreck]
    if threat:
        actors += _warning(rng.integers(3).item(), route, at - wreck.length / 2.0, uniform(rng, 8.0, 16.0))
    else:
        actors = [Actor(model, route, at, lateral=-(width / 2.0 + wreck.width / 2.0 - uniform(rng, 0.0, 0.25)))]
    waiting = 0.0
    if lanes == 2:
        if chance(rng, 0.7):
            behind = start - uniform(rng, 0.0, 25.0)
            actors += oncoming(rng, builder.route(0), max(behind, 3.0), limit, choose(rng, (1, 2)))
        actors += oncoming(rng, builder.against(0), builder.length - start - uniform(rng, 60.0, 110.0), limit, 1)
    else:
        # the stream meets the ego about when it reaches the obstacle, then leaves the lane free
        count = choose(rng, (0, 1, 2, 2))
        meets = (at - start) / speed
        first = builder.length - at - limit * meets + uniform(rng, -10.0, 25.0)
        actors += oncoming(rng, builder.against(0), first, limit, count)
        waiting = 3.0 * count
    if chance(rng, 0.4):
        actors += follower(rng, route, start, speed, limit)
    goal = builder.length - 20.0
    return case.scenario(
        roads=builder.build(passable_centre=lanes == 1),
        route=route,
        start=start,
        goal=goal,
        speed=speed,
        speed_limit=limit,
        time_limit=time_limit(goal - start, limit, waiting + 3.0),
        actors=actors,
        threat=threat,
    )


def _warning(style: int, route: LanePath, tail: float, distance: float) -> list[Actor]:
    """Nothing, a warning triangle, or a slanted row of cones behind the obstacle whose tail is at ``tail`` m."""
    if style == 1:
        return [Actor(Model.WARNING, route, tail - distance)]
    if style == 2:
        return [Actor(Model.CONE, route, tail - distance * (i + 1) / 3.0, lateral=0.9 - 0.8 * i) for i in range(3)]
    return []


@family(Ability.EMERGENCY_BRAKE, Setting.STREET)
def pedestrian_from_van(case: Case) -> Scenario:
    """Someone steps out from behind a parked van, too late for who passes it at the limit, in time for up to 5 m/s.
    Without threat nobody does, or the person walks along the kerb."""
    rng = case.rng
    limit = choose(rng, SPEED_LIMITS[:3])
    lanes = choose(rng, (1, 1, 2))
    threat = chance(rng, 0.88)
    builder = approach(rng, lanes, limit)
    straight_from = builder.length
    builder.straight(uniform(rng, 120.0, 140.0))
    lane, width = lanes - 1, builder.lane_width
    route = builder.route(lane)
    start = uniform(rng, 28.0, 36.0)
    speed = limit * uniform(rng, 0.75, 0.95)
    at = straight_from + uniform(rng, 25.0, 50.0)
    kerb = width / 2.0
    van, person = parked_van(rng, route, at, kerb, limit, lanes * width + 3.0)
    actors: list[Actor] = [van]
    if chance(rng, 0.5):
        actors.append(Actor(choose(rng, CARS), route, at - uniform(rng, 7.5, 10.0), lateral=-(kerb + 0.85)))
    if threat:
        actors.append(person)
        again = person.s + uniform(rng, 30.0, 40.0)
        if chance(rng, 0.5):  # for those who speed up too soon
            actors += parked_van(rng, route, again, kerb, 0.9 * limit, 7.0)
        else:
            away = (2 * lanes - 1.5) * width + 1.5
            actors.append(plain_pedestrian(rng, route, again, away, -4.0, 0.8 * limit))
    elif chance(rng, 0.6):
        pace = uniform(rng, 0.8, 1.8)
        actors.append(Actor(Model.PEDESTRIAN, route, person.s - 12.0, lateral=-(kerb + 2.6), speed=pace))
    actors += oncoming(rng, builder.against(0), builder.length - start - uniform(rng, 50.0, 110.0), limit, 2)
    actors += follower(rng, route, start, speed, limit)
    if lanes == 2 and chance(rng, 0.5):
        actors.append(car(rng, builder.route(0), start + uniform(rng, -20.0, 0.0), limit * 0.9))
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
