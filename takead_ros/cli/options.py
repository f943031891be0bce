"""Options that several verbs have."""

from __future__ import annotations

import typer

from takead_ros.scenarios.suites import NONE
from takead_ros.simulators.perception import perception_names

PERCEPTION = typer.Option(
    None,
    help=f"Perception: {NONE}, {', '.join(perception_names())} or a YAML file; by default as the suite says.",
)
