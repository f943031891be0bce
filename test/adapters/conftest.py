"""Hand-written OpenDRIVE maps and messages shaped as carla_ros_bridge publishes them."""

from __future__ import annotations

import math
from types import SimpleNamespace as Msg
from typing import Any

import pytest

HEAD = (
    '<?xml version="1.0"?><OpenDRIVE><header revMajor="1" revMinor="4" name="crossing" version="1.00" '
    'north="100" south="-100" east="100" west="-100"/>'
)
SIGNS = """<signals>
  <signal name="limit" id="900" s="20" t="-5" zOffset="2" orientation="+" dynamic="no" country="OpenDRIVE" type="274"
          subtype="30" value="30" unit="km/h"><validity fromLane="-1" toLane="-1"/></signal>
  <signal name="stop" id="901" s="48" t="-5" zOffset="2" orientation="+" dynamic="no" country="OpenDRIVE" type="206"
          subtype="-1" value="-1"><validity fromLane="-1" toLane="-1"/></signal>
</signals>"""


def road(
    number: int, length: float, x: float, y: float, heading: float, *, curvature: float = 0.0, junction: int = -1,
    link: str = "", speed: str = "", signals: str = "", both: bool = True,
) -> str:  # fmt: skip
    """A road of one lane of 3.5 m along its reference line (lane -1, to its right) and, with ``both``, one against."""
    shape = f'<arc curvature="{curvature}"/>' if curvature else "<line/>"
    mark = '<roadMark sOffset="0" type="{}" weight="standard" color="white" width="0.15"/>'

    def lane(i: int) -> str:
        joined = '<link><predecessor id="-1"/><successor id="-1"/></link>' if i < 0 else ""
        return (
            f'<lane id="{i}" type="driving" level="false">{joined}<width sOffset="0" a="3.5" b="0" c="0" d="0"/>'
            f"{mark.format('solid')}</lane>"
        )

    left = f"<left>{lane(1)}</left>" if both else ""
    return (
        f'<road name="road {number}" length="{length}" id="{number}" junction="{junction}"><link>{link}</link>'
        f'<type s="0" type="town">{speed}</type><planView><geometry s="0" x="{x}" y="{y}" hdg="{heading}" '
        f'length="{length}">{shape}</geometry></planView><lanes><laneSection s="0">{left}<center>'
        f'<lane id="0" type="none" level="false">{mark.format("broken")}</lane></center><right>{lane(-1)}</right>'
        f"</laneSection></lanes>{signals}</road>"
    )


def straight() -> str:
    """100 m from the origin along x; 50 km/h by the road, 30 km/h from a sign at 20 m, a stop sign at 48 m."""
    return HEAD + road(1, 100, 0, 0, 0, speed='<speed max="50" unit="km/h"/>', signals=SIGNS) + "</OpenDRIVE>"


def crossing() -> str:
    """From the west (road 1, 50 m to x = -10) straight on (2), left to the north (3), right to the south (4)."""
    quarter = 5.0 * math.pi

    def joined(to: int) -> str:
        return (
            '<predecessor elementType="road" elementId="1" contactPoint="end"/>'
            f'<successor elementType="road" elementId="{to}" contactPoint="start"/>'
        )

    after = '<predecessor elementType="junction" elementId="100"/>'
    before = '<successor elementType="junction" elementId="100"/>'
    roads = [
        road(1, 50, -60, 0, 0, link=before, speed='<speed max="30" unit="mph"/>'),
        road(2, 50, 10, 0, 0, link=after),
        road(3, 50, 0, 10, math.pi / 2, link=after),
        road(4, 50, 0, -10, -math.pi / 2, link=after),
        road(10, 20, -10, 0, 0, junction=100, link=joined(2), both=False),
        road(11, quarter, -10, 0, 0, curvature=0.1, junction=100, link=joined(3), both=False),
        road(12, quarter, -10, 0, 0, curvature=-0.1, junction=100, link=joined(4), both=False),
    ]
    ways = "".join(
        f'<connection id="{i}" incomingRoad="1" connectingRoad="{10 + i}" contactPoint="start">'
        '<laneLink from="-1" to="-1"/></connection>'
        for i in range(3)
    )
    return HEAD + "".join(roads) + f'<junction id="100" name="crossing">{ways}</junction></OpenDRIVE>'


