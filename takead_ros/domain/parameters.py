"""The base of every node's parameters: validated, frozen, in physical units; and the one way to alter them.

No parameter uses zero for "off": what can be left out is said so by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from takead_ros.domain.errors import TakeadError

P = TypeVar("P", bound="Parameters")


def number(default: float, low: float, high: float, text: str) -> Any:
    """A finite parameter between ``low`` and ``high``; ``text`` says what it is, with its unit."""
    return Field(default, ge=low, le=high, description=text, allow_inf_nan=False)


class Parameters(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @classmethod
    def fixed_names(cls) -> frozenset[str]:
        """Parameters that are read once, at start; a change of one is refused."""
        return frozenset()


class StartParameters(Parameters):
    """Parameters that are all read once, at start."""

    @classmethod
    def fixed_names(cls) -> frozenset[str]:
        return frozenset(cls.model_fields)


def changed(parameters: P, changes: Mapping[str, Any]) -> P:
    """``parameters`` with ``changes`` applied and validated.

    Raises TakeadError naming the parameter, the value and what is expected, also where it may not change at run time.
    """
    known = type(parameters).model_fields
    for name, value in changes.items():
        if name not in known:
            raise TakeadError(f"parameter '{name}': unknown; known are {', '.join(known)}")
        if name in type(parameters).fixed_names():
            raise TakeadError(f"parameter '{name}' = {value!r}: is read at start only; restart the node to change it")
    return validated(type(parameters), {**parameters.model_dump(), **changes})


def validated(kind: type[P], values: Mapping[str, Any]) -> P:
    """Parameters of ``kind`` from plain values. Raises TakeadError naming the parameter, its value and what fits."""
    try:
        return kind(**values)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"]) or "combination"
        shown = f" = {first['input']!r}" if first["loc"] else ""
        raise TakeadError(f"parameter '{name}'{shown}: {first['msg']}") from error
