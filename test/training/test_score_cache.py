"""Scores that are kept beside a clip's rows: the same bits, worked out once, and made again where they are broken."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from support.blocked_road import blocked
from takead_ros.measures.pdm import PdmScores
from takead_ros.policy.route_frame import route_frame
from takead_ros.policy.vocabulary import kinematic_anchors, plans_from_profiles
from takead_training.data.clip_frames import ClipFrames
from takead_training.data.dataset import ClipRows
from takead_training.data.score_cache import anchor_scores
from takead_training.data.scores import score_at
from takead_training.settings import RULES, Rule

ANCHORS, FRAMES = kinematic_anchors()[::8], np.array([4, 1, 2])


class Counted:
    """A clip's world that says how often it was asked for."""

    def __init__(self, world: ClipFrames) -> None:
        self.world, self.asked = world, 0

    def __call__(self) -> ClipFrames:
        self.asked += 1
        return self.world


@pytest.fixture
def clip(tmp_path: Path) -> ClipRows:
    (part,) = blocked(8).parts
    assert part.world is not None
    return replace(part, world=Counted(part.world()), scores=tmp_path / "clip.scores-0123")


def same(one: PdmScores, other: PdmScores) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(vars(one).values(), vars(other).values(), strict=True))


def asked(clip: ClipRows) -> int:
    assert isinstance(clip.world, Counted)
    return clip.world.asked


@pytest.mark.parametrize("rule", RULES)
def test_kept_scores_are_those_of_each_frame_by_itself(clip: ClipRows, rule: Rule) -> None:
    first = anchor_scores(clip, FRAMES, ANCHORS, rule)
    assert clip.world is not None and first.score.shape == (3, len(ANCHORS))
    world = clip.world()
    for row, frame in enumerate(FRAMES):
        scene, _ = world.moment(int(frame))
        plans = plans_from_profiles(ANCHORS, scene.ego.speed, route_frame(scene))[0]
        alone = score_at(world, int(frame), plans, rule)
        for name, values in vars(alone).items():
            np.testing.assert_array_equal(values, getattr(first, name)[row], err_msg=name)
    before = asked(clip)
    assert same(first, anchor_scores(clip, FRAMES, ANCHORS, rule)) and asked(clip) == before
    assert same(first, anchor_scores(replace(clip, scores=None), FRAMES, ANCHORS, rule)) and asked(clip) == before + 1


def test_new_frames_are_kept_with_the_old_ones(clip: ClipRows) -> None:
    anchor_scores(clip, FRAMES, ANCHORS, "recorded", most=2)
    every = anchor_scores(clip, np.arange(8), ANCHORS, "recorded")
    assert asked(clip) == 2
    assert same(every, anchor_scores(replace(clip, scores=None), np.arange(8), ANCHORS, "recorded"))
    anchor_scores(clip, np.arange(8), ANCHORS, "recorded")
    assert asked(clip) == 3


def test_other_anchors_another_rule_and_another_world_are_scored_anew(clip: ClipRows, tmp_path: Path) -> None:
    anchor_scores(clip, FRAMES, ANCHORS, "recorded")
    anchor_scores(clip, FRAMES, ANCHORS + 0.1, "recorded")
    anchor_scores(clip, FRAMES, ANCHORS, "reacting-2s")
    anchor_scores(replace(clip, scores=tmp_path / "clip.scores-4567"), FRAMES, ANCHORS, "recorded")
    assert asked(clip) == 4 and len(list(tmp_path.iterdir())) == 4


@pytest.mark.parametrize("damage", ["flip", "cut", "empty"])
def test_broken_scores_are_made_again(clip: ClipRows, tmp_path: Path, damage: str) -> None:
    first = anchor_scores(clip, FRAMES, ANCHORS, "recorded")
    (file,) = tmp_path.iterdir()
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 255
    file.write_bytes({"flip": bytes(data), "cut": bytes(data[: len(data) // 2]), "empty": b""}[damage])
    assert same(first, anchor_scores(clip, FRAMES, ANCHORS, "recorded")) and asked(clip) == 2
    assert same(first, anchor_scores(clip, FRAMES, ANCHORS, "recorded")) and asked(clip) == 2
