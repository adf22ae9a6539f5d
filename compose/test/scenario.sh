# shellcheck shell=bash disable=SC2154  # work, cache, ... are test.sh's
# Sourced by compose/test.sh inside of its namespaces, where an engine runs: what a user does, and what goes wrong.

step() { printf '%3d s  %s\n' $SECONDS "$*"; }
fail() { echo "FAILED: $*" >&2 && return 1; }

scenario() {
  trap 'tell_state' ERR
  set -E
  stage_project
  build_images
  bring_up
  post_and_read
  look_into_the_containers "$1"
  scale_to_five
  kill_a_replica
  restart_the_broker
  restart_the_database
  come_back_after_down
  bring_down
  step "done"
}

# What helps to understand a failure.
tell_state() {
  trap - ERR
  { docker ps -a; for name in $(docker ps -a --format '{{.Names}}'); do echo "== $name" && docker logs --tail 15 "$name"; done; } 2>&1 | cut -c -300 >&2
}

# The project as a user has it after `git clone`, in a folder of the test's own.
stage_project() {
  mkdir "$work/tracking"
  tar -C "$project" --exclude './build*' --exclude ./.git -cf - . | tar -C "$work/tracking" -xf -
  cd "$work/tracking" || return
  if [ "${BINARIES:-}" != source ]; then
    export BINARIES=prebuilt
    mkdir compose/prebuilt
    strip -o compose/prebuilt/tracking-httpd "$programs/tracking-httpd"
    strip -o compose/prebuilt/tracking-cli "$programs/tracking-cli"
  fi
}

build_images() {
  step "importing the root file systems"
  import_image "$images/base.tar" docker.io/library/debian:bookworm-slim
  import_image "$images/services.tar" localhost/services
  step "building stand-ins, and our images from compose/Dockerfile ($BINARIES)"
  build_stand_in docker.io/library/postgres:15 <<'DOCKERFILE'
FROM localhost/services
COPY stand-in-postgres /usr/local/bin/
ENTRYPOINT ["stand-in-postgres"]
STOPSIGNAL SIGINT
DOCKERFILE
  build_stand_in docker.io/library/nats:2.10 <<'DOCKERFILE'
FROM localhost/services
ENTRYPOINT ["nats-server"]
DOCKERFILE
  build_stand_in docker.io/library/haproxy:2.6 <<'DOCKERFILE'
FROM localhost/services
USER haproxy
ENTRYPOINT ["haproxy", "-W", "-db", "-f", "/usr/local/etc/haproxy/haproxy.cfg"]
DOCKERFILE
  docker-compose build --build-arg "BINARIES=$BINARIES" >"$work/build.log" 2>&1 || { tail -n 40 "$work/build.log" && return 1; }
}

bring_up() {
  step "docker-compose up -d"
  docker-compose up -d >"$work/up.log" 2>&1 || { tail -n 40 "$work/up.log" && return 1; }
  until_true 60 curl -sf http://service.lvh.me/readyz
  until_true 60 all_replicas_serve 3
  step "ready"
}

# Event routes

