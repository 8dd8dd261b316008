// What a container's pid shows of the host's files to whoever enters its mount namespace.
#pragma once

#include <sys/types.h>

#include "plan.h"

namespace launcher {

struct View {
  // The mount namespace and the root to come back to; -1 outside a view.
  int host = -1;
  int root = -1;
};

// Moves the launcher into a mount namespace that has the container's files and nothing else. From
// then on no path of the host resolves, and no path may be used, since the container's files are not to be
// trusted.
// `sentry`: whose processes are shown in its /proc, or -1.
bool enterView(const Plan& plan, pid_t sentry, View* view);

// Back to the host's mounts. False when that failed: paths are useless then.
bool leaveView(View* view);

} // namespace launcher
