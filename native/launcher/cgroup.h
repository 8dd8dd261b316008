// Control groups: the directories, limits and ways home are worked out by runsc/sandbox/cgroup-plan.ts; here
// they are made, entered, left and removed.
#pragma once

#include <cstddef>
#include <sys/types.h>

#include "plan.h"
#include "shared.h"

namespace launcher {

// Makes each cgroup.dir and writes the limits. With cgroup.optional set, whatever can't be done is left out
// silently.
bool makeCgroups(const Plan& plan, Shared* shared);

// Moves processes into every cgroup.dir. The first move waits for a grace period of the host's RCU, 10-20 ms.
bool joinCgroups(const Plan& plan, const pid_t* pids, size_t count);

// Moves this process back to where it came from, which an empty cgroup needs before it can be removed.
void leaveCgroups(const Plan& plan);

// Whether the host has killed a process of the container for its cgroup's want of memory.
bool ranOutOfMemory(const Plan& plan);

// Removes the directories that makeCgroups made. Waits up to `patienceMs` for processes that are still
// dying, and kills those that stay.
void removeCgroups(const Plan& plan, const Shared* shared, int patienceMs);

} // namespace launcher
