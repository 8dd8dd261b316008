// Netlink sockets (netlink(7), rtnetlink(7), sock_diag(7)): names, dumps, malformed and truncated messages.
#include "net.h"
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <sys/un.h>

static char buffer[65536];

static int open_netlink(int protocol) {
  return must(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol));
}

// The error of the answer to `request`: 0 an acknowledgement, 1 another message, -1 none.
static int error_of(int s) {
  int n = recv(s, buffer, sizeof buffer, MSG_DONTWAIT);
  struct nlmsghdr* h = (void*)buffer;
  if (n < 0) return -1;
  if (h->nlmsg_type == NLMSG_ERROR) return -((struct nlmsgerr*)NLMSG_DATA(h))->error;
  return 1;
}

static void names(void) {
  fails("stream", socket(AF_NETLINK, SOCK_STREAM, NETLINK_ROUTE), ESOCKTNOSUPPORT);
  fails("no such protocol", socket(AF_NETLINK, SOCK_RAW, 40), EPROTONOSUPPORT);
  int s = open_netlink(NETLINK_ROUTE);
  struct sockaddr_nl a = {.nl_family = AF_NETLINK};
  socklen_t length = sizeof a;
  must(getsockname(s, (void*)&a, &length));
  equal("no port yet", a.nl_pid, 0);
  a = (struct sockaddr_nl){.nl_family = AF_NETLINK};
  fails("short", bind(s, (void*)&a, 8), EINVAL);
  fails("family", bind(s, (void*)&(struct sockaddr_nl){.nl_family = AF_INET}, sizeof a), EINVAL);
  must(bind(s, (void*)&a, sizeof a));
  must(getsockname(s, (void*)&a, &length));
  equal("the process id", a.nl_pid, getpid());
  int t = open_netlink(NETLINK_ROUTE);
  fails("taken", bind(t, (void*)&a, sizeof a), EADDRINUSE);
  a.nl_pid = 0;
  must(bind(t, (void*)&a, sizeof a));
  must(getsockname(t, (void*)&a, &length));
  holds("another", a.nl_pid != getpid() && a.nl_pid != 0);
  a.nl_pid++;
  fails("changed", bind(t, (void*)&a, sizeof a), EINVAL);
  fails("listen", listen(t, 1), EOPNOTSUPP);
  fails("accept", accept(t, NULL, NULL), EOPNOTSUPP);
  fails("shutdown", shutdown(t, SHUT_RD), EOPNOTSUPP);
  struct sockaddr_nl peer = {.nl_family = AF_NETLINK, .nl_pid = 77777};
  fails("other processes are for the privileged", sendto(t, "0123456789012345", 16, 0, (void*)&peer, sizeof peer), EPERM);
  close(s), close(t);
}

