"""Joining a Ray cluster: only where that is asked for is Ray imported."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import socket
import threading
from collections.abc import Iterator
from typing import Any

from takead_ros.domain.errors import TakeadError

# What every HTTP/2 server, such as Ray's control service, answers with a SETTINGS frame: preface, empty SETTINGS.
_HELLO, _SETTINGS = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0", 4


def connect(address: str) -> Any:
    """The module Ray, connected to the cluster. Raises TakeadError where that cannot be."""
    try:
        import ray
    except ImportError as problem:
        raise TakeadError("--workers-kind ray needs Ray; get it with: pip install 'takead_ros[ray]'") from problem
    if not answers(address):  # Ray itself would try for two minutes, and say so in many lines
        raise TakeadError(
            f"--ray {address}: no Ray cluster answers there; expected the address of a running head node (ray start "
            "--head prints it)"
        )
    # Otherwise it prints what raylets die of to standard output, where results go.
    ray._private.worker._worker_logs_enabled = False
    try:
        with _own_sigterm():
            ray.init(address=address, log_to_driver=False, configure_logging=False, logging_level=logging.ERROR)
    except (Exception, SystemExit) as problem:  # it has no error of its own for this
        raise TakeadError(
            f"--ray {address}: cannot be joined ({first_line(problem)}); expected a cluster that this machine is "
            f"a node of (ray start --address={address})"
        ) from problem
    return ray


@contextlib.contextmanager
def _own_sigterm() -> Iterator[None]:
    """SIGTERM stays what it was; Ray would set a handler of its own."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def answers(address: str) -> bool:
    """Whether something like Ray's control service listens at HOST:PORT, which takes milliseconds to find out."""
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=3.0) as there:
            if os.environ.get("RAY_USE_TLS", "0") != "0":
                return True
            there.sendall(_HELLO)
            return there.recv(9)[3:4] == bytes([_SETTINGS])
    except OSError:
        return False


def first_line(problem: BaseException) -> str:
    """What an exception of Ray says first; the rest is for who looks after the cluster."""
    return next(iter(str(problem).splitlines()), type(problem).__name__)[:200]
