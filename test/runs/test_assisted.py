"""Many episodes at once with takeovers, against the stack that drives each of them by itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from takead_ros.domain.perception import PerceptionSettings
from takead_ros.measures.episode_log import EpisodeLog
from takead_ros.policy.model import Policy, load_model
from takead_ros.recording.clip import Label
from takead_ros.recording.clip_folders import list_clips
from takead_ros.recording.reader import frames
from takead_ros.runs.assisted import Assisted, drive_assisted
from takead_ros.runs.episode import EpisodeSpec, drive_episode
from takead_ros.runs.thresholds import thresholds_of
from takead_ros.scenarios import FAMILIES, build
from takead_ros.simulators import open_simulator
from takead_ros.simulators.perception import load_perception

pytestmark = pytest.mark.slow
MODEL = str(Path(__file__).parents[2] / "models" / "novice.onnx")
FAMILIES_WITH_TAKEOVERS = ("t_junction", "red_light", "oncoming_invades")


@pytest.fixture(scope="module")
def policy() -> Policy:
    return load_model(MODEL)


def stack(spec: EpisodeSpec, policy: Policy) -> EpisodeLog:
    simulator = open_simulator("vector")
    return drive_episode(spec, simulator.name, simulator.reset(build(spec.family, spec.seed)), policy, None)[0]


def decided(log: EpisodeLog) -> list[tuple[object, ...]]:
    return [(e.stamp, e.kind, e.takeover, e.who, e.trigger, e.why) for e in log.events]


def batch(policy: Policy, families: tuple[str, ...], seed: int, count: int = 64, **more: object) -> list[Assisted]:
    scenarios = [build(family, seed) for family in families]
    return sorted(drive_assisted(policy, scenarios, count, **more), key=lambda one: one.place)  # type: ignore[arg-type]


@pytest.mark.parametrize("perception", ["none", "vehicle"])
@pytest.mark.parametrize("seed", [3_000_000, 3_000_001])
def test_the_takeovers_are_those_of_the_stack(policy: Policy, seed: int, perception: str) -> None:
    """Every event at the same tick with the same trigger and reason, and the same driver in every tick: what messages
    round in the seventh digit decides nothing here."""
    families = (*FAMILIES_WITH_TAKEOVERS, *list(FAMILIES)[2::9])
    settings: PerceptionSettings = load_perception(perception)
    events = 0
    for family, mine in zip(families, batch(policy, families, seed, perception=settings), strict=True):
        parameters = {"simulator_node": {"perception": perception}}
        theirs = stack(
            EpisodeSpec("core", family, seed, MODEL, True, simulator="vector", parameters=parameters), policy
        )
        assert decided(mine.log) == decided(theirs), family
        assert mine.log.sources == theirs.sources, family
        assert (mine.log.end, len(mine.log.x)) == (theirs.end, len(theirs.x)), family
        assert np.abs(mine.log.x - theirs.x).max() < 0.01, family
        events += len(mine.log.events)
    assert events > 10


def test_thresholds_and_what_the_expert_sees_hold_as_in_the_stack(policy: Policy) -> None:
    """Parameters of expert, monitor and arbiter that are not the defaults, and an expert that sees what the policy
    sees."""
    given = {
        "simulator_node": {"perception": "vehicle"},
        "expert_node": {"expert_sees": "perceived", "headway_s": 2.0},
        "monitor_node": {"stuck_s": 2.0},
        "arbiter_node": {"expert_hold_s": 3.0},
    }
    events = 0
    mine = batch(
        policy, FAMILIES_WITH_TAKEOVERS, 3_000_000, perception=load_perception("vehicle"), rules=thresholds_of(given)
    )
    plain = batch(policy, FAMILIES_WITH_TAKEOVERS, 3_000_000, perception=load_perception("vehicle"))
    for family, one in zip(FAMILIES_WITH_TAKEOVERS, mine, strict=True):
        theirs = stack(
            EpisodeSpec("core", family, 3_000_000, MODEL, True, simulator="vector", parameters=given), policy
        )
        assert decided(one.log) == decided(theirs), family
        events += len(one.log.events)
    assert events > 5 and [decided(one.log) for one in mine] != [decided(one.log) for one in plain]


def test_an_episode_does_not_depend_on_who_is_driven_beside(policy: Policy) -> None:
    families = ("t_junction", "cut_in", "red_light", "pedestrian_crossing")
    alone, together = batch(policy, families, 3_000_000, 1), batch(policy, families, 3_000_000)
    assert [decided(one.log) for one in alone] == [decided(one.log) for one in together]
    for one, other in zip(alone, together, strict=True):
        for name in ("x", "y", "yaw", "speed"):  # bit for bit, although the network was asked about one scene only
            assert np.array_equal(getattr(one.log, name), getattr(other.log, name)), name
    assert [one.place for one in together] == [0, 1, 2, 3]


def test_the_frames_are_those_of_the_stack_s_clips(policy: Policy, tmp_path: Path) -> None:
    """The same moments with the same labels, and in them the same scenes and answers as far as messages round."""
    seed, compared = 3_000_000, 0
    for family, mine in zip(
        FAMILIES_WITH_TAKEOVERS, batch(policy, FAMILIES_WITH_TAKEOVERS, seed, record=True), strict=True
    ):
        stack(EpisodeSpec("core", family, seed, MODEL, True, str(tmp_path), simulator="vector"), policy)
        clips = [list(frames(path)) for path in list_clips(tmp_path / f"{family}-{seed}")]
        assert [len(clip) for clip in clips] == [len(one.moments) for one in mine.clips], family
        for theirs, ours in zip(
            (f for clip in clips for f in clip), (f for one in mine.clips for f in one.moments), strict=True
        ):
            assert (ours.stamp, ours.label, ours.mode) == (theirs.stamp, theirs.label, theirs.mode)
            assert ours.policy is not None and theirs.policy is not None and ours.expert and theirs.expert
            assert np.allclose(ours.policy.candidates, theirs.policy.candidates, atol=1e-3)
            assert np.allclose(ours.policy.logits, theirs.policy.logits, atol=1e-2)
            assert np.allclose(ours.expert.plan.x, theirs.expert.plan.x, atol=1e-3)
            assert ours.expert.cause == theirs.expert.cause
            assert ours.command and theirs.command and ours.command.lateral is theirs.command.lateral
            assert ours.scene.objects.id.tolist() == theirs.scene.objects.id.tolist()
            assert np.allclose(ours.scene.route.path, theirs.scene.route.path, atol=1e-4)
            compared += ours.label is Label.TAKEOVER
    assert compared > 50
