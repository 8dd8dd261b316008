#!/bin/bash
# Makes the root filesystem for the tests of network programs, once: prints where it is. It is the `debian` one of
# make-rootfs.sh with servers and clients added, a tree of its own so that the tests that need none of them start
# sooner on a new machine.
set -euo pipefail

base=$("$(dirname "${BASH_SOURCE[0]}")/make-rootfs.sh" debian)
cache=$(dirname "$base")
checksum=$({ cat "${BASH_SOURCE[0]}"; echo "$base"; } | sha256sum | cut -c1-12)
target=$cache/net-$checksum

packages=(
  redis-server redis-tools memcached
  nginx-light wrk caddy # caddy is a Go program
  postgresql
  curl wget socat netcat-openbsd rsync openssh-client openssh-server
  iperf3 iproute2 iputils-ping
  bind9-dnsutils dnsmasq-base
  python3-grpcio
)

make_net() {
  local root=$1
  cp -a "$base" "$root"
  cp /etc/resolv.conf "$root/etc/resolv.conf"
  printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
  chmod 755 "$root/usr/sbin/policy-rc.d"
  # A mount namespace of its own: nothing stays mounted, whatever happens.
  DEBIAN_FRONTEND=noninteractive LC_ALL=C unshare --mount --propagation private bash -euc '
    mount -t proc proc "$0/proc"
    inside() { chroot "$0" "$@"; }
    mkdir -p "$0/etc/postgresql-common"
    echo "create_main_cluster = false" >"$0/etc/postgresql-common/createcluster.conf"
    inside apt-get -q -o Acquire::Check-Valid-Until=false update
    inside apt-get -q -y --no-install-recommends install "$@"
    inside apt-get clean
  ' "$root" "${packages[@]}" >&2
  rm "$root/usr/sbin/policy-rc.d"
  : >"$root/etc/resolv.conf"
}

exec 9>"$cache/net.lock"
flock 9
if [ ! -d "$target" ]; then
  rm -rf "$cache"/net-* # what an older script made, and what was left half made
  make_net "$target.part"
  mv "$target.part" "$target"
fi
echo "$target"
