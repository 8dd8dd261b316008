// UDP over loopback (udp(7)): addresses, connect, errors, truncation, ancillary data, multicast, netlink.
#include "../check.h"
#include <arpa/inet.h>
#include <ifaddrs.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

static char big[1 << 17];
static struct sockaddr_in in4;
#define A4 ((struct sockaddr*)&in4)
static socklen_t len;

static void address4(unsigned ip, int port) {
  memset(&in4, 0, sizeof in4);
  in4.sin_family = AF_INET;
  in4.sin_addr.s_addr = htonl(ip);
  in4.sin_port = htons(port);
}
static int port_of(int s) {
  struct sockaddr_storage a;
  socklen_t l = sizeof a;
  must(getsockname(s, (struct sockaddr*)&a, &l));
  return ntohs(((struct sockaddr_in*)&a)->sin_port);
}
static int set(int s, int level, int name, int v) {
  return setsockopt(s, level, name, &v, sizeof v);
}
static int readiness(int fd) {
  struct pollfd p = {fd, POLLIN | POLLOUT, 0};
  poll(&p, 1, 0);
  return p.revents;
}
static int bound(void) {
  int s = must(socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0));
  address4(INADDR_LOOPBACK, 0);
  must(bind(s, A4, sizeof in4));
  return s;
}

static void datagrams(void) {
  int a = bound(), b = must(socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0));
  equal("idle", readiness(a), POLLOUT);
  fails("nothing there", recv(a, big, 1, 0), EAGAIN);
  fails("nowhere to", send(b, "x", 1, 0), EDESTADDRREQ);
  address4(INADDR_LOOPBACK, port_of(a));
  equal("sendto", sendto(b, "hello", 5, 0, A4, sizeof in4), 5);
  holds("bound by sending", port_of(b) != 0);
  equal("readable", readiness(a), POLLIN | POLLOUT);
  int n;
  must(ioctl(a, FIONREAD, &n));
  equal("FIONREAD", n, 5);
  len = sizeof in4;
  equal("recvfrom", recvfrom(a, big, 100, 0, A4, &len), 5);
  holds("sender", len == sizeof in4 && ntohs(in4.sin_port) == port_of(b) &&
                      in4.sin_addr.s_addr == htonl(INADDR_LOOPBACK));
  equal("empty", sendto(a, "", 0, 0, A4, sizeof in4), 0);
  equal("empty arrives", recv(b, big, 10, 0), 0);
  equal("longest", sendto(a, big, 65507, 0, A4, sizeof in4), 65507);
  equal("longest arrives", recv(b, big, sizeof big, 0), 65507);
  fails("too long", sendto(a, big, 65508, 0, A4, sizeof in4), EMSGSIZE);
  must(sendto(a, "0123456789", 10, 0, A4, sizeof in4));
  equal("real length", recv(b, big, 3, MSG_PEEK | MSG_TRUNC), 10);
  equal("cut", recv(b, big, 3, 0), 3);
  in4.sin_port = 0;
  fails("port 0", sendto(a, "x", 1, 0, A4, sizeof in4), EINVAL);
  address4(0xffffffff, 9);
  fails("broadcast without leave", sendto(a, "x", 1, 0, A4, sizeof in4), EACCES);
  fails("listen", listen(a, 1), EOPNOTSUPP);
  fails("shutdown unconnected", shutdown(a, SHUT_RD), ENOTCONN);
  close(a);
  close(b);
}

static void connected(void) {
  int a = bound(), b = bound(), c = bound();
  address4(INADDR_LOOPBACK, port_of(b));
  must(connect(a, A4, sizeof in4));
  equal("send", send(a, "x", 1, 0), 1);
  equal("arrives", recv(b, big, 10, 0), 1);
  address4(INADDR_LOOPBACK, port_of(a));
  equal("from another", sendto(c, "x", 1, 0, A4, sizeof in4), 1);
  fails("is not for a connected socket", recv(a, big, 10, 0), EAGAIN);
  // The stranger hears nothing of it either: it is not connected.
  equal("from the peer", sendto(b, "y", 1, 0, A4, sizeof in4), 1);
  equal("comes", recv(a, big, 10, 0), 1);
  close(b);
  equal("into the void", send(a, "x", 1, 0), 1);
  fails("port unreachable", recv(a, big, 1, 0), ECONNREFUSED);
  fails("told once", recv(a, big, 1, 0), EAGAIN);
  must(send(a, "x", 1, 0));
  fails("by send too", send(a, "x", 1, 0), ECONNREFUSED);
  memset(&in4, 0, sizeof in4);
  must(connect(a, A4, sizeof in4));
  fails("dissolved", send(a, "x", 1, 0), EDESTADDRREQ);
  len = sizeof in4;
  fails("no peer", getpeername(a, A4, &len), ENOTCONN);
  close(a);
  close(c);
}

