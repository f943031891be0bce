"""The verbs of ``takead``, each loaded when it is called, so that ``takead --help`` is quick and needs no extra."""

from __future__ import annotations

import importlib
import importlib.util
import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from takead_ros import __version__
from takead_ros.cli.ending import BAD_INPUT, Ended, opening
from takead_ros.cli.help import print_help
from takead_ros.console import be_quiet, be_verbose, log, log_to
from takead_ros.domain.errors import TakeadError


@dataclass(frozen=True)
class Verb:
    """Where a verb's typer application is (``module``, ``attribute``) and what it is for."""

    name: str
    module: str
    attribute: str
    help: str
    panel: str
    needs_torch: bool = False


VERBS = (
    Verb(
        "demo", "takead_ros.cli.demo", "app", "The whole loop once, small: drive, take over, learn, compare.", "Start"
    ),
    Verb("doctor", "takead_ros.cli.doctor", "app", "What is installed, what really works, what is missing.", "Start"),
    Verb(
        "drive", "takead_ros.cli.drive", "app", "Drive in closed loop with takeovers; record each as a clip.", "Drive"
    ),
    Verb("eval", "takead_ros.cli.evaluate", "app", "Score a model, or the expert, on seeds.", "Drive"),
    Verb("compare", "takead_ros.cli.compare", "app", "Two evaluations, episode by episode.", "Drive"),
    Verb(
        "carla-server",
        "takead_ros.cli.carla_server",
        "app",
        "Serve CARLA's own protocol on a CPU, to the unmodified client.",
        "Drive",
    ),
    Verb("vehicle", "takead_ros.cli.vehicle", "app", "Identify the pedals and the steering of a vehicle.", "Drive"),
    Verb(
        "scenarios", "takead_ros.cli.scenarios", "app", "List scenario families and suites; show one scenario.", "Drive"
    ),
    Verb("joystick", "takead_ros.cli.joystick", "app", "Look at a joystick and try its mapping.", "Drive"),
    Verb(
        "takeover", "takead_ros.cli.takeover", "app", "The arbiter's states and transitions, as implemented.", "Drive"
    ),
    Verb("clips", "takead_ros.cli.clips", "app", "List, show, verify, repair and play takeover clips.", "Data"),
    Verb("replay", "takead_ros.cli.replay", "app", "Feed a clip to a node again and compare what it says.", "Data"),
    Verb("dream", "takead_ros.cli.dream", "app", "Act again in the world that a takeover clip holds.", "Data"),
    Verb("train", "takead_training.cli", "train", "Behaviour cloning and takeover rounds.", "Learn", True),
    Verb(
        "export", "takead_training.cli", "export", "Checkpoint to ONNX, with parity check and manifest.", "Learn", True
    ),
    Verb("model", "takead_ros.cli.model", "app", "Show, verify or bundle an ONNX policy.", "Learn"),
    Verb("runs", "takead_ros.cli.runs", "app", "List the runs below a folder; show one.", "Learn"),
    Verb("report", "takead_ros.cli.report", "app", "Write the HTML report of a run.", "Learn"),
)


@dataclass(frozen=True)
class _Call:
    """What was typed, and whom to tell when the verb is imported and its work begins."""

    arguments: tuple[str, ...]
    begins: Callable[[], None]


def _flag(act: Callable[[], None]) -> Callable[[bool], None]:
    return lambda value: act() if value else None


def _log_to(ctx: typer.Context, value: Path | None) -> None:
    if value is not None and not ctx.resilient_parsing:
        log_to(value)
        log(opening(ctx.find_root().obj.arguments))


_PANEL = "What is told"
QUIET = typer.Option(
    False,
    "--quiet",
    "-q",
    callback=_flag(be_quiet),
    is_eager=True,
    expose_value=False,
    rich_help_panel=_PANEL,
    help="Only results and errors.",
)
VERBOSE = typer.Option(
    False,
    "--verbose",
    "-v",
    callback=_flag(be_verbose),
    is_eager=True,
    expose_value=False,
    rich_help_panel=_PANEL,
    help="Also what goes on inside.",
)
LOG_FILE = typer.Option(
    None,
    "--log-file",
    callback=_log_to,
    is_eager=True,
    expose_value=False,
    rich_help_panel=_PANEL,
    help="Append everything to this file too, with the time, and tracebacks.",
)


def _everywhere() -> Any:
    """The options that every verb has, as the library's own objects."""

    def told(quiet: bool = QUIET, verbose: bool = VERBOSE, log_file: Path | None = LOG_FILE) -> None: ...

    made = typer.Typer(add_completion=False)
    made.command()(told)
    return [option for option in typer.main.get_command(made).params if option.name != "help"]


def _finite(also: Any, ctx: Any, param: Any, value: Any) -> Any:
    """Refuses a number that is not finite, which every range would let through (``nan < 0.0`` is False)."""
    for number in value if isinstance(value, (list, tuple)) else (value,):
        if isinstance(number, float) and not math.isfinite(number):
            raise typer.BadParameter(f"{number} is not a finite number.", ctx=ctx, param=param)
    return also(ctx, param, value) if also else value


class _Loaded(TyperCommand):
    """Stands for a verb in the overview; becomes the verb itself when that is called."""

    def make_context(self, info_name: Any, args: list[str], parent: Any = None, **extra: Any) -> Any:
        verb = next(verb for verb in VERBS if verb.name == self.name)
        if verb.needs_torch and importlib.util.find_spec("torch") is None:
            raise TakeadError(
                f"'takead {verb.name}' needs PyTorch, which is not installed in {sys.prefix}; "
                "get it with: pip install torch==2.13.0 --index-url https://download.pytorch.org/whl/cpu "
                "&& pip install 'takead_ros[training]'"
            )
        command = typer.main.get_command(getattr(importlib.import_module(verb.module), verb.attribute))
        for part in (command, *getattr(command, "commands", {}).values()):
            part.format_help = partial(print_help, part)
            part.params.extend(_everywhere())
        for leaf in _leaves(command):
            for option in leaf.params:
                option.callback = partial(_finite, option.callback)
        if parent is not None and parent.obj is not None:
            parent.obj.begins()
        return command.make_context(info_name, args, parent=parent, **extra)


class _Root(TyperGroup):
    """Lets the exceptions through that the library would take for its own."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        print_help(self, ctx)

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except (KeyboardInterrupt, EOFError, OSError) as problem:
            raise Ended from problem


def _leaves(command: Any) -> list[Any]:
    return (
        [leaf for one in command.commands.values() for leaf in _leaves(one)]
        if hasattr(command, "commands")
        else [command]
    )


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


def _mount(verb: Verb) -> None:
    @app.command(verb.name, cls=_Loaded, help=verb.help, rich_help_panel=verb.panel)
    def _placeholder() -> None: ...


for _verb in VERBS:
    _mount(_verb)


def run(arguments: Sequence[str], begins: Callable[[], None]) -> int:
    """Run ``takead``; the exit code. ``begins`` is called when everything is imported and the verb's work begins."""
    command = typer.main.get_command(app)
    try:
        code = command.main(
            args=list(arguments), prog_name="takead", obj=_Call(tuple(arguments), begins), standalone_mode=False
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
