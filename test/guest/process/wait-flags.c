// wait4(2) and waitid(2): each flag and kind of id, on children that run, stop, go on and end; and orphaned process groups.
// build: -pthread
#include "../check.h"
#include <pthread.h>
#include <sys/resource.h>

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

static long waitid_raw(int kind, int id, siginfo_t* info, int options, struct rusage* usage) {
  return syscall(SYS_waitid, kind, id, info, options, usage);
}
static pid_t child;
static void told(const char* name, long result, const siginfo_t* info) {
  if (result == -1) say("ok %s: %s\n", name, strerrorname_np(errno));
  else
    say("ok %s: %ld signo %d code %d status %d pid %d uid %d\n", name, result, info->si_signo, info->si_code, info->si_status,
        info->si_pid == child ? 1 : info->si_pid, info->si_uid);
}
#define waits(name, kind, id, options)                                   \
  do {                                                                   \
    siginfo_t info;                                                      \
    memset(&info, 0, sizeof info);                                       \
    told(name, waitid_raw(kind, id, &info, options, NULL), &info);       \
  } while (0)
#define waits4(name, id, options)                                        \
  do {                                                                   \
    int status = 0x7777;                                                 \
    errno = 0;                                                           \
    long r = wait4(id, &status, options, NULL);                          \
    if (r == -1) say("ok %s: %s\n", name, strerrorname_np(errno));       \
    else say("ok %s: %s status %x\n", name, r == child ? "it" : r == 0 ? "none" : "another", r == 0 ? 0 : status); \
  } while (0)

static pid_t sleeps(void) {
  child = must(fork());
  if (child == 0) for (;;) pause();
  until_asleep(child);
  return child;
}
static void until_state(pid_t pid, char want) {
  char path[32], text[512];
  snprintf(path, sizeof path, "/proc/%d/stat", pid);
  for (int i = 0; i < 4000; i++) {
    int fd = open(path, O_RDONLY);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (fd >= 0) close(fd);
    text[n < 0 ? 0 : n] = 0;
    char* state = strrchr(text, ')');
    if (state != NULL && state[2] == want) return;
    sleep_ms(5);
  }
}

