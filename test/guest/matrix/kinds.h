// A descriptor of every kind, for programs that ask each of them the same.
#ifndef TEST_GUEST_KINDS_H
#define TEST_GUEST_KINDS_H

#include "../check.h"

#include <mqueue.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

struct kind {
  const char* name;
  int fd;
};

static struct kind kinds[64];
static int kind_count;

static void add_kind(const char* name, int fd) {
  if (fd < 0) say("ok no %s: %s\n", name, strerrorname_np(errno));
  else kinds[kind_count++] = (struct kind){name, fd};
}

/** In the current directory; what can block does not. */
static void make_kinds(void) {
  make_file("regular", "0123456789");
  make_file("executable", "#!/bin/true\n");
  must(chmod("executable", 0755));
  must(mkdir("directory", 0755));
  must(symlink("regular", "link"));
  must(mkfifo("fifo", 0600));
  add_kind("file ro", open("regular", O_RDONLY));
  add_kind("file wo", open("regular", O_WRONLY));
  add_kind("file rw", open("regular", O_RDWR));
  add_kind("file append", open("regular", O_RDWR | O_APPEND));
  add_kind("file 3", open("regular", 3));
  add_kind("file path", open("regular", O_PATH));
  add_kind("tmpfile", open(".", O_TMPFILE | O_RDWR, 0600));
  add_kind("dir", open("directory", O_RDONLY | O_DIRECTORY));
  add_kind("dir path", open("directory", O_PATH));
  add_kind("link path", open("link", O_PATH | O_NOFOLLOW));
  int pipes[2];
  must(pipe2(pipes, O_NONBLOCK));
  add_kind("pipe r", pipes[0]);
  add_kind("pipe w", pipes[1]);
  add_kind("fifo", open("fifo", O_RDWR | O_NONBLOCK));
  must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pipes));
  add_kind("unix stream", pipes[0]);
  must(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, pipes));
  add_kind("unix dgram", pipes[0]);
  add_kind("tcp", socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
  add_kind("udp", socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0));
  add_kind("netlink", socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK, 0));
  add_kind("eventfd", eventfd(1, EFD_NONBLOCK));
  add_kind("timerfd", timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK));
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  add_kind("signalfd", signalfd(-1, &set, SFD_NONBLOCK));
  add_kind("epoll", epoll_create1(0));
  add_kind("inotify", inotify_init1(IN_NONBLOCK));
  add_kind("memfd", memfd_create("memory", MFD_ALLOW_SEALING));
  add_kind("null", open("/dev/null", O_RDWR));
  add_kind("zero", open("/dev/zero", O_RDWR));
  add_kind("full", open("/dev/full", O_RDWR));
  add_kind("random", open("/dev/random", O_RDWR));
  add_kind("urandom", open("/dev/urandom", O_RDWR));
  int master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK);
  add_kind("ptmx", master);
  unlockpt(master);
  add_kind("pts", open(ptsname(master), O_RDWR | O_NOCTTY | O_NONBLOCK));
  add_kind("proc maps", open("/proc/self/maps", O_RDONLY));
  add_kind("proc comm", open("/proc/self/comm", O_RDWR));
  add_kind("proc mem", open("/proc/self/mem", O_RDWR));
  add_kind("proc dir", open("/proc/self", O_RDONLY));
  add_kind("proc ns", open("/proc/self/ns/uts", O_RDONLY));
  add_kind("proc sysctl", open("/proc/sys/kernel/ostype", O_RDONLY));
  add_kind("sys dir", open("/sys", O_RDONLY));
  add_kind("pts dir", open("/dev/pts", O_RDONLY));
  add_kind("mqueue", mq_open("/kinds", O_RDWR | O_CREAT | O_NONBLOCK, 0600, NULL));
  mq_unlink("/kinds");
}

/** `NAME: KIND`. */
static const char* kind_label(const char* name, const struct kind* kind) {
  static char label[128];
  snprintf(label, sizeof label, "%s: %s", name, kind->name);
  return label;
}

/** Whether the current one is a file or directory that belongs to a filesystem made by the kernel (proc, sysfs…). */
__attribute__((unused)) static int is_generated(const struct kind* kind) {
  return strncmp(kind->name, "proc ", 5) == 0 || strncmp(kind->name, "sys ", 4) == 0 ||
         strcmp(kind->name, "pts dir") == 0 || strcmp(kind->name, "mqueue") == 0;
}

/** Asks each kind; `fd` is the descriptor in the expression. */
#define each_kind(name, expression) each_kind_but(0, name, expression)
#define each_kind_but(unless, name, expression)                      \
  for (int kind_index = 0; kind_index < kind_count; kind_index++) {  \
    int fd = kinds[kind_index].fd;                                   \
    const struct kind* kind = &kinds[kind_index];                    \
    (void)fd;                                                        \
    if (unless) continue;                                            \
    shows(kind_label((name), kind), (expression));                   \
  }

#endif