static void malformed(void) {
  int s = open_netlink(NETLINK_ROUTE);
  struct {
    struct nlmsghdr h;
    struct rtgenmsg g;
  } q = {{sizeof q, RTM_GETLINK, NLM_F_REQUEST | NLM_F_DUMP, 1, 0}, {AF_UNSPEC}};
  fails("empty", send(s, &q, 0, 0), ENODATA);
  equal("shorter than a header", send(s, &q, 10, 0), 10);
  equal("no answer", error_of(s), -1);
  q.h.nlmsg_len = 8;
  must(send(s, &q, sizeof q, 0));
  equal("a length below the header's", error_of(s), -1);
  q.h.nlmsg_len = 1000;
  must(send(s, &q, sizeof q, 0));
  equal("a length beyond the end", error_of(s), -1);
  q.h.nlmsg_len = sizeof q;
  q.h.nlmsg_type = 999;
  must(send(s, &q, sizeof q, 0));
  equal("unknown type", error_of(s), EOPNOTSUPP);
  q.h.nlmsg_type = RTM_GETLINK;
  q.h.nlmsg_flags = 0;
  must(send(s, &q, sizeof q, 0));
  equal("not a request", error_of(s), -1);
  q.h.nlmsg_type = NLMSG_NOOP;
  q.h.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
  must(send(s, &q, sizeof q, 0));
  equal("a control message is acknowledged", error_of(s), 0);
  q.h.nlmsg_type = RTM_NEWLINK;
  must(send(s, &q, sizeof q, 0));
  equal("changes are refused", error_of(s), EPERM);
  struct {
    struct nlmsghdr h;
    struct ifinfomsg i;
    struct rtattr a;
    char name[12];
  } g = {{sizeof g, RTM_GETLINK, NLM_F_REQUEST, 7, 0}, {.ifi_family = AF_UNSPEC}, {8, IFLA_IFNAME}, "lo"};
  must(send(s, &g, sizeof g, 0));
  equal("by name", error_of(s), 1);
  g.a.rta_len = 12;
  strcpy(g.name, "nothere");
  must(send(s, &g, sizeof g, 0));
  equal("no such name", error_of(s), ENODEV);
  // Two requests in one datagram.
  struct nlmsghdr two[2] = {{16, NLMSG_NOOP, NLM_F_REQUEST | NLM_F_ACK, 1, 0}, {16, NLMSG_NOOP, NLM_F_REQUEST | NLM_F_ACK, 2, 0}};
  must(send(s, two, sizeof two, 0));
  equal("first", error_of(s), 0);
  equal("second", error_of(s), 0);
  // A short buffer: the rest is lost, its length is told.
  q.h = (struct nlmsghdr){sizeof q, RTM_GETADDR, NLM_F_REQUEST | NLM_F_DUMP, 3, 0};
  must(send(s, &q, sizeof q, 0));
  struct iovec v = {buffer, 20};
  struct sockaddr_nl from;
  struct msghdr m = {.msg_name = &from, .msg_namelen = sizeof from, .msg_iov = &v, .msg_iovlen = 1};
  int whole = recv(s, buffer, 20, MSG_PEEK | MSG_TRUNC);
  holds("real length", whole > 20);
  equal("cut", recvmsg(s, &m, 0), 20);
  equal("MSG_TRUNC", m.msg_flags, MSG_TRUNC);
  equal("from the kernel", from.nl_pid, 0);
  equal("sender's name", m.msg_namelen, sizeof from);
  close(s);
}

// All messages of a dump: their number, and whether it ended with NLMSG_DONE.
static int dump(int s, int type, void (*each)(struct nlmsghdr*)) {
  int count = 0;
  for (;;) {
    int n = must(recv(s, buffer, sizeof buffer, 0));
    for (struct nlmsghdr* h = (void*)buffer; NLMSG_OK(h, n); h = NLMSG_NEXT(h, n)) {
      if (h->nlmsg_type == NLMSG_DONE) return count;
      if (h->nlmsg_type != type) return -h->nlmsg_type;
      if (!(h->nlmsg_flags & NLM_F_MULTI)) return -1000;
      count++;
      if (each) each(h);
    }
  }
}

static void dumps(void) {
  int s = open_netlink(NETLINK_ROUTE);
  static const struct { const char* name; int type, answer, family; } all[] = {
      {"links", RTM_GETLINK, RTM_NEWLINK, AF_UNSPEC}, {"addresses", RTM_GETADDR, RTM_NEWADDR, AF_UNSPEC},
      {"v4 addresses", RTM_GETADDR, RTM_NEWADDR, AF_INET}, {"v6 addresses", RTM_GETADDR, RTM_NEWADDR, AF_INET6},
      {"v4 routes", RTM_GETROUTE, RTM_NEWROUTE, AF_INET},
      {"v4 rules", RTM_GETRULE, RTM_NEWRULE, AF_INET}, {"v6 rules", RTM_GETRULE, RTM_NEWRULE, AF_INET6}};
  for (unsigned i = 0; i < sizeof all / sizeof all[0]; i++) {
    struct {
      struct nlmsghdr h;
      struct rtmsg r;
    } q = {{sizeof q, all[i].type, NLM_F_REQUEST | NLM_F_DUMP, 9, 0}, {.rtm_family = all[i].family}};
    must(send(s, &q, sizeof q, 0));
    say("ok %s: %d\n", all[i].name, dump(s, all[i].answer, NULL));
  }
  close(s);
}

