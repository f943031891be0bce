"""Families about giving way: roundabout, T junction, emergency vehicle."""

from __future__ import annotations

import math

from takead_ros.domain.scene import ControlKind
from takead_ros.maps.roads import Arm, LanePath
from takead_ros.scenarios.draws import chance, choose, uniform
from takead_ros.scenarios.family import Case, Setting, family
from takead_ros.scenarios.junctions import ARM, CLOSE, PRIORITY_BRAKING, across, dense, meeting, stream
from takead_ros.scenarios.parts import SPEED_LIMITS, approach, car, follower, oncoming, time_limit
from takead_ros.scenarios.spec import Ability, Actor, Control, Model, Scenario

LINE = 1.5  # m from a junction back to its yield line


@family(Ability.GIVE_WAY, Setting.OWN)
def roundabout_entry(case: Case) -> Scenario:
    """Into a roundabout on which cars come round from the left; some leave it just before. Without threat all do."""
    rng = case.rng
    limit = choose(rng, SPEED_LIMITS[:3])
    threat = chance(rng, 0.88)
    arm = 80.0
    builder = approach(rng, 1, limit, arm, entry=(60.0, 80.0), bend=0.3)
    entrance = builder.length
    radius = uniform(rng, 14.0, 20.0)
    exits: tuple[Arm, ...] = ("right", "ahead", "ahead", "left")
    ways = builder.roundabout(choose(rng, exits), radius, radius)
    route = builder.route(0)
    speed = limit * uniform(rng, 0.75, 0.95)
    start = max(entrance - uniform(rng, 45.0, 60.0), 12.0)
    there = (entrance - start) / (0.9 * speed)
    ring = (radius + builder.lane_width) * math.pi / 2.0  # m from one entrance to the next
    actors: list[Actor] = []
    cars = choose(rng, (4, 5, 6)) if threat else choose(rng, (0, 1, 2))
    sources: tuple[Arm, ...] = ("left", "ahead")
    source = choose(rng, sources)
    far = arm + radius * math.pi / 3.0 + ring * (1.0 if source == "left" else 2.0)
    pace = uniform(rng, 6.0, 7.5)
    arrival = there + uniform(rng, -1.0, 0.8)
    for i in range(cars):
        stays = threat and (i == 0 or chance(rng, 0.75))
        to: Arm = ("right" if source == "ahead" or chance(rng, 0.5) else "ahead") if stays else "back"
        s = far - pace * arrival
        if s > 3.0:
            path = LanePath.along(ways.way(source, to), 0)
            actors.append(car(rng, path, s, pace, braking=PRIORITY_BRAKING, headway=CLOSE))
        arrival += uniform(rng, 1.2, 1.8)
    actors += follower(rng, route, start, speed, limit)
    goal = builder.length - arm + uniform(rng, 40.0, 55.0)
    return case.scenario(
        roads=builder.build(),
        route=route,
        start=start,
        goal=goal,
        speed=speed,
        speed_limit=limit,
        time_limit=time_limit(goal - start, 0.8 * limit, 1.5 * cars + 3.0),
        actors=actors,
        threat=threat,
        controls=(Control(ControlKind.YIELD_SIGN, entrance - LINE),),
    )


@family(Ability.GIVE_WAY, Setting.OWN)
def t_junction(case: Case) -> Scenario:
    """Out of the stem of a T junction, left or right, or off its bar to the left, where others have priority. Without
    threat nobody comes, or they turn off before."""
    rng = case.rng
    limit = choose(rng, SPEED_LIMITS[:3])
    threat = chance(rng, 0.88)
    builder = approach(rng, 1, limit, ARM, entry=(60.0, 80.0), bend=0.3)
    entrance = builder.length
    kinds: tuple[tuple[Arm, Arm], ...] = (("left", "ahead"), ("left", "ahead"), ("right", "ahead"), ("left", "right"))
    turn, closed = choose(rng, kinds)
    ways = builder.t_junction(turn, closed, uniform(rng, 8.0, 12.0))
    route = builder.route(0)
    speed = limit * uniform(rng, 0.75, 0.95)
    start = max(entrance - uniform(rng, 45.0, 60.0), 12.0)
    there = (entrance - start) / (0.7 * speed)
    if closed == "right":
        against: tuple[Arm, ...] = ("ahead",)
    else:
        against = ("left", "right") if turn == "left" else ("left",)
    actors: list[Actor] = []
    cars = 0
    if threat:
        for side in against:
            count = choose(rng, (3, 4, 5))
            cars += count
            meets = meeting(turn, side, builder.lane_width, entrance - start, speed, limit)
            actors += dense(rng, across(ways, side), *meets, count)
    elif chance(rng, 0.5) and closed == "ahead":
        actors += stream(rng, ways.way("left", "back"), 0, uniform(rng, 6.0, 7.0), there - 1.0, 1, (2.0, 3.0))
    actors += follower(rng, route, start, speed, limit)
    goal = builder.length - ARM + uniform(rng, 45.0, 60.0)
    controls = (Control(ControlKind.YIELD_SIGN, entrance - LINE),) if closed == "ahead" else ()
    return case.scenario(
        roads=builder.build(),
        route=route,
        start=start,
        goal=goal,
        speed=speed,
        speed_limit=limit,
        time_limit=time_limit(goal - start, limit, 2.5 * cars + 3.0),
        actors=actors,
        threat=threat,
        controls=controls,
    )


@family(Ability.GIVE_WAY, Setting.OWN)
def emergency_vehicle(case: Case) -> Scenario:
    """An emergency vehicle comes up from behind in the ego's lane: change lanes, though others are there, and let it
    pass. Without threat it comes up in the next lane."""
    rng = case.rng
    limit = choose(rng, SPEED_LIMITS[:3])
    lanes = choose(rng, (2, 2, 3))
    threat = chance(rng, 0.88)
    builder = approach(rng, lanes, limit, entry=(130.0, 150.0), bend=0.4)
    builder.straight(max(uniform(rng, 340.0, 370.0) - builder.length, 60.0))
    lane = int(rng.integers(lanes))
    others = [i for i in (lane - 1, lane + 1) if 0 <= i < lanes]
    beside = choose(rng, others)
    route = builder.route(lane)
    start = uniform(rng, 84.0, 94.0)
    speed = limit * uniform(rng, 0.75, 0.95)
    fast = limit + uniform(rng, 4.0, 6.0)
    behind = start - uniform(rng, 45.0, 65.0)
    comes_in = builder.route(lane if threat else beside)
    siren = Actor(Model.VAN, comes_in, behind, speed=fast, reactive=True, headway=0.5, emergency=True)
    actors = [siren]
    if threat:
        # someone beside the ego, so that the first moment is not the one for changing lanes
        for i, at in enumerate((uniform(rng, -9.0, 9.0), uniform(rng, 26.0, 40.0))):
            if i == 0 or chance(rng, 0.5):
                actors.append(car(rng, builder.route(beside), start + at, speed * uniform(rng, 0.8, 0.92)))
    actors += oncoming(rng, builder.against(0), builder.length - start - uniform(rng, 60.0, 110.0), limit, 2)
    goal = start + uniform(rng, 225.0, 240.0)
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
