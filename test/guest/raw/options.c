// Every option of raw and packet sockets.
#include "../options/every-option.h"
#include <linux/if_ether.h>
#include <netinet/in.h>

static int icmp(void) {
  return socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
}
static int other(void) {
  return socket(AF_INET, SOCK_RAW, 253);
}
static int icmp6(void) {
  return socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6);
}
static int other6(void) {
  return socket(AF_INET6, SOCK_RAW, 253);
}
static int packet(void) {
  return socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL));
}

int main(void) {
  every_option("raw icmp", icmp);
  every_option("raw", other);
  every_option("raw icmp6", icmp6);
  every_option("raw6", other6);
  every_option("packet", packet);
  return 0;
}
