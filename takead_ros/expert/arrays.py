"""The arrays that the planner's stages and kernels hand on: N actors, L paths over G points, K proposals at T times.

All is in the ego's ``base_link`` (m, rad, positive to the left) unless it says otherwise. Forecasts and proposals are
at the T times of ``forecast.TIMES``, of which every second one is one of the S knots of ``forecast.KNOTS``.
"""

from __future__ import annotations

from typing import NamedTuple

from takead_ros.compiled import Cube, FlagMatrix, Flags, IndexMatrix, Indices, Matrix, Vector


class Ego(NamedTuple):
    """The ego in ``map``: x y m, yaw rad, speed m/s, steering_angle rad; length width wheelbase m of its body."""

    x: float
    y: float
    yaw: float
    speed: float
    steering_angle: float
    length: float
    width: float
    wheelbase: float


class RouteGrid(NamedTuple):
    """The route as P points 1 m apart; point ``behind`` is the one nearest to the ego.

    x y (P,) m and yaw (P,) rad (without jumps), curvature (P,) 1/m; offset m: the ego's own, positive left of the
    route; heading_error rad: ego yaw minus route yaw.
    """

    x: Vector
    y: Vector
    yaw: Vector
    curvature: Vector
    behind: int
    offset: float
    heading_error: float


class Band(NamedTuple):
    """How far from the route the road reaches at each of the grid's points: right (negative) and left (P,) m."""

    right: Vector
    left: Vector


class LaneGraph(NamedTuple):
    """The lanes' centres in ``map``, each continued over its straightest successors.

    x y yaw arc (Q,): all points, arc growing over all of them; end (Q,): index of the last point of each one's lane;
    own (R,): indices of the points that belong to the lane itself, to be matched. edges (E, 2), solid (S, 2) m: points
    on the road's edges and on solid lines.
    """

    x: Vector
    y: Vector
    yaw: Vector
    arc: Vector
    end: Indices
    own: Indices
    edges: Matrix
    solid: Matrix


class Sightings(NamedTuple):
    """Where N actors were last seen, in ``map``: x y m, yaw rad, velocity vx vy m/s, in direction course rad with speed
    m/s, acceleration m/s^2 along it; age s since then; length width m; follows: who keeps to a lane; all (N,)."""

    x: Vector
    y: Vector
    yaw: Vector
    vx: Vector
    vy: Vector
    course: Vector
    speed: Vector
    acceleration: Vector
    age: Vector
    length: Vector
    width: Vector
    follows: Flags


class Boxes(NamedTuple):
    """Where the actors will be: x y m, yaw rad, speed m/s (N, T); length width (N,) m."""

    x: Matrix
    y: Matrix
    yaw: Matrix
    speed: Matrix
    length: Vector
    width: Vector


class Courses(NamedTuple):
    """What each actor drives along, in ``map``: from x y (N,) m in direction course (N,) rad, or along the lanes from
    point lane (N,) (-1: none), arc here (N,) m, offset (N,) m to its left, drifting left at drift (N,) m/s."""

    x: Vector
    y: Vector
    yaw: Vector
    course: Vector
    lane: Indices
    here: Vector
    offset: Vector
    drift: Vector


class Along(NamedTuple):
    """The actors along the route at the knots: along offset m, extents along and across it m, same: cosine of their
    heading against the route's; at: nearest grid point; all (N, S)."""

    along: Matrix
    offset: Matrix
    extent_along: Matrix
    extent_across: Matrix
    same: Matrix
    at: IndexMatrix


class Neighbours(NamedTuple):
    """N actors as paths and proposals meet them: along the route, as boxes, on their courses. speed (N,) m/s; age (N,)
    s since they were seen; person (N,): pedestrians and cyclists; room (N,) m wanted beside them."""

    along: Along
    boxes: Boxes
    courses: Courses
    speed: Vector
    age: Vector
    person: Flags
    room: Vector


class Horizon(NamedTuple):
    """The times (T,) s ahead at which others and proposals are looked at, of which every ``every``-th is one of the
    knots (S,) s: the steps of the models."""

    times: Vector
    knots: Vector
    every: int


class Minding(NamedTuple):
    """How the ego minds the others: passing (I,): rows of those that need no minding in any case; stuck: it has waited
    long, so that it may push off from a vehicle; how much earlier than forecast, s, somebody is minded who is crossing,
    or merging."""

    passing: Indices
    stuck: bool
    crossing: float
    merging: float


class Places(NamedTuple):
    """The N actors on the route now: along offset m, extents half_along half_across m of their boxes, same: cosine of
    their headings against the route's; all (N,)."""

    along: Vector
    offset: Vector
    half_along: Vector
    half_across: Vector
    same: Vector


class Margins(NamedTuple):
    """What decides who stands out: m kept beside vehicles (side) and people (person), the speed limit m/s."""

    side: float
    person: float
    limit: float


