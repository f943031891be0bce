"""docs/safety.md and docs/security.md name tests that are there, and no hazard is without one."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TEST = re.compile(r"`((?:test|benchmarks)/[\w/]+\.py)(?:::(\w+))?`")
HAZARDS = {f"H{number}" for number in range(1, 6)}


def functions(path: Path) -> set[str]:
    """Tests that pytest collects from a file: functions by name, at the top or in a class."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def rows() -> list[list[str]]:
    """The cells of every row of the hazard table."""
    lines = (ROOT / "docs" / "safety.md").read_text(encoding="utf-8").splitlines()
    begin = next(i for i, line in enumerate(lines) if line.startswith("| unsafe control action |"))
    table = [line for line in lines[begin + 2 :] if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table]


@pytest.mark.parametrize("page", ["safety.md", "security.md"])
def test_every_test_that_a_page_names_is_there(page: str) -> None:
    named = TEST.findall((ROOT / "docs" / page).read_text(encoding="utf-8"))
    assert len(named) > 20
    for file, function in named:
        assert (ROOT / file).is_file(), f"docs/{page}: {file} is not there"
        assert not function or function in functions(ROOT / file), f"docs/{page}: {file}::{function} is not there"


@pytest.mark.parametrize("row", rows(), ids=lambda row: row[0][:50])
def test_every_row_has_a_hazard_a_prevention_and_a_test(row: list[str]) -> None:
    action, hazards, _, prevention, tests = row
    assert action and prevention
    assert set(hazards.split(", ")) <= HAZARDS
    found = TEST.findall(tests)
    assert found and all(file.startswith("test/") and function for file, function in found), "a file alone is no test"


def test_every_hazard_has_rows() -> None:
    assert {hazard for row in rows() for hazard in row[1].split(", ")} == HAZARDS and len(rows()) >= 30
