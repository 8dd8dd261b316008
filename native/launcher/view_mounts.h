// What is mounted on top of the rootfs for those who look at a container's files from outside: a view's
// visitors, and createContainer hooks.
#pragma once

#include "trees.h"

namespace launcher {

// As config.json has it.
struct ViewMounts {
  int fd[kMaxTrees];
  const char* target[kMaxTrees];
  int count = 0;
};

void cloneViewMounts(const Plan& plan, ViewMounts* mounts);
// Consumes the tree. A mount point that only the Sentry has is left out.
void attachInView(int root, int tree, const char* target);

// For createContainer hooks: the rootfs of this namespace, the peer of the jail's, gets the container's
// mounts.
bool attachForHooks(const char* source, const ViewMounts& mounts);
// The same mounts have come into the jail, where the Sentry makes its own. What is mounted on them goes
// along, as it would be hidden.
void detachForHooks(const Plan& plan, int root);

} // namespace launcher
