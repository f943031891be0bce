"""What the recorder keeps: the topics of a clip, and how the session is to treat each."""

from __future__ import annotations

from takead_ros.messages import interfaces
from takead_ros.messages.interfaces import Interface
from takead_ros.nodes.settings import RecorderParameters
from takead_ros.recording.bag_metadata import BagTopic
from takead_ros.recording.open_clip import SessionConfig

LATCHED_DEPTH = 100  # messages of a further latched topic that are repeated at a clip's head (/tf_static has many)
SCENES = (interfaces.SCENE, interfaces.SCENE_TRUTH)


def what_to_record(
    namespace: str, p: RecorderParameters, further: list[Interface]
) -> tuple[SessionConfig, dict[str, BagTopic]]:
    """The session's configuration and every topic of a clip by its full name."""
    label, scene = (one.full_name(namespace) for one in (interfaces.CLIP_LABEL, interfaces.SCENE))
    topics = {label: BagTopic(interfaces.CLIP_LABEL.type)}
    periods, latched = {}, {}
    for one in interfaces.RECORDED:
        name = one.full_name(namespace)
        topics[name] = BagTopic(one.type, one.qos.reliable, one.qos.latched, 1)
        if one.stamped_period:
            periods[name] = p.scene_period_s if one in SCENES else p.answer_period_s
        if one.qos.latched:
            latched[name] = one.qos.depth
    for one in further:
        name = one.full_name(namespace)
        topics[name] = BagTopic(one.type, one.qos.reliable, one.qos.latched)
        if one.qos.latched:
            latched[name] = LATCHED_DEPTH
    config = SessionConfig(
        pre_s=p.pre_s,
        post_s=p.post_s,
        start_transition_s=p.start_transition_s,
        ring_s=p.ring_s,
        ring_bytes=p.ring_mib << 20,
        max_clip_s=p.max_clip_s,
        casual_s=p.casual_s,
        whole_run=p.mode == "all",
        scene_topic=scene,
        label_topic=label,
        latched=latched,
        periods_s=periods,
    )
    return config, topics
