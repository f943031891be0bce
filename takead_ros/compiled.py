"""Compiling kernels: with fixed types, cached on disk, and all at once before they are needed."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import numba

F = TypeVar("F", bound=Callable[..., Any])
_BROKEN = (EOFError, pickle.UnpicklingError, OSError)  # a cache that a power cut left half written, or a full disk
_waiting: list[tuple[Any, str]] = []


def kernel(signature: str) -> Callable[[F], F]:
    """Compile the decorated function for arguments of exactly the types in ``signature`` (numba's notation).

    Compiling waits for ``prepare``. Arrays are to be C-contiguous and writeable where the signature has ``::1``; other
    types raise TypeError once the kernel is compiled. The machine code is cached beside the source file, else in the
    user's cache folder, else it is compiled anew in each process.
    """

    def decorate(function: F) -> F:
        try:
            compiled = numba.njit(cache=True)(function)
        except RuntimeError:  # numba found no folder that it can write to
            compiled = numba.njit(function)
        _waiting.append((compiled, f"({signature},)"))
        return cast(F, compiled)

    return decorate


def part(function: F) -> F:
    """A function that kernels in the same file call: it is compiled, and cached, as a part of these."""
    return cast(F, numba.njit(function))


def prepare() -> None:
    """Compile all kernels, or load them from the cache: afterwards no call waits for the compiler."""
    while _waiting:
        compiled, signature = _waiting.pop()
        if hasattr(compiled, "compile"):  # not so with NUMBA_DISABLE_JIT=1
            _load_or_compile(compiled, signature)
            compiled.disable_compile()


def _load_or_compile(compiled: Any, signature: str) -> None:
    try:
        compiled.compile(signature)
    except _BROKEN:
        function = compiled.py_func
        files = f"{function.__module__.rpartition('.')[2]}.{function.__name__}-*.nb?"
        for file in Path(compiled.stats.cache_path).glob(files):
            file.unlink(missing_ok=True)
        if not compiled.signatures:  # otherwise only saving it failed
            compiled.compile(signature)
