"""The verbs of ``takead``, each loaded when it is called, so that ``takead --help`` is quick and needs no extra."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperGroup

from takead_ros import __version__
from takead_ros.cli.ending import BAD_INPUT, Ended
from takead_ros.cli.help import print_help
from takead_ros.cli.lazy import LOG_FILE, QUIET, VERBOSE, Call, Verb, mount
from takead_ros.domain.errors import TakeadError

VERBS = (
    Verb("demo", "takead_ros.cli.demo", "The whole loop once, small: drive, take over, learn, compare.", "Start"),
    Verb("doctor", "takead_ros.cli.doctor", "What is installed, what really works, what is missing.", "Start"),
    Verb("drive", "takead_ros.cli.drive", "Drive in closed loop with takeovers; record each as a clip.", "Drive"),
    Verb("eval", "takead_ros.cli.evaluate", "Score a model, or the expert, on seeds.", "Drive"),
    Verb("compare", "takead_ros.cli.compare", "Two evaluations, episode by episode.", "Drive"),
    Verb(
        "carla-server",
        "takead_ros.cli.carla_server",
        "Serve CARLA's own protocol on a CPU, to the unmodified client.",
        "Drive",
    ),
    Verb("vehicle", "takead_ros.cli.vehicle", "Identify the pedals and the steering of a vehicle.", "Drive"),
    Verb("scenarios", "takead_ros.cli.scenarios", "List scenario families and suites; show one scenario.", "Drive"),
    Verb("joystick", "takead_ros.cli.joystick", "Look at a joystick and try its mapping.", "Drive"),
    Verb("takeover", "takead_ros.cli.takeover", "The arbiter's states and transitions, as implemented.", "Drive"),
    Verb("clips", "takead_ros.cli.clips", "List, show, verify, repair and play takeover clips.", "Data"),
    Verb("replay", "takead_ros.cli.replay", "Feed a clip to a node again and compare what it says.", "Data"),
    Verb("dream", "takead_ros.cli.dream", "Act again in the world that a takeover clip holds.", "Data"),
    Verb("train", "takead_training.cli", "Behaviour cloning and takeover rounds.", "Learn", True),
    Verb(
        "export",
        "takead_training.commands.export",
        "Checkpoint to ONNX, with parity check and manifest.",
        "Learn",
        True,
    ),
    Verb("model", "takead_ros.cli.model", "Show, verify or bundle an ONNX policy.", "Learn"),
    Verb("runs", "takead_ros.cli.runs", "List the runs below a folder; show one.", "Learn"),
    Verb("report", "takead_ros.cli.report", "Write the HTML report of a run.", "Learn"),
)


class _Root(TyperGroup):
    """Lets the exceptions through that the library would take for its own."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        print_help(self, ctx)

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except (KeyboardInterrupt, EOFError, OSError) as problem:
            raise Ended from problem


app = typer.Typer(
    name="takead",
    cls=_Root,
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    help="Turn every takeover into a better driving policy.\n\n"
    "drive (ONNX policy) -> be taken over -> record both sides -> learn -> export and gate -> redeploy",
    epilog="Start here: [bold]takead doctor[/bold], then [bold]takead demo[/bold]. "
    "Every verb has examples: [bold]takead VERB --help[/bold].",
)


def _version(value: bool) -> None:
    if value:
        typer.echo(f"takead_ros {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Print the version."),
    quiet: bool = QUIET,
    verbose: bool = VERBOSE,
    log_file: Path | None = LOG_FILE,
) -> None:
    pass


for _verb in VERBS:
    mount(app, _verb)


def run(arguments: Sequence[str], begins: Callable[[], None]) -> int:
    """Run ``takead``; the exit code. ``begins`` is called when everything is imported and the verb's work begins."""
    command = typer.main.get_command(app)
    try:
        code = command.main(
            args=list(arguments), prog_name="takead", obj=Call(tuple(arguments), begins), standalone_mode=False
        )
    except SystemExit as end:  # of shell completion
        code = end.code
    except Exception as problem:
        if not hasattr(problem, "format_message"):
            raise
        words = " ".join(problem.format_message().split())
        if not words:  # the help of a group of verbs was all there was to say
            return BAD_INPUT
        raise TakeadError(f"{words.removesuffix('.')}{_see(problem)}") from problem
    return code if isinstance(code, int) else 0


def _see(problem: Any) -> str:
    """Where more is to be read about words that were typed wrongly."""
    context = getattr(problem, "ctx", None)
    return "" if context is None else f" (see {context.command_path} --help)"
