"""ROS parameter files, read for the lockstep host with rcl's rules."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from support.parameter_files import given
from takead_ros.domain.errors import TakeadError
from takead_ros.nodes.configuration import load_configuration

NODE = "/takead/arbiter_node"


def read(folder: Path, text: str, node: str = NODE) -> dict[str, Any]:
    path = folder / "parameters.yaml"
    path.write_text(text)
    return given(path, node)


@pytest.mark.parametrize(
    ("section", "meant"),
    [
        ("/**", True),
        ("/takead/arbiter_node", True),
        ("takead/arbiter_node", True),
        ("/*/arbiter_node", True),
        ("/**/arbiter_node", True),
        ("/takead/*", True),
        ("/takead/**", True),
        ("arbiter_node", False),  # in rcl that is /arbiter_node
        ("/*", False),
        ("/takead/monitor_node", False),
        ("/takead/arbiter", False),
        ("/takead/arbiter.node", False),
        ("/x/takead/arbiter_node", False),
    ],
)
def test_sections_are_full_names_with_wildcards(tmp_path: Path, section: str, meant: bool) -> None:
    values = read(tmp_path, f"{section}:\n  ros__parameters:\n    rate: 20.0\n")
    assert values == ({"rate": 20.0} if meant else {})


def test_later_sections_win_and_nested_names_get_dots(tmp_path: Path) -> None:
    values = read(
        tmp_path,
        """
/**:
  ros__parameters:
    rate: 10.0
    limits: {speed: 15.0, jerk: {up: 2.0}}
takead:
  arbiter_node:
    ros__parameters:
      rate: 20.0
      names: [a, b]
  other_node:
    ros__parameters: {rate: 1.0}
""",
    )
    assert values == {"rate": 20.0, "limits.speed": 15.0, "limits.jerk.up": 2.0, "names": ["a", "b"]}


@pytest.mark.parametrize(
    "text", ["", "just text", "- 1\n- 2", "node: 3", "node:\n", "/**:\n  ros__parameters: 3", "a: [", "\0"]
)
def test_what_is_no_parameter_file_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(TakeadError, match=r"parameters\.yaml"):
        read(tmp_path, text)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(TakeadError, match=r"nowhere\.yaml"):
        load_configuration(tmp_path / "nowhere.yaml")


@pytest.mark.parametrize("text", ["/**:\n  ros__parameters: &a {x: 1}\nb:\n  ros__parameters: *a", "a: &a [*a]"])
def test_aliases_are_refused_as_in_rcl(tmp_path: Path, text: str) -> None:
    """By them a small file can stand for a huge one."""
    with pytest.raises(TakeadError, match="aliases are not accepted"):
        read(tmp_path, text)
