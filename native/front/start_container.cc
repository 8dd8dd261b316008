// `start`: a connection to start.sock is the request (launcher/start.cc).
#include "front.h"

#include <cstdlib>
#include <cstring>
#include <unistd.h>

namespace front {

// As start.ts. A start that failed is Node's to report, by the answer, since it can't be asked for again.
bool startContainer(const State& state) {
  unsetenv("RUNSC_START_ANSWER");
  if (strcmp(state.status, "created") != 0 || !isAlive(state))
    return false;
  int fd = connectTo(state, "start.sock");
  if (fd < 0)
    return false;
  // As long as the container's hooks take.
  char* answer = readLine(fd, -1);
  close(fd);
  if (answer == nullptr)
    return false;
  if (strcmp(answer, "{\"ok\":true}") == 0)
    return true;
  setenv("RUNSC_START_ANSWER", answer, 1);
  return false;
}

} // namespace front
