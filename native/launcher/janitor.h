// The janitor: a process that outlives a launcher that was killed, and cleans up behind it.
#pragma once

#include "plan.h"
#include "shared.h"

namespace launcher {

struct Janitor {
  int pid = -1;
  // The launcher's end of the life line: nobody else holds it, so its end of file means the launcher's end.
  int lifeline = -1;
};

// Forks the janitor. `terminal` is the user's terminal or -1.
bool startJanitor(const Plan& plan, Shared* shared, int terminal, Janitor* janitor);

// The launcher has cleaned up: lets the janitor go and waits for it.
void dismissJanitor(Shared* shared, Janitor* janitor);

} // namespace launcher
