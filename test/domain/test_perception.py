"""What perception does to tracks: the same for the same seed, nothing where nothing is set."""

from __future__ import annotations

from dataclasses import fields, replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from takead_ros.domain.errors import TakeadError
from takead_ros.domain.perceived_tracks import COLUMNS, begin_tracks, make_tracks, perceive_objects
from takead_ros.domain.perception import Perception, PerceptionSettings, noise_of
from takead_ros.domain.scene import EgoState, FloatArray, ObjectKind, Objects, Route, RouteCommand, Scene
from takead_ros.scenarios import build
from takead_ros.simulators import open_simulator
from takead_ros.simulators.perception import load_perception, perception

STEP = 0.05
VEHICLE = load_perception("vehicle")
PATH = np.stack([np.arange(0.0, 50.0), np.zeros(50)], axis=1)
ROUTE = Route(PATH, PATH[:3], (RouteCommand.LANE_FOLLOW,) * 3, 0.0, 0.0, 100.0, 0.0)


def objects(x: FloatArray, y: FloatArray, visible: FloatArray | None = None, first: int = 1) -> Objects:
    n = len(x)
    none = np.zeros(n)
    return Objects(
        np.arange(first, first + n),
        np.full(n, int(ObjectKind.CAR)),
        x,
        y,
        none,
        none,
        none,
        np.full(n, 4.6),
        np.full(n, 1.9),
        np.ones(n) if visible is None else visible,
    )


def scene(others: Objects, tick: int = 0) -> Scene:
    return Scene(round(tick * STEP * 1e9), EgoState(0.0, 0.0, 0.0, 5.0), others, (), ROUTE)


def same(a: Objects, b: Objects) -> bool:
    return all(np.array_equal(getattr(a, each.name), getattr(b, each.name)) for each in fields(Objects))


def drawn(seed: int, count: int, ticks: int) -> list[Scene]:
    """Scenes in which objects move about, come and go, and are hidden at times."""
    rng = np.random.default_rng(seed)
    x, y = rng.uniform(-60.0, 60.0, (2, count))
    made = []
    for tick in range(ticks):
        x, y = x + rng.normal(0.0, 0.3, count), y + rng.normal(0.0, 0.3, count)
        there = rng.random(count) < 0.95
        made.append(scene(objects(x, y, (rng.random(count) < 0.9) * 1.0).select(there), tick))
    return made


def run(setting: PerceptionSettings, seed: int, scenes: list[Scene]) -> list[Objects]:
    sees = Perception(setting, STEP, seed)
    return [sees.perceive(each).objects for each in scenes]


any_settings = st.builds(
    PerceptionSettings,
    position_m=st.floats(0.0, 1.0),
    position_per_m=st.floats(0.0, 0.02),
    heading_rad=st.floats(0.0, 0.2),
    speed_mps=st.floats(0.0, 1.0),
    dropout_hz=st.floats(0.0, 5.0),
    first_sight_s=st.floats(0.0, 1.0),
    latency_s=st.sampled_from((0.0, 0.05, 0.1, 0.3)),
    switch_hz=st.floats(0.0, 3.0),
    sees_hidden=st.booleans(),
)


@settings(max_examples=40, deadline=None)
@given(any_settings, st.integers(0, 2**40), st.integers(0, 1000), st.integers(0, 12))
def test_the_same_seed_gives_the_same_and_ids_are_never_shown_twice(
    setting: PerceptionSettings, seed: int, world: int, count: int
) -> None:
    scenes = drawn(world, count, 40)
    first = run(setting, seed, scenes)
    other = Perception(setting, STEP, seed + 1)  # that another one runs beside it alters nothing
    sees = Perception(setting, STEP, seed)
    for each, expected in zip(scenes, first, strict=True):
        other.perceive(each)
        found = sees.perceive(each)
        assert same(found.objects, expected)
        assert len(set(found.objects.id.tolist())) == len(found.objects)
        assert all(np.isfinite(getattr(found.objects, one.name)).all() for one in fields(Objects))
        assert setting.sees_hidden or (found.objects.visibility > 0.0).all()


def test_another_seed_gives_another_noise() -> None:
    scenes = drawn(3, 8, 20)
    assert not all(same(a, b) for a, b in zip(run(VEHICLE, 1, scenes), run(VEHICLE, 2, scenes), strict=True))


