// What comes back of what was sent (SO_TIMESTAMPING, MSG_ZEROCOPY), when things arrived, and ancillary data of sends.
#include "net.h"
#include <linux/errqueue.h>
#include <linux/net_tstamp.h>

#ifndef SO_ZEROCOPY
#define SO_ZEROCOPY 60
#endif
#ifndef MSG_ZEROCOPY
#define MSG_ZEROCOPY 0x4000000
#endif
#define OPT_ID_TCP (1 << 16)
#ifndef SO_TXTIME
#define SO_TXTIME 61
#endif

static struct timespec stamp;
static struct sock_extended_err ee;
static char control[400], data[70000];

// The messages that came with something: levels, types and lengths.
static long receive(int fd, int flags, const char* what) {
  struct iovec v = {data, sizeof data};
  union address name;
  struct msghdr m = {&name, sizeof name, &v, 1, control, sizeof control, 0};
  long n = recvmsg(fd, &m, flags | MSG_DONTWAIT);
  if (n < 0) {
    say("ok %s: %s\n", what, strerrorname_np(errno));
    return n;
  }
  char line[300];
  int at = 0;
  line[0] = 0;
  for (struct cmsghdr* c = CMSG_FIRSTHDR(&m); c != NULL; c = CMSG_NXTHDR(&m, c)) {
    at += sprintf(line + at, " %d/%d:%d", c->cmsg_level, c->cmsg_type, (int)(c->cmsg_len - CMSG_LEN(0)));
    if (c->cmsg_level == SOL_SOCKET && (c->cmsg_type == SO_TIMESTAMPING || c->cmsg_type == SO_TIMESTAMPNS))
      memcpy(&stamp, CMSG_DATA(c), sizeof stamp);
    if (c->cmsg_level != SOL_SOCKET)
      memcpy(&ee, CMSG_DATA(c), sizeof ee);
  }
  say("ok %s: flags %#x name %d%s\n", what, m.msg_flags, flags == 0 ? 0 : (int)m.msg_namelen, line);
  return n;
}

static int is_now(void) {
  return labs(stamp.tv_sec - time(NULL)) < 60;
}

static void entry(const char* what) {
  say("ok %s: errno %d origin %d type %d code %d info %u data %u\n", what, ee.ee_errno, ee.ee_origin, ee.ee_type,
      ee.ee_code, ee.ee_info, ee.ee_data);
}

static int events(int fd) {
  struct pollfd p = {fd, POLLIN | POLLPRI, 0};
  must(poll(&p, 1, 0));
  return p.revents;
}

static void settle(int fd) {
  struct pollfd p = {fd, 0, 0};
  poll(&p, 1, 3000);
}

static void arrivals(void) {
  int r = udp4(), s = udp4(), port = port_of(r);
  must(set(r, SOL_SOCKET, SO_TIMESTAMPING, SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE));
  must(send_to(s, "a", 1, 0, ip4(INADDR_LOOPBACK, port)));
  equal("one", receive(r, 0, "with three times"), 1);
  holds("now", is_now());
  must(set(r, SOL_SOCKET, SO_TIMESTAMPNS, 1));
  must(send_to(s, "a", 1, 0, ip4(INADDR_LOOPBACK, port)));
  equal("one", receive(r, 0, "with four"), 1);
  must(set(r, SOL_SOCKET, SO_TIMESTAMP, 1));
  equal("one kind at a time", option(r, SOL_SOCKET, SO_TIMESTAMPNS), 0);
  must(set(r, SOL_SOCKET, SO_TIMESTAMP, 0));
  must(set(r, SOL_SOCKET, SO_TIMESTAMPING, SOF_TIMESTAMPING_RX_SOFTWARE));
  must(send_to(s, "a", 1, 0, ip4(INADDR_LOOPBACK, port)));
  equal("one", receive(r, 0, "not reported"), 1);
  must(set(r, SOL_SOCKET, 65, SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE));
  must(send_to(s, "a", 1, 0, ip4(INADDR_LOOPBACK, port)));
  equal("one", receive(r, 0, "the new number"), 1);
  close(r), close(s);
}

