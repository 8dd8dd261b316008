// What the launcher, its janitor and its pivoters know in common: one page of shared memory.
#pragma once

#include <sys/types.h>
#include <termios.h>

namespace launcher {

// Whose a directory is, as the janitor finds it. `trying` is set before mkdir(2): a launcher that is killed
// there may have made the directory or not. It is empty then, so removing it is right if it is ours and
// harmless if not.
enum class Claim : char { none, trying, made, foreign };

struct Shared {
  // Written by the launcher once it has removed everything itself: the janitor has nothing left to do.
  volatile bool finished;
  // The command has returned and told its caller that the container is there: it stays until `delete`.
  volatile bool kept;
  // The plan's cgroup directories, by index, and their inodes: once removed, a path may be another
  // container's.
  volatile Claim cgroup[64];
  volatile ino_t cgroupInode[64];
  // The state directory, and whose it is: the launcher's pid and start time.
  volatile Claim state;
  pid_t launcher;
  unsigned long long startTicks;
  // The user's terminal is in raw mode and has to get `terminal` back.
  volatile bool rawTerminal;
  struct termios terminal;
  // Why the mover failed.
  char joinFailure[512];
};

} // namespace launcher
