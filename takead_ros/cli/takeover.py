"""``takead takeover``: the arbiter's states and transitions, as implemented."""

from __future__ import annotations

import math
from enum import Enum
from pathlib import Path

import typer

from takead_ros.console import stdout
from takead_ros.domain.driving import ArbiterMode
from takead_ros.domain.errors import TakeadError
from takead_ros.files import writable_folder
from takead_ros.takeover import table

app = typer.Typer(
    name="takeover", no_args_is_help=True, rich_markup_mode="rich", pretty_exceptions_enable=False,
    add_completion=False, help="The arbiter's states and transitions, as implemented.",
)  # fmt: skip

PLACES = {  # where each state stands in the picture
    "DISENGAGED": (0.0, 2.0), "POLICY": (2.8, 2.2), "EXPERT": (5.4, 4.2), "HUMAN": (5.2, 1.0),
    "HANDBACK": (8.2, 2.4), "MRM": (7.6, -2.6), "STOPPED": (2.0, -2.6),
}  # fmt: skip


class Form(str, Enum):
    mermaid = "mermaid"
    table = "table"
    picture = "picture"


@app.callback()
def _group() -> None:
    pass


@app.command(epilog="Example: [bold]takead takeover diagram --out docs/takeover.svg[/bold]")
def diagram(
    form: Form = typer.Option(Form.mermaid, "--form", help="mermaid or table, as text; picture with --out."),
    out: Path | None = typer.Option(None, "--out", help="File to write: .md, .mmd, .svg, .png or .pdf."),
) -> None:
    """Draw the transition table of the arbiter, read from its code."""
    if out is None:
        if form is Form.picture:
            raise TakeadError("--form picture: needs --out with a name ending in .svg, .png or .pdf")
        stdout.print(
            table.mermaid() if form is Form.mermaid else table.markdown(), end="", markup=False, soft_wrap=True
        )
        return
    writable_folder(out.parent)
    if out.suffix in (".svg", ".png", ".pdf"):
        draw(out)
    elif out.suffix in (".md", ".mmd"):
        out.write_text(table.markdown() if out.suffix == ".md" else table.mermaid(), encoding="utf-8")
    else:
        raise TakeadError(f"--out '{out}': unknown ending '{out.suffix}', expected .md, .mmd, .svg, .png or .pdf")
    stdout.print(f"wrote {out}")


def draw(out: Path) -> None:
    """Write the state diagram to ``out``: nodes, and one arrow for each pair of states with its first condition."""
    try:
        import matplotlib
    except ImportError as error:
        raise TakeadError("a picture needs matplotlib: pip install 'takead_ros[sim]'") from error
    matplotlib.use("Agg")
    from matplotlib import pyplot
    from matplotlib.patches import FancyArrowPatch

    matplotlib.rcParams["svg.hashsalt"] = "takead"
    figure, axes = pyplot.subplots(figsize=(12.5, 7.0))
    for number, ((origin, to), conditions) in enumerate(table.edges().items(), start=1):
        if origin == table.ANY:
            continue
        (x0, y0), (x1, y1) = PLACES[origin], PLACES[to]
        axes.add_patch(
            FancyArrowPatch(
                (x0, y0), (x1, y1), connectionstyle="arc3,rad=0.14", arrowstyle="-|>", mutation_scale=13,
                shrinkA=34, shrinkB=34, color="#555555", linewidth=1.1,
            )
        )  # fmt: skip
        side = math.hypot(x1 - x0, y1 - y0)
        bend = 0.09 * side
        x = 0.5 * (x0 + x1) + bend * (y1 - y0) / side
        y = 0.5 * (y0 + y1) - bend * (x1 - x0) / side
        axes.text(
            x, y, str(number), ha="center", va="center", fontsize=8, color="#b04000",
            bbox={"boxstyle": "round,pad=0.15", "facecolor": "white", "edgecolor": "none"},
        )  # fmt: skip
        axes.text(9.4, 4.6 - 0.36 * number, f"{number}  {origin} to {to}: {'; or '.join(conditions)}", fontsize=6.6)
    colors = {"MRM": "#f4c7c3", "STOPPED": "#f4c7c3", "HUMAN": "#cfe2f3", "EXPERT": "#d9ead3", "POLICY": "#fff2cc"}
    for name, (x, y) in PLACES.items():
        axes.text(
            x, y, name, ha="center", va="center", fontsize=9.5, fontweight="bold",
            bbox={"boxstyle": "round,pad=0.55", "facecolor": colors.get(name, "#eeeeee"), "edgecolor": "#333333"},
        )  # fmt: skip
    axes.text(-0.8, 4.6, "from any state: disengage is asked for, to DISENGAGED", fontsize=8)
    axes.set_xlim(-0.9, 14.6)
    axes.set_ylim(-4.2, 4.9)
    axes.axis("off")
    assert set(PLACES) == {mode.name for mode in ArbiterMode}
    figure.savefig(out, bbox_inches="tight", metadata={"Date": None} if out.suffix == ".svg" else None, dpi=150)
    pyplot.close(figure)
