// Programs: the Sentry and the gofer, each started in namespaces of its own and then jailed.
#pragma once

#include <cstddef>
#include <sys/types.h>

#include "janitor.h"
#include "plan.h"

namespace launcher {

// A descriptor that the program finds at `to`.
struct Placed {
  int from;
  int to;
};

constexpr size_t kMaxPlaced = 300;

struct Program {
  bool gofer = false;
  Placed placed[kMaxPlaced];
  size_t placedCount = 0;
  // The plan's boot document for it.
  int boot = -1;
  // Node, by descriptor: the program itself may not be able to reach it by its path.
  int node = -1;
  // What makes it from an image of itself (native/image), and that image; or -1: then Node starts.
  int restorer = -1;
  int image = -1;
  // Reading end of a pipe: a byte in it lets one program into its jail.
  int gate = -1;

  // Results of startProgram: host pids, and the pipe that the pivoter reports on.
  pid_t pid = -1;
  pid_t pivoter = -1;
  int report = -1;

  void place(int from, int to) {
    if (from >= 0 && placedCount < kMaxPlaced)
      placed[placedCount++] = {from, to};
  }
};

// Starts the pivoter of a program in a new mount namespace; it makes the jail, clones the program as a child
// of this process, and when the program says that it is ready, moves it into the jail.
bool startProgram(const Plan& plan, const Janitor& janitor, Program* program);

// Waits until the pivoter has started the program, and sets program->pid. False with the pivoter's failure.
bool awaitProgram(Program* program);

// The failure that a pivoter which has ended left behind. False when it left none.
bool readPivoterFailure(Program* program);

} // namespace launcher
