"""Parameters of a lockstep node, with rclpy's meaning: declared once, typed by their default, guarded by callbacks.

``parse_sections`` reads the YAML files that ``ros2 run --params-file`` takes, so both hosts share one configuration.
"""

from __future__ import annotations

import array
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from takead_ros.domain.errors import TakeadError
from takead_ros.files import parse_yaml
from takead_ros.messages import types

_SCALARS: tuple[tuple[type, str], ...] = ((bool, "BOOL"), (int, "INTEGER"), (float, "DOUBLE"), (str, "STRING"))
_ELEMENTS = ((bytes, "BYTE_ARRAY"), *((kind, f"{name}_ARRAY") for kind, name in _SCALARS))


class ParameterError(TakeadError):
    """A parameter is undeclared, declared twice, of the wrong type or refused (rclpy has one class for each)."""


@dataclass(frozen=True)
class Parameter:
    """A name and a value; ``value`` None: not set."""

    name: str
    value: Any = None


def parameter_type(value: Any) -> str:
    """ROS's type name of a parameter value, such as DOUBLE or STRING_ARRAY.

    An empty list is a BYTE_ARRAY, as in rclpy: give a list parameter a default that is not empty. Raises
    ParameterError for a value that no parameter can have.
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
    raise ParameterError(f"{value!r} can be no parameter, expected bool, int, float, str or a list of one of them")


class NodeParameters:
    """The parameters of one node. ``overrides`` are the values that a file or the command line gives."""

    def __init__(self, node: str, overrides: Mapping[str, Any]) -> None:
        self._node = node
        self._overrides = dict(overrides)
        self._values: dict[str, Parameter] = {}
        self._types: dict[str, str | None] = {}  # None: any, and it may change
        self._descriptors: dict[str, Any] = {}
        self._callbacks: list[Callable[[Sequence[Parameter]], Any]] = []

    def declare(self, name: str, default: Any = None, descriptor: Any = None) -> Parameter:
        """Declare one; its value is the override where there is one, else ``default``.

        Raises ParameterError where it is declared already, has neither a default nor ``dynamic_typing``, or where the
        value is refused.
        """
        if name in self._values:
            raise ParameterError(f"{self._node}: parameter '{name}' is already declared")
        descriptor = descriptor or types.ParameterDescriptor()
        expected = None if descriptor.dynamic_typing else parameter_type(default)
        if expected == "NOT_SET":
            raise ParameterError(f"{self._node}: parameter '{name}' needs a default value, or dynamic_typing")
        parameter = Parameter(name, self._overrides.get(name, default))
        reason = self._refusal(parameter, expected, descriptor)
        if reason:
            raise ParameterError(f"{self._node}: parameter '{name}' = {parameter.value!r}: {reason}")
        self._values[name], self._types[name], self._descriptors[name] = parameter, expected, descriptor
        return parameter

    def get(self, name: str) -> Parameter:
        self._check_declared(name)
        return self._values[name]

    def by_prefix(self, prefix: str) -> dict[str, Parameter]:
        """Those whose names begin with ``prefix`` and a dot, by what follows; '' gives all."""
        start = f"{prefix}." if prefix else ""
        return {name[len(start) :]: entry for name, entry in self._values.items() if name.startswith(start)}

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
        name, descriptor = parameter.name, self._descriptors[parameter.name]
        reason = f"Trying to set a read-only parameter: {name}." if descriptor.read_only else ""
        reason = reason or self._refusal(parameter, self._types[name], descriptor)
        if not reason:
            self._values[name] = parameter
        return types.SetParametersResult(successful=not reason, reason=reason)

    def _refusal(self, parameter: Parameter, expected: str | None, descriptor: Any) -> str:
        """Why the value is refused, or nothing."""
        given = parameter_type(parameter.value)
        if expected is not None and given != expected:
            return f"Wrong parameter type, expected {expected}, got {given}"
        ranges = {"DOUBLE": descriptor.floating_point_range, "INTEGER": descriptor.integer_range}
        for limits in ranges.get(given, ()):
            # written so that NaN is outside every range
            if not limits.from_value <= parameter.value <= limits.to_value:
                return f"out of range, expected {limits.from_value} to {limits.to_value}"
        for callback in self._callbacks:
            result = callback([parameter])
            if not result.successful:
                return result.reason or "refused by the node"
        return ""

    def _check_declared(self, name: str) -> None:
        if name not in self._values:
            raise ParameterError(f"{self._node}: parameter '{name}' is not declared")


def parse_sections(data: bytes, origin: str) -> list[tuple[str, dict[str, Any]]]:
    """The sections of a ROS parameter file in order: name and values; nested mappings become names with dots.

    Raises TakeadError that names ``origin`` where ``data`` is no such file.
    """
    sections: list[tuple[str, dict[str, Any]]] = []
    _collect(origin, "", parse_yaml(data, origin, "a ROS parameter file"), sections)
    return sections


def section_matches(section: str, node: str) -> bool:
    """Whether a section is meant for ``node``: it is a full name in which ``*`` stands for one part and ``**`` for any
    number of them, as in rcl."""
    wild = {"*": "/[^/]+", "**": "(/[^/]+)*"}
    pattern = "".join(wild.get(part, "/" + re.escape(part)) for part in section[1:].split("/"))
    return re.fullmatch(pattern, node) is not None


def _collect(origin: str, section: str, body: Any, sections: list[tuple[str, dict[str, Any]]]) -> None:
    """Add what ``body``, the content of ``section``, holds."""
    if not isinstance(body, dict) or (section and not body):
        raise TakeadError(f"{origin}: section '{section or '/'}': expected 'ros__parameters' with names and values")
    for key, content in body.items():
        if key != "ros__parameters":
            _collect(origin, f"{section}/{str(key).strip('/')}", content, sections)
        elif not isinstance(content, dict):
            raise TakeadError(f"{origin}: section '{section}': 'ros__parameters' is no mapping of names to values")
        else:
            values: dict[str, Any] = {}
            _flatten("", content, values)
            sections.append((section, values))


def _flatten(prefix: str, body: Mapping[Any, Any], values: dict[str, Any]) -> None:
    for name, value in body.items():
        if isinstance(value, dict):
            _flatten(f"{prefix}{name}.", value, values)
        else:
            values[f"{prefix}{name}"] = value
