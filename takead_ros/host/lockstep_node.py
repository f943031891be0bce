"""The lockstep host's node handle: ``rclpy.node.Node``'s names, meanings and defaults, as far as nodes use them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from takead_ros.domain.errors import TakeadError
from takead_ros.host import names, qos
from takead_ros.host.bus import Bus, BusPublisher, BusSubscription
from takead_ros.host.parameters import NodeParameters, Parameter
from takead_ros.host.services import BusClient, BusService, Services
from takead_ros.host.simulated_time import SimulatedClock, Timer


class Host(Protocol):
    """What a node needs of the host that made it."""

    clock: SimulatedClock
    steady: SimulatedClock
    bus: Bus
    services: Services

    def add_timer(self, timer: Timer) -> None: ...
    def remove_timer(self, timer: Timer) -> None: ...
    def remove_node(self, node: LockstepNode) -> None: ...


class EndpointInfo(NamedTuple):
    """What ``rclpy.topic_endpoint_info.TopicEndpointInfo`` says of a publisher's node."""

    node_name: str
    node_namespace: str


class Endpoints(NamedTuple):
    """Full names of what a node publishes, hears, serves and asks."""

    published: frozenset[str]
    heard: frozenset[str]
    served: frozenset[str]
    asked: frozenset[str]


