// Classic BPF on sockets: what is a program, and what it lets through.
#include "../check.h"
#include <arpa/inet.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#ifndef SO_ATTACH_REUSEPORT_CBPF
#define SO_ATTACH_REUSEPORT_CBPF 51
#endif

static int attach_to(int fd, int option, struct sock_filter* code, int count) {
  struct sock_fprog program = {.len = count, .filter = code};
  return setsockopt(fd, SOL_SOCKET, option, &program, sizeof program);
}
static int attach(int fd, struct sock_filter* code, int count) {
  return attach_to(fd, SO_ATTACH_FILTER, code, count);
}
#define ATTACH(fd, ...)                                          \
  ({                                                             \
    struct sock_filter code[] = {__VA_ARGS__};                   \
    attach(fd, code, sizeof code / sizeof *code);                \
  })

#define STMT(c, k) BPF_STMT(c, (unsigned)(k))
#define ALL STMT(BPF_RET | BPF_K, 0xffffffff)
#define NONE STMT(BPF_RET | BPF_K, 0)

// Every code there could be, with constants that matter, in a program that is otherwise right.
static void codes(void) {
  int fd = must(socket(AF_INET, SOCK_DGRAM, 0));
  static const unsigned ks[] = {0, 1, 3, 4, 15, 16, 31, 32, 33, 0x7fffffff, 0xfffff000, 0xfffff001, 0xfffff03c,
                                0xfffff040, 0xffefffff, 0xfff00000, 0xffffffff};
  unsigned long all = 5381;
  for (unsigned code = 0; code < 0x400; code++) {
    unsigned taken = 0;
    for (unsigned i = 0; i < sizeof ks / sizeof *ks; i++) {
      // Memory is written first, so that reading it is right.
      struct sock_filter program[] = {STMT(BPF_ST, 0),  STMT(BPF_ST, 1),  STMT(BPF_ST, 3), STMT(BPF_ST, 4),
                                      STMT(BPF_ST, 15), {code, 0, 0, ks[i]}, ALL,           ALL,
                                      ALL,              ALL};
      taken = taken * 2 + (attach(fd, program, 10) == 0);
    }
    all = all * 33 + taken;
    if (taken != 0)
      say("ok code %#x takes %#x\n", code, taken);
  }
  say("ok all codes %#lx\n", all);
  static const unsigned short high[] = {0x1020, 0x8006, 0xff06, 0x1006};
  for (int i = 0; i < 4; i++) {
    struct sock_filter program[] = {{high[i], 0, 0, 0}, ALL};
    fails("high bits", attach(fd, program, 2), EINVAL);
  }
  close(fd);
}

static void shapes(void) {
  int fd = must(socket(AF_INET, SOCK_DGRAM, 0));
  struct sock_filter code[4097];
  for (int i = 0; i < 4097; i++)
    code[i] = (struct sock_filter)ALL;
  succeeds("longest", attach(fd, code, 4096));
  fails("too long", attach(fd, code, 4097), EINVAL);
  fails("empty", attach(fd, code, 0), EINVAL);
  fails("nowhere", attach(fd, NULL, 1), EINVAL);
  fails("bad pointer", attach(fd, (void*)8, 1), EFAULT);
  struct sock_fprog program = {.len = 1, .filter = code};
  for (unsigned length = 0; length <= 20; length += 4) {
    char wide[32];
    memcpy(wide, &program, sizeof program);
    int r = setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, wide, length);
    say("ok length %u: %s\n", length, r == 0 ? "taken" : strerrorname_np(errno));
  }
  fails("no return", ATTACH(fd, STMT(BPF_LD | BPF_IMM, 1)), EINVAL);
  fails("jump outside", ATTACH(fd, BPF_JUMP(BPF_JMP | BPF_JA, 1, 0, 0), ALL), EINVAL);
  fails("jump far outside", ATTACH(fd, BPF_JUMP(BPF_JMP | BPF_JA, 0xffffffff, 0, 0), ALL), EINVAL);
  succeeds("jump to the end", ATTACH(fd, BPF_JUMP(BPF_JMP | BPF_JA, 1, 0, 0), NONE, ALL));
  fails("true outside", ATTACH(fd, BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 1, 1, 0), ALL), EINVAL);
  fails("false outside", ATTACH(fd, BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 1, 0, 1), ALL), EINVAL);
  fails("memory before it is written", ATTACH(fd, STMT(BPF_LD | BPF_MEM, 2), ALL), EINVAL);
  fails("written on one way only",
        ATTACH(fd, BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0), STMT(BPF_ST, 2), STMT(BPF_LD | BPF_MEM, 2), ALL),
        EINVAL);
  succeeds("written on both", ATTACH(fd, BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 2), STMT(BPF_ST, 2),
                                     BPF_JUMP(BPF_JMP | BPF_JA, 1, 0, 0), STMT(BPF_STX, 2),
                                     STMT(BPF_LDX | BPF_MEM, 2), ALL));
  fails("behind a return", ATTACH(fd, ALL, STMT(BPF_LD | BPF_MEM, 2), ALL), EINVAL);
  close(fd);
}