@given(st.integers(0, 2**31), st.integers(0, 1000))
@settings(max_examples=20, deadline=None)
def test_without_any_setting_the_scene_is_the_very_scene(seed: int, world: int) -> None:
    sees = Perception(load_perception("none"), STEP, seed)
    for each in drawn(world, 5, 10):
        assert sees.perceive(each) is each


@given(st.integers(0, 2**31), st.integers(0, 1000))
@settings(max_examples=20, deadline=None)
def test_the_core_with_all_zero_gives_every_bit_back(seed: int, world: int) -> None:
    noise, tracks = noise_of(PerceptionSettings(), STEP), make_tracks(2, 0)
    begin_tracks(tracks, 1, seed)
    now, rows = np.zeros((512, COLUMNS)), np.zeros(512, np.int64)
    for each in drawn(world, 9, 10):
        given_ = np.array([getattr(each.objects, one.name) for one in fields(Objects)], dtype=float).T
        now[: len(given_)] = given_
        assert perceive_objects(noise, tracks, 1, 0.0, 0.0, now, len(given_), rows) == len(given_)
        assert np.array_equal(now[: len(given_)], given_)


@pytest.mark.parametrize("steps", [1, 2, 6])
def test_everything_is_late_by_exactly_the_latency(steps: int) -> None:
    scenes = drawn(5, 7, 30)
    found = run(PerceptionSettings(latency_s=steps * STEP), 1, scenes)
    for tick, seen in enumerate(found):
        assert same(seen, scenes[max(tick - steps, 0)].objects)


def test_only_objects_are_altered() -> None:
    sees = Perception(VEHICLE, STEP, 1)
    for each in drawn(2, 6, 20):
        found = sees.perceive(each)
        assert found.ego is each.ego and found.route is each.route and found.polylines is each.polylines
        assert found.controls is each.controls and found.stamp == each.stamp


def _errors(setting: PerceptionSettings, distance: float, count: int = 400, ticks: int = 200) -> dict[str, FloatArray]:
    """Errors (ticks, count) of objects that stand ``distance`` m away, all around."""
    angle = np.linspace(0.0, 2.0 * np.pi, count, endpoint=False)
    world = objects(distance * np.cos(angle), distance * np.sin(angle))
    found = run(setting, 11, [scene(world, tick) for tick in range(ticks)])
    return {
        name: np.stack([getattr(each, name) - getattr(world, name) for each in found])
        for name in ("x", "y", "yaw", "vx", "vy")
    }


@pytest.mark.parametrize("distance", [10.0, 60.0])
def test_the_noise_has_the_deviation_that_is_set_and_grows_with_range(distance: float) -> None:
    setting = replace_settings(VEHICLE, dropout_hz=0.0, first_sight_s=0.0, latency_s=0.0, switch_hz=0.0)
    errors = _errors(setting, distance)
    for names, base, slope in (
        (("x", "y"), VEHICLE.position_m, VEHICLE.position_per_m),
        (("yaw",), VEHICLE.heading_rad, VEHICLE.heading_rad_per_m),
        (("vx", "vy"), VEHICLE.speed_mps, VEHICLE.speed_mps_per_m),
    ):
        for name in names:
            assert np.abs(errors[name].mean()) < 0.1 * (base + slope * distance)
            assert errors[name].std() == pytest.approx(base + slope * distance, rel=0.06)


def test_the_noise_of_a_track_is_correlated_in_time_and_that_of_two_is_not() -> None:
    setting = PerceptionSettings(position_m=1.0, correlation_s=0.8)
    x = _errors(setting, 30.0)["x"]
    for lag in (1, 8, 16):
        found = float((x[lag:] * x[:-lag]).mean() / (x**2).mean())
        assert found == pytest.approx(np.exp(-lag * STEP / 0.8), abs=0.05)
    assert abs(float((x[:, 1:] * x[:, :-1]).mean())) < 0.05


def test_dropouts_come_as_often_and_last_as_long_as_is_set() -> None:
    setting, count, ticks = PerceptionSettings(dropout_hz=1.0, dropout_s=0.4), 300, 600
    world = objects(np.full(count, 40.0), np.linspace(-1.0, 1.0, count))
    found = run(setting, 3, [scene(world, tick) for tick in range(ticks)])
    there = np.stack([np.isin(world.id, each.id) for each in found])
    begins = (there[:-1] & ~there[1:]).sum()
    assert begins / (there[:-1].sum() * STEP) == pytest.approx(0.5, rel=0.06), "half of the rate at half of the range"
    assert (~there).sum() * STEP / begins == pytest.approx(0.4 + STEP / 2.0, rel=0.08), "in whole steps"


