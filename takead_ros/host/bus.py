"""Topics of the lockstep host: who is connected to whom, and one queue of deliveries in order.

A subscription keeps the last ``depth`` messages, a transient-local publisher its own last ``depth`` for those who
come later; incompatible QoS connects nobody and is logged. Messages are handed over by reference.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from typing import Any

from takead_ros.domain.errors import TakeadError
from takead_ros.host import qos
from takead_ros.host.api import takes_info
from takead_ros.messages import codec

_LOG = logging.getLogger(__name__)


class CallbackError(Exception):
    """A node's callback raised; the message says which node and topic, timer or service, the cause says why."""


def guarded(where: str, callback: Callable[..., Any], *arguments: Any) -> Any:
    """``callback(*arguments)``; what it raises comes out naming ``where`` (bad input stays a TakeadError)."""
    try:
        return callback(*arguments)
    except TakeadError as error:
        raise TakeadError(f"{where}: {error}") from error
    except Exception as error:
        raise CallbackError(f"{where}: {type(error).__name__}: {error}") from error


class BusSubscription:
    def __init__(self, topic: BusTopic, owner: str, callback: Callable[..., None], profile: Any, raw: bool) -> None:
        self.topic_name = topic.name
        self.qos_profile = profile
        self.raw = raw
        self.where = f"node '{owner}', topic '{topic.name}'"
        self.callback = callback
        self.wants_info = takes_info(callback)
        self.queue: deque[Delivery] = deque()
        self.dropped = 0  # messages that a newer one pushed out of the full queue

    def take(self, delivery: Delivery) -> None:
        if len(self.queue) >= self.qos_profile.depth:
            self.queue.popleft().subscription = None
            self.dropped += 1
        self.queue.append(delivery)


class Delivery:
    """One message on its way to one subscription; ``subscription`` None: it was pushed out of the queue."""

    __slots__ = ("content", "data", "number", "subscription")

    def __init__(self, subscription: BusSubscription | None, content: Any, data: bytes | None, number: int) -> None:
        self.subscription = subscription
        self.content = content
        self.number = number  # its publisher's count
        self.data = data  # CDR bytes at the time of publishing, where the host watches for mutation


class BusPublisher:
    def __init__(self, bus: Bus, topic: BusTopic, msg_type: Any, owner: str, profile: Any) -> None:
        self._bus = bus
        self._topic = topic
        self._msg_type = msg_type
        self.topic_name = topic.name
        self.owner = owner
        self.qos_profile = profile
        self.connected: list[BusSubscription] = []
        self.sent = 0
        self.kept: deque[tuple[Any, int]] = deque(maxlen=profile.depth if qos.latched(profile) else 0)

    def publish(self, msg: Any) -> None:
        """Queue a message, or CDR bytes of one, for every connected subscription.

        Raises TypeError where it is of another class.
        """
        if isinstance(msg, bytes):
            msg = codec.deserialize(msg, codec.type_name(self._msg_type))
        elif not isinstance(msg, self._msg_type):
            raise TypeError(f"topic '{self.topic_name}': expected {self._msg_type.__name__}, got {type(msg).__name__}")
        self.sent += 1
        if self.kept.maxlen:
            self.kept.append((msg, self.sent))
        self._bus.enqueue(msg, self.connected, self.sent)

    def get_subscription_count(self) -> int:
        return len(self.connected)


class BusTopic:
    def __init__(self, name: str, type_name: str) -> None:
        self.name = name
        self.type_name = type_name
        self.publishers: list[BusPublisher] = []
        self.subscriptions: list[BusSubscription] = []

    def compatible(self, publisher: BusPublisher, subscription: BusSubscription) -> bool:
        reason = qos.incompatibility(publisher.qos_profile, subscription.qos_profile)
        if reason:
            _LOG.warning(
                "%s gets nothing from node '%s': incompatible QoS, %s", subscription.where, publisher.owner, reason
            )
        return reason is None


