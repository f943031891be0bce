"""package.xml, by which rosdep and bloom know the package, says what the code imports."""

from __future__ import annotations

import ast
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

import takead_ros

ROOT = Path(__file__).parents[1]
MANIFEST = ElementTree.parse(ROOT / "package.xml").getroot()
DECLARED = {str(one.text) for one in MANIFEST if one.tag in ("depend", "exec_depend")}
TESTED = DECLARED | {str(one.text) for one in MANIFEST if one.tag == "test_depend"}
ROS = re.compile(r"(rclpy|launch|launch_ros|launch_testing|ament_\w+|\w+_msgs|sros2|rosbag2_\w+|rcl_interfaces)")
MESSAGE = re.compile(r"\"(\w+_msgs|\w+_interfaces)/(?:msg|srv)/")
# A vehicle's own message packages: its side names the one that is missing, and nobody else needs it.
OF_A_VEHICLE = {"ackermann_msgs", "carla_msgs", "derived_object_msgs", "nav_msgs"}
# The bridge's tests say what they need, and are skipped without it.
OF_THE_BRIDGE = {"carla_msgs", "derived_object_msgs"}


def used(folder: str, named: bool = True) -> set[str]:
    """ROS packages that files of ``folder`` import; ``named``: and whose messages they name."""
    found: set[str] = set()
    for path in (ROOT / folder).rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        found |= set(MESSAGE.findall(text)) if named else set()
        for node in ast.walk(ast.parse(text)):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [one.name for one in node.names] if isinstance(node, ast.Import) else []
            found |= {name.split(".")[0] for name in names if ROS.fullmatch(name.split(".")[0])}
    return found


@pytest.mark.parametrize("folder", ["takead_ros", "launch"])
def test_what_is_imported_is_declared(folder: str) -> None:
    assert {"rclpy"} <= used("takead_ros") and used(folder) - OF_A_VEHICLE <= DECLARED


def test_what_the_tests_import_is_declared() -> None:
    assert used("test/ros", named=False) - OF_THE_BRIDGE <= TESTED


def test_it_is_of_this_version_and_has_a_changelog_for_bloom() -> None:
    assert MANIFEST.findtext("version") == takead_ros.__version__
    license_ = MANIFEST.find("license")
    assert license_ is not None and (ROOT / license_.attrib["file"]).is_file()
    assert (ROOT / "CHANGELOG.rst").read_text(encoding="utf-8").splitlines()[1] == "Changelog for package takead_ros"
