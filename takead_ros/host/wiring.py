"""Publishers, subscriptions, services and clients of the one table of interfaces, on any host's node handle."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from takead_ros.host import qos
from takead_ros.host.api import NodeHandle, Publisher
from takead_ros.messages.interfaces import Interface, Service


def publisher(node: NodeHandle, interface: Interface) -> Publisher:
    """A publisher of ``interface``."""
    return node.create_publisher(interface.message, interface.name, qos.profile(interface.qos))


def subscription(node: NodeHandle, interface: Interface, callback: Callable[..., None], *, raw: bool = False) -> Any:
    """A subscription to ``interface``, with the QoS that its publishers offer; ``raw``: to the CDR bytes."""
    return node.create_subscription(interface.message, interface.name, callback, qos.profile(interface.qos), raw=raw)


def server(node: NodeHandle, service: Service, callback: Callable[[Any, Any], Any]) -> Any:
    """Offers ``service``; ``callback(request, response) -> response``."""
    return node.create_service(service.service, service.name, callback)


def client(node: NodeHandle, service: Service) -> Any:
    """A client of ``service``."""
    return node.create_client(service.service, service.name)
