#!/bin/bash
# A machine of its own for container managers: `machine.sh NAME DIRECTORY` becomes the first process of new pid, mount,
# network, ipc, uts and cgroup namespaces, in which the daemons can use their ordinary paths and networks. What they
# write lies below DIRECTORY; their cgroups lie in one named NAME in each hierarchy. It prints `ready` and then waits
# for its stdin to close, which ends the machine and everything in it.
set -euo pipefail

name=$1
directory=$2

# mount point, type and options of each cgroup hierarchy
hierarchies() {
  awk '{ for (i = 7; i < NF; i++) if ($i == "-" && $(i + 1) ~ /^cgroup2?$/) print $5, $(i + 1), $(i + 3) }' \
    /proc/self/mountinfo
}

enter_cgroups() {
  local point file
  while read -r point _; do
    mkdir -p "$point/$name"
    for file in cpuset.cpus cpuset.mems; do
      # A new cgroup of version 1 has no CPUs, and then no process can enter it.
      if [ -f "$point/$file" ] && [ -w "$point/$name/$file" ]; then cat "$point/$file" >"$point/$name/$file"; fi
    done
    echo $$ >"$point/$name/cgroup.procs"
  done < <(hierarchies)
}

# The hierarchies again, as the cgroup namespace has them. Of a hybrid set-up only version 1.
mount_cgroups() {
  local mounts point type options version2
  mounts=$(hierarchies)
  umount -R /sys/fs/cgroup
  mount -t sysfs sysfs /sys # the one of this network namespace
  if ! grep -q ' cgroup ' <<<"$mounts"; then
    mount -t cgroup2 none /sys/fs/cgroup
    # Only a cgroup without processes can have controllers for its children.
    mkdir /sys/fs/cgroup/machine
    while read -r pid; do echo "$pid" >/sys/fs/cgroup/machine/cgroup.procs; done < <(cat /sys/fs/cgroup/cgroup.procs)
    sed -E 's/(^| )([a-z])/\1+\2/g' /sys/fs/cgroup/cgroup.controllers >/sys/fs/cgroup/cgroup.subtree_control
    return
  fi
  mount -t tmpfs -o mode=755 tmpfs /sys/fs/cgroup
  while read -r point type options; do
    [ "$type" = cgroup ] || continue
    mkdir "$point"
    mount -t cgroup -o "${options#rw,}" none "$point"
  done <<<"$mounts"
}

mount_directories() {
  local path
  for path in etc opt usr/local; do
    mkdir -p "$directory/upper/$path" "$directory/work/$path"
    mount -t overlay -o "lowerdir=/$path,upperdir=$directory/upper/$path,workdir=$directory/work/$path" overlay "/$path"
  done
  mount -t tmpfs -o mode=755 tmpfs /run
  mkdir -p /run/lock
  # Not an overlay: the managers' own overlays can't lie on one.
  mkdir -p "$directory/lib"
  mount --bind "$directory/lib" /var/lib
  mkdir /var/lib/{docker,containerd,containers,cni}
}

if [ $$ -ne 1 ]; then
  enter_cgroups
  exec unshare --pid --fork --kill-child --mount-proc --mount --propagation private --net --ipc --uts --cgroup \
    -- "$0" "$name" "$directory"
fi
# Programs wait for whatever writes to the machine's stdin: keep it out of their reach.
exec 3<&0 </dev/null
mount_cgroups
mount_directories
ip link set lo up
hostname machine
echo ready
# As the first process it inherits all orphans; bash reaps them while it waits.
cat <&3 >/dev/null &
wait $!
