// The stand-in: what the launcher is on the host for whatever it stands for, a container or a process that
// `exec` adds. It keeps the caller's descriptors, hears every signal, and lets a detached command return.
#pragma once

#include "descriptors.h"
#include "plan.h"

namespace launcher {

struct StandIn {
  Plan plan;
  // --preserve-fds: copies of the caller's descriptors from 3 up.
  int preserved[kMaxPreserved];
  int preservedCount = 0;
  // signalfd(2) of every signal; all are blocked.
  int signals = -1;
  // --detach: where the command that was typed waits for the exit status that it is to end with.
  int detached = -1;
};

// --preserve-fds: before anything of ours can take the numbers.
bool keepPreserved(StandIn* self);

bool blockSignals(StandIn* self);

// --detach: the launcher goes on in a child with a session of its own. In the parent this doesn't return.
bool detach(StandIn* self);

// The command that was typed ends with this status. Does nothing a second time.
void answerDetached(StandIn* self, int status);

// The pipes of what a detached launcher stands for must see their ends when that closes them. (In the
// foreground the caller waits for this process anyway.)
void letGoOfStdio(const StandIn& self);

} // namespace launcher
