// The devices of a v2 cgroup.
#pragma once

#include "plan.h"

namespace launcher {

// Attaches the plan's programs, as far as the kernel lets this process: guests reach no device of the host
// anyway.
void attachDevicePrograms(const Plan& plan);

} // namespace launcher
