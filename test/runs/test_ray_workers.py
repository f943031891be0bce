"""A Ray cluster as the place to compute: two nodes of this machine, one of them killed while it is at work."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from support.workers import Sleeps, Squares
from takead_ros.domain.errors import TakeadError
from takead_ros.runs.drive import evaluate
from takead_ros.runs.episode import EpisodeRunner
from takead_ros.runs.progress import Silent
from takead_ros.runs.results import Evaluation
from takead_ros.runs.spec import run_spec
from takead_ros.runs.workers import open_workers
from takead_ros.runs.workplace import Workplace

pytest.importorskip("ray", reason="the extra 'ray' is not installed: pip install 'takead_ros[ray]'")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

NODE = {"num_cpus": 1, "object_store_memory": 80 * 2**20, "include_dashboard": False}
QUICK = {"health_check_initial_delay_ms": 0, "health_check_period_ms": 300, "health_check_failure_threshold": 3}
SUITE, SEEDS = "cut_in", "selection:0-5"


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """A head and one more node, each with one CPU; a dead node is noticed within a second or two."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("PYTHONPATH", os.pathsep.join(sys.path))  # this source tree, wherever the package is installed
        from ray.cluster_utils import Cluster

        made = Cluster(initialize_head=True, head_node_args={**NODE, "_system_config": QUICK})
        made.add_node(**NODE)
        yield made
        made.shutdown()


class Watched(Silent):
    """Counts what was handed over, keeps what was said, and does something after so many results."""

    def __init__(self, after: int, act: Any) -> None:
        self.said: list[str] = []
        self._after, self._act = after, act

    def report(self, phase: str, done: int, total: int, figures: Mapping[str, float] | None = None) -> None:
        if done == self._after:
            self._act()

    def say(self, text: str) -> None:
        self.said.append(text)


def squares(place: Workplace, jobs: list[int], progress: Any = None) -> dict[int, tuple[int, int, int]]:
    found: dict[int, tuple[int, int, int]] = {}

    def finished(job: int, result: tuple[int, int, int]) -> None:
        assert job not in found and threading.current_thread() is threading.main_thread()
        found[job] = result

    with open_workers(Squares, place) as pool:
        pool.map(jobs[:3], finished, str, progress or Silent())
        pool.map(jobs[3:], finished, str, progress or Silent())
    return found


def evaluated(place: Workplace, progress: Any, keep: Path) -> Evaluation:
    with open_workers(EpisodeRunner, place) as pool:
        return evaluate(run_spec("novice", SUITE, SEEDS, "vector", {}), ("unassisted",), keep, pool, progress, "eval")


def test_it_keeps_the_contract_of_a_place(cluster: Any) -> None:
    place = Workplace(2, "ray", cluster.address)
    found = squares(place, list(range(1000, 1020)))
    assert {job: result[0] for job, result in found.items()} == {job: job * job for job in range(1000, 1020)}
    assert sum(result[1] == 0 for result in found.values()) <= 2  # a worker begins once, and stays for the second map
    assert os.getpid() not in {result[2] for result in found.values()}
    found.clear()
    with (
        open_workers(Squares, place) as one,
        open_workers(Sleeps, place) as two,
    ):  # on as many CPUs as one of them needs
        one.map([3], found.__setitem__, str, Silent())
        two.map([0.0, 0.0], lambda *_: None, str, Silent())
        one.map([4, 5], found.__setitem__, str, Silent())
    assert [found[job][0] for job in (3, 4, 5)] == [9, 16, 25]
    with pytest.raises(TakeadError, match="job -2: expected"):
        squares(place, [0, 1, -2, 3])


def test_a_job_that_its_workers_die_of_is_tried_again_and_then_named(cluster: Any) -> None:
    told = Watched(0, lambda: None)
    with pytest.raises(TakeadError, match=r"a worker on Ray node .* died .*as 2 times before while it did -1"):
        squares(Workplace(2, "ray", cluster.address), [0, 1, 2, -1], told)
    assert sum("done again elsewhere: -1" in line for line in told.said) == 2


@pytest.fixture
def heard() -> Iterator[None]:
    """Ctrl-C as in a terminal: a job in the background is started with it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("heard")
@pytest.mark.parametrize("twice", [False, True], ids=["once", "twice"])
def test_ctrl_c_finishes_what_is_in_progress_and_a_second_one_drops_it(cluster: Any, twice: bool) -> None:
    found: list[float] = []
    told = Watched(0, lambda: None)

    def interrupt() -> None:
        threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()  # the main thread waits for Ray by then

    def finished(job: float, _: float) -> None:
        found.append(job)
        if len(found) == 1:
            interrupt()

    def say(text: str) -> None:
        told.said.append(text)
        if twice:
            interrupt()

    told.say = say  # type: ignore[method-assign]
    begin = time.monotonic()
    with (
        pytest.raises(KeyboardInterrupt),
        open_workers(Sleeps, Workplace(1, "ray", cluster.address)) as pool,
    ):
        pool.map([0.0, 30.0 if twice else 1.0, 0.1, 0.1], finished, str, told)
    assert told.said == ["Ctrl-C: finishing what is in progress (again: drop it)"]
    assert found == ([0.0] if twice else [0.0, 1.0]) and time.monotonic() - begin < 28.0


def test_with_a_node_killed_each_job_is_handed_over_once_with_the_results_of_processes(
    cluster: Any, tmp_path: Path
) -> None:
    (second,) = cluster.worker_nodes
    told = Watched(2, lambda: cluster.remove_node(second, allow_graceful=False))  # SIGKILL
    found = evaluated(Workplace(2, "ray", cluster.address), told, tmp_path / "ray.json")
    assert found == evaluated(Workplace(2), Silent(), tmp_path / "processes.json")
    lost = [line for line in told.said if "is lost; done again elsewhere: " in line]
    assert len(lost) == 1 and SUITE in lost[0], told.said
    lines = (tmp_path / "ray.json.episodes.jsonl").read_text().splitlines()
    keys = Counter(json.loads(line).get("key") for line in lines[1:])
    assert len(keys) == 6 and set(keys.values()) == {1}


def test_a_cluster_that_is_gone_is_one_error_with_its_address(cluster: Any) -> None:
    address = cluster.address

    def kill(_: float, __: float) -> None:
        cluster.head_node.kill_all_processes(check_alive=False, allow_graceful=False)  # SIGKILL

    with (
        pytest.raises(TakeadError, match=f"--ray {address}: the Ray cluster is gone; open were: 60.0, 0.5"),
        open_workers(Sleeps, Workplace(1, "ray", address)) as pool,
    ):
        pool.map([0.0, 60.0, 0.5], kill, str, Silent())
