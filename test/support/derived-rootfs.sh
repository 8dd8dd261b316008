# Sourced by the scripts that make a root filesystem out of the `debian` one of make-rootfs.sh by adding packages.
# `derived_rootfs NAME PACKAGE...` makes it, once, and prints where it is. If there is a function `prepare`, it is called
# with the directory before the packages come.
here=$(dirname "${BASH_SOURCE[0]}")
. "$here/kept.sh"
. "$here/debian-tree.sh"
base=$("$here/make-rootfs.sh" debian)

add_packages() {
  local packages=("${@:1:$#-1}") root=${*: -1}
  cp -a "$base" "$root"
  if declare -F prepare >/dev/null; then prepare "$root"; fi
  in_tree "$root" 'install_packages "$@"' "${packages[@]}"
}

derived_rootfs() {
  local name=$1
  shift
  kept "$name" "$(checksum_of "$0" "$here"/derived-rootfs.sh - <<<"$base")" add_packages "$@"
}
