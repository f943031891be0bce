"""The RViz configuration opens on what our node publishes, as it publishes it, and an installation has it."""

from __future__ import annotations

from typing import Any

import yaml

from takead_ros.display.shapes import FRAME
from takead_ros.messages import interfaces
from takead_ros.resources import resource

RVIZ_TYPES = {"rviz_default_plugins/MarkerArray": "visualization_msgs/msg/MarkerArray"}
PUBLISHED = {one.full_name("/takead"): one for one in interfaces.TOPICS}


def rviz() -> Any:
    return yaml.safe_load(resource("config/takead.rviz").read_text(encoding="utf-8"))["Visualization Manager"]


def test_every_topic_in_rviz_is_ours_with_its_type_and_qos() -> None:
    shown = [display for display in rviz()["Displays"] if "Topic" in display]
    assert shown
    for display in shown:
        topic = display["Topic"]
        ours = PUBLISHED[topic["Value"]]
        assert ours.type == RVIZ_TYPES[display["Class"]] and display["Enabled"] and display["Value"]
        assert topic["Reliability Policy"] == ("Reliable" if ours.qos.reliable else "Best Effort")
        assert topic["Durability Policy"] == ("Transient Local" if ours.qos.latched else "Volatile")


def test_rviz_looks_at_the_frame_that_the_markers_are_in() -> None:
    found = rviz()
    assert found["Global Options"]["Fixed Frame"] == FRAME
    views = [found["Views"]["Current"], *found["Views"]["Saved"]]
    assert all(view["Target Frame"] == "<Fixed Frame>" for view in views)
