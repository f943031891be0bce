"""Timers and services."""

from __future__ import annotations

from typing import Any

import pytest

from takead_ros.host import wiring
from takead_ros.messages import interfaces, types


class ConformanceOfCalls:
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
