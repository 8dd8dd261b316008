// The runner sleeps in recv(2) until it is asked for a stage, runs that stage's hooks one after the other,
// and answers with the first failure. After the container's end (poststop) every hook runs, whatever became
// of those before it.
#include "hooks.h"

#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "descriptors.h"
#include "failure.h"
#include "hook.h"

namespace launcher {
namespace {

struct Request {
  HookStage stage;
  pid_t pid;
  pid_t mounts;
};

// An empty text is success.
struct Result {
  char text[2048];
};

constexpr const char* kCreateKinds[] = {"prestart", "createRuntime", "createContainer", nullptr};
constexpr const char* kStartKinds[] = {"poststart", nullptr};
constexpr const char* kStopKinds[] = {"poststop", nullptr};

const char* const* kindsOf(HookStage stage) {
  return stage == HookStage::create ? kCreateKinds : stage == HookStage::start ? kStartKinds : kStopKinds;
}

// The state (runtime.md, "State") that the hooks of a stage read from their stdin. A stopped container has no
// pid.
char* stateOf(const Plan& plan, const Request& request) {
  const char* head = plan.text("hook.state.head");
  const char* tail = plan.text("hook.state.tail");
  size_t size = strlen(head) + strlen(tail) + 64;
  char* text = (char*)malloc(size);
  if (text == nullptr)
    return nullptr;
  if (request.stage == HookStage::stop) {
    snprintf(text, size, "%s\"status\":\"stopped\",%s", head, tail);
  } else {
    const char* status = request.stage == HookStage::create ? "creating" : "running";
    snprintf(text, size, "%s\"status\":\"%s\",\"pid\":%d,%s", head, status, (int)request.pid, tail);
  }
  return text;
}

// As runc: of the hooks that a container sees from within, the working directory is its root.
HookPlace placeOf(const Plan& plan, const Request& request, const char* kind) {
  HookPlace place;
  place.directory = plan.text("hook.bundle");
  if (strcmp(kind, "createContainer") != 0)
    return place;
  place.directory = plan.text("hook.rootfs");
  place.mounts = request.mounts;
  place.network = request.pid;
  return place;
}

void runStage(const Plan& plan, const Request& request, int socket, Result* result) {
  char* state = stateOf(plan, request);
  if (state == nullptr) {
    snprintf(result->text, sizeof result->text, "hooks: out of memory");
    return;
  }
  for (const char* const* kind = kindsOf(request.stage); *kind != nullptr; kind++) {
    Hook hook;
    size_t cursor = 0;
    for (int number = 0; hook.next(plan, *kind, &cursor); number++) {
      if (hook.run(state, placeOf(plan, request, *kind), socket))
        continue;
      if (result->text[0] == 0)
        snprintf(result->text, sizeof result->text, "error running hook #%d: %s", number, failureText());
      if (request.stage != HookStage::stop) {
        free(state);
        return;
      }
    }
  }
  free(state);
}

[[noreturn]] void serve(const Plan& plan, int socket) {
  // The end of the launcher is the end of the socket, so that a hook can be ended together with what it
  // started.
  prctl(PR_SET_NAME, "runsc-hooks");
  // Nobody waits for the end of a pipe that only the runner holds.
  int null = open("/dev/null", O_RDWR);
  for (int fd = 0; fd < 3; fd++)
    dup2(null, fd);
  syscall(SYS_close_range, 3u, (unsigned)socket - 1, 0u);
  syscall(SYS_close_range, (unsigned)socket + 1, (unsigned)INT_MAX, 0u);
  for (;;) {
    Request request;
    ssize_t got = recv(socket, &request, sizeof request, 0);
    if (got < 0 && errno == EINTR)
      continue;
    if (got != (ssize_t)sizeof request)
      _exit(0);
    Result result;
    memset(&result, 0, sizeof result);
    runStage(plan, request, socket, &result);
    if (send(socket, &result, sizeof result, MSG_NOSIGNAL) < 0)
      _exit(0);
  }
}

} // namespace

bool HookRunner::start(const Plan& plan) {
  plan_ = &plan;
  if (plan.get("hook.kind") == nullptr)
    return true;
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
    return failErrno("socketpair");
  socket_ = moveHigh(ends[0]);
  int other = moveHigh(ends[1]);
  pid_ = fork();
  if (pid_ < 0)
    return failErrno("fork");
  if (pid_ == 0)
    serve(plan, other);
  close(other);
  return true;
}

bool HookRunner::has(HookStage stage) const {
  size_t cursor = 0;
  while (const char* kind = plan_->next("hook.kind", &cursor)) {
    for (const char* const* wanted = kindsOf(stage); *wanted != nullptr; wanted++) {
      if (strcmp(kind, *wanted) == 0)
        return true;
    }
  }
  return false;
}

bool HookRunner::request(HookStage stage, pid_t mounts) {
  Request request = {stage, getpid(), mounts};
  busy_ = send(socket_, &request, sizeof request, MSG_NOSIGNAL) == (ssize_t)sizeof request;
  return busy_ || failErrno("run hooks");
}

bool HookRunner::result() {
  Result result;
  ssize_t got;
  while ((got = recv(socket_, &result, sizeof result, 0)) < 0 && errno == EINTR) {
  }
  busy_ = false;
  if (got != (ssize_t)sizeof result)
    return fail("the process that runs hooks ended unexpectedly");
  return result.text[0] == 0 || fail("%s", result.text);
}

void HookRunner::end() {
  closeQuietly(&socket_);
  if (pid_ <= 0)
    return;
  while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
}

} // namespace launcher
