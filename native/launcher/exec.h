// `exec`: stands in on the host for one more process of a container that runs already.
#pragma once

#include "console.h"
#include "shared.h"
#include "standin.h"

namespace launcher {

// Has the container's Sentry run the plan's process and stays for as long as that lives. Returns the exit
// status: the process's, or 255 when it could not be run, as runc.
int execProcess(StandIn* self, Shared* shared);

} // namespace launcher
