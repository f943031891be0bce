"""Families about something slow or narrow that has to be passed, and about who comes the other way."""

from __future__ import annotations

from takead_ros.maps.road_builder import RoadBuilder
from takead_ros.maps.roads import LanePath
from takead_ros.scenarios.draws import Rng, chance, choose, uniform
from takead_ros.scenarios.family import Case, Setting, family
from takead_ros.scenarios.parts import CARS, SPEED_LIMITS, approach, car, follower, oncoming, time_limit
from takead_ros.scenarios.spec import DIMENSIONS, Ability, Actor, Model, Phase, Scenario, When

HALF_WIDTH = 0.93  # m, of the ego


class _Street:
    """A street with its straight part, the ego's lane on the right, and where the thing to pass begins."""

    def __init__(self, rng: Rng, lanes: int, length: tuple[float, float] = (175.0, 200.0)) -> None:
        self.limit = choose(rng, SPEED_LIMITS[:3])
        self.builder: RoadBuilder = approach(rng, lanes, self.limit, bend=0.35)
        straight_from = self.builder.length
        self.builder.straight(uniform(rng, *length))
        self.lanes, self.width = lanes, self.builder.lane_width
        self.route: LanePath = self.builder.route(lanes - 1)
        self.speed = self.limit * uniform(rng, 0.75, 0.95)
        self.at = straight_from + uniform(rng, 35.0, 50.0)
        # early on the route: who cannot get past has not come far
        self.start = self.at - uniform(rng, 48.0, 62.0)

    def meeting(self, rng: Rng, count: int) -> list[Actor]:
        """``count`` oncoming cars of which the first meets the ego about where the obstacle is."""
        first = self.builder.length - self.at - self.limit * (self.at - self.start) / self.speed
        return oncoming(rng, self.builder.against(0), first + uniform(rng, -10.0, 25.0), self.limit, count)

    def beside(self, rng: Rng) -> list[Actor]:
        """Someone in the next lane of the own direction."""
        behind = max(self.start - uniform(rng, 0.0, 25.0), 3.0)
        return oncoming(rng, self.builder.route(self.lanes - 2), behind, self.limit, choose(rng, (1, 2)))

    def others(self, rng: Rng, count: int) -> list[Actor]:
        """Traffic that matters for passing: beside where there are two lanes, else oncoming."""
        return self.beside(rng) if self.lanes > 1 else self.meeting(rng, count)

    def scenario(
        self, case: Case, actors: list[Actor], threat: bool, waiting: float, passable: bool = True
    ) -> Scenario:
        """The scenario on this street; ``waiting`` s, and whether the centre line may be crossed to pass."""
        goal = self.builder.length - 20.0
        return case.scenario(
            roads=self.builder.build(passable and self.lanes == 1),
            route=self.route,
            start=self.start,
            goal=goal,
            speed=self.speed,
            speed_limit=self.limit,
            time_limit=time_limit(goal - self.start, self.limit, waiting),
            actors=actors,
            threat=threat,
        )


@family(Ability.OVERTAKING, Setting.STREET)
def parked_with_oncoming(case: Case) -> Scenario:
    """A van parked across most of the lane, on a street where the oncoming cars leave one gap after another."""
    rng = case.rng
    street = _Street(rng, 1)
    threat = chance(rng, 0.88)
    out = uniform(rng, 0.3, 0.9) if threat else street.width / 2.0 + 1.05
    actors = [Actor(Model.VAN, street.route, street.at, lateral=-out)]
    count = choose(rng, (2, 3, 4)) if threat else 2
    actors += street.meeting(rng, count)
    actors += follower(rng, street.route, street.start, street.speed, street.limit)
    return street.scenario(case, actors, threat, 3.0 * count + 3.0)


@family(Ability.OVERTAKING, Setting.STREET)
def construction_cones(case: Case) -> Scenario:
    """Cones lead out of the lane, a barrier closes it. Without threat they stand at its edge."""
    rng = case.rng
    street = _Street(rng, choose(rng, (1, 2)))
    threat = chance(rng, 0.88)
    inset = 0.0 if threat else -(street.width / 2.0 + 0.4)
    closed = uniform(rng, 8.0, 18.0)
    half = street.width / 2.0
    actors: list[Actor] = []
    for i in range(4):  # the taper from the kerb to the far side of the lane
        lateral = inset - half + 0.5 + (i / 3.0) * (street.width - 1.0) if threat else inset
        actors.append(Actor(Model.CONE, street.route, street.at - 12.0 + 3.5 * i, lateral=lateral))
    for i in range(int(closed / 5.0) + 1):
        lateral = half - 0.5 if threat else inset
        actors.append(Actor(Model.CONE, street.route, street.at + 3.0 + 5.0 * i, lateral=lateral))
    if threat:
        actors.append(Actor(Model.BARRIER, street.route, street.at + 1.5, yaw_offset=1.5708))
        actors.append(Actor(Model.VAN, street.route, street.at + 8.0, lateral=-0.4))
    actors += street.others(rng, choose(rng, (0, 1, 2)))
    return street.scenario(case, actors, threat, 6.0)


