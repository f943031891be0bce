"""The comparison of a loop's first and deployed models, the only one that drives test seeds.

LOOP/before.json, after.json, comparison.json    on the loop's own suite
LOOP/many/                                       the same of more episodes, in the batched vector world
LOOP/families/                                   there as well, another suite of short episodes, family by family
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from takead_ros.domain.errors import TakeadError
from takead_ros.files import locked, writable_folder, write_record
from takead_ros.nodes.simulator_node import SimulatorNode
from takead_ros.runs.drive import EpisodeWorkers
from takead_ros.runs.evaluate_batched import BatchWorkers
from takead_ros.runs.kept import Shows, Way, by_batches, by_nodes, kept_evaluation
from takead_ros.runs.loop_state import model_of, read_state
from takead_ros.runs.results import PASSES, PairedComparison, PassName, comparison
from takead_ros.runs.spec import run_spec

BEFORE, AFTER, COMPARISON = "before.json", "after.json", "comparison.json"
MANY, FAMILIES = "many", "families"


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
    plan = read_state(folder).plan

    def way(model: str) -> Way:
        return by_nodes(run_spec(model, plan.suite, seeds, simulator or plan.simulator, plan.parameters), workers)

    return _compared(folder, folder, way, passes, progress, "held-out seeds")


def batched_comparison(
    folder: Path, name: str, suite: str, seeds: str, batches: BatchWorkers, progress: Shows
) -> PairedComparison:
    """The same two models alone on ``seeds`` of ``suite``, many episodes at once in the vector world; kept in the
    loop's folder ``name``. On the loop's own suite they perceive as in the loop."""
    plan = read_state(folder).plan
    asked = plan.parameters.get(SimulatorNode.NAME, {}).get("perception")
    seen = {SimulatorNode.NAME: {"perception": asked}} if asked and suite == plan.suite else {}

    def way(model: str) -> Way:
        return by_batches(run_spec(model, suite, seeds, "vector", seen), batches)

    return _compared(folder, folder / name, way, PASSES[:1], progress, f"{suite}, vector world")


def _compared(
    folder: Path, place: Path, way: Callable[[str], Way], passes: Sequence[PassName], progress: Shows, world: str
) -> PairedComparison:
    """The first and the deployed model of the loop in ``folder``, each driven in its ``way``; kept in ``place``."""
    with locked(folder):
        state, parts = read_state(folder), []
        newest = state.deployed if state.deployed[1] != state.first_sha256 else state.latest
        if newest is None:
            raise TakeadError(f"loop '{folder}': has no trained model yet ({state.ended or 'no round is finished'})")
        for file, who, model in ((BEFORE, "old", (state.first_model, state.first_sha256)), (AFTER, "new", newest)):
            driven, label = way(str(model_of(folder, *model))), f"{who} policy, {world}"
            parts.append(kept_evaluation(driven, passes, writable_folder(place) / file, progress, label))
        found = comparison(*parts)
        write_record(place / COMPARISON, found)
        return found
