// What every call that waits does when a signal comes (interrupted-*.c): with a handler that asks for restarts, one that
// doesn't, a stop, and signals that nobody hears of (signal(7), "Interruption of system calls and library functions").
#ifndef TEST_GUEST_SIGNAL_INTERRUPTED_H
#define TEST_GUEST_SIGNAL_INTERRUPTED_H

#include "../check.h"

#include <mqueue.h>
#include <netinet/in.h>
#include <poll.h>
#include <pty.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <termios.h>
#include <linux/futex.h>

// Each program uses some of it.
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wunused-variable"

enum mode { RESTART, NO_RESTART, STOP, IGNORED, CHILD, MODES };
static const char* const modes[] = {"SA_RESTART", "no restart", "stop", "ignored", "SIGCHLD"};

// What the caller, a child, tells.
static volatile struct {
  int handled, done, word;
  long result, error, extra;
} * told;

static void handler(int signo) {
  (void)signo;
  told->handled++;
}

// What most cases wait on; made anew for each.
static int fd, other;
static char bytes[1 << 18];

static void pair(int ends[2]) {
  fd = ends[0];
  other = ends[1];
}
static void a_pipe(void) {
  int ends[2];
  must(pipe(ends));
  pair(ends);
}
// fd is its write end then.
static void a_full_pipe(void) {
  int ends[2];
  must(pipe(ends));
  must(fcntl(ends[1], F_SETFL, O_NONBLOCK));
  while (write(ends[1], bytes, 4096) > 0) {}
  must(fcntl(ends[1], F_SETFL, 0));
  fd = ends[1];
  other = ends[0];
}
static void drain(void) {
  must(fcntl(other, F_SETFL, O_NONBLOCK));
  while (read(other, bytes, sizeof bytes) > 0) {}
}
static void put(void) {
  if (write(other, "x", 1) != 1) say("FAIL put\n");
}
static void a_unix_pair(int type) {
  int ends[2];
  must(socketpair(AF_UNIX, type, 0, ends));
  pair(ends);
}
static void a_stream(void) { a_unix_pair(SOCK_STREAM); }
static void unix_datagrams(void) { a_unix_pair(SOCK_DGRAM); }
static void unix_packets(void) { a_unix_pair(SOCK_SEQPACKET); }
static void fill(void) {
  must(fcntl(fd, F_SETFL, O_NONBLOCK));
  while (send(fd, bytes, 4096, 0) > 0) {}
  while (send(fd, bytes, 1, 0) > 0) {}
  must(fcntl(fd, F_SETFL, 0));
}
static void a_full_stream(void) {
  a_stream();
  fill();
}
static void a_full_dgram(void) {
  a_unix_pair(SOCK_DGRAM);
  fill();
}
static void a_timeout(int option) {
  struct timeval timeout = {30, 0};
  must(setsockopt(fd, SOL_SOCKET, option, &timeout, sizeof timeout));
}
static struct sockaddr_in loopback(int socket) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof address;
  must(bind(socket, (struct sockaddr*)&address, sizeof address));
  must(getsockname(socket, (struct sockaddr*)&address, &length));
  return address;
}
static struct sockaddr_in listening;
static void a_listener(void) {
  fd = must(socket(AF_INET, SOCK_STREAM, 0));
  listening = loopback(fd);
  must(listen(fd, 5));
  other = -1;
}
static void connects(void) {
  other = must(socket(AF_INET, SOCK_STREAM, 0));
  must(connect(other, (struct sockaddr*)&listening, sizeof listening));
}
static void a_connection(void) {
  a_listener();
  connects();
  int accepted = must(accept(fd, NULL, NULL));
  close(fd);
  fd = accepted;
}
static void a_full_connection(void) {
  a_connection();
  fill();
}
static void a_udp_socket(void) {
  fd = must(socket(AF_INET, SOCK_DGRAM, 0));
  struct sockaddr_in address = loopback(fd);
  other = must(socket(AF_INET, SOCK_DGRAM, 0));
  must(connect(other, (struct sockaddr*)&address, sizeof address));
}
static void a_full_listener(void) {
  static int turn;
  struct sockaddr_un name = {.sun_family = AF_UNIX};
  snprintf(name.sun_path, sizeof name.sun_path, "socket%d", turn++);
  other = must(socket(AF_UNIX, SOCK_STREAM, 0));
  must(bind(other, (struct sockaddr*)&name, sizeof name));
  must(listen(other, 0));
  int first = must(socket(AF_UNIX, SOCK_STREAM, 0));
  must(connect(first, (struct sockaddr*)&name, sizeof name));
  fd = must(socket(AF_UNIX, SOCK_STREAM, 0));
}
static long connects_to_full(void) {
  struct sockaddr_un name;
  socklen_t length = sizeof name;
  must(getsockname(other, (struct sockaddr*)&name, &length));
  return connect(fd, (struct sockaddr*)&name, length);
}
static void accepts(void) { close(must(accept(other, NULL, NULL))); }
static void a_terminal(void) {
  must(openpty(&other, &fd, NULL, NULL, NULL));
}
static void types(void) {
  if (write(other, "x\n", 2) != 2) say("FAIL types\n");
}
static void a_fifo(void) {
  static int turn;
  sprintf(bytes, "fifo%d", turn++);
  must(mkfifo(bytes, 0600));
  fd = other = -1;
}
static void an_eventfd(void) {
  fd = must(eventfd(0, 0));
  other = -1;
}
static void counts(void) {
  uint64_t one = 1;
  if (write(fd, &one, 8) != 8) say("FAIL counts\n");
}
static void a_full_eventfd(void) {
  fd = must(eventfd(0, 0));
  uint64_t most = UINT64_MAX - 1;
  if (write(fd, &most, 8) != 8) say("FAIL a_full_eventfd\n");
}
static void takes_count(void) {
  uint64_t count;
  if (read(fd, &count, 8) != 8) say("FAIL takes_count\n");
}
static void a_lock(void) {
  other = must(open("locked", O_RDWR | O_CREAT, 0600));
  fd = must(open("locked", O_RDWR));
}
static void nothing(void) {}

