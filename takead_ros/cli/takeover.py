"""``takead takeover``: the arbiter's states and transitions, as implemented."""

from __future__ import annotations

import math
from contextlib import nullcontext
from pathlib import Path

import typer

from takead_ros.console import note, on_terminal, say, show_table, stdout
from takead_ros.console import table as made_table
from takead_ros.domain.driving import ArbiterMode
from takead_ros.domain.errors import TakeadError
from takead_ros.files import new_output, replacing, write_atomically
from takead_ros.resources import resource
from takead_ros.takeover import table

app = typer.Typer(
    name="takeover",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    add_completion=False,
    help="The arbiter's states and transitions, as implemented.",
)

PLACES = {  # where each state stands in the picture
    "DISENGAGED": (0.0, 2.0),
    "POLICY": (2.8, 2.2),
    "EXPERT": (5.4, 4.2),
    "HUMAN": (5.2, 1.0),
    "HANDBACK": (8.2, 2.4),
    "MRM": (7.6, -2.6),
    "STOPPED": (2.0, -2.6),
    "ARRIVING": (4.6, -0.9),
}


@app.callback()
def _group() -> None:
    pass


def checkout() -> Path:
    """The folder of the source that this package is run from. Raises TakeadError where it is an installed copy."""
    root = resource("takead_ros").resolve().parent
    if not (root / "docs" / "takeover.md").is_file():
        raise TakeadError(f"--write: {root} is no checkout of takead_ros (docs/takeover.md is not there)")
    return root


@app.command("table", epilog="Example: [bold]takead takeover table[/bold]")
def print_table(
    write: bool = typer.Option(False, "--write", help="Renew what is printed in docs/ and docstrings (a checkout)."),
) -> None:
    """Print the arbiter's transition table, from the rows that run; as Markdown where no terminal is there."""
    if not write and on_terminal():
        show_table(made_table(*table.HEADER, rows=table.all_cells(), wrap=table.HEADER[1]))
        return
    if not write:
        stdout.print(table.markdown(), end="", markup=False, soft_wrap=True)
        return
    for name in table.PLACES:
        path = checkout() / name
        text = path.read_text("utf-8")
        new = table.renewed(text, table.printed_pieces(), name)
        if new != text:
            write_atomically(path, new)
        say(f"{name}: {'renewed' if new != text else 'up to date'}")


@app.command(epilog="Example: [bold]takead takeover diagram --out takeover.svg[/bold]")
def diagram(
    out: Path | None = typer.Option(None, "--out", help="New file: .mmd, .svg, .png or .pdf."),
    write: bool = typer.Option(False, "--write", help=f"Renew {table.PICTURE} (a checkout)."),
) -> None:
    """Draw the arbiter's transition table: as Mermaid text, or as a picture with --out."""
    out = checkout() / table.PICTURE if write else out
    if out is None:
        stdout.print(table.mermaid(), end="", markup=False, soft_wrap=True)
        return
    if out.suffix not in (".mmd", ".svg", ".png", ".pdf"):
        raise TakeadError(f"--out '{out}': unknown ending '{out.suffix}', expected .mmd, .svg, .png or .pdf")
    with nullcontext() if write else new_output(out), replacing(out) as partial:
        if out.suffix == ".mmd":
            partial.write_text(table.mermaid(), encoding="utf-8")
        else:
            draw_states(partial)
    note(f"written: {out}")


def draw_states(out: Path) -> None:
    """Write the state diagram to ``out``: nodes, and one arrow for each pair of states with its first condition."""
    try:
        import matplotlib
    except ImportError as error:
        raise TakeadError("a picture needs matplotlib: pip install 'takead_ros[sim]'") from error
    matplotlib.use("Agg")
    from matplotlib import pyplot
    from matplotlib.patches import FancyArrowPatch

    matplotlib.rcParams["svg.hashsalt"] = "takead"
    matplotlib.rcParams["svg.fonttype"] = "none"  # text stays text: it can be searched and compared
    figure, axes = pyplot.subplots(figsize=(13.5, 7.0))
    for number, ((origin, to), conditions) in enumerate(table.edges().items(), start=1):
        (x0, y0), (x1, y1) = PLACES[origin.name], PLACES[to.name]
        axes.add_patch(
            FancyArrowPatch(
                (x0, y0),
                (x1, y1),
                connectionstyle="arc3,rad=0.14",
                arrowstyle="-|>",
                mutation_scale=13,
                shrinkA=34,
                shrinkB=34,
                color="#555555",
                linewidth=1.1,
            )
        )
        side = math.hypot(x1 - x0, y1 - y0)
        bend = 0.09 * side
        x = 0.5 * (x0 + x1) + bend * (y1 - y0) / side
        y = 0.5 * (y0 + y1) - bend * (x1 - x0) / side
        axes.text(
            x,
            y,
            str(number),
            ha="center",
            va="center",
            fontsize=8,
            color="#b04000",
            bbox={"boxstyle": "round,pad=0.15", "facecolor": "white", "edgecolor": "none"},
        )
        axes.text(
            9.4, 4.9 - 0.31 * number, f"{number}  {origin.name} to {to.name}: {'; '.join(conditions)}", fontsize=6
        )
    colors = {"MRM": "#f4c7c3", "STOPPED": "#f4c7c3", "HUMAN": "#cfe2f3", "EXPERT": "#d9ead3", "POLICY": "#fff2cc"}
    for name, (x, y) in PLACES.items():
        axes.text(
            x,
            y,
            name,
            ha="center",
            va="center",
            fontsize=9.5,
            fontweight="bold",
            bbox={"boxstyle": "round,pad=0.55", "facecolor": colors.get(name, "#eeeeee"), "edgecolor": "#333333"},
        )
    axes.text(-0.8, 4.6, "; ".join(table.from_any()), fontsize=8)
    axes.set_xlim(-0.9, 16.5)
    axes.set_ylim(-4.2, 4.9)
    axes.axis("off")
    assert set(PLACES) == {mode.name for mode in ArbiterMode}
    figure.savefig(out, bbox_inches="tight", metadata={"Date": None} if out.suffix == ".svg" else None, dpi=150)
    pyplot.close(figure)
