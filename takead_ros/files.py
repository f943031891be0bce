"""Files that the project writes: whole or not at all, never over another's, by one process at a time, read strictly."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import socket
import stat
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import yaml
from pydantic import TypeAdapter, ValidationError
from pydantic_core import from_json

from takead_ros.domain.errors import TakeadError

T = TypeVar("T")
LOCK_SUFFIX = ".lock"
PART_MARK = ".part"
MOST_BYTES = 1 << 30  # of a file that is read whole
_HOLDER = "process "  # how every lock file begins


def open_file(path: Path) -> BinaryIO:
    """``path`` to be read. Raises OSError as ``open`` does, and at once for what is no file: a pipe would wait for ever
    for somebody to write to it, a device has no end."""
    number = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    kind = os.fstat(number).st_mode
    if not stat.S_ISREG(kind):
        os.close(number)
        what = os.strerror(errno.EISDIR) if stat.S_ISDIR(kind) else "Is a pipe or a device"
        raise OSError(errno.EISDIR if stat.S_ISDIR(kind) else errno.EINVAL, what, str(path))
    return os.fdopen(number, "rb")


def content_of(path: Path) -> bytes:
    """The whole of ``path``; raises OSError as ``open_file`` does, and for more than MOST_BYTES: a sparse file of a few
    bytes on the disk would fill the memory."""
    with open_file(path) as file:
        size = os.fstat(file.fileno()).st_size
        if size > MOST_BYTES:
            raise OSError(errno.EFBIG, f"{size} bytes, at most {MOST_BYTES} are read", str(path))
        return file.read(MOST_BYTES)


def writable_folder(folder: Path) -> Path:
    """Make ``folder`` and prove that a file can be written in it; TakeadError names what stands in the way."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(b"\0" * 4096)
            probe.flush()
            os.fsync(probe.fileno())
    except OSError as problem:
        raise TakeadError(
            f"output folder '{folder}': {problem.strerror}; expected a folder that can be made and written to"
        ) from problem
    return folder


