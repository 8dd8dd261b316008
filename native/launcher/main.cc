// The launcher: starts a container's Sentry and gofer, stands in for the container on the host, and removes
// everything at its end. Usage: launcher PLAN-FD ID [PROGRAM...], of which only the first is read.
//
// Processes, in the order in which they start:
//   launcher    this one; its pid is the container's pid. It ends with the container's exit status.
//   janitor     cleans up if the launcher is killed (janitor.cc)
//   pivoters    one for each program: make its jail, start it, move it into the jail, end (program.cc)
//   broker      makes sockets of the container's network namespace (broker.cc)
//   mover       makes the container's cgroups and puts both programs into them meanwhile (mover.cc)
//   gofer       serves the container's files
//   sentry      the kernel; init of a pid namespace, where the guest's stub processes are
// Each of them dies with the launcher (PDEATHSIG), and the launcher ends both programs when one dies.
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "broker.h"
#include "cgroup.h"
#include "console.h"
#include "descriptors.h"
#include "exec.h"
#include "exec_front.h"
#include "failure.h"
#include "hooks.h"
#include "identity.h"
#include "janitor.h"
#include "join.h"
#include "mover.h"
#include "netns.h"
#include "outcome.h"
#include "plan.h"
#include "program.h"
#include "report.h"
#include "shared.h"
#include "standin.h"
#include "state.h"
#include "supervise.h"

namespace launcher {
namespace {

struct Launcher : StandIn {
  Shared* shared = nullptr;
  Janitor janitor;
  Console console;
  Program sentry;
  Program gofer;
  Mover mover;
  HookRunner hooks;
  Broker broker;
  int state = -1;
  int control = -1;
  // To the Sentry's control socket.
  int connection = -1;
  int exits = -1;
};

Launcher g_launcher;

int bootDocument(const Plan& plan, const char* key) {
  const char* text = plan.text(key);
  int fd = memoryFile(key, text, strlen(text));
  if (fd < 0)
    failErrno("boot document");
  return fd;
}

// A file of the plan, or -1 when it names none. False with a failure when it can't be opened.
bool openPlanned(const Plan& plan, const char* key, int flags, int* fd) {
  const char* path = plan.get(key);
  if (path == nullptr)
    return true;
  *fd = moveHigh(open(path, flags | O_CLOEXEC, 0644));
  return *fd >= 0 || failErrno("open %s", path);
}

// Images are for speed only: one that has gone meanwhile, or can't be read, is done without.
bool openImages(Launcher* launcher) {
  const Plan& plan = launcher->plan;
  int restorer = -1;
  if (plan.get("image.restorer") == nullptr)
    return true;
  if (!openPlanned(plan, "image.restorer", O_RDONLY, &restorer))
    return false;
  if ((restorer = executableFile(restorer)) < 0)
    return failErrno("copy %s", plan.text("image.restorer"));
  launcher->sentry.restorer = launcher->gofer.restorer = restorer;
  launcher->sentry.image = moveHigh(open(plan.text("image.sentry"), O_RDONLY | O_CLOEXEC));
  launcher->gofer.image = moveHigh(open(plan.text("image.gofer"), O_RDONLY | O_CLOEXEC));
  return true;
}

bool placeDescriptors(Launcher* launcher) {
  const Plan& plan = launcher->plan;
  int files[2], exits[2], stub = -1, debugLog = -1;
  // SOCK_SEQPACKET keeps the protocol's messages apart; a message may carry descriptors.
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, files) != 0)
    return failErrno("socketpair");
  if (pipe2(exits, O_CLOEXEC) != 0)
    return failErrno("pipe");
  int size = 4 << 20;
  for (int& fd : files) {
    // Past the system's limit only with privilege; the default works too, in smaller steps.
    if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size) != 0) {
      setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    }
    fd = moveHigh(fd);
  }
  launcher->exits = moveHigh(exits[0]);
  exits[1] = moveHigh(exits[1]);
  fcntl(launcher->exits, F_SETFL, O_NONBLOCK);
  if (!openPlanned(plan, "stub.path", O_RDONLY, &stub))
    return false;
  if (stub >= 0 && (stub = executableFile(stub)) < 0)
    return failErrno("copy %s", plan.text("stub.path"));
  if (!openPlanned(plan, "debug-log.path", O_WRONLY | O_CREAT | O_APPEND, &debugLog))
    return false;

  int null = moveHigh(open("/dev/null", O_RDWR | O_CLOEXEC));
  if (null < 0)
    return failErrno("open /dev/null");
  int node = -1;
  if (!openPlanned(plan, "node.path", O_RDONLY, &node) || !openImages(launcher))
    return false;
  launcher->sentry.node = launcher->gofer.node = node;
  bool terminal = launcher->console.slave >= 0;
  Program& sentry = launcher->sentry;
  Program& gofer = launcher->gofer;
  gofer.gofer = true;
  gofer.boot = bootDocument(plan, "boot.gofer");
  sentry.boot = bootDocument(plan, "boot.sentry");
  if (gofer.boot < 0 || sentry.boot < 0)
    return false;
  // Where Node itself complains: not to a caller who waits for the end of a detached container's descriptors.
  int complaints = debugLog >= 0 ? debugLog : plan.flag("detach") ? null : -1;
  // The gofer's are closed when it has started, which may be before the Sentry gets those.
  gofer.place(copyHigh(complaints), STDERR_FILENO);
  sentry.place(complaints, STDERR_FILENO);
  gofer.place(files[0], kGoferFd);
  gofer.place(copyHigh(debugLog), kDebugLogFd);
  sentry.place(files[1], kGoferFd);
  sentry.place(terminal ? null : copyHigh(STDIN_FILENO), kStdinFd);
  sentry.place(terminal ? null : copyHigh(STDOUT_FILENO), kStdoutFd);
  sentry.place(terminal ? null : copyHigh(STDERR_FILENO), kStderrFd);
  sentry.place(launcher->console.slave, kConsoleFd);
  sentry.place(launcher->control, kControlFd);
  sentry.place(exits[1], kExitFd);
  sentry.place(logDescriptor(), kLogFd);
  sentry.place(debugLog, kDebugLogFd);
  sentry.place(stub, kStubFd);
  if (!joins(plan)) {
    int joined[2];
    if (pipe2(joined, O_CLOEXEC) != 0)
      return failErrno("pipe");
    sentry.place(moveHigh(joined[0]), kJoinedFd);
    launcher->mover.told = moveHigh(joined[1]);
  }
  sentry.place(launcher->broker.sentry, kBrokerFd);
  for (int index = 0; index < launcher->preservedCount; index++) {
    sentry.place(launcher->preserved[index], kPreservedFd + index);
  }
  return true;
}