static void departures(int family) {
  int r = family == AF_INET ? udp4() : must(socket(AF_INET6, SOCK_DGRAM, 0)), s = must(socket(family, SOCK_DGRAM, 0));
  if (family == AF_INET6)
    must(bind_to(r, ip6("::1", 0)));
  union address to = name_of(r);
  must(set(s, SOL_SOCKET, SO_TIMESTAMPING,
           SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE | SOF_TIMESTAMPING_OPT_TSONLY | SOF_TIMESTAMPING_OPT_ID));
  equal("nothing yet", events(s), 0);
  must(send_to(s, "first", 5, 0, to));
  must(send_to(s, "second", 6, 0, to));
  settle(s);
  equal("an error's bit", events(s), POLLERR);
  equal("no error", option(s, SOL_SOCKET, SO_ERROR), 0);
  equal("empty", receive(s, MSG_ERRQUEUE, "when it went"), 0);
  entry("the first");
  holds("now", is_now());
  equal("empty", receive(s, MSG_ERRQUEUE, "when it went"), 0);
  entry("the second");
  receive(s, MSG_ERRQUEUE, "no more");
  equal("no bit", events(s), 0);
  must(set(s, SOL_SOCKET, SO_SELECT_ERR_QUEUE, 1));
  must(set(s, SOL_SOCKET, SO_TIMESTAMPING,
           SOF_TIMESTAMPING_TX_SCHED | SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE | SOF_TIMESTAMPING_OPT_TSONLY));
  must(send_to(s, "both", 4, 0, to));
  settle(s);
  equal("for select too", events(s), POLLERR | POLLPRI);
  equal("empty", receive(s, MSG_ERRQUEUE, "when it was to go"), 0);
  entry("scheduled");
  equal("empty", receive(s, MSG_ERRQUEUE, "when it went"), 0);
  entry("sent");
  close(r), close(s);
}

static void flags_of(int fd, const char* name) {
  static const unsigned flags[] = {0, 1, 2, 0x80, 0x10080, 0x10000, 0x1000, 0x1800, 0x8000, 0x40000, 0x80000, 0xffffffff};
  for (unsigned i = 0; i < sizeof flags / sizeof *flags; i++) {
    int value = set(fd, SOL_SOCKET, SO_TIMESTAMPING, flags[i]) == 0 ? 0 : errno;
    say("ok %s %#x: %s then %#x %#x\n", name, flags[i], value == 0 ? "taken" : strerrorname_np(value),
        option(fd, SOL_SOCKET, SO_TIMESTAMPING), option(fd, SOL_SOCKET, 65));
  }
}

static void pair(int* a, int* b) {
  int s[2];
  tcp_pair(s);
  *a = s[0], *b = s[1];
}

static void streams(void) {
  int a, b, s = must(socket(AF_INET, SOCK_STREAM, 0));
  flags_of(s, "stream");
  close(s);
  pair(&a, &b);
  flags_of(a, "connected");
  must(set(a, SOL_SOCKET, SO_TIMESTAMPING, 0));
  must(send(a, "12345", 5, 0));
  must(set(a, SOL_SOCKET, SO_TIMESTAMPING,
           SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_TX_ACK | SOF_TIMESTAMPING_SOFTWARE |
               SOF_TIMESTAMPING_OPT_TSONLY | SOF_TIMESTAMPING_OPT_ID | OPT_ID_TCP));
  must(send(a, "1234567", 7, 0));
  settle(a);
  equal("empty", receive(a, MSG_ERRQUEUE, "when it went"), 0);
  entry("sent");
  equal("empty", receive(a, MSG_ERRQUEUE, "when it had arrived"), 0);
  entry("arrived");
  must(set(b, SOL_SOCKET, SO_TIMESTAMPNS, 1));
  must(send(a, "stamped", 7, 0));
  equal("read", receive(b, 0, "a stream's time"), 19);
  holds("now", is_now());
  close(a), close(b);
}

