// A container that joins a sandbox which runs already: its launcher starts a gofer and no Sentry, and hands
// the sandbox's Sentry over a connection what its own would have been started with.
#pragma once

#include "plan.h"
#include "program.h"

namespace launcher {

// True when the plan names a sandbox to join.
bool joins(const Plan& plan);

// Makes the sandbox's control socket reachable from this container's state directory.
bool linkControl(const Plan& plan, int state);

// Over a connection to the Sentry's control socket: has it start a process that stubs are to descend from
// (control-messages.ts, `zone`; `about` is the rest of the request), and hears its host pid.
bool askZone(int connection, const char* about, pid_t* zygote);

// Connects to the sandbox and has it start the process that all of the container's stubs descend from. The
// connection, which stands for the container from then on, and that process's host pid.
bool enterSandbox(const Plan& plan, int state, int* connection, pid_t* zygote);

// Asks for the container: the boot document, and what `sentry` has been given, by their numbers.
bool requestContainer(const Plan& plan, int connection, const Program& sentry);

} // namespace launcher
