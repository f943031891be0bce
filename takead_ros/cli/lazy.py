"""Verbs that are loaded when they are called, so that help is quick and a verb needs no extra of another."""

from __future__ import annotations

import importlib
import importlib.util
import math
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperCommand

from takead_ros.cli.ending import opening
from takead_ros.cli.help import print_help
from takead_ros.console import be_quiet, be_verbose, log, log_to
from takead_ros.domain.errors import TakeadError


@dataclass(frozen=True)
class Verb:
    """A verb, or a command of one: the module whose ``app`` it is, and what it is for."""

    name: str
    module: str
    help: str
    panel: str | None = None
    needs_torch: bool = False

    def load(self) -> Any:
        """The library's own object, with the options that every verb has. Raises TakeadError where torch is missing."""
        if self.needs_torch and importlib.util.find_spec("torch") is None:
            raise TakeadError(
                f"'takead {self.name}' needs PyTorch, which is not installed in {sys.prefix}; "
                "get it with: pip install torch==2.13.0 --index-url https://download.pytorch.org/whl/cpu "
                "&& pip install 'takead_ros[training]'"
            )
        command = typer.main.get_command(importlib.import_module(self.module).app)
        for part in (command, *parts(command).values()):
            part.format_help = partial(print_help, part)
            part.params.extend(_everywhere())
        for leaf in _leaves(command):
            for option in leaf.params:
                option.callback = partial(_finite, option.callback)
        return command


def parts(command: Any) -> dict[str, Any]:
    """The commands of a verb that has such, by name."""
    found: dict[str, Any] = getattr(command, "commands", {})
    return found


@dataclass(frozen=True)
class Call:
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

    def output_options(quiet: bool = QUIET, verbose: bool = VERBOSE, log_file: Path | None = LOG_FILE) -> None: ...

    made = typer.Typer(add_completion=False)
    made.command()(output_options)
    return [option for option in typer.main.get_command(made).params if option.name != "help"]


def _finite(also: Any, ctx: Any, param: Any, value: Any) -> Any:
    """Refuses a number that is not finite, which every range would let through (``nan < 0.0`` is False)."""
    for number in value if isinstance(value, (list, tuple)) else (value,):
        if isinstance(number, float) and not math.isfinite(number):
            raise typer.BadParameter(f"{number} is not a finite number.", ctx=ctx, param=param)
    return also(ctx, param, value) if also else value


class StandIn(TyperCommand):
    """Stands for a verb in the overview; becomes the verb itself when that is called."""

    verb: Verb

    def make_context(self, info_name: Any, args: list[str], parent: Any = None, **extra: Any) -> Any:
        command = self.verb.load()
        whole = not any(isinstance(part, StandIn) for part in parts(command).values())
        if whole and parent is not None and parent.obj is not None:
            parent.obj.begins()
        return command.make_context(info_name, args, parent=parent, **extra)


def _leaves(command: Any) -> list[Any]:
    return (
        [leaf for one in command.commands.values() for leaf in _leaves(one)]
        if hasattr(command, "commands")
        else [command]
    )


def mount(group: typer.Typer, verb: Verb) -> None:
    """Put a verb into a group."""

    @group.command(
        verb.name, cls=type(verb.name, (StandIn,), {"verb": verb}), help=verb.help, rich_help_panel=verb.panel
    )
    def _placeholder() -> None: ...
