"""The commands of ``takead train``, each loaded when it is called, and torch when its work begins.

Mounted by takead_ros.cli.verbs, only where torch is installed.
"""

from __future__ import annotations

import typer

from takead_ros.cli.lazy import Verb, mount

VERBS = (
    Verb("bc", "takead_training.commands.bc", "Clone an expert's demonstrations: a first policy from nothing."),
    Verb(
        "round",
        "takead_training.commands.round",
        "One round from takeovers: its stages one after the other, then export with its gate.",
    ),
    Verb(
        "collect",
        "takead_training.commands.collect",
        "Drive in the vector world with the expert ready to take over, and keep what its takeovers teach.",
    ),
    Verb(
        "rounds",
        "takead_ros.cli.rounds",
        "Drive, be taken over, train, gate, again: a new model is promoted only where it beats its parent.",
    ),
    Verb(
        "final",
        "takead_ros.cli.final",
        "The first model of a loop against the deployed one on held-out seeds (then: takead report FOLDER).",
    ),
    Verb(
        "predictability",
        "takead_training.commands.predictability",
        "Measure how well labels can be predicted from their own inputs, worst family first.",
    ),
    Verb(
        "agents",
        "takead_training.commands.agents",
        "Learn how road users move, from clips: a small prediction model that is told what the ego plans.",
    ),
)

app = typer.Typer(
    no_args_is_help=True, rich_markup_mode="rich", add_completion=False, help="Train policies from recorded driving."
)
for _verb in VERBS:
    mount(app, _verb)
