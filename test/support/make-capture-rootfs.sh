#!/bin/bash
# Makes the root filesystem for the tests of programs that look at packets, once: prints where it is. It is the
# `debian` one of make-rootfs.sh with tcpdump and nmap added.
set -euo pipefail

base=$("$(dirname "${BASH_SOURCE[0]}")/make-rootfs.sh" debian)
cache=$(dirname "$base")
checksum=$({ cat "${BASH_SOURCE[0]}"; echo "$base"; } | sha256sum | cut -c1-12)
target=$cache/capture-$checksum

packages=(tcpdump nmap)

make_capture() {
  local root=$1
  cp -a "$base" "$root"
  cp /etc/resolv.conf "$root/etc/resolv.conf"
  printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
  chmod 755 "$root/usr/sbin/policy-rc.d"
  # A mount namespace of its own: nothing stays mounted, whatever happens.
  DEBIAN_FRONTEND=noninteractive LC_ALL=C unshare --mount --propagation private bash -euc '
    mount -t proc proc "$0/proc"
    inside() { chroot "$0" "$@"; }
    inside apt-get -q -o Acquire::Check-Valid-Until=false update
    inside apt-get -q -y --no-install-recommends install "$@"
    inside apt-get clean
  ' "$root" "${packages[@]}" >&2
  rm "$root/usr/sbin/policy-rc.d"
  : >"$root/etc/resolv.conf"
}

exec 9>"$cache/capture.lock"
flock 9
if [ ! -d "$target" ]; then
  rm -rf "$cache"/capture-* # what an older script made, and what was left half made
  make_capture "$target.part"
  mv "$target.part" "$target"
fi
echo "$target"
