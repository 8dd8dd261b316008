#!/bin/bash
# Makes the images of the managers' tests, once: prints the directory with one archive per image, in docker-archive
# form, which every manager can load. They are cached as root filesystems are (../support/make-rootfs.sh).
#
#   localhost/busybox:1    busybox, and sh as its command
#   localhost/pause:1      the same, sleeping: a pod's sandbox
#   localhost/services:1   Debian with nginx, redis, postgres
#
# and beside them mirror/, a Debian repository with a package that services does not have.
set -euo pipefail

here=$(dirname "${BASH_SOURCE[0]}")
cache=${RUNSC_TEST_CACHE:-$HOME/.cache/runsc-test}
checksum=$(sha256sum "${BASH_SOURCE[0]}" | cut -c1-12)
target=$cache/images-$checksum

# archive NAME ROOT [umoci config flags...]
archive() {
  local name=$1 root=$2 layout
  shift 2
  layout=$(mktemp -d -p "$target.part")
  tar -C "$root" --one-file-system -cf "$layout/layer.tar" .
  umoci init --layout "$layout/oci"
  umoci new --image "$layout/oci:image"
  umoci raw add-layer --image "$layout/oci:image" "$layout/layer.tar"
  umoci config --image "$layout/oci:image" \
    --config.env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@"
  skopeo copy --quiet "oci:$layout/oci:image" "docker-archive:$target.part/$name.tar:localhost/$name:1"
  rm -rf "$layout"
}

make_services() {
  local root=$1 mirror
  mirror=$(apt-get indextargets --format '$(REPO_URI) $(CODENAME) $(COMPONENT)' 'Created-By: Packages' |
    awk '$2 == "bookworm" && $3 == "main" { print $1; exit }')
  [ -n "$mirror" ] || { echo "make-images.sh: no apt source for bookworm" >&2; exit 1; }
  debootstrap --variant=minbase bookworm "$root" "$mirror"
  cp /etc/resolv.conf "$root/etc/resolv.conf"
  printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
  chmod 755 "$root/usr/sbin/policy-rc.d"
  # A mount namespace of its own: nothing stays mounted, whatever happens.
  DEBIAN_FRONTEND=noninteractive LC_ALL=C unshare --mount --propagation private bash -euc '
    mount -t proc proc "$0/proc"
    chroot "$0" apt-get -q -o Acquire::Check-Valid-Until=false update
    chroot "$0" sh -c "cd /var/tmp && apt-get -q download hello"
    chroot "$0" apt-get -q -y --no-install-recommends install nginx-light redis-server postgresql
    chroot "$0" apt-get clean
  ' "$root"
  mkdir "$target.part/mirror"
  mv "$root"/var/tmp/hello_*.deb "$target.part/mirror"
  (cd "$target.part/mirror" && dpkg-scanpackages . >Packages)
  rm -rf "$root/usr/sbin/policy-rc.d" "$root"/var/lib/apt/lists/* "$root"/usr/share/{doc,locale,man} \
    "$root"/var/cache/{apt,debconf}/*
  : >"$root/etc/resolv.conf"
}

make_images() {
  local busybox services=$target.part/services
  busybox=$("$here/../support/make-rootfs.sh" busybox)
  mkdir -p "$target.part"
  make_services "$services"
  archive busybox "$busybox" --config.cmd /bin/sh
  archive pause "$busybox" --config.cmd /bin/sleep --config.cmd 1000000
  archive services "$services" --config.cmd /bin/bash
  rm -rf "$services"
}

mkdir -p "$cache"
exec 8>"$cache/images.lock"
flock 8
if [ ! -d "$target" ]; then
  rm -rf "$cache"/images-*
  make_images >&2
  mv "$target.part" "$target"
fi
echo "$target"
