# shellcheck shell=bash disable=SC2154  # work, cache, ... are test.sh's
# Sourced by compose/test.sh: root file systems for the images, from Debian's packages, for machines without a registry.
#   base.tar      stands for debian:bookworm-slim, with the packages that the Dockerfile installs fetched beforehand, so
#                 that it builds without a network, and systemd, with which tests/packages boots it
#   services.tar  the same with PostgreSQL, nats-server and HAProxy installed: stands for their images
# Both are kept in the cache folder under a name that tells what they were made from.

chroot_apt() {
  local root=$1
  shift
  chroot "$root" env DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends "$@" </dev/null
}

# The mirror and the keys with which this machine installs its own packages.
adopt_apt() {
  local root=$1
  rm -rf "$root/etc/apt/sources.list" "$root/etc/apt/sources.list.d"
  cp -a /etc/apt/sources.list.d "$root/etc/apt/" 2>/dev/null || true
  cp -a /etc/apt/sources.list "$root/etc/apt/" 2>/dev/null || true
  cp -a /etc/apt/apt.conf.d/*proxy* "$root/etc/apt/apt.conf.d/" 2>/dev/null || true
  cp /etc/resolv.conf "$root/etc/resolv.conf"
  printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d" && chmod 755 "$root/usr/sbin/policy-rc.d"
}

# In namespaces of its own (test.sh): whatever packages start or mount ends with it.
# $1 = where to, $2 = groups of packages for the Dockerfile.
make_root_file_systems() {
  local root=$work/root mirror
  # shellcheck disable=SC2016  # apt's own variables
  mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Codename: bookworm' | head -n 1)
  debootstrap --variant=minbase bookworm "$root" "${mirror:-http://deb.debian.org/debian}"
  adopt_apt "$root"
  chroot_apt "$root" -o Acquire::Languages=none update
  # shellcheck disable=SC2046,SC2086  # lists of words
  chroot_apt "$root" install --download-only $(packages_of $2) systemd
  rm -rf "$root"/var/cache/apt/*.bin "$root"/usr/share/{doc,man,locale}/*
  tar -C "$root" --one-file-system -cf "$1/base.tar" .

  mkdir -p "$root/etc/postgresql-common"
  echo 'create_main_cluster = false' >"$root/etc/postgresql-common/createcluster.conf"
  chroot_apt "$root" install postgresql-15 nats-server haproxy
  chroot_apt "$root" clean
  # Smaller is faster to import; PostgreSQL does without its compiler of queries.
  rm -rf "$root"/var/lib/apt/lists/* "$root"/usr/share/{doc,man,locale}/* "$root"/usr/lib/*/libLLVM* "$root"/usr/lib/postgresql/15/lib/{llvmjit*,bitcode}
  tar -C "$root" --one-file-system -cf "$1/services.tar" .
}

packages_of() { (cd "$project" && scripts/install-packages --list "$@"); }

# Sets `images` to the folder with base.tar and services.tar, made if need be.
prepare_images() {
  local key
  key=$(cat "${BASH_SOURCE[0]}" <(packages_of "${fetched_groups[@]}") | sha256sum | cut -c -12)
  images=$cache/images-$key
  [ ! -f "$images/services.tar" ] || return 0
  echo "Making root file systems from Debian's packages in $images; this once it takes a minute or two."
  rm -rf "$cache"/images-*
  mkdir -p "$images.new"
  run_inside "" prepare - "$work" "$images.new" "${fetched_groups[*]}" >"$cache/images.log" 2>&1 || {
    tail -n 30 "$cache/images.log" >&2
    return 1
  }
  mv "$images.new" "$images"
}
