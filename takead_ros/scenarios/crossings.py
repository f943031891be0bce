"""Families about junctions with lights, signs and those who ignore them."""

from __future__ import annotations

from dataclasses import replace

from takead_ros.domain.scene import ControlKind, LightState
from takead_ros.maps.road_builder import RoadBuilder
from takead_ros.maps.roads import CORNER, Arm, LanePath
from takead_ros.scenarios.draws import Rng, chance, choose, uniform
from takead_ros.scenarios.family import Case, Setting, family
from takead_ros.scenarios.junctions import ARM, across, dense, meeting
from takead_ros.scenarios.parts import (
    CARS,
    SPEED_LIMITS,
    approach,
    car,
    follower,
    straggler,
    time_limit,
)
from takead_ros.scenarios.spec import Ability, Actor, Change, Control, Phase, Scenario, When

LINE = 1.5  # m from a junction back to its stop line


class _Junction:
    """A junction that the ego crosses or turns at, with its stop line."""

    def __init__(self, rng: Rng, turns: tuple[Arm, ...] = ("ahead",)) -> None:
        self.limit = choose(rng, SPEED_LIMITS[:3])
        self.builder: RoadBuilder = approach(rng, 1, self.limit, ARM, entry=(60.0, 80.0), bend=0.3)
        self.entrance = self.builder.length
        self.turn = choose(rng, turns)
        self.radius = uniform(rng, 8.0, 12.0)
        self.ways = self.builder.crossing(self.turn, self.radius)
        self.route: LanePath = self.builder.route(0)
        self.speed = self.limit * uniform(rng, 0.75, 0.95)
        self.start = max(self.entrance - uniform(rng, 50.0, 65.0), 12.0)
        self.line = self.entrance - LINE
        self.there = (self.entrance - self.start) / self.speed
        self.goal = self.builder.length - ARM + uniform(rng, 45.0, 60.0)

    def cross_traffic(self, rng: Rng, earlier: float = 0.0) -> list[Actor]:
        """Streams from both sides (where the ego turns right: from the left) whose first cars meet who drives on;
        ``earlier`` s of them are for slowing down at a light that is still red for them."""
        actors: list[Actor] = []
        sides: tuple[Arm, ...] = ("left",) if self.turn == "right" else ("left", "right")
        for side in sides:
            distance, width = self.entrance - self.start, self.builder.lane_width
            meets, way_in = meeting(self.turn, side, width, distance, self.speed, self.limit)
            actors += dense(rng, across(self.ways, side), meets - earlier, way_in, choose(rng, (3, 4)))
        return actors

    def scenario(
        self, case: Case, actors: list[Actor], threat: bool, waiting: float, controls: tuple[Control, ...] = ()
    ) -> Scenario:
        """The scenario at this junction; ``waiting`` s."""
        if any(control.kind is ControlKind.TRAFFIC_LIGHT for control in controls):
            actors = [self._minding_lights(actor) for actor in actors]
        return case.scenario(
            roads=self.builder.build(),
            route=self.route,
            start=self.start,
            goal=self.goal,
            speed=self.speed,
            speed_limit=self.limit,
            time_limit=time_limit(self.goal - self.start, self.limit, waiting),
            actors=actors,
            threat=threat,
            controls=controls,
        )

    def _minding_lights(self, actor: Actor) -> Actor:
        """Who is reactive stops at red: with the ego's light on the ego's road, with the other one across."""
        if not actor.reactive:
            return actor
        on_route = actor.path == self.route
        return replace(actor, light=(self.line if on_route else ARM - LINE, on_route))


@family(Ability.GIVE_WAY, Setting.JUNCTION)
def crossing_straight(case: Case) -> Scenario:
    """Straight across a road whose traffic has priority. Without threat nobody comes."""
    rng = case.rng
    junction = _Junction(rng)
    threat = chance(rng, 0.88)
    actors = junction.cross_traffic(rng) if threat else []
    actors += follower(rng, junction.route, junction.start, junction.speed, junction.limit)
    sign = Control(ControlKind.YIELD_SIGN, junction.line)
    return junction.scenario(case, actors, threat, 9.0, (sign,))


@family(Ability.EMERGENCY_BRAKE, Setting.JUNCTION)
def red_light_runner(case: Case) -> Scenario:
    """The ego's light is green, but a car from the side drives off against red. Without threat it waits."""
    rng = case.rng
    junction = _Junction(rng)
    threat = chance(rng, 0.88)
    sides: tuple[Arm, ...] = ("left", "right")
    side = choose(rng, sides)
    waits = uniform(rng, 3.0, 4.5)
    acceleration = uniform(rng, 3.0, 4.0)
    # it gets into the ego's lane just before a driver who did not slow down; before that it can be seen coming
    width = junction.builder.lane_width
    way_in = waits + CORNER + (1.5 if side == "left" else 0.5) * width - 3.5
    needs = (2.0 * way_in / acceleration) ** 0.5
    phases: tuple[Phase, ...] = ()
    if threat:
        phases = (Phase(When.EGO_ARRIVAL, needs + uniform(rng, -0.35, 0.1), speed=12.0, acceleration=acceleration),)
    path = LanePath.along(across(junction.ways, side), 0)
    runner = Actor(choose(rng, CARS), path, ARM - waits, cruise=0.0, phases=phases)
    actors = [runner, *follower(rng, junction.route, junction.start, junction.speed, junction.limit)]
    light = Control(ControlKind.TRAFFIC_LIGHT, junction.line, LightState.GREEN)
    return junction.scenario(case, actors, threat, 5.0, (light,))


