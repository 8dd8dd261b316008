// setuid(2), setreuid(2), setresuid(2), setfsuid(2) and their like for groups, from every mix of ids and with each
// securebit: the result, the ids and the capabilities afterwards.

#include "../check.h"

#include <linux/capability.h>
#include <linux/securebits.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>

struct ids {
  uid_t real, effective, saved;
};

static void show_state(const char* name, long result, int error) {
  uid_t r, e, s;
  gid_t rg, eg, sg;
  getresuid(&r, &e, &s);
  getresgid(&rg, &eg, &sg);
  int fsuid = setfsuid(-1), fsgid = setfsgid(-1);
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct data[2];
  syscall(SYS_capget, &header, data);
  char outcome[32];
  snprintf(outcome, sizeof outcome, result == -1 ? "%s" : "%ld", result == -1 ? (long)strerrorname_np(error) : result);
  say("ok %s: %s uid %d %d %d %d gid %d %d %d %d caps %x %x %x bits %x dumpable %d\n", name, outcome, r, e, s, fsuid, rg,
      eg, sg, fsgid, data[0].permitted, data[0].effective, data[0].inheritable, prctl(PR_GET_SECUREBITS),
      prctl(PR_GET_DUMPABLE));
}

static void in_child(void (*body)(int), int argument) {
  pid_t child = must(fork());
  if (child == 0) {
    body(argument);
    _exit(0);
  }
  equal("the child ends", status_of(child), 0);
}

static const struct ids starts[] = {
  {0, 0, 0}, {1, 0, 0}, {1, 2, 3}, {0, 1, 0}, {0, 1, 2}, {1, 1, 0}, {1, 2, 0}, {1, 1, 1}, {2, 1, 1},
};
static const uid_t targets[] = {0, 1, 2, 3, 4, -1};
#define STARTS (int)(sizeof starts / sizeof *starts)
#define TARGETS (int)(sizeof targets / sizeof *targets)

static char label[128];

static void start_users(const struct ids* ids) {
  must(syscall(SYS_setresuid, ids->real, ids->effective, ids->saved));
}
static void start_groups(const struct ids* ids, int as_root) {
  must(syscall(SYS_setresgid, ids->real, ids->effective, ids->saved));
  if (!as_root) must(syscall(SYS_setresuid, 9, 9, 9));
}

/** The work of one child: number `n` of all mixes for calls with one argument. */
static void single(int n) {
  const struct ids* ids = &starts[n / TARGETS];
  uid_t target = targets[n % TARGETS];
  snprintf(label, sizeof label, "from %d %d %d setuid %d", ids->real, ids->effective, ids->saved, target);
  start_users(ids);
  long result = syscall(SYS_setuid, target);
  show_state(label, result, errno);
}
static void single_fs(int n) {
  const struct ids* ids = &starts[n / TARGETS];
  uid_t target = targets[n % TARGETS];
  snprintf(label, sizeof label, "from %d %d %d setfsuid %d", ids->real, ids->effective, ids->saved, target);
  start_users(ids);
  long result = syscall(SYS_setfsuid, target);
  show_state(label, result, errno);
}
static void twice(int n) {
  const struct ids* ids = &starts[n / (TARGETS * TARGETS)];
  uid_t a = targets[n / TARGETS % TARGETS], b = targets[n % TARGETS];
  snprintf(label, sizeof label, "from %d %d %d setreuid %d %d", ids->real, ids->effective, ids->saved, a, b);
  start_users(ids);
  long result = syscall(SYS_setreuid, a, b);
  show_state(label, result, errno);
}
static void thrice(int n) {
  const struct ids* ids = &starts[n % STARTS];
  const struct ids* to = &starts[n / STARTS];
  snprintf(label, sizeof label, "from %d %d %d setresuid %d %d %d", ids->real, ids->effective, ids->saved, to->real,
           to->effective, to->saved);
  start_users(ids);
  long result = syscall(SYS_setresuid, to->real, to->effective, to->saved);
  show_state(label, result, errno);
}
static void groups(int n) {
  const struct ids* ids = &starts[n / 2 / TARGETS];
  gid_t target = targets[n / 2 % TARGETS];
  snprintf(label, sizeof label, "%s from %d %d %d setgid %d", n % 2 ? "root" : "user", ids->real, ids->effective, ids->saved,
           target);
  start_groups(ids, n % 2);
  long result = syscall(SYS_setgid, target);
  show_state(label, result, errno);
}
static void groups_twice(int n) {
  const struct ids* ids = &starts[n / 2 / TARGETS];
  gid_t target = targets[n / 2 % TARGETS];
  snprintf(label, sizeof label, "%s from %d %d %d setregid %d 2", n % 2 ? "root" : "user", ids->real, ids->effective,
           ids->saved, target);
  start_groups(ids, n % 2);
  long result = syscall(SYS_setregid, target, 2);
  show_state(label, result, errno);
}

