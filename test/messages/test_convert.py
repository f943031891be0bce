"""Round trips domain -> message -> bytes -> message -> domain, to the width of the message's fields."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from takead_ros.domain.driving import (
    PLAN_STEPS,
    ArbiterMode,
    Cause,
    DriveCommand,
    DriverOutput,
    DriverStatus,
    EventKind,
    Limit,
    Plan,
    Source,
    TakeoverEvent,
    TakeoverRequest,
    Trigger,
)
from takead_ros.domain.errors import TakeadError
from takead_ros.domain.scene import (
    ControlKind,
    EgoState,
    LightState,
    LineKind,
    Objects,
    Polyline,
    Route,
    RouteCommand,
    Scene,
    TrafficControl,
)
from takead_ros.messages import codec, convert, types

narrow = st.floats(width=32)  # NaN and infinities included
wide = st.floats()
positive = st.floats(0.0, 1e6, width=32)
optional = st.none() | positive
stamps = st.integers(0, 2**31 * 10**9 - 1)
ids = st.integers(0, 2**32 - 1)
text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)  # CDR ends at a NUL


def array(size: int | tuple[int, ...], width: int = 32) -> st.SearchStrategy[np.ndarray]:
    return hnp.arrays(np.float64, size, elements=st.floats(width=width))  # type: ignore[call-overload]


egos = st.builds(EgoState, wide, wide, wide, *[narrow] * 10)
polylines = st.builds(
    Polyline,
    ids,
    st.sampled_from(LineKind),
    st.integers(0, 5).flatmap(lambda n: array((n, 2))),
    st.booleans(),
    optional,
    optional,
)
controls = st.builds(
    TrafficControl,
    ids,
    st.sampled_from(ControlKind),
    st.sampled_from(LightState),
    wide,
    wide,
    narrow,
    narrow,
    st.booleans(),
)
routes = st.builds(
    Route,
    st.integers(0, 5).flatmap(lambda n: array((n, 2))),
    array((3, 2)),
    st.tuples(*[st.sampled_from(RouteCommand)] * 3),
    narrow,
    narrow,
    narrow,
    narrow,
    optional,
)


@st.composite
def objects(draw: st.DrawFn) -> Objects:
    n = draw(st.integers(0, 4))
    whole = hnp.arrays(np.int64, n, elements=ids)
    kinds = hnp.arrays(np.int64, n, elements=st.integers(0, 6))
    return Objects(draw(whole), draw(kinds), *(draw(array(n, 64)) for _ in "xy"), *(draw(array(n)) for _ in range(6)))


@st.composite
def drivers(draw: st.DrawFn) -> DriverOutput:
    steps, candidates, bins = draw(st.integers(1, 9)), draw(st.integers(0, 3)), draw(st.integers(0, 3))
    return DriverOutput(
        draw(stamps),
        draw(text),
        Plan(*(draw(array(steps)) for _ in range(4)), dt=draw(positive)),
        draw(array((candidates, steps, 2))),
        draw(array(candidates)),
        draw(array(bins)),
        draw(array(bins)),
        *(draw(narrow) for _ in range(4)),
        draw(st.sampled_from(DriverStatus)),
        draw(text),
        draw(text),
        draw(narrow),
        Cause(draw(text), draw(ids), draw(st.booleans()), draw(text)),
    )


scenes = st.builds(
    Scene,
    stamps,
    egos,
    objects(),
    st.lists(polylines, max_size=3).map(tuple),
    routes,
    st.lists(controls, max_size=2).map(tuple),
)
sources = st.sampled_from(Source)
commands = st.builds(
    DriveCommand, stamps, narrow, narrow, sources, sources, narrow, narrow, st.integers(0, 31).map(Limit), text, text
)
requests = st.builds(TakeoverRequest, stamps, st.sampled_from(Trigger), narrow, optional, ids, text)
events = st.builds(
    TakeoverEvent, stamps, st.sampled_from(EventKind), ids, sources, st.sampled_from(Trigger), narrow, optional, text
)
reports = st.builds(
    convert.ArbiterReport,
    stamps,
    st.sampled_from(ArbiterMode),
    sources,
    sources,
    wide,
    narrow,
    text,
    ids,
    ids,
    ids,
    ids,
)

CASES = {
    "scene": (scenes, convert.scene_to_msg, convert.scene_from_msg),
    "driver": (drivers(), convert.driver_to_msg, convert.driver_from_msg),
    "command": (commands, convert.command_to_msg, convert.command_from_msg),
    "request": (requests, convert.request_to_msg, convert.request_from_msg),
    "event": (events, convert.event_to_msg, convert.event_from_msg),
    "arbiter": (reports, convert.arbiter_to_msg, convert.arbiter_from_msg),
}


def same(first: Any, second: Any) -> bool:
    """Equal in type and value, every NaN equal to every other."""
    if dataclasses.is_dataclass(first):
        fields = dataclasses.fields(first)
        return type(first) is type(second) and all(
            same(getattr(first, field.name), getattr(second, field.name)) for field in fields
        )
    if isinstance(first, tuple):
        return len(first) == len(second) and all(same(*pair) for pair in zip(first, second, strict=True))
    if isinstance(first, np.ndarray):
        return bool(first.dtype == second.dtype and np.array_equal(first, second, equal_nan=first.dtype.kind == "f"))
    if isinstance(first, float):
        return isinstance(second, float) and (first == second or (math.isnan(first) and math.isnan(second)))
    return type(first) is type(second) and bool(first == second)


@pytest.mark.parametrize("name", CASES)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_every_type_survives_the_round_trip(name: str, data: st.DataObject) -> None:
    strategy, to_msg, from_msg = CASES[name]
    value = data.draw(strategy)
    msg = to_msg(value)
    assert same(from_msg(msg), value), "by reference"
    sent = codec.serialize(msg)
    received = codec.deserialize(sent, codec.type_name(msg))
    assert same(from_msg(received), value), "by bytes"
    assert codec.serialize(received) == sent


@settings(max_examples=100, deadline=None)
@given(st.floats(), st.floats())
def test_by_reference_a_node_sees_what_it_would_see_by_bytes(steering: float, acceleration: float) -> None:
    msg = convert.command_to_msg(DriveCommand(0, steering, acceleration, Source.POLICY, Source.POLICY))
    received = codec.deserialize(codec.serialize(msg), "takead_ros/msg/DriveCommand")
    assert same(convert.command_from_msg(msg), convert.command_from_msg(received))


def test_a_failed_output_survives_with_its_shapes() -> None:
    output = DriverOutput.failed(7, "policy", DriverStatus.NO_MODEL, "no model is loaded")
    again = convert.driver_from_msg(convert.driver_to_msg(output))
    assert again.candidates.shape == (0, PLAN_STEPS, 2)
    assert same(again, output)


def scene_of(lines: tuple[Polyline, ...], stamp: int = 0) -> Scene:
    route = Route(np.zeros((2, 2)), np.zeros((3, 2)), (RouteCommand.LEFT,) * 3, 0.0, 0.0, 1.0, 0.0)
    return Scene(stamp, EgoState(0.0, 0.0, 0.0, 0.0), Objects.empty(), lines, route)


def line(number: int) -> Polyline:
    return Polyline(number, LineKind.ROAD_EDGE, np.full((3, 2), float(number)))


def test_a_converter_converts_each_polyline_once_while_it_is_in_view() -> None:
    near, far, other = line(1), line(2), line(3)
    sender, receiver = convert.SceneConverter(), convert.SceneConverter()
    first, second, third = (sender.to_msg(scene_of(lines)) for lines in ((near, far), (far, other), (near,)))
    assert first.polylines[1] is second.polylines[0]
    assert first.polylines[0] is not third.polylines[0], "forgotten once out of view"
    seen = [receiver.from_msg(msg) for msg in (first, second, third)]
    assert seen[0].polylines[1] is seen[1].polylines[0]
    for scene, lines in zip(seen, ((near, far), (far, other), (near,)), strict=True):
        assert same(scene.polylines, lines)


def test_an_unchanged_view_is_the_same_tuple() -> None:
    lines = (line(1), line(2))
    sender, receiver = convert.SceneConverter(), convert.SceneConverter()
    messages = [sender.to_msg(scene_of(view, stamp)) for stamp, view in enumerate((lines, lines, (lines[0], lines[1])))]
    assert messages[0].polylines is messages[1].polylines is messages[2].polylines
    first, second = (receiver.from_msg(msg) for msg in messages[:2])
    assert first.polylines is second.polylines
    assert (first.stamp, second.stamp) == (0, 1)


def test_a_list_that_was_emptied_and_filled_again_is_read_again() -> None:
    converter = convert.SceneConverter()
    for number in range(50):  # objects of a new list may get the ids of those that went
        msg = types.Scene(polylines=[convert.polyline_to_msg(line(number))])
        assert converter.from_msg(msg).polylines[0].id == number
        del msg


def test_the_converter_and_the_plain_functions_agree() -> None:
    scene = scene_of((line(1), line(2), line(1)), stamp=5)
    msg = convert.SceneConverter().to_msg(scene)
    assert codec.serialize(msg) == codec.serialize(convert.scene_to_msg(scene))
    assert same(convert.SceneConverter().from_msg(msg), convert.scene_from_msg(msg))


def test_header_and_stamp() -> None:
    header = convert.header_to_msg(12_345_678_901, "map")
    assert (header.stamp.sec, header.stamp.nanosec, header.frame_id) == (12, 345_678_901, "map")
    assert convert.time_from_msg(header.stamp) == 12_345_678_901
    assert convert.scene_to_msg(scene_of(())).header.frame_id == "map"
    assert convert.stamp_from_msg(types.Joy(header=header)) == 12_345_678_901


@pytest.mark.parametrize(
    ("from_msg", "msg", "named"),
    [
        (convert.polyline_from_msg, types.Polyline(kind=9), "Polyline.kind is 9, expected one of 0 (LANE_CENTER)"),
        (convert.polyline_from_msg, types.Polyline(x=[1.0, 2.0], y=[1.0]), "Polyline: 2 values in x and 1 in y"),
        (convert.route_from_msg, types.Route(target_command=[1, 2, 77]), "Route.target_command is 77"),
        (convert.control_from_msg, types.TrafficControl(state=8), "TrafficControl.state is 8"),
        (convert.driver_from_msg, types.PolicyOutput(status=99), "PolicyOutput.status is 99"),
        (convert.driver_from_msg, types.PolicyOutput(plan_x=[1.0]), "differ in length"),
        (convert.driver_from_msg, types.PolicyOutput(logits=[0.0], candidates=[1.0]), "1 values, expected (1, 8, 2)"),
        (convert.command_from_msg, types.DriveCommand(lateral_source=7), "DriveCommand.lateral_source is 7"),
        (convert.command_from_msg, types.DriveCommand(limits=64), "DriveCommand.limits is 64"),
        (convert.request_from_msg, types.TakeoverRequest(trigger=12), "TakeoverRequest.trigger is 12"),
        (convert.event_from_msg, types.TakeoverEvent(kind=5), "TakeoverEvent.kind is 5"),
        (convert.arbiter_from_msg, types.ArbiterState(state=8), "ArbiterState.state is 8"),
    ],
)
def test_what_no_domain_value_can_be_is_refused(from_msg: Any, msg: Any, named: str) -> None:
    with pytest.raises(TakeadError) as raised:
        from_msg(msg)
    assert named in str(raised.value)


def test_candidates_of_another_shape_are_refused() -> None:
    plan = Plan(*(np.zeros(3) for _ in range(4)))
    none = np.zeros(0)
    output = DriverOutput(0, "policy", plan, np.zeros((2, 4, 2)), np.zeros(2), none, none, 0.0, 0.0, 0.0, 0.0)
    with pytest.raises(TakeadError, match=r"shape \(2, 4, 2\), expected \(2, 3, 2\)"):
        convert.driver_to_msg(output)
    targets = dataclasses.replace(scene_of(()).route, targets=np.zeros((2, 2)))
    with pytest.raises(TakeadError, match=r"expected \(3, 2\)"):
        convert.route_to_msg(targets)
