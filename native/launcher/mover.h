// The mover: makes the cgroups and puts the sandbox into them while Node starts, since that takes as long.
#pragma once

#include <sys/types.h>

#include "broker.h"
#include "plan.h"
#include "program.h"
#include "shared.h"

namespace launcher {

struct Mover {
  pid_t pid = -1;
  // Writing end of both programs' gate.
  int gate = -1;
  // Writing end of the pipe that tells the Sentry that it is where it belongs, and so will be what it starts.
  int told = -1;
  // The programs are where they belong.
  bool joined = false;
};

// Makes the gate, before the programs are started.
bool makeGate(Program* sentry, Program* gofer, Mover* mover);

// Starts to make the cgroups and move both programs and the broker (what sockets hold is charged to whoever
// made them), and with cgroup.self the launcher.
bool startMover(const Plan& plan, Shared* shared, const Program& sentry, const Program& gofer,
                const Broker& broker, Mover* mover);

// Lets both programs into their jails. False with a failure.
bool openGate(Mover* mover);

// The mover has ended with this wait status: mover->joined is set, or its failure returned.
bool moverEnded(const Shared& shared, int status, Mover* mover);

} // namespace launcher