# Prints the status of posting event $1 through the proxy; the answer is in $work/answer.
post() { curl -s -m 10 -o "$work/answer" -w '%{http_code}' -H 'Content-Type: application/json' -d "$1" http://service.lvh.me/; }
answers() { [ "$(post "$1")" = "$2" ] || fail "$1 was answered $(cat "$work/answer") instead of $2"; }
is_answered() { [ "$(post "$1")" = "$2" ]; }

client() { docker exec tracking_client_1 ./client "$@"; }

post_and_read() {
  step "the mission's lines"
  curl --request POST 'service.lvh.me' --header 'Content-Type: application/json' --data-raw '{"account_id":1,"data":"foo"}' >"$work/answer" 2>/dev/null
  grep -q '"ack":"stored"' "$work/answer" || fail "$(cat "$work/answer")"
  printf './client --help\nexit\n' | script -qec 'docker exec -it tracking_client_1 sh' /dev/null >"$work/help"
  grep -q 'subscribe' "$work/help" || fail "./client --help printed: $(cat "$work/help")"

  answers '{"account_id":3,"data":"three"}' 202
  answers '{"account_id":4,"data":"four"}' 202
  answers '{"account_id":2,"data":"inactive"}' 403
  answers '{"account_id":5,"data":"unknown"}' 404
  [ "$(curl -s -o /dev/null -w '%{http_code}' -d hello http://service.localhost/1)" = 202 ] || fail "service.localhost"
  [ "$(curl -s -o /dev/null -w '%{http_code}' -d hello http://127.0.0.1/1)" = 404 ] || fail "a host that is not ours"
  [ "$(client subscribe -a 1 --since all --no-follow -o raw | tr '\n' ' ')" = '"foo" "hello" ' ] || fail "what the client read"
  reads_live 'Accept: text/event-stream' '^id: c_'
  reads_live 'Accept: application/x-ndjson' ''
}

# A stream through the proxy shows an event while it is open. $1 = header, $2 = what it begins with.
reads_live() {
  local out=$work/stream reader
  rm -f "$work/head"
  curl -sN -D "$work/head" -H "$1" 'http://service.lvh.me/v1/events?account_id=1&limit=2' >"$out" &
  reader=$!
  until_true 20 grep -q 200 "$work/head"
  [ -z "$2" ] || until_true 20 grep -q "$2" "$out"
  answers '{"account_id":1,"data":"live"}' 202
  until_true 20 grep -q '"live"' "$out"
  kill -0 $reader || fail "the stream ended with its first event"
  # It ends by itself: one that is cut off stays open at the proxy until the next heartbeats, and counts as load there.
  answers '{"account_id":1,"data":"last"}' 202
  wait $reader
}

look_into_the_containers() {
  local name=tracking_tracking_1
  step "a user without rights, a read-only root, no compiler, healthy"
  [ "$(docker exec $name id -u)" = 10001 ] || fail "runs as $(docker exec $name id)"
  ! docker exec $name touch /var/lib/tracking/file 2>/dev/null || fail "the root file system is writable"
  [ -z "$(docker exec $name sh -c 'command -v cc c++ gcc g++ clang cmake make ld')" ] || fail "a compiler in the image"
  docker exec $name tracking-httpd --healthcheck
  if [ "$1" = docker ]; then until_true 30 is_healthy $name; else docker healthcheck run $name; fi
}
is_healthy() { [ "$(docker inspect -f '{{.State.Health.Status}}' "$1")" = healthy ]; }

# Replicas

address_of() { docker inspect -f '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' "$1"; }
accepted_by() {
  curl -sf -m 5 -H 'Authorization: Bearer tracking' "http://$(address_of "tracking_tracking_$1"):8081/v1/ledger" | grep -o '"accepted":[0-9]*' | cut -d : -f 2
}
# Each of $1 replicas has accepted more than it had: the proxy has found it.
all_replicas_serve() {
  local replica before
  for ((replica = 1; replica <= $1; ++replica)); do
    before=$(accepted_by $replica) || return 1
    until_true 10 takes_one_more $replica "$before" || return 1
  done
}
takes_one_more() { is_answered '{"account_id":3,"data":"to whom?"}' 202 && [ "$(accepted_by "$1")" -gt "$2" ]; }

scale_to_five() {
  step "five replicas, which the proxy finds"
  TRACKING_REPLICAS=5 docker-compose up -d >"$work/up.log" 2>&1 || { tail -n 40 "$work/up.log" && return 1; }
  until_true 120 all_replicas_serve 5
}

# Load: events with ids of their own, each repeated until it is accepted, as the contract tells clients to.

start_load() {
  : >"$work/sent"
  : >"$work/repeated"
  touch "$work/load"
  (
    trap - ERR
    number=0
    while [ -e "$work/load" ]; do
      number=$((number + 1))
      until [ "$(curl -s -m 10 -o /dev/null -w '%{http_code}' -H 'Content-Type: application/json' \
        -d "{\"account_id\":3,\"id\":\"$1-$number\",\"data\":$number}" http://service.lvh.me/)" = 202 ]; do
        echo "$1-$number" >>"$work/repeated"
        sleep 0.05
      done
      echo "$1-$number" >>"$work/sent"
    done
  ) &
  load=$!
  until_true 30 has_sent 20
}
has_sent() { [ "$(wc -l <"$work/sent")" -ge "$1" ]; }

# Ends the load, and compares what was accepted with what the client reads: each once.
stop_load() {
  until_true 60 has_sent $(($(wc -l <"$work/sent") + 50))
  rm "$work/load" && wait "$load"
  client subscribe -a 3 --since all --no-follow -o json | grep -o "\"id\":\"$1-[0-9]*\"" | cut -d '"' -f 4 | sort >"$work/read"
  sort "$work/sent" | diff - "$work/read" >"$work/difference" || fail "accepted and read differ: $(head -n 5 "$work/difference")"
  step "  $(wc -l <"$work/sent") events accepted, each read once; $(sort -u "$work/repeated" | wc -l) had to be repeated"
}

kill_a_replica() {
  local name=tracking_tracking_2 pid
  step "kill -9 of a replica under load; it comes back by itself"
  start_load kill
  pid=$(docker inspect -f '{{.State.Pid}}' $name)
  kill -9 "$pid"
  until_true 30 is_another_process $name "$pid"
  stop_load kill
  until_true 60 all_replicas_serve 5
}
is_another_process() {
  local pid
  pid=$(docker inspect -f '{{.State.Pid}}' "$1")
  [ "$pid" != 0 ] && [ "$pid" != "$2" ]
}

restart_the_broker() {
  step "a restart of the broker under load"
  start_load broker
  docker-compose restart nats >/dev/null 2>&1
  stop_load broker
}

restart_the_database() {
  step "a restart of the database under load; then a change of an account"
  start_load database
  docker-compose restart postgres >/dev/null 2>&1
  stop_load database
  until_true 30 client accounts deactivate 4
  until_true 10 is_answered '{"account_id":4,"data":"inactive now"}' 403
}

come_back_after_down() {
  step "down, and up again: accounts and events are still there"
  TRACKING_REPLICAS=5 docker-compose down >/dev/null 2>&1
  bring_up
  answers '{"account_id":4,"data":"still inactive"}' 403
  [ "$(client subscribe -a 1 --since all --count 1 -o raw | head -n 1)" = '"foo"' ] || fail "the first event is gone"
}

bring_down() {
  step "docker-compose down -v"
  docker-compose down -v >/dev/null 2>&1
  [ -z "$(docker ps -aq)" ] || fail "containers are left"
  [ -z "$(docker volume ls -q)" ] || fail "volumes are left"
}
