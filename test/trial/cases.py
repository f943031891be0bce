"""Every case of the trial that runs in one process; ``benchmarks/trial`` has the slow ones, and prints how many."""

from __future__ import annotations

from trial import (
    cases_agents,
    cases_bundles,
    cases_clips,
    cases_dream,
    cases_drive,
    cases_learn,
    cases_program,
    cases_results,
    cases_rounds,
)
from trial.case import Case

CASES: tuple[Case, ...] = (
    *cases_program.CASES,
    *cases_drive.CASES,
    *cases_results.CASES,
    *cases_clips.CASES,
    *cases_dream.CASES,
    *cases_agents.CASES,
    *cases_learn.CASES,
    *cases_rounds.CASES,
    *cases_bundles.CASES,
)
