#!/bin/bash
# Makes a root filesystem for the tests, once (kept.sh): `make-rootfs.sh busybox|debian` prints where it is.
set -euo pipefail
here=$(dirname "${BASH_SOURCE[0]}")
. "$here/kept.sh"
. "$here/debian-tree.sh"

kind=${1:?usage: make-rootfs.sh busybox|debian}

packages=(
  bash coreutils findutils grep sed gawk diffutils tar gzip xz-utils bzip2 procps psmisc util-linux bsdextrautils
  less vim-tiny file ca-certificates openssl sqlite3 git perl python3 python3-venv netbase
  gcc g++ make libc6-dev libreadline-dev
  nodejs openjdk-17-jdk-headless
  gosu # a static Go program
)

# Where tests and benchmarks mount something: runtimes make what isn't there, and the tree is not to change.
mount_points=(tests work cpython hostile capture case net bench)

make_busybox() {
  local root=$1
  mkdir -p "$root"/{bin,dev,etc,home,proc,root,sbin,sys,tmp,usr/bin,usr/sbin,var/tmp}
  chmod 1777 "$root/tmp" "$root/var/tmp"
  cp "$(command -v busybox)" "$root/bin/busybox"
  "$root/bin/busybox" --list | while read -r applet; do
    [ "$applet" = busybox ] || ln -sf busybox "$root/bin/$applet"
  done
  printf 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n' >"$root/etc/passwd"
  printf 'root:x:0:\nnogroup:x:65534:\n' >"$root/etc/group"
}

make_debian() {
  local root=$1 mirror
  mirror=$(debian_mirror)
  bootstrap "$root" "$mirror"
  echo "deb-src $mirror $release main" >>"$root/etc/apt/sources.list"
  in_tree "$root" '
    install_packages "$@"
    mkdir -p "$0/usr/src/lua"
    inside sh -euc "cd /usr/src && apt-get -q source --download-only lua5.4 &&
      tar -xf lua5.4_*.orig.tar.* --strip-components=1 -C lua && rm -f lua5.4_*"
  ' "${packages[@]}"
  (cd "$root" && mkdir -p "${mount_points[@]}")
}

kept "$kind" "$(checksum_of "${BASH_SOURCE[0]}" "$here"/{kept,debian-tree}.sh)" "make_$kind"
