"""Options that several verbs have."""

from __future__ import annotations

import os

import typer

from takead_ros.domain.errors import TakeadError
from takead_ros.resources import yaml_names
from takead_ros.runs.workers import WORKERS, demand_kind
from takead_ros.runs.workplace import Workplace

PERCEPTION = typer.Option(
    None,
    help=f"Perception: none, {', '.join(yaml_names('config/perception'))} or a YAML file; by default the suite's own.",
)
WORKERS_KIND = typer.Option(
    "processes", help=f"What the workers are: {', '.join(WORKERS)} (actors on a Ray cluster; see --ray)."
)
RAY = typer.Option(None, metavar="HOST:PORT", help="The Ray cluster for --workers-kind ray; by default RAY_ADDRESS.")

LOOPBACK = ("127.0.0.1", "localhost", "::1")
LAST_PORT = 65535


def host_and_port(text: str, option: str) -> tuple[str, int]:
    """``HOST:PORT``, or ``[HOST]:PORT``. Raises TakeadError that names ``option`` for anything else."""
    host, colon, port = text.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        host = ""
    if not (host and colon and port.isascii() and port.isdecimal() and int(port) <= LAST_PORT):
        raise TakeadError(f"{option} '{text}': expected HOST:PORT, such as 127.0.0.1:8765, or [::1]:8765")
    return host, int(port)


def place(workers: int, kind: str, ray: str | None) -> Workplace:
    """Where the options say that jobs are done. Raises TakeadError for an unknown kind, and an address without use."""
    if ray is not None and kind != "ray":
        raise TakeadError(f"--ray '{ray}': is for --workers-kind ray, this is --workers-kind {kind}; expected both")
    if kind == "ray" and ray is None:
        ray = os.environ.get("RAY_ADDRESS")
    demand_kind(kind)
    return Workplace(workers, kind, ray or "")
