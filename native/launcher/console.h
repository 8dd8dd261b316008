// Terminals: the pseudoterminal that a container with process.terminal gets, and the user's own.
#pragma once

#include "plan.h"
#include "shared.h"

namespace launcher {

struct Console {
  // The container's side of the pair, in raw mode: the Sentry has its own line discipline.
  int slave = -1;
  // Our side, when bytes are copied to and from the user's terminal; -1 when somebody else has it.
  int master = -1;
  // The user's terminal.
  int host = -1;
};

// For console.mode=tty: finds the user's terminal as runc does: stdin, stdout, stderr, then /dev/tty.
bool findHostTerminal(const Plan& plan, Console* console);

// Makes the pair. For console.mode=socket sends the master to console.socket and makes the slave this
// process's controlling terminal, so that it hears SIGWINCH; for tty puts the user's terminal into raw mode.
bool openConsole(const Plan& plan, Shared* shared, Console* console);

// Takes over a new size of the user's terminal, and returns the console's size in cells.
void updateSize(const Console& console, int* rows, int* columns);

void restoreTerminal(Shared* shared, const Console& console);

} // namespace launcher
