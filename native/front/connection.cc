// Sockets in the state directory: one request, one line for an answer.
#include "front.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace front {
namespace {

// Errors are shorter; whoever sends more is not of ours.
constexpr size_t kLineLimit = 8192;

} // namespace

int connectTo(const State& state, const char* name) {
  struct sockaddr_un address;
  memset(&address, 0, sizeof address);
  address.sun_family = AF_UNIX;
  // By descriptor, since sun_path holds at most 107 bytes.
  snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/%s", state.directory, name);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || connect(fd, (struct sockaddr*)&address, sizeof address) == 0)
    return fd;
  close(fd);
  return -1;
}

char* readLine(int fd, int timeoutMs) {
  char* line = (char*)malloc(kLineLimit);
  for (size_t got = 0; line != nullptr && got + 1 < kLineLimit;) {
    struct pollfd wait = {fd, POLLIN, 0};
    if (poll(&wait, 1, timeoutMs) <= 0)
      break;
    ssize_t n = recv(fd, line + got, kLineLimit - 1 - got, 0);
    if (n <= 0)
      break;
    got += (size_t)n;
    line[got] = 0;
    if (char* end = strchr(line, '\n')) {
      *end = 0;
      return line;
    }
  }
  free(line);
  return nullptr;
}

} // namespace front
