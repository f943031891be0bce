"""One parameter model for each node is the source of its file, its declaration, its docs and ``--params FILE``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from support.parameter_files import given
from takead_ros.domain.errors import TakeadError
from takead_ros.domain.parameters import validated
from takead_ros.host.lockstep import LockstepHost
from takead_ros.host.parameters import Parameter
from takead_ros.nodes import reference
from takead_ros.nodes.arbiter_node import ArbiterNode
from takead_ros.nodes.configuration import check_rates, load_configuration, models, parameter_file
from takead_ros.nodes.expert_node import ExpertNode
from takead_ros.nodes.joystick_node import JoystickNode
from takead_ros.nodes.monitor_node import MonitorNode
from takead_ros.nodes.parameters import plain
from takead_ros.nodes.policy_node import PolicyNode
from takead_ros.nodes.recorder_node import RecorderNode
from takead_ros.resources import resource

CLASSES = (ArbiterNode, ExpertNode, JoystickNode, MonitorNode, PolicyNode, RecorderNode)


def load(folder: Path, text: str) -> Any:
    path = folder / "parameters.yaml"
    path.write_text(text)
    return load_configuration(path)


def test_the_files_and_the_docs_are_printed_from_the_models() -> None:
    """Else: python -m takead_ros.nodes.reference"""
    printed = reference.printed()
    for path, text in printed.items():
        assert path.read_text(encoding="utf-8") == text, f"{path} is old; run: {reference.COMMAND}"
    assert sorted(resource("config").glob("*.yaml")) == sorted(p for p in printed if p.suffix == ".yaml")


@pytest.mark.parametrize("name", models())
def test_a_file_holds_the_defaults_of_its_model(name: str) -> None:
    node, model = models()[name]
    values = given(resource("config") / f"{name}.yaml", f"/takead/{node}")
    assert validated(model, values) == model() and list(values) == list(model.model_fields)
    assert load_configuration(resource("config") / f"{name}.yaml")[node] == model().model_dump()


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.NAME)
def test_a_node_declares_its_model(kind: Any, tmp_path: Path) -> None:
    host = LockstepHost()
    overrides = {"directory": str(tmp_path)} if kind is RecorderNode else {}
    handle = host.create_node(kind.NAME, parameter_overrides=overrides)
    node = kind(handle, host.steady)
    declared = {name: entry.value for name, entry in handle.get_parameters_by_prefix("").items()}
    (model,) = [model for name, model in models().values() if name == kind.NAME]
    expected = {name: plain(value) for name, value in model().model_dump().items()} | overrides
    assert declared == {"use_sim_time": False, **expected}
    if hasattr(node, "close"):
        node.close()


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.NAME)
def test_a_change_that_a_node_would_ignore_is_refused(kind: Any, tmp_path: Path) -> None:
    host = LockstepHost()
    overrides = {"directory": str(tmp_path)} if kind is RecorderNode else {}
    handle = host.create_node(kind.NAME, parameter_overrides=overrides)
    node = kind(handle, host.steady)
    (model,) = [model for name, model in models().values() if name == kind.NAME]
    assert model.fixed_names(), "every node reads something at its start only"
    for name in model.fixed_names():
        (result,) = handle.set_parameters([Parameter(name, handle.get_parameter(name).value)])
        assert not result.successful and "at start only" in result.reason and name in result.reason
    if hasattr(node, "close"):
        node.close()


def test_a_file_gives_each_node_its_values_in_the_models_types(tmp_path: Path) -> None:
    text = """
/**/arbiter_node:
  ros__parameters: {expert_hold_s: 3}
/takead:
  monitor_node:
    ros__parameters: {ttc_s: 1.8, use_sim_time: true}
