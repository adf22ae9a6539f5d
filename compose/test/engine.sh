# shellcheck shell=bash disable=SC2154  # work, cache, ... are test.sh's
# Sourced by compose/test.sh inside of its namespaces: starts the engine, with a store of its own under $work, and puts
# the commands of README.md into the PATH: `docker` and `docker-compose` are Docker's own, or podman and podman-compose.

# $1 = docker or podman.
start_engine() {
  mount --make-rprivate /
  ip link set lo up
  mount -t tmpfs tmpfs /run && mkdir -p /run/lock
  # The names that public DNS has, and that curl knows (RFC 6761).
  printf '127.0.0.1 localhost service.lvh.me\n' >"$work/hosts" && mount --bind "$work/hosts" /etc/hosts
  printf 'options attempts:1 timeout:1\n' >"$work/resolv.conf" && mount --bind "$work/resolv.conf" "$(readlink -f /etc/resolv.conf)"
  mkdir -p "$work/bin" && PATH=$work/bin:$PATH
  "start_$1"
}

start_docker() {
  # Debian's client of the same version, should another one come first in the PATH.
  ln -s /usr/bin/docker "$work/bin/docker"
  dockerd --data-root "$work/store" --exec-root /run/docker --pidfile /run/docker.pid --host unix:///var/run/docker.sock \
    >"$work/engine.log" 2>&1 &
  until_true 60 docker info
  export COMPOSE_HTTP_TIMEOUT=300  # the engine of a busy machine takes its time
}

start_podman() {
  # The limits that a container gets must be ones that this place may set; without systemd nothing runs health checks. The
  # files of networks would be this machine's.
  printf '[containers]\ndefault_ulimits = ["nofile=1024:1024","nproc=1024:1024"]\n[engine]\nruntime = "runc"\n[network]\nnetwork_backend = "netavark"\nnetwork_config_dir = "%s"\n' \
    "$work/networks" >"$work/containers.conf"
  printf '[storage]\ndriver = "overlay"\ngraphroot = "%s"\nrunroot = "/run/storage"\n' "$work/store" >"$work/storage.conf"
  export CONTAINERS_CONF=$work/containers.conf CONTAINERS_STORAGE_CONF=$work/storage.conf DISABLE_HC_SYSTEMD=true
  ln -s /usr/bin/podman "$work/bin/docker"
  # podman-compose 1.0 neither reads the root's .env nor knows `build --network`; HEALTHCHECK is kept in Docker's format.
  cat >"$work/bin/docker-compose" <<'SHIM'
#!/bin/sh
exec podman-compose --podman-build-args='--network=none --format=docker' -p tracking -f compose/compose.yaml "$@"
SHIM
  chmod 755 "$work/bin/docker-compose"
  podman info >"$work/engine.log" 2>&1
}

# An image of a tar of a root file system. $1 = tar, $2 = name.
import_image() { docker import "$1" "$2"; }

# A stand-in: $1 = name of the image that it stands for; its Dockerfile comes by stdin.
build_stand_in() {
  local folder
  folder=$work/stand-in-$((++stand_ins))
  mkdir -p "$folder"
  cp "$project"/compose/test/stand-in-* "$folder/"
  cat >"$folder/Dockerfile"
  docker build --network none -q -t "$1" "$folder"
}
stand_ins=0