static pid_t waited;
// A child that ends when its pipe does; the caller has to have made it.
static void makes_child(void) {
  waited = must(fork());
  if (waited == 0) {
    char c;
    close(other);
    _exit(read(fd, &c, 1) == 1 ? 7 : 8);
  }
}
static int queue;
static mqd_t posix_queue;
static void a_message_queue(void) {
  queue = must(msgget(IPC_PRIVATE, 0600));
  struct msqid_ds state;
  must(msgctl(queue, IPC_STAT, &state));
  state.msg_qbytes = 64;
  must(msgctl(queue, IPC_SET, &state));
}
struct message {
  long type;
  char text[64];
};
static void sends_message(void) {
  struct message m = {.type = 1};
  must(msgsnd(queue, &m, sizeof m.text, 0));
}
static void takes_message(void) {
  struct message m;
  must(msgrcv(queue, &m, sizeof m.text, 0, 0));
}
static void a_full_message_queue(void) {
  a_message_queue();
  sends_message();
}
static void removes_queue(void) { msgctl(queue, IPC_RMID, NULL); }
static void a_semaphore(void) { queue = must(semget(IPC_PRIVATE, 1, 0600)); }
static void raises_semaphore(void) {
  struct sembuf up = {0, 1, 0};
  must(semop(queue, &up, 1));
}
static void removes_semaphore(void) { semctl(queue, 0, IPC_RMID); }
static void a_posix_queue(void) {
  struct mq_attr attributes = {.mq_maxmsg = 1, .mq_msgsize = 8};
  posix_queue = must(mq_open("/interrupted", O_CREAT | O_EXCL | O_RDWR, 0600, &attributes));
  mq_unlink("/interrupted");
}
static void a_full_posix_queue(void) {
  a_posix_queue();
  must(mq_send(posix_queue, "x", 1, 0));
}
static void posts(void) { must(mq_send(posix_queue, "x", 1, 0)); }
static void takes(void) { must(mq_receive(posix_queue, bytes, 8, NULL)); }
static struct timespec in_30s(clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  t.tv_sec += 30;
  return t;
}
static void wakes(void) {
  told->word = 1;
  syscall(SYS_futex, &told->word, FUTEX_WAKE, 99, NULL, NULL, 0);
}
static void a_watch(void) {
  fd = must(inotify_init());
  must(inotify_add_watch(fd, ".", IN_CREATE));
}
static void makes_a_file(void) {
  close(must(open("made", O_CREAT | O_WRONLY, 0600)));
  unlink("made");
}
static void a_timer(void) {
  fd = must(timerfd_create(CLOCK_MONOTONIC, 0));
  struct itimerspec in = {.it_value = {30, 0}};
  must(timerfd_settime(fd, 0, &in, NULL));
}
static void ends_timer(void) {
  struct itimerspec now = {.it_value = {0, 1}};
  must(timerfd_settime(fd, 0, &now, NULL));
}
static void an_epoll(void) {
  int ends[2];
  must(pipe(ends));
  other = ends[1];
  fd = must(epoll_create1(0));
  struct epoll_event event = {.events = EPOLLIN};
  must(epoll_ctl(fd, EPOLL_CTL_ADD, ends[0], &event));
}
static pid_t caller;
static void signals_rtmin(void) { kill(caller, SIGRTMIN); }
static sigset_t rtmin(void) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGRTMIN);
  return set;
}
static void a_signalfd(void) {
  sigset_t set = rtmin();
  fd = must(signalfd(-1, &set, 0));
}
// Most of the time is left: in tens of seconds.
static long left(long seconds) { return seconds >= 20 && seconds < 30 ? 1 : seconds == 0 ? 0 : -1; }
static long took_ms(long start_ns) { return (now_ns(CLOCK_MONOTONIC) - start_ns) / 1000000; }
// A sleep of 200 ms was neither cut short nor begun again after a stop of 100.
static long in_time(long start_ns) {
  long ms = took_ms(start_ns);
  return ms < 200 ? -ms : ms < 290 ? 1 : 2;
}

