"""``takead report``: one self-contained HTML file of a run, with everything that it shows inside."""

from __future__ import annotations

from pathlib import Path

import typer

from takead_ros.console import ProgressBars, say
from takead_ros.runs.workplace import Workplace

app = typer.Typer(add_completion=False, rich_markup_mode="rich", pretty_exceptions_enable=False)


@app.command(epilog="Example: [bold]takead report runs/demo[/bold]")
def report(
    run: Path = typer.Argument(..., help="Folder of a run, such as runs/demo."),
    workers: int = typer.Option(2, min=1, max=256, help="How many takeovers are driven and drawn at once."),
) -> None:
    """Write RUN/report.html: the comparison, plots, and takeovers, old and new policy side by side.

    RUN holds before.json and after.json, as 'takead demo', 'takead train final' or two 'takead eval' write them.
    """
    from takead_ros.pictures.report import write_report

    with ProgressBars() as progress:
        page = write_report(run, progress, Workplace(workers))
    say(f"report: {page}")
