"""The vector world: what a batch promises, collisions, and drives beside MetaDrive's."""

from __future__ import annotations

import math
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from benchmarks.vector.drives import expert_drive
from support.vector_road import ROUTE, compiled
from takead_ros.domain.errors import TakeadError
from takead_ros.domain.scene import FloatArray, LightState
from takead_ros.measures.driving_score import score_episode
from takead_ros.scenarios import FAMILIES, build
from takead_ros.scenarios.spec import Actor, Model, Phase, When
from takead_ros.simulators import open_simulator
from takead_ros.simulators.metadrive.simulator import MetaDrive
from takead_ros.simulators.vector import bodies
from takead_ros.simulators.vector.arrays import MOST_ACTORS, Layout, State
from takead_ros.simulators.vector.batch import Batch


def drive(batch: Batch, ticks: int, seeds: list[int]) -> list[FloatArray]:
    """States of all environments after ``ticks`` ticks, each under the commands of its own seed."""
    commands = [np.random.default_rng(seed).uniform((-0.1, -3.0), (0.1, 3.0), (ticks, 2)) for seed in seeds]
    for tick in range(ticks):
        batch.step(np.ascontiguousarray([rows[tick] for rows in commands]))
    return [np.concatenate([batch.state.ego[i], batch.state.pose[i, :2].ravel()]) for i in range(batch.count)]


CAR = Actor(Model.CAR_M, ROUTE, 60.0, speed=5.0, reactive=True)
PERSON = Actor(
    Model.PEDESTRIAN, ROUTE, 90.0, lateral=5.0, phases=(Phase(When.EGO_GAP, 30.0, lateral=-5.0, lateral_speed=1.5),)
)


def test_results_do_not_depend_on_the_batch() -> None:
    """The same bits alone, among others, in another order, and after another episode in the same row."""
    scenes = [compiled(CAR, PERSON, bend=bend) for bend in (0.0, 0.5, -0.5, 1.0)]
    alone = []
    for seed, scene in enumerate(scenes):
        batch = Batch(1)
        batch.reset([0], [scene])
        alone.append(drive(batch, 200, [seed])[0])
    together = Batch(4)
    together.reset(range(4), scenes)
    assert all(np.array_equal(a, b) for a, b in zip(drive(together, 200, [0, 1, 2, 3]), alone, strict=True))
    together.reset([3, 2, 1, 0], scenes)
    assert all(np.array_equal(a, b) for a, b in zip(drive(together, 200, [3, 2, 1, 0])[::-1], alone, strict=True))


def test_one_environment_begins_anew_while_the_others_go_on() -> None:
    scene, wider = compiled(CAR), compiled(*[replace(CAR, s=30.0 + 8.0 * i) for i in range(20)])
    batch, witness = Batch(3), Batch(1)
    batch.reset(range(3), [scene] * 3)
    witness.reset([0], [scene])
    command = np.tile([0.01, 1.0], (3, 1))
    for _ in range(50):
        batch.step(command)
        witness.step(command[:1])
    batch.reset([1], [wider])  # more actors than there was room for
    assert batch.state.tick.tolist() == [50, 0, 50]
    for _ in range(50):
        batch.step(command)
        witness.step(command[:1])
    assert np.array_equal(batch.state.ego[0], witness.state.ego[0])
    assert np.array_equal(batch.state.ego[2], witness.state.ego[0])


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("column", [0, 1])
def test_a_command_that_is_not_finite_moves_nobody(bad: float, column: int) -> None:
    batch = Batch(3)
    batch.reset(range(3), [compiled(CAR)] * 3)
    before = [array.copy() for array in batch.state]
    commands = np.zeros((3, 2))
    commands[1, column] = bad
    with pytest.raises(TakeadError, match=r"environment 1: command .* expected finite numbers"):
        batch.step(commands)
    assert all(np.array_equal(a, b, equal_nan=True) for a, b in zip(before, batch.state, strict=True))


