// The requests of control-messages.ts that are the launcher's alone: `zone` and `create`.
#include "join.h"

#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "descriptors.h"
#include "failure.h"
#include "state.h"

namespace launcher {
namespace {

// control-messages.ts, CONTROL_LINE_LIMIT_BYTES.
constexpr size_t kLineLimit = 1 << 20;
// SCM_MAX_FD.
constexpr size_t kMaxSent = 253;
constexpr int kReplySeconds = 20;

// What the sandbox's Sentry has already, or has no use for.
bool staysHere(int number) {
  return number == STDERR_FILENO || number == kControlFd || number == kStubFd || number == kBrokerFd;
}

// Sends a line, with descriptors on its first byte.
bool sendLine(int connection, const char* line, size_t size, const int* fds, size_t count) {
  alignas(struct cmsghdr) char control[CMSG_SPACE(kMaxSent * sizeof(int))];
  struct iovec bytes = {const_cast<char*>(line), size};
  struct msghdr message;
  memset(&message, 0, sizeof message);
  message.msg_iov = &bytes;
  message.msg_iovlen = 1;
  if (count > 0) {
    memset(control, 0, sizeof control);
    message.msg_control = control;
    message.msg_controllen = CMSG_SPACE(count * sizeof(int));
    struct cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(count * sizeof(int));
    memcpy(CMSG_DATA(header), fds, count * sizeof(int));
  }
  for (size_t done = 0; done < size;) {
    ssize_t sent = sendmsg(connection, &message, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR)
      continue;
    if (sent < 0)
      return failErrno("ask the sandbox");
    done += (size_t)sent;
    bytes = {const_cast<char*>(line) + done, size - done};
    message.msg_control = nullptr;
    message.msg_controllen = 0;
  }
  return true;
}

// Reads one reply, and the descriptor that came with it (-1: none).
bool readReply(int connection, char* text, size_t size, int* fd) {
  *fd = -1;
  for (size_t length = 0; length + 1 < size;) {
    alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))];
    struct iovec bytes = {text + length, size - 1 - length};
    struct msghdr message;
    memset(&message, 0, sizeof message);
    message.msg_iov = &bytes;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    ssize_t got = recvmsg(connection, &message, MSG_CMSG_CLOEXEC);
    if (got < 0 && errno == EINTR)
      continue;
    if (got <= 0)
      return got == 0 ? fail("the sandbox closed the connection") : failErrno("answer of the sandbox");
    struct cmsghdr* header = CMSG_FIRSTHDR(&message);
    if (header != nullptr && header->cmsg_type == SCM_RIGHTS && header->cmsg_len == CMSG_LEN(sizeof(int))) {
      closeQuietly(fd);
      memcpy(fd, CMSG_DATA(header), sizeof(int));
      *fd = moveHigh(*fd);
    }
    length += (size_t)got;
    text[length] = 0;
    if (strchr(text, '\n') != nullptr)
      return true;
  }
  return fail("the sandbox's answer is too long");
}

// proc_pid_fdinfo(5): the process that a pidfd stands for, as this process sees it.
pid_t pidOf(int pidfd) {
  char path[64], text[1024];
  snprintf(path, sizeof path, "/proc/self/fdinfo/%d", pidfd);
  if (readFileAt(AT_FDCWD, path, text, sizeof text) <= 0)
    return -1;
  const char* line = strstr(text, "\nPid:");
  return line == nullptr ? -1 : (pid_t)strtol(line + 5, nullptr, 10);
}

// The text of a request, whose length is *size: {"op":"create","fds":[…],"boot":…}
char* createLine(const char* boot, const int* numbers, size_t count, size_t* size) {
  size_t room = strlen(boot) + count * 12 + 64;
  char* line = (char*)malloc(room);
  if (line == nullptr)
    return nullptr;
  size_t length = (size_t)snprintf(line, room, "{\"op\":\"create\",\"fds\":[");
  for (size_t index = 0; index < count; index++) {
    length += (size_t)snprintf(line + length, room - length, "%s%d", index == 0 ? "" : ",", numbers[index]);
  }
  length += (size_t)snprintf(line + length, room - length, "],\"boot\":%s}\n", boot);
  *size = length;
  return line;
}

} // namespace

bool joins(const Plan& plan) {
  return plan.get("sandbox.dir") != nullptr;
}

bool linkControl(const Plan& plan, int state) {
  char target[PATH_MAX];
  if (snprintf(target, sizeof target, "%s/%s", plan.text("sandbox.dir"), kControlSocket) >=
      (int)sizeof target)
    return fail("sandbox directory: file name too long");
  return symlinkat(target, state, kControlSocket) == 0 || failErrno("link %s", target);
}

bool askZone(int connection, const char* about, pid_t* zygote) {
  char request[512], reply[1024];
  int pidfd;
  int length = snprintf(request, sizeof request, "{\"op\":\"zone\",%s}\n", about);
  if (length >= (int)sizeof request)
    return fail("ask the sandbox: request too long");
  if (!sendLine(connection, request, (size_t)length, nullptr, 0) ||
      !readReply(connection, reply, sizeof reply, &pidfd))
    return false;
  *zygote = pidfd < 0 ? -1 : pidOf(pidfd);
  closeQuietly(&pidfd);
  return *zygote > 0 || fail("the sandbox refused the container: %.900s", reply);
}

bool enterSandbox(const Plan& plan, int state, int* connection, pid_t* zygote) {
  *connection = connectControl(state);
  if (*connection < 0)
    return false;
  // A sandbox that hangs must not take whoever waits for this container along.
  struct timeval patience = {kReplySeconds, 0};
  setsockopt(*connection, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  setsockopt(*connection, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  char score[64];
  snprintf(score, sizeof score, "\"oomScore\":%ld", plan.number("stub.oom-score", 0));
  return askZone(*connection, score, zygote);
}

bool requestContainer(const Plan& plan, int connection, const Program& sentry) {
  int fds[kMaxSent], numbers[kMaxSent];
  size_t count = 0, size = 0;
  for (size_t index = 0; index < sentry.placedCount; index++) {
    const Placed& placed = sentry.placed[index];
    if (staysHere(placed.to))
      continue;
    if (count == kMaxSent)
      return fail("--preserve-fds: too many for a container in a pod");
    fds[count] = placed.from;
    numbers[count++] = placed.to;
  }
  char* line = createLine(plan.text("boot.sentry"), numbers, count, &size);
  if (line == nullptr)
    return failErrno("boot document");
  bool done = size <= kLineLimit ? sendLine(connection, line, size, fds, count)
                                 : fail("config.json is too long for a container in a pod");
  free(line);
  return done;
}

} // namespace launcher
