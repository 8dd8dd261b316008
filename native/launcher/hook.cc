// Runs a hook. Its output is read as long as it runs, so that a hook that writes a lot never waits, and the
// beginning of it is kept for the error message.
#include "hook.h"

#include <cctype>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "descriptors.h"
#include "failure.h"
#include "identity.h"

namespace launcher {
namespace {

// What a hook wrote to one of its descriptors.
struct Output {
  int fd = -1;
  size_t length = 0;
  char text[512] = "";

  // False at its end.
  bool read() {
    char bytes[8192];
    ssize_t got = ::read(fd, bytes, sizeof bytes);
    if (got < 0)
      return errno == EINTR || errno == EAGAIN;
    size_t kept = sizeof text - 1 - length < (size_t)got ? sizeof text - 1 - length : (size_t)got;
    memcpy(text + length, bytes, kept);
    length += kept;
    text[length] = 0;
    return got > 0;
  }
};

struct Pipes {
  int input[2] = {-1, -1};
  int output[2] = {-1, -1};
  int errors[2] = {-1, -1};
  // Says why there was no execve(2).
  int failed[2] = {-1, -1};

  bool open() {
    return pipe2(input, O_CLOEXEC) == 0 && pipe2(output, O_CLOEXEC) == 0 && pipe2(errors, O_CLOEXEC) == 0 &&
           pipe2(failed, O_CLOEXEC) == 0;
  }
  void closeAll() {
    int* all[] = {input, output, errors, failed};
    for (int* ends : all) {
      closeQuietly(&ends[0]);
      closeQuietly(&ends[1]);
    }
  }
};

long nowMs() {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int openNamespace(pid_t pid, const char* name) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/ns/%s", (int)pid, name);
  return open(path, O_RDONLY | O_CLOEXEC);
}

// False with errno.
bool enterPlace(const HookPlace& place) {
  if (place.mounts > 0) {
    // Both before either is entered: afterwards /proc may be another one.
    int mounts = openNamespace(place.mounts, "mnt"), network = openNamespace(place.network, "net");
    if (mounts < 0 || network < 0 || setns(network, CLONE_NEWNET) != 0 || setns(mounts, CLONE_NEWNS) != 0)
      return false;
    // The container's own are the Sentry's: at least what the hook does is not done to the host's.
    if (unshare(CLONE_NEWUTS | CLONE_NEWIPC) != 0)
      return false;
  }
  return chdir(place.directory) == 0;
}

[[noreturn]] void becomeHook(const char* path, const char* const* arguments, const char* const* environment,
                             const Pipes& pipes, const HookPlace& place) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  // A group of its own: what a hook has started ends with it when it takes too long.
  setpgid(0, 0);
  resetSignals();
  bool done = dup2(pipes.input[0], 0) == 0 && dup2(pipes.output[1], 1) == 1 &&
              dup2(pipes.errors[1], 2) == 2 && enterPlace(place);
  if (done)
    execve(path, const_cast<char* const*>(arguments), const_cast<char* const*>(environment));
  int error = errno;
  writeAll(pipes.failed[1], &error, sizeof error);
  _exit(127);
}

void killGroup(pid_t pid) {
  if (kill(-pid, SIGKILL) != 0)
    kill(pid, SIGKILL);
}

// Feeds and reads the hook until it has ended. False when it took too long, or when nobody waits for it any
// more.
bool attend(int pidfd, int asker, Pipes* pipes, const char* state, long timeoutMs, Output* output,
            Output* errors) {
  long deadline = timeoutMs < 0 ? 0 : nowMs() + timeoutMs;
  size_t left = strlen(state);
  fcntl(pipes->input[1], F_SETFL, O_NONBLOCK);
  for (;;) {
    struct pollfd polled[] = {{pidfd, POLLIN, 0},
                              {pipes->input[1], POLLOUT, 0},
                              {output->fd, POLLIN, 0},
                              {errors->fd, POLLIN, 0},
                              {asker, 0, 0}};
    long remaining = timeoutMs < 0 ? -1 : deadline - nowMs();
    if (timeoutMs >= 0 && remaining <= 0)
      return false;
    if (poll(polled, 5, (int)remaining) < 0 && errno != EINTR)
      return true;
    if (polled[4].revents != 0)
      return false;
    if (polled[1].revents != 0) {
      ssize_t written = left == 0 ? 0 : write(pipes->input[1], state, left);
      if (written > 0) {
        state += written;
        left -= (size_t)written;
      }
      // A hook need not read.
      if (left == 0 || (written < 0 && errno != EAGAIN))
        closeQuietly(&pipes->input[1]);
    }
    if (polled[2].revents != 0 && !output->read())
      output->fd = -1;
    if (polled[3].revents != 0 && !errors->read())
      errors->fd = -1;
    // Its end is looked at last: what it wrote before is there by then.
    if (polled[0].revents != 0)
      return true;
  }
}

// In Go's words: `exit status 3`, `signal: killed`.
void describe(int status, char* text, size_t size) {
  if (WIFEXITED(status)) {
    snprintf(text, size, "exit status %d", WEXITSTATUS(status));
    return;
  }
  int length = snprintf(text, size, "signal: %s", strsignal(WTERMSIG(status)));
  if (length > 8)
    text[8] = (char)tolower((unsigned char)text[8]);
}

} // namespace