static void flags(void) {
  waits("no flags", P_ALL, 0, 0);
  waits("WNOHANG alone", P_ALL, 0, WNOHANG);
  waits("WNOWAIT alone", P_ALL, 0, WNOWAIT);
  waits("an unknown flag", P_ALL, 0, WEXITED | 0x100);
  waits("__WALL alone", P_ALL, 0, __WALL);
  waits("no children", P_ALL, 0, WEXITED);
  waits("kind 4", 4, 0, WEXITED);
  waits("kind -1", -1, 0, WEXITED);
  waits("pid 0", P_PID, 0, WEXITED);
  waits("pid -1", P_PID, -1, WEXITED);
  waits("pgid -1", P_PGID, -1, WEXITED);
  waits("pgid 0", P_PGID, 0, WEXITED | WNOHANG);
  waits("pidfd -1", P_PIDFD, -1, WEXITED);
  waits("no pidfd", P_PIDFD, 1, WEXITED);
  waits4("no children", -1, 0);
  waits4("unknown flag", -1, 0x100);
  waits4("WEXITED", -1, WEXITED | WNOHANG);
  waits4("WNOWAIT", -1, WNOWAIT | WNOHANG);
  waits4("INT_MIN", (pid_t)0x80000000, WNOHANG);
  sleeps();
  waits("running, WNOHANG", P_PID, child, WEXITED | WNOHANG);
  waits("running, stopped?", P_PID, child, WSTOPPED | WNOHANG);
  waits("running, continued?", P_PID, child, WCONTINUED | WNOHANG);
  waits("bad flags, running", P_PID, child, WNOHANG);
  waits4("running", child, WNOHANG);
  waits4("another group", -child, WNOHANG);
  waits4("our group", 0, WNOHANG);
  waits("clones only", P_PID, child, WEXITED | WNOHANG | __WCLONE);
  waits("clones too", P_PID, child, WEXITED | WNOHANG | __WALL);
  waits("not of other threads", P_PID, child, WEXITED | WNOHANG | __WNOTHREAD);
  kill(child, SIGSTOP);
  until_state(child, 'T');
  waits("stopped, exited?", P_PID, child, WEXITED | WNOHANG);
  waits("stopped, WNOWAIT", P_PID, child, WSTOPPED | WNOWAIT);
  waits("stopped", P_PID, child, WSTOPPED);
  waits("stopped again", P_PID, child, WSTOPPED | WNOHANG);
  waits4("stopped, told already", child, WUNTRACED | WNOHANG);
  kill(child, SIGTSTP);
  waits("stopped by another", P_PID, child, WSTOPPED | WNOHANG);
  kill(child, SIGCONT);
  until_asleep(child);
  waits("continued, WNOWAIT", P_PID, child, WCONTINUED | WNOWAIT);
  waits("continued", P_PID, child, WCONTINUED | WSTOPPED | WEXITED);
  waits("continued again", P_PID, child, WCONTINUED | WNOHANG);
  kill(child, SIGCONT);
  waits("not stopped, continued?", P_PID, child, WCONTINUED | WNOHANG);
  kill(child, SIGSTOP);
  until_state(child, 'T');
  kill(child, SIGCONT);
  until_asleep(child);
  waits("stopped and continued: stopped?", P_PID, child, WSTOPPED | WNOHANG);
  waits4("continued", child, WCONTINUED | WNOHANG);
  kill(child, SIGSTOP);
  until_state(child, 'T');
  waits4("stopped without WUNTRACED", child, WNOHANG);
  waits4("stopped", child, WUNTRACED);
  int pidfd = must(syscall(SYS_pidfd_open, child, 0));
  kill(child, SIGCONT);
  waits("by pidfd", P_PIDFD, pidfd, WCONTINUED);
  waits("by pidfd, nothing", P_PIDFD, pidfd, WEXITED | WNOHANG);
  int nonblocking = must(syscall(SYS_pidfd_open, child, O_NONBLOCK));
  waits("by a pidfd that does not wait", P_PIDFD, nonblocking, WEXITED);
  waits("nor with WNOHANG", P_PIDFD, nonblocking, WEXITED | WNOHANG);
  kill(child, SIGKILL);
  waits("killed, WNOWAIT", P_PIDFD, pidfd, WEXITED | WNOWAIT);
  waits("killed, stopped?", P_PID, child, WSTOPPED | WNOHANG);
  waits("killed, would stop or go on", P_PID, child, WSTOPPED | WCONTINUED);
  waits("killed, clones only", P_PID, child, WEXITED | WNOHANG | __WCLONE);
  siginfo_t info;
  struct rusage usage;
  shows("unmapped info", waitid_raw(P_PID, child, (void*)16, WEXITED | WNOWAIT, NULL));
  shows("unmapped usage", waitid_raw(P_PID, child, &info, WEXITED | WNOWAIT, (void*)16));
  shows("no info", waitid_raw(P_PID, child, NULL, WEXITED | WNOWAIT, &usage));
  waits("killed", P_PIDFD, pidfd, WEXITED);
  waits("gone", P_PIDFD, pidfd, WEXITED);
  waits("gone, by pid", P_PID, child, WEXITED);
  waits4("gone", child, 0);
  child = must(fork());
  if (child == 0) _exit(300);
  waits("exit", P_ALL, 77, WEXITED);
  child = must(fork());
  if (child == 0) {
    setpgid(0, 0);
    _exit(3);
  }
  until_state(child, 'Z');
  waits("of its group", P_PGID, child, WEXITED | WNOWAIT);
  waits("of our group", P_PGID, 0, WEXITED | WNOHANG);
  waits4("of its group", -child, 0);
}

