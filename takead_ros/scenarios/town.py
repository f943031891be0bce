"""Drives through a town whose streets are a map: a route over its junctions, traffic, and events on the way.

Pure: lanes and their order in, a scenario out. Every stretch of street may hold an event, every junction has a light, a
yield sign, or nothing; actors are in the world on their stretch of the route only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from takead_ros.domain.scene import ControlKind, LightState
from takead_ros.maps.roads import Key, LanePath, Node, OpenDriveMap, Street
from takead_ros.scenarios.crossings import LINE
from takead_ros.scenarios.draws import Rng, chance, choose, generator, uniform
from takead_ros.scenarios.family import Case, Setting, family
from takead_ros.scenarios.following import emergency_stop
from takead_ros.scenarios.junctions import PRIORITY_BRAKING
from takead_ros.scenarios.parts import CARS, car, crossing_pedestrian, follower, time_limit
from takead_ros.scenarios.spec import Ability, Actor, Change, Control, Model, Phase, Scenario, When

LIMIT = 11.1  # m/s, Town01's 25 mph
LENGTHS = (500.0, 1300.0)  # m of route to be reached
START = 15.0  # m
AHEAD, BEHIND = 100.0, 60.0  # m before and after its place that an actor is in the world
ROOM = 75.0  # m of street that an event needs
FIRST, LAST = 35.0, 30.0  # m of street before and after an event that stay free
TRIES = 200


@family(Ability.MIXED, Setting.OWN)
def town01(case: Case) -> Scenario:
    """Half a kilometre to one through CARLA's Town01: turns, lights, traffic, parked vans, people, broken-down cars."""
    return case.scenario(
        roads=OpenDriveMap("Town01"),
        route=LanePath((), ()),
        start=0.0,
        goal=0.0,
        speed=0.0,
        speed_limit=LIMIT,
        time_limit=0.0,
        actors=(),
    )


def compose_town(scenario: Scenario, streets: Sequence[Street]) -> Scenario:
    """The scenario with its route through ``streets`` and everybody on it; a pure function of both and its seed."""
    rng = generator(scenario.family, scenario.seed)
    net = {street.key: street for street in streets}
    way = _walk(rng, net, uniform(rng, *LENGTHS))
    route = _path(way)
    length = sum(street.length for street in way)
    speed = LIMIT * uniform(rng, 0.6, 0.9)
    actors: list[Actor] = follower(rng, route, START, speed, LIMIT)
    controls: list[Control] = []
    s, waiting, threats = 0.0, 0.0, 0
    leads = chance(rng, 0.5)
    if leads:  # and leaves at the first junction: it would queue behind what the ego has to pass
        brakes = Phase(When.EGO_TRAVELLED, START + uniform(rng, 25.0, 60.0))
        script = emergency_stop(rng, brakes, speed, LIMIT)
        gap = 0.5 * speed + speed**2 / 48.0 + uniform(rng, 6.0, 12.0)
        actors.append(car(rng, _path(way[:1]), START + gap, speed, phases=script))
    for street in way:
        if street.junction:
            found, control = _junction(rng, net, street, way, s)
            waiting += 8.0
            controls += control
        else:
            event = _event(rng, route, street, s)
            others = _oncoming(rng, net, street, s)
            found = others if leads and s == 0.0 else event + others
            waiting += 5.0
        threats += bool(found)
        actors += found
        s += street.length
    goal = length - 20.0
    return replace(
        scenario,
        route=route,
        start=START,
        goal=goal,
        speed=speed,
        actors=tuple(actors),
        controls=tuple(controls),
        time_limit=time_limit(goal - START, LIMIT, waiting),
        threat=threats > 0,
    )


def _walk(rng: Rng, net: Mapping[Key, Street], target: float) -> list[Street]:
    """Streets one after the other, ``target`` m at least, none of them (in either direction) twice."""
    begins = [street for street in net.values() if not street.junction and street.length > ROOM]
    best: list[Street] = []
    for _ in range(TRIES):
        way = [choose(rng, begins)]
        used = set[Node]()
        while sum(street.length for street in way) < target or way[-1].junction:
            used |= {*way[-1].key[:2]}
            on = [net[key] for key in way[-1].following if key[1] not in used]
            on = [
                street
                for street in on
                if street.junction or street.opposite is None or not used & set(street.opposite[:1])
            ]
            if not on:
                break
            way.append(choose(rng, on))
        else:
            return way
        while way and way[-1].junction:
            way.pop()
        best = max(best, way, key=lambda streets: sum(street.length for street in streets))
    return best


def _path(way: Sequence[Street]) -> LanePath:
    return LanePath((way[0].key[0], *(street.key[1] for street in way)), tuple(street.key[2] for street in way))


def _on(net: Mapping[Key, Street], rng: Rng, first: Street, metres: float) -> list[Street]:
    """``first`` and streets that follow, until they are ``metres`` m long."""
    way = [first]
    while sum(street.length for street in way) < metres and way[-1].following:
        way.append(net[choose(rng, way[-1].following)])
    return way