static void getting(void) {
  int fd = must(socket(AF_UNIX, SOCK_STREAM, 0));
  struct sock_filter back[8];
  socklen_t count = 8;
  must(getsockopt(fd, SOL_SOCKET, SO_GET_FILTER, back, &count));
  equal("none", count, 0);
  fails("nothing to detach", setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &count, sizeof count), ENOENT);
  must(ATTACH(fd, STMT(BPF_LD | BPF_IMM, 7), STMT(BPF_MISC | BPF_TAX, 0), STMT(BPF_RET | BPF_A, 0)));
  count = 0;
  must(getsockopt(fd, SOL_SOCKET, SO_GET_FILTER, NULL, &count));
  equal("three", count, 3);
  count = 2;
  fails("no room", getsockopt(fd, SOL_SOCKET, SO_GET_FILTER, back, &count), EINVAL);
  count = 8;
  must(getsockopt(fd, SOL_SOCKET, SO_GET_FILTER, back, &count));
  equal("three again", count, 3);
  equal("as given", back[0].k * 1000 + back[1].code, 7007);
  count = 3;
  fails("to nowhere", getsockopt(fd, SOL_SOCKET, SO_GET_FILTER, (void*)8, &count), EFAULT);
  int on = 1, off = 0;
  succeeds("not locked", setsockopt(fd, SOL_SOCKET, SO_LOCK_FILTER, &off, sizeof off));
  succeeds("lock", setsockopt(fd, SOL_SOCKET, SO_LOCK_FILTER, &on, sizeof on));
  fails("unlock", setsockopt(fd, SOL_SOCKET, SO_LOCK_FILTER, &off, sizeof off), EPERM);
  fails("locked", ATTACH(fd, ALL), EPERM);
  fails("locked before it is looked at", attach(fd, NULL, 0), EPERM);
  fails("not even away", setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &on, sizeof on), EPERM);
  fails("too short all the same", setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &on, sizeof on), EINVAL);
  int bad = 77777, own = fd;
  fails("SO_ATTACH_BPF locked", setsockopt(fd, SOL_SOCKET, SO_ATTACH_BPF, &bad, sizeof bad), EPERM);
  close(fd);
  fd = must(socket(AF_INET, SOCK_DGRAM, 0));
  fails("SO_ATTACH_BPF of nothing", setsockopt(fd, SOL_SOCKET, SO_ATTACH_BPF, &bad, sizeof bad), EBADF);
  own = fd;
  fails("SO_ATTACH_BPF of a socket", setsockopt(fd, SOL_SOCKET, SO_ATTACH_BPF, &own, sizeof own), EINVAL);
  close(fd);
}

static int udp(struct sockaddr_in* a) {
  int fd = must(socket(AF_INET, SOCK_DGRAM, 0));
  *a = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof *a;
  must(bind(fd, (void*)a, length));
  must(getsockname(fd, (void*)a, &length));
  return fd;
}

static char buffer[2000];
static long arrives(int fd) {
  return recv(fd, buffer, sizeof buffer, MSG_DONTWAIT);
}

