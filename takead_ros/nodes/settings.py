"""Parameter models of the nodes whose logic has none of its own (the others: takeover, expert, vehicles)."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator, model_validator

from takead_ros import __version__
from takead_ros.domain.errors import TakeadError
from takead_ros.domain.parameters import StartParameters, number
from takead_ros.files import parse_json
from takead_ros.messages.interfaces import ANSWER_PERIOD_S, SCENE_PERIOD_S, parse_topic
from takead_ros.recording.background import COMPRESSION, FLUSH_S, QUEUE_BYTES
from takead_ros.recording.open_clip import SessionConfig


class PolicyParameters(StartParameters):
    model: str = Field(
        "", description="path of an ONNX file or a bundle; empty: none until policy/load_model loads one"
    )
    bundle_key: str = Field(
        "", description="PEM file of an Ed25519 public key; where given, only a bundle that it signed is loaded"
    )
    provider: str = Field("cpu", description="cpu, cuda, tensorrt or openvino; a hard choice")
    period_s: float = number(ANSWER_PERIOD_S, 0.05, 0.5, "s between two answers; the expert's")
    max_scene_age_s: float = number(0.3, 0.01, 1e9, "an older scene is not answered, by header stamp")


class JoystickParameters(StartParameters):
    mapping: str = Field(
        "xbox", min_length=1, description="a file in config/joysticks (xbox, dualshock, g29) or a path"
    )
    heartbeat_s: float = number(0.2, 0.05, 0.5, "without /joy for so long the person counts as lost")
    dead_man: int = Field(
        -1, ge=-1, le=63, description="button that must be held for input to count; -1: the mapping's"
    )
    rumble: float = number(1.0, 0.0, 1.0, "how strong the device's pulses are at most; 0: none")
    bell: bool = Field(True, description="ring the terminal's bell while a takeover is asked for")


class ReplayParameters(StartParameters):
    clip: str = Field("", description="the clip's folder")
    any_model: bool = Field(False, description="compare even where it was recorded with another model")
    patience_s: float = number(5.0, 0.1, 600.0, "a scene waits so long for its answer; then there is none")


class DisplayParameters(StartParameters):
    period_s: float = number(0.1, 0.05, 2.0, "between two pictures, where somebody watches")
    stale_s: float = number(0.5, 0.1, 5.0, "what is older is not drawn, and its age is marked")


class SupervisorParameters(StartParameters):
    managed: tuple[str, ...] = Field(
        ("recorder_node", "expert_node", "policy_node", "monitor_node"),
        min_length=1,
        description="names of the managed nodes, in the order in which they are brought up",
    )
    answer_s: float = number(20.0, 1.0, 600.0, "a request without an answer for so long is lost")
    retry_s: float = number(5.0, 0.1, 600.0, "what was refused is asked again after so long")
    absent_s: float = number(10.0, 0.1, 600.0, "the others wait so long for a node that does not answer")


class SimulatorParameters(StartParameters):
    simulator: str = Field("metadrive", description="which simulator")
    suite: str = Field("demo", description="scenario suite; its families in turn, then the next seed, for ever")
    family: str = Field("", description="one family instead of a suite; empty: the suite")
    seed: int = Field(0, ge=0, description="first seed")
    perception: str = Field(
        "", description="what is perceived of the world: none, vehicle, or a YAML file; empty: as the suite says"
    )
    period_s: float = number(SCENE_PERIOD_S, 0.02, 0.2, "s between two scenes: a multiple of the physics step")
    max_command_age_s: float = number(0.25, 0.05, 1.0, "without a command so fresh the ego brakes, the wheel held")
    stopping_mps2: float = number(3.0, 0.5, 9.0, "how hard it then brakes")
    wait_for_driver_s: float = number(10.0, 0.1, 600.0, "an episode waits so long for its first command")
    real_time: bool = Field(
        False, description="repeat the last scene from a thread while the next world is built; never in a lockstep run"
    )
    publish_clock: bool = Field(False, description="simulated time on /clock and in the stamps")
    auto_engage: bool = Field(False, description="ask the arbiter to engage at the start of every episode")


class RecorderParameters(StartParameters):
    directory: str = Field("clips", min_length=1, description="clips go here, each a rosbag2 folder")
    mode: Literal["clips", "all"] = Field("clips", description="clips: one for each takeover; all: one bag of the run")
    topics: tuple[str, ...] = Field(
        ("",), description='further topics: "/name:package/msg/Type", ":latched" or ":best_effort" behind it'
    )
    pre_s: float = number(SessionConfig.pre_s, 0.0, 600.0, "kept before the trigger")
    post_s: float = number(SessionConfig.post_s, 0.0, 600.0, "kept after the end of the handback")
    start_transition_s: float = number(
        SessionConfig.start_transition_s, 0.0, 10.0, "frames so soon after the trigger are labelled takeover_start"
    )
    casual_s: float = number(
        SessionConfig.casual_s, 0.0, 60.0, "a human override up to this long that nothing foresaw is casual"
    )
    max_clip_s: float = number(SessionConfig.max_clip_s, 1.0, 86400.0, "a longer takeover goes on in a further clip")
    ring_s: float = number(SessionConfig.ring_s, 0.1, 3600.0, "kept in memory; more than pre_s")
    ring_mib: int = Field(
        SessionConfig.ring_bytes >> 20,
        ge=1,
        le=1 << 20,
        description="MiB, and never more than this; what it cuts is reported",
    )
    scene_period_s: float = number(SCENE_PERIOD_S, 0.02, 0.2, "between two scenes; a larger gap is a loss")
    answer_period_s: float = number(ANSWER_PERIOD_S, 0.05, 0.5, "the same for policy and expert")
    queue_mib: int = Field(
        QUEUE_BYTES >> 20, ge=1, le=1 << 20, description="MiB that may wait for the disk; more is dropped, counted"
    )
    flush_s: float = number(FLUSH_S, 0.01, 60.0, "of recorded time at risk in a power cut")
    compression: Literal["none", "lz4", "zstd"] = Field(COMPRESSION, description="of the bag's chunks")
    wait_for_disk: bool = Field(False, description="halt instead of dropping (simulation only)")
    model_sha256: str = Field("", description="for the manifest; empty: what the commands say")
    version: str = Field(__version__, description="for the manifest")
    created: str = Field("", description="wall-clock time for the manifest; empty: the clock's, where it is one")
    provenance: str = Field("{}", description="a JSON object of whatever else is needed to rebuild the run")

    @field_validator("provenance")
    @classmethod
    def _is_object(cls, text: str) -> str:
        if not isinstance(parse_json(text), dict):  # it raises a ValueError for what is no JSON, or not finite
            raise ValueError("expected a JSON object")
        return text

    @field_validator("topics")
    @classmethod
    def _are_known(cls, topics: tuple[str, ...]) -> tuple[str, ...]:
        for text in filter(None, topics):
            try:
                parse_topic(text, "a further topic")
            except TakeadError as error:
                raise ValueError(str(error)) from error
        return topics

    @model_validator(mode="after")
    def _consistent(self) -> RecorderParameters:
        if self.ring_s <= self.pre_s:
            raise ValueError(f"ring_s = {self.ring_s}, expected more than pre_s = {self.pre_s}")
        return self
