#!/bin/bash
# Makes CPython's own tests for the Python of make-rootfs.sh's `debian` tree, once: prints where they are. Debian has
# them in a package of their own; they are mounted over what the tree has at /usr/lib/python3.11/test.
set -euo pipefail
here=$(dirname "${BASH_SOURCE[0]}")
. "$here/kept.sh"
base=$("$here/make-rootfs.sh" debian)

make_tests() {
  local to=$1 part
  part=$(mktemp -d)
  mkdir -p "$to"
  cp -a "$base/usr/lib/python3.11/test/." "$to"
  # What apt writes in the tree goes to file systems of its own: the tree itself stays as it is.
  DEBIAN_FRONTEND=noninteractive LC_ALL=C unshare --mount --propagation private bash -euc '
    mount -t proc proc "$0/proc"
    for place in tmp var/cache/apt var/lib/apt/lists; do mount -t tmpfs tmpfs "$0/$place"; done
    chmod 1777 "$0/tmp"
    mount --bind /etc/resolv.conf "$0/etc/resolv.conf"
    chroot "$0" apt-get -q -o Acquire::Check-Valid-Until=false update
    chroot "$0" sh -euc "cd /tmp && apt-get -q download libpython3.11-testsuite"
    dpkg -x "$0"/tmp/*.deb "$1"
  ' "$base" "$part" </dev/null
  cp -a "$part/usr/lib/python3.11/test/." "$to"
  rm -rf "$part"
}

kept cpython "$(checksum_of "${BASH_SOURCE[0]}" - <<<"$base")" make_tests
