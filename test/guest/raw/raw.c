// raw(7) over loopback.
#include "../check.h"
#include <arpa/inet.h>
#include <netinet/icmp6.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/ip_icmp.h>
#include <netinet/udp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

static unsigned char buffer[70000];

static struct sockaddr_in at(const char* ip, int port) {
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
  inet_pton(AF_INET, ip, &a.sin_addr);
  return a;
}

static uint16_t sum(const void* p, size_t length) {
  const uint8_t* b = p;
  uint32_t s = 0;
  for (size_t i = 0; i < length; i += 2)
    s += b[i] << 8 | (i + 1 < length ? b[i + 1] : 0);
  while (s >> 16)
    s = (s & 0xffff) + (s >> 16);
  return ~s & 0xffff;
}

static int raw(int protocol) {
  int fd = must(socket(AF_INET, SOCK_RAW, protocol));
  struct timeval wait = {60, 0};
  must(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait));
  return fd;
}

static int udp(const char* ip, int port) {
  int fd = must(socket(AF_INET, SOCK_DGRAM, 0));
  struct sockaddr_in a = at(ip, port);
  must(bind(fd, (void*)&a, sizeof a));
  return fd;
}

static long get(int fd) {
  return recv(fd, buffer, sizeof buffer, MSG_DONTWAIT);
}

static void making(void) {
  fails("no protocol", socket(AF_INET, SOCK_RAW, 0), EPROTONOSUPPORT);
  fails("no such protocol", socket(AF_INET, SOCK_RAW, 300), EINVAL);
  int fd = raw(IPPROTO_ICMP);
  struct sockaddr_in a;
  socklen_t length = sizeof a;
  must(getsockname(fd, (void*)&a, &length));
  equal("the protocol is the port", ntohs(a.sin_port), IPPROTO_ICMP);
  int value = 9;
  length = sizeof value;
  must(getsockopt(fd, SOL_SOCKET, SO_TYPE, &value, &length));
  equal("type", value, SOCK_RAW);
  must(getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &value, &length));
  equal("protocol", value, IPPROTO_ICMP);
  must(getsockopt(fd, IPPROTO_IP, IP_HDRINCL, &value, &length));
  equal("no header of one's own", value, 0);
  fails("listen", listen(fd, 1), EOPNOTSUPP);
  fails("accept", accept(fd, NULL, NULL), EOPNOTSUPP);
  fails("nowhere to", send(fd, "12345678", 8, 0), EDESTADDRREQ);
  a = at("127.0.0.1", 0);
  fails("too long", sendto(fd, buffer, 65516, 0, (void*)&a, sizeof a), EMSGSIZE);
  fails("much too long", sendto(fd, buffer, 66000, 0, (void*)&a, sizeof a), EMSGSIZE);
  fails("short address", sendto(fd, buffer, 8, 0, (void*)&a, 8), EINVAL);
  fails("urgent", sendto(fd, buffer, 8, MSG_OOB, (void*)&a, sizeof a), EOPNOTSUPP);
  a.sin_family = AF_INET6;
  fails("other family", sendto(fd, buffer, 8, 0, (void*)&a, sizeof a), EAFNOSUPPORT);
  fails("not connected", shutdown(fd, SHUT_RD), ENOTCONN);
  fails("not of TCP", setsockopt(fd, IPPROTO_TCP, 1, &value, sizeof value), ENOPROTOOPT);
  close(fd);
  fd = raw(IPPROTO_RAW);
  length = sizeof value;
  must(getsockopt(fd, IPPROTO_IP, IP_HDRINCL, &value, &length));
  equal("header of one's own", value, 1);
  close(fd);
  fd = must(socket(AF_INET, SOCK_DGRAM, 0));
  fails("not for UDP", setsockopt(fd, IPPROTO_IP, IP_HDRINCL, &value, sizeof value), ENOPROTOOPT);
  succeeds("which may ask", getsockopt(fd, IPPROTO_IP, IP_HDRINCL, &value, &length));
  equal("no", value, 0);
  close(fd);
  pid_t pid = fork();
  if (pid == 0) {
    must(setuid(1000));
    fails("without the right", socket(AF_INET, SOCK_RAW, IPPROTO_UDP), EPERM);
    fails("protocol first", socket(AF_INET, SOCK_RAW, 0), EPROTONOSUPPORT);
    fails("packets too", socket(AF_PACKET, SOCK_RAW, 0), EPERM);
    _exit(check_failures);
  }
  equal("checked by a user", status_of(pid), 0);
}