// What a program returns for a datagram of 16 bytes, as far as the datagram's length shows it.
static int sender, receiver;
static struct sockaddr_in to;
static long returned(struct sock_filter* code, int count) {
  must(attach(receiver, code, count));
  must(sendto(sender, "0123456789abcdef", 16, 0, (void*)&to, sizeof to));
  return arrives(receiver);
}
#define RETURNS(name, want, ...)                                                                       \
  do {                                                                                                 \
    struct sock_filter code[] = {__VA_ARGS__};                                                         \
    equal(name, returned(code, sizeof code / sizeof *code), want);                                     \
  } while (0)
#define A STMT(BPF_RET | BPF_A, 0)
#define LOAD(what) STMT(BPF_LD | BPF_W | BPF_ABS, what)

static void datagrams(void) {
  struct sockaddr_in from;
  sender = udp(&from), receiver = udp(&to);
  RETURNS("all", 16, ALL);
  RETURNS("none", -1, NONE);
  RETURNS("its header alone", 0, STMT(BPF_RET | BPF_K, 8));
  RETURNS("less than that", 0, STMT(BPF_RET | BPF_K, 1));
  RETURNS("three bytes", 3, STMT(BPF_RET | BPF_K, 11));
  equal("the first", memcmp(buffer, "012", 3), 0);
  RETURNS("length", 16, STMT(BPF_LD | BPF_W | BPF_LEN, 0), A);
  RETURNS("length less 4", 12, STMT(BPF_LDX | BPF_W | BPF_LEN, 0), STMT(BPF_MISC | BPF_TXA, 0),
          STMT(BPF_ALU | BPF_SUB | BPF_K, 4), A);
  RETURNS("destination port", 16, STMT(BPF_LD | BPF_H | BPF_ABS, 2),
          BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ntohs(to.sin_port), 0, 1), ALL, NONE);
  RETURNS("UDP length", 16, STMT(BPF_LD | BPF_H | BPF_ABS, 4), A);
  RETURNS("a byte of the data, '2'", 8, STMT(BPF_LD | BPF_B | BPF_ABS, 10), STMT(BPF_ALU | BPF_SUB | BPF_K, 34), A)
      ;
  RETURNS("beyond the end", -1, STMT(BPF_LD | BPF_B | BPF_ABS, 24), ALL);
  RETURNS("a word over the end", -1, STMT(BPF_LD | BPF_W | BPF_ABS, 21), ALL);
  RETURNS("the last word", 16, STMT(BPF_LD | BPF_W | BPF_ABS, 20), ALL);
  RETURNS("indexed", 16, STMT(BPF_LDX | BPF_IMM, 10), STMT(BPF_LD | BPF_B | BPF_IND, 0xffffffff),
          BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, '1', 0, 1), ALL, NONE);
  RETURNS("indexed beyond", -1, STMT(BPF_LDX | BPF_IMM, 24), STMT(BPF_LD | BPF_B | BPF_IND, 0), ALL);
  RETURNS("the IP header", 16, STMT(BPF_LD | BPF_B | BPF_ABS, SKF_NET_OFF + 9),
          BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 17, 0, 1), ALL, NONE);
  RETURNS("its length", 12, STMT(BPF_LDX | BPF_B | BPF_MSH, SKF_NET_OFF), STMT(BPF_MISC | BPF_TXA, 0), A);
  RETURNS("before all headers", -1, STMT(BPF_LD | BPF_B | BPF_ABS, SKF_LL_OFF - 1), ALL);
  RETURNS("division", 2, STMT(BPF_LD | BPF_IMM, 21), STMT(BPF_ALU | BPF_DIV | BPF_K, 2), A);
  RETURNS("by X, zero", -1, STMT(BPF_LDX | BPF_IMM, 0), STMT(BPF_ALU | BPF_DIV | BPF_X, 0), ALL);
  RETURNS("remainder", 3, STMT(BPF_LD | BPF_IMM, 27), STMT(BPF_ALU | BPF_MOD | BPF_K, 16), A);
  RETURNS("of zero", -1, STMT(BPF_ALU | BPF_MOD | BPF_X, 0), ALL);
  RETURNS("negative", 4, STMT(BPF_LD | BPF_IMM, -12), STMT(BPF_ALU | BPF_NEG, 0), A);
  RETURNS("a shift by 33", 12, STMT(BPF_LD | BPF_IMM, 10), STMT(BPF_LDX | BPF_IMM, 33),
          STMT(BPF_ALU | BPF_LSH | BPF_X, 0), A);
  RETURNS("a product that overflows", 5, STMT(BPF_LD | BPF_IMM, 0x80000007), STMT(BPF_ALU | BPF_MUL | BPF_K, 2),
          STMT(BPF_ALU | BPF_SUB | BPF_K, 1), A);
  RETURNS("unsigned comparison", 16, STMT(BPF_LD | BPF_IMM, -1), BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, 5, 0, 1), ALL,
          NONE);
  RETURNS("bits", 16, STMT(BPF_LD | BPF_IMM, 6), BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 2, 0, 1), ALL, NONE);
  RETURNS("memory", 10, STMT(BPF_LDX | BPF_IMM, 18), STMT(BPF_STX, 15), STMT(BPF_LD | BPF_MEM, 15), A);
  RETURNS("protocol", 16, LOAD(SKF_AD_OFF + SKF_AD_PROTOCOL), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x800, 0, 1), ALL,
          NONE);
  RETURNS("kind", -1, LOAD(SKF_AD_OFF + SKF_AD_PKTTYPE), A);
  RETURNS("interface", 2, LOAD(SKF_AD_OFF + SKF_AD_IFINDEX), STMT(BPF_ALU | BPF_ADD | BPF_K, 9), A);
  RETURNS("hardware", 16, LOAD(SKF_AD_OFF + SKF_AD_HATYPE), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 772, 0, 1), ALL,
          NONE);
  RETURNS("queue", -1, LOAD(SKF_AD_OFF + SKF_AD_QUEUE), A);
  RETURNS("VLAN", -1, LOAD(SKF_AD_OFF + SKF_AD_VLAN_TAG_PRESENT), A);
  RETURNS("where the data begin", 1, LOAD(SKF_AD_OFF + SKF_AD_PAY_OFFSET), STMT(BPF_ALU | BPF_ADD | BPF_K, 1), A);
  RETURNS("xor", 4, STMT(BPF_LD | BPF_IMM, 5), STMT(BPF_LDX | BPF_IMM, 9), LOAD(SKF_AD_OFF + SKF_AD_ALU_XOR_X), A);
  RETURNS("no mark", -1, LOAD(SKF_AD_OFF + SKF_AD_MARK), A);
  struct sock_filter none[] = {NONE};
  must(attach(receiver, none, 1));
  must(connect(sender, (void*)&to, sizeof to));
  must(send(sender, "lost", 4, 0));
  equal("a loss nobody is told of", send(sender, "lost", 4, 0), 4);
  must(setsockopt(receiver, SOL_SOCKET, SO_DETACH_FILTER, none, 4));
  fails("nothing", arrives(receiver), EAGAIN);
  must(send(sender, "again", 5, 0));
  equal("without", arrives(receiver), 5);
  close(sender), close(receiver);
}

