// Id-mapped mounts (mount_setattr(2)).
#pragma once

#include "plan.h"

namespace launcher {

// Maps the ids of a tree that is not attached yet, if the plan says so. `index`: its place among the plan's
// trees.
bool mapTree(const Plan& plan, int index, int tree);

} // namespace launcher
