#!/bin/bash
# Makes the root filesystem for the tests of network programs, once: prints where it is. It is the `debian` one of
# make-rootfs.sh with servers and clients added, a tree of its own so that the tests that need none of them start
# sooner on a new machine.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/derived-rootfs.sh"

packages=(
  redis-server redis-tools memcached
  nginx-light wrk caddy # caddy is a Go program
  postgresql
  curl wget socat netcat-openbsd rsync openssh-client openssh-server
  iperf3 iproute2 iputils-ping
  bind9-dnsutils dnsmasq-base
  python3-grpcio
)

prepare() {
  mkdir -p "$1/etc/postgresql-common"
  echo "create_main_cluster = false" >"$1/etc/postgresql-common/createcluster.conf"
}

derived_rootfs net "${packages[@]}"
