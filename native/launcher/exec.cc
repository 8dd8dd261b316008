// Stands in for a process that `exec` adds: a connection to the Sentry's control socket is the process, for
// both sides. Its end tells the Sentry that nobody waits any more, which kills the process; what becomes of
// the process comes back on a pipe, in the same words as for a container's init.
#include "exec.h"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cgroup.h"
#include "descriptors.h"
#include "failure.h"
#include "flow.h"
#include "janitor.h"
#include "join.h"
#include "netns.h"
#include "outcome.h"
#include "report.h"
#include "state.h"
#include "text.h"

namespace launcher {
namespace {

// As runc: whatever keeps the process from running.
constexpr int kNotStarted = 255;
// SCM_MAX_FD of unix(7).
constexpr int kMaxSent = 253;

struct Exec {
  StandIn* self;
  Shared* shared;
  Janitor janitor;
  Console console;
  int control = -1;
  int exits = -1;
  // The process that moves this one into the container's cgroups.
  pid_t mover = -1;
};

// The descriptors of a request, by the index that the request calls them by.
struct Sent {
  int fds[kMaxSent];
  int count = 0;

  int add(int fd) {
    fds[count] = fd;
    return count++;
  }
};

bool connectSentry(Exec* exec) {
  const char* path = exec->self->plan.text("state.dir");
  int directory = moveHigh(open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory < 0)
    return errno == ENOENT ? fail("container does not exist") : failErrno("open %s", path);
  exec->control = connectControl(directory);
  bool gone = exec->control < 0 && (errno == ECONNREFUSED || errno == ENOENT);
  closeQuietly(&directory);
  return exec->control >= 0 || (gone && fail("cannot exec in a stopped container"));
}

// --cgroup: the process's memory is to be there as well, and so is what it forks.
bool placeProcess(const Exec& exec) {
  const Plan& plan = exec.self->plan;
  if (!plan.flag("exec.zone"))
    return true;
  char about[256];
  // Container ids have no characters that JSON would escape.
  snprintf(about, sizeof about, "\"container\":\"%s\"", plan.text("container.id"));
  pid_t zygote;
  return askZone(exec.control, about, &zygote) &&
         (joinCgroups(plan, &zygote, 1) ||
          fail("unable to start container process: error adding pid %d to cgroups: %s", (int)zygote,
               failureText()));
}

// A move takes 10-20 ms, in which the process can start: it is made by somebody else.
bool startMover(Exec* exec) {
  const Plan& plan = exec->self->plan;
  if (plan.get("cgroup.dir") == nullptr)
    return true;
  pid_t self = getpid();
  exec->mover = fork();
  if (exec->mover < 0)
    return failErrno("fork");
  if (exec->mover > 0)
    return true;
  prctl(PR_SET_NAME, "runsc-mover");
  // Nobody waits for the end of a pipe that only the mover holds.
  for (int fd = 0; fd < 3; fd++)
    close(fd);
  if (joinCgroups(plan, &self, 1))
    _exit(0);
  snprintf(exec->shared->joinFailure, sizeof exec->shared->joinFailure, "%s", failureText());
  _exit(1);
}

// False with the mover's failure. `options`: WNOHANG to look only.
bool awaitMover(Exec* exec, int options) {
  int status = 0;
  pid_t pid = 0;
  while (exec->mover > 0 && (pid = waitpid(exec->mover, &status, options)) < 0 && errno == EINTR) {
  }
  if (pid <= 0)
    return true;
  exec->mover = -1;
  if (status == 0)
    return true;
  const char* reason = exec->shared->joinFailure;
  return fail("unable to start container process: error adding pid %d to cgroups: %s", (int)getpid(),
              reason[0] != 0 ? reason : "the process that does it was killed");
}

// One line with its descriptors. The socket's buffer is empty: what is small goes at once.
bool sendRequest(int control, const Text& line, const Sent& sent) {
  struct iovec payload = {(void*)line.c_str(), line.length()};
  alignas(struct cmsghdr) char ancillary[CMSG_SPACE(sizeof sent.fds)];
  memset(ancillary, 0, sizeof ancillary);
  struct msghdr message;
  memset(&message, 0, sizeof message);
  size_t size = (size_t)sent.count * sizeof(int);
  message.msg_iov = &payload;
  message.msg_iovlen = 1;
  message.msg_control = ancillary;
  message.msg_controllen = CMSG_SPACE(size);
  struct cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(size);
  memcpy(CMSG_DATA(header), sent.fds, size);
  return sendmsg(control, &message, MSG_NOSIGNAL) == (ssize_t)payload.iov_len || failErrno("control socket");
}

// As under runc, the process has the caller's umask and limits where its document says nothing of them.
void addCaller(Text* line) {
  char pair[64];
  mode_t mask = umask(0);
  umask(mask);
  snprintf(pair, sizeof pair, ",\"umask\":%u,\"limits\":[", (unsigned)mask);
  line->add(pair);
  for (int resource = 0; resource < RLIM_NLIMITS; resource++) {
    struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};
    getrlimit((__rlimit_resource_t)resource, &limit);
    snprintf(pair, sizeof pair, "%s%llu,%llu", resource == 0 ? "" : ",", (unsigned long long)limit.rlim_cur,
             (unsigned long long)limit.rlim_max);
    line->add(pair);
  }
  line->add("]");
}

bool request(Exec* exec) {
  const Plan& plan = exec->self->plan;
  int exits[2];
  if (pipe2(exits, O_CLOEXEC) != 0)
    return failErrno("pipe");
  exec->exits = moveHigh(exits[0]);
  fcntl(exec->exits, F_SETFL, O_NONBLOCK);
  const char* process = plan.text("exec.process");
  int document = memoryFile("process", process, strlen(process));
  if (document < 0)
    return failErrno("process document");
  if (exec->self->preservedCount > kMaxSent - 5)
    return fail("--preserve-fds: at most %d", kMaxSent - 5);

  Sent sent;
  Text line;
  char streams[64], number[16];
  int documentIndex = sent.add(document), exitIndex = sent.add(exits[1]);
  if (exec->console.slave >= 0) {
    snprintf(streams, sizeof streams, "[],\"console\":%d", sent.add(exec->console.slave));
  } else {
    int in = sent.add(STDIN_FILENO), out = sent.add(STDOUT_FILENO), err = sent.add(STDERR_FILENO);
    snprintf(streams, sizeof streams, "[%d,%d,%d]", in, out, err);
  }
  line.add("{\"op\":\"exec\",\"container\":")
      .addString(plan.text("container.id"))
      .add(",\"standard\":")
      .add(streams);
  snprintf(number, sizeof number, "%d", documentIndex);
  line.add(",\"document\":").add(number);
  snprintf(number, sizeof number, "%d", exitIndex);
  line.add(",\"exit\":").add(number).add(",\"preserved\":[");
  for (int index = 0; index < exec->self->preservedCount; index++) {
    snprintf(number, sizeof number, "%s%d", index == 0 ? "" : ",", sent.add(exec->self->preserved[index]));
    line.add(number);
  }
  line.add("],\"ignorePaused\":").add(plan.flag("exec.ignore-paused") ? "true" : "false");
  addCaller(&line);
  if (plan.get("fallback") != nullptr)
    line.add(",\"unchecked\":true");
  if (plan.get("exec.overrides") != nullptr)
    line.add(",\"overrides\":").add(plan.text("exec.overrides"));
  line.add("}\n");
  bool done =
      line.complete() ? sendRequest(exec->control, line, sent) : fail("control socket: out of memory");
  // What stays open here would keep the other side from seeing ends.
  close(document);
  close(exits[1]);
  for (int index = 0; index < exec->self->preservedCount; index++)
    close(exec->self->preserved[index]);
  if (exec->console.master >= 0)
    closeQuietly(&exec->console.slave);
  fcntl(exec->control, F_SETFL, O_NONBLOCK);
  return done;
}

void tell(const Exec& exec, const char* line) {
  ssize_t sent = send(exec.control, line, strlen(line), MSG_NOSIGNAL | MSG_DONTWAIT);
  (void)sent;
}

void forwardSignal(Exec* exec, const struct signalfd_siginfo& signal) {
  const Console& console = exec->console;
  bool terminal = console.slave >= 0 || console.master >= 0;
  switch ((int)signal.ssi_signo) {
  case SIGCHLD:
  case SIGURG:
    return;
  case SIGHUP:
    // The kernel's: our controlling terminal is the process's own console, where the Sentry sees it too.
    if (signal.ssi_code == SI_KERNEL && console.slave >= 0)
      return;
    break;
  case SIGCONT:
    if (signal.ssi_code == SI_KERNEL)
      return;
    break;
  case SIGWINCH:
    if (!terminal)
      break;
    int rows, columns;
    updateSize(console, &rows, &columns);
    tell(*exec, "{\"op\":\"resize\"}\n");
    return;
  }
  char line[64];
  snprintf(line, sizeof line, "{\"op\":\"signal\",\"signal\":%u}\n", signal.ssi_signo);
  tell(*exec, line);
}

// The process runs: the command may return.
bool started(Exec* exec) {
  const Plan& plan = exec->self->plan;
  // A caller that waits for the process's end anyway doesn't have to wait for the cgroup.
  if (plan.flag("detach") && !awaitMover(exec, 0))
    return false;
  const char* pidFile = plan.get("pid.file");
  if (pidFile != nullptr && !writePidFile(pidFile, getpid()))
    return false;
  answerDetached(exec->self, 0);
  letGoOfStdio(*exec->self);
  return true;
}

void failed(Outcome* outcome, const char* prefix, const char* reason) {
  outcome->ended = true;
  outcome->status = kNotStarted;
  snprintf(outcome->error, sizeof outcome->error, "%s%.960s", prefix, reason);
}

// What the Sentry has said: a refusal on the connection, and the reports on the pipe. False when it is gone.
bool hear(const Exec& exec, OutcomeReader* replies, OutcomeReader* reports, Outcome* outcome) {
  Outcome reply;
  bool connected = replies->advance(exec.control, &reply);
  if (reply.error[0] != 0) {
    failed(outcome, "", reply.error);
    return true;
  }
  bool reporting = reports->advance(exec.exits, outcome);
  if (outcome->startFailed)
    failed(outcome, "unable to start container process: ", Outcome(*outcome).error);
  return connected && reporting;
}

void supervise(Exec* exec, Outcome* outcome) {
  OutcomeReader replies, reports;
  const Console& console = exec->console;
  bool copies = console.master >= 0;
  bool stdinIsTerminal = copies && isatty(STDIN_FILENO);
  Flow input(STDIN_FILENO, console.master), output(console.master, STDOUT_FILENO);
  bool startedSeen = false;
  while (!outcome->ended) {
    struct pollfd polled[7] = {{exec->self->signals, POLLIN, 0},
                               {exec->control, POLLIN, 0},
                               {exec->exits, POLLIN, 0},
                               {-1, 0, 0},
                               {-1, 0, 0},
                               {-1, 0, 0},
                               {-1, 0, 0}};
    if (copies) {
      input.wants(&polled[3], &polled[4]);
      output.wants(&polled[5], &polled[6]);
    }
    if (poll(polled, 7, -1) < 0 && errno != EINTR)
      break;
    if ((polled[1].revents | polled[2].revents) != 0) {
      bool there = hear(*exec, &replies, &reports, outcome);
      if (outcome->started && !startedSeen) {
        startedSeen = true;
        if (!started(exec))
          failed(outcome, "", failureText());
      }
      // The container's end is SIGKILL for everyone in it.
      if (!there && !outcome->ended) {
        outcome->ended = true;
        outcome->status = 128 + SIGKILL;
      }
    }
    struct signalfd_siginfo signal;
    if (polled[0].revents != 0 && read(exec->self->signals, &signal, sizeof signal) == (ssize_t)sizeof signal)
      forwardSignal(exec, signal);
    if (!outcome->ended && !awaitMover(exec, WNOHANG))
      failed(outcome, "", failureText());
    if (!copies)
      continue;
    input.advance(polled[3], polled[4]);
    output.advance(polled[5], polled[6]);
    if (stdinIsTerminal && input.over()) {
      // The user's terminal has been hung up. So is the process's then, by closing its other side.
      close(console.master);
      copies = false;
    }
  }
  if (copies)
    output.drain();
}

bool start(Exec* exec) {
  const Plan& plan = exec->self->plan;
  if (!connectSentry(exec))
    return false;
  // Only somebody's terminal in raw mode would have to be cleaned up behind this process.
  if (exec->console.host >= 0 && !startJanitor(plan, exec->shared, exec->console.host, &exec->janitor))
    return false;
  return openConsole(plan, exec->shared, &exec->console) && enterNetwork(plan) && placeProcess(*exec) &&
         startMover(exec) && request(exec);
}

// What the front has let in unseen: the Sentry takes it as it is or not at all. False when it didn't, or
// isn't there; nothing has happened then.
bool startUnchecked(Exec* exec) {
  if (!openLog(exec->self->plan) || !connectSentry(exec) || !request(exec))
    return false;
  char reply[512];
  size_t length = 0;
  for (;;) {
    struct pollfd polled = {exec->control, POLLIN, 0};
    if (poll(&polled, 1, -1) < 0 && errno != EINTR)
      return false;
    ssize_t got = recv(exec->control, reply + length, sizeof reply - 1 - length, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
      continue;
    if (got <= 0 || (length += (size_t)got) == sizeof reply - 1)
      return false;
    reply[length] = 0;
    if (reply[length - 1] == '\n')
      return strcmp(reply, "{\"ok\":true}\n") == 0;
  }
}

// Node does everything once more, with all checks. Returns when it could not be executed.
void fallBack(const Plan& plan) {
  char** arguments = (char**)calloc(plan.count("fallback") + 1, sizeof(char*));
  if (arguments == nullptr)
    return;
  size_t cursor = 0;
  for (char** next = arguments; (*next = (char*)plan.next("fallback", &cursor)) != nullptr;)
    next++;
  execvp(arguments[0], arguments);
}

} // namespace

int execProcess(StandIn* self, Shared* shared) {
  Exec exec;
  exec.self = self;
  exec.shared = shared;
  Outcome outcome;
  const Plan& plan = self->plan;
  bool unchecked = plan.get("fallback") != nullptr;
  bool ready = !unchecked || startUnchecked(&exec);
  if (!ready) {
    fallBack(plan);
    failErrno("exec %s", plan.text("fallback"));
  }
  ready = ready && (unchecked || openLog(plan)) && keepPreserved(self) &&
          findHostTerminal(plan, &exec.console) && (!plan.flag("detach") || detach(self)) &&
          blockSignals(self);
  ready = ready && (unchecked ? enterNetwork(plan) && startMover(&exec) : start(&exec));
  if (ready)
    supervise(&exec, &outcome);
  else
    failed(&outcome, "", failureText());
  restoreTerminal(shared, exec.console);
  dismissJanitor(shared, &exec.janitor);
  if (outcome.error[0] != 0)
    reportError(self->plan, outcome.error);
  answerDetached(self, outcome.status);
  return outcome.status;
}

} // namespace launcher