static void ancillary(void) {
  int a = bound(), b = bound();
  must(set(a, IPPROTO_IP, IP_PKTINFO, 1));
  must(set(a, IPPROTO_IP, IP_RECVTTL, 1));
  must(set(a, IPPROTO_IP, IP_RECVTOS, 1));
  must(set(b, IPPROTO_IP, IP_TTL, 33));
  address4(INADDR_LOOPBACK, port_of(a));
  must(sendto(b, "x", 1, 0, A4, sizeof in4));
  char control[256];
  struct iovec v = {big, 10};
  struct sockaddr_in from;
  struct msghdr m = {.msg_name = &from,
                     .msg_namelen = sizeof from,
                     .msg_iov = &v,
                     .msg_iovlen = 1,
                     .msg_control = control,
                     .msg_controllen = sizeof control};
  equal("recvmsg", recvmsg(a, &m, 0), 1);
  equal("name length", m.msg_namelen, sizeof from);
  int seen = 0;
  for (struct cmsghdr* c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
    if (c->cmsg_level != IPPROTO_IP)
      continue;
    if (c->cmsg_type == IP_PKTINFO) {
      struct in_pktinfo* p = (void*)CMSG_DATA(c);
      equal("interface", p->ipi_ifindex, 1);
      holds("destination", p->ipi_addr.s_addr == htonl(INADDR_LOOPBACK));
      seen |= 1;
    }
    if (c->cmsg_type == IP_TTL)
      equal("ttl", *(int*)CMSG_DATA(c), 33), seen |= 2;
    if (c->cmsg_type == IP_TOS)
      seen |= 4;
  }
  equal("all three", seen, 7);
  m.msg_controllen = 20;
  must(sendto(b, "x", 1, 0, A4, sizeof in4));
  must(recvmsg(a, &m, 0));
  equal("MSG_CTRUNC", m.msg_flags, MSG_CTRUNC);
  close(a);
  close(b);
}

static void groups(void) {
  int a = must(socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0));
  address4(INADDR_ANY, 0);
  must(bind(a, A4, sizeof in4));
  struct ip_mreqn r = {.imr_multiaddr.s_addr = htonl(0xe0000105), .imr_ifindex = 1};
  must(setsockopt(a, IPPROTO_IP, IP_ADD_MEMBERSHIP, &r, sizeof r));
  fails("join twice", setsockopt(a, IPPROTO_IP, IP_ADD_MEMBERSHIP, &r, sizeof r), EADDRINUSE);
  int b = must(socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0));
  must(setsockopt(b, IPPROTO_IP, IP_MULTICAST_IF, &r, sizeof r));
  address4(0xe0000105, port_of(a));
  equal("send to the group", sendto(b, "m", 1, 0, A4, sizeof in4), 1);
  equal("arrives", recv(a, big, 10, 0), 1);
  must(setsockopt(a, IPPROTO_IP, IP_DROP_MEMBERSHIP, &r, sizeof r));
  fails("leave twice", setsockopt(a, IPPROTO_IP, IP_DROP_MEMBERSHIP, &r, sizeof r), EADDRNOTAVAIL);
  int c = bound(), d = must(socket(AF_INET, SOCK_DGRAM, 0));
  address4(INADDR_LOOPBACK, port_of(c));
  fails("in use", bind(d, A4, sizeof in4), EADDRINUSE);
  must(set(c, SOL_SOCKET, SO_REUSEADDR, 1));
  must(set(d, SOL_SOCKET, SO_REUSEADDR, 1));
  succeeds("SO_REUSEADDR shares", bind(d, A4, sizeof in4));
}

static void interfaces(void) {
  int s = must(socket(AF_INET, SOCK_DGRAM, 0));
  struct ifreq r = {.ifr_name = "lo"};
  must(ioctl(s, SIOCGIFINDEX, &r));
  equal("index", r.ifr_ifindex, 1);
  must(ioctl(s, SIOCGIFFLAGS, &r));
  equal("flags", r.ifr_flags & (IFF_UP | IFF_LOOPBACK | IFF_RUNNING), IFF_UP | IFF_LOOPBACK | IFF_RUNNING);
  must(ioctl(s, SIOCGIFADDR, &r));
  holds("address", ((struct sockaddr_in*)&r.ifr_addr)->sin_addr.s_addr == htonl(INADDR_LOOPBACK));
  must(ioctl(s, SIOCGIFNETMASK, &r));
  holds("mask", ((struct sockaddr_in*)&r.ifr_addr)->sin_addr.s_addr == htonl(0xff000000));
  must(ioctl(s, SIOCGIFMTU, &r));
  equal("mtu", r.ifr_mtu, 65536);
  must(ioctl(s, SIOCGIFHWADDR, &r));
  equal("type", r.ifr_hwaddr.sa_family, 772);
  strcpy(r.ifr_name, "none0");
  fails("unknown interface", ioctl(s, SIOCGIFINDEX, &r), ENODEV);
  r.ifr_ifindex = 1;
  must(ioctl(s, SIOCGIFNAME, &r));
  same_text("name", r.ifr_name, "lo");
  struct ifaddrs* list;
  must(getifaddrs(&list));
  int v4 = 0, link = 0;
  for (struct ifaddrs* i = list; i; i = i->ifa_next) {
    if (strcmp(i->ifa_name, "lo") != 0)
      continue;
    if (i->ifa_addr->sa_family == AF_INET)
      v4++;
    if (i->ifa_addr->sa_family == AF_PACKET)
      link++;
  }
  equal("getifaddrs v4", v4, 1);
  equal("getifaddrs link", link, 1);
  int n = must(socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE));
  struct {
    struct nlmsghdr h;
    struct ifinfomsg i;
  } q = {{sizeof q, RTM_GETLINK, NLM_F_REQUEST, 5, 0}, {.ifi_index = 99}};
  must(send(n, &q, sizeof q, 0));
  must(recv(n, big, sizeof big, 0));
  struct nlmsghdr* h = (void*)big;
  equal("error message", h->nlmsg_type, NLMSG_ERROR);
  equal("sequence", h->nlmsg_seq, 5);
  equal("no such device", ((struct nlmsgerr*)NLMSG_DATA(h))->error, -ENODEV);
  q.i.ifi_index = 1;
  must(send(n, &q, sizeof q, 0));
  must(recv(n, big, sizeof big, 0));
  equal("link", h->nlmsg_type, RTM_NEWLINK);
  fails("nothing more", recv(n, big, 1, MSG_DONTWAIT), EAGAIN);
}

int main(void) {
  datagrams();
  connected();
  ancillary();
  groups();
  interfaces();
  return check_done();
}
