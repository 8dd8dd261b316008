#!/bin/bash
# Makes the images of the managers' tests, once: prints the directory with one archive per image, in docker-archive
# form, which every manager can load. They are kept as root filesystems are (../support/kept.sh).
#
#   localhost/busybox:1    busybox, and sh as its command
#   localhost/pause:1      the same, sleeping: a pod's sandbox
#   localhost/services:1   Debian with nginx, redis, postgres
#
# and beside them mirror/, a Debian repository with a package that services does not have.
set -euo pipefail

here=$(dirname "${BASH_SOURCE[0]}")
. "$here/../support/kept.sh"
. "$here/../support/debian-tree.sh"

# archive NAME ROOT [umoci config flags...]: into the directory $images.
archive() {
  local name=$1 root=$2 layout
  shift 2
  layout=$(mktemp -d -p "$images")
  tar -C "$root" --one-file-system -cf "$layout/layer.tar" .
  umoci init --layout "$layout/oci"
  umoci new --image "$layout/oci:image"
  umoci raw add-layer --image "$layout/oci:image" "$layout/layer.tar"
  umoci config --image "$layout/oci:image" \
    --config.env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@"
  skopeo copy --quiet "oci:$layout/oci:image" "docker-archive:$images/$name.tar:localhost/$name:1"
  rm -rf "$layout"
}

make_services() {
  local root=$1 mirror
  mirror=$(debian_mirror)
  bootstrap "$root" "$mirror"
  in_tree "$root" '
    inside sh -c "cd /var/tmp && apt-get -q download hello"
    install_packages nginx-light redis-server postgresql
  '
  mkdir "$images/mirror"
  mv "$root"/var/tmp/hello_*.deb "$images/mirror"
  (cd "$images/mirror" && dpkg-scanpackages . >Packages)
  rm -rf "$root"/var/lib/apt/lists/* "$root"/usr/share/{doc,locale,man} "$root"/var/cache/{apt,debconf}/*
}

make_images() {
  images=$1
  local busybox services=$images/services
  busybox=$("$here/../support/make-rootfs.sh" busybox)
  mkdir -p "$images"
  make_services "$services"
  archive busybox "$busybox" --config.cmd /bin/sh
  archive pause "$busybox" --config.cmd /bin/sleep --config.cmd 1000000
  archive services "$services" --config.cmd /bin/bash
  rm -rf "$services"
}

kept images "$(checksum_of "${BASH_SOURCE[0]}" "$here"/../support/{kept,debian-tree}.sh)" make_images
