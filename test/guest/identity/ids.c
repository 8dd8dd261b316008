// set*id(2), setgroups(2), capabilities(7), setpriority(2), umask(2): what root may, what a user may not.
#include "../check.h"
#include <grp.h>
#include <linux/capability.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>

static int child(int (*function)(void)) {
  pid_t pid = must(fork());
  if (pid == 0) _exit(function());
  return status_of(pid);
}

#define step(n, condition) \
  if (!(condition)) return n

static int three(uid_t r, uid_t e, uid_t s) {
  uid_t a, b, c;
  return getresuid(&a, &b, &c) == 0 && a == r && b == e && c == s;
}

static int plain_setuid(void) {
  step(1, setuid(1000) == 0);
  step(2, three(1000, 1000, 1000));
  step(3, setuid(0) == -1 && errno == EPERM);
  step(4, setuid(1000) == 0);
  return 0;
}
static int set_e_uid(void) {
  step(1, seteuid(1000) == 0);
  step(2, three(0, 1000, 0));
  step(3, setuid(2000) == -1 && errno == EPERM);
  step(4, seteuid(0) == 0);
  step(5, setreuid(1000, 2000) == 0);
  step(6, three(1000, 2000, 2000));
  step(7, setreuid(-1, 1000) == 0);
  step(8, three(1000, 1000, 2000));
  return 0;
}
static int set_res(void) {
  step(1, setresuid(1, 2, 3) == 0);
  step(2, three(1, 2, 3));
  step(3, setresuid(3, 1, 2) == 0);
  step(4, three(3, 1, 2));
  step(5, setresuid(-1, 9, -1) == -1 && errno == EPERM);
  step(6, three(3, 1, 2));
  return 0;
}
static int groups(void) {
  gid_t list[3] = {10, 20, 30}, got[8];
  step(1, setgroups(3, list) == 0);
  step(2, getgroups(0, NULL) == 3);
  step(3, getgroups(8, got) == 3 && got[0] == 10 && got[2] == 30);
  step(4, getgroups(2, got) == -1 && errno == EINVAL);
  step(5, setgid(50) == 0 && getgid() == 50 && getegid() == 50);
  step(6, setresgid(60, 70, 80) == 0);
  step(7, setuid(1000) == 0);
  step(8, setgroups(0, NULL) == -1 && errno == EPERM);
  step(9, setgid(999) == -1 && errno == EPERM);
  step(10, setegid(80) == 0);
  return 0;
}
static int fsuid(void) {
  step(1, setfsuid(1000) == 0);
  step(2, setfsuid(-1) == 1000);
  step(3, open("/root/x", O_RDONLY) == -1);
  return 0;
}
static unsigned effective(void) {
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct data[2];
  if (syscall(SYS_capget, &header, data) != 0) return 0;
  return data[0].effective;
}
static int capabilities(void) {
  step(1, effective() & 1U << CAP_CHOWN);
  step(2, seteuid(1000) == 0 && effective() == 0);
  step(3, seteuid(0) == 0 && effective() != 0);
  step(4, prctl(PR_SET_KEEPCAPS, 1) == 0);
  step(5, setuid(1000) == 0 && effective() == 0);
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct data[2];
  step(6, syscall(SYS_capget, &header, data) == 0 && data[0].permitted & 1U << CAP_CHOWN);
  data[0].effective = data[0].permitted;
  step(7, syscall(SYS_capset, &header, data) == 0 && effective() & 1U << CAP_CHOWN);
  data[0].permitted = data[0].effective = 0;
  step(8, syscall(SYS_capset, &header, data) == 0);
  data[0].permitted = 1;
  step(9, syscall(SYS_capset, &header, data) == -1 && errno == EPERM);
  return 0;
}
static int bounding(void) {
  step(1, prctl(PR_CAPBSET_READ, CAP_CHOWN) == 1);
  step(2, prctl(PR_CAPBSET_DROP, CAP_CHOWN) == 0);
  step(3, prctl(PR_CAPBSET_READ, CAP_CHOWN) == 0);
  step(4, prctl(PR_CAPBSET_READ, 99) == -1 && errno == EINVAL);
  return 0;
}
static int user_limits(void) {
  step(1, setuid(1000) == 0);
  step(2, kill(1, 0) == -1 && errno == EPERM);
  step(3, chown("/tmp", 1000, 1000) == -1 && errno == EPERM);
  step(4, chroot("/") == -1 && errno == EPERM);
  step(5, sethostname("x", 1) == -1 && errno == EPERM);
  step(6, setpgid(1, 1) == -1);
  return 0;
}

int main(void) {
  equal("setuid", child(plain_setuid), 0);
  equal("seteuid and setreuid", child(set_e_uid), 0);
  equal("setresuid", child(set_res), 0);
  equal("groups", child(groups), 0);
  equal("setfsuid", child(fsuid), 0);
  equal("capabilities", child(capabilities), 0);
  equal("the bounding set", child(bounding), 0);
  equal("a user", child(user_limits), 0);
  fails("getresuid to a bad pointer", syscall(SYS_getresuid, 8, 8, 8), EFAULT);
  fails("setgroups of too many", setgroups(70000, NULL), EINVAL);
  fails("capget of nobody", ({
          struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 2000000000};
          struct __user_cap_data_struct data[2];
          syscall(SYS_capget, &header, data);
        }), ESRCH);
  fails("capget of another version", ({
          struct __user_cap_header_struct header = {1, 0};
          struct __user_cap_data_struct data[2];
          syscall(SYS_capget, &header, data);
        }), EINVAL);
  char name[16] = {0};
  equal("PR_SET_NAME", prctl(PR_SET_NAME, "a name that is too long"), 0);
  prctl(PR_GET_NAME, name);
  same_text("PR_GET_NAME", name, "a name that is ");
  equal("PR_SET_DUMPABLE", prctl(PR_SET_DUMPABLE, 0), 0);
  equal("PR_GET_DUMPABLE", prctl(PR_GET_DUMPABLE), 0);
  fails("PR_SET_DUMPABLE nonsense", prctl(PR_SET_DUMPABLE, 7), EINVAL);
  equal("PR_SET_PDEATHSIG", prctl(PR_SET_PDEATHSIG, SIGTERM), 0);
  int signal_number = 0;
  equal("PR_GET_PDEATHSIG", prctl(PR_GET_PDEATHSIG, &signal_number), 0);
  equal("is", signal_number, SIGTERM);
  prctl(PR_SET_PDEATHSIG, 0);
  equal("PR_SET_CHILD_SUBREAPER", prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
  pid_t middle = must(fork());
  if (middle == 0) {
    if (fork() == 0) {
      sleep_ms(30);
      _exit(44);
    }
    _exit(0);
  }
  equal("its child", status_of(middle), 0);
  int status;
  holds("gets the orphan", wait(&status) > 0 && WEXITSTATUS(status) == 44);
  equal("PR_SET_NO_NEW_PRIVS", prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
  equal("PR_GET_NO_NEW_PRIVS", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 1);
  fails("an unknown prctl", prctl(99999, 0, 0, 0, 0), EINVAL);
  return check_done();
}