static void unix_sockets(int type) {
  int pair[2];
  must(socketpair(AF_UNIX, type, 0, pair));
  must(ATTACH(pair[1], STMT(BPF_LD | BPF_B | BPF_ABS, 0), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 'n', 1, 0),
              STMT(BPF_RET | BPF_K, 3), NONE));
  equal("sent", send(pair[0], "no", 2, 0), 2);
  equal("sent", send(pair[0], "yes, yes", 8, 0), 8);
  equal("arrived", arrives(pair[1]), type == SOCK_STREAM ? 10 : 3);
  if (type != SOCK_STREAM) {
    // A filter that looks past the end, and one that asks for an interface.
    equal("nothing to look at", send(pair[0], "", 0, 0), 0);
    fails("gone", arrives(pair[1]), EAGAIN);
    must(ATTACH(pair[1], STMT(BPF_LD | BPF_IMM, 2), STMT(BPF_LD | BPF_W | BPF_ABS, SKF_AD_OFF + SKF_AD_IFINDEX), NONE));
    must(send(pair[0], "device", 6, 0));
    equal("no device", arrives(pair[1]), 2);
    int fds[2];
    must(pipe(fds));
    must(ATTACH(pair[1], NONE));
    char control[CMSG_SPACE(sizeof(int))] = {0};
    struct iovec v = {"x", 1};
    struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    struct cmsghdr* c = CMSG_FIRSTHDR(&m);
    *c = (struct cmsghdr){CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS};
    memcpy(CMSG_DATA(c), &fds[1], sizeof(int));
    equal("with a descriptor", sendmsg(pair[0], &m, 0), 1);
    close(fds[1]);
    equal("which is closed", read(fds[0], buffer, 1), 0);
    close(fds[0]);
  }
  close(pair[0]), close(pair[1]);
}

