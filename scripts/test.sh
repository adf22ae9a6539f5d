#!/usr/bin/env bash
# Builds everything and runs every test, in one run of ctest whose summary is the last word:
#   dev   all tests, and the checks of form, installation and documentation; warnings are errors
#   asan  AddressSanitizer + UndefinedBehaviorSanitizer: library and daemon
#   tsan  ThreadSanitizer: what has threads
#   fuzz  the fuzz targets, for a short while (clang)
# usage: scripts/test.sh [ctest arguments, e.g. -R Cursor]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

scripts/install-packages build test

export CMAKE_CXX_COMPILER_LAUNCHER=ccache LDFLAGS=-fuse-ld=mold  # read when a build folder is first configured
# What one build compiled serves the next, also in another clone and with precompiled headers. Found by what the sources
# depend on, never by what the preprocessor makes of them: two headers that differ in comments alone are the same after it,
# but to GCC a header that is not the one it precompiled is another one, and it reads both.
export CCACHE_DEPEND=1 CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1 CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
jobs=$(nproc)
builds=(dev asan tsan fuzz)
declare -A targets=([dev]=all [asan]=all [tsan]=tests/all [fuzz]=tests/fuzz/all)  # with what they need, and no more
for build in "${builds[@]}"; do
  started=$SECONDS
  log=build/$build.log
  mkdir -p build
  { cmake --preset "$build" && cmake --build "build/$build" -j "$jobs" --target "${targets[$build]}"; } >"$log" 2>&1 || {
    grep -E 'error:|Error|FAILED' -B 4 -A 6 "$log" | cut -c -240 | head -n 60 >&2 || true
    echo "The build $build failed; all of its output is in $log." >&2
    exit 1
  }
  echo "built $build in $((SECONDS - started)) s"
done

# One run over all builds.
mkdir -p build/test
printf 'subdirs("%s")\n' "${builds[@]/#/$PWD/build/}" >build/test/CTestTestfile.cmake

# Tests that need more than a user has are labelled, and left out by name where they cannot run.
left_out=()
# The tests that need root need namespaces, too.
[ "$(id -u)" = 0 ] && unshare --mount --pid --net --fork true 2>/dev/null || left_out+=(root)
[ -n "${TRACKING_TEST_LONG-}" ] || left_out+=(long)  # what takes minutes by its nature
for engine in docker podman; do  # having one is not enough: can it run a container here?
  compose/test.sh --probe $engine || left_out+=("$engine")
done
labels=$(ctest --test-dir build/test --print-labels | sed -n 's/^  //p')
for label in "${left_out[@]}"; do
  grep -qx "$label" <<<"$labels" && echo "Labels not run here: $label"
done
exclude=$(IFS='|' && echo "^(${left_out[*]:-none})$")

# What made tests fail is said once more right before the summary: what came in between is long.
# shellcheck disable=SC2016
reasons='
  $1 ~ /^[0-9]+\/[0-9]+$/ && $2 == "Test" { failed = /\*\*\*/; left = 12; follow = 0; if (failed) said = said $4 "\n" }
  failed && left > 0 && !/^ +Start +[0-9]/ && (follow > 0 || /^E  |: Failure$|^==[0-9]+==.*ERROR|Sanitizer|runtime error|^  what\(\)/) {
    follow = /: Failure$/ ? 4 : follow - 1; left--; said = said "  " substr($0, 1, 300) "\n" }
  /^[0-9]+% tests passed/ && said { print "\nWhat failed:\n" said }
  { print; fflush() }'
ctest --test-dir build/test -j "$jobs" --output-on-failure --no-label-summary --no-tests=error -LE "$exclude" "$@" |
  awk "$reasons"