def refuse_existing(path: Path) -> None:
    """TakeadError where an output file is already there, or where ``path`` can be no file."""
    if path.exists() or path.is_symlink():  # a link that leads nowhere, or to itself, is somebody's too
        raise TakeadError(f"output '{path}' exists already; expected a new path (nothing is overwritten)")
    if path.name in ("", ".", ".."):
        raise TakeadError(f"output '{path}': expected the name of a file")


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A new sibling of ``path`` to write to; it takes the place of ``path`` where the block ends well, else it goes.

    Its name is this process's own, so that two writers never share one, and ends in ``path``'s suffix, for libraries
    that go by it. Raises TakeadError where it cannot be written.
    """
    partial = path.with_name(f".{path.stem[:80]}.{os.getpid()}{PART_MARK}{path.suffix}")
    try:
        partial.unlink(missing_ok=True)
        partial.touch(exist_ok=False)  # a link that somebody laid there would lead the writing elsewhere
        yield partial
        partial.replace(path)
    except OSError as problem:
        raise TakeadError(
            f"output '{path}': {problem.strerror or problem}; expected a writable place with space left"
        ) from problem
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)


@contextlib.contextmanager
def new_output(path: Path) -> Iterator[None]:
    """Hold the place of an output that must be new, while it is made.

    Raises TakeadError where it is there already, cannot be made, or is being made by another process.
    """
    refuse_existing(path)
    writable_folder(path.parent)
    with locked(path):
        refuse_existing(path)  # who held it before has made it
        yield


def write_atomically(path: Path, content: bytes | str) -> None:
    """Write ``content`` (text as UTF-8), whole or not at all; on disk when this returns."""
    with replacing(path) as partial, partial.open("wb") as file:
        file.write(content.encode() if isinstance(content, str) else content)
        file.flush()
        os.fsync(file.fileno())


def read_file(path: Path, expected: str) -> bytes:
    """The bytes of a file. Raises TakeadError that says what was expected where it cannot be read."""
    try:
        return content_of(path)
    except OSError as problem:
        raise TakeadError(f"'{path}': {problem.strerror or problem}; expected {expected}") from problem


# records ----------------------------------------------------------------------------------------------------------


def to_json(record: object, indent: int | None = None) -> str:
    """A record (a pydantic model or dataclass, or plain JSON values) as JSON with sorted keys.

    Raises TakeadError for a number that is not finite: no file holds one.
    """
    try:
        plain = TypeAdapter(type(record)).dump_python(record, mode="json")
        return json.dumps(plain, indent=indent, sort_keys=True, allow_nan=False)
    except ValueError as problem:
        raise TakeadError(f"{type(record).__name__}: holds a number that is not finite; expected finite ones") from (
            problem
        )


def parse_json(data: bytes | str) -> Any:
    """Plain values from JSON. Raises ValueError for what is none, is nested too deeply, or holds a number that is not
    finite: ``NaN``, ``Infinity``, or one as large as ``1e400``."""
    found = from_json(data, allow_inf_nan=False)
    json.dumps(found, allow_nan=False)  # 1e400 was read as infinity
    return found


def parse_record(kind: type[T], data: bytes | str, origin: str, expected: str) -> T:
    """The record of ``kind`` in JSON ``data``: every key known, every type right, every number finite.

    Raises TakeadError that names ``origin``, the first key that does not fit, and what was ``expected``.
    """
    try:
        found = TypeAdapter(kind).validate_json(data, strict=True)
        parse_json(data)  # where the kind itself would let one through that is not finite
        return found
    except ValidationError as problem:
        first = problem.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"][:8])
        raise TakeadError(f"{origin}: {place + ': ' if place else ''}{first['msg']}; expected {expected}") from problem
    except ValueError as problem:
        raise TakeadError(f"{origin}: holds a number that is not finite; expected {expected}") from problem


def read_record(kind: type[T], path: Path, expected: str) -> T:
    """``parse_record`` of a file. Raises TakeadError also where it cannot be read."""
    return parse_record(kind, read_file(path, expected), f"'{path}'", expected)


def write_record(path: Path, record: object) -> None:
    """Write ``record`` as JSON, whole or not at all."""
    writable_folder(path.parent)
    write_atomically(path, to_json(record, indent=2) + "\n")


class _PlainLoader(yaml.SafeLoader):
    """YAML without aliases, by which a small file can stand for a huge one (ROS's own parser refuses them as well)."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.composer.ComposerError(None, None, "aliases are not accepted here", mark)
        return super().compose_node(parent, index)


def read_yaml(path: Path, expected: str) -> Any:
    """What a YAML file of ours holds. Raises TakeadError that names the file and what was ``expected`` where it cannot
    be read, is no YAML, or uses aliases."""
    return parse_yaml(read_file(path, expected), str(path), expected)


def parse_yaml(data: bytes, origin: str, expected: str) -> Any:
    """What YAML of ours holds. Raises TakeadError that names ``origin`` and what was ``expected`` where it is no YAML,
    or uses aliases."""
    try:
        return yaml.load(data.decode(), Loader=_PlainLoader)
    except (UnicodeDecodeError, yaml.YAMLError, ValueError, RecursionError) as problem:
        words = " ".join(str(problem).split()) or "nested too deeply"
        raise TakeadError(f"{origin}: not readable as YAML ({words}); expected {expected}") from problem


# one process at a time --------------------------------------------------------------------------------------------


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold ``path``, a folder that is there or else a file, against every other process that asks so.

    The lock is a file that names its holder: ``.lock`` in a folder, ``NAME.lock`` beside a file. The kernel frees it
    however the process ends; a file that a kill left is taken over. Raises TakeadError that names who holds it, and
    where a file of that name is something else, or a link.
    """
    path = Path(os.path.abspath(path))  # noqa: PTH100  # resolve() would follow a link that is to be replaced
    try:
        place = path / LOCK_SUFFIX if path.is_dir() else path.with_name(path.name + LOCK_SUFFIX)
        place.parent.mkdir(parents=True, exist_ok=True)
        file = _take(path, place)
    except OSError as problem:
        raise TakeadError(f"output '{path}': {problem.strerror}; expected a place that can be written to") from problem
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            place.unlink(missing_ok=True)  # while it is still held: nobody else can have taken it
        os.close(file)


def holder(path: Path) -> str:
    """Who holds the lock of ``path`` just now, in words; empty where nobody does."""
    place = path / LOCK_SUFFIX if path.is_dir() else path.with_name(path.name + LOCK_SUFFIX)
    try:
        with open_file(place) as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return file.read(300).decode(errors="replace").strip()
    except OSError:
        pass
    return ""


def _take(path: Path, place: Path) -> int:
    """An open descriptor that holds the lock file ``place``."""
    while True:
        file = os.open(place, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK, 0o644)
        try:
            _refuse_other(place, os.pread(file, 300, 0))
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as problem:
            holder = os.pread(file, 300, 0).decode(errors="replace").strip() or "another process"
            os.close(file)
            raise TakeadError(
                f"'{path}' is in use by {holder}; expected one process at a time (wait for it, or name another place)"
            ) from problem
        except (OSError, TakeadError):
            os.close(file)
            raise
        if _same_file(file, place):
            break
        os.close(file)  # its last holder removed it between our opening and locking it
    command = " ".join([Path(sys.argv[0]).name, *sys.argv[1:]])[:200]
    try:
        os.ftruncate(file, 0)
        os.pwrite(file, f"{_HOLDER}{os.getpid()} on {socket.gethostname()} ({command})\n".encode(), 0)
    except OSError:
        place.unlink(missing_ok=True)
        os.close(file)
        raise
    return file


def _refuse_other(place: Path, content: bytes) -> None:
    """TakeadError where a file in the lock's place is no lock: such as somebody's ``Cargo.lock``."""
    if content and not content.startswith(_HOLDER.encode()):
        raise TakeadError(f"'{place}' is no lock of takead's; expected another output (nothing is overwritten)")


def _same_file(file: int, place: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file), place.stat())
    except FileNotFoundError:
        return False
