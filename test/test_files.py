"""Files: whole or not at all, one process at a time, and nothing that does not fit is read."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from pydantic import ConfigDict
from pydantic.dataclasses import dataclass as record

from takead_ros.domain.errors import TakeadError
from takead_ros.files import (
    LOCK_SUFFIX,
    holder,
    locked,
    new_output,
    parse_record,
    read_record,
    read_yaml,
    refuse_existing,
    replacing,
    to_json,
    write_atomically,
)

HOLD = "import sys, time; from pathlib import Path; from takead_ros.files import locked\n"
HOLD += "with locked(Path(sys.argv[1])): print('held', flush=True); time.sleep(60)"


@dataclass(frozen=True)
class Part:
    name: str
    seconds: float


@record(frozen=True, kw_only=True, config=ConfigDict(strict=True, extra="forbid", allow_inf_nan=False))
class Whole:
    parts: tuple[Part, ...]
    count: int
    share: float | None = None


WHOLE = Whole(parts=(Part("a", 1.5),), count=2)


def held_by_another(path: Path) -> subprocess.Popen[str]:
    child = subprocess.Popen([sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None and child.stdout.readline() == "held\n"
    return child


@pytest.mark.parametrize("name", ["folder", "file.json"])
def test_a_second_process_is_told_who_holds_it(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if name == "folder":
        path.mkdir()
    child = held_by_another(path)
    said = f"{name}' is in use by process {child.pid} on .*one process at a time"
    with pytest.raises(TakeadError, match=said), locked(path):
        pass
    child.send_signal(signal.SIGKILL)
    child.wait()
    with locked(path):  # what the kill left is taken over, and goes
        pass
    assert list(tmp_path.rglob(f"*{LOCK_SUFFIX}")) == []


def test_a_lock_of_ones_own_is_held_once_and_then_free(tmp_path: Path) -> None:
    with locked(tmp_path), pytest.raises(TakeadError, match=f"in use by process {os.getpid()}"), locked(tmp_path):
        pass
    with locked(tmp_path):
        pass


def test_a_lock_destroys_nothing_that_only_has_its_name(tmp_path: Path) -> None:
    """Somebody's own ``Cargo.lock``, and a link that is laid where a lock will be."""
    (tmp_path / "Cargo.lock").write_text("mine")
    with pytest.raises(TakeadError, match=r"Cargo\.lock' is no lock of takead's"), locked(tmp_path / "Cargo"):
        pass
    (tmp_path / "bags").mkdir()
    (tmp_path / "bags" / LOCK_SUFFIX).symlink_to(tmp_path / "Cargo.lock")
    with pytest.raises(TakeadError, match="symbolic links"), locked(tmp_path / "bags"):
        pass
    assert (tmp_path / "Cargo.lock").read_text() == "mine" and (tmp_path / "bags" / LOCK_SUFFIX).is_symlink()


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: Path(path).symlink_to("/dev/zero")], ids=["pipe", "device"])
def test_what_never_ends_is_not_read(tmp_path: Path, make: Callable[[Path], object]) -> None:
    path = tmp_path / "x"
    make(path)
    with pytest.raises(TakeadError, match="x': Is a pipe or a device; expected a whole"):
        read_record(Whole, path, "a whole")
    with pytest.raises(TakeadError, match="x': Is a pipe or a device; expected a whole"):
        read_yaml(path, "a whole")
    (tmp_path / "run").mkdir()
    make(tmp_path / "run" / LOCK_SUFFIX)
    assert holder(tmp_path / "run") == ""


def test_more_than_the_memory_takes_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.touch()
    os.truncate(path, 10 << 30)  # takes no place on the disk
    with pytest.raises(TakeadError, match="x': 10737418240 bytes, at most 1073741824 are read; expected a whole"):
        read_record(Whole, path, "a whole")


def test_writing_follows_no_link_that_was_laid_in_its_way(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("mine")
    (tmp_path / f".x.{os.getpid()}.part.json").symlink_to(tmp_path / "precious")
    (tmp_path / "x.json").symlink_to(tmp_path / "precious")
    write_atomically(tmp_path / "x.json", "new")
    assert (tmp_path / "precious").read_text() == "mine"
    assert not (tmp_path / "x.json").is_symlink() and (tmp_path / "x.json").read_text() == "new"


def test_an_output_is_made_once_by_one_process(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "x.gif"
    with new_output(path):
        with pytest.raises(TakeadError, match=f"in use by process {os.getpid()}"), new_output(path):
            pass
        with replacing(path) as partial:
            partial.write_text("first")
    with pytest.raises(TakeadError, match=r"x\.gif' exists already"), new_output(path):
        pass
    assert path.read_text() == "first" and os.listdir(path.parent) == ["x.gif"]  # noqa: PTH208


def test_records_come_back_as_they_were() -> None:
    assert parse_record(Whole, to_json(WHOLE), "here", "a whole") == WHOLE


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("1.5", "NaN", "parts.0.seconds"), ("1.5", "1e999", "parts.0.seconds"), ("1.5", '"x"', "parts.0.seconds"),
        ('"count": 2', '"count": 2.5', "count"), ('"count": 2', '"count": null', "count"),
        ('"name"', '"nome"', "parts.0.name"), ('{"count"', '{"more": 1, "count"', "more"), ("}", "", "line 1 column"),
        ("[", "[" * 5000, "recursion"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_by_its_key(old: str, new: str, named: str) -> None:
    text = to_json(WHOLE)
    assert old in text
    with pytest.raises(TakeadError, match=f"here: .*{named}.*; expected a whole"):
        parse_record(Whole, text.replace(old, new), "here", "a whole")


def test_no_file_gets_a_number_that_is_not_finite(tmp_path: Path) -> None:
    with pytest.raises(TakeadError, match="not finite"):
        to_json(Part("a", float("nan")))
    with pytest.raises(TakeadError, match="No such file"):
        read_record(Whole, tmp_path / "none.json", "a whole")
    with pytest.raises(TakeadError, match="directory"):
        read_record(Whole, tmp_path, "a whole")


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    write_atomically(path, "old")
    with pytest.raises(TakeadError, match=r"x\.json"):
        write_atomically(path / "below", "new")
    assert path.read_text() == "old" and os.listdir(tmp_path) == ["x.json"]  # noqa: PTH208
    with pytest.raises(TakeadError, match="exists"):
        refuse_existing(path)
