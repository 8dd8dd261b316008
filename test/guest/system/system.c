// uname(2), sysinfo(2), getrlimit(2), getrusage(2), getrandom(2), sched_*(2), getcpu(2), personality(2).
#include "../check.h"
#include <sys/personality.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>

static volatile int count;
static void handler(int signal) {
  (void)signal;
  count++;
}

int main(void) {
  struct utsname u;
  equal("uname", uname(&u), 0);
  same_text("sysname", u.sysname, "Linux");
#ifdef __aarch64__
  same_text("machine", u.machine, "aarch64");
#else
  same_text("machine", u.machine, "x86_64");
#endif
  holds("release is recent", atoi(u.release) >= 5);
  holds("version and nodename", u.version[0] != 0 && u.nodename[0] != 0);
  fails("uname to a bad pointer", syscall(SYS_uname, 8), EFAULT);
  struct sysinfo info;
  equal("sysinfo", sysinfo(&info), 0);
  holds("uptime, memory, processes", info.uptime > 0 && info.totalram > 0 && info.procs > 0 && info.mem_unit > 0);
  struct rlimit limit, old;
  for (int i = 0; i < RLIM_NLIMITS; i++) {
    char name[32];
    snprintf(name, sizeof name, "getrlimit %d", i);
    equal(name, getrlimit(i, &limit), 0);
  }
  fails("an unknown limit", getrlimit(99, &limit), EINVAL);
  must(getrlimit(RLIMIT_NOFILE, &old));
  limit.rlim_cur = 100;
  limit.rlim_max = old.rlim_max;
  equal("setrlimit", setrlimit(RLIMIT_NOFILE, &limit), 0);
  must(getrlimit(RLIMIT_NOFILE, &limit));
  equal("reads back", limit.rlim_cur, 100);
  limit.rlim_cur = limit.rlim_max + 1;
  fails("soft above hard", setrlimit(RLIMIT_NOFILE, &limit), EINVAL);
  equal("prlimit of another", prlimit(getppid() == 0 ? getpid() : getppid(), RLIMIT_NOFILE, NULL, &limit), 0);
  pid_t pid = must(fork());
  if (pid == 0) {
    limit.rlim_cur = limit.rlim_max = 50;
    setrlimit(RLIMIT_NOFILE, &limit);
    if (setgid(1000) != 0 || setuid(1000) != 0) _exit(2);
    limit.rlim_max = 60;
    _exit(setrlimit(RLIMIT_NOFILE, &limit) == -1 && errno == EPERM ? 0 : 1);
  }
  equal("a user can't raise a hard limit", status_of(pid), 0);
  pid = must(fork());
  if (pid == 0) {
    enter_directory("fsize");
    signal(SIGXFSZ, handler);
    limit.rlim_cur = limit.rlim_max = 1000;
    setrlimit(RLIMIT_FSIZE, &limit);
    int fd = open("f", O_CREAT | O_WRONLY, 0600);
    char block[600] = {0};
    if (write(fd, block, 600) != 600 || write(fd, block, 600) != 400) _exit(1);
    if (write(fd, block, 1) != -1 || errno != EFBIG || count != 1) _exit(2);
    _exit(ftruncate(fd, 2000) == -1 && errno == EFBIG && count == 2 ? 0 : 3);
  }
  equal("RLIMIT_FSIZE", status_of(pid), 0);
  pid = must(fork());
  if (pid == 0) {
    limit.rlim_cur = 1;
    limit.rlim_max = 2;
    setrlimit(RLIMIT_CPU, &limit);
    for (;;) {}
  }
  equal("RLIMIT_CPU", status_of(pid), 1000 + SIGXCPU);
  struct rusage usage;
  equal("getrusage", getrusage(RUSAGE_SELF, &usage), 0);
  holds("ru_maxrss", usage.ru_maxrss > 0);
  equal("RUSAGE_THREAD", getrusage(RUSAGE_THREAD, &usage), 0);
  fails("getrusage of an unknown", getrusage(9, &usage), EINVAL);
  unsigned char random[256] = {0}, again[256] = {0};
  equal("getrandom", getrandom(random, 256, 0), 256);
  equal("again", getrandom(again, 256, GRND_NONBLOCK), 256);
  holds("is not the same", memcmp(random, again, 256) != 0);
  fails("getrandom with unknown flags", getrandom(random, 1, 64), EINVAL);
  fails("getrandom to a bad pointer", syscall(SYS_getrandom, 8, 8, 0), EFAULT);
  cpu_set_t set;
  holds("sched_getaffinity", sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0);
  equal("sched_setaffinity", sched_setaffinity(0, sizeof set, &set), 0);
  CPU_ZERO(&set);
  fails("to none", sched_setaffinity(0, sizeof set, &set), EINVAL);
  unsigned cpu = 99999;
  equal("getcpu", syscall(SYS_getcpu, &cpu, NULL, NULL), 0);
  holds("is a number", cpu < 10000);
  equal("sched_yield", sched_yield(), 0);
  equal("sched_getscheduler", sched_getscheduler(0), SCHED_OTHER);
  equal("getpriority", getpriority(PRIO_PROCESS, 0), 0);
  equal("setpriority", setpriority(PRIO_PROCESS, 0, 5), 0);
  equal("reads back", getpriority(PRIO_PROCESS, 0), 5);
  fails("setpriority of an unknown", setpriority(9, 0, 0), EINVAL);
  equal("personality", personality(0xffffffff), 0);
  fails("an unknown syscall", syscall(1234), ENOSYS);
  fails("a negative syscall", syscall(-5), ENOSYS);
  return check_done();
}