class ExpertSurroundings(NamedTuple):
    """The route and the actors on it: where they go (courses, boxes, along at the knots), are (places) and were last
    seen (last); person, visible (N,); room (N,) m wanted beside each; stands_out (N,): what each may be
    now, as bits (``kernels.surroundings``)."""

    grid: RouteGrid
    courses: Courses
    boxes: Boxes
    along: Along
    places: Places
    last: Sightings
    person: Flags
    visible: Flags
    room: Vector
    stands_out: Indices


class Offers(NamedTuple):
    """How L paths leave the route: to target (L,) m left of it. One that ``stays`` (L,) keeps to it; the others are out
    there from full (L,) to over (L,) m. speed (L,) m/s: what they are shaped for."""

    target: Vector
    full: Vector
    over: Vector
    stays: Flags
    speed: Vector


class Lines(NamedTuple):
    """L paths from the ego's pose, at each metre of the route: offset m to its left, x y m, yaw rad, curvature 1/m;
    rate: metres along the route for each metre along the path; all (L, G)."""

    offset: Matrix
    x: Matrix
    y: Matrix
    yaw: Matrix
    curvature: Matrix
    rate: Matrix


class Caps(NamedTuple):
    """C speed caps, each on the stretch of the route between begin and end (C,) m.

    There a path drives at most speed (C,) m/s, and gain (C,) 1/s more for each metre that it keeps to the side of what
    is half_across (C,) m wide at place at (C,) m and offset (C,) m; from reach (C,) m on it is free. With an infinite
    reach the cap is the same wherever the path lies.
    """

    begin: Vector
    end: Vector
    speed: Vector
    gain: Vector
    at: Vector
    offset: Vector
    half_across: Vector
    reach: Vector


class PathRules(NamedTuple):
    """What limits the motion along paths: lateral acceleration in bends and deceleration for caps m/s^2; stoppable m:
    nearer nobody is waited for; to_obstacles, to_others m: kept at a standstill, less with impatience 0..1."""

    lateral: float
    deceleration: float
    stoppable: float
    to_obstacles: float
    to_others: float
    impatience: float


class Encounters(NamedTuple):
    """Who is in the way of which path.

    rear (L, N, S) m: the rear ends of leads along the route, inf where there are none; lead_speed (N, S) m/s;
    for_people for_vehicles (L,) m: the first place where such a one comes into the way from the side, inf for none;
    meets (L,): whether an oncoming vehicle does; merges (N,): who drives beside some path now and will be on it.
    """

    rear: Cube
    lead_speed: Matrix
    for_people: Vector
    for_vehicles: Vector
    meets: Flags
    merges: Flags


class Paces(NamedTuple):
    """P ways to go along a path: target (P,) m/s and ceiling (P,) m/s^2; pace ``yields`` minds the yield walls."""

    target: Vector
    ceiling: Vector
    yields: int


class Comfort(NamedTuple):
    """acceleration and deceleration m/s^2 in comfort, hardest m/s^2 in an emergency, headway s to a lead."""

    acceleration: float
    deceleration: float
    hardest: float
    headway: float


class Proposals(NamedTuple):
    """K = L * P ways to drive, the paces of a path together: along m on the route, x y m, yaw rad, speed m/s (K, T),
    acceleration (K, S - 1) m/s^2; lead (K,): row of the actor that slows it, or -1."""

    along: Matrix
    x: Matrix
    y: Matrix
    yaw: Matrix
    speed: Matrix
    acceleration: Matrix
    lead: Indices


class PathLayout(NamedTuple):
    """How L paths lie on the road: offset (L, G) and target (L,) m beside the route, whose point ``behind`` the ego is
    at; band: how far the road reaches, of length 0 where no path leaves the route."""

    offset: Matrix
    target: Vector
    band: Band
    behind: int


class Stops(NamedTuple):
    """Where proposals come to a stand: gap (N,) m behind each actor that stands too; with their front at wall m all of
    them, and at yielding (L,) m on each path the one that yields."""

    gap: Vector
    wall: float
    yielding: Vector


class Attention(NamedTuple):
    """Whom the scores mind: ignored (N,): nobody has to mind these. Who crosses the route or merges into it is minded
    at other times too: rows (M,) of these actors, when (M, T), and x y m, yaw rad (M, H, T) at H shifts in time."""

    ignored: Flags
    rows: Indices
    when: FlagMatrix
    x: Cube
    y: Cube
    yaw: Cube


class Conflicts(NamedTuple):
    """What each proposal meets, all (K,): first s when it touches somebody (inf: never), impact m/s the ego's speed
    then; nearness 0..1: the largest share of somebody's room that is used up, less if later or while standing; worst:
    the actor that spoils it most, -1 for none."""

    first: Vector
    impact: Vector
    nearness: Vector
    worst: Indices
