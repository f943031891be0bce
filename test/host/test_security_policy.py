"""The access policy: what each node may do is what it has, and nobody else may publish what moves the vehicle."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from takead_ros.domain.errors import TakeadError
from takead_ros.host.lockstep import LockstepHost
from takead_ros.messages.interfaces import CLOCK, COMMAND, HUMAN_COMMAND, REQUEST, SCENE_TRUTH
from takead_ros.nodes.arbiter_node import ArbiterNode
from takead_ros.nodes.configuration import NODES as ALL_NODES
from takead_ros.nodes.configuration import VEHICLE
from takead_ros.nodes.display_node import DisplayNode
from takead_ros.nodes.expert_node import ExpertNode
from takead_ros.nodes.joystick_node import JoystickNode
from takead_ros.nodes.monitor_node import MonitorNode
from takead_ros.nodes.policy_node import PolicyNode
from takead_ros.nodes.recorder_node import RecorderNode
from takead_ros.nodes.security_policy import MANAGED, NODES, enclave, policy
from takead_ros.nodes.simulator_node import SimulatorNode

Make = Callable[[LockstepHost, Path], Any]


def plain(kind: Any, **parameters: Any) -> Make:
    return lambda host, _: (host.create_node(kind.NAME, parameter_overrides=parameters), kind)


REAL: dict[str, Make] = {
    **{kind.NAME: plain(kind) for kind in (ArbiterNode, DisplayNode, ExpertNode, JoystickNode, MonitorNode)},
    PolicyNode.NAME: plain(PolicyNode),
    RecorderNode.NAME: lambda host, folder: plain(RecorderNode, directory=str(folder))(host, folder),
    SimulatorNode.NAME: plain(
        SimulatorNode, simulator="vector", family="cut_in", perception="vehicle", publish_clock=True
    ),
}


@pytest.mark.parametrize("name", REAL)
def test_a_node_may_do_what_it_has_and_no_more(name: str, tmp_path: Path) -> None:
    host = LockstepHost()
    handle, kind = REAL[name](host, tmp_path)
    node = kind(handle, host.steady)
    found, grants = handle.endpoints(), NODES[name]
    ns = handle.get_namespace()
    assert found.published == {one.full_name(ns) for one in grants.published}
    assert found.heard == {one.full_name(ns) for one in grants.heard}
    assert found.served == {f"{ns}/{one.name}" for one in grants.served}
    assert found.asked == {f"{ns}/{one.name}" for one in grants.asked}
    assert grants.managed == getattr(kind, "MANAGED", False)
    if hasattr(node, "close"):
        node.close()


def test_every_node_of_the_stack_has_its_grants() -> None:
    assert set(NODES) == {*ALL_NODES, VEHICLE} - {"replay_node"}  # which replays a clip and drives nothing


def rules(text: str, act: str, kind: str) -> dict[str, set[str]]:
    """Of each enclave in a policy file, what it may ``act`` on."""
    found = {}
    for one in ElementTree.fromstring(text).iter("enclave"):
        found[one.attrib["path"]] = {
            str(name.text) for group in one.iter(f"{kind}s") if act in group.attrib for name in group
        }
    return found


@pytest.mark.parametrize("namespace", ["takead", "/fleet/car_7/"])
def test_only_one_enclave_may_publish_what_decides(namespace: str) -> None:
    text = policy(namespace)
    may = rules(text, "publish", "topic")
    for interface, node in ((COMMAND, "arbiter_node"), (REQUEST, "monitor_node"), (HUMAN_COMMAND, "joystick_node")):
        assert [path for path, names in may.items() if interface.name in names] == [enclave(namespace, node)]
    assert [path for path, names in may.items() if any("*" in one for one in names)] == []
    worlds = {enclave(namespace, "simulator_node"), enclave(namespace, "vehicle_node")}
    assert {path for path, names in may.items() if SCENE_TRUTH.name in names or "scene" in names} == worlds
    assert [path for path, names in may.items() if CLOCK.name in names] == [enclave(namespace, "simulator_node")]
    served = rules(text, "reply", "service")
    for name in MANAGED:
        assert "~/change_state" in served[enclave(namespace, name)]
    asked = rules(text, "request", "service")
    who = {path for path, names in asked.items() if any("change_state" in one for one in names)}
    assert who == {enclave(namespace, "supervisor_node"), enclave(namespace, "maintainer")}
    assert [path for path, names in asked.items() if "policy/load_model" in names] == [enclave(namespace, "maintainer")]
    assert not any("parameter" in one for names in asked.values() for one in names)


def test_names_are_escaped_and_an_unknown_vehicle_is_refused() -> None:
    text = policy('a"<b>&', "", ['/x"<&>'])
    assert '/x"<&>' in rules(text, "subscribe", "topic")['/a"<b>&/policy_node']
    with pytest.raises(TakeadError, match=r"vehicle 'tank': unknown, expected one of ackermann, carla"):
        policy("takead", "tank")
