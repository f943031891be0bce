"""The recorded drives: made by the user's own commands, which go on where they were stopped, and read as rows."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks.takeover_learning.plan import Plan
from takead_ros.policy.vector import VECTOR_1
from takead_training.data import cache
from takead_training.data.clips import TrainingClip, find_clips
from takead_training.data.dataset import Dataset
from takead_training.data.perfect import perfect_clips

DEMONSTRATIONS, FURTHER, ASSISTED, WHOLE = "demonstrations", "further", "assisted", "whole"  # folders
HELD_OUT_ROUND = 10  # further than any arm gets
Read = Callable[[str, int, int], None]  # phase, done, total


def takead(*words: str) -> None:
    """Run ``takead WORDS``. Raises CalledProcessError where it fails."""
    subprocess.run([sys.executable, "-m", "takead_ros.cli.main", *words], check=True)


def demonstrate(plan: Plan, folder: Path, workers: int) -> None:
    """The expert drives the suite that the network was cloned from, the same seeds again."""
    _drive(plan, "expert", plan.known, "none", f"training:0-{plan.demonstrations - 1}", folder, workers)


def demonstrate_more(plan: Plan, folder: Path, workers: int) -> None:
    """The expert drives further seeds of that suite."""
    last = plan.demonstrations + plan.more - 1
    _drive(plan, "expert", plan.known, "none", f"training:{plan.demonstrations}-{last}", folder, workers)


def expert_on_routes(plan: Plan, folder: Path, round: int, workers: int) -> None:
    """The expert drives the routes of a round, whole."""
    _drive(plan, "expert", plan.deploy, plan.perception, _routes(plan, round), folder, workers)


def be_taken_over(plan: Plan, model: Path, folder: Path, round: int, workers: int) -> None:
    """``model`` drives the routes of a round, the expert ready to take over. Whole drives are recorded in the first
    round; of the further ones only the takeovers, which is all that is learned from."""
    record = "all" if round == 0 else "clips"
    _drive(plan, str(model), plan.deploy, plan.perception, _routes(plan, round), folder, workers, record)


def be_taken_over_held_out(plan: Plan, model: Path, folder: Path, workers: int) -> None:
    """``model`` is taken over on routes that no arm learns from; what is recorded is only asked, never learned from."""
    first, last = plan.routes(HELD_OUT_ROUND)
    _drive(plan, str(model), plan.deploy, plan.perception, f"collection:{first}-{last}", folder, workers, "clips")


def _routes(plan: Plan, round: int) -> str:
    first, last = plan.routes(round)
    return f"collection:{first}-{last}"


def _drive(
    plan: Plan,
    model: str,
    suite: str,
    perception: str,
    seeds: str,
    folder: Path,
    workers: int,
    record: str = "all",
) -> None:
    result = folder.with_suffix(".json")
    if not result.exists():
        takead(
            "drive", "--sim", plan.simulator, "--suite", suite, "--seeds", seeds, "--model", model, "--record", record,
            "--perception", perception, "--bags", str(folder), "--workers", str(workers), "--json", str(result),
        )  # fmt: skip


def rows(
    folder: Path, kept: Path, workers: int, read: Read, only: Callable[[TrainingClip], bool] = lambda _: True
) -> tuple[Dataset, list[TrainingClip]]:
    """The rows of the clips in ``folder`` that ``only`` accepts; the encoded ones are kept in ``kept``. Demonstrations
    come in the order of ``takead train bc``, so that it makes the same network of them; other drives by seed.

    Of the expert's own drives only those with a Driving Score of 100 count: it teaches nothing where it fails.
    """
    whole = not folder.name.startswith(ASSISTED)
    perfect = perfect_clips([folder.with_suffix(".json")]) if whole else None
    found = sorted(
        find_clips([folder], only=perfect).clips, key=lambda clip: (clip.manifest.provenance.seed or 0, clip.path)
    )
    chosen = [clip for clip in found if only(clip)]
    data, _ = cache.load(chosen, kept, VECTOR_1, workers, lambda at, of: read(f"read {folder.name}", at, of))
    return data, chosen
