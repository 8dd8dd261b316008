// The pivoter: one short-lived privileged process per program. The program itself is cloned with
// CLONE_PARENT, so the launcher can wait for it; it never has more privilege than it starts with, and the
// pivoter leaves the privileged part (pivot_root) to the moment when Node has read the files that it needs
// from the host.
#include "program.h"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "descriptors.h"
#include "failure.h"
#include "identity.h"
#include "jail.h"
#include "staging.h"

namespace launcher {
namespace {

// One message on the report pipe; under PIPE_BUF, so whole.
struct Report {
  pid_t pid; // > 0: the program runs; 0: a failure, in `text`
  char text[1020];
};

// fork(2) with namespace flags. The launcher has one thread and no atfork handlers, so the bare call will do.
pid_t cloneProcess(unsigned long flags) {
  return (pid_t)syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0);
}

void sendReport(int fd, pid_t pid) {
  Report report;
  memset(&report, 0, sizeof report);
  report.pid = pid;
  if (pid == 0)
    snprintf(report.text, sizeof report.text, "%s", failureText());
  writeAll(fd, &report, sizeof report);
}

bool readByte(int fd) {
  char byte;
  ssize_t got;
  while ((got = read(fd, &byte, 1)) < 0 && errno == EINTR) {
  }
  return got == 1;
}

// The table of descriptors grows by doubling, for which a process with several threads waits some
// milliseconds each time: until no other CPU looks at the old one. With one thread, and so here, it doesn't.
void makeRoomForDescriptors() {
  constexpr int kRoom = 4096;
  int last = fcntl(0, F_DUPFD_CLOEXEC, kRoom - 1);
  if (last >= 0)
    close(last);
}

// The last steps of the program's own process before Node.
[[noreturn]] void execProgram(const Plan& plan, const Program& program, int ready, bool staged) {
  const char* name = program.gofer ? "gofer" : "sentry";
  char* arguments[64];
  char* environment[64];
  char key[32];
  size_t cursor = 0, count = 0;
  snprintf(key, sizeof key, "%s.arg", name);
  while (const char* value = plan.next(key, &cursor)) {
    if (count < 63)
      arguments[count++] = const_cast<char*>(staged ? stagedPath(plan, value) : value);
  }
  arguments[count] = nullptr;
  cursor = count = 0;
  snprintf(key, sizeof key, "%s.env", name);
  while (const char* value = plan.next(key, &cursor)) {
    if (count < 63)
      environment[count++] = const_cast<char*>(value);
  }
  environment[count] = nullptr;

  int oom = program.gofer ? -1 : moveHigh(open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC));
  int null = moveHigh(open("/dev/null", O_RDWR | O_CLOEXEC));
  closeOnExecFrom(3);
  bool done = chdir("/") == 0;
  for (size_t index = 0; done && index < program.placedCount; index++) {
    done = dup2(program.placed[index].from, program.placed[index].to) >= 0;
  }
  done = done && dup2(program.boot, kBootFd) >= 0 && dup2(ready, kReadyFd) >= 0 && dup2(null, 0) >= 0 &&
         dup2(null, 1) >= 0 && (oom < 0 || dup2(oom, kOomFd) >= 0);
  bool imaged = program.restorer >= 0 && program.image >= 0 && dup2(program.image, kImageFd) >= 0 &&
                dup2(program.node, kProgramFd) >= 0;
  raiseLimits();
  makeRoomForDescriptors();
  done = done && (program.gofer ? becomeGofer()
                                : becomeSentry((uid_t)plan.number("sentry.uid", 65534),
                                               (gid_t)plan.number("sentry.gid", 65534)));
  resetSignals();
  // After the change of identity, which clears it. The pivoter then looks whether the launcher is still
  // there.
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (done && (write(ready, "p", 1) != 1 || !readByte(ready)))
    _exit(127);
  if (done && imaged)
    syscall(SYS_execveat, program.restorer, "", arguments, environment, AT_EMPTY_PATH);
  if (done)
    syscall(SYS_execveat, program.node, "", arguments, environment, AT_EMPTY_PATH);
  if (failureText()[0] == 0)
    failErrno("%s: start %s", name, plan.text("node.path"));
  dprintf(STDERR_FILENO, "runsc: %s\n", failureText());
  _exit(127);
}

// Clones the program as a child of the launcher, and tells it the pid before the program does anything: a
// pivoter that is killed in between leaves nothing unknown, since the gate then closes.
bool cloneProgram(const Plan& plan, const Program& program, const int ready[2], int reports, bool staged) {
  unsigned long flags =
      CLONE_PARENT | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP;
  bool mapped = !program.gofer || plan.get("gofer.uidmap") != nullptr;
  if (mapped)
    flags |= CLONE_NEWUSER;
  int gate[2];
  if (pipe2(gate, O_CLOEXEC) != 0)
    return failErrno("pipe");
  pid_t pid = cloneProcess(flags);
  if (pid == 0) {
    close(gate[1]);
    close(ready[0]);
    if (!readByte(gate[0]))
      _exit(127);
    execProgram(plan, program, ready[1], staged);
  }
  bool done = pid > 0;
  if (!done)
    failErrno("clone the %s", program.gofer ? "gofer" : "sentry");
  if (done && mapped)
    done = program.gofer ? writeGoferMaps(plan, pid) : writeSentryMaps(plan, pid);
  if (done) {
    sendReport(reports, pid);
    done = write(gate[1], "g", 1) == 1 || failErrno("start the %s", program.gofer ? "gofer" : "sentry");
  }
  close(gate[0]);
  close(gate[1]);
  return done;
}

