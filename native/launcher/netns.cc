// Network namespaces: setns(2), unshare(2), lo, sysctls.
#include "netns.h"

#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "descriptors.h"
#include "failure.h"

namespace launcher {
namespace {

bool join(const char* path) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return failErrno("open %s", path);
  bool joined = setns(fd, CLONE_NEWNET) == 0 || failErrno("join the network namespace %s", path);
  close(fd);
  return joined;
}

bool make() {
  if (unshare(CLONE_NEWNET) != 0)
    return failErrno("make a network namespace");
  return bringLoopbackUp() || failErrno("bring lo up");
}

// PATH below /proc/sys, newline, VALUE. What /proc/sys/net shows is the namespace of who opens it.
bool setSysctls(const Plan& plan) {
  size_t cursor = 0;
  while (const char* record = plan.next("netns.sysctl", &cursor)) {
    char path[PATH_MAX];
    const char* value = strchr(record, '\n');
    if (value == nullptr)
      continue;
    snprintf(path, sizeof path, "/proc/sys/%.*s", (int)(value - record), record);
    if (!writeFile(path, value + 1))
      return failErrno("write sysctl %s", path);
  }
  return true;
}

} // namespace

bool bringLoopbackUp() {
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  // A kernel without IPv4 has other families to ask through.
  if (fd < 0)
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0)
    return false;
  struct ifreq request;
  memset(&request, 0, sizeof request);
  snprintf(request.ifr_name, sizeof request.ifr_name, "lo");
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  bool up = ioctl(fd, SIOCSIFFLAGS, &request) == 0;
  closeQuietly(&fd);
  return up;
}

bool enterNetwork(const Plan& plan) {
  const char* path = plan.get("netns.path");
  if (path != nullptr)
    return join(path) && setSysctls(plan);
  // Without privilege the namespace is the broker's own (broker.cc): this process couldn't make one.
  if (plan.flag("netns.new") && !plan.flag("rootless"))
    return make() && setSysctls(plan);
  return true;
}

} // namespace launcher