// The program has its descriptors: what is left open here would keep ends of files from being seen.
void closePlaced(Launcher* launcher, Program* program) {
  for (size_t index = 0; index < program->placedCount; index++) {
    int fd = program->placed[index].from;
    bool needed = fd == logDescriptor() || (fd == launcher->console.slave && launcher->console.master < 0);
    if (!needed)
      close(fd);
  }
  close(program->boot);
  if (!program->gofer && launcher->console.master >= 0)
    launcher->console.slave = -1;
}

void closeDonated(Launcher* launcher) {
  if (!joins(launcher->plan))
    closePlaced(launcher, &launcher->sentry);
  closePlaced(launcher, &launcher->gofer);
  close(launcher->sentry.gate);
  close(launcher->sentry.node);
  launcher->control = -1;
}

// The rest of it for a container that joins a sandbox.
bool startJoined(Launcher* launcher) {
  const Plan& plan = launcher->plan;
  static Program zygote;
  if (!startProgram(plan, launcher->janitor, &launcher->gofer))
    return false;
  bool entered = enterSandbox(plan, launcher->state, &launcher->connection, &zygote.pid);
  return awaitProgram(&launcher->gofer) && entered &&
         startMover(plan, launcher->shared, zygote, launcher->gofer, launcher->broker, &launcher->mover);
}

// The gofer answers from now on: a sandbox is not asked for the container before, since all of the pod's
// containers would wait with it.
bool goferReady(void* context) {
  Launcher* launcher = (Launcher*)context;
  if (!joins(launcher->plan))
    return true;
  bool done = requestContainer(launcher->plan, launcher->connection, launcher->sentry);
  closePlaced(launcher, &launcher->sentry);
  return done;
}

// Everything up to the running programs. What has been made when a step fails is removed by `finish`.
bool start(Launcher* launcher) {
  const Plan& plan = launcher->plan;
  if (!makeStateDirectory(plan, launcher->shared, &launcher->state))
    return false;
  if (joins(plan)) {
    if (!linkControl(plan, launcher->state))
      return false;
  } else if ((launcher->control = listenAt(launcher->state, kControlSocket)) < 0) {
    return false;
  }
  // Lowering it needs CAP_SYS_RESOURCE: without, the container lives with what it has.
  if (plan.get("oom.adjust") != nullptr)
    writeFile("/proc/self/oom_score_adj", plan.text("oom.adjust"));
  if (!openConsole(plan, launcher->shared, &launcher->console))
    return false;
  if (!enterNetwork(plan) || !startBroker(plan, launcher->janitor, &launcher->broker))
    return false;
  if (!placeDescriptors(launcher))
    return false;
  if (!makeGate(&launcher->sentry, &launcher->gofer, &launcher->mover))
    return false;
  if (joins(plan))
    return startJoined(launcher);
  if (!startProgram(plan, launcher->janitor, &launcher->sentry))
    return false;
  if (!startProgram(plan, launcher->janitor, &launcher->gofer))
    return false;
  bool broker = awaitBroker(&launcher->broker);
  bool sentry = awaitProgram(&launcher->sentry);
  if (!awaitProgram(&launcher->gofer) || !sentry || !broker)
    return false;
  return startMover(plan, launcher->shared, launcher->sentry, launcher->gofer, launcher->broker,
                    &launcher->mover);
}

