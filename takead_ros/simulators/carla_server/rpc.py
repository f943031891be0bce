"""MessagePack-RPC as CARLA's client speaks it: requests in, answers out. No sockets here.

A request is ``[0, id, name, [[asynchronous], arguments..]]``, an answer ``[1, id, error or nil, result or nil]``; both
are simply concatenated on the stream.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgpack

from takead_ros.domain.errors import TakeadError

LONGEST = 64 * 1024 * 1024  # bytes of one request: an OpenDRIVE text or a texture fits
_BROKEN = (ValueError, msgpack.UnpackException, RecursionError, TypeError, OverflowError)


@dataclass(frozen=True)
class Request:
    """One call: the number to answer under, its name and its arguments without CARLA's own first one."""

    number: int
    name: str
    arguments: tuple[Any, ...]


class Requests:
    """The requests of one connection: bytes in, requests out. TakeadError for bytes that are none: nothing sensible can
    follow on that stream."""

    def __init__(self) -> None:
        self._stream = msgpack.Unpacker(
            raw=False, unicode_errors="surrogateescape", strict_map_key=False, max_buffer_size=LONGEST
        )

    def feed(self, data: bytes) -> None:
        """More bytes of the stream. Raises TakeadError for a request that is too long."""
        try:
            self._stream.feed(data)
        except msgpack.BufferFull:
            raise TakeadError(f"a request longer than {LONGEST} bytes") from None

    def __iter__(self) -> Iterator[Request]:
        while True:
            try:
                message = self._stream.unpack()
            except msgpack.OutOfData:
                return
            except _BROKEN as error:
                raise TakeadError(f"bytes that are no MessagePack ({type(error).__name__})") from None
            yield _request(message)


def _request(message: Any) -> Request:
    if not (
        isinstance(message, list)
        and len(message) == 4
        and type(message[0]) is int
        and message[0] == 0
        and type(message[1]) is int
        and 0 <= message[1] < 2**32
        and isinstance(message[2], str)
        and isinstance(message[3], list)
    ):
        raise TakeadError("a message that is no request, expected [0, id, name, [arguments]]")
    arguments = message[3]
    # a list with one bool: CARLA's Metadata. A few calls of the client come without it.
    if arguments and isinstance(arguments[0], list) and len(arguments[0]) == 1 and type(arguments[0][0]) is bool:
        arguments = arguments[1:]
    return Request(message[1], message[2], tuple(arguments))


def pack_answer(number: int, result: Any) -> bytes:
    """``result`` is the return value as it is to be on the wire."""
    return msgpack.packb([1, number, None, result], unicode_errors="surrogateescape")  # type: ignore[no-any-return]


def pack_error(number: int, text: str) -> bytes:
    """An error of the call itself (no such method, wrong number of arguments); the client does not show the text."""
    return msgpack.packb([1, number, text, None], unicode_errors="surrogateescape")  # type: ignore[no-any-return]


def answer_of(result: Any) -> list[Any]:
    """The good answer of a call that returns something."""
    return [[1, result]]


def refusal(text: str) -> list[Any]:
    """The bad answer of a call that returns something."""
    return [[0, [text]]]


NOTHING: list[Any] = [[False]]  # the good answer of a call that returns nothing


def refusal_of_nothing(text: str) -> list[Any]:
    """The bad answer of a call that returns nothing."""
    return [[True, [text]]]
