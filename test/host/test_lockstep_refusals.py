"""What the lockstep host refuses, and whom it names: callbacks that raise, names, types, services, changed messages."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from takead_ros.domain.errors import TakeadError
from takead_ros.host import qos, wiring
from takead_ros.host.bus import CallbackError
from takead_ros.host.lockstep import LockstepHost
from takead_ros.messages import interfaces, types
from takead_ros.messages.encoder import StaticSequence
from takead_ros.messages.interfaces import Qos

MS = 1_000_000
DEEP = qos.profile(Qos(10))
BEST_EFFORT, LATCHED = qos.profile(Qos(1, reliable=False)), qos.profile(Qos(1, latched=True))


def text(data: str) -> Any:
    return types.String(data=data)


def test_what_a_callback_raises_names_node_and_topic() -> None:
    host = LockstepHost()
    node = host.create_node("fragile")

    def break_down(msg: Any) -> None:
        raise ZeroDivisionError("by zero")

    node.create_subscription(types.String, "scene", break_down, DEEP)
    host.create_node("talker").create_publisher(types.String, "scene", DEEP).publish(text("x"))
    with pytest.raises(CallbackError, match="node '/takead/fragile', topic '/takead/scene': ZeroDivisionError") as info:
        host.advance(0)
    assert isinstance(info.value.__cause__, ZeroDivisionError)


def test_bad_input_in_a_timer_or_service_stays_bad_input() -> None:
    host = LockstepHost()
    node = host.create_node("fragile")

    def refuse(*_: Any) -> None:
        raise TakeadError("model.onnx: truncated")

    timer = node.create_timer(0.1, refuse)
    with pytest.raises(TakeadError, match=r"node '/takead/fragile', timer of 0.1 s: model.onnx: truncated"):
        host.advance(100 * MS)
    node.destroy_timer(timer)
    wiring.server(node, interfaces.ENGAGE, refuse)
    wiring.client(node, interfaces.ENGAGE).call_async(types.Engage.Request())
    with pytest.raises(TakeadError, match=r"service '/takead/engage': model\.onnx"):
        host.advance(0)


def test_a_topic_has_one_type() -> None:
    host = LockstepHost()
    node = host.create_node("node")
    node.create_publisher(types.DriveCommand, "command", DEEP)
    with pytest.raises(TakeadError, match="'/takead/command' carries takead_ros/msg/DriveCommand, not std_msgs"):
        node.create_subscription(types.String, "command", print, DEEP)
    node.destroy_node()
    host.create_node("other").create_publisher(types.String, "command", DEEP)


def test_a_service_has_one_server_and_one_type() -> None:
    host = LockstepHost()
    node = host.create_node("node")
    wiring.server(node, interfaces.ENGAGE, lambda request, response: response)
    with pytest.raises(TakeadError, match="already offered by node '/takead/node'"):
        wiring.server(node, interfaces.ENGAGE, lambda request, response: response)
    with pytest.raises(TakeadError, match="is a takead_ros/srv/Engage, not a takead_ros/srv/Bookmark"):
        node.create_client(types.Bookmark, "engage").service_is_ready()


def test_a_service_must_return_its_response() -> None:
    host = LockstepHost()
    node = host.create_node("node")
    wiring.server(node, interfaces.ENGAGE, lambda request, response: None)
    wiring.client(node, interfaces.ENGAGE).call_async(types.Engage.Request())
    with pytest.raises(TypeError, match=r"expected a Engage\.Response, got NoneType"):
        host.advance(0)


def test_a_call_to_a_server_that_dies_first_is_never_answered() -> None:
    host = LockstepHost()
    server = host.create_node("server")
    wiring.server(server, interfaces.ENGAGE, lambda request, response: response)
    future = wiring.client(host.create_node("caller"), interfaces.ENGAGE).call_async(types.Engage.Request())
    server.destroy_node()
    host.advance(0)
    assert not future.done() and future.result() is None


@pytest.mark.parametrize(("name", "namespace"), [("a b", "/takead"), ("", "/takead"), ("a", "/x//y"), ("a", "/1x")])
def test_invalid_node_names_are_refused(name: str, namespace: str) -> None:
    with pytest.raises(TakeadError, match="invalid"):
        LockstepHost().create_node(name, namespace)


def test_two_nodes_cannot_share_a_name_at_the_same_time() -> None:
    host = LockstepHost()
    node = host.create_node("node")
    with pytest.raises(TakeadError, match="already a node '/takead/node'"):
        host.create_node("node")
    node.destroy_node()
    host.create_node("node")


def test_incompatible_qos_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    host = LockstepHost()
    host.create_node("talker").create_publisher(types.String, "x", BEST_EFFORT)
    with caplog.at_level(logging.WARNING):
        host.create_node("listener").create_subscription(types.String, "x", print, LATCHED)
    assert "node '/takead/listener', topic '/takead/x' gets nothing from node '/takead/talker'" in caplog.text
    assert "RELIABILITY" in caplog.text


def test_a_subscriber_that_changes_a_message_is_found() -> None:
    host = LockstepHost(check_mutation=True)
    node = host.create_node("vandal")
    publisher = host.create_node("talker").create_publisher(types.Joy, "joy", DEEP)

    def change(msg: Any) -> None:
        msg.axes[0] = 2.0

    node.create_subscription(types.Joy, "joy", change, DEEP)
    publisher.publish(types.Joy(axes=[1.0]))
    with pytest.raises(CallbackError, match="changed by node '/takead/vandal', topic '/takead/joy'"):
        host.advance(0)


def test_a_changed_piece_of_the_map_is_found_although_its_bytes_are_kept() -> None:
    host = LockstepHost(check_mutation=True)
    publisher = host.create_node("talker").create_publisher(types.Scene, "scene", DEEP)

    def change(msg: Any) -> None:
        msg.polylines[0].id = 7

    host.create_node("vandal").create_subscription(types.Scene, "scene", change, DEEP)
    publisher.publish(types.Scene(polylines=StaticSequence([types.Polyline(id=1)])))
    with pytest.raises(CallbackError, match="changed by node '/takead/vandal'"):
        host.advance(0)


def test_a_publisher_that_changes_what_it_published_is_found() -> None:
    host = LockstepHost(check_mutation=True)
    node = host.create_node("vandal")
    publisher = node.create_publisher(types.String, "x", DEEP)
    node.create_subscription(types.String, "x", lambda msg: None, DEEP)
    msg = text("x")
    publisher.publish(msg)
    msg.data = "y"
    with pytest.raises(CallbackError, match="before it was delivered"):
        host.advance(0)
