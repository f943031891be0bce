"""Compiling kernels: typed by their annotations, and kept on disk so that no vehicle waits for a compiler.

A kernel's machine code is stored under a digest of all that it is made from: its file and the files of the package that
this one imports, its types, and the versions of Python and numba. ``python -m takead_ros.compiled`` fills the store
inside the package, for every processor of this architecture; the wheel, ``colcon build`` and ``make`` run it. Reading
needs no right to write. A kernel that is not there is compiled on first use, and kept there if that can be written to,
else in the user's cache folder, else for this process only.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import os
import pickle
import re
import sys
from collections.abc import Callable
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any, TypeVar, cast, get_args, get_origin, get_type_hints
from uuid import uuid4

import numba
import numpy as np
from numpy.typing import NDArray

F = TypeVar("F", bound=Callable[..., Any])
_UNTYPED: Any = numba  # its inner modules have no types

# The arrays that kernels take, all C-contiguous and writeable.
Vector = Annotated[NDArray[np.float64], numba.float64[::1]]
Matrix = Annotated[NDArray[np.float64], numba.float64[:, ::1]]
Cube = Annotated[NDArray[np.float64], numba.float64[:, :, ::1]]
Quad = Annotated[NDArray[np.float64], numba.float64[:, :, :, ::1]]
Vector32 = Annotated[NDArray[np.float32], numba.float32[::1]]
Matrix32 = Annotated[NDArray[np.float32], numba.float32[:, ::1]]
Cube32 = Annotated[NDArray[np.float32], numba.float32[:, :, ::1]]
Indices = Annotated[NDArray[np.int64], numba.int64[::1]]
IndexMatrix = Annotated[NDArray[np.int64], numba.int64[:, ::1]]
Flags = Annotated[NDArray[np.bool_], numba.boolean[::1]]
FlagMatrix = Annotated[NDArray[np.bool_], numba.boolean[:, ::1]]

FOLDER = "__kernels__"  # in the package, or beside a file that is in none
_SCALARS = {float: numba.float64, int: numba.int64, bool: numba.boolean}
_IMPORT = re.compile(r"^from (takead_ros[\w.]*) import", re.MULTILINE)
_PACKAGE = Path(__file__).resolve().parent
_ANY_CPU = "generic"  # LLVM's name for what every processor of an architecture can do
_DIGEST_BYTES = 32
_waiting: list[Any] = []


def kernel(function: F) -> F:
    """Compile the decorated function for arguments of exactly the annotated types.

    These are the arrays above, float, int, bool, and NamedTuples of them. Compiling waits for ``prepare``; once it is
    done, arguments of other types raise TypeError. A kernel may call parts and kernels of other files.
    """
    compiled = numba.njit(function)
    if hasattr(compiled, "compile"):  # not so with NUMBA_DISABLE_JIT=1
        compiled._cache = _Store(function)
        _waiting.append(compiled)
    return cast(F, compiled)


def part(function: F) -> F:
    """A function that kernels call: it is compiled, and stored, as a part of each of these."""
    return cast(F, numba.njit(function))


def prepare() -> None:
    """Compile all kernels imported so far, or load them: afterwards no call of theirs waits for the compiler."""
    while _waiting:
        compiled = _waiting.pop()
        compiled.compile(argument_types(compiled.py_func))
        compiled.disable_compile()


def _import_all() -> list[Any]:
    """Every kernel of the package that waits to be compiled, after all its files that have some were imported."""
    for file in sorted(_PACKAGE.rglob("*.py")):
        if re.search(r"^@kernel$", file.read_text(encoding="utf-8"), re.MULTILINE):
            importlib.import_module(".".join(("takead_ros", *file.relative_to(_PACKAGE).with_suffix("").parts)))
    return list(_waiting)


def install_kernels() -> list[str]:
    """Compile every kernel of the package for any processor of this architecture, into the package's own folder.

    Returns their names. Raises OSError where the folder cannot be written to. To be called in a process of its own that
    has NUMBA_CPU_NAME=generic from the start (``python -m takead_ros.compiled`` sees to it).
    """
    folder = _PACKAGE / FOLDER
    folder.mkdir(exist_ok=True)
    kernels = _import_all()
    prepare()
    kept = {compiled._cache.file(argument_types(compiled.py_func), compiled.targetctx).name for compiled in kernels}
    missing = kept - {file.name for file in folder.iterdir()}
    if missing:
        raise OSError(f"{folder}: cannot be written to; {len(missing)} of {len(kept)} kernels are missing in it")
    for file in folder.iterdir():
        if file.name not in kept:
            file.unlink()
    return sorted(compiled.py_func.__qualname__ for compiled in kernels)


def stored() -> tuple[int, int]:
    """(how many kernels of the package are compiled and can be loaded here, how many there are)."""
    kernels = _import_all()
    found = sum(
        compiled._cache.find(argument_types(compiled.py_func), compiled.targetctx) is not None for compiled in kernels
    )
    return found, len(kernels)


def argument_types(function: Callable[..., Any]) -> tuple[Any, ...]:
    """The types that numba knows the annotations of ``function`` by.

    Raises TypeError for one that kernels do not take.
    """
    hints = get_type_hints(function, include_extras=True)
    return tuple(_type(hint, f"{function.__qualname__}({name})") for name, hint in hints.items() if name != "return")


def _type(hint: Any, where: str) -> Any:
    if get_origin(hint) is Annotated:
        return get_args(hint)[1]
    if hint in _SCALARS:
        return _SCALARS[hint]
    if isinstance(hint, type) and issubclass(hint, tuple) and hasattr(hint, "_fields"):
        fields = get_type_hints(hint, include_extras=True)
        types = [_type(fields[name], f"{where}.{name}") for name in hint._fields]
        return _UNTYPED.types.BaseTuple.from_types(types, hint)
    raise TypeError(f"{where} is {hint}; kernels take arrays of takead_ros.compiled, float, int, bool and NamedTuples")


@cache
def _sources(path: Path) -> dict[Path, bytes]:
    """Digests of the file ``path`` and of all files of the package that it imports, by path."""
    found: dict[Path, bytes] = {}
    reached = [path]
    while reached:
        file = reached.pop()
        if file not in found and file.exists():
            content = file.read_bytes()
            found[file] = hashlib.sha256(content).digest()
            for name in _IMPORT.findall(content.decode()):
                stem = _PACKAGE.parent.joinpath(*name.split("."))
                reached.append(stem / "__init__.py" if stem.is_dir() else stem.with_suffix(".py"))
    return found


def _user_folders() -> tuple[Path, ...]:
    if _UNTYPED.config.CACHE_DIR:
        return (Path(_UNTYPED.config.CACHE_DIR),)
    try:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    except RuntimeError:  # a user without a home
        return ()
    return (base / "takead_ros" / "kernels",)


class _Store:
    """Where the machine code of one function is kept; the interface is that of ``numba.core.caching._Cache``."""

    def __init__(self, function: Callable[..., Any]) -> None:
        path = Path(function.__code__.co_filename).resolve()
        self._name = f"{path.stem}.{function.__name__}"
        inside = _PACKAGE in path.parents
        self._folders = ((_PACKAGE if inside else path.parent) / FOLDER, *_user_folders())
        sources = hashlib.sha256(b"".join(digest for _, digest in sorted(_sources(path).items())))
        tools = (
            sys.implementation.cache_tag,
            numba.__version__,
            version("llvmlite"),
            _UNTYPED.config.OPT,
            _UNTYPED.config.BOUNDSCHECK,
        )
        self._made_from = (function.__module__, function.__qualname__, sources.hexdigest(), *tools)

    @property
    def cache_path(self) -> str:
        return str(self._folders[0])

    def file(self, signature: Any, context: Any, cpu: str | None = None) -> Path:
        """The file in the first folder for ``signature``, by default that of the processor that is compiled for."""
        triple, own, features = context.codegen().magic_tuple()
        cpu = own if cpu is None else cpu
        target = (triple, cpu, "" if cpu == _ANY_CPU else features)
        made_from = repr((*self._made_from, str(signature), *target))
        return self._folders[0] / f"{self._name}-{hashlib.sha256(made_from.encode()).hexdigest()[:32]}"

    def find(self, signature: Any, context: Any) -> bytes | None:
        """What is stored for ``signature``, for any processor or for this one."""
        for cpu in (_ANY_CPU, None):
            name = self.file(signature, context, cpu).name
            for folder in self._folders:
                try:
                    content = (folder / name).read_bytes()
                except OSError:
                    continue
                digest, data = content[:_DIGEST_BYTES], content[_DIGEST_BYTES:]
                if hashlib.sha256(data).digest() == digest:  # not so where a power cut left it half written
                    return data
        return None

    def load_overload(self, signature: Any, context: Any) -> Any:
        context.refresh()
        data = self.find(signature, context)
        if data is None:
            return None
        return _UNTYPED.core.compiler.CompileResult._rebuild(context, *pickle.loads(data))

    def save_overload(self, signature: Any, result: Any) -> None:
        data = _UNTYPED.core.serialize.dumps(result._reduce())
        name = self.file(signature, result.target_context).name
        for folder in self._folders:
            part_written = folder / f"{name}.{uuid4().hex}"
            try:
                folder.mkdir(parents=True, exist_ok=True)
                part_written.write_bytes(hashlib.sha256(data).digest() + data)
                part_written.replace(folder / name)
                return
            except OSError:  # a read-only installation, or a full disk
                with contextlib.suppress(OSError):
                    part_written.unlink(missing_ok=True)

    def enable(self) -> None: ...

    def disable(self) -> None: ...

    def flush(self) -> None: ...


def _main() -> int:
    if _UNTYPED.config.CPU_NAME != _ANY_CPU:
        environment = {**os.environ, "NUMBA_CPU_NAME": _ANY_CPU, "NUMBA_CPU_FEATURES": ""}
        os.execve(sys.executable, [sys.executable, "-m", "takead_ros.compiled"], environment)
    from takead_ros import compiled  # the one that kernels register with; this one is __main__

    try:
        names = compiled.install_kernels()
    except OSError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    sys.stdout.write(f"{len(names)} kernels compiled in {_PACKAGE / FOLDER}\n")
    return 0


if __name__ == "__main__":
    sys.exit(_main())
