"""Families about lanes that join or end: on-ramp, off-ramp, lane drop. Who is on the through lane has priority."""

from __future__ import annotations

from takead_ros.maps.road_builder import RoadBuilder
from takead_ros.maps.roads import RAMP_EXTRA, RAMP_SWING, LanePath
from takead_ros.scenarios.draws import Rng, chance, choose, uniform
from takead_ros.scenarios.family import Case, Setting, family
from takead_ros.scenarios.junctions import CLOSE
from takead_ros.scenarios.parts import SPEED_LIMITS, arrival, car, follower, oncoming, time_limit
from takead_ros.scenarios.spec import Ability, Actor, Scenario

BRAKING = 1.2  # m/s^2; who is on the through lane takes a foot off the pedal for who pushes in, no more
CHANGE = 30.0  # m over which the route changes lanes


def platoon(
    rng: Rng, path: LanePath, place: float, arrival: float, speed: float, cars: int, gaps: tuple[float, float]
) -> list[Actor]:
    """``cars`` reactive cars at ``speed`` m/s of which the first is at ``place`` m after ``arrival`` s, the others
    ``gaps`` s apart, one of the gaps 2 s longer. Cars that would have to start before the road does are left out."""
    wide = int(rng.integers(1, max(cars, 2)))
    result = []
    for i in range(cars):
        s = place - speed * arrival
        if s > 3.0:
            result.append(car(rng, path, s, speed, braking=BRAKING, headway=CLOSE))
        arrival += uniform(rng, *gaps) + (2.0 if i + 1 == wide else 0.0)
    return result


@family(Ability.MERGING, Setting.OWN)
def ramp_merge(case: Case) -> Scenario:
    """Up an on-ramp and into the right lane between the cars on it. Without threat that lane is empty."""
    rng = case.rng
    limit = choose(rng, SPEED_LIMITS[1:])
    lanes = choose(rng, (1, 2, 2))
    threat = chance(rng, 0.88)
    builder = RoadBuilder(lanes, choose(rng, (3.25, 3.5, 3.75)), uniform(rng, 130.0, 160.0), uniform(rng, 40.0, 60.0))
    joins = builder.entry + RAMP_SWING + builder.arm + RAMP_EXTRA  # where on the main road the acceleration lane begins
    length = uniform(rng, 55.0, 75.0)
    after = uniform(rng, 12.0, 22.0)
    ramp, way_up = builder.on_ramp(length, 30.0)
    before = len(builder.places)
    builder.straight(uniform(rng, 60.0, 80.0))
    beyond = tuple(builder.places[before:])
    route = LanePath(ramp.nodes + beyond, ramp.lanes + (lanes - 1,) * len(beyond), after)
    start = uniform(rng, 14.0, 24.0)
    speed = limit * uniform(rng, 0.65, 0.85)
    merges = after + CHANGE / 2.0
    there = arrival(way_up + merges - start, speed, limit)
    actors: list[Actor] = []
    cars = 0
    if threat:
        cars = choose(rng, (4, 5, 6))
        actors += platoon(
            rng,
            builder.route(lanes - 1),
            joins + merges,
            there + uniform(rng, -2.2, 0.3),
            limit * uniform(rng, 0.8, 0.95),
            cars,
            (1.0, 1.4),
        )
    if lanes == 2:
        beside = max(joins - limit * there - uniform(rng, 10.0, 50.0), 3.0)
        actors += oncoming(rng, builder.route(0), beside, limit, choose(rng, (0, 1, 2)))
    actors += oncoming(rng, builder.against(0), uniform(rng, 80.0, 160.0), limit, choose(rng, (0, 1)))
    goal = way_up + builder.length - joins - 20.0
    return case.scenario(
        roads=builder.build(),
        route=route,
        start=start,
        goal=goal,
        speed=speed,
        speed_limit=limit,
        time_limit=time_limit(goal - start, limit, 2.5 * cars),
        actors=actors,
        threat=threat,
    )


