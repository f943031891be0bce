"""The short families, in the order in which the suite ``core`` drives them. A new one is a function and a row here.

Long routes are strung together of those whose setting is a street or a junction (``long.py``): there a new row makes
every seed another route, at the end of its setting's rows as well as anywhere else.
"""

from __future__ import annotations

from takead_ros.scenarios import crossings, following, junctions, merging, obstacles, passing, people, priority, ramps
from takead_ros.scenarios.family import Family

SHORT: tuple[Family, ...] = (
    following.lead_hard_brake,
    following.cut_in,
    obstacles.broken_down_car,
    obstacles.pedestrian_from_van,
    merging.close_cut_in,
    merging.cut_out,
    merging.parking_exit,
    passing.parked_with_oncoming,
    passing.construction_cones,
    passing.slow_cyclist,
    passing.accident,
    passing.opened_door,
    passing.oncoming_invades,
    people.pedestrian_crossing,
    people.cyclist_crossing,
    people.speed_limit_change,
    junctions.intersection_left,
    junctions.intersection_right,
    crossings.crossing_straight,
    crossings.red_light_runner,
    crossings.red_light,
    crossings.yellow_dilemma,
    crossings.stop_sign,
    crossings.blocked_junction,
    ramps.ramp_merge,
    ramps.ramp_exit,
    ramps.lane_drop,
    priority.roundabout_entry,
    priority.t_junction,
    priority.emergency_vehicle,
)

# those that happen in the suite ``deploy`` only: the suite ``known``, from which demonstrations come, has the others
HELD_OUT: tuple[str, ...] = tuple(
    family.name
    for family in (
        passing.parked_with_oncoming,
        passing.construction_cones,
        passing.opened_door,
        passing.oncoming_invades,
        people.cyclist_crossing,
        crossings.red_light_runner,
        crossings.stop_sign,
        crossings.blocked_junction,
    )
)
