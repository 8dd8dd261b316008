// Control groups: the directories, limits and ways home are worked out by runsc/sandbox/cgroup-plan.ts; here
// they are made, entered, left and removed.
#pragma once

#include "plan.h"
#include "shared.h"

namespace launcher {

// Makes each cgroup.dir, writes the limits, and moves this process in. With cgroup.optional set, whatever
// can't be done is left out silently.
bool enterCgroups(const Plan& plan, Shared* shared);

// Moves this process back to where it came from, which an empty cgroup needs before it can be removed.
void leaveCgroups(const Plan& plan);

// Removes the directories that enterCgroups made. Waits up to `patienceMs` for processes that are still
// dying, and kills those that stay.
void removeCgroups(const Plan& plan, const Shared* shared, int patienceMs);

} // namespace launcher
