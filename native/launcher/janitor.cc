// The janitor sleeps in one read(2) until the launcher is gone. It is forked before the launcher enters the
// container's cgroup, so that it can remove that cgroup, and before anything is made that it would remove.
#include "janitor.h"

#include <cerrno>
#include <climits>
#include <csignal>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cgroup.h"
#include "descriptors.h"
#include "failure.h"
#include "state.h"

namespace launcher {
namespace {

constexpr int kPatienceMs = 10000;

void closeRange(int first, int last) {
  if (first <= last)
    syscall(SYS_close_range, (unsigned)first, (unsigned)last, 0u);
}

// Nobody waits for the end of a pipe that only the janitor holds. -1 for no second descriptor.
void closeAllBut(int first, int second) {
  int low = first < second ? first : second, high = first < second ? second : first;
  closeRange(0, low - 1);
  closeRange(low + 1, high - 1);
  closeRange(high + 1, INT_MAX);
}

[[noreturn]] void clean(const Plan& plan, Shared* shared, int watch, int terminal) {
  setsid();
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, nullptr);
  prctl(PR_SET_NAME, "runsc-janitor");
  closeAllBut(watch, terminal);
  if (chdir("/") != 0)
    _exit(1);
  char byte;
  while (read(watch, &byte, 1) < 0 && errno == EINTR) {
  }
  if (shared->finished)
    _exit(0);
  if (shared->rawTerminal && terminal >= 0)
    tcsetattr(terminal, TCSANOW, &shared->terminal);
  // Sentry and gofer die with the launcher (PDEATHSIG); what is left in the cgroup then is theirs.
  // With systemd the launcher was in the container's cgroup from the start, and its janitor too. Whoever
  // removes that may hold the lock that we are going to wait for.
  leaveCgroups(plan);
  if (!shared->kept) {
    // The state last: as long as it is there, `delete` can go on where this was interrupted.
    removeCgroups(plan, shared, kPatienceMs);
    removeStateDirectory(plan, shared);
  } else {
    writeKilledStatus(plan, shared);
  }
  _exit(0);
}

} // namespace

bool startJanitor(const Plan& plan, Shared* shared, int terminal, Janitor* janitor) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0)
    return failErrno("pipe");
  int watch = moveHigh(ends[0]);
  janitor->lifeline = moveHigh(ends[1]);
  janitor->pid = fork();
  if (janitor->pid < 0)
    return failErrno("fork");
  if (janitor->pid == 0) {
    close(janitor->lifeline);
    clean(plan, shared, watch, terminal);
  }
  close(watch);
  return true;
}

void dismissJanitor(Shared* shared, Janitor* janitor) {
  shared->finished = true;
  closeQuietly(&janitor->lifeline);
  if (janitor->pid > 0) {
    while (waitpid(janitor->pid, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
}

} // namespace launcher
