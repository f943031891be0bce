"""How a command ends where memory runs out, whoever it is that notices."""

from __future__ import annotations

import pytest

from takead_ros.cli.ending import BAD_INPUT, FAULT, ended
from takead_ros.domain.errors import TakeadError

UNMAPPED = "libpanda.so.1.10: failed to map segment from shared object"


def _wrapped() -> int:
    try:
        raise ImportError(UNMAPPED)
    except ImportError as problem:
        raise TakeadError("the simulator cannot be imported; expected it to be installed") from problem


def _unmapped() -> int:
    raise ImportError(UNMAPPED)


def _unallocated() -> int:
    raise ImportError("Exception caught: std::bad_alloc")


def _memory() -> int:
    raise MemoryError


def _other() -> int:
    raise ImportError("no module of that name")


@pytest.mark.parametrize(
    ("command", "code", "told"),
    [
        (_wrapped, BAD_INPUT, "not enough memory"),
        (_unmapped, BAD_INPUT, "not enough memory"),
        (_unallocated, BAD_INPUT, "not enough memory"),
        (_memory, BAD_INPUT, "not enough memory"),
        (_other, FAULT, "this is a fault of takead_ros"),
    ],
    ids=["a library of the simulator's", "a library", "a library's own", "ours", "no memory at all"],
)
def test_memory_is_called_memory(command, code: int, told: str, capsys: pytest.CaptureFixture[str]) -> None:  # type: ignore[no-untyped-def]
    assert ended(command, ["drive"], lambda: False) == code
    assert told in capsys.readouterr().err
