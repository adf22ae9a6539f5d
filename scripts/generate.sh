#!/bin/sh
# Writes what is generated from the programs' option tables: docs/CONFIGURATION.md, the pages of the manual
# (packaging/man) and what shells complete (packaging/completions).
# Usage: scripts/generate.sh [BUILD_FOLDER] [INTO]      INTO: another folder than the tree
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
build=${1:-$root/build/dev}
into=${2:-$root}

# generate PROGRAM DOCUMENT FILE: writes it whole or not at all.
generate() {
  [ -x "$build/bin/$1" ] || { echo "$0: no bin/$1 in $build; build it first" >&2; exit 1; }
  mkdir -p "$(dirname "$into/$3")"
  "$build/bin/$1" --documentation "$2" >"$into/$3.new"
  mv "$into/$3.new" "$into/$3"
}

generate tracking-httpd markdown docs/CONFIGURATION.md
generate tracking-httpd man packaging/man/tracking-httpd.8
generate tracking-cli man packaging/man/tracking-cli.1
for verb in subscribe track verify bench accounts; do
  generate tracking-cli "man-$verb" "packaging/man/tracking-cli-$verb.1"
done
for program in tracking-httpd tracking-cli; do
  generate $program bash "packaging/completions/bash/$program"
  generate $program zsh "packaging/completions/zsh/_$program"
  generate $program fish "packaging/completions/fish/$program.fish"
done
