from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from pydantic.dataclasses import dataclass

from takead_ros.domain.errors import TakeadError
from takead_ros.runs.journal import Journal
from takead_ros.runs.results import RECORD


@dataclass(frozen=True, config=RECORD)
class Settings:
    model: str
    seeds: tuple[int, ...]


@dataclass(frozen=True, config=RECORD)
class Result:
    score: float


SETTINGS = Settings("abc", (0, 1))


def journal(path: Path, settings: Settings = SETTINGS) -> Journal[Result]:
    return Journal(path, settings, Result)


def test_results_survive_reopening(tmp_path: Path) -> None:
    journal(tmp_path / "e.jsonl").add("a", Result(1.5))
    assert journal(tmp_path / "e.jsonl").results == {"a": Result(1.5)}


@pytest.mark.parametrize("cut", range(1, 40, 6))
def test_a_line_cut_by_a_kill_is_dropped_and_the_next_one_is_whole(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "e.jsonl"
    first = journal(path)
    first.add("a", Result(1.0))
    first.add("b", Result(2.0))
    path.write_bytes(path.read_bytes()[:-cut])

    again = journal(path)
    assert set(again.results) == {"a"}
    again.add("b", Result(3.0))
    assert journal(path).results == {"a": Result(1.0), "b": Result(3.0)}


def test_a_cut_first_line_starts_anew(tmp_path: Path) -> None:
    path = tmp_path / "e.jsonl"
    path.write_bytes(b'{"settings": {"mod')
    journal(path).add("a", Result(1.0))
    assert journal(path).results == {"a": Result(1.0)}


def test_other_settings_are_refused_and_nothing_is_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "e.jsonl"
    journal(path).add("a", Result(1.0))
    before = path.read_bytes()
    with pytest.raises(TakeadError, match="model = 'abc', this one has 'xyz'"):
        journal(path, replace(SETTINGS, model="xyz"))
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "content",
    [
        b"not json\n",
        b"[1, 2]\n",
        b'{"other": 1}\n',
        b'{"settings": null}\n',
        b'{"settings": []}\n',
        b'{"settings": {"model": "abc", "seeds": [0, 1]}}\n{"key": ["a"], "result": {"score": 1}}\n',
        b'{"settings": {"model": "abc", "seeds": [0, 1]}}\n{"key": "a", "result": null}\n',
        b'{"settings": {"model": "abc", "seeds": [0, 1]}}\n{"key": "a", "result": {"score": NaN}}\n',
        b'{"settings": {"model": "abc", "seeds": [0, 1]}}\n{"key": "a", "result": {"score": 1, "more": 2}}\n',
        b"\xff\xfe\x00\n",
    ],
)
def test_a_foreign_or_broken_file_is_refused_and_left_as_it_is(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "e.jsonl"
    path.write_bytes(content)
    with pytest.raises(TakeadError, match=r"e\.jsonl"):
        journal(path)
    assert path.read_bytes() == content


def test_a_folder_in_its_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "e.jsonl").mkdir()
    with pytest.raises(TakeadError, match=r"e\.jsonl"):
        journal(tmp_path / "e.jsonl")


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    (tmp_path / "e.jsonl").symlink_to(tmp_path / "empty")
    with pytest.raises(TakeadError, match="is a link"):
        journal(tmp_path / "e.jsonl")
    assert (tmp_path / "empty").read_bytes() == b""


def test_a_result_that_is_not_finite_is_never_made() -> None:
    with pytest.raises(ValueError, match="finite"):
        Result(float("nan"))
