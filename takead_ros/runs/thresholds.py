"""What of the nodes' parameters holds in the batched drive, where their cores run without them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from takead_ros.domain.errors import TakeadError
from takead_ros.domain.parameters import Parameters
from takead_ros.expert.parameters import ExpertParameters
from takead_ros.nodes.arbiter_node import ArbiterNode
from takead_ros.nodes.expert_node import ExpertNode
from takead_ros.nodes.monitor_node import MonitorNode
from takead_ros.nodes.simulator_node import SimulatorNode
from takead_ros.takeover.parameters import ArbiterParameters, MonitorParameters

DECIDED = {"drivers": ("policy", "expert"), "auto_engage": True, "supervised": True, "goal_stop": False}
RATES = ("period_s",)  # of the batched drive: 20 Hz and 10 Hz


@dataclass(frozen=True)
class Thresholds:
    """The parameters of those who decide in a drive with takeovers."""

    expert: ExpertParameters = ExpertParameters()
    monitor: MonitorParameters = MonitorParameters()
    arbiter: ArbiterParameters = ArbiterParameters(**DECIDED)  # type: ignore[arg-type]


def thresholds_of(parameters: Mapping[str, Mapping[str, Any]]) -> Thresholds:
    """The rules that ``parameters`` (by node and name, as ``RunSpec`` has them) ask for; the world's perception is not
    among them. Raises TakeadError for what the batched drive has not, or decides itself."""
    known: dict[str, type[Parameters]] = {
        ExpertNode.NAME: ExpertParameters,
        MonitorNode.NAME: MonitorParameters,
        ArbiterNode.NAME: ArbiterParameters,
    }
    for node, values in parameters.items():
        for name, value in values.items():
            if (node, name) != (SimulatorNode.NAME, "perception") and (node not in known or name in (*RATES, *DECIDED)):
                raise TakeadError(
                    f"--batched: parameter '{name}' of {node} = {value!r}: expected perception, or thresholds of "
                    f"{', '.join(known)}; no node runs"
                )
    asked = {node: parameters.get(node, {}) for node in known}
    return Thresholds(
        ExpertParameters(**asked[ExpertNode.NAME]),
        MonitorParameters(**asked[MonitorNode.NAME]),
        ArbiterParameters(**{**DECIDED, **asked[ArbiterNode.NAME]}),
    )
