"""The outer loop: what the gate promotes, and that a loop killed anywhere comes to the same end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from support.results import episode_result
from takead_ros.cli.trainer import TrainRound
from takead_ros.console import ProgressBars
from takead_ros.domain.errors import TakeadError
from takead_ros.domain.seeds import split_of
from takead_ros.files import holder, locked
from takead_ros.policy.model import load_model
from takead_ros.resources import resource
from takead_ros.runs.episode import EpisodeRunner
from takead_ros.runs.evaluate_batched import BatchRunner
from takead_ros.runs.gate import decide_promotion
from takead_ros.runs.loop import Loop
from takead_ros.runs.loop_state import LoopPlan, read_state
from takead_ros.runs.results import Evaluation, RunSettings, comparison, evaluation
from takead_ros.runs.workers import open_workers
from takead_ros.runs.workplace import Workplace

SUITE = "intersection_right"  # the shortest family


def driven(scores: list[float], expert_share: float = 0.0) -> Evaluation:
    """A model alone on selection seeds, one episode for each Driving Score."""
    results = [
        episode_result(
            seed=2_000_000 + i,
            driving_score=score,
            success=score == 100.0,
            success_rate=float(score == 100.0),
            penalty=score / 100.0,
            expert_share=expert_share,
            driver="alone",
        )
        for i, score in enumerate(scores)
    ]
    settings = RunSettings(
        model_sha256="",
        suite="demo",
        families=("cut_in",),
        seeds=tuple(2_000_000 + i for i in range(len(scores))),
        version="0",
        simulator="metadrive 0.4.3",
        parameters={},
    )
    return evaluation("m.onnx", settings, {"unassisted": results})


@pytest.mark.parametrize(
    ("old", "new", "promoted", "said"),
    [
        ([60.0] * 12, [90.0] * 12, True, "Driving Score 60.0 -> 90.0 (+30.0 .. +30.0): a gain, nothing worse"),
        ([60.0] * 12, [100.0] + [60.0] * 11, True, "not settled: more selection seeds would have to decide"),
        ([60.0] * 12, [60.0] * 12, False, "Driving Score 60.0 -> 60.0 (+0.0 .. +0.0): no gain"),
        ([60.0] * 12, [50.0] * 12, False, "worse beyond its interval"),
        # most succeed no more, though the mean of the scores went up
        ([100.0] * 9 + [0.0] * 3, [90.0] * 12, False, "Success Rate 75.0% -> 0.0%"),
        ([60.0] * 3, [50.0] * 3, False, "no gain"),  # too few to settle anything, and still no gain
    ],
)
def test_the_gate_promotes_a_gain_with_nothing_worse_and_says_why(
    old: list[float], new: list[float], promoted: bool, said: str
) -> None:
    decision = decide_promotion(comparison(driven(old), driven(new)))
    assert decision.promoted is promoted
    assert said in "; ".join(decision.reasons)


def test_the_gate_compares_the_same_episodes_only() -> None:
    with pytest.raises(TakeadError, match="no pairs"):
        comparison(driven([60.0] * 4), driven([60.0] * 5))


def opened(folder: Path, drives: int, options: str = "") -> Loop:
    """A loop that is not run."""
    pytest.importorskip("metadrive", reason="the sim extra is not installed")
    plan = LoopPlan(suite=SUITE, demonstrations=1, drives=drives, selection=1)
    trainer, workers = TrainRound(options.split(), 1), open_workers(EpisodeRunner, Workplace(1))
    batches = open_workers(BatchRunner, Workplace(1))
    return Loop(folder, plan, resource("models/novice.onnx"), trainer, workers, batches, ProgressBars, lambda _: None)


def test_a_loop_belongs_to_its_settings_and_gives_its_lock_back(tmp_path: Path) -> None:
    folder = tmp_path / "loop"
    with opened(folder, 1) as loop:
        assert loop.state.rounds == () and holder(folder).startswith(f"process {os.getpid()}")
        with pytest.raises(TakeadError, match="in use by process"), opened(folder, 1):
            pass
    for other in (opened(folder, 2), opened(folder, 1, "--seed 3")):
        with pytest.raises(TakeadError, match=r"other settings: .*nothing is overwritten"), other:
            pass
    assert holder(folder) == "" and [path.name for path in folder.iterdir()] == ["loop.json"]
    with opened(folder, 1) as again, pytest.raises(TakeadError, match="more than there are"):
        again.run(2_000_000)


@pytest.fixture
def rounds(untrained: Path, tmp_path: Path) -> list[str]:
    """The command of a loop of two small rounds in tmp_path/loop."""
    options = "--dagger-epochs 1 --preference-epochs 1 --draws 256 --threads 1"
    return [
        "train", "rounds", "--rounds", "2", "--suite", SUITE, "--parent", str(untrained), "--demonstrations", "1",
        "--drives", "1", "--selection", "1", "--options", options, "--workers", "1", "--sim", "vector",
        "--out", str(tmp_path / "loop"),
    ]  # fmt: skip


def kill_when(arguments: list[str], there: Callable[[], bool]) -> None:
    """Run takead and SIGKILL it, alone, once ``there`` holds."""
    child = subprocess.Popen(
        [sys.executable, "-m", "takead_ros.cli.main", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    deadline = time.monotonic() + 300.0
    while not there():
        assert child.poll() is None, child.communicate()
        assert time.monotonic() < deadline, "the stage was never reached"
        time.sleep(0.02)
    child.send_signal(signal.SIGKILL)
    child.communicate()


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_loop_killed_in_any_stage_goes_on_and_touches_no_test_seed(
    takead: Any, one_error: Any, rounds: list[str], tmp_path: Path
) -> None:
    loop = tmp_path / "loop"
    kill_when(rounds, lambda: any((loop / "round-1" / "clips").glob("*/*")))
    kill_when(rounds, lambda: (loop / "encoded").exists())
    kill_when(rounds, lambda: any((loop / "selection").glob("*.jsonl")))
    kill_when(rounds, lambda: (loop / "round-2").exists())
    finished = takead(*rounds, timeout=600.0)
    assert finished.returncode == 0, finished.stderr
    state = read_state(loop)
    assert [done.number for done in state.rounds] == [1, 2]
    for done in state.rounds:
        assert done.decision is not None and done.decision.reasons and done.clips
        assert load_model(loop / str(done.model)).sha256 == done.model_sha256
    first, second = state.rounds
    assert first.decision is not None
    assert second.parent_sha256 == (first.model_sha256 if first.decision.promoted else state.first_sha256)
    assert ("promoted" in finished.stdout) and state.deployed[1][:12] in finished.stdout
    assert load_model(loop / str(second.model)).manifest.parent == state.first_sha256  # from the first, on all clips
    seeds = {}
    for journal in loop.rglob("*episodes.jsonl"):
        head = json.loads(journal.read_text().splitlines()[0])
        seeds[str(journal.relative_to(loop).parent)] = {split_of(seed) for seed in head["settings"]["seeds"]}
    assert seeds == {
        "demonstrations": {"training"},
        "round-1/clips": {"collection"},
        "round-2/clips": {"collection"},
        "selection": {"selection"},
    }
    drives = [json.loads((loop / f"round-{n}" / "drive.json").read_text())["seeds"] for n in (1, 2)]
    assert drives == [[1_000_000], [1_000_001]]  # a round's seeds are its own

    # finished: the same command repeats nothing, another is refused, and so is a second process
    before = {path: path.stat().st_mtime_ns for path in loop.rglob("*") if path.is_file()}
    again = takead(*rounds)
    assert again.returncode == 0, again.stderr
    assert {path: path.stat().st_mtime_ns for path in before} == before
    one_error(takead(*rounds, "--drives", "2"), "other settings", "nothing is overwritten")
    with locked(loop):
        one_error(takead(*rounds), "in use by process")

    # the final comparison is the only one that drives test seeds, and the report shows the rounds
    final = takead("train", "final", loop, "--seeds", "0", "--workers", "1", timeout=600.0)
    assert final.returncode == 0, final.stderr
    assert "Driving Score" in final.stdout
    page = takead("report", loop)
    assert page.returncode == 0, page.stderr
    text = (loop / "report.html").read_text()
    assert "Rounds" in text and "gate on the selection seeds" in text and "numpy" in text


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_batched_loop_learns_from_rows_and_goes_on_after_a_kill(
    takead: Any, one_error: Any, untrained: Path, tmp_path: Path
) -> None:
    loop, options = tmp_path / "loop", "--stages dagger --dagger-epochs 1 --draws 256 --threads 1"
    command = [
        "train", "rounds", "--rounds", "1", "--suite", SUITE, "--parent", str(untrained), "--demonstrations", "1",
        "--drives", "1", "--selection", "1", "--options", options, "--workers", "1", "--sim", "vector", "--batched",
        "--out", str(loop),
    ]  # fmt: skip
    one_error(takead(*command, "--sim", "metadrive"), "--batched --sim metadrive: expected --sim vector")
    kill_when(command, lambda: (loop / "round-1" / "collected" / "index.json").exists())
    finished = takead(*command, timeout=600.0)
    assert finished.returncode == 0, finished.stderr
    (done,) = read_state(loop).rounds
    assert done.clips and done.decision is not None and not list(loop.glob("round-1/clips"))
    made = load_model(loop / str(done.model)).manifest
    assert made.parent == done.parent_sha256 and any(name.startswith(done.parent_sha256[:12]) for name in made.clips)
    assert {split_of(seed) for seed in made.seeds} == {"training", "collection"}
    (old, new) = [json.loads(path.read_text()) for path in sorted((loop / "selection").glob("*.json"))]
    assert old["simulator"] == new["simulator"] and old["simulator"].endswith("batched")
    final = takead("train", "final", loop, "--seeds", "0", "--workers", "1", timeout=600.0)
    assert final.returncode == 0, final.stderr
    page = takead("report", loop)
    assert page.returncode == 0, page.stderr