static void netlink(void) {
  int fd = must(socket(AF_NETLINK, SOCK_RAW, 0));
  must(ATTACH(fd, NONE));
  struct nlmsghdr request = {.nlmsg_len = 16, .nlmsg_type = 18, .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK};
  equal("asked", send(fd, &request, sizeof request, 0), 16);
  fails("not answered", arrives(fd), EAGAIN);
  must(ATTACH(fd, STMT(BPF_RET | BPF_K, 16)));
  equal("asked", send(fd, &request, sizeof request, 0), 16);
  equal("a header", arrives(fd), 16);
  close(fd);
}

static void ready_within(const char* name, int fd, int events, int ms, int want) {
  struct pollfd p = {fd, events, 0};
  equal(name, poll(&p, 1, ms) > 0, want);
}

static void streams(void) {
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof a;
  int listener = must(socket(AF_INET, SOCK_STREAM, 0));
  must(bind(listener, (void*)&a, length));
  must(getsockname(listener, (void*)&a, &length));
  must(listen(listener, 5));
  must(ATTACH(listener, NONE));
  int client = must(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
  fails("connect", connect(client, (void*)&a, sizeof a), EINPROGRESS);
  ready_within("not heard", client, POLLOUT, 50, 0);
  must(setsockopt(listener, SOL_SOCKET, SO_DETACH_FILTER, &a, 4));
  ready_within("heard when it is sent again", client, POLLOUT, 5000, 1);
  // By the flags of a header: connections come, data with an x in front don't.
  must(ATTACH(listener, STMT(BPF_LD | BPF_B | BPF_ABS, 12), STMT(BPF_ALU | BPF_RSH | BPF_K, 2),
              STMT(BPF_MISC | BPF_TAX, 0), STMT(BPF_LD | BPF_W | BPF_LEN, 0),
              BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_X, 0, 3, 0), STMT(BPF_LD | BPF_B | BPF_IND, 0),
              BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 'x', 0, 1), NONE, ALL));
  int server = must(accept(listener, NULL, NULL));
  struct sock_filter back[1];
  socklen_t count = 0;
  must(getsockopt(server, SOL_SOCKET, SO_GET_FILTER, back, &count));
  equal("accepted before", count, 0);
  int second = must(socket(AF_INET, SOCK_STREAM, 0));
  must(connect(second, (void*)&a, sizeof a));
  int other = must(accept(listener, NULL, NULL));
  count = 0;
  must(getsockopt(other, SOL_SOCKET, SO_GET_FILTER, back, &count));
  equal("inherited", count, 9);
  equal("good", send(second, "good", 4, 0), 4);
  ready_within("arrives", other, POLLIN, 60000, 1);
  equal("good", arrives(other), 4);
  equal("bad", send(second, "xbad", 4, 0), 4);
  ready_within("doesn't", other, POLLIN, 50, 0);
  must(shutdown(second, SHUT_WR));
  ready_within("nor the end", other, POLLIN, 50, 0);
  must(setsockopt(other, SOL_SOCKET, SO_DETACH_FILTER, &a, 4));
  ready_within("sent again", other, POLLIN, 60000, 1);
  equal("all of it", recv(other, buffer, 4, MSG_WAITALL), 4);
  equal("as it was", memcmp(buffer, "xbad", 4), 0);
  equal("and the end", recv(other, buffer, 4, MSG_WAITALL), 0);
  close(client), close(server), close(second), close(other), close(listener);
}

