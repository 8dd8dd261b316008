// Who a program is. The order of the steps matters: the bounding set and securebits need CAP_SETPCAP, groups
// CAP_SETGID, and the change of user id drops the rest.
#include "identity.h"

#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "descriptors.h"
#include "failure.h"

namespace launcher {
namespace {

using CapabilitySet = unsigned long long;

constexpr CapabilitySet bit(int capability) {
  return 1ull << capability;
}

// What the gofer's file operations need, and nothing that reaches beyond files.
constexpr CapabilitySet kGoferCapabilities = bit(CAP_CHOWN) | bit(CAP_DAC_OVERRIDE) |
                                             bit(CAP_DAC_READ_SEARCH) | bit(CAP_FOWNER) | bit(CAP_FSETID) |
                                             bit(CAP_MKNOD);

bool limitBoundingSet(CapabilitySet keep) {
  for (int capability = 0; capability < 64; capability++) {
    if ((keep & bit(capability)) != 0 || prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0)
      continue;
    // EINVAL: past the last one that this kernel knows.
    return errno == EINVAL || failErrno("limit the bounding set");
  }
  return true;
}

bool keepCapabilities(CapabilitySet keep) {
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct data[2];
  if (syscall(SYS_capget, &header, data) != 0)
    return failErrno("capget");
  for (int word = 0; word < 2; word++) {
    unsigned kept = (unsigned)(keep >> (32 * word));
    data[word].permitted &= kept;
    data[word].effective = data[word].permitted;
    data[word].inheritable = 0;
  }
  prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  return syscall(SYS_capset, &header, data) == 0 || failErrno("capset");
}

bool finish() {
  setsid();
  umask(0);
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 || failErrno("no_new_privs");
}

} // namespace

bool writeMap(pid_t pid, const char* file, const char* map) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, file);
  return writeFile(path, map) || failErrno("write %s", path);
}

bool writeSentryMaps(const Plan& plan, pid_t pid) {
  char uids[64], gids[64];
  long uid = plan.number("sentry.uid", 65534), gid = plan.number("sentry.gid", 65534);
  if (plan.flag("rootless")) {
    // One id is all there is: the parent's 0 is the user.
    snprintf(uids, sizeof uids, "%ld 0 1\n", uid);
    snprintf(gids, sizeof gids, "%ld 0 1\n", gid);
    return writeMap(pid, "uid_map", uids) && writeMap(pid, "gid_map", gids);
  }
  snprintf(uids, sizeof uids, "0 0 1\n%ld %ld 1\n", uid, uid);
  snprintf(gids, sizeof gids, "0 0 1\n%ld %ld 1\n", gid, gid);
  return writeMap(pid, "uid_map", uids) && writeMap(pid, "gid_map", gids);
}

unsigned goferRoot(const Plan& plan, const char* map) {
  unsigned host = 0;
  sscanf(plan.text(map), "0 %u", &host);
  return host;
}

bool writeGoferMaps(const Plan& plan, pid_t pid) {
  return writeMap(pid, "uid_map", plan.text("gofer.uidmap")) &&
         writeMap(pid, "gid_map", plan.text("gofer.gidmap"));
}

bool writeOwnMaps(pid_t pid) {
  char map[64];
  snprintf(map, sizeof map, "0 %u 1\n", (unsigned)geteuid());
  // user_namespaces(7): without privilege a gid map needs setgroups(2) switched off first.
  if (!writeMap(pid, "setgroups", "deny") || !writeMap(pid, "uid_map", map))
    return false;
  snprintf(map, sizeof map, "0 %u 1\n", (unsigned)getegid());
  return writeMap(pid, "gid_map", map);
}

bool writeSelfMaps(uid_t uid, gid_t gid) {
  char map[64];
  snprintf(map, sizeof map, "0 %u 1\n", (unsigned)uid);
  if (!writeFile("/proc/self/setgroups", "deny") || !writeFile("/proc/self/uid_map", map))
    return failErrno("write the user map");
  snprintf(map, sizeof map, "0 %u 1\n", (unsigned)gid);
  return writeFile("/proc/self/gid_map", map) || failErrno("write the group map");
}

bool becomeSentry(uid_t uid, gid_t gid) {
  // EPERM in a rootless namespace, where setgroups(2) is switched off: the groups are the user's own.
  if (setgroups(0, nullptr) != 0 && errno != EPERM)
    return failErrno("setgroups");
  unsigned locked = SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP_LOCKED |
                    SECBIT_KEEP_CAPS_LOCKED | SECBIT_NO_CAP_AMBIENT_RAISE |
                    SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED;
  if (prctl(PR_SET_SECUREBITS, locked, 0, 0, 0) != 0)
    return failErrno("securebits");
  if (!limitBoundingSet(0))
    return false;
  if (setresgid(gid, gid, gid) != 0)
    return failErrno("setresgid");
  if (setresuid(uid, uid, uid) != 0)
    return failErrno("setresuid");
  return keepCapabilities(0) && finish();
}

bool becomeGofer() {
  if (setgroups(0, nullptr) != 0 && errno != EPERM)
    return failErrno("setgroups");
  if (setresgid(0, 0, 0) != 0)
    return failErrno("setresgid");
  if (setresuid(0, 0, 0) != 0)
    return failErrno("setresuid");
  return limitBoundingSet(kGoferCapabilities) && keepCapabilities(kGoferCapabilities) && finish();
}

bool becomeBroker(uid_t uid, gid_t gid, unsigned long long capabilities) {
  if (setgroups(0, nullptr) != 0 && errno != EPERM)
    return failErrno("setgroups");
  if (!limitBoundingSet(capabilities) || prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0)
    return failErrno("keep capabilities");
  // EINVAL in a rootless namespace, which has one id: it is the user's own.
  if (setresgid(gid, gid, gid) != 0 && errno != EINVAL)
    return failErrno("setresgid");
  if (setresuid(uid, uid, uid) != 0 && errno != EINVAL)
    return failErrno("setresuid");
  return keepCapabilities(capabilities) && finish();
}

void raiseLimits() {
  for (int resource = 0; resource < (int)RLIM_NLIMITS; resource++) {
    struct rlimit limit;
    // An unlimited stack makes the kernel lay address spaces out bottom-up.
    if (resource == RLIMIT_STACK || getrlimit((__rlimit_resource)resource, &limit) != 0)
      continue;
    limit.rlim_cur = limit.rlim_max;
    if (resource == RLIMIT_CORE)
      limit.rlim_cur = limit.rlim_max = 0;
    setrlimit((__rlimit_resource)resource, &limit);
  }
}

bool raiseOpenFiles() {
  struct rlimit files;
  if (getrlimit(RLIMIT_NOFILE, &files) != 0)
    return true;
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  return files.rlim_max >= kLeastFiles;
}

void resetSignals() {
  for (int signal = 1; signal < 65; signal++) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = SIG_DFL;
    sigaction(signal, &action, nullptr);
  }
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
}

} // namespace launcher
