"""Parameters of a lockstep node, with rclpy's meaning: declared once, typed by their default, guarded by callbacks."""

from __future__ import annotations

import array
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from takead_ros.domain.errors import TakeadError
from takead_ros.messages import types

_SCALARS: tuple[tuple[type, str], ...] = ((bool, "BOOL"), (int, "INTEGER"), (float, "DOUBLE"), (str, "STRING"))
_ELEMENTS = ((bytes, "BYTE_ARRAY"), *((kind, f"{name}_ARRAY") for kind, name in _SCALARS))


class ParameterError(TakeadError):
    """A parameter is undeclared, declared twice, without a value, of the wrong type or refused (rclpy has one class
    for each of these)."""


@dataclass(frozen=True)
class Parameter:
    """A name and a value; ``value`` None: not set."""

    name: str
    value: Any = None

    @property
    def type_name(self) -> str:
        return parameter_type(self.value)


def parameter_type(value: Any) -> str:
    """ROS's type name of a parameter value, such as DOUBLE or STRING_ARRAY.

    An empty list is a BYTE_ARRAY, as in rclpy: give a list parameter a default that is not empty. Raises TakeadError
    for a value that no parameter can have.
    """
    if value is None:
        return "NOT_SET"
    for kind, name in _SCALARS:
        if isinstance(value, kind):
            return name
    if isinstance(value, (list, tuple, array.array)):
        for kind, name in _ELEMENTS:
            if all(isinstance(entry, kind) for entry in value):
                return name
    raise TakeadError(f"{value!r} can be no parameter, expected bool, int, float, str or a list of one of them")


class Parameters:
    """The parameters of one node. ``overrides`` are the values that a file or the command line gives."""

    def __init__(self, node: str, overrides: Mapping[str, Any]) -> None:
        self._node = node
        self._overrides = dict(overrides)
        self._values: dict[str, Parameter] = {}
        self._descriptors: dict[str, Any] = {}
        self._callbacks: list[Callable[[Sequence[Parameter]], Any]] = []

    def declare(self, name: str, default: Any = None, descriptor: Any = None) -> Parameter:
        """Declare one; its value is the override where there is one, else ``default``."""
        if name in self._values:
            raise ParameterError(f"{self._node}: parameter '{name}' is already declared")
        descriptor = descriptor or types.ParameterDescriptor()
        parameter = Parameter(name, self._overrides.get(name, default))
        if default is not None and not descriptor.dynamic_typing:
            self._check_type(parameter, parameter_type(default))
        reason = self._refusal([parameter], {name: descriptor})
        if reason:
            raise ParameterError(f"{self._node}: parameter '{name}' = {parameter.value!r}: {reason}")
        self._values[name], self._descriptors[name] = parameter, descriptor
        return parameter

    def get(self, name: str) -> Parameter:
        self._check_declared(name)
        parameter = self._values[name]
        if parameter.value is None and not self._descriptors[name].dynamic_typing:
            raise ParameterError(f"{self._node}: parameter '{name}' has no value and no default")
        return parameter

    def has(self, name: str) -> bool:
        return name in self._values

    def set(self, parameters: Sequence[Any]) -> list[Any]:
        """Set them one after the other: a SetParametersResult for each, with the reason of a refusal."""
        for parameter in parameters:
            self._check_declared(parameter.name)
        return [self._set_one(Parameter(parameter.name, parameter.value)) for parameter in parameters]

    def guard(self, callback: Callable[[Sequence[Parameter]], Any]) -> None:
        """Ask ``callback`` before any change; the newest is asked first, as in rclpy."""
        self._callbacks.insert(0, callback)

    def undeclared_overrides(self) -> list[str]:
        """Overrides that the node never declared: misspelt, as a rule."""
        return sorted(set(self._overrides) - set(self._values))

    def _set_one(self, parameter: Parameter) -> Any:
        descriptor, old = self._descriptors[parameter.name], self._values[parameter.name]
        reason = ""
        if descriptor.read_only:
            reason = f"Trying to set a read-only parameter: {parameter.name}."
        elif not descriptor.dynamic_typing and old.value is not None and parameter.type_name != old.type_name:
            reason = (
                f"Wrong parameter type, expected '{old.type_name}' got '{parameter.type_name}' for '{parameter.name}'"
            )
        reason = reason or self._refusal([parameter], self._descriptors)
        if not reason:
            self._values[parameter.name] = parameter
        return types.SetParametersResult(successful=not reason, reason=reason)

    def _refusal(self, parameters: Sequence[Parameter], descriptors: Mapping[str, Any]) -> str:
        for parameter in parameters:
            descriptor = descriptors[parameter.name]
            for limits in (*descriptor.floating_point_range, *descriptor.integer_range):
                low, high = limits.from_value, limits.to_value
                # not (low <= value): NaN is outside every range
                if isinstance(parameter.value, (int, float)) and not low <= parameter.value <= high:
                    return f"{parameter.value!r} is out of range, expected {low} to {high}"
        for callback in self._callbacks:
            result = callback(list(parameters))
            if not result.successful:
                return result.reason or "refused by the node"
        return ""

    def _check_type(self, parameter: Parameter, expected: str) -> None:
        if parameter.type_name != expected:
            raise ParameterError(
                f"{self._node}: parameter '{parameter.name}' = {parameter.value!r} is of type "
                f"{parameter.type_name}, expected {expected}"
            )

    def _check_declared(self, name: str) -> None:
        if name not in self._values:
            raise ParameterError(f"{self._node}: parameter '{name}' is not declared")
