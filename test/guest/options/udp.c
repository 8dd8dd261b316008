// Every option of UDP and UDP-Lite sockets.
#include "every-option.h"
#include <netinet/in.h>

static int udp(void) {
  return socket(AF_INET, SOCK_DGRAM, 0);
}
static int udp6(void) {
  return socket(AF_INET6, SOCK_DGRAM, 0);
}
static int lite(void) {
  return socket(AF_INET, SOCK_DGRAM, 136);
}

static int connected(void) {
  int fd = udp();
  struct sockaddr_in a = {
      .sin_family = AF_INET, .sin_port = htons(9), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  return connect(fd, (void*)&a, sizeof a) == 0 ? fd : -1;
}

int main(void) {
  every_option("udp", udp);
  every_option("udp6", udp6);
  every_option("connected", connected);
  every_option("udplite", lite);
  return 0;
}
