// socket(7), SO_LINGER with a time: close(2) waits until what was sent has arrived in the other's buffer.
#include "../check.h"
#include <arpa/inet.h>
#include <sys/socket.h>

static int ends[2];

static void connection(int seconds) {
  int listener = must(socket(AF_INET, SOCK_STREAM, 0));
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof a;
  must(bind(listener, (void*)&a, sizeof a));
  must(listen(listener, 1));
  must(getsockname(listener, (void*)&a, &length));
  ends[0] = must(socket(AF_INET, SOCK_STREAM, 0));
  must(connect(ends[0], (void*)&a, sizeof a));
  ends[1] = must(accept(listener, NULL, NULL));
  must(close(listener));
  struct linger l = {1, seconds};
  must(setsockopt(ends[0], SOL_SOCKET, SO_LINGER, &l, sizeof l));
}

// More than the other side has room for.
static long fill(void) {
  static char block[65536];
  long sent = 0;
  for (;;) {
    ssize_t n = send(ends[0], block, sizeof block, MSG_DONTWAIT);
    if (n == -1)
      return sent;
    sent += n;
  }
}

static long drain(int fd) {
  static char block[65536];
  long got = 0;
  ssize_t n;
  while ((n = read(fd, block, sizeof block)) > 0)
    got += n;
  return got;
}

static long closing_ms(int fd) {
  long start = now_ns(CLOCK_MONOTONIC);
  succeeds("close", close(fd));
  return (now_ns(CLOCK_MONOTONIC) - start) / 1000000;
}

static volatile int handled;
static void handler(int signo) {
  handled = signo;
}

int main(void) {
  pid_t parent = getpid();
  // Says that the child no longer has the descriptor.
  int let_go[2];
  char byte;
  must(pipe(let_go));
  connection(100);
  must(write(ends[0], "abc", 3));
  holds("what has arrived needs no wait", closing_ms(ends[0]) < 50000);
  equal("and is there", drain(ends[1]), 3);
  close(ends[1]);

  connection(1);
  fill();
  long took = closing_ms(ends[0]);
  holds("waits in vain", took >= 900);
  close(ends[1]);

  connection(1);
  fill();
  must(fcntl(ends[0], F_SETFL, O_NONBLOCK));
  took = closing_ms(ends[0]);
  holds("whatever O_NONBLOCK says", took >= 900);
  close(ends[1]);

  connection(100);
  long sent = fill();
  int copy = must(dup(ends[0]));
  holds("not while there is another descriptor", closing_ms(copy) < 50000);
  int result[2];
  must(pipe(result));
  pid_t pid = fork();
  if (pid == 0) {
    close(ends[0]);
    must(write(let_go[1], "x", 1));
    until_asleep(parent);
    sleep_ms(200);
    long got = drain(ends[1]);
    if (write(result[1], &got, sizeof got) != sizeof got)
      _exit(1);
    _exit(0);
  }
  close(ends[1]);
  must(read(let_go[0], &byte, 1));
  took = closing_ms(ends[0]);
  holds("until somebody reads", took >= 100 && took < 90000);
  long got = 0;
  must(read(result[0], &got, sizeof got));
  equal("who gets it all", got, sent);
  equal("reader", status_of(pid), 0);

  connection(100);
  fill();
  pid = fork();
  if (pid == 0) {
    close(ends[0]);
    must(write(let_go[1], "x", 1));
    until_asleep(parent);
    sleep_ms(200);
    _exit(0);
  }
  close(ends[1]);
  must(read(let_go[0], &byte, 1));
  took = closing_ms(ends[0]);
  holds("or goes away", took >= 100 && took < 90000);
  status_of(pid);

  connection(100);
  fill();
  sigaction(SIGALRM, &(struct sigaction){.sa_handler = handler, .sa_flags = SA_RESTART}, NULL);
  pid = fork();
  if (pid == 0) {
    close(ends[0]);
    must(write(let_go[1], "x", 1));
    until_asleep(parent);
    sleep_ms(200);
    kill(parent, SIGALRM);
    sleep_ms(500);
    _exit(0);
  }
  must(read(let_go[0], &byte, 1));
  took = closing_ms(ends[0]);
  holds("or a signal comes", took < 90000 && handled == SIGALRM);
  fails("the descriptor is gone", fcntl(ends[0], F_GETFD), EBADF);
  status_of(pid);
  return check_done();
}
