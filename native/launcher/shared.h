// What the launcher, its janitor and its pivoters know in common: one page of shared memory.
#pragma once

#include <sys/types.h>
#include <termios.h>

namespace launcher {

struct Shared {
  // Written by the launcher once it has removed everything itself: the janitor has nothing left to do.
  volatile bool finished;
  // Which of the plan's cgroup directories the launcher itself made, by index.
  volatile bool madeCgroup[64];
  // The state directory is the launcher's own (an id that exists already belongs to somebody else).
  volatile bool madeState;
  // The user's terminal is in raw mode and has to get `terminal` back.
  volatile bool rawTerminal;
  struct termios terminal;
  // Why the mover failed.
  char joinFailure[512];
};

} // namespace launcher
