"""The display node in the lockstep host: markers for who watches, and no word that anybody drives by."""

from __future__ import annotations

from typing import Any

import pytest

from support import fuzz
from takead_ros.domain.units import SECOND
from takead_ros.host import wiring
from takead_ros.host.lockstep import LockstepHost
from takead_ros.messages import codec, interfaces, types
from takead_ros.nodes.display_inputs import SHOWN
from takead_ros.nodes.display_node import DisplayNode

MARKER: Any = types.message("visualization_msgs/msg/Marker")
STEP = SECOND // 20


class Watched:
    """The node with publishers on all that it reads; ``seen``: what a viewer would have on its screen."""

    def __init__(self, **parameters: Any) -> None:
        self.host = LockstepHost(SECOND)
        handle = self.host.create_node("display_node", parameter_overrides=parameters)
        DisplayNode(handle, self.host.steady)
        self.other = self.host.create_node("other")
        self.publishers = {one: wiring.publisher(self.other, one) for one in SHOWN}
        self.diagnostics: list[Any] = []
        wiring.subscription(self.other, interfaces.DIAGNOSTICS, self.diagnostics.append)
        self.heard: list[Any] = []
        self.seen: dict[tuple[str, int], Any] = {}

    def watch(self) -> None:
        wiring.subscription(self.other, interfaces.DISPLAY, self._on_markers)

    def _on_markers(self, msg: Any) -> None:
        self.heard.append(msg)
        for marker in msg.markers:
            if marker.action == MARKER.DELETE:
                del self.seen[marker.ns, marker.id]  # a KeyError: what was never there
            else:
                assert marker.action == MARKER.ADD and marker.lifetime.sec + marker.lifetime.nanosec > 0
                self.seen[marker.ns, marker.id] = marker

    def drive(self, steps: int, silent: tuple[Any, ...] = ()) -> None:
        for _ in range(steps):
            for one, publisher in self.publishers.items():
                if one not in silent:
                    publisher.publish(fuzz.sensible(one, self.host.clock.nanoseconds))
            self.host.advance(STEP)


def namespaces(watched: Watched) -> set[str]:
    return {name for name, _ in watched.seen}


def test_nothing_is_drawn_where_nobody_watches() -> None:
    watched = Watched()
    watched.drive(40)
    assert not watched.heard and watched.diagnostics[-1].status[0].message == "nobody watches"
    watched.watch()
    watched.drive(20)
    assert 8 <= len(watched.heard) <= 11, "ten a second"
    assert namespaces(watched) >= {"road", "route", "ego", "objects", "policy", "expert", "candidates", "status"}
    assert watched.diagnostics[-1].status[0].name == "/takead/display_node: markers"


def test_markers_are_as_rviz_needs_them() -> None:
    watched = Watched()
    watched.watch()
    watched.drive(10)
    for marker in watched.seen.values():
        assert marker.header.frame_id == "base_link" and marker.color.a > 0.0
        turn = marker.pose.orientation
        assert turn.x**2 + turn.y**2 + turn.z**2 + turn.w**2 == pytest.approx(1.0)
        if marker.type in (MARKER.LINE_LIST, MARKER.LINE_STRIP):
            assert len(marker.points) >= 2 and marker.scale.x > 0.0
            assert marker.type != MARKER.LINE_LIST or len(marker.points) % 2 == 0
        elif marker.type == MARKER.TEXT_VIEW_FACING:
            assert marker.text and marker.scale.z > 0.0
        else:
            assert marker.type in (MARKER.CUBE, MARKER.SPHERE)
            assert min(marker.scale.x, marker.scale.y, marker.scale.z) > 0.0
    stamp = watched.heard[-1].markers[-1].header.stamp
    assert 0 < watched.host.clock.nanoseconds - (stamp.sec * SECOND + stamp.nanosec) <= 2 * STEP
    whole = codec.deserialize(codec.serialize(watched.heard[-1]), interfaces.DISPLAY.type)
    assert len(whole.markers) == len(watched.heard[-1].markers)


def test_what_falls_silent_leaves_the_screen() -> None:
    """By a deletion, and by its lifetime where that does not arrive or the node dies."""
    watched = Watched()
    watched.watch()
    watched.drive(20)
    assert {"policy", "candidates", "ego"} <= namespaces(watched)
    watched.drive(20, silent=(interfaces.POLICY_OUTPUT,))
    assert "policy" not in namespaces(watched) and "candidates" not in namespaces(watched)
    assert "ego" in namespaces(watched)
    watched.drive(20, silent=SHOWN)
    assert namespaces(watched) == {"status"}
    ages = [marker.text for marker in watched.seen.values() if marker.text.startswith("age s:")]
    assert len(ages) == 1 and "scene 1.0" in ages[0] and "!" in ages[0]
    lifetime = watched.seen["status", 0].lifetime
    assert 0.1 < lifetime.sec + 1e-9 * lifetime.nanosec <= 1.0


def test_how_often_and_how_stale_are_parameters() -> None:
    watched = Watched(period_s=0.5, stale_s=2.0)
    watched.watch()
    watched.drive(20)
    watched.drive(20, silent=SHOWN)
    assert len(watched.heard) == 4 and "policy" in namespaces(watched)


def test_it_only_looks_on() -> None:
    """No publisher but its markers and diagnostics, no client, no service: nobody's drive depends on it."""
    host = LockstepHost()
    handle = host.create_node("display_node")
    made: list[str] = []
    for name in ("create_client", "create_service"):
        setattr(handle, name, lambda *_, name=name, **__: made.append(name))
    DisplayNode(handle, host.steady)
    for one in interfaces.TOPICS:
        said = one in (interfaces.DISPLAY, interfaces.DIAGNOSTICS)
        assert handle.count_publishers(one.name) == int(said), one.name
    assert not made
