"""What docs/security.md says is so: the access rules fit the nodes, and every test that it names is there."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from takead_ros.host.lockstep import LockstepHost
from takead_ros.nodes.arbiter_node import ArbiterNode
from takead_ros.nodes.display_node import DisplayNode
from takead_ros.nodes.expert_node import ExpertNode
from takead_ros.nodes.joystick_node import JoystickNode
from takead_ros.nodes.monitor_node import MonitorNode
from takead_ros.nodes.policy_node import PolicyNode
from takead_ros.nodes.recorder_node import RecorderNode

ROOT = Path(__file__).parents[1]
POLICIES = ROOT / "config" / "sros2" / "policies.xml"
NODES: dict[str, Any] = {
    kind.NAME: kind
    for kind in (ArbiterNode, MonitorNode, PolicyNode, ExpertNode, JoystickNode, RecorderNode, DisplayNode)
}
# What every rclpy node has by itself.
OF_RCLPY = {
    *(("publish", name) for name in ("/rosout", "/parameter_events")), ("subscribe", "/parameter_events"),
    ("subscribe", "/clock"),
    *(("reply", f"~/{name}") for name in (
        "describe_parameters", "get_parameter_types", "get_parameters", "list_parameters", "set_parameters",
        "set_parameters_atomically",
    )),
}  # fmt: skip
Use = tuple[str, str]


class Watched:
    """A node handle that notes what is made on it."""

    def __init__(self, handle: Any) -> None:
        self.handle = handle
        self.used: set[Use] = set()

    def __getattr__(self, name: str) -> Any:
        known = {
            "create_publisher": "publish", "create_subscription": "subscribe", "create_service": "reply",
            "create_client": "request",
        }  # fmt: skip
        method = getattr(self.handle, name)
        return self._noting(method, known[name]) if name in known else method

    def _noting(self, method: Callable[..., Any], what: str) -> Callable[..., Any]:
        def call(kind: Any, name: str, *more: Any, **options: Any) -> Any:
            self.used.add((what, name.removeprefix("/takead/")))
            return method(kind, name, *more, **options)

        return call


def allowed() -> dict[str, set[Use]]:
    """By node: what its enclave may do."""
    found: dict[str, set[Use]] = {}
    for enclave in ElementTree.parse(POLICIES).iter("enclave"):
        (profile,) = enclave.iter("profile")
        node = profile.attrib["node"]
        assert enclave.attrib["path"] == f"/takead/{node}" and profile.attrib["ns"] == "/takead"
        found[node] = {
            (what, str(entry.text))
            for group in profile
            for what, rule in group.attrib.items()
            for entry in group
            if rule == "ALLOW"
        }
    return found


@pytest.mark.parametrize("name", NODES)
def test_each_node_may_do_what_it_does_and_nothing_else(name: str, tmp_path: Path) -> None:
    host = LockstepHost()
    parameters = {"recorder_node": {"directory": str(tmp_path)}}.get(name, {})
    handle = Watched(host.create_node(name, parameter_overrides=parameters))
    node = NODES[name](handle, host.steady)
    if isinstance(node, RecorderNode):
        node.close()
    assert handle.used | OF_RCLPY == allowed()[name]


def test_who_may_command_the_vehicle() -> None:
    """One sender for everything that moves it, and nobody who may ask for another model or set a parameter."""
    rules = allowed()

    def who(what: str, name: str) -> list[str]:
        return sorted(node for node, uses in rules.items() if (what, name) in uses)

    assert set(rules) == set(NODES)
    assert who("publish", "command") == ["arbiter_node"] and who("publish", "human/command") == ["joystick_node"]
    assert who("request", "engage") == who("request", "disengage") == ["joystick_node"]
    assert not any(
        what == "request" and ("parameter" in name or "load_model" in name)
        for uses in rules.values()
        for what, name in uses
    )
