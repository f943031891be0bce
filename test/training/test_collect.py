"""Takeovers straight to rows: the rows of the stack's clips, kept as they come, refused where they do not fit."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from takead_ros.console import ProgressBars
from takead_ros.domain.errors import TakeadError
from takead_ros.policy.vector import VECTOR_1
from takead_ros.runs.drive import JOURNAL, drive
from takead_ros.runs.episode import EpisodeRunner
from takead_ros.runs.results import Evaluation
from takead_ros.runs.spec import RunSpec, run_spec
from takead_ros.runs.workers import open_workers
from takead_ros.runs.workplace import Workplace
from takead_training.data import cache
from takead_training.data.clips import find_clips
from takead_training.data.collect import Collected, Collector, collect
from takead_training.data.dataset import Dataset

pytestmark = pytest.mark.slow
SEEDS = "collection:0-1"


def spec(seeds: str = SEEDS, family: str = "t_junction", model: str = "novice", sim: str = "vector") -> RunSpec:
    return run_spec(model, family, seeds, sim)


def collected(out: Path, workers: int = 1, asked: RunSpec | None = None) -> Evaluation:
    with open_workers(Collector, Workplace(workers)) as pool, ProgressBars() as progress:
        return collect(asked or spec(), out, pool, progress, "collecting")


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Evaluation]:
    out = tmp_path_factory.mktemp("rows") / "collected"
    return out, collected(out)


def test_they_are_the_rows_of_the_stack_s_clips(rows: tuple[Path, Evaluation], tmp_path: Path) -> None:
    folder, told = rows
    with open_workers(EpisodeRunner, Workplace(1)) as pool, ProgressBars() as progress:
        theirs = drive(spec(), "clips", tmp_path / "clips", pool, progress, "driving")
    assert told.triggers == theirs.triggers and told.triggers
    clips = find_clips([tmp_path / "clips"]).clips
    by_start = sorted(clips, key=lambda clip: (clip.manifest.provenance.seed or 0, clip.manifest.start))
    stack, _ = cache.load(by_start, tmp_path / "cache", VECTOR_1)
    mine = Dataset(VECTOR_1, Collected(folder, VECTOR_1).parts)
    assert len(mine) == len(stack) > 80 and len(mine.parts) == len(stack.parts)
    everything = np.arange(len(mine))
    np.testing.assert_allclose(mine.records(everything), stack.records(everything), atol=2e-3)
    for name in ("label", "frame"):
        np.testing.assert_array_equal(mine.column(name), stack.column(name), err_msg=name)
    for name in ("profile", "control"):
        np.testing.assert_allclose(mine.column(name), stack.column(name), atol=2e-2, err_msg=name)
    for ours, other in zip(mine.parts, stack.parts, strict=True):
        assert ours.world is not None and other.world is not None
        assert ours.world().to_bytes() and len(ours.inputs) == len(other.inputs)


def test_what_is_there_is_not_driven_again_and_what_is_lost_is(rows: tuple[Path, Evaluation], tmp_path: Path) -> None:
    """The same rows, whether in one go, by two processes, or after a kill between two episodes' lines."""
    folder, told = rows
    again = tmp_path / "again"
    shutil.copytree(folder, again)
    journal = again / JOURNAL
    lines = journal.read_text().splitlines(keepends=True)
    journal.write_text("".join(lines[:-1]) + lines[-1][:40])  # killed while it wrote the last
    assert collected(again) == told and journal.read_text().splitlines() == [line.rstrip("\n") for line in lines]
    for shard in again.glob("*.inputs.npy"):
        shard.write_bytes(shard.read_bytes()[:-4])
    with pytest.raises(TakeadError, match=r"are gone .*the same 'takead train collect' makes them again"):
        Collected(again, VECTOR_1)
    assert collected(again, workers=2) == told
    first, second = Collected(folder, VECTOR_1), Collected(again, VECTOR_1)
    assert first.names == second.names
    for one, other in zip(first.parts, second.parts, strict=True):
        np.testing.assert_array_equal(one.inputs, other.inputs)
        np.testing.assert_array_equal(one.targets, other.targets)


def test_what_does_not_fit_is_refused(rows: tuple[Path, Evaluation], tmp_path: Path) -> None:
    folder, _ = rows
    for asked, said in (
        (spec("0-1"), "seed 0 is a test seed"),
        (spec("selection:0"), "is a selection seed"),
        (spec(sim="metadrive"), "expected --sim vector"),
        (spec(model="expert"), "expected a policy"),
    ):
        with pytest.raises(TakeadError, match=said):
            collected(tmp_path / "none", asked=asked)
        assert not (tmp_path / "none").exists()
    with pytest.raises(TakeadError, match=r"seeds"):
        collected(folder, asked=spec("collection:0-2"))
    with pytest.raises(TakeadError, match="expected a folder of 'takead train collect'"):
        Collected(tmp_path, VECTOR_1)
    foreign = tmp_path / "foreign"
    shutil.copytree(folder, foreign)
    journal = foreign / JOURNAL
    journal.write_text(journal.read_text().replace("1000000", "2000000"))
    with pytest.raises(TakeadError, match="is a selection seed"):
        Collected(foreign, VECTOR_1)
    journal.write_text((folder / JOURNAL).read_text().replace("samples-", "older-", 1))
    with pytest.raises(TakeadError, match="collect them again"):
        Collected(foreign, VECTOR_1)
