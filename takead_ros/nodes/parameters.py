"""Validated parameter models on a node: declared from their fields, changed only through their validation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from takead_ros.domain.errors import TakeadError
from takead_ros.domain.parameters import Parameters, changed, validated
from takead_ros.host.api import NodeHandle
from takead_ros.messages import types

P = TypeVar("P", bound=Parameters)


def declared(node: NodeHandle, name: str, kind: type[P]) -> P:
    """Declare every field of ``kind`` on ``node`` and return the values. Raises TakeadError for one that is refused."""
    defaults = kind().model_dump()
    entries = [(key, list(value) if isinstance(value, tuple) else value) for key, value in defaults.items()]
    values = {key: p.value for (key, _), p in zip(entries, node.declare_parameters("", entries), strict=True)}
    try:
        return validated(kind, values)
    except TakeadError as error:
        raise TakeadError(f"{name}: {error}") from error


def guard(node: NodeHandle, present: Callable[[], P], accept: Callable[[P], None]) -> None:
    """Refuse, with the reason, every change at run time that does not validate; hand the others to ``accept``."""

    def on_set(parameters: Sequence[Any]) -> Any:
        known = set(type(present()).model_fields)
        changes = {p.name: p.value for p in parameters if p.name in known}
        try:
            if changes:
                accept(changed(present(), changes))
        except TakeadError as error:
            return types.SetParametersResult(successful=False, reason=str(error))
        return types.SetParametersResult(successful=True, reason="")

    node.add_on_set_parameters_callback(on_set)
