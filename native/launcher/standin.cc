// Descriptors, signals and the way back to the caller.
#include "standin.h"

#include <csignal>
#include <fcntl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "failure.h"

namespace launcher {

bool keepPreserved(StandIn* self) {
  long count = self->plan.number("preserve", 0);
  if (count > kMaxPreserved)
    return fail("--preserve-fds: at most %d", kMaxPreserved);
  for (int index = 0; index < count; index++) {
    int fd = copyHigh(3 + index);
    if (fd < 0)
      return fail("unable to stat preserved-fd %d (of %ld): no such file or directory", index, count);
    self->preserved[self->preservedCount++] = fd;
  }
  return true;
}

bool blockSignals(StandIn* self) {
  // Node ignores SIGPIPE and exec keeps that; what else is ignored is the caller's wish (nohup).
  signal(SIGPIPE, SIG_DFL);
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, nullptr);
  self->signals = moveHigh(signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK));
  return self->signals >= 0 || failErrno("signalfd");
}

bool detach(StandIn* self) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0)
    return failErrno("pipe");
  pid_t pid = fork();
  if (pid < 0)
    return failErrno("fork");
  if (pid > 0) {
    close(ends[1]);
    unsigned char status = 1;
    // Nothing comes when the launcher was killed before the container ran.
    if (read(ends[0], &status, 1) != 1)
      status = 128 + SIGKILL;
    _exit(status);
  }
  close(ends[0]);
  self->detached = moveHigh(ends[1]);
  setsid();
  return true;
}

void answerDetached(StandIn* self, int status) {
  if (self->detached < 0)
    return;
  unsigned char byte = (unsigned char)status;
  writeAll(self->detached, &byte, 1);
  closeQuietly(&self->detached);
}

void letGoOfStdio(const StandIn& self) {
  if (!self.plan.flag("detach"))
    return;
  int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  if (null < 0)
    return;
  for (int fd = 0; fd < 3; fd++)
    dup2(null, fd);
  close(null);
}

} // namespace launcher
