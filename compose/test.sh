#!/usr/bin/env bash
# Brings up what compose/compose.yaml describes and uses it as README.md says: posts through the proxy, reads with the client
# in its container, scales, kills a replica, restarts broker and database, brings all of it down.
#
#   compose/test.sh docker|podman [--from-source]     needs root and scripts/install-packages containers
#   compose/test.sh --probe docker|podman             exit 0: that engine can really run a container here
#   compose/test.sh --root FOLDER                     makes FOLDER a root file system like the images' base, for other tests
#
# The engine is one of its own, with its store in memory (about 1.5 GB), in its own network, mount and process
# namespaces: port 80, networks, firewall rules and images of this machine are not touched, and nothing outlives the test.
# Images are made from Debian's packages (compose/test/images.sh), which asks no registry, and kept for the next run
# in ${TRACKING_CONTAINER_CACHE:-~/.cache/tracking-containers} (about 400 MB; may be deleted).
# The programs come from $TRACKING_BUILD_DIR, build/dev if not set; with --from-source the Dockerfile compiles them.
set -euo pipefail
project=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache=${TRACKING_CONTAINER_CACHE:-${HOME:-/root}/.cache/tracking-containers}
# shellcheck disable=SC2034  # for scenario.sh
programs=${TRACKING_BUILD_DIR:-$project/build/dev}/bin
fetched_groups=(image)
limit=600  # seconds, all of it

# until_true SECONDS COMMAND...: repeats it, silently, until it succeeds.
until_true() {
  local end=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    [ $SECONDS -lt $end ] || { echo "did not come true in time: $*" >&2; return 1; }
    sleep 0.2
  done
}

for part in images engine scenario; do
  # shellcheck source=/dev/null
  . "$project/compose/test/$part.sh"
done

# run_inside KINDS STEP ENGINE...: in namespaces that end, with all that is in them, when this script does, however it ends.
run_inside() {
  local kinds=$1
  shift
  # shellcheck disable=SC2086  # a list of words
  timeout --kill-after 5 $((limit - SECONDS)) unshare $kinds --mount --pid --fork --kill-child --mount-proc bash "$0" --inside "$@"
}

probe() {
  local root=$work/root file
  mkdir -p "$root"
  for file in /bin/true $(ldd /bin/true | grep -o '/[^ ]*'); do cp --parents -L "$file" "$root/"; done
  tar -C "$root" -cf "$work/true.tar" .
  start_engine "$1"
  import_image "$work/true.tar" localhost/probe
  docker network create probe
  docker run --rm --network probe localhost/probe /bin/true
}

inside() {
  local step=$1 engine=$2
  work=$3
  mount -t tmpfs tmpfs "$work"  # several times faster than a disk, and gone with the namespace
  case $step in
    prepare) make_root_file_systems "$4" "$5" ;;
    probe) probe "$engine" ;;
    scenario) start_engine "$engine" && scenario "$engine" ;;
  esac
}

list_control_groups() { find /sys/fs/cgroup -maxdepth 2 -type d \( -name docker -o -name libpod_parent \) | sort; }

# What namespaces do not end: files, and the engines' empty control groups.
clean_up() {
  rm -rf "$work"
  comm -13 <(echo "$control_groups") <(list_control_groups) |
    while read -r group; do find "$group" -depth -type d -exec rmdir {} + 2>/dev/null || true; done
}

main() {
  local step=scenario engine root
  if [ "${1:-}" = --probe ]; then step=probe && shift; fi
  if [ "${1:-}" = --root ]; then step=root && root=${2:?} && set -- docker; fi
  engine=${1:-}
  case $engine in docker | podman) ;; *) sed -n '2,16s/^# \?//p' "$0" >&2 && exit 2 ;; esac
  if [ "${2:-}" = --from-source ]; then export BINARIES=source && fetched_groups+=(build) && limit=3000; fi
  [ "$(id -u)" = 0 ] || { echo "$0 needs root: it starts an engine of its own in namespaces of its own." >&2 && exit 1; }

  mkdir -p "$cache"
  work=$(mktemp -d "$cache/run.XXXXXX")
  control_groups=$(list_control_groups)
  trap clean_up EXIT
  if [ $step = probe ]; then
    limit=60
    run_inside --net probe "$engine" "$work" >/dev/null 2>&1
  else
    exec 9>"$cache/lock" && flock 9  # two at once would share the caches, and cost each other their time
    prepare_images
    if [ $step = root ]; then mkdir -p "$root" && tar -C "$root" -xf "$images/base.tar" && return; fi
    export images
    run_inside --net scenario "$engine" "$work"
  fi
}

if [ "${1:-}" = --inside ]; then shift && inside "$@"; else main "$@"; fi
