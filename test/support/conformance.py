"""What a node may rely on, whichever host it runs in. One suite, written against the node handle and a small driver.

A subclass gives a ``driver`` fixture with
    node(name, namespace="/takead", overrides=None)   a node handle
    settle()                                          deliver everything under way
    advance(seconds)                                  let the nodes' clock run on, timers firing
    parameter(name, value)                            something that ``set_parameters`` takes
    parameter_errors                                  exceptions for a parameter that is refused
    name_errors                                       exceptions for an invalid topic or service name
"""

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


class Conformance:
    """Collected through its subclasses only."""

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

    # topics -------------------------------------------------------------------------------------------------------

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

    # names --------------------------------------------------------------------------------------------------------

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

    # destroy ------------------------------------------------------------------------------------------------------

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

    # time ---------------------------------------------------------------------------------------------------------

    def test_timers_fire_once_each_period(self, driver: Any) -> None:
        node = driver.node("ticker")
        start = node.get_clock().now().nanoseconds
        fast: list[int] = []
        slow: list[int] = []
        node.create_timer(0.05, lambda: fast.append(node.get_clock().now().nanoseconds - start))
        node.create_timer(0.1, lambda: slow.append(node.get_clock().now().nanoseconds - start))
        driver.advance(0.5)
        assert fast == [50_000_000 * i for i in range(1, 11)]
        assert slow == [100_000_000 * i for i in range(1, 6)]
        assert node.get_clock().now().nanoseconds - start == 500_000_000

    def test_a_cancelled_timer_is_silent_until_it_is_reset(self, driver: Any) -> None:
        node = driver.node("ticker")
        ticks: list[int] = []
        timer = node.create_timer(0.1, lambda: ticks.append(1))
        driver.advance(0.2)
        timer.cancel()
        assert timer.is_canceled()
        driver.advance(0.3)
        assert len(ticks) == 2
        timer.reset()
        assert not timer.is_canceled()
        driver.advance(0.1)
        assert len(ticks) == 3
        node.destroy_timer(timer)
        driver.advance(0.3)
        assert len(ticks) == 3

    # services -----------------------------------------------------------------------------------------------------

    def test_a_service_answers_its_client(self, driver: Any) -> None:
        server, caller = driver.node("server"), driver.node("caller")
        asked: list[str] = []

        def load(request: Any, response: Any) -> Any:
            asked.append(request.path)
            response.accepted, response.code, response.message = False, "missing", f"no such file: {request.path}"
            return response

        wiring.server(server, interfaces.LOAD_MODEL, load)
        client = wiring.client(caller, interfaces.LOAD_MODEL)
        driver.settle()
        assert client.wait_for_service(timeout_sec=2.0) and client.service_is_ready()
        future = client.call_async(types.LoadModel.Request(path="x.onnx"))
        assert not future.done()
        told: list[str] = []
        future.add_done_callback(lambda done: told.append(done.result().code))
        driver.settle()
        assert future.done() and told == ["missing"] and asked == ["x.onnx"]
        assert (future.result().accepted, future.result().message) == (False, "no such file: x.onnx")

    def test_a_request_that_is_forgotten_is_not_heard_of_again(self, driver: Any) -> None:
        server, caller = driver.node("server"), driver.node("caller")
        wiring.server(server, interfaces.LOAD_MODEL, lambda request, response: response)
        client = wiring.client(caller, interfaces.LOAD_MODEL)
        driver.settle()
        assert client.wait_for_service(timeout_sec=2.0)
        told: list[str] = []
        for word in ("forgotten", "kept"):
            future = client.call_async(types.LoadModel.Request(path=word))
            future.add_done_callback(lambda done, word=word: told.append(word))
            if word == "forgotten":
                client.remove_pending_request(future)
        driver.settle()
        assert told == ["kept"]

    def test_a_service_that_is_not_there_is_not_ready(self, driver: Any) -> None:
        client = wiring.client(driver.node("caller"), interfaces.ENGAGE)
        driver.settle()
        assert not client.service_is_ready()
        assert not client.wait_for_service(timeout_sec=0.01)

    def test_a_wrong_request_is_refused(self, driver: Any) -> None:
        client = wiring.client(driver.node("caller"), interfaces.LOAD_MODEL)
        with pytest.raises(TypeError):
            client.call_async(types.Bookmark.Request())

    # parameters ---------------------------------------------------------------------------------------------------

    def test_parameters_have_their_default_or_the_override(self, driver: Any) -> None:
        overrides = {"rate": 10.0, "limits.speed": 7.5, "names": ["x", "y"]}
        node = driver.node("tuned", overrides=overrides)
        declared = node.declare_parameters(
            "", [("rate", 20.0), ("engaged", False), ("retries", 3), ("label", "none"), ("names", ["a"])]
        )
        node.declare_parameters("limits", [("speed", 15.0, types.ParameterDescriptor(description="m/s"))])
        assert [parameter.value for parameter in declared[:4]] == [10.0, False, 3, "none"]
        assert list(node.get_parameter("names").value) == ["x", "y"]
        assert node.get_parameter("limits.speed").value == 7.5
        assert node.has_parameter("rate") and not node.has_parameter("speed")

    @pytest.mark.parametrize(
        ("default", "given"), [(20.0, 20), (3, 3.5), ("text", True), (False, 1), (["a"], "a"), ([1.0], ["a"])]
    )
    def test_an_override_of_another_type_is_refused(self, driver: Any, default: Any, given: Any) -> None:
        node = driver.node("tuned", overrides={"value": given})
        with pytest.raises(driver.parameter_errors):
            node.declare_parameters("", [("value", default)])

    def test_undeclared_twice_declared_and_valueless_parameters_are_refused(self, driver: Any) -> None:
        node = driver.node("tuned")
        node.declare_parameters("", [("rate", 20.0)])
        with pytest.raises(driver.parameter_errors):
            node.get_parameter("rat")
        with pytest.raises(driver.parameter_errors):
            node.set_parameters([driver.parameter("rat", 1.0)])
        with pytest.raises(driver.parameter_errors):
            node.declare_parameters("", [("rate", 10.0)])
        with pytest.raises(driver.parameter_errors):
            node.declare_parameters("", [("bare", None)])

    def test_setting_a_parameter_keeps_its_type(self, driver: Any) -> None:
        node = driver.node("tuned")
        node.declare_parameters("", [("rate", 20.0), ("label", "none")])
        wrong, right = node.set_parameters([driver.parameter("rate", 10), driver.parameter("label", "fast")])
        assert (wrong.successful, right.successful) == (False, True)
        assert "type" in wrong.reason
        assert (node.get_parameter("rate").value, node.get_parameter("label").value) == (20.0, "fast")

    def test_descriptors_bound_a_parameter(self, driver: Any) -> None:
        node = driver.node("tuned")
        share = types.ParameterDescriptor(
            floating_point_range=[types.FloatingPointRange(from_value=0.0, to_value=1.0, step=0.0)]
        )
        count = types.ParameterDescriptor(integer_range=[types.IntegerRange(from_value=1, to_value=9, step=0)])
        fixed = types.ParameterDescriptor(read_only=True)
        loose = types.ParameterDescriptor(dynamic_typing=True)
        node.declare_parameters("", [("share", 0.5, share), ("count", 2, count), ("fixed", "x", fixed)])
        node.declare_parameters("", [("loose", 1, loose)])
        values = [("share", 1.5), ("share", float("nan")), ("share", 1.0), ("count", 10), ("count", 9), ("fixed", "y")]
        results = node.set_parameters([driver.parameter(name, value) for name, value in [*values, ("loose", "text")]])
        assert [result.successful for result in results] == [False, False, True, False, True, False, True]
        names = ("share", "count", "fixed", "loose")
        assert [node.get_parameter(name).value for name in names] == [1.0, 9, "x", "text"]
        with pytest.raises(driver.parameter_errors):
            driver.node("other", overrides={"share": 2.0}).declare_parameters("", [("share", 0.5, share)])

    def test_a_callback_may_refuse_a_change(self, driver: Any) -> None:
        node = driver.node("tuned")
        node.declare_parameters("", [("rate", 20.0)])
        seen: list[tuple[str, Any]] = []

        def judge(parameters: Any) -> Any:
            seen.extend((parameter.name, parameter.value) for parameter in parameters)
            fine = all(parameter.value > 0.0 for parameter in parameters)
            return types.SetParametersResult(successful=fine, reason="" if fine else "rate must be positive")

        node.add_on_set_parameters_callback(judge)
        (refused,) = node.set_parameters([driver.parameter("rate", -1.0)])
        (accepted,) = node.set_parameters([driver.parameter("rate", 5.0)])
        assert (refused.successful, refused.reason) == (False, "rate must be positive")
        assert accepted.successful and node.get_parameter("rate").value == 5.0
        assert seen == [("rate", -1.0), ("rate", 5.0)]
