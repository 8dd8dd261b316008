#!/bin/bash
# Makes a root filesystem for the tests, once: `make-rootfs.sh busybox|debian` prints where it is.
#
# They lie outside the repository, in $RUNSC_TEST_CACHE or ~/.cache/runsc-test. A lock makes the second of two
# callers wait for the first; a tree is renamed into place when it is complete, and its name has the checksum of
# this script, so that a change here makes new ones. Packages come from the machine's own apt sources.
set -euo pipefail

kind=${1:?usage: make-rootfs.sh busybox|debian}
cache=${RUNSC_TEST_CACHE:-$HOME/.cache/runsc-test}
checksum=$(sha256sum "${BASH_SOURCE[0]}" | cut -c1-12)
target=$cache/$kind-$checksum
release=bookworm

packages=(
  bash coreutils findutils grep sed gawk diffutils tar gzip xz-utils bzip2 procps psmisc util-linux bsdextrautils
  less vim-tiny file ca-certificates openssl sqlite3 git perl python3 python3-venv
  gcc g++ make libc6-dev libreadline-dev
  nodejs openjdk-17-jdk-headless
  gosu # a static Go program
)

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
  mirror=$(apt-get indextargets --format '$(REPO_URI) $(CODENAME) $(COMPONENT)' 'Created-By: Packages' |
    awk -v release="$release" '$2 == release && $3 == "main" { print $1; exit }')
  [ -n "$mirror" ] || { echo "make-rootfs.sh: no apt source for $release" >&2; exit 1; }
  debootstrap --variant=minbase "$release" "$root" "$mirror" >&2
  echo "deb-src $mirror $release main" >>"$root/etc/apt/sources.list"
  cp /etc/resolv.conf "$root/etc/resolv.conf"
  printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
  chmod 755 "$root/usr/sbin/policy-rc.d"
  # A mount namespace of its own: nothing stays mounted, whatever happens.
  DEBIAN_FRONTEND=noninteractive LC_ALL=C unshare --mount --propagation private bash -euc '
    mount -t proc proc "$0/proc"
    inside() { chroot "$0" "$@"; }
    inside apt-get -q -o Acquire::Check-Valid-Until=false update
    inside apt-get -q -y --no-install-recommends install "$@"
    mkdir -p "$0/usr/src/lua"
    inside sh -euc "cd /usr/src && apt-get -q source --download-only lua5.4 &&
      tar -xf lua5.4_*.orig.tar.* --strip-components=1 -C lua && rm -f lua5.4_*"
    inside apt-get clean
  ' "$root" "${packages[@]}" >&2
  rm "$root/usr/sbin/policy-rc.d"
  : >"$root/etc/resolv.conf"
}

mkdir -p "$cache"
exec 9>"$cache/$kind.lock"
flock 9
if [ ! -d "$target" ]; then
  rm -rf "$cache/$kind"-* # what an older script made, and what was left half made
  "make_$kind" "$target.part"
  mv "$target.part" "$target"
fi
echo "$target"
