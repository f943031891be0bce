"""Worlds made of a clip alone: what was recorded happens again, what is missing is said."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from support.rewrite import Change, rewritten, scenes
from takead_ros.domain.errors import TakeadError
from takead_ros.domain.geometry import wrap_angle
from takead_ros.domain.scene import LightState
from takead_ros.messages import interfaces, types
from takead_ros.policy.encoding import encode
from takead_ros.recording import clip_folders
from takead_ros.recording.bag import BagMessage
from takead_ros.runs.dream import RECORDED, DreamDriver, dream, open_driver, perception_in
from takead_ros.runs.episode import EXPERT, EpisodeRunner, EpisodeSpec
from takead_ros.simulators.dream.clip_world import ClipWorld, read_world, vehicle_of
from takead_ros.simulators.dream.episode import DreamEpisode
from takead_ros.simulators.map_view import MapView
from takead_ros.simulators.vector.ego import METADRIVE

pytestmark = pytest.mark.slow  # simulated drives

(GOLDEN,) = sorted((Path(__file__).parents[1] / "recording" / "golden").iterdir())


@pytest.fixture(scope="module")
def world() -> ClipWorld:
    """A takeover of the shipped novice, recorded in MetaDrive."""
    return read_world(GOLDEN)


def test_the_recorded_commands_end_where_they_did(world: ClipWorld) -> None:
    result, before, after = dream(world, DreamDriver(RECORDED), "replay")
    assert result.end_difference_m <= 0.3
    assert abs(result.dreamed.progress_m - result.recorded.progress_m) < 0.3
    assert abs(result.dreamed.speed_mps - result.recorded.speed_mps) < 0.1
    assert [touch.id for touch in result.dreamed.contacts] == [touch.id for touch in result.recorded.contacts]
    assert [kind for kind, _ in result.dreamed.infractions] == [kind for kind, _ in result.recorded.infractions]
    assert (result.event, result.at_s, result.end) == ("its takeover", pytest.approx(-1.0), "as long as the record")
    assert len(before) == len(after) and before[-1].time_s == after[-1].time_s == result.seconds


def test_a_dream_begins_as_the_policy_saw_it(world: ClipWorld) -> None:
    """What the network is told of the first moment is what it was told when it was recorded."""
    tick = world.ticks[0].world
    recorded = replace(tick, polylines=MapView(world.record.polylines).around(tick.ego.x, tick.ego.y))
    told, dreamed = encode(recorded), encode(DreamEpisode(world, "replay").observe(recorded.stamp))
    assert told.keys() == dreamed.keys()
    for name in told:
        np.testing.assert_allclose(dreamed[name], told[name], atol=2e-3, err_msg=name)


def test_everyone_is_where_they_were_recorded(world: ClipWorld) -> None:
    episode = DreamEpisode(world, "replay")
    for tick in world.ticks[1:41]:
        episode.step(0.0, -1.0)
        seen, then = episode.observe().objects, tick.world.objects
        ids = world.tracks.id[seen.id - 1]
        rows = [int(np.flatnonzero(then.id == number)[0]) for number in ids]
        assert len(ids) > 0
        for name in ("kind", "x", "y", "yaw", "vx", "vy", "length", "width"):
            np.testing.assert_array_equal(getattr(seen, name), getattr(then, name)[rows], err_msg=name)


def test_the_same_dream_twice(world: ClipWorld) -> None:
    for agents in ("replay", "rules"):
        first, second = (dream(world, DreamDriver(EXPERT), agents)[0] for _ in range(2))
        assert first == second


def test_other_driving_ends_elsewhere(world: ClipWorld) -> None:
    episode = DreamEpisode(world, "replay")
    while not episode.done:
        episode.step(0.0, -4.0)
    log = episode.outcome()
    assert log.speed[-1] < 0.1 and log.route_s[-1] < 0.1 * (world.course.s[-1] - world.course.s[0])


def test_the_expert_drives_in_it_through_the_nodes(world: ClipWorld) -> None:
    result, _, views = dream(world, DreamDriver(EXPERT), "replay")
    assert result.dreamed.contacts == () and result.dreamed.infractions == ()
    assert result.dreamed.progress_m > 3.0
    assert sum(view.plan is not None for view in views) > 0.4 * len(views)


def test_the_model_is_the_clip_s_own_where_it_is_shipped(world: ClipWorld) -> None:
    driver = open_driver(None, world)
    assert driver.name == "novice" and driver.sha256 == world.manifest.provenance.model_sha256


def test_who_drives_a_dream_serves_its_stop_signs_anew(tmp_path: Path) -> None:
    told: list[int] = []

    def with_sign(msg: Any) -> Any:
        told.append(LightState.UNKNOWN if len(told) < 25 else LightState.GREEN)
        sign = types.TrafficControl(id=99, kind=types.TrafficControl.STOP_SIGN, state=int(told[-1]), distance=30.0)
        msg.controls = [*msg.controls, sign]
        return msg

    other = read_world(rewritten(GOLDEN, tmp_path / "sign.mcap", scenes(with_sign)))
    (sign,) = [control for control in other.course.controls if control.control.id == 99]
    assert [state for _, state in sign.states] == [LightState.UNKNOWN] and LightState.GREEN in told


def test_a_vehicle_with_another_wheelbase_turns_less(tmp_path: Path) -> None:
    def longer(msg: Any) -> Any:
        msg.ego.wheelbase *= 1.6
        msg.ego.length *= 1.2
        return msg

    other = read_world(rewritten(GOLDEN, tmp_path / "longer.mcap", scenes(longer)))
    own = read_world(GOLDEN)
    assert vehicle_of(own.ticks[0].world.ego) == METADRIVE
    assert vehicle_of(other.ticks[0].world.ego).wheelbase == pytest.approx(1.6 * METADRIVE.wheelbase, rel=1e-5)
    turned = []
    for one in (own, other):
        episode = DreamEpisode(one, "replay")
        begin = episode.observe().ego
        for _ in range(40):
            episode.step(0.1, 0.0)
        end = episode.observe().ego
        turned.append(float(wrap_angle(end.yaw - begin.yaw)) / np.hypot(end.x - begin.x, end.y - begin.y))
    assert 0.5 < turned[1] / turned[0] < 0.75  # 1 / 1.6, and what slip takes


def test_a_window_counts_from_the_takeover(world: ClipWorld) -> None:
    later = read_world(GOLDEN, at_s=-0.5, seconds=1.5)
    assert later.window.at_s == pytest.approx(-0.5) and later.window.seconds == pytest.approx(1.5)
    assert later.ticks[0].stamp == world.ticks[10].stamp


def without_lanes(msg: Any) -> Any:
    msg.polylines = [line for line in msg.polylines if line.kind != 0]
    return msg


def without_lanes_ahead(msg: Any) -> Any:
    """Nothing of the road where the drive ends."""
    end = read_world(GOLDEN).ticks[-1].world.ego
    msg.polylines = [
        line
        for line in msg.polylines
        if line.kind != 0 or np.hypot(np.asarray(line.x) - end.x, np.asarray(line.y) - end.y).min() > 6.0
    ]
    return msg


def without_route(msg: Any) -> Any:
    msg.route.x, msg.route.y = msg.route.x[:1], msg.route.y[:1]
    return msg


def without_number(part: str) -> Callable[[Any], Any]:
    """NaN for the place of the ego, the first road user or the first line, from the middle of the clip on."""
    count = 0

    def late(msg: Any) -> Any:
        nonlocal count
        count += 1
        found = getattr(msg, part)
        if part == "polylines":
            found[0].x = found[0].x * np.nan
        elif count > 30:
            (found if part == "ego" else found[0]).x = float("nan")
        return msg

    return late


def elsewhere(msg: Any) -> Any:
    if msg.header.stamp.sec % 2:
        msg.route.y = msg.route.y + 30.0
        msg.route.x = msg.route.x + 200.0
    return msg


def older(message: BagMessage) -> BagMessage:
    return message._replace(definition=message.definition.replace("float32 yaw_rate", "float64 yaw_rate"))


def gap(begin: int, end: int) -> Change:
    count = 0

    def every(msg: Any) -> Any:
        nonlocal count
        count += 1
        return None if begin <= count < end else msg

    return scenes(every)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (scenes(without_lanes), "no lane centre"),
        (scenes(without_lanes_ahead), "leaves the recorded map"),
        (scenes(without_route), "route.path has 1 points"),
        (scenes(elsewhere), "another route from"),
        (scenes(lambda msg: None), "no messages on '.../scene'"),
        (older, "takead_ros/msg/EgoState has other fields"),
        (gap(30, 40), "nothing for 0.55 s"),
        (gap(20, 1000), "expected at least 1 s"),
        (scenes(without_number("ego")), "ego.x is not finite"),
        (scenes(without_number("objects")), "objects.x is not finite"),
        (scenes(without_number("polylines")), r"polylines\[0\].points is not finite"),
    ],
    ids=[
        "no map",
        "map with holes",
        "no route",
        "two routes",
        "no scene",
        "older interface",
        "gap",
        "too short",
        "ego nowhere",
        "another nowhere",
        "a line nowhere",
    ],
)
def test_a_clip_that_holds_too_little_is_refused(change: Change, words: str, tmp_path: Path) -> None:
    clip = rewritten(GOLDEN, tmp_path / "less.mcap", change)
    with pytest.raises(TakeadError, match=f"(?s)less.mcap.*{words}"):
        read_world(clip, at_s=-0.5)


def test_a_moment_that_it_does_not_hold_is_refused() -> None:
    for at_s, words in ((-60.0, "expected -"), (60.0, "which is what it holds")):
        with pytest.raises(TakeadError, match=words):
            read_world(GOLDEN, at_s=at_s)
    with pytest.raises(TakeadError, match="expected at least 1 s"):
        read_world(GOLDEN, seconds=0.5)
    with pytest.raises(TakeadError, match="no takeover 7"):
        read_world(GOLDEN, takeover=7)


def test_recorded_commands_that_are_not_there_are_missed(tmp_path: Path) -> None:
    def without(message: BagMessage) -> BagMessage | None:
        return None if interfaces.COMMAND.matches(message.topic, message.type) else message

    world = read_world(rewritten(GOLDEN, tmp_path / "mute.mcap", without))
    with pytest.raises(TakeadError, match=r"no messages on '\.\.\./command'"):
        dream(world, DreamDriver(RECORDED), "replay")


def test_agents_that_there_are_none_of_are_refused(world: ClipWorld) -> None:
    with pytest.raises(TakeadError, match="learned"):
        DreamEpisode(world, "learnt")


def test_where_the_policy_saw_less_the_world_is_the_truth(world: ClipWorld, tmp_path: Path) -> None:
    """A clip with a vehicle's perception: who is there comes from ``scene/truth``; the dream is perceived alike."""
    assert not world.record.perceived and perception_in(world) == "none"
    perceives = {"simulator_node": {"perception": "vehicle"}}
    spec = EpisodeSpec(
        "core", "pedestrian_from_van", 1000001, EXPERT, False, str(tmp_path), "all", "vector", parameters=perceives
    )
    runner = EpisodeRunner()
    runner.run(spec)
    runner.close()
    assert spec.folder is not None
    (clip,) = clip_folders.list_clips(spec.folder)
    dim = read_world(clip, at_s=4.0, seconds=4.0)
    assert dim.record.perceived and perception_in(dim) == "vehicle"
    assert any((tick.world.objects.visibility == 0.0).any() for tick in dim.ticks)  # perceived objects are seen ones
    result, _, _ = dream(dim, DreamDriver(RECORDED), "replay", perception_in(dim))
    assert result.end_difference_m <= 0.3 and result.perception == "vehicle"
    views = [dream(dim, DreamDriver(EXPERT), "replay", setting)[2][0].scene.objects for setting in ("none", "vehicle")]
    truth = dim.ticks[0].world.objects
    np.testing.assert_allclose(views[0].x, truth.x)
    assert len(views[1]) != len(truth) or not np.allclose(views[1].x, truth.x)


def test_a_person_s_takeover_is_dreamed_like_any(tmp_path: Path) -> None:
    """Whoever took over: the commands on ``command`` are those that were driven."""
    clip = rewritten(GOLDEN, tmp_path / "person.mcap", lambda message: message, who="human")
    world = read_world(clip)
    assert world.manifest.events[0].who == "human"
    assert dream(world, DreamDriver(RECORDED), "replay")[0].end_difference_m <= 0.3
