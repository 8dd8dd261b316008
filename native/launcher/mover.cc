// The mover is a process of its own, because a move blocks its caller and nobody else. Memory that Node has
// used by then stays charged to the caller's cgroup: the container's limit is for what follows.
#include "mover.h"

#include <csignal>
#include <cstdio>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cgroup.h"
#include "descriptors.h"
#include "failure.h"

namespace launcher {
namespace {

// A Sentry that has ended hears nothing, and is reported by its end. One that is joined knows already.
void tellSentry(Mover* mover) {
  if (mover->told >= 0)
    writeAll(mover->told, "j", 1);
  closeQuietly(&mover->told);
}

} // namespace

bool openGate(Mover* mover) {
  bool opened = writeAll(mover->gate, "gg", 2);
  closeQuietly(&mover->gate);
  return opened || failErrno("open the gate");
}

bool makeGate(Program* sentry, Program* gofer, Mover* mover) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0)
    return failErrno("pipe");
  sentry->gate = gofer->gate = moveHigh(ends[0]);
  mover->gate = moveHigh(ends[1]);
  return true;
}

bool startMover(const Plan& plan, Shared* shared, const Program& sentry, const Program& gofer,
                const Broker& broker, Mover* mover) {
  if (plan.get("cgroup.dir") == nullptr) {
    mover->joined = true;
    tellSentry(mover);
    return true;
  }
  pid_t launcher = getpid();
  pid_t pids[4] = {sentry.pid, gofer.pid};
  size_t count = 2;
  if (broker.pid > 0)
    pids[count++] = broker.pid;
  if (plan.flag("cgroup.self"))
    pids[count++] = launcher;
  mover->pid = fork();
  if (mover->pid < 0)
    return failErrno("fork");
  if (mover->pid > 0) {
    closeQuietly(&mover->told);
    return true;
  }
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  prctl(PR_SET_NAME, "runsc-mover");
  if (getppid() != launcher)
    _exit(1);
  if (makeCgroups(plan, shared) && joinCgroups(plan, pids, count)) {
    tellSentry(mover);
    _exit(0);
  }
  snprintf(shared->joinFailure, sizeof shared->joinFailure, "%s", failureText());
  _exit(1);
}

bool moverEnded(const Shared& shared, int status, Mover* mover) {
  mover->pid = -1;
  mover->joined = status == 0;
  if (mover->joined)
    return true;
  if (shared.joinFailure[0] != 0)
    return fail("%s", shared.joinFailure);
  return fail("the process that joins the cgroups ended unexpectedly");
}

} // namespace launcher