// Whom the program's own files have to be readable for: the gofer is root, on the host or in the container's
// user namespace, whose first line maps it.
uid_t programUser(const Plan& plan, const Program& program) {
  if (!program.gofer)
    return (uid_t)plan.number("sentry.uid", 65534);
  return goferRoot(plan, "gofer.uidmap");
}

// time_namespaces(7): what is cloned from now on has clocks with these offsets, in vdso and futexes too.
bool setTimeOffsets(const Plan& plan) {
  const char* offsets = plan.get("time.offsets");
  if (offsets == nullptr)
    return true;
  if (unshare(CLONE_NEWTIME) != 0)
    return failErrno("make a time namespace");
  return writeFile("/proc/self/timens_offsets", offsets) || failErrno("set time namespace offsets");
}

[[noreturn]] void pivot(const Plan& plan, const Janitor& janitor, const Program& program, int reports,
                        pid_t launcher) {
  close(janitor.lifeline);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  prctl(PR_SET_NAME, "runsc-pivoter");
  setsid();
  // A launcher that died before the prctl(2) sent no signal.
  if (getppid() != launcher)
    _exit(1);
  int ready[2];
  int jail = prepareJail(plan, program.gofer);
  bool done = jail >= 0 &&
              (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ready) == 0 || failErrno("socketpair"));
  bool staged = false;
  done = done && (program.gofer || setTimeOffsets(plan));
  done = done && stagePackage(plan, programUser(plan, program), &staged);
  // The looks as another user have cleared it (prctl(2)).
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (done) {
    ready[1] = moveHigh(ready[1]);
    done = cloneProgram(plan, program, ready, reports, staged);
    close(ready[1]);
  }
  // The same for the program, whose getppid(2) can't tell: its parent is outside its pid namespace.
  if (done && (!readByte(ready[0]) || getppid() != launcher || write(ready[0], "c", 1) != 1))
    _exit(0);
  // The program may end before it is ready; its exit status tells the launcher why.
  if (done && !readByte(ready[0]))
    _exit(0);
  // Nothing of the container runs before both programs are in its cgroups.
  if (done && !readByte(program.gate))
    _exit(1);
  done = done && (!program.gofer || !sharesRootfs(plan) || sealRootfs(plan, jail)) && enterJail(jail);
  if (!done) {
    sendReport(reports, 0);
    _exit(1);
  }
  _exit(send(ready[0], "j", 1, MSG_NOSIGNAL) == 1 ? 0 : 1);
}

bool readReport(Program* program, Report* report) {
  ssize_t got;
  while ((got = read(program->report, report, sizeof *report)) < 0 && errno == EINTR) {
  }
  return got == (ssize_t)sizeof *report;
}

} // namespace

bool startProgram(const Plan& plan, const Janitor& janitor, Program* program) {
  int reports[2], gate[2];
  if (pipe2(reports, O_CLOEXEC) != 0 || pipe2(gate, O_CLOEXEC) != 0)
    return failErrno("pipe");
  program->report = moveHigh(reports[0]);
  reports[1] = moveHigh(reports[1]);
  bool rootless = plan.flag("rootless");
  pid_t launcher = getpid();
  program->pivoter = cloneProcess(CLONE_NEWNS | (rootless ? CLONE_NEWUSER : 0));
  if (program->pivoter == 0) {
    close(gate[1]);
    if (!readByte(gate[0]))
      _exit(1);
    close(gate[0]);
    pivot(plan, janitor, *program, reports[1], launcher);
  }
  bool done = program->pivoter > 0 || failErrno("clone a mount namespace");
  if (done && rootless)
    done = writeOwnMaps(program->pivoter);
  if (done)
    done = write(gate[1], "g", 1) == 1;
  close(gate[0]);
  close(gate[1]);
  close(reports[1]);
  return done;
}

bool awaitProgram(Program* program) {
  Report report;
  if (!readReport(program, &report))
    return fail("the %s's pivoter ended", program->gofer ? "gofer" : "sentry");
  if (report.pid <= 0)
    return fail("%s", report.text);
  program->pid = report.pid;
  return true;
}

bool readPivoterFailure(Program* program) {
  Report report;
  if (!readReport(program, &report) || report.pid != 0)
    return false;
  fail("%s", report.text);
  return true;
}

} // namespace launcher
