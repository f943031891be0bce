"""The rule-based expert as a node: answers scenes at 10 Hz, whoever drives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from takead_ros.domain.driving import DriverOutput
from takead_ros.expert.memory import Memory
from takead_ros.expert.parameters import ExpertParameters
from takead_ros.expert.planner import plan
from takead_ros.host.api import Clock, NodeHandle
from takead_ros.messages import interfaces
from takead_ros.messages.convert import SceneConverter
from takead_ros.nodes.answerer import Answerer
from takead_ros.nodes.parameters import Declared


class ExpertNode:
    """Subscribes ``scene``, and ``scene/truth``, which counts in its place where it comes (unless ``expert_sees`` is
    ``perceived``); publishes ``expert/output`` and ``/diagnostics`` (see ``Answerer``).

    A stamp that jumps back (a reset world) starts anew. Parameters: ``ExpertParameters``. Raises TakeadError for a
    value that does not fit.
    """

    NAME = "expert_node"
    MANAGED = True

    def __init__(self, node: NodeHandle, steady: Clock) -> None:
        self._parameters = Declared(node, self.NAME, ExpertParameters)
        self._memory, self._stamp, self._cause = Memory(), 0, ""
        self._converter = SceneConverter()
        p = self._parameters.value
        Answerer(
            node,
            steady,
            "expert",
            interfaces.EXPERT_OUTPUT,
            p.period_s,
            self._answer,
            self._figures,
            truth=p.expert_sees == "truth",
        )

    def _answer(self, msg: Any, stamp: int) -> DriverOutput:
        if stamp < self._stamp:
            self._memory = Memory()
        self._stamp = stamp
        output, self._memory = plan(self._converter.from_msg(msg), self._memory, self._parameters.value)
        self._cause = output.cause.text
        return output

    def _figures(self) -> Mapping[str, object]:
        return {"cause": self._cause}