@family(Ability.MERGING, Setting.OWN)
def lane_drop(case: Case) -> Scenario:
    """The ego's lane ends and swings into the next one, on which others drive. Without threat that one is empty."""
    rng = case.rng
    limit = choose(rng, SPEED_LIMITS)
    lanes = choose(rng, (2, 2, 3))
    threat = chance(rng, 0.88)
    builder = RoadBuilder(lanes, choose(rng, (3.25, 3.5, 3.75)), uniform(rng, 140.0, 170.0))
    ends = builder.length
    wave = uniform(rng, 36.0, 50.0)
    dropped = builder.lane_drop(wave, 60.0)
    builder.straight(uniform(rng, 55.0, 75.0))
    nodes = tuple(builder.places)
    route = LanePath(nodes, (lanes - 1, lanes - 1, 0, 0, *(lanes - 2,) * (len(nodes) - 5)))
    through = LanePath.along((*nodes[:3], dropped, *nodes[5:]), lanes - 2)
    start = ends - uniform(rng, 55.0, 75.0)
    speed = limit * uniform(rng, 0.75, 0.95)
    there = arrival(ends + wave / 2.0 - start, speed, limit)
    actors: list[Actor] = []
    cars = 0
    if threat:
        cars = choose(rng, (4, 5, 6))
        actors += platoon(
            rng,
            through,
            ends + wave / 2.0,
            there + uniform(rng, -2.2, 0.3),
            limit * uniform(rng, 0.75, 0.95),
            cars,
            (1.0, 1.4),
        )
    actors += follower(rng, route, start, speed, limit)
    # the new lane of those that come towards the ego is the right one: who drives on the left of three goes straight on
    straight_on = tuple(place.turned() for place in reversed((*nodes[:3], dropped, *nodes[5:])))
    towards = builder.against(0) if lanes == 2 else LanePath.along(straight_on, 0)
    actors += oncoming(rng, towards, builder.length - start - uniform(rng, 60.0, 110.0), limit, 2)
    goal = builder.length - 20.0
    return case.scenario(
        roads=builder.build(),
        route=route,
        start=start,
        goal=goal,
        speed=speed,
        speed_limit=limit,
        time_limit=time_limit(goal - start, limit, 2.5 * cars),
        actors=actors,
        threat=threat,
    )


@family(Ability.MERGING, Setting.OWN)
def ramp_exit(case: Case) -> Scenario:
    """From the second lane across the traffic on the right one to an off-ramp, on which someone may be slow. Without
    threat the right lane is empty."""
    rng = case.rng
    limit = choose(rng, SPEED_LIMITS[1:])
    lanes = choose(rng, (2, 2, 3))
    threat = chance(rng, 0.88)
    builder = RoadBuilder(lanes, choose(rng, (3.25, 3.5, 3.75)), uniform(rng, 100.0, 115.0), uniform(rng, 55.0, 70.0))
    begins = builder.length
    after = uniform(rng, 8.0, 18.0)
    builder.straight(uniform(rng, 85.0, 105.0))
    end = builder.off_ramp(uniform(rng, 50.0, 60.0), 30.0)
    nodes, right = tuple(builder.places), lanes - 1
    route = LanePath(nodes, (right - 1, right - 1, right, lanes, 0, 0, 0, 0), after)
    ahead = LanePath.along((*nodes[:5], end), right)
    start = begins - uniform(rng, 35.0, 48.0)
    speed = limit * uniform(rng, 0.75, 0.95)
    changes = begins + after + CHANGE / 2.0
    there = arrival(changes - start, speed, limit)
    actors: list[Actor] = []
    cars = 0
    if threat:
        cars = choose(rng, (4, 5, 6))
        actors += platoon(
            rng, ahead, changes, there + uniform(rng, -2.0, 0.3), limit * uniform(rng, 0.75, 0.9), cars, (1.0, 1.4)
        )
        if chance(rng, 0.5):
            slow = LanePath(nodes[3:], (lanes, 0, 0, 0, 0))
            actors.append(car(rng, slow, uniform(rng, 30.0, 60.0), uniform(rng, 3.0, 5.0), cruise=0.6 * limit))
    behind = LanePath.along((*nodes[:5], end), 0) if lanes == 3 else route
    actors += oncoming(rng, behind, start - uniform(rng, 20.0, 30.0), limit, 1)
    goal = builder.length - 50.0
    return case.scenario(
        roads=builder.build(),
        route=route,
        start=start,
        goal=goal,
        speed=speed,
        speed_limit=limit,
        time_limit=time_limit(goal - start, limit, 2.5 * cars),
        actors=actors,
        threat=threat,
    )
