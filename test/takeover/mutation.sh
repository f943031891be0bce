#!/usr/bin/env bash
# Mutation test of the takeover core: how many small changes to the code do the tests notice?
#
#   test/takeover/mutation.sh [WORKDIR]      needs: pip install 'mutmut>=3.8'; takes long, so it is no part of `make test`
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
also_copy=
    msg
    srv
pytest_add_cli_args_test_selection=
    test/takeover/test_transitions.py
    test/takeover/test_inputs.py
    test/takeover/test_limits_and_manoeuvre.py
    test/takeover/test_engagement_and_command.py
CFG
cd "$work"
"${MUTMUT:-mutmut}" run --max-children "${JOBS:-2}"
"${MUTMUT:-mutmut}" results --all true | awk '{n[$NF]++} END {for (k in n) print k, n[k]; t = n["killed"] + n["survived"] + n["timeout"] + n["suspicious"]; printf "score %.1f %%\n", 100 * (n["killed"] + n["timeout"]) / (t ? t : 1)}'