static void zero_copy(void) {
  int a, b, s = udp4(), r = udp4(), one = 1;
  pair(&a, &b);
  equal("without the option", send(a, data, 1000, MSG_ZEROCOPY), 1000);
  receive(a, MSG_ERRQUEUE, "nothing");
  fails("twice", set(a, SOL_SOCKET, SO_ZEROCOPY, 2), EINVAL);
  succeeds("once", set(a, SOL_SOCKET, SO_ZEROCOPY, 1));
  equal("it says so", option(a, SOL_SOCKET, SO_ZEROCOPY), 1);
  for (int i = 0; i < 3; i++)
    must(send(a, data, 4000, MSG_ZEROCOPY));
  equal("all", recv(b, data, 13000, MSG_WAITALL), 13000);
  settle(a);
  equal("an error's bit", events(a) & POLLERR, POLLERR);
  // Of three sends in one message or in several, in their order.
  int ordered = 1, copied = 1;
  for (unsigned next = 0; next < 3; next = ee.ee_data + 1) {
    struct iovec v = {data, 1};
    struct msghdr m = {NULL, 0, &v, 1, control, sizeof control, 0};
    settle(a);
    must(recvmsg(a, &m, MSG_ERRQUEUE));
    memcpy(&ee, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof ee);
    ordered &= ee.ee_info == next && ee.ee_errno == 0 && ee.ee_origin == SO_EE_ORIGIN_ZEROCOPY;
    copied &= ee.ee_code == SO_EE_CODE_ZEROCOPY_COPIED;
  }
  equal("in order", ordered, 1);
  equal("copied", copied, 1);
  equal("nothing to send", send(a, data, 0, MSG_ZEROCOPY), 0);
  receive(a, MSG_ERRQUEUE, "nothing to tell");
  must(set(s, SOL_SOCKET, SO_ZEROCOPY, 1));
  must(connect_to(s, name_of(r)));
  must(send(s, data, 500, MSG_ZEROCOPY));
  must(recv(r, data, 500, 0));
  settle(s);
  equal("empty", receive(s, MSG_ERRQUEUE, "of a datagram"), 0);
  entry("copied");
  int other = must(socket(AF_UNIX, SOCK_STREAM, 0));
  fails("not there", setsockopt(other, SOL_SOCKET, SO_ZEROCOPY, &one, sizeof one), EOPNOTSUPP);
  close(a), close(b), close(s), close(r), close(other);
}

// Sends with one ancillary message: what comes of each level, type and length.
static void controls(int family, int type) {
  static const int kinds[][2] = {{SOL_SOCKET, SCM_RIGHTS},   {SOL_SOCKET, SCM_CREDENTIALS}, {SOL_SOCKET, SO_TIMESTAMPING},
                                 {SOL_SOCKET, SO_TXTIME},    {SOL_SOCKET, SO_MARK},         {SOL_SOCKET, 3},
                                 {IPPROTO_IP, IP_TTL},       {IPPROTO_IP, IP_TOS},          {IPPROTO_IP, IP_PKTINFO},
                                 {IPPROTO_IP, IP_RETOPTS},   {IPPROTO_IP, 52},              {IPPROTO_IP, 99},
                                 {IPPROTO_IPV6, IPV6_HOPLIMIT}, {IPPROTO_IPV6, IPV6_TCLASS}, {IPPROTO_IPV6, IPV6_DONTFRAG},
                                 {IPPROTO_IPV6, 11}, {IPPROTO_IPV6, 99},          {IPPROTO_UDP, UDP_SEGMENT},
                                 {IPPROTO_UDP, 99},          {IPPROTO_TCP, 1},              {999, 999}};
  static const int values[] = {0, 1, 2, 255, 256, -1, -2};
  int r = must(socket(family, type, 0)), s, accepted = -1;
  must(bind_to(r, family == AF_INET ? ip4(INADDR_LOOPBACK, 0) : ip6("::1", 0)));
  if (type == SOCK_STREAM)
    must(listen(r, 1));
  s = must(socket(family, type, 0));
  must(connect_to(s, name_of(r)));
  if (type == SOCK_STREAM)
    accepted = must(accept(r, NULL, NULL));
  for (unsigned i = 0; i < sizeof kinds / sizeof *kinds; i++) {
    char line[600];
    int at = 0;
    for (unsigned length = 0; length <= 16; length += length < 4 ? 1 : 4) {
      for (unsigned v = 0; v < (length == 4 ? sizeof values / sizeof *values : 1); v++) {
        char buffer[CMSG_SPACE(16)] = {0};
        struct cmsghdr* c = (void*)buffer;
        *c = (struct cmsghdr){CMSG_LEN(length), kinds[i][0], kinds[i][1]};
        memcpy(CMSG_DATA(c), &values[v], 4);
        struct iovec io = {data, 4};
        struct msghdr m = {NULL, 0, &io, 1, buffer, CMSG_LEN(length), 0};
        long n = sendmsg(s, &m, MSG_DONTWAIT);
        at += sprintf(line + at, " %s", n >= 0 ? "sent" : strerrorname_np(errno));
      }
    }
    say("ok family %d type %d control %d/%d:%s\n", family, type, kinds[i][0], kinds[i][1], line);
  }
  close(r), close(s);
  if (accepted >= 0)
    close(accepted);
}

