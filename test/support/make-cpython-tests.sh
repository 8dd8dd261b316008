#!/bin/bash
# Makes CPython's own tests for the Python of make-rootfs.sh's `debian` tree, once: prints where they are. Debian has
# them in a package of their own; they are mounted over what the tree has at /usr/lib/python3.11/test.
set -euo pipefail

base=$("$(dirname "${BASH_SOURCE[0]}")/make-rootfs.sh" debian)
cache=$(dirname "$base")
checksum=$({ cat "${BASH_SOURCE[0]}"; echo "$base"; } | sha256sum | cut -c1-12)
target=$cache/cpython-$checksum

make_tests() {
  local to=$1 package=libpython3.11-testsuite part
  part=$(mktemp -d)
  mkdir -p "$to"
  cp -a "$base/usr/lib/python3.11/test/." "$to"
  # A file system of its own on top: the tree itself stays as it is.
  DEBIAN_FRONTEND=noninteractive LC_ALL=C unshare --mount --propagation private bash -euc '
    mkdir "$1/upper" "$1/work" "$1/root"
    mount -t overlay overlay -o "lowerdir=$0,upperdir=$1/upper,workdir=$1/work" "$1/root"
    mount -t proc proc "$1/root/proc"
    cp /etc/resolv.conf "$1/root/etc/resolv.conf"
    inside() { chroot "$1/root" "${@:2}"; }
    inside "$1" apt-get -q -o Acquire::Check-Valid-Until=false update
    inside "$1" sh -euc "cd /tmp && apt-get -q download $2"
    dpkg -x "$1"/root/tmp/*.deb "$1/root/tmp/x"
    cp -a "$1/root/tmp/x/usr/lib/python3.11/test/." "$3"
  ' "$base" "$part" "$package" "$to" >&2
  rm -rf "$part"
}

exec 9>"$cache/cpython.lock"
flock 9
if [ ! -d "$target" ]; then
  rm -rf "$cache"/cpython-* # what an older script made, results too, and what was left half made
  make_tests "$target.part"
  mv "$target.part" "$target"
fi
echo "$target"