def test_first_sight_is_late_but_for_what_is_there_at_the_start() -> None:
    setting = PerceptionSettings(first_sight_s=0.4)
    old, new = objects(np.full(50, 20.0), np.zeros(50)), objects(np.full(200, 30.0), np.zeros(200), first=100)
    both = Objects(*(np.concatenate([getattr(old, one.name), getattr(new, one.name)]) for one in fields(Objects)))
    found = run(setting, 3, [scene(old if tick < 10 else both, tick) for tick in range(40)])
    assert all(np.isin(old.id, each.id).all() for each in found)
    waits = np.array([next(t for t, each in enumerate(found) if i in each.id) - 10 for i in new.id]) * STEP
    assert waits.min() >= 0.2 and waits.max() <= 0.6 + STEP
    assert waits.mean() == pytest.approx(0.4 + STEP / 2.0, abs=0.03)


def test_a_track_that_was_hidden_for_a_moment_is_the_same_one_and_needs_no_second_first_sight() -> None:
    setting = PerceptionSettings(first_sight_s=0.4, sees_hidden=False)
    world = objects(np.array([20.0]), np.zeros(1))
    hidden = replace(world, visibility=np.zeros(1))
    found = run(setting, 3, [scene(hidden if 5 <= tick < 15 or tick >= 30 else world, tick) for tick in range(70)])
    shown = [len(each) for each in found]
    assert shown[:5] == [1] * 5 and shown[5:15] == [0] * 10 and shown[15:30] == [1] * 15
    again = run(setting, 3, [scene(hidden if 5 <= tick < 40 else world, tick) for tick in range(70)])
    assert [len(each) for each in again][40:44] == [0] * 4, "after more than a second it is a new track"


def test_tracks_close_to_each_other_swap_ids_and_lone_ones_get_new_ones() -> None:
    setting = PerceptionSettings(switch_hz=1.0, switch_range_m=6.0)
    pair, lone = objects(np.array([20.0, 20.0]), np.array([0.0, 3.0])), objects(np.array([50.0]), np.zeros(1), first=9)
    swapped = run(setting, 4, [scene(pair, tick) for tick in range(400)])
    assert all(set(each.id.tolist()) == {1, 2} for each in swapped)
    changes = sum(a.id.tolist() != b.id.tolist() for a, b in pairwise(swapped))
    assert 20 <= changes <= 60, "two tracks, one switch a second each, 20 s"
    new = run(setting, 4, [scene(lone, tick) for tick in range(400)])
    assert 8 <= len({int(each.id[0]) for each in new}) <= 36


@pytest.mark.slow
def test_both_worlds_have_the_same_noise_for_the_same_seed() -> None:
    """What is drawn hangs on the scenario, not on the simulator: the errors of the first scenes are the same."""
    scenario = build("pedestrian_crossing", 2_000_005)
    errors = []
    for name in ("vector", "metadrive"):
        simulator = open_simulator(name)
        episode = simulator.reset(scenario)
        sees = perception(replace_settings(VEHICLE, latency_s=0.0, dropout_hz=0.0), scenario, episode.step_s)
        truth = episode.observe()
        found = sees.perceive(truth).objects
        rows = [truth.objects.id.tolist().index(i) for i in found.id]
        errors.append(found.x - truth.objects.x[rows])
        simulator.close()
    assert len(errors[0]) and errors[0] == pytest.approx(errors[1], abs=1e-3)


def test_bad_settings_are_refused_by_name(tmp_path) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(TakeadError, match=r"latency_s = 0\.07, expected a multiple of the step of 0\.05 s"):
        Perception(PerceptionSettings(latency_s=0.07), STEP, 0)
    with pytest.raises(TakeadError, match=r"perception 'vehicel'.*expected none, vehicle or a YAML file"):
        load_perception("vehicel")
    bad = tmp_path / "bad.yaml"
    for text, words in (("position_m: -1", "position_m.*-1"), ("nonsense: 1", "nonsense"), ("[", "expected none")):
        bad.write_text(text)
        with pytest.raises(TakeadError, match=words):
            load_perception(str(bad))
    many = objects(np.linspace(0.0, 50.0, 513), np.zeros(513))
    with pytest.raises(TakeadError, match="513 objects, expected at most 512"):
        Perception(VEHICLE, STEP, 0).perceive(scene(many))


def replace_settings(setting: PerceptionSettings, **changes: float) -> PerceptionSettings:
    return setting.model_copy(update=changes)
