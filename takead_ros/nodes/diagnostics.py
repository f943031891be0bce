"""What a node tells people and monitors, in one naming scheme: ``<full name of the node>: <part>``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from takead_ros.host import wiring
from takead_ros.host.api import NodeHandle
from takead_ros.messages import interfaces, types
from takead_ros.messages.fields import header_to_msg

PERIOD_S = 1.0


class Level(Enum):
    """How a part of a node fares."""

    OK = "OK"
    WARN = "WARN"
    ERROR = "ERROR"


@dataclass(frozen=True)
class Part:
    """One part of a node: how it fares, why in words, and figures by name."""

    name: str
    level: Level
    message: str
    values: Mapping[str, object] = field(default_factory=dict)


class Diagnostics:
    """Publishes ``/diagnostics`` for one node. No node takes its inputs from there."""

    def __init__(self, node: NodeHandle) -> None:
        self._name = f"{node.get_namespace().rstrip('/')}/{node.get_name()}"
        self._publisher = wiring.publisher(node, interfaces.DIAGNOSTICS)

    def publish(self, stamp: int, *parts: Part) -> None:
        """Say how every part fares at ``stamp`` ns."""
        statuses = [
            types.DiagnosticStatus(
                level=getattr(types.DiagnosticStatus, part.level.value),
                name=f"{self._name}: {part.name}",
                message=part.message,
                hardware_id="",
                values=[types.KeyValue(key=key, value=str(value)) for key, value in part.values.items()],
            )
            for part in parts
        ]
        self._publisher.publish(types.DiagnosticArray(header=header_to_msg(stamp, ""), status=statuses))
