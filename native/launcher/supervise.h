// Supervision: from the moment when both programs run until both are gone.
#pragma once

#include "broker.h"
#include "console.h"
#include "mover.h"
#include "outcome.h"
#include "program.h"
#include "shared.h"
#include "steps.h"

namespace launcher {

struct Supervised {
  Program* sentry;
  Program* gofer;
  Mover* mover;
  Broker* broker;
  const Shared* shared;
  const Console* console;
  // Connection to the Sentry's control socket, for signals and window sizes.
  int control;
  // Reading end of the exit pipe.
  int exits;
  // signalfd(2) of every signal; all are blocked.
  int signals;
  Steps* steps;
  // Called when the gofer is in its jail. False with a failure, which ends the container.
  bool (*goferReady)(void* context);
  void* context;
};

// Waits for the container's end, kills what is left of its two programs, and reaps them. The outcome holds
// the status to exit with; a failure of the sandbox itself is its `error`.
void supervise(const Supervised& supervised, Outcome* outcome);

// Kills and reaps what has been started, when the start itself failed.
void endPrograms(Program* sentry, Program* gofer, Mover* mover);

} // namespace launcher
