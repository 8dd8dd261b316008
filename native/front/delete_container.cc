// `delete`.
#include "front.h"

#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../include/remove_cgroup.h"

namespace front {
namespace {

constexpr int kEndTimeoutMs = 10000, kPollMs = 5;

// A locked descriptor of the state directory, as lock.ts has it; -1 when it is gone or another's by now.
int lockDirectory(const State& state) {
  char path[PATH_MAX], link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", state.directory);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length <= 0)
    return -1;
  path[length] = 0;
  int fd = openat(state.directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  struct stat locked, named;
  if (fd >= 0 && flock(fd, LOCK_EX) == 0 && fstat(fd, &locked) == 0 && stat(path, &named) == 0 &&
      locked.st_ino == named.st_ino && locked.st_dev == named.st_dev)
    return fd;
  if (fd >= 0)
    close(fd);
  return -1;
}

// Kills the launcher, and the sandbox with it. By pidfd, so that no other process can be meant.
bool killAndWait(const State& state) {
  int fd = (int)syscall(SYS_pidfd_open, state.pid, 0);
  if (fd < 0)
    return !isAlive(state);
  bool done = true;
  if (isAlive(state)) {
    struct pollfd end = {fd, POLLIN, 0};
    done = syscall(SYS_pidfd_send_signal, fd, SIGKILL, nullptr, 0) == 0 || errno == ESRCH;
    done = done && poll(&end, 1, kEndTimeoutMs) == 1;
  }
  close(fd);
  return done;
}

// Waits for processes that are still ending: EBUSY.
bool removeCgroup(const char* directory) {
  for (int waitedMs = 0;; waitedMs += kPollMs) {
    if (removeCgroupTree(directory) || errno == ENOENT)
      return true;
    if (errno != EBUSY || waitedMs >= kEndTimeoutMs)
      return false;
    usleep(kPollMs * 1000);
  }
}

// Those that state.json names. False for what is not a plain list of plain paths.
bool removeCgroups(const State& state) {
  const char* end = nullptr;
  const char* at = member(state.text, "cgroups", &end);
  if (at == nullptr || *at != '[')
    return false;
  for (at++; at < end && *at != ']';) {
    const char* after = afterString(at);
    char path[PATH_MAX];
    size_t length = after == nullptr ? 0 : (size_t)(after - at) - 2;
    if (after == nullptr || length == 0 || length >= sizeof path || memchr(at, '\\', length + 1) != nullptr)
      return false;
    memcpy(path, at + 1, length);
    path[length] = 0;
    if (path[0] != '/' || !removeCgroup(path))
      return false;
    at = *after == ',' ? after + 1 : after;
  }
  return true;
}

// state.json last: a removal that is interrupted can be repeated.
bool removeFiles(int directory) {
  int copy = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR* list = copy < 0 ? nullptr : fdopendir(copy);
  if (list == nullptr)
    return false;
  bool done = true;
  while (struct dirent* entry = readdir(list)) {
    const char* name = entry->d_name;
    bool kept = strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || strcmp(name, "state.json") == 0;
    done = (kept || unlinkat(directory, name, 0) == 0 || errno == ENOENT) && done;
  }
  closedir(list);
  return done && (unlinkat(directory, "state.json", 0) == 0 || errno == ENOENT);
}

} // namespace

// As delete.ts, which does it again where this does not get to the end.
bool deleteContainer(const Request& request, const State& before) {
  int lock = lockDirectory(before);
  if (lock < 0)
    return false;
  State state;
  const char* end = nullptr;
  // What it said before the lock may be old.
  bool done = load(request, &state) && member(state.text, "cgroups", &end) != nullptr &&
              member(state.text, "poststop", &end) == nullptr && member(state.text, "unit", &end) == nullptr;
  bool stopped = done && (strcmp(state.status, "stopped") == 0 || !isAlive(state));
  if (done && !stopped)
    done = (request.force || strcmp(state.status, "created") == 0) && killAndWait(state);
  char path[PATH_MAX];
  done = done && snprintf(path, sizeof path, "%s/%s", request.root, request.id) < (int)sizeof path &&
         removeCgroups(state) && removeFiles(lock) && rmdir(path) == 0;
  // Node takes the lock itself.
  close(lock);
  return done;
}

} // namespace front
