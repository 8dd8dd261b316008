// Every option of TCP sockets.
#include "every-option.h"
#include <netinet/in.h>
#include <netinet/tcp.h>

// With the congestion control that everybody has: others have a say in buffer sizes.
static int made(int family) {
  int fd = socket(family, SOCK_STREAM, 0);
  return setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "reno", 4) == 0 ? fd : -1;
}

static int fresh(void) {
  return made(AF_INET);
}
static int fresh6(void) {
  return made(AF_INET6);
}

static int listening(void) {
  int fd = fresh();
  return listen(fd, 5) == 0 ? fd : -1;
}

static int listener;
static struct sockaddr_in where;

static int connected(void) {
  int fd = fresh();
  if (connect(fd, (void*)&where, sizeof where) != 0)
    return -1;
  int other = accept(listener, NULL, NULL);
  // Closed first by the other side: nothing of it stays behind.
  struct linger now = {1, 0};
  setsockopt(other, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  static int keep = -1;
  if (keep >= 0)
    close(keep);
  keep = other;
  return fd;
}

int main(void) {
  every_option("tcp", fresh);
  every_option("tcp6", fresh6);
  every_option("listening", listening);
  listener = listening();
  socklen_t length = sizeof where;
  must(getsockname(listener, (void*)&where, &length));
  where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  every_option("connected", connected);
  return 0;
}
