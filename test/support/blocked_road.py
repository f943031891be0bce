"""A clip made by hand: the ego drives up to a car that stands in its lane; the expert brakes, the policy goes on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from support.scenes import make_scene
from support.tables import make_table
from takead_ros.domain.scene import ObjectKind, Objects, Scene
from takead_ros.policy.format import Observation
from takead_ros.policy.vector import VECTOR_1
from takead_ros.policy.vocabulary import kinematic_anchors
from takead_ros.recording.clip import Label
from takead_training.data.clip_frames import ClipFrames
from takead_training.data.columns import LABELS, TARGETS_LAYOUT, inputs_layout
from takead_training.data.dataset import ClipRows, Dataset

BRAKE, STEADY = 3 * 7 + 3, 9 * 7 + 3  # anchors that stay on the route: brake at 4.2 m/s^2, slow down by 0.2 m/s^2


def blocked(count: int = 30) -> Dataset:
    """A clip at 8 m/s, a car standing 25 m ahead of each frame; the expert brakes, the policy goes on."""
    start = make_scene(offset=0.0, speed=8.0)
    scenes = []
    for i in range(count):
        x = 0.8 * i
        one = np.array([x + 25.0])
        car = Objects(
            np.array([9]),
            np.array([int(ObjectKind.CAR)]),
            one,
            0 * one,
            0 * one,
            0 * one,
            0 * one,
            0 * one + 4.5,
            0 * one + 1.9,
            0 * one + 1.0,
        )
        scenes.append(_at(start, x, i, car))
    table = make_table(count)
    for i, scene in enumerate(scenes):
        for name, values in VECTOR_1.encode(Observation(scene)).items():
            table[name][i] = values
    anchors = kinematic_anchors().astype(np.float32)
    table["speed"][:] = 8.0
    table["profile"][:], table["choice_profile"][:] = anchors[BRAKE], anchors[STEADY]
    table["choice"][:], table["frame"] = STEADY, np.arange(count)
    table["label"][:] = LABELS.index(Label.PRE)
    table["until_takeover_s"][:] = 1.0
    part = ClipRows(
        inputs_layout(VECTOR_1).pack(table), TARGETS_LAYOUT.pack(table), "blocked", lambda: ClipFrames.of(scenes)
    )
    return Dataset(VECTOR_1, [part])


def _at(scene: Scene, x: float, step: int, objects: Objects) -> Scene:
    return replace(
        scene, stamp=1_000_000_000 + step * 100_000_000, objects=objects, ego=replace(scene.ego, x=x, yaw=0.0)
    )
