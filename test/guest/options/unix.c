// Every option of AF_UNIX and AF_NETLINK sockets.
#include "every-option.h"
#include <linux/netlink.h>

static int pair(int type) {
  int fds[2];
  if (socketpair(AF_UNIX, type, 0, fds) != 0)
    return -1;
  static int keep = -1;
  if (keep >= 0)
    close(keep);
  keep = fds[1];
  return fds[0];
}

static int stream(void) {
  return socket(AF_UNIX, SOCK_STREAM, 0);
}
static int stream_pair(void) {
  return pair(SOCK_STREAM);
}
static int datagrams(void) {
  return pair(SOCK_DGRAM);
}
static int packets(void) {
  return pair(SOCK_SEQPACKET);
}
static int netlink(void) {
  return socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
}

int main(void) {
  every_option("stream", stream);
  every_option("stream pair", stream_pair);
  every_option("datagram pair", datagrams);
  every_option("seqpacket pair", packets);
  every_option("netlink", netlink);
  return 0;
}
