// Interrupted system calls: which restart with SA_RESTART, which never do, and what partial results look like.
#include "../check.h"
#include <poll.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/time.h>

// Shared with children: they see when the handler has run.
static volatile int* count;
static void handler(int signal) {
  (void)signal;
  ++*count;
}
static void until_handled(void) {
  for (int i = 0; i < 6000 && *count == 0; i++) sleep_ms(10);
}

static void install(int flags) {
  struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
  must(sigaction(SIGUSR1, &action, NULL));
  *count = 0;
}

// Signals us when we sleep, and when that was handled writes to `fd` to end a call that goes on.
static pid_t interrupter(int fd) {
  pid_t parent = getpid();
  pid_t pid = must(fork());
  if (pid == 0) {
    sleep_ms(20);
    until_asleep(parent);
    kill(parent, SIGUSR1);
    until_handled();
    sleep_ms(20);
    if (fd >= 0 && write(fd, "x", 1) != 1) _exit(1);
    _exit(0);
  }
  return pid;
}

int main(void) {
  int ends[2];
  char c;
  count = mmap(NULL, sizeof *count, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  must(pipe(ends));

  install(0);
  pid_t pid = interrupter(ends[1]);
  fails("read without SA_RESTART", read(ends[0], &c, 1), EINTR);
  equal("the handler ran", *count, 1);
  status_of(pid);
  equal("and the byte is there", read(ends[0], &c, 1), 1);

  install(SA_RESTART);
  pid = interrupter(ends[1]);
  equal("read with SA_RESTART", read(ends[0], &c, 1), 1);
  equal("the handler ran first", *count, 1);
  status_of(pid);

  struct pollfd poll_fd = {.fd = ends[0], .events = POLLIN};
  pid = interrupter(-1);
  fails("poll never restarts", poll(&poll_fd, 1, 20000), EINTR);
  status_of(pid);
  fd_set set;
  FD_ZERO(&set);
  FD_SET(ends[0], &set);
  struct timeval tv = {20, 0};
  pid = interrupter(-1);
  fails("select never restarts", select(ends[0] + 1, &set, NULL, NULL, &tv), EINTR);
  status_of(pid);
  int epoll = must(epoll_create1(0));
  struct epoll_event event = {.events = EPOLLIN};
  must(epoll_ctl(epoll, EPOLL_CTL_ADD, ends[0], &event));
  pid = interrupter(-1);
  fails("epoll_wait never restarts", epoll_wait(epoll, &event, 1, 20000), EINTR);
  status_of(pid);
  struct timespec request = {20, 0}, remaining = {99, 9};
  pid = interrupter(-1);
  fails("nanosleep never restarts", nanosleep(&request, &remaining), EINTR);
  holds("and says what remains", remaining.tv_sec >= 10 && remaining.tv_sec < 20);
  status_of(pid);
  pid = interrupter(-1);
  equal("clock_nanosleep returns EINTR", clock_nanosleep(CLOCK_MONOTONIC, 0, &request, &remaining), EINTR);
  status_of(pid);
  struct timespec until;
  clock_gettime(CLOCK_MONOTONIC, &until);
  until.tv_sec += 20;
  remaining.tv_sec = 9;
  pid = interrupter(-1);
  equal("absolute clock_nanosleep too", clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, &remaining), EINTR);
  equal("and leaves the remaining time alone", remaining.tv_sec, 9);
  status_of(pid);
  int pair[2];
  must(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
  struct timeval timeout = {20, 0};
  must(setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout));
  pid = interrupter(-1);
  fails("recv with a timeout never restarts", recv(pair[0], &c, 1, 0), EINTR);
  status_of(pid);

  install(SA_RESTART);
  pid_t child = must(fork());
  if (child == 0) {
    until_handled();
    sleep_ms(20);
    _exit(3);
  }
  pid = interrupter(-1);
  int status;
  equal("waitpid with SA_RESTART", waitpid(child, &status, 0) == child, 1);
  equal("its status", WEXITSTATUS(status), 3);
  equal("handler ran during waitpid", *count, 1);
  status_of(pid);
  install(0);
  child = must(fork());
  if (child == 0)
    for (;;) pause();
  pid = interrupter(-1);
  fails("waitpid without SA_RESTART", waitpid(child, &status, 0), EINTR);
  kill(child, SIGKILL);
  status_of(child);
  status_of(pid);

  // SIG_IGN and a stop with SIGCONT do not interrupt.
  signal(SIGUSR1, SIG_IGN);
  pid = interrupter(ends[1]);
  equal("an ignored signal interrupts nothing", read(ends[0], &c, 1), 1);
  status_of(pid);
  child = must(fork());
  if (child == 0) {
    struct timespec t = {0, 150000000};
    _exit(nanosleep(&t, NULL) == 0 ? 0 : 1);
  }
  sleep_ms(30);
  kill(child, SIGSTOP);
  sleep_ms(30);
  kill(child, SIGCONT);
  equal("a stop and SIGCONT do not end nanosleep", status_of(child), 0);

  // A write that has moved something returns what it moved.
  install(0);
  int big[2];
  must(pipe(big));
  static char block[1 << 20];
  pid = interrupter(-1);
  long wrote = write(big[1], block, sizeof block);
  equal("a partial write returns the count", wrote, 65536);
  status_of(pid);

  enter_directory("restart");
  int lock = must(open("l", O_CREAT | O_RDWR, 0600));
  must(flock(lock, LOCK_EX));
  install(0);
  pid = must(fork());
  if (pid == 0) {
    pid_t parent = getppid();
    int again = open("l", O_RDWR);
    if (flock(again, LOCK_EX | LOCK_NB) != -1 || errno != EWOULDBLOCK) _exit(1);
    struct sigaction action = {.sa_handler = handler};
    sigaction(SIGALRM, &action, NULL);
    // Again and again: the first may come too early.
    struct itimerval timer = {.it_value = {0, 20000}, .it_interval = {0, 20000}};
    setitimer(ITIMER_REAL, &timer, NULL);
    int result = flock(again, LOCK_EX);
    (void)parent;
    _exit(result == -1 && errno == EINTR ? 0 : 2);
  }
  equal("flock is interrupted", status_of(pid), 0);
  return check_done();
}
