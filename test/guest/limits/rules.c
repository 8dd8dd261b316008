// getrlimit(2), setrlimit(2), prlimit(2): who may change what, what is inherited, and what /proc/PID/limits shows.
#include "../check.h"
#include <sys/resource.h>

static const struct {
  const char* name;
  int resource;
} resources[] = {
  {"CPU", RLIMIT_CPU}, {"FSIZE", RLIMIT_FSIZE}, {"DATA", RLIMIT_DATA}, {"STACK", RLIMIT_STACK},
  {"CORE", RLIMIT_CORE}, {"RSS", RLIMIT_RSS}, {"NPROC", RLIMIT_NPROC}, {"NOFILE", RLIMIT_NOFILE},
  {"MEMLOCK", RLIMIT_MEMLOCK}, {"AS", RLIMIT_AS}, {"LOCKS", RLIMIT_LOCKS}, {"SIGPENDING", RLIMIT_SIGPENDING},
  {"MSGQUEUE", RLIMIT_MSGQUEUE}, {"NICE", RLIMIT_NICE}, {"RTPRIO", RLIMIT_RTPRIO}, {"RTTIME", RLIMIT_RTTIME},
};
#define COUNT (sizeof resources / sizeof *resources)

#define in_child(...)            \
  ({                             \
    pid_t pid = must(fork());    \
    if (pid == 0) {              \
      __VA_ARGS__;               \
      _exit(0);                  \
    }                            \
    status_of(pid);              \
  })

static long set(int resource, rlim_t soft, rlim_t hard) {
  struct rlimit r = {soft, hard};
  return syscall(SYS_prlimit64, 0, resource, &r, NULL);
}

static void show(const char* what, int resource) {
  struct rlimit r;
  must(getrlimit(resource, &r));
  say("ok %s: %ld %ld\n", what, (long)r.rlim_cur, (long)r.rlim_max);
}

static void each_resource(void) {
  char name[64];
  for (size_t i = 0; i < COUNT; i++) {
    int resource = resources[i].resource;
    // Large enough to go on with.
    rlim_t big = 1 << 30;
    if (resource == RLIMIT_NOFILE) big = 1000;
    if (resource == RLIMIT_NICE || resource == RLIMIT_RTPRIO || resource == RLIMIT_MEMLOCK || resource == RLIMIT_MSGQUEUE || resource == RLIMIT_SIGPENDING) big = 0;
    snprintf(name, sizeof name, "%s: soft above hard", resources[i].name);
    shows(name, set(resource, big + 1, big));
    snprintf(name, sizeof name, "%s: hard lowered", resources[i].name);
    equal(name, in_child({
            shows(name, set(resource, big, big));
            show(name, resource);
            snprintf(name, sizeof name, "%s: hard raised", resources[i].name);
            shows(name, set(resource, big, big + 1));
            shows(name, set(resource, big, RLIM_INFINITY));
            shows(name, set(resource, RLIM_INFINITY, RLIM_INFINITY));
            snprintf(name, sizeof name, "%s: soft lowered and raised", resources[i].name);
            if (big > 0) {
              shows(name, set(resource, big - 1, big));
              show(name, resource);
            }
            shows(name, set(resource, big, big));
            pid_t pid = must(fork());
            if (pid == 0) {
              snprintf(name, sizeof name, "%s: in a child", resources[i].name);
              show(name, resource);
              _exit(0);
            }
            status_of(pid);
          }), 0);
  }
  struct rlimit r;
  shows("a resource too many", syscall(SYS_prlimit64, 0, 16, NULL, &r));
  shows("resource -1", syscall(SYS_prlimit64, 0, -1, NULL, &r));
  shows("getrlimit of one too many", syscall(SYS_getrlimit, 16, &r));
  shows("setrlimit of one too many", syscall(SYS_setrlimit, 16, &r));
  shows("prlimit of a bad new", syscall(SYS_prlimit64, 0, 16, (void*)8, NULL));
  shows("prlimit of neither", syscall(SYS_prlimit64, 0, RLIMIT_CPU, NULL, NULL));
  shows("prlimit of a bad old", syscall(SYS_prlimit64, 0, RLIMIT_CPU, NULL, (void*)8));
  r.rlim_cur = r.rlim_max = RLIM_INFINITY;
  shows("more descriptors than can be", syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, &r, NULL));
  r.rlim_cur = 100, r.rlim_max = 1 << 29;
  shows("a hard limit of more than can be", syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, &r, NULL));
  r.rlim_cur = 1000, r.rlim_max = 900;
  shows("soft above hard, setrlimit", setrlimit(RLIMIT_NOFILE, &r));
  r.rlim_cur = RLIM_INFINITY;
  shows("none", setrlimit(RLIMIT_FSIZE, &r));
}

