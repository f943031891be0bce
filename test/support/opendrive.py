"""Hand-written OpenDRIVE maps."""

from __future__ import annotations

import math

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
    number: int,
    length: float,
    x: float,
    y: float,
    heading: float,
    *,
    curvature: float = 0.0,
    junction: int = -1,
    link: str = "",
    speed: str = "",
    signals: str = "",
    both: bool = True,
) -> str:
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
