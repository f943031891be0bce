"""Places to compute: whatever finishes first, each result belongs to its job; workers are kept; deaths are told."""

from __future__ import annotations

import os
import re
import socket
import threading
from pathlib import Path

import pytest

from support.workers import Squares
from takead_ros.domain.errors import TakeadError
from takead_ros.runs.progress import Silent
from takead_ros.runs.workers import WORKERS, open_workers
from takead_ros.runs.workplace import Workplace

PAGE = Path(__file__).parents[2] / "docs" / "extending.md"


def squares(jobs: list[int], count: int, kind: str = "processes") -> dict[int, tuple[int, int, int]]:
    found: dict[int, tuple[int, int, int]] = {}
    with open_workers(Squares, Workplace(count, kind)) as pool:
        pool.map(jobs[:1], found.__setitem__, str, Silent())
        pool.map(jobs[1:], found.__setitem__, str, Silent())
    return found


@pytest.mark.parametrize("count", [1, 2])
def test_each_result_belongs_to_its_job_and_workers_are_kept(count: int) -> None:
    found = squares(list(range(20)), count)
    assert {job: result[0] for job, result in found.items()} == {job: job * job for job in range(20)}
    assert sum(result[1] == 0 for result in found.values()) <= count  # a worker begins once
    assert (os.getpid() in {result[2] for result in found.values()}) == (count == 1)


def test_the_first_error_of_a_job_comes_out_as_it_was() -> None:
    for count in (1, 2):
        with pytest.raises(TakeadError, match="job -2: expected"):
            squares([0, 1, -2, 3], count)


def test_a_process_that_is_killed_is_told_with_the_jobs_that_were_open() -> None:
    with pytest.raises(TakeadError, match=r"a worker process died.*open were: .*-1"):
        squares([0, -1], 2)


def test_no_workers_and_unknown_places_are_refused() -> None:
    with pytest.raises(TakeadError, match="expected at least 1"):
        Workplace(0)
    with pytest.raises(TakeadError, match="--workers-kind 'cloud': unknown, expected one of processes, ray"):
        open_workers(Squares, Workplace(2, "cloud"))


@pytest.mark.parametrize(
    "address", ["somewhere", "127.0.0.1", "127.0.0.1:", ":6379", "ray://127.0.0.1:10001", "h:99999"]
)
def test_what_is_no_address_of_a_ray_cluster_is_refused(address: str) -> None:
    with pytest.raises(TakeadError, match=rf"--ray '{address}': expected HOST:PORT"):
        open_workers(Squares, Workplace(2, "ray", address))


def test_ray_needs_an_address() -> None:
    with pytest.raises(TakeadError, match="expected --ray HOST:PORT, or RAY_ADDRESS"):
        open_workers(Squares, Workplace(2, "ray"))


@pytest.mark.parametrize("says", [None, b"HTTP/1.0 400 Bad Request\r\n\r\n", b""], ids=["nobody", "another", "silent"])
def test_a_ray_cluster_that_is_not_there_is_one_quick_error(says: bytes | None) -> None:
    """Nothing listens at the address, or something that is not Ray."""
    pytest.importorskip("ray", reason="the extra 'ray' is not installed: pip install 'takead_ros[ray]'")
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        if says is None:
            server.close()
        else:
            threading.Thread(target=lambda: server.accept()[0].sendall(says), daemon=True).start()
        with (
            pytest.raises(TakeadError, match=f"--ray {address}: no Ray cluster answers there"),
            open_workers(Squares, Workplace(2, "ray", address)),
        ):
            pass


def test_the_worked_example_of_the_page_is_another_place() -> None:
    section = PAGE.read_text(encoding="utf-8").split("\n## A place to compute\n")[1].split("\n## ")[0]
    (code,) = re.findall(r"```python\n(.*?)```", section, flags=re.DOTALL)
    exec(compile(code, str(PAGE), "exec"), {"__name__": "example"})
    try:
        found = squares(list(range(12)), 3, "threads")
    finally:
        del WORKERS["threads"]
    assert {job: result[0] for job, result in found.items()} == {job: job * job for job in range(12)}