// Filters of TCP sockets are for who administers the network.
static void unprivileged(void) {
  if (fork() == 0) {
    must(setuid(1000));
    int tcp = must(socket(AF_INET6, SOCK_STREAM, 0)), other = must(socket(AF_INET6, SOCK_DGRAM, 0)), one = 1;
    fails("TCP", ATTACH(tcp, ALL), EPERM);
    fails("without a look at it", attach(tcp, NULL, 0), EPERM);
    fails("nor at its length", setsockopt(tcp, SOL_SOCKET, SO_ATTACH_FILTER, &one, sizeof one), EPERM);
    fails("nothing is there", setsockopt(tcp, SOL_SOCKET, SO_DETACH_FILTER, &one, sizeof one), ENOENT);
    succeeds("UDP", ATTACH(other, ALL));
    _exit(check_done());
  }
  must(wait(NULL));
}

static void groups(int type) {
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof a;
  int on = 1, member[4];
  struct sock_filter third[] = {STMT(BPF_RET | BPF_K, 2)}, beyond[] = {STMT(BPF_RET | BPF_K, 9)};
  for (int i = 0; i < 4; i++) {
    member[i] = must(socket(AF_INET, type, 0));
    if (i == 0)
      fails("without SO_REUSEPORT", attach_to(member[0], SO_ATTACH_REUSEPORT_CBPF, third, 1), EINVAL);
    must(setsockopt(member[i], SOL_SOCKET, SO_REUSEPORT, &on, sizeof on));
    if (i == 0)
      fails("nothing to detach", setsockopt(member[0], SOL_SOCKET, 68, &on, sizeof on), ENOENT);
    must(bind(member[i], (void*)&a, length));
    must(getsockname(member[i], (void*)&a, &length));
    if (type == SOCK_STREAM)
      must(listen(member[i], 100));
  }
  succeeds("of the group", attach_to(member[1], SO_ATTACH_REUSEPORT_CBPF, third, 1));
  for (int round = 0; round < 2; round++) {
    int counts[4] = {0}, sum = 0;
    for (int i = 0; i < 40; i++) {
      int client = must(socket(AF_INET, type, 0));
      must(connect(client, (void*)&a, sizeof a));
      must(send(client, "x", 1, 0));
      close(client);
    }
    for (int i = 0; i < 4; i++) {
      must(fcntl(member[i], F_SETFL, O_NONBLOCK));
      for (;;) {
        int got = type == SOCK_STREAM ? accept(member[i], NULL, NULL) : recv(member[i], buffer, 10, 0);
        if (got < 0)
          break;
        counts[i]++, sum++;
        if (type == SOCK_STREAM)
          close(got);
      }
    }
    equal("all arrive", sum, 40);
    if (round == 0) {
      equal("at the third", counts[2], 40);
      must(attach_to(member[3], SO_ATTACH_REUSEPORT_CBPF, beyond, 1));
    } else {
      holds("at several without a choice", counts[2] < 40);
    }
  }
  succeeds("detach", setsockopt(member[0], SOL_SOCKET, 68, &on, sizeof on));
  fails("again", setsockopt(member[0], SOL_SOCKET, 68, &on, sizeof on), ENOENT);
  for (int i = 0; i < 4; i++)
    close(member[i]);
  int plain = must(socket(AF_INET, type, 0));
  fails("no group", setsockopt(plain, SOL_SOCKET, 68, &on, sizeof on), EINVAL);
  close(plain);
}

int main(void) {
  codes();
  shapes();
  getting();
  datagrams();
  unix_sockets(SOCK_DGRAM);
  unix_sockets(SOCK_SEQPACKET);
  unix_sockets(SOCK_STREAM);
  netlink();
  // Without CAP_NET_ADMIN there is nothing to see.
  int tcp = must(socket(AF_INET, SOCK_STREAM, 0));
  if (ATTACH(tcp, ALL) == 0)
    streams();
  else
    fails("TCP alone", ATTACH(tcp, ALL), EPERM);
  close(tcp);
  unprivileged();
  groups(SOCK_DGRAM);
  groups(SOCK_STREAM);
  return check_done();
}
