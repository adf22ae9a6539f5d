#!/bin/sh
# The fault tests. Short (minutes), as in CI; --long: 200 kills of each kind and a million seeds of the simulation.
#   tests/faults/run.sh [--long] [--seed N] [--build FOLDER] [arguments of pytest]
# The seed is printed; with --seed the same faults come at the same moments, as far as the machine lets them. The
# simulation says by itself which of its seeds failed: faults_simulation --seed N --told replays that one exactly.
set -eu
source=$(cd "$(dirname "$0")/../.." && pwd)
build=$source/build/dev
rounds=6
seeds=2000
seed=$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')
while [ $# -gt 0 ]; do
  case $1 in
    --long) rounds=200 seeds=1000000 ;;
    --seed) seed=$2 && shift ;;
    --build) build=$(cd "$2" && pwd) && shift ;;
    *) break ;;
  esac
  shift
done

export TRACKING_BUILD_DIR="$build" TRACKING_SOURCE_DIR="$source" PYTHONDONTWRITEBYTECODE=1
export TRACKING_FAULT_ROUNDS="$rounds" TRACKING_FAULT_SEED="$seed"
echo "seed $seed"
cd "$source/tests/faults"
status=0
"$build/tests/faults/simulation/faults_simulation" --seeds "$seeds" --from "$seed" || status=1
tests="kill_test.py network_test.py subscriber_test.py"
[ "$(id -u)" -ne 0 ] || tests="$tests disk_full_test.py"
# shellcheck disable=SC2086  # a list of files
/usr/bin/python3 -m pytest -q -p no:cacheprovider "$@" $tests || status=1
exit $status