def quaternion(yaw: float) -> Msg:
    return Msg(x=0.0, y=0.0, z=math.sin(yaw / 2.0), w=math.cos(yaw / 2.0))


def vector(x: float = 0.0, y: float = 0.0, z: float = 0.0) -> Msg:
    return Msg(x=x, y=y, z=z)


def header(seconds: float) -> Msg:
    whole = int(seconds)
    return Msg(stamp=Msg(sec=whole, nanosec=round((seconds - whole) * 1e9)), frame_id="map")


def pose(x: float, y: float, yaw: float) -> Msg:
    return Msg(position=vector(x, y), orientation=quaternion(yaw))


def twist(x: float = 0.0, y: float = 0.0, turn: float = 0.0) -> Msg:
    return Msg(linear=vector(x, y), angular=vector(z=turn))


class Bridge:
    """Builds the bridge's messages, in the units, frames and signs that it uses."""

    @staticmethod
    def world(opendrive: str) -> Any:
        return Msg(map_name="crossing", opendrive=opendrive)

    @staticmethod
    def info(lock: float = 1.22) -> Any:
        places = ((1.4, 0.8), (1.4, -0.8), (-1.5, 0.8), (-1.5, -0.8))
        locks = (lock, lock, 0.0, 0.0)
        wheels = [Msg(max_steer_angle=a, position=vector(x, y)) for a, (x, y) in zip(locks, places, strict=True)]
        return Msg(id=7, type="vehicle.tesla.model3", rolename="ego_vehicle", wheels=wheels)

    @staticmethod
    def odometry(t: float, x: float, y: float, yaw: float, speed: float = 0.0, turn: float = 0.0) -> Any:
        # the bridge's linear twist is wrong on slopes: only its sign is used, so that its size here is wrong as well
        return Msg(header=header(t), pose=Msg(pose=pose(x, y, yaw)), twist=Msg(twist=twist(0.7 * speed, turn=turn)))

    @staticmethod
    def status(t: float, speed: float = 0.0, steer: float = 0.0) -> Any:
        return Msg(header=header(t), velocity=abs(speed), control=Msg(steer=steer))

    @staticmethod
    def object(number: int, kind: int, x: float, y: float, yaw: float = 0.0, vx: float = 0.0, vy: float = 0.0,
               size: tuple[float, ...] = (4.5, 1.9, 1.6)) -> Any:  # fmt: skip
        return Msg(
            id=number, classification=kind, pose=pose(x, y, yaw), twist=twist(vx, vy), shape=Msg(dimensions=list(size))
        )

    @staticmethod
    def objects(t: float, *objects: Any) -> Any:
        return Msg(header=header(t), objects=list(objects))

    @staticmethod
    def waypoints(points: Any) -> Any:
        return Msg(poses=[Msg(pose=pose(float(x), float(y), 0.0)) for x, y in points])

    @staticmethod
    def light_info(number: int, at: tuple[float, float, float], centre: tuple[float, float], size: float) -> Any:
        """``at``: the light's pose in map; ``centre``: of its trigger volume, in the light's own frame."""
        volume = Msg(center=vector(*centre), size=vector(size, size, 2.0))
        return Msg(traffic_lights=[Msg(id=number, transform=pose(*at), trigger_volume=volume)])

    @staticmethod
    def light_status(number: int, state: int) -> Any:
        return Msg(traffic_lights=[Msg(id=number, state=state)])


@pytest.fixture
def bridge() -> Bridge:
    return Bridge()


@pytest.fixture
def straight_xodr() -> str:
    return straight()


@pytest.fixture
def crossing_xodr() -> str:
    return crossing()