def _event(rng: Rng, route: LanePath, street: Street, s: float) -> list[Actor]:
    """What happens on a stretch that begins ``s`` m along the route; in a third of them nothing does."""
    if street.length < ROOM + FIRST or chance(rng, 0.33):
        return []
    at = s + uniform(rng, FIRST, street.length - LAST - 10.0)
    half = street.width / 2.0
    kind = choose(rng, ("van", "crossing", "broken", "cyclist"))
    threat = chance(rng, 0.8)
    walking = uniform(rng, 1.2, 2.2)
    braking = 0.5 + LIMIT / 12.0
    if kind == "van":
        van = Actor(Model.VAN, route, at, lateral=-(half + uniform(rng, 0.9, 1.1)))
        hidden = -(half + uniform(rng, 1.4, 1.9))
        out = at + van.length / 2.0 + uniform(rng, 0.6, 1.0)
        arrival = (-hidden - 1.75) / walking + braking + uniform(rng, 0.1, 0.7)
        person = crossing_pedestrian(route, out, hidden, street.width + half + 2.0, walking, arrival)
        found = [van, person] if threat else [van]
    elif kind == "crossing":
        begin, end = (-half - 1.2, 3.0 * half + 1.2) if chance(rng, 0.6) else (3.0 * half + 1.2, -half - 1.2)
        arrival = braking + abs(begin) / 2.5 * float(begin > 0.0) + uniform(rng, 0.4, 1.8)
        person = crossing_pedestrian(route, at, begin, end, walking, arrival)
        found = [person if threat else replace(person, phases=())]
    elif kind == "broken":
        aside = -uniform(rng, 0.5, 1.0) if threat else -(half + 1.1)
        found = [
            Actor(choose(rng, CARS), route, at, lateral=aside),
            Actor(Model.WARNING, route, at - 14.0, lateral=aside),
        ]
    else:
        lateral = -uniform(rng, 0.3, 0.9) if threat else -(half + 0.3)
        starts = Phase(When.EGO_GAP, 80.0, speed=uniform(rng, 3.0, 5.0))
        stops = Phase(When.OWN_S, s + street.length - 12.0, speed=0.0, lateral=-(half + 0.8), deceleration=1.5)
        found = [Actor(Model.CYCLIST, route, at, lateral=lateral, cruise=0.0, phases=(starts, stops))]
    return [replace(actor, present=(max(at - AHEAD, 0.0), s + street.length + BEHIND)) for actor in found]


def _oncoming(rng: Rng, net: Mapping[Key, Street], street: Street, s: float) -> list[Actor]:
    """Cars that come the other way; they appear when the ego turns into the street."""
    if street.opposite is None or street.length < 50.0:
        return []
    way = _on(net, rng, net[street.opposite], street.length + 60.0)
    path = _path(way)
    found = list[Actor]()
    place = uniform(rng, 5.0, 40.0)
    for _ in range(choose(rng, (0, 1, 2, 3))):
        if place < street.length - 60.0:
            pace = LIMIT * uniform(rng, 0.75, 0.95)
            found.append(car(rng, path, place, pace, cruise=pace))
        place += uniform(rng, 20.0, 60.0)
    return [replace(actor, present=(s, s + street.length + 2.0 * BEHIND)) for actor in found]


def _junction(
    rng: Rng, net: Mapping[Key, Street], through: Street, way: Sequence[Street], s: float
) -> tuple[list[Actor], list[Control]]:
    """Who has priority at the junction that begins ``s`` m along the route, and who crosses then."""
    ours = set(through.key[:2]) | {node for street in way for node in street.key[:2]}
    entries = [
        street
        for street in net.values()
        if not street.junction
        and street.key[0] not in ours
        and street.key[1] not in ours
        and _meets(net, street, through)
    ]
    kind = choose(rng, ("red", "red", "green", "yield", "free"))
    found: list[Actor] = []
    if kind in ("red", "yield") and entries:
        way_across = _on(net, rng, choose(rng, entries), 0.0)
        entry = way_across[0]
        across = [net[key] for key in entry.following if _ends(net[key], through)]
        beyond = _on(net, rng, choose(rng, across), 120.0) if across else []
        pace = uniform(rng, 7.0, 9.5)
        for i in range(choose(rng, (1, 2))):
            place = entry.length - pace * (6.0 + 3.0 * i + uniform(rng, -1.0, 1.0))
            if place > 3.0 and beyond:
                actor = car(rng, _path([entry, *beyond]), place, pace, braking=PRIORITY_BRAKING)
                found.append(replace(actor, present=(max(s - 55.0, 0.0), s + 2.0 * BEHIND)))
    if kind in ("red", "green"):
        changes: tuple[Change, ...] = ()
        if kind == "red":
            changes = (
                Change(When.EGO_GAP, 12.0, LightState.RED),
                Change(When.SINCE, uniform(rng, 4.0, 7.0), LightState.GREEN),
            )
        state = LightState.RED if kind == "red" else LightState.GREEN
        return found, [Control(ControlKind.TRAFFIC_LIGHT, s - LINE, state, changes)]
    return found, [Control(ControlKind.YIELD_SIGN, s - LINE)] if kind == "yield" else []


def _meets(net: Mapping[Key, Street], street: Street, through: Street) -> bool:
    """Whether ``street`` leads into the junction that ``through`` crosses, by another entrance."""
    return street.key[1] != through.key[0] and any(_ends(net[key], through) for key in street.following)


def _ends(lane: Street, through: Street) -> bool:
    """Whether two lanes lead out of the same junction to the same street."""
    return lane.junction and lane.key[1] == through.key[1] and lane.key[0] != through.key[0]
