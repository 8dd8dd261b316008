// Control groups, v1 and v2 alike: they differ only in the files that the plan names.
#include "cgroup.h"

#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../include/remove_cgroup.h"
#include "descriptors.h"
#include "device_program.h"
#include "failure.h"

namespace launcher {
namespace {

constexpr size_t kMaxDirectories = sizeof(Shared::cgroup) / sizeof(Shared::cgroup[0]);

bool joinPath(char* out, size_t size, const char* directory, const char* name) {
  return snprintf(out, size, "%s/%s", directory, name) < (int)size;
}

// cgroups(7), v1 cpuset: a new directory has no CPUs and no memory nodes until somebody writes them, and a
// process can't enter it before. Each level takes its parent's.
void inheritCpuset(const char* directory, const char* file) {
  char path[PATH_MAX], value[4096];
  if (!joinPath(path, sizeof path, directory, file))
    return;
  ssize_t length = readFileAt(AT_FDCWD, path, value, sizeof value);
  if (length < 0 || (length > 0 && value[0] != '\n'))
    return;
  char parent[PATH_MAX];
  if (!joinPath(parent, sizeof parent, directory, ""))
    return;
  char* slash = strrchr(parent, '/');
  *slash = 0;
  slash = strrchr(parent, '/');
  if (slash == nullptr || slash == parent)
    return;
  *slash = 0;
  inheritCpuset(parent, file);
  char source[PATH_MAX];
  if (!joinPath(source, sizeof source, parent, file))
    return;
  if (readFileAt(AT_FDCWD, source, value, sizeof value) > 0)
    writeFile(path, value);
}

ino_t inodeOf(const char* path) {
  struct stat status;
  return stat(path, &status) == 0 ? status.st_ino : 0;
}

bool makeDirectory(const char* path, volatile Claim* claim, volatile ino_t* inode) {
  // The parents first, so that the claim speaks of this directory alone.
  char parent[PATH_MAX];
  if (snprintf(parent, sizeof parent, "%s", path) >= (int)sizeof parent) {
    errno = ENAMETOOLONG;
    return false;
  }
  char* slash = strrchr(parent, '/');
  if (slash != nullptr && slash != parent) {
    *slash = 0;
    if (!makeDirectories(parent, 0755))
      return false;
  }
  *claim = Claim::trying;
  bool made = mkdir(path, 0755) == 0;
  if (made)
    *inode = inodeOf(path);
  *claim = made ? Claim::made : Claim::foreign;
  if (!made && errno != EEXIST)
    return false;
  inheritCpuset(path, "cpuset.cpus");
  inheritCpuset(path, "cpuset.mems");
  return true;
}

// `path\nvalue`: false with errno, and the path in *path.
bool applySetting(const char* setting, char* path, size_t size) {
  const char* value = strchr(setting, '\n');
  if (value == nullptr || (size_t)(value - setting) >= size) {
    errno = EINVAL;
    return false;
  }
  memcpy(path, setting, (size_t)(value - setting));
  path[value - setting] = 0;
  return writeFile(path, value + 1);
}

void applyOptional(const Plan& plan, const char* key) {
  char path[PATH_MAX];
  size_t cursor = 0;
  while (const char* setting = plan.next(key, &cursor))
    applySetting(setting, path, sizeof path);
}

bool moveInto(const char* directory, pid_t pid) {
  char path[PATH_MAX], text[16];
  snprintf(text, sizeof text, "%d", (int)pid);
  return joinPath(path, sizeof path, directory, "cgroup.procs") && writeFile(path, text);
}

void sleepMs(long milliseconds) {
  struct timespec time = {milliseconds / 1000, (milliseconds % 1000) * 1000000};
  nanosleep(&time, nullptr);
}

void killMembers(const char* directory) {
  char path[PATH_MAX], pids[16384];
  if (joinPath(path, sizeof path, directory, "cgroup.kill") && writeFile(path, "1"))
    return;
  if (!joinPath(path, sizeof path, directory, "cgroup.procs"))
    return;
  if (readFileAt(AT_FDCWD, path, pids, sizeof pids) <= 0)
    return;
  for (char* cursor = pids; *cursor != 0;) {
    char* end;
    long pid = strtol(cursor, &end, 10);
    if (end == cursor)
      break;
    if (pid > 1 && pid != getpid())
      kill((pid_t)pid, SIGKILL);
    cursor = end + strspn(end, "\n ");
  }
}

} // namespace

bool makeCgroups(const Plan& plan, Shared* shared) {
  bool optional = plan.flag("cgroup.optional");
  char path[PATH_MAX];
  size_t cursor = 0, index = 0;
  while (const char* directory = plan.next("cgroup.dir", &cursor)) {
    if (index >= kMaxDirectories)
      return fail("too many cgroup hierarchies");
    bool made = makeDirectory(directory, &shared->cgroup[index], &shared->cgroupInode[index]);
    index++;
    if (!made && !optional)
      return failErrno("mkdir %s", directory);
  }
  applyOptional(plan, "cgroup.enable");
  cursor = 0;
  while (const char* setting = plan.next("cgroup.set", &cursor)) {
    if (!applySetting(setting, path, sizeof path) && !optional)
      return failErrno("write %s", path);
  }
  applyOptional(plan, "cgroup.try");
  attachDevicePrograms(plan);
  return true;
}

bool joinCgroups(const Plan& plan, const pid_t* pids, size_t count) {
  bool optional = plan.flag("cgroup.optional");
  size_t cursor = 0;
  while (const char* directory = plan.next("cgroup.dir", &cursor)) {
    for (size_t index = 0; index < count; index++) {
      // A process that has ended already is somebody else's concern.
      if (moveInto(directory, pids[index]) || optional || errno == ESRCH)
        continue;
      return failErrno("write %s/cgroup.procs", directory);
    }
  }
  return true;
}

bool ranOutOfMemory(const Plan& plan) {
  size_t cursor = 0;
  while (const char* directory = plan.next("cgroup.dir", &cursor)) {
    // Version 2 and version 1.
    const char* const names[] = {"memory.events", "memory.oom_control"};
    for (const char* name : names) {
      char path[PATH_MAX], text[512];
      snprintf(path, sizeof path, "%s/%s", directory, name);
      const char* count =
          readFileAt(AT_FDCWD, path, text, sizeof text) > 0 ? strstr(text, "oom_kill ") : nullptr;
      if (count != nullptr && strtol(count + strlen("oom_kill "), nullptr, 10) > 0)
        return true;
    }
  }
  return false;
}

void leaveCgroups(const Plan& plan) {
  if (!plan.flag("cgroup.self"))
    return;
  size_t cursor = 0;
  while (const char* directory = plan.next("cgroup.home", &cursor))
    moveInto(directory, getpid());
}

void removeCgroups(const Plan& plan, const Shared* shared, int patienceMs) {
  size_t cursor = 0, index = 0;
  int waitedMs = 0;
  while (const char* directory = plan.next("cgroup.dir", &cursor)) {
    Claim claim = index < kMaxDirectories ? shared->cgroup[index] : Claim::none;
    ino_t inode = index < kMaxDirectories ? shared->cgroupInode[index] : 0;
    index++;
    if (claim == Claim::trying)
      rmdir(directory);
    if (claim != Claim::made || inodeOf(directory) != inode)
      continue;
    for (int pauseMs = 1; !removeCgroupTree(directory) && errno == EBUSY && waitedMs < patienceMs;) {
      if (waitedMs > patienceMs / 4)
        killMembers(directory);
      sleepMs(pauseMs);
      waitedMs += pauseMs;
      if (pauseMs < 50)
        pauseMs *= 2;
    }
  }
}

} // namespace launcher
