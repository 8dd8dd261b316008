// The kernel takes the mapping from a user namespace, which somebody has to live in for a moment.
#include "idmap.h"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <linux/mount.h>
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

// A descriptor of a user namespace with these maps; -1 with a failure.
int mappedNamespace(const char* uids, const char* gids) {
  pid_t pid = (pid_t)syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);
  if (pid == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;)
      pause();
  }
  if (pid < 0) {
    failErrno("make a user namespace");
    return -1;
  }
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/ns/user", (int)pid);
  int fd = writeMap(pid, "uid_map", uids) && writeMap(pid, "gid_map", gids)
               ? moveHigh(open(path, O_RDONLY | O_CLOEXEC))
               : -1;
  kill(pid, SIGKILL);
  while (waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
  }
  return fd;
}

} // namespace

bool mapTree(const Plan& plan, int index, int tree) {
  size_t at[4] = {0, 0, 0, 0};
  while (const char* number = plan.next("idmap.tree", &at[0])) {
    const char* recursive = plan.next("idmap.recursive", &at[1]);
    const char* uids = plan.next("idmap.uids", &at[2]);
    const char* gids = plan.next("idmap.gids", &at[3]);
    if (atoi(number) != index || recursive == nullptr || uids == nullptr || gids == nullptr)
      continue;
    int users = mappedNamespace(uids, gids);
    if (users < 0)
      return false;
    struct mount_attr attributes;
    memset(&attributes, 0, sizeof attributes);
    attributes.attr_set = MOUNT_ATTR_IDMAP;
    attributes.userns_fd = (__u64)users;
    unsigned flags = AT_EMPTY_PATH | (recursive[0] == '1' ? AT_RECURSIVE : 0);
    bool done = syscall(SYS_mount_setattr, tree, "", flags, &attributes, sizeof attributes) == 0;
    int error = errno;
    close(users);
    errno = error;
    return done || failErrno("map the ids of a mount");
  }
  return true;
}

} // namespace launcher
