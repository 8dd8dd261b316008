// The container's network namespace, on the host: the launcher itself is in it, where managers look.
#pragma once

#include "plan.h"

namespace launcher {

// Joins the network namespace that the plan names by path, or makes one with lo up, or stays in the caller's;
// then sets the net.* sysctls of a namespace of the container's own. False with a failure.
bool enterNetwork(const Plan& plan);

// Sets IFF_UP of lo in this process's network namespace. False with errno set.
bool bringLoopbackUp();

} // namespace launcher
