"""The one entry point, ``takead``. Verbs load lazily, so that ``takead --help`` is quick and needs no extra."""

from __future__ import annotations

import errno
import importlib
import importlib.util
import sys
from dataclasses import dataclass

import typer

from takead_ros import __version__
from takead_ros.console import error
from takead_ros.domain.errors import TakeadError

_UNWRITABLE = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM)


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
        "scenarios", "takead_ros.cli.scenarios", "app", "List scenario families and suites; show one scenario.", "Drive"
    ),
    Verb("joystick", "takead_ros.cli.joystick", "app", "Look at a joystick and try its mapping.", "Drive"),
    Verb(
        "takeover", "takead_ros.cli.takeover", "app", "The arbiter's states and transitions, as implemented.", "Drive"
    ),
    Verb("clips", "takead_ros.cli.clips", "app", "List, show, verify, repair and play takeover clips.", "Data"),
    Verb("replay", "takead_ros.cli.replay", "app", "Feed a clip to a node again and compare what it says.", "Data"),
    Verb("train", "takead_training.cli", "train", "Behaviour cloning and takeover rounds.", "Learn", True),
    Verb(
        "export", "takead_training.cli", "export", "Checkpoint to ONNX, with parity check and manifest.", "Learn", True
    ),
    Verb("model", "takead_ros.cli.model", "app", "Show or verify an ONNX policy and its manifest.", "Learn"),
    Verb("runs", "takead_ros.cli.runs", "app", "List the runs below a folder; show one.", "Learn"),
    Verb("report", "takead_ros.cli.report", "app", "Write the HTML report of a run.", "Learn"),
)

app = typer.Typer(
    name="takead",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    add_completion=False,
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
) -> None:
    pass


def _call(verb: Verb, arguments: list[str]) -> None:
    """Load the verb's module and hand it the remaining arguments."""
    if verb.needs_torch and importlib.util.find_spec("torch") is None:
        raise TakeadError(
            f"'takead {verb.name}' needs PyTorch, which is not installed in {sys.prefix}; "
            "get it with: pip install torch==2.13.0 --index-url https://download.pytorch.org/whl/cpu "
            "&& pip install 'takead_ros[training]'"
        )
    application: typer.Typer = getattr(importlib.import_module(verb.module), verb.attribute)
    application(arguments, prog_name=f"takead {verb.name}")


def _mount(verb: Verb) -> None:
    @app.command(
        verb.name,
        help=verb.help,
        rich_help_panel=verb.panel,
        add_help_option=False,
        context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "allow_interspersed_args": False},
    )
    def _delegate(context: typer.Context) -> None:
        _call(verb, context.args)


for _verb in VERBS:
    _mount(_verb)


def main() -> None:
    """Run ``takead``; bad input and unwritable outputs end with one line on stderr and exit code 2."""
    try:
        app(prog_name="takead")
    except TakeadError as problem:
        error(str(problem))
    except OSError as problem:
        if problem.errno not in _UNWRITABLE:
            raise
        error(f"{problem.filename or 'output'}: {problem.strerror}; expected a writable place with space left")
    sys.exit(2)


if __name__ == "__main__":
    main()
