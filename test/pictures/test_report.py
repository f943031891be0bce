"""The page of a run: it holds everything itself; what is broken is told or made again, what is missing left out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from support.results import episode_result, loop_round, loop_state, run_settings
from takead_ros.domain.errors import TakeadError
from takead_ros.files import write_record
from takead_ros.measures.infractions import Infraction
from takead_ros.measures.summary import headline_value
from takead_ros.pictures.report import write_report
from takead_ros.runs.gate import GateDecision
from takead_ros.runs.progress import Silent
from takead_ros.runs.results import Evaluation, evaluation
from takead_ros.runs.workplace import Workplace

HIT = Infraction("collision_vehicle", 1.0, 0.0, 0.0, 0.0, 0.6)
RESULT = episode_result(infractions=(HIT,))
SETTINGS = run_settings()


def driven(scores: list[float], backwards: bool = False) -> Evaluation:
    """A policy that was never taken over, so that no drive has to be drawn."""
    results = [
        replace(RESULT, seed=i, driving_score=score, infractions=() if score == 100.0 else (HIT,))
        for i, score in enumerate(scores)
    ]
    results = results[::-1] if backwards else results
    return evaluation("<b>m.onnx", SETTINGS, {"unassisted": results, "assisted": results})


@pytest.fixture
def run(tmp_path: Path) -> Path:
    write_record(tmp_path / "before.json", driven([60.0, 60.0, 100.0]))
    write_record(tmp_path / "after.json", driven([100.0, 60.0, 100.0], backwards=True))
    loss = GateDecision(promoted=False, reasons=("Driving Score 60.0 -> 50.0: no gain",))
    write_record(tmp_path / "loop.json", loop_state(loop_round(decision=loss)))
    return tmp_path


def test_the_page_says_what_the_files_say(run: Path) -> None:
    text = write_report(run, Silent(), Workplace(1)).read_text()
    before, after = driven([60.0, 60.0, 100.0]), driven([100.0, 60.0, 100.0])
    assert f"<td>{headline_value(before.episodes, 'driving_score'):.1f}</td>" in text
    assert f'<td class="new">{headline_value(after.episodes, "driving_score"):.1f}</td>' in text
    assert "1 / 2 / 0" in text  # paired by name, though the second file has the episodes in another order
    assert "collision vehicle" in text and "3.33" in text and "1.67" in text  # infractions per km
    assert "parent kept" in text and "60.0 -&gt; 50.0: no gain" in text
    assert "numpy" in text and "Another CPU or other versions give other weights" in text
    assert "<b>m.onnx" not in text and "&lt;b&gt;m.onnx" in text
    assert "data:image/gif" not in text  # nobody was taken over: nothing to show, and no reason to fail
    assert [word for word in ('src="http', "<link", "<script") if word in text] == []


def test_what_was_not_driven_is_not_said(run: Path) -> None:
    for name, scores in (("before.json", [60.0, 60.0, 100.0]), ("after.json", [100.0, 60.0, 100.0])):
        alone = evaluation("m.onnx", SETTINGS, {"unassisted": driven(scores).assisted})
        (run / name).unlink()
        write_record(run / name, alone)
    text = write_report(run, Silent(), Workplace(1)).read_text()
    assert "Driving Score" in text and "Takeovers per km: " not in text.split("Held-out seeds")[0]
    assert "Expert share" not in text


def test_a_comparison_over_more_episodes_stands_beside_it(run: Path) -> None:
    (run / "many").mkdir()
    for name, score in (("before.json", 40.0), ("after.json", 65.0)):
        results = [replace(RESULT, seed=i, driving_score=score) for i in range(3)]
        write_record(run / "many" / name, evaluation("m.onnx", SETTINGS, {"unassisted": results}))
    (run / "many" / "comparison.json").write_text("{}")
    text = write_report(run, Silent(), Workplace(1)).read_text()
    assert "alone on 3 held-out episodes" in text and "+25.0" in text


def test_families_are_listed_from_the_greatest_gain_to_the_greatest_loss(run: Path) -> None:
    names = ("accident", "cut_in", "stop_sign")
    (run / "families").mkdir()
    for name, scores in (("before.json", [60.0, 60.0, 100.0]), ("after.json", [70.0, 100.0, 60.0])):
        results = [replace(RESULT, scenario=names[i], driving_score=score) for i, score in enumerate(scores)]
        write_record(run / "families" / name, evaluation("m.onnx", SETTINGS, {"unassisted": results}))
    (run / "families" / "comparison.json").write_text("{}")
    text = write_report(run, Silent(), Workplace(1)).read_text().split("Families that gained and lost")[1]
    assert [text.index(name) for name in ("cut in", "accident", "stop sign")] == sorted(
        text.index(name) for name in ("cut in", "accident", "stop sign")
    )
    assert "+40.0" in text and "-40.0" in text


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("before.json", "{}", r"before\.json.*required"), ("after.json", "[", r"after\.json.*JSON"),
        ("loop.json", '{"plan": []}', r"loop\.json"), ("loop.json", "nonsense", r"loop\.json"),
    ],
)  # fmt: skip
def test_a_broken_part_is_one_clear_error(run: Path, name: str, content: str, said: str) -> None:
    (run / name).write_text(content)
    with pytest.raises(TakeadError, match=said):
        write_report(run, Silent(), Workplace(1))


@pytest.mark.parametrize("content", ["", '{"scenario": 3}'])
def test_what_a_kill_left_of_a_drawing_is_made_again(run: Path, content: str) -> None:
    (run / "takeovers").mkdir()
    (run / "takeovers" / "moments.json").write_text(content)
    (run / "takeovers" / "takeover-1.gif").write_bytes(b"")
    assert "data:image/gif" not in write_report(run, Silent(), Workplace(1)).read_text()


@pytest.mark.parametrize(
    "damage",
    [lambda run: (run / "before.json").unlink(), lambda run: (run / "report.html").mkdir()],
    ids=["no before.json", "a folder in the page's place"],
)
def test_what_cannot_be_written_or_read_is_named(run: Path, damage: Callable[[Path], object]) -> None:
    damage(run)
    with pytest.raises(TakeadError, match=r"before\.json|report\.html"):
        write_report(run, Silent(), Workplace(1))
