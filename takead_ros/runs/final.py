"""The comparison of a loop's first and deployed models, the only one that drives test seeds.

LOOP/before.json, after.json, comparison.json    on the loop's own suite
LOOP/many/                                       the same of more episodes, in the batched vector world
LOOP/families/                                   there as well, another suite of short episodes, family by family
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from takead_ros.domain.errors import TakeadError
from takead_ros.files import locked, writable_folder, write_record
from takead_ros.nodes.simulator_node import SimulatorNode
from takead_ros.runs.drive import EpisodeWorkers
from takead_ros.runs.evaluate_batched import BatchWorkers
from takead_ros.runs.kept import Shows, by_batches, by_nodes, kept_evaluation
from takead_ros.runs.loop_state import LoopState, model_of, read_state
from takead_ros.runs.results import PASSES, Evaluation, PairedComparison, PassName, comparison
from takead_ros.runs.spec import run_spec

BEFORE, AFTER, COMPARISON = "before.json", "after.json", "comparison.json"
MANY, FAMILIES = "many", "families"
WHO = ("old", "new")


def final_comparison(
    folder: Path,
    seeds: str,
    workers: EpisodeWorkers,
    progress: Shows,
    passes: Sequence[PassName] = PASSES,
    simulator: str | None = None,
) -> PairedComparison:
    """The first model of the loop in ``folder`` against the deployed one (where none was promoted: the last trained).

    Both drive ``seeds``, alone and assisted as ``passes`` say, in ``simulator`` (by default the loop's). Raises
    TakeadError where no model has been trained, or where a comparison on other seeds lies there.
    """
    state = read_state(folder)
    with locked(folder):
        parts = []
        for file, who, model in zip((BEFORE, AFTER), WHO, _models(folder, state), strict=True):
            plan = state.plan
            spec = run_spec(str(model), plan.suite, seeds, simulator or plan.simulator, plan.parameters)
            label = f"{who} policy, held-out seeds"
            parts.append(kept_evaluation(by_nodes(spec, workers), passes, folder / file, progress, label))
        return _compared(folder / COMPARISON, parts)


def batched_comparison(
    folder: Path, name: str, suite: str, seeds: str, batches: BatchWorkers, progress: Shows
) -> PairedComparison:
    """The same two models alone on ``seeds`` of ``suite``, many episodes at once in the vector world; kept in the
    loop's folder ``name``. On the loop's own suite they perceive as in the loop."""
    state = read_state(folder)
    with locked(folder):
        parts = []
        place = writable_folder(folder / name)
        asked = state.plan.parameters.get(SimulatorNode.NAME, {}).get("perception")
        seen = {SimulatorNode.NAME: {"perception": asked}} if asked and suite == state.plan.suite else {}
        for file, who, model in zip((BEFORE, AFTER), WHO, _models(folder, state), strict=True):
            spec = run_spec(str(model), suite, seeds, "vector", seen)
            label = f"{who} policy, {suite}, vector world"
            parts.append(kept_evaluation(by_batches(spec, batches), PASSES[:1], place / file, progress, label))
        return _compared(place / COMPARISON, parts)


def _models(folder: Path, state: LoopState) -> tuple[Path, Path]:
    newest = state.deployed if state.deployed[1] != state.first_sha256 else state.latest
    if newest is None:
        raise TakeadError(f"loop '{folder}': has no trained model yet ({state.ended or 'no round is finished'})")
    return model_of(folder, state.first_model, state.first_sha256), model_of(folder, *newest)


def _compared(file: Path, parts: Sequence[Evaluation]) -> PairedComparison:
    found = comparison(*parts)
    write_record(file, found)
    return found
