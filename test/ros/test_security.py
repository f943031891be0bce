"""Under DDS Security: the arbiter's commands arrive, an intruder's do not, and a launch without its keys says so."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from ament_index_python.packages import get_package_prefix

from takead_ros.nodes.security_policy import grants_of

DOMAIN = 1 + (os.getpid() + 20) % 100
PROGRAMS = Path(get_package_prefix("takead_ros")) / "lib" / "takead_ros"
# Publishes commands with its own name as their reason, whatever becomes of them.
INTRUDER = """
import sys, time
import rclpy
from takead_ros.host import wiring
from takead_ros.messages import interfaces, types
rclpy.init(args=sys.argv)
node = rclpy.create_node("arbiter_node", namespace="takead")
publisher = wiring.publisher(node, interfaces.COMMAND)
end = time.monotonic() + float(sys.argv[1])
while time.monotonic() < end:
    publisher.publish(types.DriveCommand(reason=sys.argv[2]))
    rclpy.spin_once(node, timeout_sec=0.05)
"""
# Counts what it hears of `command` by reason.
LISTENER = """
import sys, time, collections
import rclpy
from takead_ros.host import wiring
from takead_ros.messages import interfaces
rclpy.init(args=sys.argv)
node = rclpy.create_node("listener", namespace="takead", start_parameter_services=False)
heard = collections.Counter()
wiring.subscription(node, interfaces.COMMAND, lambda msg: heard.update([msg.reason]))
end = time.monotonic() + float(sys.argv[1])
while time.monotonic() < end:
    rclpy.spin_once(node, timeout_sec=0.05)
print(dict(heard))
"""


def keystore(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(PROGRAMS / "keystore"), *words],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, "ROS_DOMAIN_ID": str(DOMAIN)},
    )


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("keys") / "store"
    made = keystore(str(folder))
    assert made.returncode == 0, made.stderr
    return folder


def start(keys: Path | None, enclave: str, *command: str) -> subprocess.Popen[str]:
    """A process in an enclave, or without any security."""
    secured = {"KEYSTORE": str(keys), "ENABLE": "true", "STRATEGY": "Enforce"} if keys else {}
    arguments = ["--ros-args", "--enclave", enclave] if keys else []
    return subprocess.Popen(
        [*command, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={
            **os.environ,
            "ROS_DOMAIN_ID": str(DOMAIN),
            **{f"ROS_SECURITY_{name}": value for name, value in secured.items()},
        },
    )


def heard_beside(keys: Path, *intruders: subprocess.Popen[str]) -> Counter[str]:
    """What an operator hears of ``command`` in six seconds."""
    listener = start(keys, "/takead/operator", sys.executable, "-c", LISTENER, "6")
    out, err = listener.communicate(timeout=60)
    for process in intruders:
        process.kill()
        process.communicate()
    assert listener.returncode == 0, err
    return Counter(eval(out.strip().splitlines()[-1]))  # what LISTENER prints


def test_the_arbiters_commands_arrive_and_an_intruders_do_not(keys: Path) -> None:
    arbiter = start(keys, "/takead/arbiter_node", str(PROGRAMS / "arbiter_node"))
    try:
        time.sleep(4.0)
        outsider = start(None, "", sys.executable, "-c", INTRUDER, "30", "outsider")
        # one with keys, but those of another node of the stack
        insider = start(keys, "/takead/policy_node", sys.executable, "-c", INTRUDER, "30", "insider")
        found = heard_beside(keys, outsider, insider)
    finally:
        arbiter.terminate()
        arbiter.communicate(timeout=30)
    assert sum(found.values()) > 60, found  # 20 a second
    assert not {"outsider", "insider"} & set(found), found


def test_keys_are_their_owners_alone(keys: Path) -> None:
    secret = [keys, *keys.rglob("key.pem"), *keys.rglob("*.key.pem")]
    assert len(secret) > 10
    assert [path for path in secret if path.stat().st_mode & 0o077] == []


def test_without_security_anybody_is_heard() -> None:
    """What the test above would look like if keys made no difference."""
    outsider = start(None, "", sys.executable, "-c", INTRUDER, "30", "outsider")
    listener = start(None, "", sys.executable, "-c", LISTENER, "6")
    out, _ = listener.communicate(timeout=60)
    outsider.kill()
    outsider.communicate()
    assert "outsider" in out


def test_the_whole_stack_drives_in_its_enclaves(keys: Path, tmp_path: Path) -> None:
    launch = subprocess.Popen(
        [
            "ros2",
            "launch",
            "takead_ros",
            "sim.launch.py",
            "sim:=vector",
            "family:=cut_in",
            "auto_engage:=true",
            f"bags:={tmp_path}",
            f"keystore:={keys}",
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        env={**os.environ, "ROS_DOMAIN_ID": str(DOMAIN), "PYTHONUNBUFFERED": "1"},
    )
    lines, end = [], time.monotonic() + 180.0
    try:
        assert launch.stdout is not None
        for line in launch.stdout:
            lines.append(line)
            if "driving score" in line or time.monotonic() > end:
                break
    finally:
        os.killpg(launch.pid, 2)
        launch.communicate(timeout=90)
    assert "driving score 100.0, ended by goal" in lines[-1], "".join(lines[-40:])
    assert any("Found security directory" in line for line in lines)


@pytest.mark.parametrize("missing", ["nothing there", "one enclave"])
def test_a_launch_without_its_keys_is_refused_before_anything_starts(keys: Path, tmp_path: Path, missing: str) -> None:
    folder = tmp_path / "empty"
    if missing == "one enclave":
        folder = keys.parent / "other"
        made = keystore(str(folder), "--namespace", "other")
        assert made.returncode == 0, made.stderr
    result = subprocess.run(
        ["ros2", "launch", "takead_ros", "sim.launch.py", "sim:=vector", f"bags:={tmp_path}", f"keystore:={folder}"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert "has no enclave /takead/" in result.stdout + result.stderr
    assert "process started" not in result.stdout + result.stderr


def test_a_policy_for_a_vehicle_names_its_topics() -> None:
    pytest.importorskip("ackermann_msgs", reason="the vehicle's messages are not in this ROS 2 install")
    out = keystore("unused", "--vehicle", "ackermann", "--print").stdout
    grants = grants_of("vehicle_node", "ackermann")
    assert all(f">{one.name}<" in out for one in (*grants.published, *grants.heard))
    refused = keystore("unused", "--vehicle", "tank")
    assert refused.returncode == 2 and "vehicle 'tank': unknown" in refused.stderr