def test_too_many_actors_are_refused_not_left_out() -> None:
    crowd = [replace(CAR, s=1.0 + 0.1 * i) for i in range(MOST_ACTORS + 1)]
    with pytest.raises(TakeadError, match=f"{MOST_ACTORS + 1} actors, expected at most {MOST_ACTORS}"):
        compiled(*crowd)


def test_an_episode_that_is_over_stays_as_it_was() -> None:
    batch = Batch(1)
    batch.reset([0], [compiled()])
    while not batch.done[0]:
        batch.step(np.array([[0.0016, 2.0]]))
    before = [array.copy() for array in batch.state]
    batch.step(np.array([[0.0, 2.0]]))
    assert all(np.array_equal(a, b, equal_nan=True) for a, b in zip(before, batch.state, strict=True))


def test_the_ego_stops_at_what_it_runs_into() -> None:
    wall = Actor(Model.VAN, ROUTE, 60.0)
    batch = Batch(1)
    batch.reset([0], [compiled(wall, bend=0.0)])
    before = [0.0]
    for _ in range(200):
        if not batch.state.touching[0, 0]:
            before.append(float(batch.state.ego[0, 3]))
        batch.step(np.array([[0.0, 2.0]]))
        gap = wall.s - batch.state.navigation[0, 0] - (wall.length + batch.vehicle.length) / 2.0
        assert gap > -0.2
    assert batch.state.touching[0, 0] and abs(batch.state.ego[0, 3]) < 0.3
    assert before[-1] > 8.0  # in the tick before they touch it still drives: the collision is its own


@pytest.mark.parametrize("family", ["lead_hard_brake", "broken_down_car"])
def test_running_into_somebody_is_a_collision_of_its_own(family: str) -> None:
    """As in MetaDrive: whoever drives on at 9 m/s, into one that brakes or one that stands, is to blame, by the tick in
    which both are seen to touch."""
    episode = open_simulator("vector").reset(build(family, 3_000_600))
    while not episode.done and not episode.outcome().contacts:
        route = episode.observe().route
        steering = -0.05 * route.lateral_offset - 0.5 * route.heading_error
        episode.step(steering, 0.5 * (9.0 - episode.observe().ego.speed))
    found = score_episode(episode.outcome()).infractions
    assert "collision_vehicle" in {one.kind for one in found}


@pytest.mark.parametrize(
    ("theirs", "mine", "left"),
    [(5.0, 8.0, 5.0), (0.0, 8.0, 0.0), (-3.0, 8.0, 0.0), (9.0, 8.0, 8.0), (5.0, -1.0, -1.0)],
    ids=["moves on", "stands", "comes towards", "faster", "backs away"],
)
@pytest.mark.parametrize("yaw", [0.0, 2.0])
def test_the_ego_loses_only_what_it_has_beyond_the_other(theirs: float, mine: float, left: float, yaw: float) -> None:
    """At the rear of another that drives with ``theirs`` m/s along the same line; Bullet too knows only how fast two
    bodies come together. Nobody is pushed here, so that who comes towards the ego only stops it."""
    vehicle, cos, sin = Batch(1).vehicle, math.cos(yaw), math.sin(yaw)
    body, other = np.zeros(9), np.array([4.5 * cos, 4.5 * sin, yaw, theirs * cos, theirs * sin])
    body[2] = body[8] = yaw
    body[3], body[4] = mine * cos - 0.5 * sin, mine * sin + 0.5 * cos  # 0.5 m/s to the side
    bodies.keep_out(body, other, 4.6, 1.9, vehicle)
    along, across = cos * body[3] + sin * body[4], cos * body[4] - sin * body[3]
    assert (along, across) == (pytest.approx(left, abs=1e-9), pytest.approx(0.5, abs=1e-9))
    back = 0.5 * (4.6 + vehicle.length) - 4.5
    assert (body[0], body[1]) == (pytest.approx(-back * cos, abs=1e-9), pytest.approx(-back * sin, abs=1e-9))