// prlimit(2): all of the target's ids have to be the caller's real ones.
static void of_others(void) {
  int ends[2];
  must(pipe(ends));
  pid_t other = must(fork());
  if (other == 0) {
    char c;
    close(ends[1]);
    _exit(read(ends[0], &c, 1));
  }
  struct rlimit old, r = {500, 800};
  shows("of a child of the same user", prlimit(other, RLIMIT_NOFILE, &r, &old));
  shows("and back", prlimit(other, RLIMIT_NOFILE, NULL, &old));
  say("ok it has: %ld %ld\n", (long)old.rlim_cur, (long)old.rlim_max);
  r.rlim_max = 900;
  shows("raised by its parent", prlimit(other, RLIMIT_NOFILE, &r, NULL));
  equal("by another user", in_child({
          must(setresgid(1000, 1000, 1000));
          must(setresuid(1000, 1000, 1000));
          shows("reading", prlimit(other, RLIMIT_NOFILE, NULL, &old));
          r = (struct rlimit){400, 800};
          shows("setting", prlimit(other, RLIMIT_NOFILE, &r, NULL));
          shows("of init", prlimit(1, RLIMIT_NOFILE, NULL, &old));
          shows("of nobody", prlimit(30000, RLIMIT_NOFILE, NULL, &old));
          shows("of -1", prlimit(-1, RLIMIT_NOFILE, NULL, &old));
          shows("of oneself", prlimit(getpid(), RLIMIT_NOFILE, NULL, &old));
        }), 0);
  equal("with another effective user", in_child({
          must(setresuid(0, 1000, 0));
          shows("reading", prlimit(other, RLIMIT_NOFILE, NULL, &old));
          must(setresuid(0, 0, 0));
          must(setresuid(1000, 0, 0));
          shows("with another real user", prlimit(other, RLIMIT_NOFILE, NULL, &old));
        }), 0);
  equal("with another group", in_child({
          must(setresgid(1000, 1000, 1000));
          shows("reading", prlimit(other, RLIMIT_NOFILE, NULL, &old));
        }), 0);
  close(ends[1]);
  status_of(other);
  pid_t zombie = must(fork());
  if (zombie == 0) _exit(0);
  siginfo_t info;
  must(waitid(P_PID, zombie, &info, WEXITED | WNOWAIT));
  shows("of a zombie", prlimit(zombie, RLIMIT_NOFILE, NULL, &old));
  status_of(zombie);
  shows("of one that is gone", prlimit(zombie, RLIMIT_NOFILE, NULL, &old));
}

static void limits_file(void) {
  equal("limits as text", in_child({
          for (size_t i = 0; i < COUNT; i++) {
            int resource = resources[i].resource;
            struct rlimit r;
            must(getrlimit(resource, &r));
            r.rlim_cur = resource == RLIMIT_NICE || resource == RLIMIT_RTPRIO ? 0 : resource == RLIMIT_NOFILE ? 100 : r.rlim_max;
            if (resource == RLIMIT_NOFILE) r.rlim_max = 200;
            if (resource == RLIMIT_CPU) r.rlim_cur = 100, r.rlim_max = 1000000;
            if (resource == RLIMIT_CORE) r.rlim_cur = 0, r.rlim_max = 1L << 40;
            if (resource == RLIMIT_NPROC || resource == RLIMIT_SIGPENDING || resource == RLIMIT_MEMLOCK) r.rlim_cur = r.rlim_max = 1000;
            must(setrlimit(resource, &r));
          }
          execl("/bin/sed", "sed", "s/^/ok /", "/proc/self/limits", NULL);
        }), 0);
}

int main(void) {
  each_resource();
  of_others();
  limits_file();
  // Kept over execve, and shown by another program.
  equal("kept over execve", in_child({
          must(set(RLIMIT_NOFILE, 123, 456));
          must(set(RLIMIT_FSIZE, 512 * 1024, 1024 * 1024));
          must(set(RLIMIT_STACK, 1 << 20, 2 << 20));
          must(set(RLIMIT_CPU, 50, 60));
          execl("/bin/sh", "sh", "-c", "echo ok $(ulimit -Sn) $(ulimit -Hn) $(ulimit -Sf) $(ulimit -Hf) $(ulimit -Ss) $(ulimit -St)", NULL);
        }), 0);
  return check_done();
}
