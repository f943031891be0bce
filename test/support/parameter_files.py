"""What a ROS parameter file gives to a node, for tests of both hosts' configuration."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from takead_ros.host.parameters import parse_sections, section_matches


def given(path: Path, node: str) -> dict[str, Any]:
    """What a file gives to ``node``, later sections winning, as in rcl."""
    values: dict[str, Any] = {}
    for section, content in parse_sections(path.read_bytes(), str(path)):
        if section_matches(section, node):
            values |= content
    return values
