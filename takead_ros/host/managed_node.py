"""A node that others bring up and take down: ROS 2's managed ("lifecycle") node around a node class of the stack."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from rclpy.clock import Clock
from rclpy.lifecycle import LifecycleNodeMixin, LifecycleState, TransitionCallbackReturn
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy

from takead_ros.domain.errors import TakeadError
from takead_ros.host.api import takes_info
from takead_ros.host.ros_node import RosNode

SUCCESS, FAILURE, ERROR = (
    TransitionCallbackReturn.SUCCESS,
    TransitionCallbackReturn.FAILURE,
    TransitionCallbackReturn.ERROR,
)
CLOCK = "/clock"


class ManagedNode(LifecycleNodeMixin, RosNode):  # type: ignore[misc]  # rclpy has no types
    """Configure makes the node: it reads its parameters, loads and verifies what they name. Activate lets it work.

    While it is not active it publishes nothing, its timers rest, its services say ``inactive``, and what comes in is
    dropped, but for latched messages: they would not come again, and wait. Deactivate calls its ``pause()`` and cleanup
    its ``close()``, where it has them. What it cannot be made of (TakeadError) is logged and refuses the configure.

    Parameter ``autostart`` (default true): it brings itself up at the start, and what refuses it ends the process, as
    with a node that is not managed; false: a supervisor, or ``ros2 lifecycle``, asks for it.
    """

    def __init__(self, node_class: Any, steady: Clock, namespace: str) -> None:
        self._made: list[tuple[Callable[[Any], Any], Any]] | None = None  # to be undone at cleanup; None: not made yet
        Node.__init__(self, node_class.NAME, namespace=namespace)
        LifecycleNodeMixin.__init__(self, enable_communication_interface=True)
        self._service_change_state.callback = self._change_state(self._service_change_state.callback)
        self._class, self._steady = node_class, steady
        self._node: Any = None
        self.active = False
        self._latched: list[tuple[Callable[..., None], deque[tuple[Any, ...]]]] = []  # what waits, by callback
        self._broken: BaseException | None = None  # what no transition answers, but the process
        self._autostart = bool(self.declare_parameter("autostart", True).value)

    def begin(self) -> None:
        """Bring itself up where it is to. Raises what its making raises."""
        if not self._autostart:
            return
        if self.trigger_configure() is not SUCCESS:
            raise self._broken or TakeadError(f"{self.get_name()}: could not be configured")
        self.trigger_activate()

    @property
    def ended(self) -> int | None:
        """The node's exit code, once it has one. Raises what its making raised, where that was no bad input."""
        if self._broken is not None and not isinstance(self._broken, TakeadError):
            raise self._broken
        return getattr(self._node, "ended", None)

    def close(self) -> None:
        """Finish what the node has begun; it can still publish."""
        if hasattr(self._node, "close"):
            self._node.close()

    # --- transitions ----------------------------------------------------------------------------------------------

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        self._made, self._broken = [], None
        try:
            self._node = self._class(self, self._steady)
        except TakeadError as error:
            self._take_down()
            self._broken = error
            if not self._autostart:  # else the process ends with it, and says it
                self.get_logger().error(str(error))
            return FAILURE
        except Exception as error:  # noqa: BLE001  # rclpy would drop it; ``ended`` raises it
            self._broken = error
            return ERROR
        return SUCCESS

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        self.active = True
        try:
            for callback, waiting in self._latched:
                while waiting:
                    callback(*waiting.popleft())
        except Exception as error:  # noqa: BLE001  # as above
            self._broken = error
            return ERROR
        return SUCCESS

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        if hasattr(self._node, "pause"):
            self._node.pause()
        self.active = False
        return SUCCESS

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        self.close()
        self.active = False
        self._take_down()
        return SUCCESS

    on_shutdown = on_error = on_cleanup

    def _take_down(self) -> None:
        for undo, what in reversed(self._made or []):
            undo(what)
        self._made, self._node, self._latched = None, None, []

    # --- what the node is made of ---------------------------------------------------------------------------------

    def _change_state(self, answer: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
        """rclpy ends the process for a transition that the state does not have: anybody may ask for one."""

        def guarded(request: Any, response: Any) -> Any:
            try:
                return answer(request, response)
            except RuntimeError as error:
                self.get_logger().warning(f"transition {request.transition.id} refused: {error}")
                response.success = False
                return response

        return guarded

    def _keep(self, undo: Callable[[Any], Any], what: Any) -> Any:
        if self._made is not None:  # else it is rclpy's own
            self._made.append((undo, what))
        return what

    def _is_own(self, topic: str) -> bool:
        """Whether a topic is the node's; rclpy hears the clock whenever it is told to."""
        return self._made is not None and topic != CLOCK

    def create_publisher(self, msg_type: Any, topic: str, qos_profile: Any, **more: Any) -> Any:
        made = self._keep(self.destroy_publisher, super().create_publisher(msg_type, topic, qos_profile, **more))
        return made if self._made is None else _Gated(self, made)

    def create_subscription(
        self, msg_type: Any, topic: str, callback: Callable[..., None], qos_profile: Any, **more: Any
    ) -> Any:
        if not self._is_own(topic):
            return super().create_subscription(msg_type, topic, callback, qos_profile, **more)
        latched = qos_profile.durability is DurabilityPolicy.TRANSIENT_LOCAL
        taken = self._while_active(callback, qos_profile.depth if latched else 0)
        made = super().create_subscription(msg_type, topic, taken, qos_profile, **more)
        return self._keep(self.destroy_subscription, made)

    def create_timer(self, timer_period_sec: float, callback: Callable[[], None], *args: Any, **more: Any) -> Any:
        def tick() -> None:
            if self.active:
                callback()

        return self._keep(self.destroy_timer, super().create_timer(timer_period_sec, tick, *args, **more))

    def create_service(self, srv_type: Any, srv_name: str, callback: Callable[[Any, Any], Any], **more: Any) -> Any:
        def answer(request: Any, response: Any) -> Any:
            if self.active:
                return callback(request, response)
            response.accepted, response.code = False, "inactive"
            response.message = f"{self.get_name()} is not active: activate it first"
            return response

        served = answer if self._made is not None else callback
        return self._keep(self.destroy_service, super().create_service(srv_type, srv_name, served, **more))

    def create_client(self, srv_type: Any, srv_name: str, **more: Any) -> Any:
        return self._keep(self.destroy_client, super().create_client(srv_type, srv_name, **more))

    def declare_parameters(self, namespace: str, parameters: Sequence[Any], *args: Any, **more: Any) -> Any:
        declared = super().declare_parameters(namespace, parameters, *args, **more)
        for one in declared:
            self._keep(self.undeclare_parameter, one.name)
        return declared

    def add_on_set_parameters_callback(self, callback: Callable[[Sequence[Any]], Any]) -> None:
        super().add_on_set_parameters_callback(callback)
        self._keep(self.remove_on_set_parameters_callback, callback)

    def _while_active(self, callback: Callable[..., None], latched: int) -> Callable[..., None]:
        """``callback``, with as many arguments; what comes while the node rests is dropped but for the last
        ``latched``, which wait."""
        waiting: deque[tuple[Any, ...]] = deque(maxlen=latched)
        self._latched.append((callback, waiting))

        def give(*message: Any) -> None:
            if self.active:
                callback(*message)
            else:
                waiting.append(message)

        # rclpy counts a callback's arguments
        return (lambda msg, info: give(msg, info)) if takes_info(callback) else (lambda msg: give(msg))


class _Gated:
    """A publisher that is silent while its node is not active."""

    def __init__(self, node: ManagedNode, publisher: Any) -> None:
        self._node, self._publisher = node, publisher

    def publish(self, msg: Any) -> None:
        if self._node.active:
            self._publisher.publish(msg)