static void settings(void) {
  int s = udp4();
  struct { int clock; unsigned flags; } txtime = {CLOCK_MONOTONIC, 2}, got = {9, 9};
  socklen_t length = sizeof got;
  must(getsockopt(s, SOL_SOCKET, SO_TXTIME, &got, &length));
  equal("nothing set", got.clock * 10 + got.flags, 0);
  succeeds("SO_TXTIME", setsockopt(s, SOL_SOCKET, SO_TXTIME, &txtime, sizeof txtime));
  must(getsockopt(s, SOL_SOCKET, SO_TXTIME, &got, &length));
  equal("kept", got.clock * 10 + got.flags, 12);
  txtime.flags = 4;
  fails("unknown flag", setsockopt(s, SOL_SOCKET, SO_TXTIME, &txtime, sizeof txtime), EINVAL);
  txtime.flags = 0, txtime.clock = CLOCK_TAI;
  fails("a clock for the privileged", setsockopt(s, SOL_SOCKET, SO_TXTIME, &txtime, sizeof txtime), EPERM);
  unsigned long rate = 0;
  length = sizeof rate;
  must(getsockopt(s, SOL_SOCKET, SO_MAX_PACING_RATE, &rate, &length));
  equal("no limit", rate == ~0ul && length == 8, 1);
  equal("in an int", option(s, SOL_SOCKET, SO_MAX_PACING_RATE), -1);
  rate = 5000000000;
  must(setsockopt(s, SOL_SOCKET, SO_MAX_PACING_RATE, &rate, sizeof rate));
  must(getsockopt(s, SOL_SOCKET, SO_MAX_PACING_RATE, &rate, &length));
  equal("more than an int", rate, 5000000000);
  equal("as an int", option(s, SOL_SOCKET, SO_MAX_PACING_RATE), -1);
  must(set(s, SOL_SOCKET, SO_MAX_PACING_RATE, 1000));
  must(getsockopt(s, SOL_SOCKET, SO_MAX_PACING_RATE, &rate, &length));
  equal("by an int", rate, 1000);
  close(s);
}

static void sends_of_nothing(void) {
  int a, b;
  pair(&a, &b);
  must(send(b, "last words", 10, 0));
  close(b);
  for (int i = 0; i < 3; i++)
    equal("nothing", send(a, "", 0, 0), 0);
  equal("makes no reset", recv(a, data, 20, 0), 10);
  equal("but an end", recv(a, data, 20, 0), 0);
  equal("and still", send(a, "", 0, 0), 0);
  close(a);
}

/* Linux stamps what arrives only some time after the first socket has asked for it. */
static void begin_stamping(void) {
  must(set(udp4(), SOL_SOCKET, SO_TIMESTAMPING, SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE));
  usleep(300000);
}

int main(void) {
  begin_stamping();
  int s = udp4();
  flags_of(s, "datagram");
  close(s);
  arrivals();
  departures(AF_INET);
  departures(AF_INET6);
  streams();
  zero_copy();
  settings();
  sends_of_nothing();
  controls(AF_INET, SOCK_DGRAM);
  controls(AF_INET6, SOCK_DGRAM);
  controls(AF_INET, SOCK_STREAM);
  return check_done();
}