/**:
  ros__parameters: {horizon_s: 3.0}
"""
    values = load(tmp_path, text)
    assert values == {"arbiter_node": {"expert_hold_s": 3.0}, "monitor_node": {"ttc_s": 1.8, "horizon_s": 3.0}}
    assert isinstance(values["arbiter_node"]["expert_hold_s"], float)


def section(name: str, values: str) -> str:
    return f"{name}:\n  ros__parameters: {values}"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (section("/**/arbiter_node", "{hold: 3.0}"), "arbiter_node: parameter 'hold' = 3.0: no such parameter"),
        (section("/**/arbiter_node", "{expert_hold_s: -1.0}"), "arbiter_node: parameter 'expert_hold_s' = -1.0"),
        (section("/**/arbiter_node", "{expert_hold_s: .nan}"), "arbiter_node: parameter 'expert_hold_s' = nan"),
        (section("/**/arbitr_node", "{expert_hold_s: 3.0}"), "section '/**/arbitr_node': no such node"),
        (section("/other/arbiter_node", "{expert_hold_s: 3.0}"), "no such node in namespace '/takead'"),
        (section("/**", "{expert_hold: 3.0}"), "parameter 'expert_hold' = 3.0: no such parameter"),
        (section("/**/vehicle_node", "{vehicle: boat}"), "vehicle 'boat': unknown, expected one of ackermann"),
        (section("/**/vehicle_node", "{vehicle: ackermann, role_name: x}"), "'role_name' = 'x': no such parameter"),
        ("- 1", "expected 'ros__parameters'"),
    ],
)
def test_what_does_not_fit_is_named(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(TakeadError) as caught:
        load(tmp_path, text)
    assert words in str(caught.value) and "parameters.yaml" in str(caught.value)


SLOW_ANSWERS = {name: {"period_s": 0.12} for name in ("policy_node", "expert_node")}


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"policy_node": {"period_s": 0.2}}, "'period_s' = 0.2, expert_node: parameter 'period_s' = 0.1"),
        ({"expert_node": {"period_s": 0.05}}, "expert_node: parameter 'period_s' = 0.05"),
        ({"recorder_node": {"answer_period_s": 0.2}}, "recorder_node: parameter 'answer_period_s' = 0.2"),
        ({"recorder_node": {"scene_period_s": 0.1}}, "recorder_node: parameter 'scene_period_s' = 0.1"),
        (SLOW_ANSWERS | {"recorder_node": {"answer_period_s": 0.12}}, "expected a multiple of simulator_node's"),
        ({"monitor_node": {"policy_max_age_s": 0.1}}, "monitor_node: parameter 'policy_max_age_s' = 0.1, expected"),
        ({"arbiter_node": {"expert_max_age_s": 0.1}}, "arbiter_node: parameter 'expert_max_age_s' = 0.1, expected"),
    ],
)
def test_rates_that_break_pairing_are_refused(values: Any, words: str) -> None:
    with pytest.raises(TakeadError) as caught:
        check_rates(values)
    assert words in str(caught.value)


def test_other_rates_that_fit_together_are_accepted() -> None:
    both = {name: {"period_s": 0.05} for name in ("policy_node", "expert_node")}
    check_rates({**both, "recorder_node": {"answer_period_s": 0.05}})
    slow = {"simulator_node": {"period_s": 0.1}, "recorder_node": {"scene_period_s": 0.1}}
    check_rates(slow)


def test_the_arbiters_period_keeps_the_deadline_of_command(tmp_path: Path) -> None:
    with pytest.raises(TakeadError, match=r"'period_s' = 0\.06"):
        load(tmp_path, "/**/arbiter_node:\n  ros__parameters: {period_s: 0.06}")


def test_a_parameter_file_says_what_was_read(tmp_path: Path) -> None:
    values: dict[str, dict[str, Any]] = {
        "expert_node": {"privileged": True, "headway_s": 2.0, "expert_sees": "perceived"},
        "arbiter_node": {"drivers": ("policy",)},
    }
    file = tmp_path / "given.yaml"
    file.write_text(parameter_file(values))
    assert load_configuration(file) == values
