from __future__ import annotations

from pathlib import Path

import pytest

from takead_ros.runs.journal import Ledger
from takead_ros.domain.errors import TakeadError

SETTINGS = {"model": "abc", "seeds": [0, 1]}


def test_results_survive_reopening(tmp_path: Path) -> None:
    Ledger(tmp_path / "e.jsonl", SETTINGS).add("a", {"score": 1.5})
    assert Ledger(tmp_path / "e.jsonl", SETTINGS).results == {"a": {"score": 1.5}}


@pytest.mark.parametrize("cut", range(1, 40, 6))
def test_a_line_cut_by_a_kill_is_dropped_and_the_next_one_is_whole(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "e.jsonl"
    ledger = Ledger(path, SETTINGS)
    ledger.add("a", {"score": 1})
    ledger.add("b", {"score": 2})
    path.write_bytes(path.read_bytes()[:-cut])

    again = Ledger(path, SETTINGS)
    assert set(again.results) == {"a"}
    again.add("b", {"score": 3})
    assert Ledger(path, SETTINGS).results == {"a": {"score": 1}, "b": {"score": 3}}


def test_a_cut_first_line_starts_anew(tmp_path: Path) -> None:
    path = tmp_path / "e.jsonl"
    path.write_bytes(b'{"settings": {"mod')
    Ledger(path, SETTINGS).add("a", {"score": 1})
    assert Ledger(path, SETTINGS).results == {"a": {"score": 1}}


def test_other_settings_are_refused_and_nothing_is_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "e.jsonl"
    Ledger(path, SETTINGS).add("a", {"score": 1})
    before = path.read_bytes()
    with pytest.raises(TakeadError, match="model = 'abc', this one has 'xyz'"):
        Ledger(path, {**SETTINGS, "model": "xyz"})
    assert path.read_bytes() == before


@pytest.mark.parametrize("content", [b"not json\n", b"[1, 2]\n", b'{"other": 1}\n'])
def test_a_foreign_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "e.jsonl"
    path.write_bytes(content)
    with pytest.raises(TakeadError, match=r"e\.jsonl"):
        Ledger(path, SETTINGS)
    assert path.read_bytes() == content
