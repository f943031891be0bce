"""Who may publish, serve and ask for what: the access policy of the stack for ROS 2's security (SROS 2, DDS Security).

``policy`` makes sros2's policy file of it: an enclave for each node, with what the node has and nothing else. Only
arbiter_node may publish ``command``, only monitor_node ``takeover/request``. A test holds it to what the nodes have.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from xml.sax.saxutils import escape, quoteattr

from takead_ros.domain.errors import TakeadError
from takead_ros.messages import interfaces as i
from takead_ros.messages.interfaces import Interface, Service
from takead_ros.nodes.display_inputs import SHOWN
from takead_ros.vehicles import VEHICLES, open_vehicle

# What rclpy makes for every node: names of sros2's policies, "~" is the node's own.
ALWAYS_PUBLISHED = ("/rosout", "/parameter_events")
ALWAYS_HEARD = ("/parameter_events", "/clock")
ALWAYS_SERVED = tuple(
    f"~/{name}"
    for name in (
        "describe_parameters",
        "get_parameter_types",
        "get_parameters",
        "list_parameters",
        "set_parameters",
        "set_parameters_atomically",
        "get_type_description",
    )
)
LIFECYCLE = ("change_state", "get_state", "get_available_states", "get_available_transitions", "get_transition_graph")
ALL = "/*"
TOOL_SERVED = ("/*/get_type_description",)  # a person's tools take names of their own, and rclpy makes this for each


@dataclass(frozen=True)
class Grants:
    """Of one node; ``everything``: it hears every topic. ``managed``: others may ask for its transitions."""

    published: tuple[Interface, ...] = ()
    heard: tuple[Interface, ...] = ()
    served: tuple[Service, ...] = ()
    asked: tuple[Service, ...] = ()
    everything: bool = False
    managed: bool = False
    brings_up: bool = False


NODES = {
    "policy_node": Grants((i.POLICY_OUTPUT, i.DIAGNOSTICS), (i.SCENE,), (i.LOAD_MODEL,), managed=True),
    "expert_node": Grants((i.EXPERT_OUTPUT, i.DIAGNOSTICS), (i.SCENE, i.SCENE_TRUTH), managed=True),
    "monitor_node": Grants((i.REQUEST, i.DIAGNOSTICS), (i.SCENE, i.POLICY_OUTPUT, i.EXPERT_OUTPUT), managed=True),
    "arbiter_node": Grants(
        (i.COMMAND, i.ARBITER_STATE, i.EVENT, i.OPERATOR_STATUS, i.DIAGNOSTICS),
        (i.SCENE, i.POLICY_OUTPUT, i.EXPERT_OUTPUT, i.HUMAN_COMMAND, i.REQUEST),
        (i.ENGAGE, i.DISENGAGE),
    ),
    "recorder_node": Grants((i.DIAGNOSTICS,), i.RECORDED, (i.BOOKMARK,), everything=True, managed=True),
    "joystick_node": Grants(
        (i.HUMAN_COMMAND, i.JOY_FEEDBACK, i.DIAGNOSTICS),
        (i.JOY, i.OPERATOR_STATUS),
        asked=(i.ENGAGE, i.DISENGAGE, i.BOOKMARK),
    ),
    "simulator_node": Grants(
        (i.EPISODE, i.SCENE, i.SCENE_TRUTH, i.CLOCK, i.DIAGNOSTICS), (i.COMMAND,), asked=(i.ENGAGE, i.DISENGAGE)
    ),
    "vehicle_node": Grants((i.EPISODE, i.SCENE, i.DIAGNOSTICS), (i.COMMAND,)),
    "display_node": Grants((i.DISPLAY, i.DIAGNOSTICS), SHOWN),
    "supervisor_node": Grants((i.DIAGNOSTICS,), brings_up=True),
}
MANAGED = tuple(name for name, grants in NODES.items() if grants.managed)
# Beside the stack's nodes: the pad's driver, and the tools of people (ros2 topic, ros2 service, RViz, ...). An operator
# watches, engages and bookmarks; a maintainer also loads models and asks managed nodes for transitions.
JOY_NODE = Grants((i.JOY,), (i.JOY_FEEDBACK,))
PEOPLE = {
    "operator": Grants(asked=(i.ENGAGE, i.DISENGAGE, i.BOOKMARK), everything=True),
    "maintainer": Grants(asked=i.SERVICES, everything=True, brings_up=True),
}


def grants_of(node: str, vehicle: str) -> Grants:
    """What ``node`` has where the row ``vehicle`` of the registry is driven ('': none). Raises TakeadError."""
    found = NODES[node]
    if node != "vehicle_node" or not vehicle:
        return found
    row = open_vehicle(vehicle)
    side = row.make(lambda: row.parameters())
    own = tuple(one.interface for one in side.inputs)
    return replace(found, published=(*found.published, side.output), heard=(*found.heard, *own))


def policy(namespace: str, vehicle: str = "", further: Iterable[str] = ()) -> str:
    """sros2's policy file (version 0.2.0) for the stack in ``namespace``. ``further``: topics that policy_node hears
    besides, where its model needs them. Raises TakeadError for an unknown vehicle."""
    if vehicle and vehicle not in VEHICLES:
        raise TakeadError(f"vehicle '{vehicle}': unknown, expected one of {', '.join(sorted(VEHICLES))}")
    ns = f"/{namespace.strip('/')}"
    enclaves = [
        _enclave(ns, name, grants_of(name, vehicle), further if name == "policy_node" else ()) for name in NODES
    ]
    enclaves += [_enclave("/", "joy_node", JOY_NODE), *(_enclave(ns, name, may) for name, may in PEOPLE.items())]
    head = ('<?xml version="1.0" encoding="UTF-8"?>', '<policy version="0.2.0">', "<enclaves>")
    return "\n".join([*head, *enclaves, "</enclaves>", "</policy>", ""])


def enclave(namespace: str, node: str) -> str:
    """Name of a node's enclave: its full name."""
    return f"/{namespace.strip('/')}/{node}".replace("//", "/")


def _enclave(ns: str, name: str, grants: Grants, further: Iterable[str] = ()) -> str:
    heard = (ALL,) if grants.everything else (*ALWAYS_HEARD, *(one.name for one in grants.heard), *further)
    own = (*ALWAYS_SERVED, *(f"~/{word}" for word in LIFECYCLE if grants.managed))
    own = TOOL_SERVED if name in PEOPLE else own
    others = [f"{node}/{word}" for node in MANAGED for word in LIFECYCLE] if grants.brings_up else []
    published = (*ALWAYS_PUBLISHED, *(["~/transition_event"] if grants.managed else []))
    rules = (
        ("topics", "publish", "topic", (*published, *(one.name for one in grants.published))),
        ("topics", "subscribe", "topic", heard),
        ("services", "reply", "service", (*own, *(one.name for one in grants.served))),
        ("services", "request", "service", (*others, *(one.name for one in grants.asked))),
    )
    lines = [f"<enclave path={quoteattr(enclave(ns, name))}>", "<profiles>"]
    lines.append(f"<profile ns={quoteattr(ns)} node={quoteattr(name)}>")
    for group, act, kind, names in rules:
        inner = "".join(f"<{kind}>{escape(one)}</{kind}>" for one in dict.fromkeys(names))
        if inner:
            lines.append(f'<{group} {act}="ALLOW">{inner}</{group}>')
    return "\n".join([*lines, "</profile>", "</profiles>", "</enclave>"])