static int port, seen_listeners, seen_queue, inode;
static void each_inet(struct nlmsghdr* h) {
  struct inet_diag_msg* m = NLMSG_DATA(h);
  if (m->idiag_state != TCP_LISTEN || ntohs(m->id.idiag_sport) != port) return;
  seen_listeners++;
  seen_queue = m->idiag_rqueue * 100 + m->idiag_wqueue;
  inode = m->idiag_inode;
}
static int unix_seen;
static void each_unix(struct nlmsghdr* h) {
  struct unix_diag_msg* m = NLMSG_DATA(h);
  int rest = h->nlmsg_len - NLMSG_LENGTH(sizeof *m);
  for (struct rtattr* a = (void*)(m + 1); RTA_OK(a, rest); a = RTA_NEXT(a, rest))
    if (a->rta_type == UNIX_DIAG_NAME && memcmp(RTA_DATA(a), "\0diagnosed", 10) == 0)
      unix_seen = m->udiag_type * 100 + m->udiag_state;
}

static void diagnosis(void) {
  int l = listener(6), c = must(socket(AF_INET, SOCK_STREAM, 0));
  port = port_of(l);
  must(connect_to(c, name_of(l)));
  int s = open_netlink(NETLINK_SOCK_DIAG);
  struct {
    struct nlmsghdr h;
    struct inet_diag_req_v2 r;
  } q = {{sizeof q, SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST | NLM_F_DUMP, 1, 0},
         {.sdiag_family = AF_INET, .sdiag_protocol = IPPROTO_TCP, .idiag_states = 1 << TCP_LISTEN}};
  must(send(s, &q, sizeof q, 0));
  holds("listeners", dump(s, SOCK_DIAG_BY_FAMILY, each_inet) >= 1);
  equal("ours", seen_listeners, 1);
  equal("one waits of six", seen_queue, 106);
  struct stat st;
  must(fstat(l, &st));
  equal("inode", inode, st.st_ino);
  q.h.nlmsg_flags = NLM_F_REQUEST;
  q.r.id.idiag_sport = htons(port_of(c)), q.r.id.idiag_dport = htons(port);
  q.r.id.idiag_src[0] = q.r.id.idiag_dst[0] = htonl(INADDR_LOOPBACK);
  q.r.id.idiag_cookie[0] = q.r.id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
  must(send(s, &q, sizeof q, 0));
  equal("one connection", error_of(s), 1);
  struct inet_diag_msg* m = NLMSG_DATA((struct nlmsghdr*)buffer);
  equal("established", m->idiag_state, TCP_ESTABLISHED);
  q.r.id.idiag_sport = htons(1);
  q.r.id.idiag_dport = htons(2);
  must(send(s, &q, sizeof q, 0));
  equal("no such connection", error_of(s), ENOENT);
  q.r.sdiag_family = 200;
  must(send(s, &q, sizeof q, 0));
  equal("no such family", error_of(s), EINVAL);
  q.r.sdiag_family = AF_INET;
  q.h.nlmsg_len = sizeof q.h + 4;
  must(send(s, &q, q.h.nlmsg_len, 0));
  equal("short", error_of(s), EINVAL);
  int u = must(socket(AF_UNIX, SOCK_SEQPACKET, 0));
  struct sockaddr_un a = {AF_UNIX, "\0diagnosed"};
  must(bind(u, (void*)&a, 12));
  must(listen(u, 3));
  struct {
    struct nlmsghdr h;
    struct unix_diag_req r;
  } x = {{sizeof x, SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST | NLM_F_DUMP, 1, 0},
         {.sdiag_family = AF_UNIX, .udiag_states = -1, .udiag_show = UDIAG_SHOW_NAME}};
  must(send(s, &x, sizeof x, 0));
  holds("AF_UNIX", dump(s, SOCK_DIAG_BY_FAMILY, each_unix) >= 1);
  equal("type and state", unix_seen, SOCK_SEQPACKET * 100 + TCP_LISTEN);
  close(u), close(s), close(c), close(l);
}

int main(void) {
  names();
  malformed();
  dumps();
  diagnosis();
  return check_done();
}
