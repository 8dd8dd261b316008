// packet(7) on lo.
#include "../check.h"
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <sys/socket.h>

static unsigned char buffer[70000];
static struct sockaddr_ll from;

static long get(int fd) {
  socklen_t length = sizeof from;
  memset(&from, 0xff, sizeof from);
  return recvfrom(fd, buffer, sizeof buffer, MSG_DONTWAIT, (void*)&from, &length);
}

static int packet(int type, int protocol) {
  return must(socket(AF_PACKET, type, htons(protocol)));
}

static int udp(int port) {
  int fd = must(socket(AF_INET, SOCK_DGRAM, 0));
  struct sockaddr_in a = {
      .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  must(bind(fd, (void*)&a, sizeof a));
  return fd;
}

static void say_hello(int fd, int port) {
  struct sockaddr_in a = {
      .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  must(sendto(fd, "hello", 5, 0, (void*)&a, sizeof a));
}

static void hearing(void) {
  int one = udp(4011), two = udp(4012);
  int cooked = packet(SOCK_DGRAM, ETH_P_IP), whole = packet(SOCK_RAW, ETH_P_ALL);
  int six = packet(SOCK_DGRAM, ETH_P_IPV6), none = packet(SOCK_RAW, 0);
  say_hello(one, 4012);
  equal("an IP packet", get(cooked), 33);
  equal("is one", buffer[0], 0x45);
  equal("from here", from.sll_pkttype, PACKET_HOST);
  equal("lo", from.sll_ifindex, 1);
  equal("of IP", ntohs(from.sll_protocol), ETH_P_IP);
  equal("loopback hardware", from.sll_hatype, 772);
  equal("its address", from.sll_halen, 6);
  fails("once", get(cooked), EAGAIN);
  equal("a frame", get(whole), 47);
  equal("that leaves", from.sll_pkttype, PACKET_OUTGOING);
  equal("and arrives", get(whole), 47);
  equal("here", from.sll_pkttype, PACKET_HOST);
  static const unsigned char header[14] = {[12] = 8};
  holds("Ethernet of zeros", memcmp(buffer, header, 14) == 0);
  fails("twice", get(whole), EAGAIN);
  fails("not version 6", get(six), EAGAIN);
  fails("nothing at all", get(none), EAGAIN);
  struct sockaddr_ll a = {.sll_family = AF_PACKET, .sll_ifindex = 1, .sll_protocol = htons(ETH_P_IP)};
  succeeds("bind", bind(none, (void*)&a, sizeof a));
  a.sll_ifindex = 99;
  fails("no such interface", bind(none, (void*)&a, sizeof a), ENODEV);
  fails("short address", bind(none, (void*)&a, 12), EINVAL);
  say_hello(one, 4012);
  equal("now something", recv(none, buffer, 20, MSG_TRUNC), 47);
  fails("and no more", get(none), EAGAIN);
  struct tpacket_stats stats;
  socklen_t length = sizeof stats;
  must(getsockopt(whole, SOL_PACKET, PACKET_STATISTICS, &stats, &length));
  equal("four seen", stats.tp_packets, 4);
  equal("none lost", stats.tp_drops, 0);
  must(getsockopt(whole, SOL_PACKET, PACKET_STATISTICS, &stats, &length));
  equal("none since", stats.tp_packets, 0);
  int on = 1;
  must(get(whole));
  must(get(whole));
  must(setsockopt(whole, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof on));
  say_hello(one, 4012);
  must(get(whole));
  equal("only what arrives", from.sll_pkttype, PACKET_HOST);
  fails("not what leaves", get(whole), EAGAIN);
  close(one), close(two), close(cooked), close(whole), close(six), close(none);
}

static uint16_t sum(const uint8_t* b, size_t length, uint32_t s) {
  for (size_t i = 0; i < length; i += 2)
    s += b[i] << 8 | (i + 1 < length ? b[i + 1] : 0);
  while (s >> 16)
    s = (s & 0xffff) + (s >> 16);
  return ~s & 0xffff;
}

static void sending(void) {
  int server = must(socket(AF_INET6, SOCK_DGRAM, 0));
  struct sockaddr_in6 sender = {
      .sin6_family = AF_INET6, .sin6_port = htons(4013), .sin6_addr = IN6ADDR_LOOPBACK_INIT};
  must(bind(server, (void*)&sender, sizeof sender));
  int fd = packet(SOCK_DGRAM, ETH_P_IPV6);
  unsigned char ip[40 + 8 + 2] = {0x60, 0, 0, 0, 0, 10, 17, 5, [23] = 1, [39] = 1};
  ip[40] = 4014 >> 8, ip[41] = 4014 & 255, ip[42] = 4013 >> 8, ip[43] = 4013 & 255, ip[45] = 10;
  ip[48] = 'h', ip[49] = 'i';
  uint16_t s = sum(ip + 8, 42, 17 + 10);
  ip[46] = s >> 8, ip[47] = s;
  struct sockaddr_ll a = {
      .sll_family = AF_PACKET, .sll_ifindex = 1, .sll_protocol = htons(ETH_P_IPV6), .sll_halen = 6};
  fails("not bound", send(fd, ip, sizeof ip, 0), ENXIO);
  equal("to lo", sendto(fd, ip, sizeof ip, 0, (void*)&a, sizeof a), 50);
  socklen_t length = sizeof sender;
  equal("received", recvfrom(server, buffer, sizeof buffer, 0, (void*)&sender, &length), 2);
  equal("from its port", ntohs(sender.sin6_port), 4014);
  must(bind(fd, (void*)&a, sizeof a));
  equal("bound", send(fd, ip, sizeof ip, 0), 50);
  equal("received too", recv(server, buffer, sizeof buffer, 0), 2);
  a.sll_ifindex = 99;
  fails("nowhere", sendto(fd, ip, sizeof ip, 0, (void*)&a, sizeof a), ENXIO);
  fails("short", sendto(fd, ip, sizeof ip, 0, (void*)&a, 8), EINVAL);
  int whole = packet(SOCK_RAW, ETH_P_IPV6);
  a.sll_ifindex = 1;
  unsigned char frame[14 + sizeof ip] = {[12] = 0x86, [13] = 0xdd};
  memcpy(frame + 14, ip, sizeof ip);
  equal("a frame", sendto(whole, frame, sizeof frame, 0, (void*)&a, sizeof a), 64);
  equal("received as well", recv(server, buffer, sizeof buffer, 0), 2);
  fails("less than its header", sendto(whole, frame, 10, 0, (void*)&a, sizeof a), EINVAL);
  ip[47] ^= 1;
  equal("a bad checksum", send(fd, ip, sizeof ip, 0), 50);
  fails("does not arrive", recv(server, buffer, sizeof buffer, MSG_DONTWAIT), EAGAIN);
  // Of version 4, what pretends to be from here is not let in (net.ipv4.conf.lo.route_localnet).
  int four = udp(4013);
  unsigned char old[20 + 8] = {0x45, 0, 0, 28, 0, 0, 0, 0, 5, 17, 0, 0, 127, 0, 0, 1, 127, 0, 0, 1};
  s = sum(old, 20, 0);
  old[10] = s >> 8, old[11] = s;
  memcpy(old + 20, ip + 40, 4);
  old[25] = 8;
  a.sll_protocol = htons(ETH_P_IP);
  equal("version 4", sendto(fd, old, sizeof old, 0, (void*)&a, sizeof a), 28);
  fails("neither", recv(four, buffer, sizeof buffer, MSG_DONTWAIT), EAGAIN);
  close(server), close(fd), close(whole), close(four);
}

static void oddities(void) {
  fails("no such type", socket(AF_PACKET, SOCK_STREAM, 0), ESOCKTNOSUPPORT);
  int fd = packet(SOCK_RAW, ETH_P_ALL);
  struct sockaddr_ll a;
  socklen_t length = sizeof a;
  must(getsockname(fd, (void*)&a, &length));
  equal("name", a.sll_family * 100 + a.sll_ifindex, 1700);
  equal("protocol", ntohs(a.sll_protocol), ETH_P_ALL);
  fails("no peer", getpeername(fd, (void*)&a, &length), EOPNOTSUPP);
  fails("no connection", connect(fd, (void*)&a, sizeof a), EOPNOTSUPP);
  fails("no end", shutdown(fd, SHUT_RD), EOPNOTSUPP);
  fails("no queue", listen(fd, 1), EOPNOTSUPP);
  fails("wrong level", setsockopt(fd, IPPROTO_IP, 1, &length, sizeof length), ENOPROTOOPT);
  struct packet_mreq m = {.mr_ifindex = 1, .mr_type = PACKET_MR_PROMISC};
  succeeds("promiscuous", setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &m, sizeof m));
  fails("too short", setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &m, 8), EINVAL);
  m.mr_ifindex = 99;
  fails("where", setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &m, sizeof m), ENODEV);
  close(fd);
}

int main(void) {
  hearing();
  sending();
  oddities();
  return check_done();
}
