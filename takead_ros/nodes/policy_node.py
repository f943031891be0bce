"""The learned policy as a node: answers scenes at 10 Hz, whoever drives."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from takead_ros.compiled import prepare
from takead_ros.domain.driving import DriverOutput, DriverStatus
from takead_ros.domain.errors import TakeadError
from takead_ros.domain.units import SECOND
from takead_ros.host import wiring
from takead_ros.host.api import Clock, NodeHandle
from takead_ros.messages import interfaces
from takead_ros.messages.convert import SceneConverter
from takead_ros.nodes.answerer import Answerer
from takead_ros.nodes.parameters import Declared
from takead_ros.nodes.settings import PolicyParameters
from takead_ros.policy.bundle import older
from takead_ros.policy.format import SCENE
from takead_ros.policy.model import Policy, load_model
from takead_ros.policy.signing import public_key


class PolicyNode:
    """Subscribes ``scene`` and whatever else the model's format needs; publishes ``policy/output`` and ``/diagnostics``
    (see ``Answerer``); serves ``policy/load_model``.

    A scene older than ``max_scene_age_s`` and a missing model are answered by an output whose status says so.
    Parameters: ``PolicyParameters``. ``policy``, where given, is used instead of loading ``model``, so that an embedded
    run keeps its session. Raises TakeadError for a bad parameter or model.
    """

    NAME = "policy_node"
    MANAGED = True

    def __init__(self, node: NodeHandle, steady: Clock, policy: Policy | None = None) -> None:
        prepare()  # no scene waits for the compiler
        self._node, self._clock = node, node.get_clock()
        p = self._parameters = Declared(node, self.NAME, PolicyParameters).value
        self._others: dict[str, object] = {}  # the newest message of each further topic
        self._heard: set[str] = set()
        self._converter = SceneConverter()
        self._answerer = Answerer(
            node, steady, "policy", interfaces.POLICY_OUTPUT, p.period_s, self._answer, self._figures, self._sha256
        )
        self._policy: Policy | None = None
        self._key = public_key(Path(p.bundle_key)) if p.bundle_key else None
        if policy is not None and self._key is not None:
            raise TakeadError(
                f"{self.NAME}: parameter 'bundle_key' = {p.bundle_key}: here the policy was loaded before"
            )
        if policy is not None or p.model:
            self._use(policy if policy is not None else load_model(p.model, p.provider, self._key))
        wiring.server(node, interfaces.LOAD_MODEL, self._on_load)

    def _sha256(self) -> str:
        return self._policy.sha256 if self._policy else ""

    def _use(self, policy: Policy) -> None:
        """Subscribe what the policy needs, then let it answer. Raises TakeadError for a topic of an unknown type."""
        for need in policy.format.needs:
            if need != SCENE and need not in self._heard:
                wiring.subscription(self._node, interfaces.parse_topic(need, "the model's needs"), self._keeper(need))
                self._heard.add(need)
        prepare()  # what the format brought with it
        self._policy = policy

    def _keeper(self, need: str) -> Any:
        return lambda msg: self._others.__setitem__(need, msg)

    def _answer(self, msg: Any, stamp: int) -> DriverOutput:
        """The policy's output for a scene, or one whose status says why there is none."""
        if self._policy is None:
            return self._answerer.failed(stamp, DriverStatus.NO_MODEL, "no model is loaded")
        age_s, most_s = (self._clock.now().nanoseconds - stamp) / SECOND, self._parameters.max_scene_age_s
        if abs(age_s) > most_s:
            text = f"scene is {age_s:.2f} s old, at most {most_s:.2f} s is allowed"
            return self._answerer.failed(stamp, DriverStatus.STALE_INPUT, text)
        return self._policy.infer(self._converter.from_msg(msg), self._others)

    def _figures(self) -> Mapping[str, object]:
        policy = self._policy
        seal = policy.seal if policy else None
        return {
            "model_sha256": self._sha256(),
            "provider": policy.provider if policy else "",
            "release": seal.release if seal else "none",
            "signed_by": seal.signer[:12] if seal else "",
        }

    def _on_load(self, request: Any, response: Any) -> Any:
        """Change to another model. A refused one leaves the present one in place."""
        response.accepted, response.code = False, "model_refused"
        try:
            if not Path(request.path).is_file():
                response.code = "no_such_file"
                raise TakeadError(f"model {request.path}: no such file")
            policy = load_model(request.path, self._parameters.provider, self._key)
            back = "" if self._policy is None else older(policy.seal, self._policy.seal)
            if back and not request.allow_older:
                response.code = "older"
                raise TakeadError(f"model {request.path}: {back}; expected a later one, or allow_older")
            self._use(policy)
        except (TakeadError, ValueError, OSError) as error:  # a path may hold what no path can
            response.message = str(error)
            return response
        response.accepted, response.code = True, "ok"
        response.message, response.model_sha256 = f"loaded {request.path}", policy.sha256
        self._node.get_logger().info(f"policy model {policy.sha256[:12]} from {request.path}")
        return response
