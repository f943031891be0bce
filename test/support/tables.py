"""Tables of made-up samples for the training's tests."""

from __future__ import annotations

import numpy as np

from takead_ros.policy.vector import VECTOR_1
from takead_ros.policy.vocabulary import kinematic_anchors
from takead_training.data.columns import LABELS, NEVER_S, Table, empty_table
from takead_training.data.dataset import Dataset


def make_table(count: int, seed: int = 0) -> Table:
    """Random samples in which what to do is a function of what is seen: brake by the first object's first feature."""
    random = np.random.default_rng(seed)
    empty = empty_table(VECTOR_1)
    table: Table = {
        name: random.normal(size=(count, *values.shape[1:])).astype(values.dtype)
        if values.dtype == np.float32
        else np.zeros((count, *values.shape[1:]), values.dtype)
        for name, values in empty.items()
    }
    for name in ("objects_mask", "lines_mask", "controls_mask"):
        table[name] = (table[name] > 0).astype(np.float32)
    table["objects_mask"][:, 0] = 1.0
    table["speed"] = random.uniform(2.0, 12.0, count).astype(np.float32)
    table["ego"][:, 0] = table["speed"] / 10.0
    brake = 3.0 * np.tanh(table["objects"][:, 0, 0])
    table["profile"] = np.zeros_like(table["profile"])
    table["profile"][..., 0] = brake[:, None] * np.linspace(0.25, 3.75, table["profile"].shape[1])
    table["profile"][..., 1] = np.tanh(table["objects"][:, 0, 1])[:, None] * np.linspace(0.1, 1.0, 8)
    table["profile"][..., 0] = np.maximum(table["profile"][..., 0], -table["speed"][:, None])
    table["target_speed"] = np.maximum(table["speed"] + table["profile"][:, 3, 0], 0.0)
    table["control"] = np.stack([0.1 * np.tanh(table["objects"][:, 0, 1]), brake], -1).astype(np.float32)
    table["label"] = random.integers(0, len(LABELS), count)
    table["choice"] = np.full(count, -1, np.int64)
    table["choice_profile"] = np.zeros_like(table["profile"])
    table["expert_score"] = table["policy_score"] = np.full(count, np.nan, np.float32)
    table["until_takeover_s"] = np.where(random.random(count) < 0.5, 1.0, NEVER_S).astype(np.float32)
    table["since_takeover_s"] = np.where(random.random(count) < 0.5, 1.0, NEVER_S).astype(np.float32)
    table["followable"] = np.ones(count, np.int64)
    table["of_round"] = random.integers(0, 2, count)
    return table


def make_data(count: int, seed: int = 0) -> Dataset:
    """``make_table`` as a dataset."""
    return Dataset.of(VECTOR_1, make_table(count, seed))


def with_choices(table: Table) -> Table:
    """Everywhere the policy chose to drive on as it was (anchor 67 or so), and the expert was safer in half of them."""
    random = np.random.default_rng(5)
    count = len(table["speed"])
    straight = int(np.abs(kinematic_anchors()).sum((1, 2)).argmin())
    table["choice"] = np.full(count, straight, np.int64)
    table["choice_profile"] = np.broadcast_to(kinematic_anchors()[straight], table["profile"].shape).astype(np.float32)
    table["policy_score"] = np.full(count, 0.5, np.float32)
    table["expert_score"] = np.where(random.random(count) < 0.5, 0.9, 0.5).astype(np.float32)
    return table