static void echo_request(struct icmp* m, int sequence) {
  memset(m, 0, sizeof *m);
  m->icmp_type = ICMP_ECHO;
  m->icmp_id = htons(77);
  m->icmp_seq = htons(sequence);
  m->icmp_cksum = htons(sum(m, sizeof *m));
}

static void pinging(void) {
  int fd = raw(IPPROTO_ICMP);
  struct icmp m;
  echo_request(&m, 5);
  struct sockaddr_in a = at("127.0.0.3", 4);
  equal("send a request", sendto(fd, &m, sizeof m, 0, (void*)&a, sizeof a), sizeof m);
  struct sockaddr_in from;
  socklen_t length = sizeof from;
  equal("hear it", recvfrom(fd, buffer, sizeof buffer, 0, (void*)&from, &length), 20 + sizeof m);
  struct iphdr* ip = (void*)buffer;
  struct icmp* got = (void*)(buffer + 20);
  equal("a request", got->icmp_type, ICMP_ECHO);
  equal("version and length", buffer[0], 0x45);
  equal("total length", ntohs(ip->tot_len), 20 + sizeof m);
  equal("header checksum", sum(buffer, 20), 0);
  equal("time to live", ip->ttl, 64);
  equal("protocol", ip->protocol, IPPROTO_ICMP);
  holds("from the loopback", ip->saddr == htonl(INADDR_LOOPBACK) && from.sin_addr.s_addr == ip->saddr);
  equal("no port", from.sin_port, 0);
  int waiting = 0;
  must(ioctl(fd, FIONREAD, &waiting));
  equal("one more", waiting, 20 + sizeof m);
  equal("the reply", recvfrom(fd, buffer, sizeof buffer, 0, (void*)&from, &length), 20 + sizeof m);
  equal("a reply", got->icmp_type, ICMP_ECHOREPLY);
  equal("of the identifier", ntohs(got->icmp_id), 77);
  equal("and number", ntohs(got->icmp_seq), 5);
  equal("its checksum", sum(got, sizeof m), 0);
  holds("by who was asked", from.sin_addr.s_addr == inet_addr("127.0.0.3"));
  fails("and no more", get(fd), EAGAIN);
  struct icmp_filter {
    uint32_t data;
  } filter = {~(1u << ICMP_ECHOREPLY)};
  succeeds("replies only", setsockopt(fd, SOL_RAW, 1, &filter, sizeof filter));
  struct icmp_filter now = {0};
  length = sizeof now;
  must(getsockopt(fd, SOL_RAW, 1, &now, &length));
  equal("as it was set", now.data == filter.data && length == 4, 1);
  echo_request(&m, 6);
  must(sendto(fd, &m, sizeof m, 0, (void*)&a, sizeof a));
  must(recv(fd, buffer, sizeof buffer, 0));
  equal("only the reply", got->icmp_type, ICMP_ECHOREPLY);
  fails("nothing else", get(fd), EAGAIN);
  int other = raw(IPPROTO_UDP);
  fails("no filter for others", setsockopt(other, SOL_RAW, 1, &filter, sizeof filter), EOPNOTSUPP);
  fails("nor to ask for", getsockopt(other, SOL_RAW, 1, &now, &length), EOPNOTSUPP);
  close(other);
  int ttl = 9;
  must(setsockopt(fd, IPPROTO_IP, IP_TTL, &ttl, sizeof ttl));
  filter.data = 0;
  must(setsockopt(fd, SOL_RAW, 1, &filter, sizeof filter));
  must(sendto(fd, &m, sizeof m, 0, (void*)&a, sizeof a));
  must(recv(fd, buffer, sizeof buffer, 0));
  equal("own time to live", ip->ttl, 9);
  must(recv(fd, buffer, sizeof buffer, 0));
  equal("but not the reply's", ip->ttl, 64);
  close(fd);
}