/** Each securebit before the ids change, and keepcaps and an exec after. */
static void secure(int n) {
  static const int bits[] = {0, SECBIT_NOROOT, SECBIT_NO_SETUID_FIXUP, SECBIT_KEEP_CAPS, SECBIT_NO_CAP_AMBIENT_RAISE,
                             SECBIT_NOROOT | SECBIT_NO_SETUID_FIXUP, SECBIT_KEEP_CAPS_LOCKED, SECBIT_NOROOT_LOCKED, 1 << 8, -1};
  long result = prctl(PR_SET_SECUREBITS, bits[n]);
  snprintf(label, sizeof label, "securebits %x", bits[n]);
  show_state(label, result, errno);
  result = prctl(PR_SET_KEEPCAPS, 1);
  snprintf(label, sizeof label, "securebits %x, keepcaps", bits[n]);
  show_state(label, result, errno);
  result = syscall(SYS_setresuid, 1, 1, 1);
  snprintf(label, sizeof label, "securebits %x, all 1", bits[n]);
  show_state(label, result, errno);
  result = prctl(PR_SET_SECUREBITS, 0);
  snprintf(label, sizeof label, "securebits %x, cleared", bits[n]);
  show_state(label, result, errno);
  execl("/proc/self/exe", "ids", "state", label, NULL);
}

/** What execve(2) makes of capabilities. */
static void executing(int n) {
  static const struct ids from[] = {{0, 0, 0}, {1, 0, 0}, {0, 1, 0}, {0, 1, 1}, {1, 1, 1}, {1, 1, 0}};
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct data[2];
  prctl(PR_SET_KEEPCAPS, 1);
  must(syscall(SYS_capget, &header, data));
  if (n & 1) {
    data[0].inheritable = 1 << CAP_CHOWN | 1 << CAP_KILL;
    must(syscall(SYS_capset, &header, data));
  }
  if (n & 2) prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  start_users(&from[n / 4]);
  snprintf(label, sizeof label, "exec %d as %d %d %d", n % 4, from[n / 4].real, from[n / 4].effective, from[n / 4].saved);
  if (n & 1) {
    long result = prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_CHOWN, 0, 0);
    show_state("ambient", result, errno);
  }
  execl("/proc/self/exe", "ids", "state", label, NULL);
}

int main(int argc, char** argv) {
  if (argc > 2 && strcmp(argv[1], "state") == 0) {
    show_state(argv[2], prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_CHOWN, 0, 0), errno);
    return 0;
  }
  for (int n = 0; n < STARTS * TARGETS; n++) in_child(single, n);
  for (int n = 0; n < STARTS * TARGETS; n++) in_child(single_fs, n);
  for (int n = 0; n < STARTS * TARGETS * TARGETS; n++) in_child(twice, n);
  for (int n = 0; n < STARTS * STARTS; n++) in_child(thrice, n);
  for (int n = 0; n < STARTS * TARGETS * 2; n++) in_child(groups, n);
  for (int n = 0; n < STARTS * TARGETS * 2; n++) in_child(groups_twice, n);
  for (int n = 0; n < 10; n++) in_child(secure, n);
  for (int n = 0; n < 24; n++) in_child(executing, n);
  return check_done();
}
