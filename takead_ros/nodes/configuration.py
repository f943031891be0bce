"""Every node's parameter model, and the parameter files made from and checked against them: one source for both hosts.

``load_configuration`` is what ``--params FILE`` of the embedded run reads; under ROS 2 the same file goes to
``--params-file``.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from takead_ros.domain.errors import TakeadError
from takead_ros.domain.parameters import Parameters, validated
from takead_ros.expert.parameters import ExpertParameters
from takead_ros.files import read_file
from takead_ros.host.parameters import parse_sections, section_matches
from takead_ros.nodes.settings import (
    DisplayParameters,
    JoystickParameters,
    PolicyParameters,
    RecorderParameters,
    ReplayParameters,
    SimulatorParameters,
    SupervisorParameters,
)
from takead_ros.takeover.parameters import ArbiterParameters, MonitorParameters
from takead_ros.vehicles import VEHICLES, open_vehicle

NODES: dict[str, type[Parameters]] = {
    "simulator_node": SimulatorParameters,
    "policy_node": PolicyParameters,
    "expert_node": ExpertParameters,
    "monitor_node": MonitorParameters,
    "arbiter_node": ArbiterParameters,
    "joystick_node": JoystickParameters,
    "recorder_node": RecorderParameters,
    "replay_node": ReplayParameters,
    "display_node": DisplayParameters,
    "supervisor_node": SupervisorParameters,
}
VEHICLE = "vehicle_node"  # its model depends on its parameter 'vehicle'
HOSTS = frozenset({"use_sim_time", "autostart"})  # parameters that every node has without declaring them

Values = dict[str, dict[str, Any]]  # by node, then by parameter


def models() -> dict[str, tuple[str, type[Parameters]]]:
    """Node and model of every file in ``config/``, by the file's name without suffix."""
    files = {name.removesuffix("_node"): (name, model) for name, model in NODES.items()}
    return files | {f"vehicle_{name}": (VEHICLE, open_vehicle(name).parameters) for name in VEHICLES}


def load_configuration(path: Path, namespace: str = "/takead") -> Values:
    """The values that a ROS parameter file gives to each node, checked and in the types of the models.

    As in rcl, a section may name several nodes with ``*`` and ``**``; what it gives must be known to one of them at
    least. Raises TakeadError that names the file, the node, the parameter, its value and what is expected; also where
    the rates of the nodes do not fit together.
    """
    return parse_configuration(read_file(path, "a ROS parameter file"), str(path), namespace)


def parse_configuration(data: bytes, origin: str, namespace: str = "/takead") -> Values:
    """``load_configuration`` of a file's bytes, which messages call ``origin``."""
    sections = parse_sections(data, origin)
    try:
        given = _given(sections, namespace)
        checked: Values = {}
        for node, values in given.items():
            model = _of_node(node, values)
            checked[node] = {name: getattr(model, name) for name in values}
        check_rates(given)
    except TakeadError as error:
        raise TakeadError(f"{origin}: {error}") from error
    return checked


def _given(sections: list[tuple[str, dict[str, Any]]], namespace: str) -> Values:
    """What the sections give to each node, later ones winning."""
    given: Values = {}
    for section, values in sections:
        meant = [name for name in (*NODES, VEHICLE) if section_matches(section, f"{namespace.rstrip('/')}/{name}")]
        if not meant:
            known = ", ".join((*NODES, VEHICLE))
            raise TakeadError(f"section '{section}': no such node in namespace '{namespace}', known: {known}")
        for name, value in values.items():
            takers = [node for node in meant if name in _model(node, {**given.get(node, {}), **values}).model_fields]
            if not takers and name not in HOSTS:
                raise TakeadError(f"{', '.join(meant)}: parameter '{name}' = {value!r}: no such parameter")
            for node in takers:
                given.setdefault(node, {})[name] = value
    return given


def parameter_file(values: Mapping[str, Mapping[str, Any]], namespace: str = "/takead") -> str:
    """``values`` by node and name as the text of a ROS parameter file, which ``load_configuration`` reads back."""
    sections = {
        f"{namespace}/{node}": {
            "ros__parameters": {name: list(value) if isinstance(value, tuple) else value for name, value in own.items()}
        }
        for node, own in values.items()
    }
    return yaml.safe_dump(sections, sort_keys=True)


def check_rates(values: Mapping[str, Mapping[str, Any]]) -> None:
    """Refuse rates with which no frame would hold both sides, or gaps would be counted where there are none.

    values: what differs from the defaults, by node. Raises TakeadError that names both parameters.
    """
    at = {node: _of_node(node, values.get(node, {})).model_dump() for node in NODES}
    scene, answer = at["simulator_node"]["period_s"], at["policy_node"]["period_s"]
    _equal("policy_node", "period_s", answer, "expert_node", "period_s", at["expert_node"]["period_s"])
    _equal(
        "policy_node", "period_s", answer, "recorder_node", "answer_period_s", at["recorder_node"]["answer_period_s"]
    )
    _equal(
        "simulator_node", "period_s", scene, "recorder_node", "scene_period_s", at["recorder_node"]["scene_period_s"]
    )
    steps = answer / scene
    if abs(steps - round(steps)) > 1e-6 or round(steps) < 1:
        raise TakeadError(
            f"policy_node: parameter 'period_s' = {answer:g}, expected a multiple of simulator_node's 'period_s' = "
            f"{scene:g}: policy and expert answer the first scene of each period"
        )
    for node, name in (
        ("monitor_node", "policy_max_age_s"),
        ("arbiter_node", "policy_max_age_s"),
        ("arbiter_node", "expert_max_age_s"),
    ):
        if at[node][name] <= answer:
            raise TakeadError(
                f"{node}: parameter '{name}' = {at[node][name]:g}, expected more than policy_node's 'period_s' = "
                f"{answer:g}: every answer would be too old before the next"
            )


def _equal(node: str, name: str, value: float, other: str, its: str, that: float) -> None:
    if abs(value - that) > 1e-9:
        raise TakeadError(
            f"{node}: parameter '{name}' = {value:g}, {other}: parameter '{its}' = {that:g}, expected the same: "
            "they have to speak about the same scenes"
        )


def _model(node: str, values: Mapping[str, Any]) -> type[Parameters]:
    return open_vehicle(str(values.get("vehicle", "carla"))).parameters if node == VEHICLE else NODES[node]


def _of_node(node: str, values: Mapping[str, Any]) -> Parameters:
    try:
        return validated(_model(node, values), values)
    except TakeadError as error:
        raise TakeadError(f"{node}: {error}") from error
