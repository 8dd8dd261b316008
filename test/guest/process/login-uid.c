// /proc/PID/loginuid and sessionid (proc_pid_loginuid(5)): said once, by the process itself, and inherited.
#include "../check.h"
#include <linux/capability.h>
#include <sys/prctl.h>

static unsigned long number(const char* path) {
  char text[32] = {0};
  int fd = must(open(path, O_RDONLY));
  must(read(fd, text, sizeof text - 1));
  must(close(fd));
  return strtoul(text, NULL, 10);
}

static int told(const char* path, const char* text) {
  int fd = must(open(path, O_WRONLY));
  int r = write(fd, text, strlen(text)) < 0 ? errno : 0;
  close(fd);
  return r;
}

#define UNSET 4294967295UL

static void uses(void) {
  char parent[64];
  snprintf(parent, sizeof parent, "/proc/%d/loginuid", getppid());
  equal("text", told("/proc/self/loginuid", "root"), EINVAL);
  equal("too big", told("/proc/self/loginuid", "4294967296"), ERANGE);
  equal("another's", told(parent, "7"), EPERM);
  if (number("/proc/self/loginuid") == UNSET) equal("no session", number("/proc/self/sessionid"), UNSET);
  // Whoever tests may have logged in: then this takes CAP_AUDIT_CONTROL.
  if (told("/proc/self/loginuid", "12") == EPERM) {
    holds("somebody had logged in", number("/proc/self/loginuid") != UNSET);
    say("ok kept\nok session\nok inherited\nok its session\nok not twice\n");
    return;
  }
  equal("kept", number("/proc/self/loginuid"), 12);
  unsigned long session = number("/proc/self/sessionid");
  holds("session", session != UNSET);
  pid_t pid = must(fork());
  if (pid == 0) {
    equal("inherited", number("/proc/self/loginuid"), 12);
    equal("its session", number("/proc/self/sessionid"), session);
    must(prctl(PR_CAPBSET_DROP, CAP_AUDIT_CONTROL));
    must(setuid(1000));
    _exit(open("/proc/self/loginuid", O_WRONLY) >= 0);
  }
  equal("not twice", status_of(pid), 0);
}

int main(void) {
  unsigned long before = number("/proc/self/loginuid");
  pid_t pid = must(fork());
  if (pid == 0) {
    uses();
    _exit(check_failures);
  }
  equal("all", status_of(pid), 0);
  equal("the parent's is its own", number("/proc/self/loginuid"), before);
  return check_failures;
}