// A function of its own that uses nothing of the one around it.
#define function(type, ...)      \
  ({                             \
    type made(void) __VA_ARGS__  \
    made;                        \
  })
#define does(...) function(void, __VA_ARGS__)
static const struct timespec thirty = {30, 0};

// The caller waits for something that no signal but SIGKILL ends.
static int undisturbed;

// Until the caller sleeps in its call (a vfork's does so undisturbed), or has ended it.
static void until_waiting(void) {
  char path[32], text[512];
  snprintf(path, sizeof path, "/proc/%d/stat", caller);
  for (int i = 0; i < 6000 && !told->done; i++) {
    int file = must(open(path, O_RDONLY));
    ssize_t n = read(file, text, sizeof text - 1);
    close(file);
    text[n < 0 ? 0 : n] = 0;
    char* state = strrchr(text, ')');
    if (state != NULL && (state[2] == 'S' || state[2] == 'D')) return;
    sleep_ms(5);
  }
}

static void run(enum mode mode, const char* name, void (*before)(void), long (*call)(void), void (*after)(void)) {
  memset((void*)told, 0, sizeof *told);
  before();
  caller = must(fork());
  if (caller == 0) {
    struct sigaction action = {.sa_handler = handler, .sa_flags = mode == RESTART ? SA_RESTART : 0};
    if (mode == IGNORED) action.sa_handler = SIG_IGN;
    must(sigaction(SIGUSR1, &action, NULL));
    sigset_t set = rtmin();
    must(sigprocmask(SIG_BLOCK, &set, NULL));
    told->word = 0;
    told->handled = 0;
    errno = 0;
    told->result = call();
    told->error = errno;
    told->done = 1;
    _exit(0);
  }
  until_waiting();
  if (told->done) {
    // Some don't wait, here and on Linux.
  } else if (mode == STOP) {
    siginfo_t info;
    kill(caller, SIGSTOP);
    if (!undisturbed) must(waitid(P_PID, caller, &info, WSTOPPED));
    sleep_ms(100);
    kill(caller, SIGCONT);
  } else {
    kill(caller, mode == CHILD ? SIGCHLD : SIGUSR1);
    if (mode == RESTART || mode == NO_RESTART)
      for (int i = 0; i < 6000 && !told->handled && !undisturbed; i++) sleep_ms(5);
  }
  sleep_ms(20);
  int ended_early = told->done;
  if (!ended_early) until_waiting();
  after();
  for (int i = 0; i < 6000 && !told->done; i++) {
    sleep_ms(5);
    // A handler between the last test and the sleep of pause() and the like.
    if (i == 5999) kill(caller, SIGKILL);
  }
  waitpid(caller, NULL, 0);
  if (told->done && told->result == -1)
    say("ok %s, %s: %s %ld\n", name, modes[mode], strerrorname_np(told->error), told->extra);
  else
    say("ok %s, %s: %s%ld %ld%s\n", name, modes[mode], told->done ? "" : "hung ", told->result, told->extra,
        "");
}

static void each(const char* name, void (*before)(void), long (*call)(void), void (*after)(void)) {
  for (enum mode mode = 0; mode < MODES; mode++) {
    fd = other = -1;
    run(mode, name, before, call, after);
    if (fd >= 0) close(fd);
    if (other >= 0) close(other);
    // Descriptors that a case has hidden.
    syscall(SYS_close_range, 20, ~0U, 0);
  }
}
#define each(name, before, after, ...) each(name, before, function(long, __VA_ARGS__), after)

static void begin(void) {
  told = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  enter_directory("interrupted");
  signal(SIGPIPE, SIG_IGN);
}

#endif