class Bus:
    """All topics of one host. ``check_mutation``: see LockstepHost."""

    def __init__(self, check_mutation: bool) -> None:
        self._check_mutation = check_mutation
        self._topics: dict[str, BusTopic] = {}
        self._pending: deque[Delivery | Callable[[], None]] = deque()

    def topic(self, name: str, msg_type: Any) -> BusTopic:
        """Raises TakeadError where the topic carries another type."""
        type_name = codec.type_name(msg_type)
        topic = self._topics.setdefault(name, BusTopic(name, type_name))
        if topic.type_name != type_name:
            raise TakeadError(f"topic '{name}' carries {topic.type_name}, not {type_name}")
        return topic

    def counts(self, name: str) -> tuple[int, int]:
        """Numbers of publishers and subscriptions on a topic."""
        topic = self._topics.get(name)
        return (len(topic.publishers), len(topic.subscriptions)) if topic else (0, 0)

    def publishers(self, name: str) -> list[str]:
        """Full names of the nodes that publish a topic, one for each publisher."""
        topic = self._topics.get(name)
        return [publisher.owner for publisher in topic.publishers] if topic else []

    def add_publisher(self, name: str, msg_type: Any, owner: str, profile: Any) -> BusPublisher:
        topic = self.topic(name, msg_type)
        publisher = BusPublisher(self, topic, msg_type, owner, profile)
        publisher.connected = [entry for entry in topic.subscriptions if topic.compatible(publisher, entry)]
        topic.publishers.append(publisher)
        return publisher

    def add_subscription(
        self, name: str, msg_type: Any, owner: str, callback: Callable[..., None], profile: Any, raw: bool
    ) -> BusSubscription:
        topic = self.topic(name, msg_type)
        subscription = BusSubscription(topic, owner, callback, profile, raw)
        topic.subscriptions.append(subscription)
        for publisher in topic.publishers:
            if topic.compatible(publisher, subscription):
                publisher.connected.append(subscription)
                if qos.latched(profile):
                    for msg, number in publisher.kept:
                        self.enqueue(msg, [subscription], number)
        return subscription

    def remove_publisher(self, publisher: BusPublisher) -> None:
        topic = self._topics[publisher.topic_name]
        topic.publishers.remove(publisher)
        publisher.connected = []
        self._forget(topic)

    def remove_subscription(self, subscription: BusSubscription) -> None:
        topic = self._topics[subscription.topic_name]
        topic.subscriptions.remove(subscription)
        for publisher in topic.publishers:
            if subscription in publisher.connected:
                publisher.connected.remove(subscription)
        for delivery in subscription.queue:
            delivery.subscription = None
        self._forget(topic)

    def _forget(self, topic: BusTopic) -> None:
        if not topic.publishers and not topic.subscriptions:
            del self._topics[topic.name]

    # delivery -----------------------------------------------------------------------------------------------------

    def enqueue(self, msg: Any, subscriptions: list[BusSubscription], number: int) -> None:
        data: bytes | None = codec.serialize(msg, anew=True) if self._check_mutation else None
        for subscription in subscriptions:
            if subscription.raw and data is None:
                data = codec.serialize(msg)
            content = data if subscription.raw else msg
            delivery = Delivery(subscription, content, data if self._check_mutation else None, number)
            subscription.take(delivery)
            self._pending.append(delivery)

    def defer(self, action: Callable[[], None]) -> None:
        """Put a step of a service call in line behind what is already under way."""
        self._pending.append(action)

    def drain(self) -> None:
        """Deliver everything, in the order of publishing, including what the callbacks publish."""
        pending = self._pending
        while pending:
            entry = pending.popleft()
            if not isinstance(entry, Delivery):
                entry()
                continue
            subscription = entry.subscription
            if subscription is None:
                continue
            subscription.queue.popleft()
            if entry.data is not None and not subscription.raw:
                self._check(entry, subscription, "before it was delivered to")
            more = ({"publication_sequence_number": entry.number},) if subscription.wants_info else ()
            guarded(subscription.where, subscription.callback, entry.content, *more)
            if entry.data is not None and not subscription.raw:
                self._check(entry, subscription, "by")

    @staticmethod
    def _check(delivery: Delivery, subscription: BusSubscription, how: str) -> None:
        if codec.serialize(delivery.content, anew=True) != delivery.data:
            raise CallbackError(f"a published message was changed {how} {subscription.where}: messages are shared")
