"""``takead demo``: the whole loop once, small, and the report of it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import typer

from takead_ros.cli.options import PERCEPTION, RAY, WORKERS_KIND, place
from takead_ros.console import ProgressBars, note, say, show_table
from takead_ros.domain.errors import TakeadError
from takead_ros.runs.workers import open_workers
from takead_ros.runs.workplace import Workplace
from takead_ros.simulators import SIMULATOR

if TYPE_CHECKING:
    from takead_ros.runs.loop_state import LoopPlan

FIRST_TEST = 80  # test seeds before it have judged models of this repository
THREADS = 2  # of the training, whatever the machine: another number gives other weights
MINUTES = 10  # about, on 2 cores; docs/tutorial.md and the README say what was measured

app = typer.Typer(add_completion=False, rich_markup_mode="rich", pretty_exceptions_enable=False)


class _Tests(NamedTuple):
    """Test seeds: of the routes in MetaDrive and in the vector world, and of the episodes of the suite ``families``."""

    routes: str
    more_routes: str
    families: str
    episodes: str


def _held_out(count: int) -> str:
    return f"test:{FIRST_TEST}-{FIRST_TEST + count - 1}"


def tell(text: str) -> None:
    """What the loop does now, on stdout."""
    say(text, "" if text.startswith(" ") else "bold")


@app.command(
    epilog="Example: [bold]takead demo --out runs/demo --workers 2[/bold]   (Ctrl-C, and the same command goes on)"
)
def demo(
    out: Path = typer.Option(Path("runs/demo"), help="Folder of the run; an unfinished run in it is continued."),
    model: str = typer.Option("baseline", help="The policy to begin with: an ONNX file, or a shipped model by name."),
    rounds: int = typer.Option(2, min=1, help="Rounds of takeovers and training."),
    workers: int = typer.Option(2, min=1, max=256, help="How many at once; the results do not depend on it."),
    workers_kind: str = WORKERS_KIND,
    ray: str | None = RAY,
    params: Path | None = typer.Option(
        None, help="Parameters of the nodes (see config/); takes longer: all nodes in every drive."
    ),
    perception: str | None = PERCEPTION,
    suite: str = typer.Option("deploy", hidden=True),
    demonstrated: str = typer.Option("known", hidden=True, help="Suite of the demonstrations."),
    demonstrations: int = typer.Option(3, min=1, hidden=True, help="Training seeds for each family."),
    drives: int = typer.Option(6, min=1, hidden=True, help="Collection seeds of a round, for each family."),
    selection: int = typer.Option(10, min=1, hidden=True, help="Selection seeds for each family."),
    tests: int = typer.Option(4, min=1, hidden=True, help="Test seeds for each family in MetaDrive."),
    many: int = typer.Option(20, min=1, hidden=True, help="Test seeds for each family in the vector world."),
    families: str = typer.Option("core", hidden=True, help="Suite that is compared family by family."),
    family_tests: int = typer.Option(4, min=1, hidden=True, help="Test seeds for each of those families."),
    epochs: int = typer.Option(20, min=1, hidden=True),
    draws: int = typer.Option(12_000, min=1, hidden=True),
) -> None:
    """The whole loop, small: a shipped policy drives where it has never been, is taken over, learns, drives better.

    It learns in the vector world, many drives at once, and is compared in MetaDrive, with all nodes, on routes that
    nothing was learned from. Writes models, comparisons, films of takeovers with their bags, and report.html.
    """
    from takead_ros.policy.shipped import model_path
    from takead_ros.runs.loop_state import LoopPlan
    from takead_ros.runs.spec import read_parameters
    from takead_ros.scenarios.suites import load_suite

    load_suite(families)  # not when its turn comes
    where = place(workers, workers_kind, ray)
    tell("takead demo: drives a policy, lets the expert take over, learns from it, compares.")
    tell(
        f"  About {MINUTES} minutes on 2 cores ({workers} workers). Everything goes to {out}; Ctrl-C at any time, the "
        "same command goes on where it stopped."
    )
    begin = time.monotonic()
    plan = LoopPlan(
        suite=suite,
        demonstrations=demonstrations,
        demonstrated=demonstrated,
        drives=drives,
        selection=selection,
        simulator="vector",
        from_first=True,
        batched=params is None,
        parameters=read_parameters(params, perception),
    )
    options = ("--stages", "dagger", "--dagger-epochs", epochs, "--draws", draws, "--threads", THREADS)
    try:
        _run(
            out,
            plan,
            model_path(model),
            rounds,
            [str(word) for word in options],
            _Tests(_held_out(tests), _held_out(many), families, _held_out(family_tests)),
            where,
        )
    except KeyboardInterrupt as stop:
        tell_stopped(out)
        raise typer.Exit(130) from stop
    say(f"finished in {(time.monotonic() - begin) / 60.0:.1f} minutes")


def tell_stopped(out: Path) -> None:
    """After Ctrl-C."""
    note(f"stopped; what is finished is kept in {out}, the same command goes on")


def _run(
    out: Path,
    plan: LoopPlan,
    model: Path,
    rounds: int,
    options: list[str],
    tests: _Tests,
    where: Workplace,
) -> None:
    from takead_ros.cli.tables import comparison_table
    from takead_ros.cli.trainer import TrainRound, readers
    from takead_ros.pictures.report import write_report
    from takead_ros.runs.episode import EpisodeRunner
    from takead_ros.runs.evaluate_batched import BatchRunner
    from takead_ros.runs.final import FAMILIES, MANY, batched_comparison, final_comparison
    from takead_ros.runs.loop import Loop
    from takead_ros.runs.results import PASSES

    with open_workers(EpisodeRunner, where) as pool, open_workers(BatchRunner, where) as batches:
        with Loop(out, plan, model, TrainRound(options, readers(where)), pool, batches, ProgressBars, tell) as loop:
            state = loop.run(rounds)
        if state.latest is None:
            raise TakeadError(
                f"{state.ended}, so there is nothing to learn from; expected takeovers (a weaker model, or more seeds)"
            )
        tell("first and last policy alone on held-out seeds: MetaDrive, all nodes")
        found = final_comparison(out, tests.routes, pool, ProgressBars, PASSES[:1], SIMULATOR)
        tell("the same two on more of them, and on short episodes: the vector world")
        more = batched_comparison(out, MANY, plan.suite, tests.more_routes, batches, ProgressBars)
        short = batched_comparison(out, FAMILIES, tests.families, tests.episodes, batches, ProgressBars)
    tell("result")
    for content in (found, more, short):
        show_table(comparison_table(content, families=False))
    tell("takeovers, old and new side by side; report")
    with ProgressBars() as progress:
        page = write_report(out, progress, Workplace(readers(where)))
    say(f"report: {page}")
