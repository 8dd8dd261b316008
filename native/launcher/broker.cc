// How the broker starts: in the container's network namespace, in an empty root, as nobody, with at most two
// capabilities, under a filter.
#include "broker.h"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "broker_filter.h"
#include "broker_protocol.h"
#include "broker_serve.h"
#include "descriptors.h"
#include "failure.h"
#include "identity.h"
#include "jail.h"
#include "netns.h"

namespace launcher {
namespace {

BrokerService g_service;

// Moves these to 0 and up, and closes all others.
bool keepOnly(int** kept, int count) {
  for (int index = 0; index < count; index++)
    *kept[index] = moveHigh(*kept[index]);
  int next = 0;
  for (int index = 0; index < count; index++) {
    if (*kept[index] < 0)
      continue;
    if (dup2(*kept[index], next) < 0)
      return failErrno("broker: keep a descriptor");
    *kept[index] = next++;
  }
  return syscall(SYS_close_range, (unsigned)next, ~0u, 0) == 0 || failErrno("close_range");
}

// Rootless: namespaces of the broker's own, since the caller's are not its to change.
bool ownNamespaces(const Plan& plan) {
  if (!plan.flag("rootless"))
    return unshare(CLONE_NEWNS) == 0 || failErrno("broker: make a mount namespace");
  bool network = plan.flag("netns.new");
  uid_t uid = geteuid();
  gid_t gid = getegid();
  if (unshare(CLONE_NEWUSER | CLONE_NEWNS | (network ? CLONE_NEWNET : 0)) != 0)
    return failErrno("broker: make namespaces");
  if (!writeSelfMaps(uid, gid))
    return false;
  return !network || bringLoopbackUp() || failErrno("bring lo up");
}

bool prepare(const Plan& plan) {
  BrokerService& service = g_service;
  unsigned long long capabilities = 0;
  if (plan.flag("broker.bind")) {
    service.rights |= kBrokerMayBindLow;
    capabilities |= 1ull << CAP_NET_BIND_SERVICE;
  }
  if (plan.flag("broker.raw")) {
    service.rights |= kBrokerMayRaw;
    capabilities |= 1ull << CAP_NET_RAW;
  }
  if (!service.policy.load(plan) || !ownNamespaces(plan))
    return false;
  service.procNet = open("/proc/self/net", O_PATH | O_DIRECTORY | O_CLOEXEC);
  service.sysNet = open("/proc/sys/net", O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (service.procNet < 0 || service.sysNet < 0)
    return failErrno("broker: open /proc");
  int jail = prepareJail(plan, false);
  if (jail < 0 || !enterJail(jail))
    return false;
  raiseLimits();
  if (!becomeBroker((uid_t)plan.number("sentry.uid", 65534), (gid_t)plan.number("sentry.gid", 65534),
                    capabilities))
    return false;
  resetSignals();
  return true;
}

[[noreturn]] void broker(const Plan& plan, pid_t launcher, int socket, int log, int report) {
  prctl(PR_SET_NAME, "runsc-broker");
  g_service.socket = socket;
  bool ready = prepare(plan);
  // After the change of identity, which clears it.
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != launcher)
    _exit(1);
  char byte = 'b';
  if (!ready) {
    writeAll(report, failureText(), strlen(failureText()));
    _exit(1);
  }
  int* kept[] = {&g_service.socket, &g_service.procNet, &g_service.sysNet, &log, &report};
  ready = keepOnly(kept, 5) && lockBroker();
  g_service.policy.logTo(log);
  if (!ready || !writeAll(report, &byte, 1))
    _exit(1);
  close(report);
  serveBroker(g_service);
  _exit(0);
}

} // namespace

bool startBroker(const Plan& plan, const Janitor& janitor, Broker* started) {
  if (!plan.flag("broker"))
    return true;
  int ends[2], report[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0 || pipe2(report, O_CLOEXEC) != 0)
    return failErrno("broker");
  const char* path = plan.get("net-log.path");
  int log = path == nullptr ? -1 : moveHigh(open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
  if (path != nullptr && log < 0)
    return failErrno("open %s", path);
  pid_t launcher = getpid();
  started->pid = fork();
  if (started->pid < 0)
    return failErrno("fork");
  if (started->pid == 0) {
    close(janitor.lifeline);
    close(ends[0]);
    close(report[0]);
    broker(plan, launcher, ends[1], log, report[1]);
  }
  close(ends[1]);
  close(report[1]);
  closeQuietly(&log);
  started->sentry = moveHigh(ends[0]);
  started->report = moveHigh(report[0]);
  return true;
}

bool awaitBroker(Broker* broker) {
  if (broker->report < 0)
    return true;
  // One byte when all is done, or the failure's text.
  char text[512];
  ssize_t got, length = 0;
  while ((got = read(broker->report, text + length, sizeof text - 1 - (size_t)length)) > 0 ||
         (got < 0 && errno == EINTR)) {
    length += got > 0 ? got : 0;
  }
  closeQuietly(&broker->report);
  text[length] = 0;
  if (length == 1)
    return true;
  return length > 1 ? fail("%s", text) : fail("the broker ended unexpectedly");
}

void endBroker(Broker* broker) {
  if (broker->pid <= 0)
    return;
  kill(broker->pid, SIGKILL);
  while (waitpid(broker->pid, nullptr, 0) < 0 && errno == EINTR) {
  }
  broker->pid = -1;
}

} // namespace launcher
