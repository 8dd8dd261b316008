// /proc of a view.
#pragma once

#include <sys/types.h>

namespace launcher {

// Descriptors that have to be opened while /proc is the host's; -1 where there are none.
struct ProcessView {
  int sentry = -1;
  int own = -1;
};

void openProcessView(pid_t sentry, ProcessView* processes);

// In the view: mounts, at its /proc, what a manager reads there about the container's processes (podman top).
// They are shown as the Sentry's pid namespace numbers them. A view without it is good for everything else.
void showProcesses(ProcessView* processes);

} // namespace launcher