@family(Ability.TRAFFIC_SIGN, Setting.JUNCTION)
def red_light(case: Case) -> Scenario:
    """A light that is red, or turns red early, while others cross; then it turns green. Without threat it is green."""
    rng = case.rng
    junction = _Junction(rng, ("ahead", "ahead", "left", "right"))
    threat = chance(rng, 0.88)
    changes: tuple[Change, ...] = ()
    state = LightState.GREEN
    actors: list[Actor] = []
    if threat:
        late = chance(rng, 0.4)
        state = LightState.GREEN if late else LightState.RED
        if late:
            changes = (
                Change(When.EGO_GAP, uniform(rng, 32.0, 42.0), LightState.YELLOW),
                Change(When.SINCE, 2.0, LightState.RED),
            )
        changes += (
            Change(When.EGO_GAP, 12.0, LightState.RED),
            Change(When.SINCE, uniform(rng, 3.0, 7.0), LightState.GREEN),
        )
        actors += junction.cross_traffic(rng, 0.8 if late else 0.0)
    actors += follower(rng, junction.route, junction.start, junction.speed, junction.limit)
    light = Control(ControlKind.TRAFFIC_LIGHT, junction.line, state, changes)
    return junction.scenario(case, actors, threat, 10.0, (light,))


@family(Ability.TRAFFIC_SIGN, Setting.JUNCTION)
def yellow_dilemma(case: Case) -> Scenario:
    """The light turns yellow where stopping is still comfortable and driving on is not; red follows, and others cross.
    Without threat it stays green."""
    rng = case.rng
    junction = _Junction(rng)
    threat = chance(rng, 0.88)
    changes = (
        Change(When.EGO_ARRIVAL, uniform(rng, 2.8, 4.4) if threat else -1.0, LightState.YELLOW),
        Change(When.SINCE, 3.0, LightState.RED),
        Change(When.SINCE, uniform(rng, 4.0, 7.0), LightState.GREEN),
    )
    actors = follower(rng, junction.route, junction.start, junction.speed, junction.limit)
    if threat:
        actors += junction.cross_traffic(rng, 0.5)
    light = Control(ControlKind.TRAFFIC_LIGHT, junction.line, LightState.GREEN, changes)
    return junction.scenario(case, actors, threat, 10.0, (light,))


@family(Ability.TRAFFIC_SIGN, Setting.JUNCTION)
def stop_sign(case: Case) -> Scenario:
    """Stop at the sign, then cross or turn when there is a gap. Without threat nobody comes; the stop stays due."""
    rng = case.rng
    junction = _Junction(rng, ("ahead", "right", "left"))
    threat = chance(rng, 0.88)
    actors = junction.cross_traffic(rng) if threat else []
    actors += follower(rng, junction.route, junction.start, junction.speed, junction.limit)
    sign = Control(ControlKind.STOP_SIGN, junction.line)
    return junction.scenario(case, actors, threat, 10.0, (sign,))


@family(Ability.TRAFFIC_SIGN, Setting.JUNCTION)
def blocked_junction(case: Case) -> Scenario:
    """A queue stands beyond the junction for people who cross there, and the light turns red, so that others cross:
    wait before it though it is green. The last of the people comes late. Without threat the queue moves on."""
    rng = case.rng
    junction = _Junction(rng)
    threat = chance(rng, 0.88)
    first = junction.builder.length - ARM + 6.0
    moves = Phase(When.TIME, junction.there + uniform(rng, 4.0, 7.0) if threat else 0.0, speed=junction.limit * 0.9)
    queue = [
        car(rng, junction.route, first + 7.5 * i, 0.0 if threat else junction.limit * 0.8, cruise=0.0, phases=(moves,))
        for i in range(choose(rng, (2, 3)))
    ]
    actors = [*queue, *follower(rng, junction.route, junction.start, junction.speed, junction.limit)]
    if threat:
        actors += junction.cross_traffic(rng, -2.0)
        actors.append(straggler(rng, junction.builder, 0, junction.goal - uniform(rng, 10.0, 16.0), junction.limit))
    changes = (
        Change(When.TIME, junction.there + 1.5 if threat else 1000.0, LightState.YELLOW),
        Change(When.SINCE, 2.0, LightState.RED),
        Change(When.SINCE, uniform(rng, 5.0, 6.0), LightState.GREEN),
    )
    light = Control(ControlKind.TRAFFIC_LIGHT, junction.line, LightState.GREEN, changes)
    return junction.scenario(case, actors, threat, 10.0, (light,))
