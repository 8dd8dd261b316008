// What every guest test prints: one line per check, `ok NAME` or `FAIL NAME got X want Y`. The same program runs
// on Linux and in the sandbox, and the lines have to agree: names and numbers in them must not vary by run.
#ifndef TEST_GUEST_CHECK_H
#define TEST_GUEST_CHECK_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

// A program's addresses have so many bits.
#ifdef __aarch64__
#define ADDRESS_BITS 48
#else
#define ADDRESS_BITS 47
#endif

static int check_failures __attribute__((unused));

// Written at once and unbuffered: children and killed programs don't lose or repeat lines.
__attribute__((format(printf, 1, 2), unused)) static void say(const char* format, ...) {
  char line[1024];
  va_list list;
  va_start(list, format);
  int length = vsnprintf(line, sizeof line, format, list);
  va_end(list);
  if (length > (int)sizeof line - 1) length = sizeof line - 1;
  if (write(1, line, length) != length) _exit(99);
}

__attribute__((unused)) static int equal(const char* name, long got, long want) {
  if (got == want) {
    say("ok %s\n", name);
    return 1;
  }
  say("FAIL %s got %ld want %ld\n", name, got, want);
  check_failures++;
  return 0;
}

__attribute__((unused)) static int holds(const char* name, int condition) {
  return equal(name, !!condition, 1);
}

__attribute__((unused)) static int same_text(const char* name, const char* got, const char* want) {
  if (got != NULL && strcmp(got, want) == 0) {
    say("ok %s\n", name);
    return 1;
  }
  say("FAIL %s got \"%s\" want \"%s\"\n", name, got == NULL ? "(null)" : got, want);
  check_failures++;
  return 0;
}

__attribute__((unused)) static int check_result(const char* name, long got, int error, int want) {
  if (got == -1 && error == want) {
    say("ok %s\n", name);
    return 1;
  }
  if (got == -1) {
    say("FAIL %s got %s want %s\n", name, strerrorname_np(error), want ? strerrorname_np(want) : "success");
  } else {
    say("FAIL %s got %ld want %s\n", name, got, strerrorname_np(want));
  }
  check_failures++;
  return 0;
}

// The expression has to return -1 and set errno to `want`.
#define fails(name, expression, want)                      \
  ({                                                       \
    errno = 0;                                             \
    long check_got = (long)(expression);                   \
    check_result((name), check_got, errno, (want));        \
  })

// The expression must not return -1; gives its value.
#define succeeds(name, expression)                              \
  ({                                                            \
    errno = 0;                                                  \
    long check_got = (long)(expression);                        \
    if (check_got == -1) check_result((name), -1, errno, 0);    \
    else say("ok %s\n", (name));                                \
    check_got;                                                  \
  })

// The same without a line when it works: for steps that are not the point of the test.
#define must(expression)                                                                         \
  ({                                                                                             \
    errno = 0;                                                                                   \
    long check_got = (long)(expression);                                                         \
    if (check_got == -1) {                                                                       \
      say("FAIL %s:%d: %s got %s want success\n", __FILE_NAME__, __LINE__, #expression, strerrorname_np(errno)); \
      exit(1);                                                                                   \
    }                                                                                            \
    check_got;                                                                                   \
  })

// What the expression gives, in the line itself: Linux, where the same program runs, says what is right.
__attribute__((unused)) static long show_result(const char* name, long got, int error) {
  if (got == -1) say("ok %s: %s\n", name, strerrorname_np(error));
  else say("ok %s: %ld\n", name, got);
  return got;
}

#define shows(name, expression)               \
  ({                                          \
    errno = 0;                                \
    long check_got = (long)(expression);      \
    show_result((name), check_got, errno);    \
  })

#define check_done() (check_failures != 0)

// Waits for a child and gives its exit code, or 1000 and the signal that killed it.
__attribute__((unused)) static int status_of(pid_t pid) {
  int status;
  pid_t got;
  do got = waitpid(pid, &status, 0);
  while (got == -1 && errno == EINTR);
  if (got != pid) return -1;
  return WIFSIGNALED(status) ? 1000 + WTERMSIG(status) : WEXITSTATUS(status);
}

__attribute__((unused)) static long now_ns(clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  return t.tv_sec * 1000000000L + t.tv_nsec;
}

__attribute__((unused)) static void sleep_ms(int ms) {
  struct timespec t = {ms / 1000, ms % 1000 * 1000000L};
  while (nanosleep(&t, &t) == -1 && errno == EINTR) {}
}

// Waits until a process (its first thread) sleeps, in a call that is to be interrupted: at most a minute.
__attribute__((unused)) static void until_asleep(pid_t pid) {
  char path[32], text[512];
  snprintf(path, sizeof path, "/proc/%d/stat", pid);
  for (int i = 0; i < 12000; i++) {
    int fd = open(path, O_RDONLY);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (fd >= 0) close(fd);
    text[n < 0 ? 0 : n] = 0;
    char* state = strrchr(text, ')');
    if (state != NULL && state[2] == 'S') return;
    sleep_ms(5);
  }
}

// A child that sends us a signal when we sleep: in the call after this one, however late that begins.
__attribute__((unused)) static pid_t interrupt_asleep(int signo) {
  pid_t parent = getpid();
  pid_t pid = must(fork());
  if (pid == 0) {
    until_asleep(parent);
    kill(parent, signo);
    _exit(0);
  }
  return pid;
}

// A directory of the program's own beneath $TEST_DIR (or /tmp), entered and empty.
__attribute__((unused)) static void enter_directory(const char* name) {
  char path[512];
  const char* parent = getenv("TEST_DIR");
  snprintf(path, sizeof path, "%s/%s.XXXXXX", parent == NULL ? "/tmp" : parent, name);
  if (mkdtemp(path) == NULL || chdir(path) != 0 || chmod(path, 0755) != 0) {
    say("FAIL directory %s got %s want success\n", path, strerrorname_np(errno));
    exit(1);
  }
  umask(022);
}

__attribute__((unused)) static int make_file(const char* path, const char* text) {
  int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0644);
  if (fd < 0) return -1;
  ssize_t length = strlen(text);
  if (write(fd, text, length) != length) return -1;
  return close(fd);
}

#endif