bool Hook::next(const Plan& plan, const char* kind, size_t* cursor) {
  size_t arguments = 0, environment = 0, at = *cursor;
  path_ = nullptr;
  timeoutMs_ = -1;
  // A hook is the records from its hook.kind to the next one's.
  for (; const char* record = plan.record(&at); *cursor = at) {
    if (const char* found = valueOf(record, "hook.kind")) {
      if (path_ != nullptr)
        break;
      path_ = strcmp(found, kind) == 0 ? "" : nullptr;
    } else if (path_ == nullptr) {
      continue;
    } else if (const char* path = valueOf(record, "hook.path")) {
      path_ = path;
    } else if (const char* argument = valueOf(record, "hook.arg")) {
      if (arguments < kMaxStrings)
        arguments_[arguments++] = argument;
    } else if (const char* variable = valueOf(record, "hook.env")) {
      if (environment < kMaxStrings)
        environment_[environment++] = variable;
    } else if (const char* seconds = valueOf(record, "hook.timeout")) {
      timeoutMs_ = strtol(seconds, nullptr, 10) * 1000;
    }
  }
  if (arguments == 0 && path_ != nullptr)
    arguments_[arguments++] = path_;
  arguments_[arguments] = environment_[environment] = nullptr;
  return path_ != nullptr;
}

bool Hook::run(const char* state, const HookPlace& place, int asker) const {
  Pipes pipes;
  if (!pipes.open()) {
    failErrno("pipe");
    pipes.closeAll();
    return false;
  }
  pid_t pid = fork();
  if (pid == 0)
    becomeHook(path_, arguments_, environment_, pipes, place);
  int pidfd = pid < 0 ? -1 : (int)syscall(SYS_pidfd_open, pid, 0);
  if (pidfd < 0) {
    failErrno("fork/exec %s", path_);
    if (pid > 0)
      kill(pid, SIGKILL);
  }
  int* theirs[] = {&pipes.input[0], &pipes.output[1], &pipes.errors[1], &pipes.failed[1]};
  for (int* end : theirs)
    closeQuietly(end);
  int error = 0, status = 0;
  Output output, errors;
  output.fd = pipes.output[0];
  errors.fd = pipes.errors[0];
  bool done = pidfd >= 0, inTime = true;
  if (done && read(pipes.failed[0], &error, sizeof error) == (ssize_t)sizeof error) {
    errno = error;
    done = failErrno("fork/exec %s", path_);
  } else if (done) {
    inTime = attend(pidfd, asker, &pipes, state, timeoutMs_, &output, &errors);
    if (!inTime)
      killGroup(pid);
  }
  if (pid > 0) {
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
  }
  if (pidfd >= 0)
    close(pidfd);
  pipes.closeAll();
  if (!done)
    return false;
  if (!inTime)
    return fail("hook ran past specified timeout of %.1fs", (double)timeoutMs_ / 1000);
  if (status == 0)
    return true;
  char ending[64];
  describe(status, ending, sizeof ending);
  return fail("error running hook: %s, stdout: %s, stderr: %s", ending, output.text, errors.text);
}

} // namespace launcher