static void seeing_udp(void) {
  int fd = raw(IPPROTO_UDP), icmp = raw(IPPROTO_ICMP);
  int server = udp("127.0.0.1", 4001), client = udp("127.0.0.1", 4002);
  struct sockaddr_in a = at("127.0.0.1", 4001);
  must(sendto(client, "hello", 5, 0, (void*)&a, sizeof a));
  equal("a datagram passes", recv(fd, buffer, sizeof buffer, 0), 33);
  struct udphdr* u = (void*)(buffer + 20);
  equal("from", ntohs(u->source), 4002);
  equal("to", ntohs(u->dest), 4001);
  equal("length", ntohs(u->len), 13);
  holds("text", memcmp(buffer + 28, "hello", 5) == 0);
  equal("and arrives", recv(server, buffer, sizeof buffer, 0), 5);
  a.sin_port = htons(4003);
  must(sendto(client, "nobody", 6, 0, (void*)&a, sizeof a));
  equal("an answer to a lost one", recv(icmp, buffer, sizeof buffer, 0), 20 + 8 + 34);
  equal("unreachable", buffer[20], ICMP_DEST_UNREACH);
  equal("the port", buffer[21], ICMP_PORT_UNREACH);
  equal("checksum", sum(buffer + 20, 42), 0);
  holds("quoted", buffer[28] == 0x45 && memcmp(buffer + 56, "nobody", 6) == 0);
  must(recv(fd, buffer, sizeof buffer, 0));
  // The other way: a datagram made by hand.
  unsigned char packet[8 + 3] = {4004 >> 8, 4004 & 255, 4001 >> 8, 4001 & 255, 0, 11, 0, 0, 'r', 'a', 'w'};
  equal("send one made by hand", sendto(fd, packet, sizeof packet, 0, (void*)&a, sizeof a), 11);
  struct sockaddr_in from;
  socklen_t length = sizeof from;
  equal("received", recvfrom(server, buffer, sizeof buffer, 0, (void*)&from, &length), 3);
  holds("its text", memcmp(buffer, "raw", 3) == 0);
  equal("its port", ntohs(from.sin_port), 4004);
  must(recv(fd, buffer, sizeof buffer, 0));
  // With its IP header too.
  int own = raw(IPPROTO_RAW);
  unsigned char whole[20 + 11] = {0x45, 0, 0, 0, 0, 0, 0, 0, 33, 17, 0, 0, 127, 0, 0, 5, 127, 0, 0, 1};
  memcpy(whole + 20, packet, sizeof packet);
  equal("send a whole one", sendto(own, whole, sizeof whole, 0, (void*)&a, sizeof a), 31);
  must(recvfrom(server, buffer, sizeof buffer, 0, (void*)&from, &length));
  holds("from where it says", from.sin_addr.s_addr == inet_addr("127.0.0.5"));
  must(recv(fd, buffer, sizeof buffer, 0));
  equal("length filled in", ntohs(((struct iphdr*)buffer)->tot_len), 31);
  equal("checksum filled in", sum(buffer, 20), 0);
  equal("time to live kept", buffer[8], 33);
  memset(whole + 12, 0, 4);
  must(sendto(own, whole, sizeof whole, 0, (void*)&a, sizeof a));
  must(recvfrom(server, buffer, sizeof buffer, 0, (void*)&from, &length));
  holds("source filled in", from.sin_addr.s_addr == htonl(INADDR_LOOPBACK));
  fails("shorter than a header", sendto(own, whole, 19, 0, (void*)&a, sizeof a), EINVAL);
  whole[0] = 0x4f;
  fails("shorter than it says", sendto(own, whole, sizeof whole, 0, (void*)&a, sizeof a), EINVAL);
  fails("never receives", get(own), EAGAIN);
  close(fd), close(icmp), close(server), close(client), close(own);
}

