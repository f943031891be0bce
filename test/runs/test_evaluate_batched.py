"""``takead eval --batched``: what it refuses, what it keeps, and how far it is from the stack that it leaves out."""

from __future__ import annotations

from pathlib import Path

import pytest

from takead_ros.domain.errors import TakeadError
from takead_ros.runs.episode import EpisodeRunner
from takead_ros.runs.evaluate_batched import BatchRunner, Group, Results, check_batched, evaluate_batched, in_groups
from takead_ros.runs.progress import Silent
from takead_ros.runs.spec import RunSpec, read_parameters, run_spec
from takead_ros.runs.workers import open_workers
from takead_ros.runs.workplace import Workplace

MODEL = str(Path(__file__).parents[2] / "models" / "novice.onnx")


def spec(seeds: str = "0", suite: str = "cut_in", **more: object) -> RunSpec:
    return run_spec(MODEL, suite, seeds, "vector", **more)  # type: ignore[arg-type]


def test_what_it_cannot_do_is_refused() -> None:
    with pytest.raises(TakeadError, match=r"--batched --sim metadrive: expected --sim vector"):
        check_batched(run_spec(MODEL, "cut_in", "0", "metadrive"))
    with pytest.raises(TakeadError, match=r"--batched --model expert: expected a policy"):
        check_batched(run_spec("expert", "cut_in", "0", "vector"))
    for node, name, value in (
        ("recorder_node", "pre_s", 3.0),
        ("expert_node", "period_s", 0.2),
        ("arbiter_node", "auto_engage", False),
        ("simulator_node", "suite", "core"),
    ):
        with pytest.raises(TakeadError, match=f"parameter '{name}' of {node} = .*: expected perception, or thresholds"):
            check_batched(spec(parameters={node: {name: value}}))
    given = {"expert_node": {"privileged": True}, "monitor_node": {"stuck_s": 9.0}}
    check_batched(spec(parameters={**read_parameters(None, "vehicle"), **given}))


@pytest.mark.parametrize(("count", "sizes"), [(0, []), (3, [3]), (18, [4, 4, 4, 4, 2]), (60, [8] * 7 + [4])])
def test_few_episodes_are_shared_out_too(count: int, sizes: list[int]) -> None:
    episodes = spec(f"2000000-{2_000_000 + max(count, 1) - 1}").episodes(takeovers=False)[:count]
    found = in_groups(episodes, 32)
    assert [len(group) for group in found] == sizes
    assert [one for group in found for one in group] == episodes


def test_many_episodes_stay_in_groups_that_are_kept_in_time() -> None:
    episodes = spec("2000000-2000999").episodes(takeovers=False)
    assert {len(group) for group in in_groups(episodes, 32)} == {32, 8}


def test_finished_episodes_are_kept_and_not_driven_again(tmp_path: Path) -> None:
    keep = tmp_path / "result.json"
    with open_workers(BatchRunner, Workplace(1)) as workers:
        first = evaluate_batched(spec("0-2"), ("unassisted",), keep, workers, Silent(), "")
    journal = keep.with_name(keep.name + ".episodes.jsonl")
    assert [episode.seed for episode in first.episodes] == [0, 1, 2] and journal.exists()
    assert first.simulator.endswith(", batched") and set(first.passes) == {"unassisted"}

    class Refuses(BatchRunner):
        def run(self, group: Group) -> Results:
            raise AssertionError(f"driven again: {group}")

    with open_workers(Refuses, Workplace(1)) as workers:
        assert evaluate_batched(spec("0-2"), ("unassisted",), keep, workers, Silent(), "").episodes == first.episodes


@pytest.mark.slow
@pytest.mark.parametrize("perception", ["none", "vehicle"])
@pytest.mark.parametrize("family", ["cut_in", "red_light", "cut_out"])
def test_it_scores_as_the_stack_s_unassisted_pass(family: str, perception: str) -> None:
    """The same end and infractions, and the same way to a metre."""
    asked = spec("2000000-2000001", family, parameters=read_parameters(None, perception))
    runner = EpisodeRunner()
    with open_workers(BatchRunner, Workplace(1)) as workers:
        found = evaluate_batched(asked, ("unassisted",), None, workers, Silent(), "")
    for one, episode in zip(asked.episodes(takeovers=False), found.episodes, strict=True):
        stack = runner.run(one)
        assert (episode.end, episode.driving_score) == (stack.end, pytest.approx(stack.driving_score, abs=0.1))
        assert [i.kind for i in episode.infractions] == [i.kind for i in stack.infractions]
        assert episode.distance == pytest.approx(stack.distance, abs=1.0)


@pytest.mark.slow
def test_both_passes_are_driven_and_told_apart(tmp_path: Path) -> None:
    """The assisted pass has the stack's takeovers, and both are kept in one journal."""
    asked = spec("3000000", "t_junction")
    keep = tmp_path / "result.json"
    with open_workers(BatchRunner, Workplace(1)) as workers:
        found = evaluate_batched(asked, ("unassisted", "assisted"), keep, workers, Silent(), "")
    (episode,), (one,) = found.episodes, asked.episodes(takeovers=True)
    stack = EpisodeRunner().run(one)
    assert set(found.passes) == {"unassisted", "assisted"}
    assert episode.assisted.triggers == stack.triggers != ()
    assert episode.assisted.expert_share == pytest.approx(stack.expert_share, abs=1e-6) != 0.0
    assert len(keep.with_name(keep.name + ".episodes.jsonl").read_text().splitlines()) == 3
