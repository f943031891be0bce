#!/usr/bin/env bash
# Mutation test of the takeover core: how many small changes to the code do the tests notice?
#
#   [SAMPLE=300] [JOBS=2] test/takeover/mutation.sh [WORKDIR]
#
# Needs pip install 'mutmut>=3.8'; takes hours, so it is no part of `make test`. SAMPLE tries that many mutants, drawn by
# chance with a fixed seed. Prints the mutants that survive, and the score.
#
# Works on a copy. The exhaustive and the random test are left out: they are slow, and the score has to hold without.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
work=${1:-$(mktemp -d)}
mkdir -p "$work"
cp -r "$root"/{takead_ros,pyproject.toml,msg,srv} "$work"/
mkdir -p "$work/test" && cp -r "$root/test/takeover" "$work/test/"
cat > "$work/setup.cfg" <<'CFG'
[mutmut]
source_paths=
    takead_ros
only_mutate=
    takead_ros/takeover/arbiter.py
    takead_ros/takeover/command.py
    takead_ros/takeover/engagement.py
    takead_ros/takeover/inputs.py
    takead_ros/takeover/limits.py
    takead_ros/takeover/mrm.py
    takead_ros/takeover/state.py
timeout_multiplier=4
also_copy=
    msg
    srv
pytest_add_cli_args_test_selection=
    test/takeover/test_transitions.py
    test/takeover/test_transitions_automation.py
    test/takeover/test_inputs.py
    test/takeover/test_limits_and_manoeuvre.py
    test/takeover/test_engagement_and_command.py
CFG
cd "$work"
mutmut=${MUTMUT:-mutmut}
names=()
if [ -n "${SAMPLE:-}" ]; then
  "$mutmut" run 'takead_ros.takeover.limits.x_rates__mutmut_1' > /dev/null  # makes all mutants, tries one
  mapfile -t names < <(python3 - "$SAMPLE" <<'PY'
import glob, json, random, sys
names = sorted(n for f in glob.glob("mutants/takead_ros/takeover/*.meta") for n in json.load(open(f))["exit_code_by_key"])
print(*random.Random(2026).sample(names, min(int(sys.argv[1]), len(names))), sep="\n")
PY
  )
fi
"$mutmut" run --max-children "${JOBS:-2}" "${names[@]}"
python3 - <<'PY'
import collections, glob, json
codes = {n: c for f in glob.glob("mutants/takead_ros/takeover/*.meta")
         for n, c in json.load(open(f))["exit_code_by_key"].items() if c is not None}
survived = sorted(n for n, c in codes.items() if c == 0 or c == 33)
print("\n".join(survived))
print(f"{len(codes)} mutants tried, {len(codes) - len(survived)} noticed: "
      f"score {100.0 * (1 - len(survived) / max(len(codes), 1)):.1f} %")
PY
