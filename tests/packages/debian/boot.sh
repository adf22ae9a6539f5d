#!/bin/sh
# Boots the root file system $1 as a machine of its own: systemd is its first process. Called in new namespaces of all
# kinds, in a control group of version 2 that it may divide.
set -eu
root=$1
mount --make-rprivate /
ip link set lo up
mount --bind "$root" "$root"
cd "$root"
mount -t proc proc proc
mount -t sysfs -o ro sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs tmpfs tmp
mount -t tmpfs -o mode=755 tmpfs dev
for device in null zero full random urandom tty; do
  : >dev/$device
  mount --bind /dev/$device dev/$device
done
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=666 devpts dev/pts
ln -s pts/ptmx dev/ptmx
mount -t tmpfs tmpfs dev/shm
# As the root, not by chroot: in that no service gets a namespace of users.
mkdir run/outside
pivot_root . run/outside
umount -l /run/outside
rmdir /run/outside
mount --make-rshared /  # as systemd itself does, but in what it takes for a container: credentials come by such mounts
exec env -i container=tracking PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd
