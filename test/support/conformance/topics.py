"""Topics: order, queues, quality of service, names, and what is left of them when a node is destroyed."""

from __future__ import annotations

from typing import Any

import pytest

from takead_ros.host import qos, wiring
from takead_ros.messages import codec, interfaces, types
from takead_ros.messages.interfaces import Qos

DEEP = qos.profile(Qos(10))
BEST_EFFORT, LATCHED = qos.profile(Qos(1, reliable=False)), qos.profile(Qos(1, latched=True))
RELIABLE, DEADLINE = qos.profile(Qos(1)), qos.profile(Qos(1, deadline_s=0.1))


def said(*texts: str) -> list[Any]:
    return [types.String(data=text) for text in texts]


class ConformanceOfTopics:
    @staticmethod
    def pair(driver: Any, offered: Any, requested: Any) -> tuple[Any, list[str]]:
        """A publisher and what a subscription of another node hears from it."""
        heard: list[str] = []
        publisher = driver.node("talker").create_publisher(types.String, "chatter", offered)
        driver.node("listener").create_subscription(
            types.String, "chatter", lambda msg: heard.append(msg.data), requested
        )
        driver.settle()
        return publisher, heard

    def test_messages_arrive_in_the_order_of_publishing(self, driver: Any) -> None:
        publisher, heard = self.pair(driver, DEEP, DEEP)
        for msg in said("a", "b", "c", "d"):
            publisher.publish(msg)
        driver.settle()
        assert heard == ["a", "b", "c", "d"]

    def test_nothing_is_delivered_inside_publish(self, driver: Any) -> None:
        publisher, heard = self.pair(driver, DEEP, DEEP)
        publisher.publish(said("a")[0])
        assert heard == []

    @pytest.mark.parametrize("depth", [1, 2, 4])
    def test_a_queue_keeps_the_last_depth_messages(self, driver: Any, depth: int) -> None:
        publisher, heard = self.pair(driver, DEEP, qos.QoSProfile(depth=depth))
        for msg in said("a", "b", "c", "d", "e"):
            publisher.publish(msg)
        driver.settle()
        assert heard == ["a", "b", "c", "d", "e"][-depth:]

    def test_an_integer_is_a_depth(self, driver: Any) -> None:
        publisher, heard = self.pair(driver, 10, 2)
        for msg in said("a", "b", "c"):
            publisher.publish(msg)
        driver.settle()
        assert heard == ["b", "c"]

    def test_every_subscription_gets_its_own_copy_of_the_stream(self, driver: Any) -> None:
        publisher, heard = self.pair(driver, DEEP, DEEP)
        other: list[str] = []
        driver.node("third").create_subscription(types.String, "chatter", lambda msg: other.append(msg.data), DEEP)
        driver.settle()
        publisher.publish(said("a")[0])
        driver.settle()
        assert heard == other == ["a"]

    def test_a_callback_may_publish(self, driver: Any) -> None:
        publisher, heard = self.pair(driver, DEEP, DEEP)
        echo = driver.node("echo")
        answer = echo.create_publisher(types.String, "answer", DEEP)
        echo.create_subscription(types.String, "chatter", lambda msg: answer.publish(said(msg.data * 2)[0]), DEEP)
        answers: list[str] = []
        driver.node("asker").create_subscription(types.String, "answer", lambda msg: answers.append(msg.data), DEEP)
        driver.settle()
        publisher.publish(said("ab")[0])
        driver.settle()
        assert (heard, answers) == (["ab"], ["abab"])

    def test_a_latched_message_reaches_a_late_subscription(self, driver: Any) -> None:
        publisher = driver.node("talker").create_publisher(types.String, "chatter", LATCHED)
        for msg in said("a", "b"):
            publisher.publish(msg)
        driver.settle()
        late = driver.node("late")
        latched: list[str] = []
        volatile: list[str] = []
        late.create_subscription(types.String, "chatter", lambda msg: latched.append(msg.data), LATCHED)
        late.create_subscription(types.String, "chatter", lambda msg: volatile.append(msg.data), DEEP)
        driver.settle()
        assert (latched, volatile) == (["b"], [])
        publisher.publish(said("c")[0])
        driver.settle()
        assert (latched, volatile) == (["b", "c"], ["c"])

    @pytest.mark.parametrize(
        ("offered", "requested", "connected"),
        [
            (BEST_EFFORT, RELIABLE, False),  # best effort offered, reliable requested
            (RELIABLE, BEST_EFFORT, True),
            (BEST_EFFORT, BEST_EFFORT, True),
            (RELIABLE, LATCHED, False),  # volatile offered, transient local requested
            (LATCHED, RELIABLE, True),
            (RELIABLE, DEADLINE, False),  # no deadline offered, one requested
            (DEADLINE, RELIABLE, True),
            (DEADLINE, DEADLINE, True),
        ],
    )
    def test_incompatible_qos_connects_nobody(self, driver: Any, offered: Any, requested: Any, connected: bool) -> None:
        publisher, heard = self.pair(driver, offered, requested)
        publisher.publish(said("a")[0])
        driver.settle()
        assert heard == (["a"] if connected else [])

    def test_raw_subscriptions_get_the_bytes(self, driver: Any) -> None:
        heard: list[bytes] = []
        publisher = driver.node("talker").create_publisher(types.DriveCommand, "command", DEEP)
        driver.node("listener").create_subscription(types.DriveCommand, "command", heard.append, DEEP, raw=True)
        driver.settle()
        msg = types.DriveCommand(steering_angle=0.25, lateral_source=types.DriveCommand.HUMAN, reason="human")
        publisher.publish(msg)
        driver.settle()
        assert len(heard) == 1 and isinstance(heard[0], bytes)
        assert codec.deserialize(heard[0], "takead_ros/msg/DriveCommand") == msg

    def test_bytes_may_be_published(self, driver: Any) -> None:
        publisher, heard = self.pair(driver, DEEP, DEEP)
        publisher.publish(codec.serialize(said("a")[0]))
        driver.settle()
        assert heard == ["a"]

    def test_another_class_cannot_be_published(self, driver: Any) -> None:
        publisher, _ = self.pair(driver, DEEP, DEEP)
        with pytest.raises(TypeError):
            publisher.publish(types.DriveCommand())

    @pytest.mark.parametrize(
        ("name", "full"),
        [
            ("scene", "/takead/scene"),
            ("policy/output", "/takead/policy/output"),
            ("/joy", "/joy"),
            ("~/status", "/takead/talker/status"),
        ],
    )
    def test_names_are_relative_absolute_or_private(self, driver: Any, name: str, full: str) -> None:
        heard: list[str] = []
        talker = driver.node("talker")
        assert talker.resolve_topic_name(name) == full
        publisher = talker.create_publisher(types.String, name, DEEP)
        driver.node("listener", namespace="/elsewhere").create_subscription(
            types.String, full, lambda msg: heard.append(msg.data), DEEP
        )
        driver.settle()
        publisher.publish(said("a")[0])
        driver.settle()
        assert heard == ["a"]

    @pytest.mark.parametrize("name", ["", "a//b", "a/", "9lives", "with space", "a~b", "a-b"])
    def test_an_invalid_name_is_refused(self, driver: Any, name: str) -> None:
        with pytest.raises(driver.name_errors):
            driver.node("talker").create_publisher(types.String, name, DEEP)

    def test_a_node_knows_its_names(self, driver: Any) -> None:
        node = driver.node("talker", namespace="/ego/takead")
        assert node.get_name() == "talker"
        assert node.get_namespace() == "/ego/takead"
        assert node.get_fully_qualified_name() == "/ego/takead/talker"
        # rclpy allows one severity for each line of code
        node.get_logger().debug("a message")
        node.get_logger().info("a message")
        node.get_logger().warning("a message")
        node.get_logger().error("a message")

    def test_a_destroyed_node_neither_hears_nor_speaks(self, driver: Any) -> None:
        publisher, heard = self.pair(driver, LATCHED, DEEP)
        publisher.publish(said("a")[0])
        driver.settle()
        watcher = driver.node("watcher")
        ticks: list[int] = []
        doomed = driver.node("doomed")
        doomed_heard: list[str] = []
        doomed.create_subscription(types.String, "chatter", lambda msg: doomed_heard.append(msg.data), DEEP)
        latched = doomed.create_publisher(types.String, "last_words", LATCHED)
        doomed.create_timer(0.1, lambda: ticks.append(1))
        wiring.server(doomed, interfaces.ENGAGE, lambda request, response: response)
        latched.publish(said("x")[0])
        driver.settle()
        assert watcher.count_publishers("last_words") == 1
        doomed.destroy_node()
        publisher.publish(said("b")[0])
        late: list[str] = []
        watcher.create_subscription(types.String, "last_words", lambda msg: late.append(msg.data), LATCHED)
        driver.advance(0.5)
        driver.settle()
        assert (heard, doomed_heard, ticks, late) == (["a", "b"], [], [], [])
        assert watcher.count_publishers("last_words") == 0
        assert not wiring.client(watcher, interfaces.ENGAGE).service_is_ready()

    def test_a_destroyed_subscription_hears_nothing(self, driver: Any) -> None:
        heard: list[str] = []
        publisher = driver.node("talker").create_publisher(types.String, "chatter", DEEP)
        listener = driver.node("listener")
        subscription = listener.create_subscription(types.String, "chatter", lambda m: heard.append(m.data), DEEP)
        driver.settle()
        publisher.publish(said("a")[0])
        driver.settle()
        listener.destroy_subscription(subscription)
        publisher.publish(said("b")[0])
        driver.settle()
        assert heard == ["a"]
