"""No number that is not finite passes: not in or out of JSON, not through a comparison."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel

from takead_ros.domain.errors import TakeadError
from takead_ros.files import parse_json, parse_record
from takead_ros.measures.summary import Difference
from takead_ros.runs.results import judgement

ROOT = Path(__file__).parents[1]
SOURCES = [
    path for folder in ("takead_ros", "training", "benchmarks") for path in sorted((ROOT / folder).rglob("*.py"))
]
NAN, INF = float("nan"), float("inf")


class Loose(BaseModel):
    """A record that would take any float."""

    figures: dict[str, float] = {}


def calls(path: Path) -> Iterator[ast.Call]:
    """Calls of the functions of the module ``json``."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            of = node.func.value
            if isinstance(of, ast.Name) and of.id == "json":
                yield node


def test_json_is_never_read_or_written_with_nan() -> None:
    wrong = []
    for path in SOURCES:
        for call in calls(path):
            name = call.func.attr  # type: ignore[attr-defined]
            options = {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}
            reads, writes = name in ("load", "loads"), name in ("dump", "dumps")
            if (reads and "parse_constant" not in options) or (writes and options.get("allow_nan") != "False"):
                wrong.append(f"{path.relative_to(ROOT)}:{call.lineno} json.{name}")
    assert not wrong, "expected files.parse_json, and json.dumps(.., allow_nan=False)"


@pytest.mark.parametrize(
    "text", ["NaN", "[Infinity]", "-Infinity", "1e400", '{"a": {"b": [1, -1e999]}}', "[" * 100_000]
)
def test_json_that_is_not_finite_is_not_read(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_json(text)


@pytest.mark.parametrize("value", ["NaN", "1e400", "-1e400"])
def test_no_record_is_read_with_one_whatever_its_kind_lets_through(value: str) -> None:
    with pytest.raises(TakeadError, match=r"'x.json': .*finite|valid JSON"):
        parse_record(Loose, f'{{"figures": {{"a": {value}}}}}', "'x.json'", "a record")


@pytest.mark.parametrize(("low", "high"), [(NAN, 1.0), (-1.0, NAN), (NAN, NAN), (INF, INF), (-INF, INF)])
@pytest.mark.parametrize("metric", ["driving_score", "takeovers_per_km"])
def test_no_interval_that_is_not_finite_is_judged(metric: str, low: float, high: float) -> None:
    found = Difference(metric, 1.0, 2.0, 1.0, low, high, 20, 0, 0)  # type: ignore[arg-type]
    with pytest.raises(TakeadError, match=f"{metric}: interval .* expected finite numbers"):
        judgement(found)