// `outside`: whether this process sees the host's files.
void finish(Launcher* launcher, bool outside, int status) {
  endBroker(&launcher->broker);
  restoreTerminal(launcher->shared, launcher->console);
  if (launcher->shared->kept)
    writeExitStatus(launcher->state, status);
  // Without the host's paths the rest is the janitor's.
  if (!outside)
    return;
  // `delete` comes when this process has left them by its end, which takes no waiting.
  if (!launcher->shared->kept) {
    leaveCgroups(launcher->plan);
    bool mine = launcher->shared->state == Claim::made;
    // The state last: as long as it is there, `delete` can go on where this was interrupted.
    removeCgroups(launcher->plan, launcher->shared, 2000);
    removeStateDirectory(launcher->plan, launcher->shared);
    // As runc: of a container that could not be made, too.
    if (mine && launcher->hooks.has(HookStage::stop) &&
        !(launcher->hooks.request(HookStage::stop) && launcher->hooks.result()))
      logWarning(launcher->plan, failureText());
  }
  launcher->hooks.end();
  dismissJanitor(launcher->shared, &launcher->janitor);
}

int run(Launcher* launcher) {
  const Plan& plan = launcher->plan;
  Outcome outcome;
  Steps steps(launcher, launcher->shared, &launcher->mover, &launcher->sentry, &launcher->gofer,
              &launcher->hooks);
  bool started = start(launcher), outside;
  if (started && launcher->connection < 0)
    started = (launcher->connection = connectControl(launcher->state)) >= 0;
  if (started)
    closeDonated(launcher);
  if (started && steps.begin(launcher->state, launcher->connection)) {
    Supervised supervised = {&launcher->sentry,    &launcher->gofer,
                             &launcher->mover,     &launcher->broker,
                             launcher->shared,     &launcher->console,
                             launcher->connection, launcher->exits,
                             launcher->signals,    &steps,
                             goferReady,           launcher};
    supervise(supervised, &outcome);
    outside = steps.leaveView();
    if (outcome.status == 128 + SIGKILL && outcome.error[0] != 0 && outside && ranOutOfMemory(plan)) {
      size_t length = strlen(outcome.error);
      snprintf(outcome.error + length, sizeof outcome.error - length,
               ": out of memory in the container's cgroup");
    }
    if (outcome.startFailed && !plan.flag("shell.status")) {
      fail("unable to start container process: %s", outcome.error);
      snprintf(outcome.error, sizeof outcome.error, "%.*s", (int)sizeof outcome.error - 1, failureText());
      outcome.status = 1;
    }
  } else {
    snprintf(outcome.error, sizeof outcome.error, "%s", failureText());
    endPrograms(&launcher->sentry, &launcher->gofer, &launcher->mover);
    outside = steps.leaveView();
  }
  finish(launcher, outside, outcome.status);
  if (outcome.error[0] != 0) {
    reportError(plan, outcome.error);
    steps.answerStart(outcome.error);
  }
  answerDetached(launcher, outcome.status);
  return outcome.status;
}

int main(int count, char** arguments) {
  Launcher* launcher = &g_launcher;
  bool enough = raiseOpenFiles();
  if (count > 4 && strcmp(arguments[1], "--exec") == 0)
    return execFront(count - 2, arguments + 2);
  if (count < 2) {
    dprintf(STDERR_FILENO, "runsc: the launcher is started by runsc\n");
    return 1;
  }
  int plan = atoi(arguments[1]);
  if (!launcher->plan.load(plan)) {
    dprintf(STDERR_FILENO, "runsc: %s\n", failureText());
    return 1;
  }
  close(plan);
  // What the caller leaked would be kept open for as long as the container lives.
  syscall(SYS_close_range, (unsigned)(3 + launcher->plan.number("preserve", 0)), ~0u, 0u);
  prctl(PR_SET_NAME, "runsc");
  void* page = mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  launcher->shared = page == MAP_FAILED ? nullptr : (Shared*)page;
  if (launcher->shared != nullptr && strcmp(launcher->plan.text("mode"), "exec") == 0)
    return execProcess(launcher, launcher->shared);
  bool ready = (enough || fail("runsc needs a limit of %d open files (ulimit -n)", (int)kLeastFiles)) &&
               (launcher->shared != nullptr || failErrno("mmap")) && openLog(launcher->plan) &&
               keepPreserved(launcher) && findHostTerminal(launcher->plan, &launcher->console) &&
               (!launcher->plan.flag("detach") || detach(launcher)) && blockSignals(launcher) &&
               launcher->hooks.start(launcher->plan) &&
               startJanitor(launcher->plan, launcher->shared, launcher->console.host, &launcher->janitor);
  if (ready)
    return run(launcher);
  reportError(launcher->plan, failureText());
  answerDetached(launcher, 1);
  return 1;
}

} // namespace
} // namespace launcher

int main(int count, char** arguments) {
  return launcher::main(count, arguments);
}