class LockstepNode:
    """Made by ``LockstepHost.create_node``. Arguments such as ``callback_group`` are taken and mean nothing here."""

    def __init__(self, host: Host, name: str, namespace: str, overrides: Mapping[str, Any]) -> None:
        self._host = host
        self._name = name
        self._namespace = namespace
        self._publishers: list[BusPublisher] = []
        self._subscriptions: list[BusSubscription] = []
        self._services: list[BusService] = []
        self._clients: list[BusClient] = []
        self._timers: list[Timer] = []
        full = self.get_fully_qualified_name()
        self._logger = logging.getLogger(full[1:].replace("/", "."))
        self._parameters = NodeParameters(f"node '{full}'", overrides)
        self._parameters.declare("use_sim_time", False)

    def get_name(self) -> str:
        return self._name

    def get_namespace(self) -> str:
        return self._namespace

    def get_fully_qualified_name(self) -> str:
        return f"{self._namespace.rstrip('/')}/{self._name}"

    def get_clock(self) -> SimulatedClock:
        return self._host.clock

    def get_logger(self) -> logging.Logger:
        return self._logger

    def resolve_topic_name(self, topic: str) -> str:
        return names.resolve(topic, self._namespace, self._name)

    def get_publishers_info_by_topic(self, topic_name: str) -> list[EndpointInfo]:
        """One for each publisher of a topic."""
        owners = self._host.bus.publishers(self.resolve_topic_name(topic_name))
        return [EndpointInfo(*reversed(owner.rsplit("/", 1))) for owner in owners]

    def count_publishers(self, topic_name: str) -> int:
        return self._host.bus.counts(self.resolve_topic_name(topic_name))[0]

    def count_subscribers(self, topic_name: str) -> int:
        return self._host.bus.counts(self.resolve_topic_name(topic_name))[1]

    def endpoints(self) -> Endpoints:
        """What it has now."""
        return Endpoints(
            frozenset(one.topic_name for one in self._publishers),
            frozenset(one.topic_name for one in self._subscriptions),
            frozenset(one.srv_name for one in self._services),
            frozenset(one.srv_name for one in self._clients),
        )

    # topics -------------------------------------------------------------------------------------------------------

    def create_publisher(self, msg_type: Any, topic: str, qos_profile: Any, **_ignored: Any) -> BusPublisher:
        """``qos_profile``: a profile, or a depth. Raises TakeadError where the topic carries another type."""
        full = self.resolve_topic_name(topic)
        publisher = self._host.bus.add_publisher(full, msg_type, self.get_fully_qualified_name(), _profile(qos_profile))
        self._publishers.append(publisher)
        return publisher

    def create_subscription(
        self,
        msg_type: Any,
        topic: str,
        callback: Callable[..., None],
        qos_profile: Any,
        *,
        raw: bool = False,
        **_ignored: Any,
    ) -> BusSubscription:
        """As ``create_publisher``; with ``raw`` the callback gets the CDR bytes; one of two arguments also gets a dict
        with the message's ``publication_sequence_number``."""
        subscription = self._host.bus.add_subscription(
            self.resolve_topic_name(topic),
            msg_type,
            self.get_fully_qualified_name(),
            callback,
            _profile(qos_profile),
            raw,
        )
        self._subscriptions.append(subscription)
        return subscription

    def destroy_publisher(self, publisher: BusPublisher) -> bool:
        self._publishers.remove(publisher)
        self._host.bus.remove_publisher(publisher)
        return True

    def destroy_subscription(self, subscription: BusSubscription) -> bool:
        self._subscriptions.remove(subscription)
        self._host.bus.remove_subscription(subscription)
        return True

    # timers -------------------------------------------------------------------------------------------------------

    def create_timer(
        self, timer_period_sec: float, callback: Callable[[], None], callback_group: Any = None, clock: Any = None
    ) -> Timer:
        """First call one period from now, by ``clock`` (default: the node's own)."""
        period_ns = int(float(timer_period_sec) * 1e9)
        where = f"node '{self.get_fully_qualified_name()}'"
        if period_ns <= 0:
            raise TakeadError(f"{where}: timer period {timer_period_sec} s, expected more than 0")
        if clock is not None and clock is not self._host.clock and clock is not self._host.steady:
            raise TakeadError(f"{where}: a timer's clock must be the host's 'clock' or 'steady', got {clock!r}")
        timer = Timer(period_ns, callback, clock or self._host.clock, f"{where}, timer of {timer_period_sec} s")
        self._timers.append(timer)
        self._host.add_timer(timer)
        return timer

    def destroy_timer(self, timer: Timer) -> bool:
        self._timers.remove(timer)
        self._host.remove_timer(timer)
        return True

    # services -----------------------------------------------------------------------------------------------------

    def create_service(
        self, srv_type: Any, srv_name: str, callback: Callable[[Any, Any], Any], **_ignored: Any
    ) -> BusService:
        """``callback(request, response) -> response``. Raises TakeadError where the service is offered already."""
        service = self._host.services.add(
            self.resolve_topic_name(srv_name), srv_type, self.get_fully_qualified_name(), callback
        )
        self._services.append(service)
        return service

    def create_client(self, srv_type: Any, srv_name: str, **_ignored: Any) -> BusClient:
        client = BusClient(
            self._host.services, self.resolve_topic_name(srv_name), srv_type, self.get_fully_qualified_name()
        )
        self._clients.append(client)
        return client

    def destroy_service(self, service: BusService) -> bool:
        self._services.remove(service)
        self._host.services.remove(service)
        return True

    def destroy_client(self, client: BusClient) -> bool:
        self._clients.remove(client)
        client.destroyed = True
        return True

    # parameters ---------------------------------------------------------------------------------------------------

    def declare_parameter(self, name: str, value: Any = None, descriptor: Any = None) -> Parameter:
        return self._parameters.declare(name, value, descriptor)

    def declare_parameters(self, namespace: str, parameters: Sequence[Any]) -> list[Parameter]:
        """Each of ``parameters`` is (name), (name, default) or (name, default, descriptor)."""
        prefix = f"{namespace}." if namespace else ""
        entries = [(entry,) if isinstance(entry, str) else entry for entry in parameters]
        return [self._parameters.declare(prefix + name, *rest) for name, *rest in entries]

    def has_parameter(self, name: str) -> bool:
        return self._parameters.has(name)

    def get_parameter(self, name: str) -> Parameter:
        return self._parameters.get(name)

    def get_parameters(self, names: Sequence[str]) -> list[Parameter]:
        return [self._parameters.get(name) for name in names]

    def get_parameters_by_prefix(self, prefix: str) -> dict[str, Parameter]:
        return self._parameters.by_prefix(prefix)

    def set_parameters(self, parameters: Sequence[Any]) -> list[Any]:
        """A SetParametersResult for each; anything with ``name`` and ``value`` is a parameter."""
        return self._parameters.set(parameters)

    def add_on_set_parameters_callback(self, callback: Callable[[Sequence[Any]], Any]) -> None:
        self._parameters.guard(callback)

    def undeclared_overrides(self) -> list[str]:
        """Names of overrides that the node did not declare (rclpy ignores these silently)."""
        return self._parameters.undeclared_overrides()

    # end ----------------------------------------------------------------------------------------------------------

    def destroy_node(self) -> None:
        """Take the node off the host at once; messages to it that are under way are lost, latched ones vanish."""
        for publisher in list(self._publishers):
            self.destroy_publisher(publisher)
        for subscription in list(self._subscriptions):
            self.destroy_subscription(subscription)
        for service in list(self._services):
            self.destroy_service(service)
        for client in list(self._clients):
            self.destroy_client(client)
        for timer in list(self._timers):
            self.destroy_timer(timer)
        self._host.remove_node(self)


def _profile(profile: Any) -> Any:
    return qos.QoSProfile(depth=profile) if isinstance(profile, int) else profile