def test_fields_have_the_shapes_that_are_promised() -> None:
    batch = Batch(5)
    batch.reset(range(5), [compiled(CAR, PERSON)] * 5)
    assert isinstance(batch.layout, Layout) and isinstance(batch.state, State)
    assert all(field.shape[0] == 5 and field.flags["C_CONTIGUOUS"] for field in (*batch.layout, *batch.state))


@pytest.mark.slow
@pytest.mark.parametrize("family", ["cut_in", "intersection_left", "roundabout_entry", "broken_down_car", "red_light"])
def test_the_same_commands_give_the_drive_of_metadrive(family: str, simulator: MetaDrive) -> None:
    """Ego within 0.3 m after 5 s, everybody else within 0.3 m, the same lanes, navigation, lights and speed limit."""
    drive = expert_drive(simulator, build(family, 3_000_123), 100)
    own = open_simulator("vector").reset(drive.scenario)
    theirs = simulator.reset(drive.scenario)
    for steering, acceleration in drive.commands:
        own.step(float(steering), float(acceleration))
        theirs.step(float(steering), float(acceleration))
        here, there = own.observe(), theirs.observe()
        assert math.hypot(here.ego.x - there.ego.x, here.ego.y - there.ego.y) < 0.3
        assert here.ego.speed == pytest.approx(there.ego.speed, abs=0.1)
        shown = {int(number): k for k, number in enumerate(here.objects.id)}
        for k, number in enumerate(there.objects.id):
            if int(number) in shown:
                row = shown[int(number)]
                assert here.objects.x[row] == pytest.approx(there.objects.x[k], abs=0.3)
                assert here.objects.y[row] == pytest.approx(there.objects.y[k], abs=0.3)
        assert here.route.speed_limit == there.route.speed_limit
        assert here.route.completion == pytest.approx(there.route.completion, abs=0.01)
        assert [(c.id, c.state) for c in here.controls] == [(c.id, c.state) for c in there.controls]
    assert [line.kind for line in own.observe().polylines] == [line.kind for line in theirs.observe().polylines]


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_the_expert_drives_every_family(family: str) -> None:
    drive = expert_drive(open_simulator("vector"), build(family, 3_000_200))
    assert (drive.end, drive.contact) == ("goal", len(drive.commands))


def test_a_stop_sign_is_served_when_the_ego_has_stood_before_it() -> None:
    """And not before: told from that moment on, whatever the ego does then."""
    drive = expert_drive(open_simulator("vector"), build("stop_sign", 3_000_200))
    episode = open_simulator("vector").reset(drive.scenario)
    stood, told = False, []
    for steering, acceleration in drive.commands:
        episode.step(float(steering), float(acceleration))
        scene = episode.observe()
        for control in scene.controls:
            stood = stood or (scene.ego.speed < 0.2 and 0.0 <= control.distance <= 4.0)
            assert control.state is (LightState.GREEN if stood else LightState.UNKNOWN)
            told.append(control.state)
    assert {LightState.UNKNOWN, LightState.GREEN} == set(told)


@pytest.mark.slow
def test_metadrive_is_not_imported_for_it() -> None:
    code = (
        "import sys; from takead_ros.scenarios import build; from takead_ros.simulators import open_simulator; "
        "episode = open_simulator('vector').reset(build('cut_in', 0)); episode.step(0.0, 1.0); episode.observe(); "
        "print([m for m in sys.modules if m.split('.')[0] in ('metadrive', 'panda3d', 'torch')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_roads_that_only_metadrive_has_are_refused() -> None:
    with pytest.raises(TakeadError, match="safe_metadrive"):
        open_simulator("vector").reset(build("safe_metadrive", 0))


def test_a_step_that_the_model_cannot_do_is_refused() -> None:
    with pytest.raises(TakeadError, match=r"step 0\.03 s, expected a multiple of 0\.025 s"):
        open_simulator("vector", 0.03)
