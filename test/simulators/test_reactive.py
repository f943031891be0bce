"""Reactive traffic minds people, lights and emergency vehicles' way, unlike MetaDrive's IDMPolicy."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from takead_ros.domain.scene import ControlKind, LightState, ObjectKind
from takead_ros.policy.encoding import encode
from takead_ros.scenarios import build
from takead_ros.scenarios.junctions import ARM
from takead_ros.scenarios.spec import Actor, Change, Control, Model, Phase, Scenario, When
from takead_ros.simulators.metadrive.simulator import MetaDrive

pytestmark = pytest.mark.slow


def stand(simulator: MetaDrive, scenario: Scenario, seconds: float) -> list[np.ndarray]:
    """x, y of all actors at each tick while the ego holds its brake."""
    episode = simulator.reset(scenario)
    places = []
    while episode.time_s < seconds and not episode.done:
        episode.step(0.0, -6.0)
        objects = episode.outcome().objects[-1]
        places.append(np.stack([objects.x, objects.y], axis=1))
    return places


def test_a_reactive_car_stops_for_someone_who_walks_into_its_lane(simulator: MetaDrive) -> None:
    base = build("pedestrian_crossing", 3)
    lane = base.route
    driver = Actor(Model.CAR_M, lane, 60.0, speed=11.0, cruise=11.0, reactive=True)
    walker = Actor(
        Model.PEDESTRIAN, lane, 100.0, lateral=-4.0, phases=(Phase(When.TIME, 0.8, lateral=0.0, lateral_speed=2.0),)
    )
    episode = simulator.reset(replace(base, actors=(driver, walker), controls=()))
    gaps = []
    while episode.time_s < 8.0:
        episode.step(0.0, -6.0)
        objects = episode.outcome().objects[-1]
        gaps.append(float(np.hypot(objects.x[0] - objects.x[1], objects.y[0] - objects.y[1])))
    assert min(gaps) > 2.3 + 0.35, "never touches the person"
    assert np.hypot(objects.vx[0], objects.vy[0]) < 0.2, "and stands before her"


@pytest.mark.parametrize("with_ego", [True, False])
def test_a_reactive_car_waits_at_its_red_light_and_goes_at_green(simulator: MetaDrive, with_ego: bool) -> None:
    base = build("red_light", 0)
    assert any(actor.light is not None and actor.light == (ARM - 1.5, False) for actor in base.actors)
    first, then = (LightState.RED, LightState.GREEN) if with_ego else (LightState.GREEN, LightState.RED)
    line = 70.0
    driver = Actor(Model.CAR_M, base.route, 30.0, speed=9.0, cruise=9.0, reactive=True, light=(line, with_ego))
    light = Control(ControlKind.TRAFFIC_LIGHT, base.controls[0].s, first, (Change(When.TIME, 9.0, then),))
    places = stand(simulator, replace(base, start=12.0, speed=0.0, actors=(driver,), controls=(light,)), 14.0)
    begin = places[0][0]
    way = [float(np.hypot(*(place[0] - begin))) for place in places]
    assert line - 30.0 - 2.3 - 3.0 < way[170] < line - 30.0 - 2.3, "stands at the line while it is red"
    assert way[-1] > way[170] + 10.0, "and drives on at green"


def test_who_cannot_stop_any_more_drives_on_at_a_light_that_turns(simulator: MetaDrive) -> None:
    base = build("red_light", 0)
    driver = Actor(Model.CAR_M, base.route, 60.0, speed=9.0, cruise=9.0, reactive=True, light=(66.0, True))
    light = Control(ControlKind.TRAFFIC_LIGHT, base.controls[0].s, LightState.RED)
    places = stand(simulator, replace(base, start=12.0, speed=0.0, actors=(driver,), controls=(light,)), 3.0)
    assert np.hypot(*(places[-1][0] - places[0][0])) > 20.0


def test_an_emergency_vehicle_is_known_as_one_and_held_up_by_who_stays_before_it(simulator: MetaDrive) -> None:
    seed = next(seed for seed in range(20) if build("emergency_vehicle", seed).threat)
    episode = simulator.reset(build("emergency_vehicle", seed))
    assert list(episode.observe().objects.kind).count(ObjectKind.EMERGENCY_VEHICLE) == 1
    kinds = encode(episode.observe())["objects"][:, -7:]
    assert sum(tuple(np.flatnonzero(row)) == (ObjectKind.UNKNOWN, ObjectKind.TRUCK) for row in kinds) == 1
    while episode.time_s < 12.0 and not episode.done:
        scene = episode.observe()
        episode.step(-0.3 * scene.route.lateral_offset - 1.2 * scene.route.heading_error, 1.5 * (8.0 - scene.ego.speed))
    log = episode.outcome()
    assert log.contacts == ()
    objects = log.objects[-1]
    row = int(np.flatnonzero(objects.kind == ObjectKind.EMERGENCY_VEHICLE)[0])
    assert np.hypot(objects.vx[row], objects.vy[row]) < 9.0