static void choosing(void) {
  int all = raw(253), bound = raw(253), joined = raw(253), icmp = raw(IPPROTO_ICMP);
  struct sockaddr_in a = at("127.0.0.2", 99);
  succeeds("bind", bind(bound, (void*)&a, sizeof a));
  struct sockaddr_in name;
  socklen_t length = sizeof name;
  must(getsockname(bound, (void*)&name, &length));
  equal("the port is not taken", ntohs(name.sin_port), 253);
  a = at("10.1.2.3", 0);
  fails("bind elsewhere", bind(bound, (void*)&a, sizeof a), EADDRNOTAVAIL);
  a = at("127.0.0.9", 0);
  succeeds("connect", connect(joined, (void*)&a, sizeof a));
  fails("a peer without a port is none", getpeername(joined, (void*)&name, &length), ENOTCONN);
  a = at("127.0.0.9", 7);
  must(connect(joined, (void*)&a, sizeof a));
  must(getpeername(joined, (void*)&name, &length));
  equal("the peer's port", ntohs(name.sin_port), 7);
  a = at("127.0.0.1", 0);
  must(sendto(all, "x", 1, 0, (void*)&a, sizeof a));
  equal("all of the protocol", recv(all, buffer, sizeof buffer, 0), 21);
  fails("not for the bound", get(bound), EAGAIN);
  fails("not from the peer", get(joined), EAGAIN);
  fails("known to somebody", get(icmp), EAGAIN);
  a = at("127.0.0.2", 0);
  must(sendto(all, "xy", 2, 0, (void*)&a, sizeof a));
  equal("for the bound", recv(bound, buffer, sizeof buffer, 0), 22);
  must(recv(all, buffer, sizeof buffer, 0));
  equal("to the peer", send(joined, "123", 3, 0), 3);
  must(recv(all, buffer, sizeof buffer, 0));
  equal("whose address is", buffer[19], 9);
  close(all), close(bound), close(joined);
  int odd = raw(IPPROTO_RAW);
  unsigned char whole[24] = {0x45, 0, 0, 0, 0, 0, 0, 0, 33, 254, 0, 0, 0, 0, 0, 0, 127, 0, 0, 1};
  a = at("127.0.0.1", 0);
  must(sendto(odd, whole, sizeof whole, 0, (void*)&a, sizeof a));
  equal("known to nobody", recv(icmp, buffer, sizeof buffer, 0), 20 + 8 + 24);
  equal("unreachable protocol", buffer[20] * 100 + buffer[21], 302);
  close(odd), close(icmp);
}

static void version6(void) {
  struct sockaddr_in6 a = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
  int fd = must(socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6));
  struct icmp6_hdr m = {.icmp6_type = ICMP6_ECHO_REQUEST, .icmp6_id = htons(5), .icmp6_seq = htons(6)};
  equal("ask ::1", sendto(fd, &m, sizeof m, 0, (void*)&a, sizeof a), 8);
  equal("without header", recv(fd, buffer, sizeof buffer, 0), 8);
  equal("the request", buffer[0], ICMP6_ECHO_REQUEST);
  holds("with a checksum", (buffer[2] | buffer[3]) != 0);
  equal("the reply by ::1", recv(fd, buffer, sizeof buffer, 0), 8);
  equal("its type", buffer[0], ICMP6_ECHO_REPLY);
  holds("its identifier", buffer[5] == 5 && buffer[7] == 6);
  struct icmp6_filter filter;
  ICMP6_FILTER_SETBLOCKALL(&filter);
  ICMP6_FILTER_SETPASS(ICMP6_ECHO_REPLY, &filter);
  succeeds("replies of version 6 only", setsockopt(fd, IPPROTO_ICMPV6, ICMP6_FILTER, &filter, sizeof filter));
  must(sendto(fd, &m, sizeof m, 0, (void*)&a, sizeof a));
  must(recv(fd, buffer, sizeof buffer, 0));
  equal("a reply only", buffer[0], ICMP6_ECHO_REPLY);
  int at = 2;
  fails("always at 2", setsockopt(fd, IPPROTO_IPV6, IPV6_CHECKSUM, &at, sizeof at), EINVAL);
  socklen_t length = sizeof at;
  must(getsockopt(fd, SOL_RAW, IPV6_CHECKSUM, &at, &length));
  equal("which is", at, 2);
  close(fd);
  fd = must(socket(AF_INET6, SOCK_RAW, 252));
  must(getsockopt(fd, IPPROTO_IPV6, IPV6_CHECKSUM, &at, &length));
  equal("none for others", at, -1);
  at = 3;
  fails("odd", setsockopt(fd, SOL_RAW, IPV6_CHECKSUM, &at, sizeof at), EINVAL);
  at = 4;
  succeeds("even", setsockopt(fd, SOL_RAW, IPV6_CHECKSUM, &at, sizeof at));
  fails("no room for it", sendto(fd, "12345", 5, 0, (void*)&a, sizeof a), EINVAL);
  must(sendto(fd, "1234\0\0", 6, 0, (void*)&a, sizeof a));
  equal("filled in", recv(fd, buffer, sizeof buffer, 0), 6);
  holds("there", memcmp(buffer, "1234", 4) == 0 && (buffer[4] | buffer[5]) != 0);
  close(fd);
}

int main(void) {
  making();
  pinging();
  seeing_udp();
  choosing();
  version6();
  return check_done();
}
