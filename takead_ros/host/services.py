"""Services of the lockstep host: requests and answers wait their turn in the bus's one queue."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from takead_ros.domain.errors import TakeadError
from takead_ros.host.bus import Bus, guarded
from takead_ros.messages import codec


class Services:
    """All services of one host, by name."""

    def __init__(self, bus: Bus) -> None:
        self.bus = bus
        self._offered: dict[str, BusService] = {}

    def add(self, name: str, srv_type: Any, owner: str, callback: Callable[[Any, Any], Any]) -> BusService:
        if name in self._offered:
            raise TakeadError(f"service '{name}' is already offered by node '{self._offered[name].owner}'")
        self._offered[name] = BusService(name, srv_type, owner, callback)
        return self._offered[name]

    def remove(self, service: BusService) -> None:
        del self._offered[service.srv_name]

    def find(self, name: str, srv_type: Any) -> BusService | None:
        """Raises TakeadError where the service is of another type."""
        service = self._offered.get(name)
        if service and codec.type_name(service.srv_type) != codec.type_name(srv_type):
            raise TakeadError(
                f"service '{name}' is a {codec.type_name(service.srv_type)}, not a {codec.type_name(srv_type)}"
            )
        return service


class BusService:
    def __init__(self, name: str, srv_type: Any, owner: str, callback: Callable[[Any, Any], Any]) -> None:
        self.srv_name = name
        self.srv_type = srv_type
        self.owner = owner
        self.callback = callback

    def answer(self, request: Any) -> Any:
        """The response to ``request``. Raises TypeError where the callback returns something else."""
        where = f"node '{self.owner}', service '{self.srv_name}'"
        response = guarded(where, self.callback, request, self.srv_type.Response())
        if not isinstance(response, self.srv_type.Response):
            raise TypeError(f"{where}: expected a {self.srv_type.__name__}.Response, got {type(response).__name__}")
        return response


class Future:
    """What ``call_async`` gives: done once the host has run the service, like ``rclpy.task.Future``."""

    def __init__(self) -> None:
        self._done = False
        self._result: Any = None
        self._callbacks: list[Callable[[Future], Any]] = []

    def done(self) -> bool:
        return self._done

    def result(self) -> Any:
        """The response, or None as long as there is none."""
        return self._result

    def add_done_callback(self, callback: Callable[[Future], Any]) -> None:
        if self._done:
            callback(self)
        else:
            self._callbacks.append(callback)

    def set_result(self, result: Any) -> None:
        self._done, self._result = True, result
        for callback in self._callbacks:
            callback(self)


class BusClient:
    def __init__(self, services: Services, name: str, srv_type: Any, owner: str) -> None:
        self._services = services
        self.srv_name = name
        self.srv_type = srv_type
        self.where = f"node '{owner}', client of service '{name}'"
        self.destroyed = False
        self._pending: set[Future] = set()

    def service_is_ready(self) -> bool:
        return self._services.find(self.srv_name, self.srv_type) is not None

    def wait_for_service(self, timeout_sec: float | None = None) -> bool:
        """Whether the service is there. No time passes while a callback runs, so there is nothing to wait for."""
        return self.service_is_ready()

    def call_async(self, request: Any) -> Future:
        """Send a request; without a service nobody answers, as in ROS. Raises TypeError for a wrong request."""
        if not isinstance(request, self.srv_type.Request):
            raise TypeError(f"{self.where}: expected a {self.srv_type.__name__}.Request, got {type(request).__name__}")
        future = Future()
        if self.service_is_ready():
            self._pending.add(future)
            self._services.bus.defer(lambda: self._serve(request, future))
        return future

    def remove_pending_request(self, future: Future) -> None:
        """Forget a request: an answer that still comes is not heard."""
        self._pending.discard(future)

    def _serve(self, request: Any, future: Future) -> None:
        service = self._services.find(self.srv_name, self.srv_type)
        if service:
            response = service.answer(request)
            self._services.bus.defer(lambda: self._receive(response, future))

    def _receive(self, response: Any, future: Future) -> None:
        if future in self._pending and not self.destroyed:
            self._pending.discard(future)
            guarded(self.where, future.set_result, response)
