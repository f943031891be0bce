"""A user's own environment, and what carla_ros_bridge's programs find there. Needs neither ROS 2 nor the bridge."""

from __future__ import annotations

import os
import shutil
import subprocess


def users_environment() -> dict[str, str]:
    """This process's variables as a user has them: no virtual environment on PYTHONPATH."""
    paths = [entry for entry in os.environ.get("PYTHONPATH", "").split(":") if entry and ".venv" not in entry]
    return {**os.environ, "PYTHONPATH": ":".join(paths)}


def missing_for_the_bridge() -> str:
    """What of carla_ros_bridge's world is not here, in words; empty where all is."""
    code = "import importlib.util, sys; print(*(m for m in sys.argv[1:] if importlib.util.find_spec(m) is None))"
    python = shutil.which("python3", path="/usr/bin:/bin") or "python3"
    modules = ["carla_ros_bridge", "carla_waypoint_publisher", "carla", "agents", "networkx"]
    done = subprocess.run([python, "-c", code, *modules], env=users_environment(), capture_output=True, text=True)
    return done.stdout.strip() or done.stderr.strip()
