// The socket is there exactly as long as the container can be started, so that of several `start`s at once
// one succeeds.
#include "start.h"

#include <cstdio>
#include <sys/socket.h>
#include <unistd.h>

#include "descriptors.h"
#include "report.h"
#include "state.h"

namespace launcher {
namespace {

constexpr const char* kName = "start.sock";

void reply(int fd, const char* error) {
  char quoted[2048], line[2112];
  if (error == nullptr) {
    snprintf(line, sizeof line, "{\"ok\":true}\n");
  } else {
    quoteJson(error, quoted, sizeof quoted);
    snprintf(line, sizeof line, "{\"ok\":false,\"error\":\"%s\"}\n", quoted);
  }
  // A `start` that was killed meanwhile hears nothing.
  ssize_t sent = send(fd, line, __builtin_strlen(line), MSG_NOSIGNAL | MSG_DONTWAIT);
  (void)sent;
}

} // namespace

bool StartSocket::listen(int directory) {
  directory_ = directory;
  listener_ = listenAt(directory, kName);
  return listener_ >= 0;
}

void StartSocket::unlink() {
  if (listener_ < 0)
    return;
  unlinkat(directory_, kName, 0);
  closeQuietly(&listener_);
}

bool StartSocket::accept() {
  int fd = moveHigh(accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC));
  if (fd < 0)
    return false;
  if (client_ < 0) {
    client_ = fd;
    return true;
  }
  reply(fd, "cannot start an already running container");
  close(fd);
  return false;
}

void StartSocket::answer(const char* error) {
  if (client_ < 0)
    return;
  reply(client_, error);
  closeQuietly(&client_);
}

} // namespace launcher
