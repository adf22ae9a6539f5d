#!/usr/bin/env bash
# From a fresh Debian 12 to the first event on the screen: installs the packages, builds a release, starts
# `tracking-httpd --demo`, attaches `tracking-cli subscribe`, and sends an event with curl.
# On a terminal it then stays live until Ctrl-C; otherwise it ends: 0 if the event arrived.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

scripts/install-packages build run

build=build/release
mkdir -p "$build"
make_release() {
  [ -f $build/build.ninja ] || cmake --preset release
  cmake --build $build --target tracking-httpd tracking-cli
}
[ -x $build/bin/tracking-cli ] || echo "Building a release in $build: this once it takes a few minutes."
make_release >"$build/run.log" 2>&1 || { tail -n 60 "$build/run.log" >&2 && exit 1; }
PATH=$PWD/$build/bin:$PATH

work=$(mktemp -d)
daemon=
stop() {
  trap - EXIT INT TERM
  # The daemon flushes and ends by itself; it is given its drain time.
  [ -z "$daemon" ] || { kill "$daemon" 2>/dev/null && wait "$daemon" 2>/dev/null; } || true
  rm -rf "$work"
}
trap stop EXIT
trap 'stop; exit 143' TERM

is_taken() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
port=8080
while is_taken $port || is_taken $((port + 1)); do port=$((RANDOM % 20000 + 20000)); done
[ $port = 8080 ] || echo "Port 8080 or 8081 is taken: using $port and $((port + 1))."
url=http://127.0.0.1:$port

say() { printf '\n\033[1m$ %s\033[0m\n' "$*"; }
[ -t 1 ] || say() { printf '\n$ %s\n' "$*"; }

say "tracking-httpd --demo --listen 127.0.0.1:$port --admin-listen 127.0.0.1:$((port + 1))"
tracking-httpd --demo --listen 127.0.0.1:$port --admin-listen 127.0.0.1:$((port + 1)) </dev/null >"$work/httpd.log" 2>&1 &
daemon=$!
for _ in {1..100}; do
  curl -sf -o "$work/ready" --max-time 1 "$url/readyz" && break
  kill -0 $daemon 2>/dev/null || { cat "$work/httpd.log" >&2 && daemon='' && exit 1; }
  sleep 0.1
done
[ -s "$work/ready" ] || { echo "tracking-httpd was not ready within 10 s:" >&2 && cat "$work/httpd.log" >&2 && exit 1; }
echo "ready; open $url/ in a browser to watch"

# The subscriber starts from the beginning of this run, so that it does not matter who is first: it or the event.
say "tracking-cli subscribe -u $url &"
tracking-cli subscribe -u "$url" --since all --count 1 --for 10s --cursor-file "$work/cursor" </dev/null &
subscriber=$!

say "curl -XPOST -d '{\"account_id\":1,\"data\":\"foo\"}' $url/"
answer=$(curl -sS --max-time 5 -XPOST -d '{"account_id":1,"data":"foo"}' "$url/")
echo "$answer"

wait $subscriber || { echo "The event did not arrive at the subscriber." >&2 && cat "$work/httpd.log" >&2 && exit 1; }

[ -t 0 ] && [ -t 1 ] || exit 0
echo
echo "Live: send more from another terminal, or open $url/. Type +3, -2, =1,2 or all to change the accounts; Ctrl-C ends."
trap : INT
tracking-cli subscribe -u "$url" --cursor-file "$work/cursor" || true
