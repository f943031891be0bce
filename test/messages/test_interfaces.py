"""The one table of interfaces: what is printed from it is current, and recorded topics are told apart."""

from __future__ import annotations

import pytest

from takead_ros.messages import codec, interfaces, types
from takead_ros.nodes import reference


def test_the_printed_tables_are_current() -> None:
    """Else: python -m takead_ros.nodes.reference"""
    for path, text in reference.printed().items():
        assert path.read_text(encoding="utf-8") == text, f"{path} is old; run: python -m takead_ros.nodes.reference"


def test_every_topic_and_service_is_printed() -> None:
    page = "".join(reference.printed().values())
    assert all(f"| `{one.name}` |" in page for one in (*interfaces.TOPICS, *interfaces.SERVICES))


@pytest.mark.parametrize("one", [*interfaces.TOPICS, interfaces.CLIP_LABEL], ids=lambda one: one.name)
def test_a_recorded_topic_is_known_in_any_namespace(one: interfaces.Interface) -> None:
    assert codec.type_name(one.message) == one.type
    for namespace in ("/takead", "/", "/fleet/car_7"):
        assert interfaces.find_interface(one.full_name(namespace), one.type) is one
    assert interfaces.find_interface(one.full_name("/takead"), "geometry_msgs/msg/Pose") is None
    assert interfaces.find_interface(f"/takead/x{one.name.lstrip('/')}", one.type) is not one


def test_a_persons_command_is_not_the_arbiters() -> None:
    assert interfaces.find_interface("/takead/human/command", "takead_ros/msg/DriveCommand") is interfaces.HUMAN_COMMAND
    assert not interfaces.COMMAND.matches("/takead/human/command", "takead_ros/msg/DriveCommand")


def test_every_service_is_there() -> None:
    assert {codec.type_name(one.service) for one in interfaces.SERVICES} == {
        f"takead_ros/srv/{name}" for name in ("Engage", "Disengage", "Bookmark", "LoadModel")
    }
    assert types.Episode(seed=-1).seed == -1
