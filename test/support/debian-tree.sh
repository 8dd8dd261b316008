# Sourced by what makes Debian trees: packages from the machine's own apt sources, and a chroot to install them in.
release=bookworm

# The mirror that the machine has the release from.
debian_mirror() {
  local mirror
  mirror=$(apt-get indextargets --format '$(REPO_URI) $(CODENAME) $(COMPONENT)' 'Created-By: Packages' |
    awk -v release="$release" '$2 == release && $3 == "main" { print $1; exit }')
  [ -n "$mirror" ] || { echo "$0: no apt source for $release" >&2; return 1; }
  echo "$mirror"
}

# bootstrap ROOT MIRROR: makes the smallest tree. debootstrap mounts things in it: not for others to see.
bootstrap() {
  unshare --mount --propagation private debootstrap --variant=minbase "$release" "$@" </dev/null
}

# in_tree ROOT SCRIPT [ARG...]: runs a script of bash's that reaches the network, with `inside COMMAND...` to run
# something in the tree. Configuration files that were written before their package came stay as they are; no daemon is
# started. The mount namespace is its own: nothing stays mounted, whatever happens.
in_tree() {
  local root=$1 script=$2
  shift 2
  cp /etc/resolv.conf "$root/etc/resolv.conf"
  printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
  chmod 755 "$root/usr/sbin/policy-rc.d"
  DEBIAN_FRONTEND=noninteractive LC_ALL=C unshare --mount --propagation private bash -euc '
    mount -t proc proc "$0/proc"
    inside() { chroot "$0" "$@"; }
    install_packages() {
      inside apt-get -q -y --no-install-recommends -o Dpkg::Options::=--force-confdef \
        -o Dpkg::Options::=--force-confold install "$@"
    }
    inside apt-get -q -o Acquire::Check-Valid-Until=false update
    '"$script"'
    inside apt-get clean
  ' "$root" "$@" </dev/null
  rm "$root/usr/sbin/policy-rc.d"
  : >"$root/etc/resolv.conf"
}
