"""Families about turning at a junction without lights, where the others have priority."""

from __future__ import annotations

import math

from takead_ros.maps.road_builder import RoadBuilder
from takead_ros.maps.roads import CORNER, Arm, LanePath, Node, Ways
from takead_ros.scenarios.draws import Rng, chance, choose, uniform
from takead_ros.scenarios.family import Case, Setting, family
from takead_ros.scenarios.parts import SPEED_LIMITS, approach, arrival, car, crossing_pedestrian, follower, time_limit
from takead_ros.scenarios.spec import Ability, Actor, Scenario

ARM = 140.0  # m of road on each side of the junction
BEND_ACCELERATION = 3.0  # m/s^2 of lateral acceleration of who turns without minding anybody
OPPOSITE: dict[Arm, Arm] = {"left": "right", "right": "left", "ahead": "back"}
SIDES: tuple[Arm, ...] = ("left", "right")
AHEAD_OR_RIGHT: tuple[Arm, ...] = ("ahead", "right")
CLOSE = 0.7  # s of headway in a dense stream
PRIORITY_BRAKING = 2.5  # m/s^2; who has priority does not expect to brake for those who have not


def stream(
    rng: Rng, nodes: tuple[Node, ...], lane: int, speed: float, first: float, cars: int, gaps: tuple[float, float]
) -> list[Actor]:
    """``cars`` reactive cars that drive into a junction over an arm of 140 m: the first reaches it after ``first`` s,
    the others ``gaps`` s apart. Cars that would have to start beyond the arm are left out."""
    path = LanePath.along(nodes, lane)
    result, arrival = [], first
    for _ in range(cars):
        s = ARM - speed * arrival
        if 3.0 < s < ARM - 5.0:
            result.append(car(rng, path, s, speed, braking=PRIORITY_BRAKING, headway=CLOSE))
        arrival += max(uniform(rng, *gaps), 12.0 / speed)
    return result


def across(ways: Ways, side: Arm) -> tuple[Node, ...]:
    """The way straight across a junction of who comes from the arm ``side``."""
    return ways.way(side, OPPOSITE[side])


def meeting(turn: Arm, side: Arm, width: float, distance: float, speed: float, limit: float) -> tuple[float, float]:
    """Where the ways of the ego and of who comes straight across from ``side`` cross in a junction of roads with
    lanes of ``width`` m.

    Returns (s until an ego is there that starts ``distance`` m before the junction at ``speed`` m/s and minds nobody,
    m from the other's entrance to there). ``turn``: by which arm the ego leaves.
    """
    half, wide = CORNER + width / 2.0, CORNER + width  # m: of the junction; the radius of a left turn
    if turn == "ahead":
        into, other = (CORNER, wide) if side == "left" else (wide, CORNER)
        return arrival(distance + into, speed, limit), other
    radius = CORNER if turn == "right" else wide
    if turn == "right":
        angle = 0.22 * math.pi  # with its front in the other's lane
        other = half + width / 2.0 + radius * (1.0 - math.cos(angle))
    elif side == "left":
        angle = math.asin(CORNER / wide)
        other = wide * math.cos(angle)
    elif side == "ahead":
        angle = math.acos(CORNER / wide)
        other = 2.0 * half - wide * math.sin(angle)
    else:
        angle = 0.42 * math.pi
        other = 2.0 * half - wide * math.cos(angle)
    bend = math.sqrt(BEND_ACCELERATION * radius)
    return arrival(distance, speed, limit, bend) + radius * angle / bend, other


def dense(
    rng: Rng,
    nodes: tuple[Node, ...],
    meets: float,
    way_in: float,
    cars: int,
    speed: tuple[float, float] = (8.0, 11.0),
    gaps: tuple[float, float] = (1.4, 1.9),
) -> list[Actor]:
    """A stream without a gap to slip through: its first car is ``way_in`` m into the junction at ``meets`` s, when a
    driver would be there who does not slow down. Whoever waits has free way after the last."""
    pace = uniform(rng, *speed)
    return stream(rng, nodes, 0, pace, max(meets + uniform(rng, -0.35, 0.3) - way_in / pace, 1.0), cars, gaps)


def _junction(rng: Rng, limit: float, turn: Arm) -> tuple[RoadBuilder, Ways, float]:
    """Approach and junction; also m from the start of the road to the junction."""
    builder = approach(rng, 1, limit, ARM, entry=(55.0, 75.0), bend=0.3)
    entrance = builder.length
    return builder, builder.crossing(turn, uniform(rng, 8.0, 12.0)), entrance


def _turn(
    case: Case, turn: Arm, minded: Arm, strays: tuple[Arm, ...], stray_count: int, stray_spread: tuple[float, float]
) -> Scenario:
    """A turn at a junction without lights, across or into a stream of cars that come from the arm ``minded``.

    Sometimes ``stray_count`` more cars, ``stray_spread`` s apart, come straight across from one of ``strays``.
    """
    rng = case.rng
    limit = choose(rng, SPEED_LIMITS[:3])
    threat = chance(rng, 0.9)
    builder, ways, entrance = _junction(rng, limit, turn)
    route = builder.route(0)
    speed = limit * uniform(rng, 0.75, 0.95)
    start = max(entrance - uniform(rng, 45.0, 60.0), 12.0)
    there = (entrance - start) / (0.7 * speed)
    actors: list[Actor] = []
    cars = 0
    if threat:
        cars = choose(rng, (3, 4, 5))
        meets = meeting(turn, minded, builder.lane_width, entrance - start, speed, limit)
        actors += dense(rng, across(ways, minded), *meets, cars)
    if chance(rng, 0.35):
        way = across(ways, choose(rng, strays))
        pace = uniform(rng, 8.0, 10.0)
        first = max(there - uniform(rng, 0.5, 2.5), 1.5)
        actors += stream(rng, way, 0, pace, first, stray_count, stray_spread)
    actors += follower(rng, route, start, speed, limit)
    if chance(rng, 0.5):
        walk = uniform(rng, 1.2, 2.2)
        begin = uniform(rng, 2.2, 3.2)
        actors.append(crossing_pedestrian(route, builder.length - ARM + 8.0, -4.0, 6.0, walk, begin))
    goal = builder.length - ARM + uniform(rng, 45.0, 60.0)
    return case.scenario(
        roads=builder.build(),
        route=route,
        start=start,
        goal=goal,
        speed=speed,
        speed_limit=limit,
        time_limit=time_limit(goal - start, limit, 3.0 * cars + 3.0),
        actors=actors,
        threat=threat,
    )


@family(Ability.GIVE_WAY, Setting.JUNCTION)
def intersection_left(case: Case) -> Scenario:
    """Left turn across oncoming traffic with gaps; sometimes cross traffic as well. Without threat nobody comes."""
    return _turn(case, "left", "ahead", SIDES, 1, (2.0, 3.0))


@family(Ability.GIVE_WAY, Setting.JUNCTION)
def intersection_right(case: Case) -> Scenario:
    """Right turn into a road on which cars come from the left, or oncoming ones turn left into it."""
    return _turn(case, "right", "left", AHEAD_OR_RIGHT, 2, (2.0, 4.0))
