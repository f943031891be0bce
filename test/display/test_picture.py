"""What is drawn of a drive: finite whatever came in, each thing once, nothing that is stale, and who drives."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support import fuzz
from support.scenes import make_scene
from takead_ros.display import palette
from takead_ros.display.overview import Answer, Overview, Standing
from takead_ros.display.picture import CANDIDATES, NAMESPACES, draw
from takead_ros.display.shapes import LAST_NUMBER, MOST, Block, Caption, Shape, Strokes, drawable, vanished
from takead_ros.display.words import LONGEST, one_line
from takead_ros.domain.driving import ArbiterMode, Cause, DriverOutput, Plan, Source, TakeoverRequest, Trigger
from takead_ros.domain.geometry import to_outer
from takead_ros.domain.scene import Objects
from takead_ros.domain.units import SECOND
from takead_ros.messages import interfaces
from takead_ros.nodes.display_inputs import SHOWN, Gathered
from takead_ros.takeover.inputs import Now
from takead_ros.takeover.notice import NoticeLevel

LIFETIME_S = 0.5


def output(source: str, k: int = 3, sideways: float = 0.0) -> DriverOutput:
    ahead = 4.0 * np.arange(1.0, 9.0)
    plan = Plan(ahead, np.full(8, sideways), np.zeros(8), np.full(8, 8.0))
    candidates = np.stack([np.stack([ahead, np.full(8, float(i))], -1) for i in range(k)])
    return DriverOutput(
        SECOND, source, plan, candidates, np.arange(k, dtype=float), np.zeros(0), np.zeros(0), 0.0, 0.0, 0.0, 0.0
    )


def standing(who: Source, mode: ArbiterMode = ArbiterMode.POLICY, asked: str = "") -> Standing:
    alarm = NoticeLevel.ACT if asked else NoticeLevel.CALM
    return Standing(mode, who, who, alarm, who.name.lower(), "because", asked)


def by_key(shapes: tuple[Shape, ...]) -> dict[tuple[str, int], Shape]:
    return {shape.key: shape for shape in shapes}


def strokes(shape: Shape) -> Strokes:
    assert isinstance(shape.form, Strokes)
    return shape.form


def said(shapes: tuple[Shape, ...]) -> str:
    return "\n".join(shape.form.text for shape in shapes if isinstance(shape.form, Caption))


def assert_sound(shapes: tuple[Shape, ...]) -> None:
    keys = [shape.key for shape in shapes]
    assert len(set(keys)) == len(keys)
    for shape in shapes:
        assert shape.namespace in NAMESPACES and 0 <= shape.number <= LAST_NUMBER
        assert drawable(shape.form) and shape.lifetime_s == LIFETIME_S and 0.0 < shape.opacity <= 1.0
        if isinstance(shape.form, Caption):
            assert shape.form.text.isprintable() and len(shape.form.text) <= LONGEST
    assert max(Counter(shape.namespace for shape in shapes).values()) <= MOST


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_whatever_comes_in_what_is_drawn_is_sound(seed: int) -> None:
    """Messages as ``fuzz`` makes them: NaN, infinities, extremes, arrays that do not fit, unknown numbers."""
    random, gathered = np.random.default_rng(seed), Gathered()
    for i in range(12):
        stamp = i * SECOND // 20
        for one in SHOWN:
            good = fuzz.sensible(one, stamp)
            gathered.take(one, fuzz.mutate(good, random) if random.integers(2) else good, stamp)
        assert_sound(draw(gathered.overview(Now(stamp, stamp), 0.5), LIFETIME_S))


@given(st.lists(st.integers(0, 2**32 - 1), max_size=40))
def test_objects_with_the_same_number_are_all_drawn(ids: list[int]) -> None:
    scene = make_scene(objects=len(ids))
    shapes = draw(Overview(replace(scene, objects=replace(scene.objects, id=np.array(ids, dtype=np.int64)))), 0.5)
    assert_sound(shapes)
    assert sum(shape.namespace == "objects" for shape in shapes) == len(ids)


def test_of_too_many_objects_the_nearest_are_drawn() -> None:
    n = 5 * MOST
    scene = make_scene(objects=n)
    o = replace(scene.objects, x=scene.ego.x + np.arange(n, dtype=float)[::-1], y=np.zeros(n))
    shapes = draw(Overview(replace(scene, objects=o)), LIFETIME_S)
    assert_sound(shapes)
    farthest = max(shape.form.x for shape in shapes if isinstance(shape.form, Block))
    assert farthest == pytest.approx(MOST - 1, abs=1.0)


def test_everything_is_where_it_is() -> None:
    scene = make_scene(3, offset=1.0)
    e, o = scene.ego, scene.objects
    shapes = by_key(draw(Overview(scene), LIFETIME_S))
    for i, number in enumerate(o.id.tolist()):
        block = shapes["objects", number].form
        assert isinstance(block, Block)
        place = to_outer(np.array([[block.x, block.y]]), e.x, e.y, e.yaw)[0]
        assert place == pytest.approx([o.x[i], o.y[i]]) and block.yaw + e.yaw == pytest.approx(o.yaw[i])
    assert to_outer(strokes(shapes["route", 0]).points, e.x, e.y, e.yaw) == pytest.approx(scene.route.path)


def test_a_plan_is_drawn_from_where_it_was_made() -> None:
    scene = make_scene()
    origin = (scene.ego.x - 2.0, scene.ego.y, scene.ego.yaw)
    there = Overview(scene, policy=Answer(output("policy"), origin))
    points = strokes(by_key(draw(there, LIFETIME_S))["policy", 0]).points
    points = to_outer(points, scene.ego.x, scene.ego.y, scene.ego.yaw)
    assert points[0] == pytest.approx(origin[:2]) and len(points) == 9
    assert np.hypot(*(points[1] - points[0])) == pytest.approx(4.0)


def test_who_drives_is_seen() -> None:
    scene = make_scene()
    here = (scene.ego.x, scene.ego.y, scene.ego.yaw)
    seen = Overview(scene, Answer(output("policy"), here), Answer(output("expert", sideways=1.0), here))

    def widths(who: Source) -> tuple[tuple[int, int, int], float, float]:
        shapes = by_key(draw(replace(seen, standing=standing(who)), LIFETIME_S))
        return (shapes["ego", 0].colour, strokes(shapes["policy", 0]).width, strokes(shapes["expert", 0]).width)

    policy, expert = widths(Source.POLICY), widths(Source.EXPERT)
    assert policy[0] == palette.DRIVERS[Source.POLICY] and policy[1] > policy[2]
    assert expert[0] == palette.DRIVERS[Source.EXPERT] and expert[1] < expert[2]


def test_the_likelier_a_candidate_the_more_it_is_seen() -> None:
    scene = make_scene()
    answer = Answer(output("policy", k=3 * CANDIDATES), (scene.ego.x, scene.ego.y, scene.ego.yaw))
    shapes = [s for s in draw(Overview(scene, policy=answer), LIFETIME_S) if s.namespace == "candidates"]
    assert len(shapes) == CANDIDATES
    opacities = [shape.opacity for shape in shapes]
    assert opacities == sorted(opacities, reverse=True) and opacities[0] > 2.0 * opacities[-1]
    assert strokes(shapes[0]).points[-1][1] > strokes(shapes[-1]).points[-1][1]  # the last logit is the largest


def test_what_is_asked_of_the_person_and_the_trigger_are_told() -> None:
    scene = make_scene()
    about = int(scene.objects.id[2])
    request = TakeoverRequest(SECOND, Trigger.COLLISION_PREDICTED, 0.8, 1.5, about, "a car ahead")
    cause = replace(output("expert"), cause=Cause("lead", about))
    shapes = draw(
        Overview(
            scene,
            expert=Answer(cause, (0.0, 0.0, 0.0)),
            request=request,
            standing=standing(Source.MRM, ArbiterMode.MRM, "take over"),
            ages={"scene": 0.05, "policy": None},
        ),
        LIFETIME_S,
    )
    text = said(shapes)
    for words in ("MRM: mrm (because)", "TAKE OVER", "trigger: collision_predicted 0.80 in 1.5 s  a car ahead", "lead"):
        assert words in text
    assert "scene 0.05 policy -!" in text
    status = [shape for shape in shapes if shape.namespace == "status"]
    assert status[0].colour == status[1].colour == palette.ALARM and len(status) == 4
    assert {shape.namespace for shape in shapes} >= {"trigger", "cause"}
    calm = draw(Overview(scene, request=replace(request, trigger=Trigger.NONE)), LIFETIME_S)
    assert not [shape for shape in calm if shape.namespace == "trigger"] and "trigger" not in said(calm)


def test_the_vehicle_is_told_of_even_where_nothing_is_heard() -> None:
    shapes = draw(Overview(ages={"scene": None}), LIFETIME_S)
    assert {shape.namespace for shape in shapes} == {"status"}
    assert "nothing is heard of the arbiter" in said(shapes) and "scene -!" in said(shapes)


def test_what_is_stale_is_not_drawn_and_its_age_is_marked() -> None:
    gathered = Gathered()
    for one in SHOWN:
        gathered.take(one, fuzz.sensible(one, SECOND), SECOND)

    def at(ros: int, steady: int) -> tuple[set[str], str]:
        shapes = draw(gathered.overview(Now(ros, steady), 0.5), LIFETIME_S)
        return {shape.namespace for shape in shapes}, said(shapes)

    soon = SECOND + SECOND // 10
    fresh, text = at(soon, soon)
    assert fresh >= {"road", "ego", "policy", "expert"} and "scene 0.10" in text and "!" not in text
    late = SECOND + 6 * SECOND // 10
    for ros, steady in ((late, late), (soon, late), (late, soon)):  # a stopped clock makes nothing younger
        stale, text = at(ros, steady)
        assert stale == {"status"} and "scene 0.60!" in text and "policy 0.60!" in text
        assert "person 0.60!" not in text, "a person may be silent"


def test_a_plan_whose_scene_did_not_come_in_is_not_drawn() -> None:
    gathered = Gathered()
    gathered.take(interfaces.SCENE, fuzz.sensible(interfaces.SCENE, SECOND), SECOND)
    gathered.take(interfaces.POLICY_OUTPUT, fuzz.sensible(interfaces.POLICY_OUTPUT, SECOND - 1), SECOND)
    assert gathered.overview(Now(SECOND, SECOND), 0.5).policy is None
    gathered.take(interfaces.POLICY_OUTPUT, fuzz.sensible(interfaces.POLICY_OUTPUT, SECOND), SECOND)
    assert gathered.overview(Now(SECOND, SECOND), 0.5).policy is not None


def test_what_is_gone_is_known() -> None:
    scene = make_scene(objects=3)
    before = [shape.key for shape in draw(Overview(scene), LIFETIME_S)]
    after = draw(Overview(replace(scene, objects=Objects.empty())), LIFETIME_S)
    gone = vanished(before, after)
    assert {("objects", number) for number in scene.objects.id.tolist()} <= set(gone)
    assert not set(gone) & {shape.key for shape in after} and vanished([shape.key for shape in after], after) == []


def test_a_line_stays_one_line() -> None:
    assert one_line("a\nb\x1b[31mc\0d") == "a b [31mc d"
    assert len(one_line("x" * 10_000)) == LONGEST
