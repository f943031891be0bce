"""``takead runs``: every run is listed, the broken ones too, and who is at work on one."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from support.results import episode_result, loop_round, loop_state, run_settings
from takead_ros.files import locked, write_record
from takead_ros.runs.drive import JOURNAL, JOURNAL_SUFFIX, DriveSettings, EvaluationSettings
from takead_ros.runs.find import find_runs
from takead_ros.runs.gate import GateDecision
from takead_ros.runs.journal import Journal
from takead_ros.runs.results import EpisodeResult, evaluation

pytestmark = pytest.mark.slow

SETTINGS = run_settings(families=("accident", "cut_in"), seeds=(0, 1))


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """A drive of 1 of 4 episodes, an evaluation that is finished, a loop of one round."""
    drive = Journal(tmp_path / "bags" / JOURNAL, DriveSettings(**vars(SETTINGS), record="clips"), EpisodeResult)
    drive.add("assisted/cut_in/0", episode_result(seed=0))
    settings = EvaluationSettings(**vars(SETTINGS), passes=("unassisted",))
    done = Journal(tmp_path / f"e.json{JOURNAL_SUFFIX}", settings, EpisodeResult)
    for seed in range(4):
        done.add(f"alone/cut_in/{seed}", episode_result(seed=seed))
    write_record(
        tmp_path / "e.json",
        evaluation("m.onnx", SETTINGS, {"unassisted": [episode_result(seed=seed) for seed in (0, 1)]}),
    )
    gain = GateDecision(promoted=True, reasons=("Driving Score 60.0 -> 70.0: a gain",))
    write_record(tmp_path / "loop" / "loop.json", loop_state(loop_round(decision=gain)))
    Journal(tmp_path / "loop" / "round-1" / "clips" / JOURNAL, drive.results["assisted/cut_in/0"], EpisodeResult)
    return tmp_path


def test_runs_are_told_by_kind_and_by_how_far_they_are(runs: Path) -> None:
    found = {run.path.name: (run.kind, run.done, run.total, run.score) for run in find_runs(runs)}
    assert found == {
        "bags": ("drive", 1, 4, None),
        "e.json": ("evaluation", 4, 4, 60.0),
        "loop": ("loop", 1, 1, None),
    }


def test_they_are_listed_with_who_holds_them_and_the_broken_ones_by_name(takead: Any, runs: Path) -> None:
    with locked(runs / "bags"):
        listed = takead("runs", "ls", runs, COLUMNS="80")
    assert listed.returncode == 0, listed.stderr
    assert "running" in listed.stdout and f"in use by process {os.getpid()}" in " ".join(listed.stdout.split())
    assert "3 runs" in listed.stdout and "abababab" in listed.stdout
    (runs / "loop" / "loop.json").write_text('{"format": "takead-loop-1"}')
    broken = takead("runs", "ls", runs)
    assert broken.returncode == 1 and "Traceback" not in broken.stderr
    assert "broken" in broken.stdout and "loop.json" in broken.stdout and "e.json" in broken.stdout


def test_one_is_shown_with_its_figures_and_its_machine(takead: Any, one_error: Any, runs: Path) -> None:
    shown = takead("runs", "show", runs / "e.json")
    assert shown.returncode == 0, shown.stderr
    assert "60.0" in shown.stdout and "numpy" in shown.stdout
    loop = takead("runs", "show", runs / "loop")
    assert loop.returncode == 0, loop.stderr
    assert "promoted: Driving Score 60.0 -> 70.0: a gain" in loop.stdout and "ef" * 32 in loop.stdout
    one_error(takead("runs", "show", runs / "bags"), "bags", "loop.json")
    one_error(takead("runs", "ls", runs / "none"), "no such folder")