@family(Ability.OVERTAKING, Setting.STREET)
def slow_cyclist(case: Case) -> Scenario:
    """Someone cycles slowly along the lane, so that who only follows comes too late. Without threat on its very edge,
    so that there is room in the lane."""
    rng = case.rng
    street = _Street(rng, choose(rng, (1, 2)), (200.0, 215.0))
    threat = chance(rng, 0.88)
    pace = uniform(rng, 1.7, 2.25)
    lateral = -uniform(rng, 0.2, 0.9) if threat else -(street.width / 2.0 + 0.3)
    actors = [Actor(Model.CYCLIST, street.route, street.start + uniform(rng, 25.0, 45.0), lateral=lateral, speed=pace)]
    count = choose(rng, (0, 1, 2))
    actors += street.others(rng, count)
    actors += follower(rng, street.route, street.start, street.speed, street.limit)
    return street.scenario(case, actors, threat, 2.0)


@family(Ability.OVERTAKING, Setting.STREET)
def accident(case: Case) -> Scenario:
    """Two cars that ran into each other block the lane, with someone standing beside and a triangle behind."""
    rng = case.rng
    street = _Street(rng, choose(rng, (1, 2)))
    threat = chance(rng, 0.88)
    aside = 0.0 if threat else -(street.width / 2.0 + 1.1)
    turn = uniform(rng, 0.1, 0.3) if threat else 0.0
    first = Actor(choose(rng, CARS), street.route, street.at, lateral=aside - 0.2, yaw_offset=-turn)
    second = Actor(choose(rng, CARS), street.route, street.at + 5.6, lateral=aside, yaw_offset=turn)
    actors = [first, second]
    if threat:
        actors.append(Actor(Model.WARNING, street.route, street.at - uniform(rng, 10.0, 16.0), lateral=-0.6))
        actors.append(Actor(Model.PEDESTRIAN, street.route, street.at + 3.0, lateral=-2.2))
    actors += street.others(rng, choose(rng, (0, 1, 2)))
    return street.scenario(case, actors, threat, 6.0)


@family(Ability.OVERTAKING, Setting.STREET)
def opened_door(case: Case) -> Scenario:
    """A door opens in a row of parked cars. Without threat all of them stay shut."""
    rng = case.rng
    street = _Street(rng, choose(rng, (1, 2)))
    threat = chance(rng, 0.88)
    side = street.width / 2.0 + uniform(rng, 0.45, 0.6)
    cars = [Actor(choose(rng, CARS), street.route, street.at + 7.5 * i, lateral=-side - 0.2) for i in range(-1, 2)]
    actors = list(cars)
    if threat:
        opening = Phase(
            When.EGO_ARRIVAL, 0.5 + street.speed / 12.0 + uniform(rng, 0.4, 1.2), lateral=-side + 1.6, lateral_speed=1.5
        )
        actors.append(Actor(Model.BARRIER, street.route, street.at + 0.4, lateral=-side, phases=(opening,)))
    actors += street.others(rng, choose(rng, (0, 1)))
    actors += follower(rng, street.route, street.start, street.speed, street.limit)
    return street.scenario(case, actors, threat, 4.0)


@family(Ability.GIVE_WAY, Setting.STREET)
def oncoming_invades(case: Case) -> Scenario:
    """An oncoming car comes over the centre line, so far that it would hit who keeps to the middle of the lane: there
    is room on the lane's right half. Without threat it keeps to its lane."""
    rng = case.rng
    street = _Street(rng, 1)
    threat = chance(rng, 0.88)
    meets = (street.at - street.start) / street.speed
    s = street.builder.length - street.at - street.limit * meets
    model = choose(rng, CARS)
    aside = street.width / 2.0 - HALF_WIDTH  # m that there are on the ego's right
    side = HALF_WIDTH - aside + uniform(rng, 0.4, 0.6)  # m left of the lane's centre that its side then is
    over = street.width - side - DIMENSIONS[model][1] / 2.0
    invade = (
        Phase(When.EGO_GAP, uniform(rng, 55.0, 75.0), lateral=over, lateral_speed=uniform(rng, 0.8, 1.3)),
        Phase(When.SINCE, uniform(rng, 5.5, 7.0), lateral=0.0, lateral_speed=1.2),
    )
    path = street.builder.against(0)
    actors = [Actor(model, path, max(s, 5.0), speed=street.limit, phases=invade if threat else ())]
    actors += follower(rng, street.route, street.start, street.speed, street.limit)
    if not threat and chance(rng, 0.5):
        actors.append(car(rng, street.route, street.start + uniform(rng, 30.0, 45.0), street.limit * 0.9))
    return street.scenario(case, actors, threat, 2.0, passable=False)
