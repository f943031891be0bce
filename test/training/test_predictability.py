"""Labels that follow from their inputs are explained, others are not; where a memory of the episode tells, it shows."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from support.tables import make_table
from takead_ros.domain.errors import TakeadError
from takead_ros.policy.vector import VECTOR_1
from takead_training.commands import predictability
from takead_training.data.columns import TARGETS_LAYOUT, inputs_layout
from takead_training.data.dataset import ClipRows, Dataset
from takead_training.predictability import measure, memory_of
from takead_training.settings import Schedule

SCHEDULE = Schedule(epochs=12, batch=64, rate=4e-3, seed=0, threads=1)
FAMILIES = ("seen", "unseen", "remembered")


def _episode(family: str, seed: int, count: int = 60) -> ClipRows:
    random = np.random.default_rng(1000 + seed)
    table = make_table(count, seed)
    table["frame"] = np.arange(count)
    table["perturbed"] = np.zeros(count, np.int64)
    table["profile"][..., 1] = 0.0
    for name in ("ego", "path", "objects_mask", "lines_mask", "controls_mask"):
        table[name] = np.zeros_like(table[name])
    table["targets"][:, 1:] = 0.0
    table["ego"][:, FAMILIES.index(family)] = 2.0  # the inputs tell which rule holds
    moves = np.repeat(random.random(count // 10) < 0.5, 10)
    table["speed"] = np.where(moves, 5.0, 0.0).astype(np.float32)
    wanted = {
        "seen": 4.0 * np.tanh(table["targets"][:, 0]) + 5.0,
        "unseen": 4.0 * random.choice([-1.0, 1.0], count) + 5.0,
        "remembered": 40.0 * memory_of(table["speed"], table["frame"])[:, 3] + 5.0,
    }[family]
    table["target_speed"] = wanted.astype(np.float32)
    return ClipRows(inputs_layout(VECTOR_1).pack(table), TARGETS_LAYOUT.pack(table), family)


@pytest.mark.slow
def test_what_is_in_the_inputs_is_explained_and_what_is_nowhere_is_not() -> None:
    parts = [_episode(family, 10 * i + k) for i, family in enumerate(FAMILIES) for k in range(6)]
    families = [part.clip for part in parts]
    found = measure(Dataset(VECTOR_1, parts), families, SCHEDULE, folds=2)
    assert next(iter(found)) == "unseen" and list(found)[-1] == "all"
    assert {family: found[family].episodes for family in FAMILIES} == dict.fromkeys(FAMILIES, 6)
    assert found["all"].frames == sum(found[family].frames for family in FAMILIES) == 18 * 60
    assert found["unseen"].speed_unexplained > 0.9 and found["unseen"].speed_wrong > 0.5
    assert found["unseen"].memory_speed_unexplained > 0.9
    assert found["seen"].speed_unexplained < 0.5 * found["unseen"].speed_unexplained
    assert found["remembered"].memory_speed_unexplained < 0.7 * found["remembered"].speed_unexplained
    again = measure(Dataset(VECTOR_1, parts), families, SCHEDULE, folds=2)
    assert again == found


def test_the_memory_is_the_past_of_the_same_episode() -> None:
    frame = np.arange(40)
    speed = np.where((frame >= 10) & (frame < 25), 0.0, 6.0)
    memory = memory_of(speed, frame)
    assert memory[24, 3] == pytest.approx(1.5 / 10.0) and memory[9, 3] == memory[30, 3] == 0.0
    assert memory[24, 4] == 0.0 and memory[25, 4] == pytest.approx(0.6 / 30.0)
    assert memory[0, 4] == 1.0, "nothing is known of before"
    assert memory[12, 1] == pytest.approx(0.6) and memory[20, 1] == 0.0, "1 s ago"


def test_too_few_episodes_are_refused_by_family(tmp_path: Path) -> None:
    parts = [_episode("seen", k) for k in range(3)] + [_episode("unseen", 7)]
    with pytest.raises(TakeadError, match="family unseen has 1 episodes, expected at least 2"):
        measure(Dataset(VECTOR_1, parts), [part.clip for part in parts], SCHEDULE, folds=2)


@pytest.mark.slow
def test_the_command_measures_clips(tmp_path: Path, bags: Path) -> None:
    result = CliRunner().invoke(
        predictability.app,
        [str(bags), "--cache", str(tmp_path / "cache"), "--folds", "2", "--epochs", "2",
         "--workers", "1", "--threads", "1", "--json", str(tmp_path / "found.json")],
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    found = json.loads((tmp_path / "found.json").read_text())["families"]
    assert [each["family"] for each in found] == ["cut_in", "all"] and found[1]["frames"] > 100
