"""A validated parameter model on a node: declared from its fields, changed only through its validation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Generic, TypeVar

from takead_ros.domain.errors import TakeadError
from takead_ros.domain.parameters import Parameters, changed, validated
from takead_ros.host.api import NodeHandle
from takead_ros.messages import types

P = TypeVar("P", bound=Parameters)


class Declared(Generic[P]):
    """``value`` holds the parameters of a node; a change at run time that does not validate, or of a parameter that is
    read at start only, is refused with the reason.

    given: parameters of the model that the node has declared and read already. Raises TakeadError naming the node, the
    parameter, its value and what is expected.
    """

    def __init__(self, node: NodeHandle, name: str, kind: type[P], given: Mapping[str, Any] | None = None) -> None:
        values = dict(given or {})
        entries = [(key, plain(value)) for key, value in kind().model_dump().items() if key not in values]
        for (key, _), parameter in zip(entries, node.declare_parameters("", entries), strict=True):
            values[key] = parameter.value
        try:
            self.value = validated(kind, values)
        except TakeadError as error:
            raise TakeadError(f"{name}: {error}") from error
        node.add_on_set_parameters_callback(self._on_set)

    def _on_set(self, parameters: Sequence[Any]) -> Any:
        known = set(type(self.value).model_fields)
        changes = {p.name: p.value for p in parameters if p.name in known}
        try:
            if changes:
                self.value = changed(self.value, changes)
        except TakeadError as error:
            return types.SetParametersResult(successful=False, reason=str(error))
        return types.SetParametersResult(successful=True, reason="")


def plain(value: Any) -> Any:
    """A model's value as ROS has it: a tuple is a list."""
    return list(value) if isinstance(value, tuple) else value
