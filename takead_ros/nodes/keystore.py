"""``ros2 run takead_ros keystore FOLDER``: keys and signed permissions for every node of the stack, by sros2.

Made for one ROS_DOMAIN_ID, that of this process. The same command again adds what is missing and leaves keys that are
there. FOLDER/private signs: keep it away from the vehicle.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

from takead_ros.domain.errors import TakeadError
from takead_ros.files import write_atomically
from takead_ros.nodes.security_policy import policy

POLICY = "takead_policy.xml"


def make(folder: Path, text: str) -> None:
    """Write the policy into ``folder`` and have sros2 make all that it asks for. Raises TakeadError where it fails."""
    program = shutil.which("ros2")
    if program is None:
        raise TakeadError("ros2: not found; expected a sourced ROS 2 with the package sros2")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_atomically(folder / POLICY, text)
    # sros2 wants the Python packages of its own distribution, not what a virtual environment has in their place.
    paths = [path for path in os.environ.get("PYTHONPATH", "").split(":") if path and not _of_environment(Path(path))]
    result = subprocess.run(
        [program, "security", "generate_artifacts", "-k", str(folder), "-p", str(folder / POLICY)],
        env={**os.environ, "PYTHONPATH": ":".join(paths)},
        capture_output=True,
        text=True,
        check=False,
        umask=0o077,  # sros2 lets everybody read the keys that it makes
    )
    if result.returncode:
        last = (result.stderr.strip() or result.stdout.strip() or "no message").splitlines()[-1]
        raise TakeadError(f"'ros2 security generate_artifacts' for '{folder}': {last}")


def _of_environment(path: Path) -> bool:
    return any((parent / "pyvenv.cfg").is_file() for parent in path.parents)


def main(words: list[str]) -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(prog="keystore", description=__doc__)
    parser.add_argument("folder", type=Path, help="the keystore; made where it is not there")
    parser.add_argument("--namespace", default="takead", help="namespace of the ego")
    parser.add_argument("--vehicle", default="", help="vehicle side that is used, as vehicle:= of the launch")
    parser.add_argument("--hears", action="append", default=[], help="a further topic that the policy's model needs")
    parser.add_argument("--print", action="store_true", help="print the policy and make nothing")
    asked = parser.parse_args(words)
    try:
        text = policy(asked.namespace, asked.vehicle, asked.hears)
        if asked.print:
            sys.stdout.write(text)
            return 0
        make(asked.folder, text)
    except (TakeadError, OSError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    domain, folder = os.environ.get("ROS_DOMAIN_ID", "0"), asked.folder.absolute()
    sys.stdout.write(f"{folder}: keys and permissions for ROS_DOMAIN_ID {domain}, by {folder / POLICY}\n")
    sys.stdout.write(f"  ros2 launch takead_ros vehicle.launch.py keystore:={folder} ...\n")
    return 0
