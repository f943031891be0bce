"""Managed nodes as processes: what each state lets through, what is refused, and the supervisor that brings them up."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import rclpy
from ament_index_python.packages import get_package_prefix, get_package_share_directory
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState, GetState

from takead_ros.host import wiring
from takead_ros.messages import interfaces, types
from takead_ros.recording import bag, clip_folders, clip_manifests

DOMAIN = 1 + (os.getpid() + 50) % 100
PROGRAMS = Path(get_package_prefix("takead_ros")) / "lib" / "takead_ros"
NOVICE = Path(get_package_share_directory("takead_ros")) / "models" / "novice.onnx"
START_S = 60.0  # on a loaded machine


class Person:
    """Somebody with ``ros2 lifecycle`` and ``ros2 topic echo``, and the processes that are looked at."""

    def __init__(self) -> None:
        self.context = rclpy.Context()
        rclpy.init(context=self.context, domain_id=DOMAIN)
        self.node = rclpy.create_node("person", context=self.context, namespace="takead")
        self.executor = rclpy.executors.SingleThreadedExecutor(context=self.context)
        self.executor.add_node(self.node)
        self.processes: dict[str, subprocess.Popen[str]] = {}
        self.clients: dict[str, Any] = {}

    def start(self, name: str, **parameters: object) -> subprocess.Popen[str]:
        arguments = [word for key, value in parameters.items() for word in ("-p", f"{key}:={value}")]
        process = subprocess.Popen(
            [str(PROGRAMS / f"{name}_node"), "--ros-args", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "ROS_DOMAIN_ID": str(DOMAIN)},
        )
        self.processes[name] = process
        return process

    def spin(self, seconds: float, until: Callable[[], bool] = lambda: False) -> bool:
        end = time.monotonic() + seconds
        while time.monotonic() < end and not until():
            self.executor.spin_once(timeout_sec=0.02)
        return until()

    def call(self, name: str, srv: Any, request: Any, limit_s: float = START_S) -> Any:
        client = self.clients.setdefault(name, self.node.create_client(srv, name))
        assert self.spin(limit_s, client.service_is_ready), f"{name}: nobody serves it"
        future = client.call_async(request)
        assert self.spin(limit_s, future.done), f"{name}: no answer"
        return future.result()

    def state(self, name: str, limit_s: float = START_S) -> str:
        return str(self.call(f"{name}_node/get_state", GetState, GetState.Request(), limit_s).current_state.label)

    def change(self, name: str, transition: int) -> bool:
        request = ChangeState.Request()
        request.transition.id = transition
        return bool(self.call(f"{name}_node/change_state", ChangeState, request).success)

    def end(self, name: str) -> str:
        """Its output, after SIGINT."""
        process = self.processes.pop(name)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=60)
        return out

    def close(self) -> None:
        for process in self.processes.values():
            process.kill()
            process.communicate()
        self.executor.shutdown()
        self.node.destroy_node()
        rclpy.shutdown(context=self.context)


@pytest.fixture
def person() -> Iterator[Person]:
    made = Person()
    yield made
    made.close()


def test_a_policy_speaks_only_while_it_is_active(person: Person) -> None:
    heard: list[Any] = []
    wiring.subscription(person.node, interfaces.POLICY_OUTPUT, heard.append)
    person.start("policy", autostart=False, model=NOVICE)

    def said() -> int:
        person.spin(0.5)
        heard.clear()
        person.spin(1.5)
        return len(heard)

    assert person.state("policy") == "unconfigured" and said() == 0
    assert person.change("policy", Transition.TRANSITION_CONFIGURE)
    assert person.state("policy") == "inactive" and said() == 0
    answer = person.call("policy/load_model", types.LoadModel, types.LoadModel.Request(path=str(NOVICE)))
    assert (answer.accepted, answer.code) == (False, "inactive")
    assert person.change("policy", Transition.TRANSITION_ACTIVATE)
    assert person.state("policy") == "active" and said() >= 4  # five times a second that no scene comes
    assert person.call("policy/load_model", types.LoadModel, types.LoadModel.Request(path=str(NOVICE))).accepted
    assert not person.change("policy", Transition.TRANSITION_ACTIVATE)  # rclpy alone would end the process here
    assert person.state("policy") == "active" and said() >= 4
    assert person.change("policy", Transition.TRANSITION_DEACTIVATE) and said() == 0
    assert person.change("policy", Transition.TRANSITION_CLEANUP) and person.state("policy") == "unconfigured"
    assert person.change("policy", Transition.TRANSITION_CONFIGURE)  # anew: its parameters, topics and services
    assert person.change("policy", Transition.TRANSITION_ACTIVATE) and said() >= 4
    assert "Traceback" not in person.end("policy")


def test_what_cannot_be_loaded_refuses_the_configure_with_its_reason(person: Person, tmp_path: Path) -> None:
    broken = tmp_path / "model.onnx"
    broken.write_bytes(NOVICE.read_bytes()[:1000])
    person.start("policy", autostart=False, model=broken)
    assert not person.change("policy", Transition.TRANSITION_CONFIGURE)
    assert person.state("policy") == "unconfigured"
    broken.write_bytes(NOVICE.read_bytes())  # somebody mends it
    assert person.change("policy", Transition.TRANSITION_CONFIGURE)
    out = person.end("policy")
    assert out.count(str(broken)) == 1 and "Traceback" not in out


def test_by_itself_a_node_comes_up_or_ends_with_code_2(person: Person, tmp_path: Path) -> None:
    person.start("policy", model=NOVICE)
    assert person.spin(START_S, lambda: person.state("policy") == "active")
    person.end("policy")
    failing = person.start("policy", model=tmp_path / "nowhere.onnx")
    out, _ = failing.communicate(timeout=60)
    assert failing.returncode == 2 and "nowhere.onnx" in out and "Traceback" not in out
    del person.processes["policy"]


def test_a_recorder_that_is_deactivated_closes_its_clip_and_goes_on_later(person: Person, tmp_path: Path) -> None:
    episodes = wiring.publisher(person.node, interfaces.EPISODE)
    episodes.publish(types.Episode(suite="demo", scenario="cut_in", seed=1_000_003))
    person.start("recorder", autostart=False, directory=tmp_path)
    assert person.change("recorder", Transition.TRANSITION_CONFIGURE)
    person.spin(1.0)  # the episode comes in, and waits
    request = types.Bookmark.Request(label="here")
    assert person.call("recorder/bookmark", types.Bookmark, request).code == "inactive"

    def clips() -> int:
        return len(clip_folders.list_clips(tmp_path))

    for before in range(2):
        assert person.change("recorder", Transition.TRANSITION_ACTIVATE)
        person.spin(1.2)
        assert person.call("recorder/bookmark", types.Bookmark, request).accepted
        person.spin(0.3)
        assert person.change("recorder", Transition.TRANSITION_DEACTIVATE)
        assert person.spin(10.0, lambda wanted=before + 1: clips() == wanted)
    assert "Traceback" not in person.end("recorder")
    for clip in clip_folders.list_clips(tmp_path):
        assert clip_manifests.read_manifest(clip).closed_by == "deactivated"
        messages = [message.topic for message in bag.read(clip)]
        assert messages.count("/takead/episode") == 1 and "/takead/takeover/event" in messages


def test_the_supervisor_brings_them_up_and_up_again(person: Person, tmp_path: Path) -> None:
    told: dict[str, tuple[int, str]] = {}

    def hear(msg: Any) -> None:
        told.update({one.name: (one.level, one.message) for one in msg.status if "supervisor_node" in one.name})

    wiring.subscription(person.node, interfaces.DIAGNOSTICS, hear)
    managed = {"recorder": {"directory": tmp_path}, "expert": {}, "policy": {"model": NOVICE}, "monitor": {}}
    for name, parameters in managed.items():
        person.start(name, autostart=False, **parameters)  # type: ignore[arg-type]
    person.start("supervisor")

    def all_active() -> bool:
        return len(told) == 4 and {message for _, message in told.values()} == {"active"}

    assert person.spin(2 * START_S, all_active), told
    begun = time.monotonic()
    person.processes["policy"].kill()
    person.processes["policy"].communicate()
    part = "/takead/supervisor_node: policy_node"
    assert person.spin(10.0, lambda: told[part][1] != "active")
    person.start("policy", autostart=False, model=NOVICE)
    assert person.spin(START_S, all_active), told
    print(f"killed, started again, active again: {time.monotonic() - begun:.1f} s, the diagnostics' second included")

    assert person.change("expert", Transition.TRANSITION_DEACTIVATE)
    person.spin(4.0)
    assert person.state("expert") == "inactive"  # a person's word stands
    assert "deactivated by somebody" in told["/takead/supervisor_node: expert_node"][1]
    assert person.change("expert", Transition.TRANSITION_ACTIVATE)
    assert person.spin(10.0, all_active), told
    assert "Traceback" not in person.end("supervisor")
