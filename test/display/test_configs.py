"""The configurations of RViz and Foxglove open on what we publish, as we publish it, and an installation has them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from takead_ros.display.shapes import FRAME
from takead_ros.domain.driving import ArbiterMode, Source, Trigger
from takead_ros.messages import interfaces, store
from takead_ros.pictures.foxglove.live import STREAMED
from takead_ros.pictures.foxglove.scene_update import TOPIC
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


def layout() -> Any:
    return json.loads(resource("config/foxglove_layout.json").read_text(encoding="utf-8"))


def message_paths(config: Any) -> Iterator[str]:
    """Every topic, with or without fields behind it, that a panel's configuration names."""
    if isinstance(config, dict):
        for key, value in config.items():
            if key in ("value", "topicPath", "topicToRender") and value.startswith("/"):
                yield value
            yield from (list(value) if key == "topics" else message_paths(value))
    elif isinstance(config, list):
        for value in config:
            yield from message_paths(value)


@pytest.mark.parametrize("path", sorted(set(message_paths(layout()["configById"]))))
def test_every_path_in_the_layout_is_a_field_of_what_we_publish(path: str) -> None:
    """By the nodes under ROS; the same and the scene by ``--live``."""
    name, *fields = path.split(".")
    if name == f"/takead/{TOPIC}":
        assert not fields
        return
    interface = PUBLISHED[name]
    assert interface in STREAMED or interface is interfaces.DISPLAY
    kind = interface.type
    for field in fields:
        found = dict(store.typestore().fielddefs[kind][1])
        assert field in found, f"{kind} has no {field}"
        detail: Any = found[field][1]
        kind = detail[0] if isinstance(detail, tuple) else detail


def test_the_layout_shows_scene_and_markers_behind_the_vehicle() -> None:
    panel = layout()["configById"]["3D!drive"]
    assert (
        panel["topics"] == {f"/takead/{name}": {"visible": True} for name in (interfaces.DISPLAY.name, TOPIC)}
        and panel["followTf"] == FRAME
    )


def test_the_layout_names_states_as_we_do() -> None:
    known = {"state": ArbiterMode, "lateral_source": Source, "trigger": Trigger}
    for path in layout()["configById"]["StateTransitions!mode"]["paths"]:
        states = path.get("customStates", {}).get("states", ())
        enum = known.get(path["value"].rsplit(".", 1)[1], ())
        assert {state["value"]: state["label"] for state in states} == {str(int(one)): one.name for one in enum}


def test_every_panel_is_placed_once() -> None:
    def places(node: Any) -> list[str]:
        return [node] if isinstance(node, str) else [*places(node["first"]), *places(node["second"])]

    found = layout()
    assert sorted(places(found["layout"])) == sorted(found["configById"])


MODELS = {
    "3D": "ThreeDeeConfig",
    "RawMessages": "RawMessagesConfig",
    "StateTransitions": "StateTransitionsConfig",
    "Plot": "PlotConfig",
    "DiagnosticSummary": "DiagnosticsSummaryConfig",
}


def test_every_setting_of_a_panel_is_one_that_foxglove_knows() -> None:
    """By the models of panels in its SDK; a title beside them is how files have it."""
    layouts = pytest.importorskip("foxglove.layouts", reason="the foxglove extra is not installed")

    def known(model: Any, config: dict[str, Any], where: str) -> None:
        keys = set(model()._to_dict())
        assert set(config) - {"foxglovePanelTitle"} <= keys, (where, set(config) - keys)

    for name, config in layout()["configById"].items():
        kind = re.split("!", name)[0]
        known(getattr(layouts, MODELS[kind]), config, name)
        for path in config.get("paths", ()):
            series = {"Plot": layouts.PlotSeries, "StateTransitions": layouts.StateTransitionsSeries}[kind]
            known(lambda series=series: series(value=""), path, name)
    panel = layout()["configById"]["3D!drive"]
    known(layouts.ThreeDeeCameraState, panel["cameraState"], "cameraState")
    known(layouts.BaseRendererSceneSettings, panel["scene"], "scene")
    known(layouts.BaseRendererGridLayerSettings, panel["layers"]["grid"], "grid")
