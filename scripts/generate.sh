#!/bin/sh
# Writes the generated documentation: docs/CONFIGURATION.md from the daemon's option table.
# Usage: scripts/generate.sh [BUILD_FOLDER]
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
build=${1:-$root/build/dev}
[ -x "$build/bin/tracking-httpd" ] || { echo "$0: no bin/tracking-httpd in $build; build it first" >&2; exit 1; }
"$build/bin/tracking-httpd" --help-markdown > "$root/docs/CONFIGURATION.md.new"
mv "$root/docs/CONFIGURATION.md.new" "$root/docs/CONFIGURATION.md"
