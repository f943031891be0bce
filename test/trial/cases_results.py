"""What was driven: compare, report, runs."""

from __future__ import annotations

from trial.case import Case, attacker, breaker, broken_file, user

LONG = "x" * 300
# places in an evaluation, and what they must not hold
WRONG = {
    "episodes null": "episodes null",
    "episodes 3": "episodes 3",
    "episode null": "episodes.0 null",
    "episode of nothing": "episodes.0 {}",
    "assisted null": "episodes.0.assisted null",
    "score high": 'episodes.0.driving_score "high"',
    "score null": "episodes.0.driving_score null",
    "score NaN": "episodes.0.driving_score NaN",
    "score Infinity": "episodes.0.driving_score Infinity",
    "score true": "episodes.0.driving_score true",
    "seed a list": "episodes.0.seed []",
    "seed text": 'episodes.0.seed "0"',
    "seed below zero": "episodes.0.seed -1.5",
    "scenario null": "episodes.0.scenario null",
    "infractions 3": "episodes.0.infractions 3",
    "infraction of letters": 'episodes.0.infractions [{"a": 1}]',
    "triggers null": "episodes.0.triggers null",
    "unknown key": "wings 2",
    "seeds empty": "seeds []",
    "seeds null": "seeds null",
    "passes empty": "passes {}",
    "passes null": "passes null",
    "version 3": "version 3",
    "model null": "model null",
    "simulator null": "simulator null",
    "share NaN": "expert_share NaN",
    "intervals null": "intervals null",
    "environment null": "environment null",
    "families 1": "families 1",
    "another headline": "driving_score 99.5",
    "another share": "expert_share 0.01",
    "another score in an episode": "episodes.0.driving_score 1.0",
}
MISSING = ("episodes", "seeds", "triggers", "passes", "driving_score", "abilities", "model", "environment", "scenarios")

CASES: tuple[Case, ...] = (
    # compare
    user("compare", "compare before.json after.json", 0, "+40.0", "4/0/0"),
    user("compare with itself", "compare before.json before.json", 0, "0/4/0"),
    user("compare to json", "compare before.json after.json --json c.json", 0, "written: c.json"),
    user("compare to stdout", "compare before.json after.json --json -", 0, '"differences"'),
    user("compare of one", "compare before.json", 2, "'after'"),
    user("compare over a file", "compare before.json after.json --json before.json", 2, "exists"),
    user("compare a model", "compare m.onnx after.json", 2, "m.onnx"),
    user("compare a clip", "compare shelf/CLIP after.json", 2, "CLIP"),
    breaker("compare to 300 letters", f"compare before.json after.json --json {LONG}", 2, "File name too long"),
    breaker("compare other seeds", "compare before.json after.json", 2, damage="set after.json episodes.0.seed 9"),
    *broken_file(
        "compare before.json after.json",
        "after.json",
        "after.json",
        kinds="missing empty cut noise zeros folder loop text pipe sparse",
    ),
    *(
        breaker(
            f"compare: {name}", "compare before.json after.json", 2, "after.json", damage=f"set after.json {damage}"
        )
        for name, damage in WRONG.items()
    ),
    *(
        breaker(f"compare: without {key}", "compare before.json after.json", 2, key, damage=f"unset after.json {key}")
        for key in MISSING
    ),
    breaker("compare: null", "compare before.json after.json", 2, "after.json", damage="text after.json null"),
    attacker("compare: deep", "compare before.json after.json", 2, "after.json", damage="deep after.json"),
    attacker(
        "compare: a model of markup",
        "compare before.json after.json",
        0,
        "[/red]x",
        damage='set after.json model "[/red]x"',
    ),
    attacker(
        "compare: a model of an escape",
        "compare before.json after.json",
        0,
        "\\x1b[2J",
        damage='set after.json model "\\u001b[2J"',
    ),
    attacker(
        "compare: a model of emoji",
        "compare before.json after.json",
        0,
        ":skull:",
        damage='set after.json model ":skull:"',
    ),
    attacker(
        "compare: a suite of markup",
        "compare before.json after.json",
        0,
        "[/b]",
        damage='set before.json suite "[/b]" ; set after.json suite "[/b]"',
    ),
    # report
    user("report", "report run", 0, "report: run/report.html", writes="run/*"),
    user("report again", "report run", 0, "report.html", damage="text run/report.html mine", writes="run/*"),
    user("report of nothing", "report none", 2, "no such folder"),
    user("report of an empty folder", "report mine", 2, "before.json", damage="folder mine"),
    user("report of a file", "report before.json", 2, "before.json"),
    user("report without an argument", "report", 2, "'run'"),
    breaker("report over a folder", "report run", 2, "report.html", damage="folder run/report.html", writes="run/*"),
    *broken_file("report run", "run/before.json", "before.json", kinds="missing empty cut noise folder loop text"),
    *broken_file("report run", "run/after.json", "after.json", kinds="missing empty noise"),
    *(
        breaker(f"report: {name}", "report run", 2, "before.json", damage=f"set run/before.json {damage}")
        for name, damage in WRONG.items()
        if name in ("seeds empty", "episodes null", "score NaN", "triggers null")
    ),
    breaker("report: a loop.json of nothing", "report run", 2, "loop.json", damage="text run/loop.json {}"),
    breaker("report: a loop.json of words", "report run", 2, "loop.json", damage="text run/loop.json words"),
    breaker("report: a loop.json of a list", "report run", 2, "loop.json", damage="text run/loop.json []"),
    attacker("report: a deep loop.json", "report run", 2, "loop.json", damage="deep run/loop.json"),
    attacker(
        "report: a model of script",
        "report run",
        0,
        damage='set run/after.json model "<script>x</script>"',
        writes="run/*",
    ),
    # runs
    user("runs ls", "runs ls .", 0, "1 runs", "1/1", damage="copy driven a/driven ; remove driven"),
    breaker(
        "compare: no episodes", "compare before.json after.json", 2, "episodes", damage="set after.json episodes []"
    ),
    user("runs ls of nothing", "runs ls none", 2, "none"),
    user("runs ls of an empty folder", "runs ls mine", 0, "0 runs", damage="folder mine"),
    user("runs ls of a drive", "runs ls driven", 0, "1/1"),
    user("runs show", "runs show before.json", 0, "cut_in", "Score"),
    user("runs show of a drive", "runs show driven", 2, "--json"),
    user("runs show of nothing", "runs show none", 2, "none"),
    breaker("runs ls of a file", "runs ls before.json", 2, "before.json"),
    breaker(
        "runs ls with a broken journal", "runs ls driven", 1, "episodes.jsonl", damage="noise driven/episodes.jsonl"
    ),
    *broken_file("runs show before.json", "before.json", "before.json", kinds="empty cut noise loop text"),
    attacker("runs show of markup", "runs show before.json", 0, "[/red]x", damage='set before.json model "[/red]x"'),
    attacker(
        "runs show of an escape", "runs show before.json", 0, "\\x1b", damage='set before.json model "\\u001b[2J"'
    ),
)
