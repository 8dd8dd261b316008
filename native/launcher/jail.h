// Jails: the mount namespace that the Sentry or the gofer ends up in, and the step into it.
#pragma once

#include "plan.h"

namespace launcher {

// Called in a new mount namespace. Cuts its propagation, makes the jail (an empty read-only tmpfs, or for the
// gofer one with the container's trees in it) and returns a descriptor of its root; -1 with a failure. The
// host's root stays in place until enterJail.
int prepareJail(const Plan& plan, bool gofer);

// Whether createContainer hooks run in the gofer's mount namespace before it enters its jail: what they mount
// in the rootfs is mounted in the jail too.
bool sharesRootfs(const Plan& plan);

// After those hooks: no more mounts come into the jail, and those that came are as restricted as the others.
bool sealRootfs(const Plan& plan, int jail);

// The same with the tree at `source` itself as the root, and the binds in it, for enterJail.
int prepareView(const Plan& plan, const char* source);

// Makes the jail the root of the mount namespace and detaches everything else: every process of the namespace
// whose root and working directory were the old root moves along (pivot_root(2)).
bool enterJail(int jail);

} // namespace launcher
