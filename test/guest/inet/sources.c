// Whole lists of the sources that are heard in a group (RFC 3678): IP_MSFILTER, MCAST_MSFILTER.
#include "net.h"

#define GROUP 0xe0000177u  // 224.0.1.119

static union {
  struct {
    struct in_addr group, interface;
    uint32_t mode, count;
    struct in_addr sources[10];
  } plain;
  struct group_filter full;
  char room[2000];
} f;
static int generic, name, base, each;

static void fill(unsigned group, int index, int mode, int count, unsigned first, unsigned second) {
  unsigned list[] = {first, second};
  memset(&f, 0, sizeof f);
  if (!generic) {
    f.plain.group.s_addr = htonl(group);
    f.plain.interface.s_addr = htonl(index == 1 ? INADDR_LOOPBACK : 0x01010101);
    f.plain.mode = mode, f.plain.count = count;
    for (int i = 0; i < 2; i++)
      f.plain.sources[i].s_addr = htonl(list[i]);
    return;
  }
  f.full.gf_interface = index, f.full.gf_fmode = mode, f.full.gf_numsrc = count;
  union address a = ip4(group, 0);
  memcpy(&f.full.gf_group, &a, sizeof a.v4);
  for (int i = 0; i < 2; i++) {
    a = ip4(list[i], 0);
    memcpy(&f.room[144 + 128 * i], &a, sizeof a.v4);
  }
}

static int change(int fd, int count) {
  return setsockopt(fd, IPPROTO_IP, name, &f, base + each * count);
}

static int join(int s, unsigned group) {
  struct ip_mreqn r = {.imr_multiaddr.s_addr = htonl(group), .imr_ifindex = 1};
  return setsockopt(s, IPPROTO_IP, IP_ADD_MEMBERSHIP, &r, sizeof r);
}
// What recv of one datagram answers, soon: its length or the errno.
static int gets(int s) {
  char byte[8];
  struct pollfd p = {s, POLLIN, 0};
  poll(&p, 1, 200);
  int n = recv(s, byte, sizeof byte, MSG_DONTWAIT);
  return n < 0 ? -errno : n;
}

static void lists(void) {
  int r = must(socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0)), s = udp4(), t = must(socket(AF_INET, SOCK_DGRAM, 0));
  must(bind_to(r, ip4(INADDR_ANY, 0)));
  must(bind_to(t, ip4(INADDR_LOOPBACK + 5, 0)));
  int port = port_of(r);
  fill(GROUP, 1, MCAST_INCLUDE, 1, INADDR_LOOPBACK, 0);
  fails("not in the group", change(r, 1), EINVAL);
  socklen_t length = sizeof f;
  fails("so nothing to ask", getsockopt(r, IPPROTO_IP, name, &f, &length), EADDRNOTAVAIL);
  must(join(r, GROUP));
  fill(GROUP, 1, MCAST_INCLUDE, 2, INADDR_LOOPBACK + 9, INADDR_LOOPBACK + 8);
  fails("less than it says", change(r, 1), EINVAL);
  succeeds("only others", change(r, 2));
  must(send_to(s, "a", 1, 0, ip4(GROUP, port)));
  equal("not heard", gets(r), -EAGAIN);
  fill(GROUP, 1, 9, 1, 0, 0);
  length = base + each;
  succeeds("ask", getsockopt(r, IPPROTO_IP, name, &f, &length));
  equal("as much as there is room for", length, base + each);
  equal("of two", generic ? f.full.gf_numsrc : f.plain.count, 2);
  equal("included", generic ? f.full.gf_fmode : f.plain.mode, MCAST_INCLUDE);
  equal("the first", ntohl(generic ? ((struct sockaddr_in*)&f.room[144])->sin_addr.s_addr : f.plain.sources[0].s_addr),
        INADDR_LOOPBACK + 9);
  length = base - 1;
  fails("no room", getsockopt(r, IPPROTO_IP, name, &f, &length), EINVAL);
  fill(GROUP, 1, MCAST_EXCLUDE, 1, INADDR_LOOPBACK, 0);
  succeeds("all but one", change(r, 1));
  must(send_to(s, "a", 1, 0, ip4(GROUP, port)));
  equal("that one", gets(r), -EAGAIN);
  fill(GROUP, 1, MCAST_EXCLUDE, 0, 0, 0);
  succeeds("all", change(r, 0));
  must(send_to(t, "ab", 2, 0, ip4(GROUP, port)));
  equal("heard", gets(r), 2);
  fill(GROUP, 1, 2, 0, 0, 0);
  fails("neither", change(r, 0), EINVAL);
  fill(GROUP, 7, MCAST_EXCLUDE, 0, 0, 0);
  fails("elsewhere", change(r, 0), ENODEV);
  length = sizeof f;
  fails("nor there", getsockopt(r, IPPROTO_IP, name, &f, &length), generic ? EADDRNOTAVAIL : ENODEV);
  fill(INADDR_LOOPBACK, 1, MCAST_EXCLUDE, 0, 0, 0);
  fails("no group", change(r, 0), EINVAL);
  fill(GROUP, 1, MCAST_EXCLUDE, 11, 0, 0);
  fails("too many", setsockopt(r, IPPROTO_IP, name, &f, 16 + 128 * 11), ENOBUFS);
  fill(GROUP, 1, MCAST_INCLUDE, 0, 0, 0);
  succeeds("leave", change(r, 0));
  fails("left", change(r, 0), EADDRNOTAVAIL);
  close(r), close(s), close(t);
}


static void streams(void) {
  int s = must(socket(AF_INET, SOCK_STREAM, 0));
  socklen_t length = sizeof f;
  fill(GROUP, 1, MCAST_INCLUDE, 0, 0, 0);
  fails("in no group", change(s, 0), EADDRNOTAVAIL);
  fill(GROUP, 1, MCAST_EXCLUDE, 0, 0, 0);
  fails("to change", change(s, 0), EINVAL);
  fails("or to ask about", getsockopt(s, IPPROTO_IP, name, &f, &length), EADDRNOTAVAIL);
  close(s);
}

int main(void) {
  for (generic = 0; generic < 2; generic++) {
    name = generic ? MCAST_MSFILTER : IP_MSFILTER;
    base = generic ? 144 : 16, each = generic ? 128 : 4;
    lists();
    streams();
  }
  return check_done();
}
