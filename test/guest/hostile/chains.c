// Sockets in each other's queues, in chains, rings and backlogs: whatever nobody can reach any more ends, however
// deep it lies. Each has the write end of a pipe with it, whose end shows.
#include "../check.h"
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#define DEEP 20000

static int give(int to, const int* fds, int count) {
  char control[CMSG_SPACE(253 * sizeof(int))] = {0};
  struct iovec v = {"x", 1};
  struct msghdr m = {
      .msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = CMSG_SPACE(count * sizeof(int))};
  struct cmsghdr* c = CMSG_FIRSTHDR(&m);
  *c = (struct cmsghdr){CMSG_LEN(count * sizeof(int)), SOL_SOCKET, SCM_RIGHTS};
  memcpy(CMSG_DATA(c), fds, count * sizeof(int));
  return sendmsg(to, &m, MSG_DONTWAIT);
}

static int reading;

// The write end of a new pipe.
static int witness(void) {
  int fds[2];
  must(pipe(fds));
  reading = fds[0];
  return fds[1];
}

static void ended(const char* name) {
  struct pollfd p = {reading, POLLIN, 0};
  must(poll(&p, 1, 120000));
  equal(name, p.revents, POLLHUP);
  close(reading);
}

static void close_both(const int* pair) {
  close(pair[0]), close(pair[1]);
}

// Pairs, each in the queue of the next: the last one is left in `pair`.
static void nest(int* pair, int depth) {
  for (int i = 0; i < depth; i++) {
    int next[2];
    must(socketpair(AF_UNIX, i % 2 ? SOCK_STREAM : SOCK_SEQPACKET, 0, next));
    must(give(next[0], pair, 2));
    close_both(pair);
    memcpy(pair, next, sizeof next);
  }
}

static void start(int* pair, int type) {
  int end = witness();
  must(socketpair(AF_UNIX, type, 0, pair));
  must(give(pair[0], &end, 1));
  close(end);
}

static void chain(void) {
  int pair[2];
  start(pair, SOCK_STREAM);
  nest(pair, DEEP);
  close_both(pair);
  ended("a chain");
}

static void ring(void) {
  int first[2], last[2];
  start(first, SOCK_DGRAM);
  last[0] = dup(first[0]), last[1] = dup(first[1]);
  nest(last, 1000);
  must(give(first[0], last, 2));
  close_both(last);
  close_both(first);
  ended("a ring");
}

// A connection that nobody has accepted holds its own listener.
static void backlog(void) {
  struct sockaddr_un a = {.sun_family = AF_UNIX, .sun_path = "\0runsc chains"};
  int listener = must(socket(AF_UNIX, SOCK_STREAM, 0)), client = must(socket(AF_UNIX, SOCK_STREAM, 0));
  must(bind(listener, (void*)&a, 20));
  must(listen(listener, 5));
  must(connect(client, (void*)&a, 20));
  int fds[] = {listener, client, witness()};
  must(give(client, fds, 3));
  for (int i = 0; i < 3; i++)
    close(fds[i]);
  ended("a backlog");
}

// Taken out by somebody who then ends.
static void taken(void) {
  int pair[2], fds[2];
  start(pair, SOCK_DGRAM);
  must(give(pair[0], pair, 2));
  if (fork() == 0) {
    char control[CMSG_SPACE(sizeof fds)], byte;
    struct iovec v = {&byte, 1};
    struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    must(recvmsg(pair[1], &m, 0));
    _exit(0);
  }
  must(wait(NULL));
  close_both(pair);
  ended("what lay in its own queue");
}

int main(void) {
  chain();
  ring();
  backlog();
  taken();
  // None of it counts as in flight any more.
  int pair[2];
  must(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
  succeeds("in flight", give(pair[0], pair, 2));
  close_both(pair);
  return check_done();
}