static int clones(void* unused) {
  (void)unused;
  return 5;
}
static void clone_children(void) {
  static char stack[65536];
  child = must(clone(clones, stack + sizeof stack, 0, NULL));
  sleep_ms(50);
  waits("without a signal, as usual", P_PID, child, WEXITED | WNOHANG);
  waits4("without a signal, as usual", child, WNOHANG);
  waits("without a signal, __WALL, WNOWAIT", P_PID, child, WEXITED | __WALL | WNOWAIT);
  waits4("without a signal, __WCLONE", child, __WCLONE);
  signal(SIGUSR1, SIG_IGN);
  child = must(clone(clones, stack + sizeof stack, SIGUSR1, NULL));
  sleep_ms(50);
  waits4("with another signal", child, WNOHANG);
  waits4("with another signal, __WALL", child, __WALL);
}

static void* waits_here(void* options) {
  errno = 0;
  long r = wait4(child, NULL, (int)(long)options, NULL);
  return (void*)(r == -1 ? (long)-errno : r == child);
}
static void threads(void) {
  pthread_t thread;
  void* result;
  child = must(fork());
  if (child == 0) _exit(0);
  pthread_create(&thread, NULL, waits_here, (void*)(long)__WNOTHREAD);
  pthread_join(thread, &result);
  say("ok another thread's, __WNOTHREAD: %ld\n", (long)result);
  pthread_create(&thread, NULL, waits_here, 0);
  pthread_join(thread, &result);
  say("ok another thread's: %ld\n", (long)result);
}

static void ignored(void) {
  signal(SIGCHLD, SIG_IGN);
  child = must(fork());
  if (child == 0) _exit(0);
  waits4("SIGCHLD ignored", -1, 0);
  struct sigaction action = {.sa_handler = SIG_DFL, .sa_flags = SA_NOCLDWAIT};
  must(sigaction(SIGCHLD, &action, NULL));
  child = must(fork());
  if (child == 0) _exit(0);
  waits4("SA_NOCLDWAIT", -1, 0);
  action.sa_flags = 0;
  must(sigaction(SIGCHLD, &action, NULL));
}

// What members of a group get when it is orphaned (setpgid(2)): told through a pipe.
static int out;
static void notes(int signo) {
  char c = signo == SIGHUP ? 'H' : signo == SIGCONT ? 'C' : '?';
  if (write(out, &c, 1) != 1) _exit(9);
}
static void orphan(const char* name, int stops, int way) {
  int ends[2];
  must(pipe(ends));
  pid_t parent = must(fork());
  if (parent == 0) {
    close(ends[0]);
    out = ends[1];
    setsid();
    pid_t member = must(fork());
    if (member == 0) {
      struct sigaction action = {.sa_handler = notes};
      sigaction(SIGHUP, &action, NULL);
      sigaction(SIGCONT, &action, NULL);
      setpgid(0, 0);
      if (stops) raise(SIGSTOP);
      for (int i = 0; i < 30; i++) sleep_ms(10);
      if (write(out, ".", 1) != 1) _exit(9);
      // Nobody would let it go on.
      signal(SIGTSTP, SIG_DFL);
      if (way == 1) raise(SIGTSTP);
      if (write(out, "x", 1) != 1) _exit(9);
      _exit(0);
    }
    close(out);
    if (stops) until_state(member, 'T');
    else sleep_ms(50);
    if (way == 2) kill(getpid(), SIGKILL);
    _exit(0);
  }
  close(ends[1]);
  status_of(parent);
  char text[16] = "", *at = text;
  for (ssize_t n; at < text + 15 && (n = read(ends[0], at, text + 15 - at)) > 0;) at += n;
  close(ends[0]);
  say("ok %s: %s\n", name, text);
}

int main(void) {
  flags();
  clone_children();
  threads();
  ignored();
  orphan("a stopped member", 1, 0);
  orphan("a stopped member, SIGTSTP", 1, 1);
  orphan("a stopped member, its parent killed", 1, 2);
  orphan("none stopped", 0, 0);
  orphan("none stopped, SIGTSTP", 0, 1);
  return check_done();
}
