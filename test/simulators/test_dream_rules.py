"""Reacting road users in a dream: as recorded while the ego drives as recorded, and otherwise as the ego makes them.

The clips are drives of the expert in the vector world, made here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.dream import MANOEUVRES, hits
from support.rewrite import rewritten, scenes
from takead_ros.messages import codec, interfaces
from takead_ros.recording import clip_folders
from takead_ros.recording.bag import BagMessage
from takead_ros.runs.dream import RECORDED, DreamDriver, dream
from takead_ros.runs.episode import EXPERT, EpisodeRunner, EpisodeSpec
from takead_ros.simulators.dream.clip_world import ClipWorld, read_world
from takead_ros.simulators.dream.episode import DreamEpisode
from takead_ros.simulators.dream.pedals import PedalModel

pytestmark = pytest.mark.slow  # simulated drives

# family, seed, s into the drive
MOMENTS = {
    "a lead brakes": ("lead_hard_brake", 1000001, 14.0),
    "a lead brakes later": ("lead_hard_brake", 1000003, 2.0),
    "oncoming traffic": ("intersection_left", 1000003, 5.0),
    "somebody beside": ("cut_in", 1000005, 2.0),
}


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, int], Path]:
    folder, runner, found = tmp_path_factory.mktemp("drives"), EpisodeRunner(), {}
    for family, seed in sorted({(family, seed) for family, seed, _ in MOMENTS.values()} | {("red_light", 1000000)}):
        spec = EpisodeSpec("core", family, seed, EXPERT, False, str(folder), "all", "vector")
        runner.run(spec)
        assert spec.folder is not None
        (found[family, seed],) = clip_folders.list_clips(spec.folder)
    runner.close()
    return found


def moment(clips: dict[tuple[str, int], Path], name: str) -> ClipWorld:
    family, seed, at_s = MOMENTS[name]
    return read_world(clips[family, seed], at_s=at_s, seconds=6.0)


@pytest.mark.parametrize("name", MOMENTS)
def test_while_the_ego_drives_as_recorded_so_do_they(clips: Any, name: str) -> None:
    world = moment(clips, name)
    result, _, views = dream(world, DreamDriver(RECORDED), "rules")
    assert result.end_difference_m <= 0.3 and result.dreamed.contacts == ()
    far = 0.0
    for k, view in enumerate(views[: len(world.tracks.here)]):
        seen = view.scene.objects
        for row, x, y in zip(seen.id - 1, seen.x, seen.y, strict=True):
            if world.tracks.here[k, row]:
                far = max(far, float(np.hypot(*(world.tracks.pose[k, row, :2] - (x, y)))))
    assert far < 2.0  # m, of some 50 m that they drive


# whom the ego touches among reacting road users: ids, by what it does
HIT = {
    "a lead brakes": {"brakes": set(), "goes on": {2}, "changes lane": set()},
    "a lead brakes later": {"brakes": set(), "goes on": {1}, "changes lane": set()},
    "oncoming traffic": {"brakes": set(), "goes on": {2, 6}, "changes lane": set()},
    "somebody beside": {"brakes": set(), "goes on": {1}, "changes lane": {4}},
}


@pytest.mark.parametrize("name", MOMENTS)
def test_what_the_ego_does_decides_who_hits_whom(clips: Any, name: str) -> None:
    """Braking, going on, changing lane: the same scene, other collisions (PerlAD's test of causality)."""
    world = moment(clips, name)
    assert {one: {hit.id for hit in hits(world, one, "rules")} for one in MANOEUVRES} == HIT[name]


@pytest.mark.parametrize("name", ["a lead brakes", "a lead brakes later"])
def test_who_follows_a_braking_ego_brakes_with_rules_and_not_in_replay(clips: Any, name: str) -> None:
    world = moment(clips, name)
    replayed = hits(world, "brakes", "replay")
    assert [hit.behind for hit in replayed] == [True]
    assert hits(world, "brakes", "rules") == []


def test_they_wait_at_a_red_light_for_as_long_as_it_is_red(clips: Any, tmp_path: Path) -> None:
    """The clip's light is made red throughout: who drove across the ego's stop line with the ego no longer does."""
    clip = clips["red_light", 1000000]

    def red(msg: Any) -> Any:
        for control in msg.controls:
            control.state = 3
        return msg

    crossed = {}
    for name, path in (("as it was", clip), ("red", rewritten(clip, tmp_path / "red.mcap", scenes(red)))):
        world = read_world(path, at_s=0.0)
        (line,) = (control.s for control in world.course.controls)
        episode = DreamEpisode(world, "rules")
        begins, passed = {}, set()
        k = 0
        while not episode.done:
            command = world.ticks[k].command
            episode.step(*(0.0, -3.0) if command is None else (command.steering_angle, command.acceleration))
            k += 1
            others = episode.observe().objects
            for i, x, y, yaw in zip(others.id, others.x, others.y, others.yaw, strict=True):
                place = along(world, float(x), float(y), float(yaw))
                if place is not None:
                    begins.setdefault(int(i), place)
                    if begins[int(i)] < line < place:
                        passed.add(int(i))
        crossed[name] = passed
    assert crossed["as it was"] and not crossed["red"]


def test_another_vehicle_s_pedals_are_found_in_the_record(clips: Any, tmp_path: Path) -> None:
    """The same drive by another vehicle, whose commands led to 1.2 times what they asked for, less 0.4 m/s^2."""

    def other(message: BagMessage) -> BagMessage:
        if interfaces.SCENE.matches(message.topic, message.type):
            scene = codec.deserialize(message.data, message.type)
            scene.ego.length += 0.1
            return message._replace(data=codec.serialize(scene))
        if interfaces.COMMAND.matches(message.topic, message.type):
            command = codec.deserialize(message.data, message.type)
            command.acceleration = (command.acceleration + 0.4) / 1.2
            return message._replace(data=codec.serialize(command))
        return message

    clip = clips["lead_hard_brake", 1000003]
    assert DreamEpisode(read_world(clip, at_s=2.0, seconds=6.0), "replay").pedals == PedalModel()
    world = read_world(rewritten(clip, tmp_path / "other.mcap", other), at_s=2.0, seconds=6.0)
    pedals = DreamEpisode(world, "replay").pedals
    assert pedals.gain == pytest.approx(1.2, abs=0.15) and pedals.offset_mps2 == pytest.approx(-0.4, abs=0.15)
    result = dream(world, DreamDriver(RECORDED), "replay")[0]
    assert result.end_difference_m < 1.0 and "asked for" in result.notes[-1]


def along(world: ClipWorld, x: float, y: float, yaw: float) -> float | None:
    """m along the route, of who drives beside it in its direction; else None."""
    path = world.course.navigation.path
    row = int(np.hypot(*(path.points - (x, y)).T).argmin())
    same = abs(np.remainder(path.yaw[row] - yaw + np.pi, 2.0 * np.pi) - np.pi) < 0.5
    return float(path.arc[row]) if same and np.hypot(*(path.points[row] - (x, y))) < 6.0 else None
