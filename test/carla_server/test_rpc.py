"""Requests off the wire: however the bytes are cut, and whatever they are."""

from __future__ import annotations

from itertools import pairwise

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from takead_ros.domain.errors import TakeadError
from takead_ros.simulators.carla_server.rpc import Request, Requests, answer_of, pack_answer

MESSAGES = [
    [0, 1, "version", [[False]]],
    [0, 2, "apply_control_to_vehicle", [[True], 7, [0.5, 0.0, 0.0, False, False, False, 0]]],
    [0, 3, "get_actors_by_id", [[False], [1, 2, 3]]],
]
STREAM = b"".join(msgpack.packb(message) for message in MESSAGES)


@given(st.lists(st.integers(1, len(STREAM) - 1), max_size=6))
def test_requests_come_out_whole_however_the_stream_is_cut(cuts: list[int]) -> None:
    requests = Requests()
    found: list[Request] = []
    edges = [0, *sorted(set(cuts)), len(STREAM)]
    for low, high in pairwise(edges):
        requests.feed(STREAM[low:high])
        found.extend(requests)
    assert found == [
        Request(1, "version", ()),
        Request(2, "apply_control_to_vehicle", (7, [0.5, 0.0, 0.0, False, False, False, 0])),
        Request(3, "get_actors_by_id", ([1, 2, 3],)),
    ]


@given(st.binary(min_size=1, max_size=200))
def test_bytes_are_requests_or_an_error(data: bytes) -> None:
    requests = Requests()
    try:
        requests.feed(data)
        for request in requests:
            assert isinstance(request, Request)
    except TakeadError as problem:
        assert str(problem)


@pytest.mark.parametrize(
    "message",
    [
        7,
        [],
        [0, 1, "version"],
        [1, 1, None, None],
        [0, -1, "version", []],
        [0, 1, 5, []],
        [0, 1, "version", 5],
        {"a": 1},
    ],
)
def test_what_is_no_request_is_an_error(message: object) -> None:
    requests = Requests()
    requests.feed(msgpack.packb(message))
    with pytest.raises(TakeadError, match="no request"):
        list(requests)


def test_an_array_that_says_it_is_huge_is_an_error() -> None:
    requests = Requests()
    requests.feed(b"\x94\x00\x01\xa7version\xdd\xff\xff\xff\xff")
    with pytest.raises(TakeadError):
        list(requests)


def test_deep_nesting_is_an_error() -> None:
    requests = Requests()
    requests.feed(b"\x91" * 100_000)
    with pytest.raises(TakeadError):
        list(requests)


def test_an_answer_is_what_the_client_unpacks() -> None:
    assert msgpack.unpackb(pack_answer(5, answer_of("0.9.16"))) == [1, 5, None, [[1, "0.9.16"]]]
