// Received packets in mapped rings (packet_mmap), of all three versions.
#include "../check.h"
#include <arpa/inet.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <poll.h>
#include <sys/socket.h>

#define ROOM 4096
#define BLOCKS 4

static int sender, receiver;
static struct sockaddr_in to;

static void say_hello(const char* text) {
  must(sendto(sender, text, strlen(text), 0, (void*)&to, sizeof to));
}

static int udp(struct sockaddr_in* a) {
  int fd = must(socket(AF_INET, SOCK_DGRAM, 0));
  *a = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof *a;
  must(bind(fd, (void*)a, length));
  must(getsockname(fd, (void*)a, &length));
  return fd;
}

static int ready(int fd, int ms) {
  struct pollfd p = {fd, POLLIN, 0};
  must(poll(&p, 1, ms));
  return (p.revents & POLLIN) != 0;
}

static int ring(int type, int version, int frame, int timeout, unsigned char** map) {
  int fd = must(socket(AF_PACKET, type, 0));
  must(setsockopt(fd, SOL_PACKET, PACKET_VERSION, &version, sizeof version));
  struct tpacket_req3 request = {.tp_block_size = ROOM,
                                 .tp_block_nr = BLOCKS,
                                 .tp_frame_size = frame,
                                 .tp_frame_nr = ROOM / frame * BLOCKS,
                                 .tp_retire_blk_tov = timeout};
  must(setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &request,
                  version == TPACKET_V3 ? sizeof request : sizeof(struct tpacket_req)));
  *map = mmap(NULL, ROOM * BLOCKS, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (*map == MAP_FAILED)
    must(-1);
  fails("a part", mmap(NULL, ROOM, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED ? -1 : 0, EINVAL);
  fails("more", mmap(NULL, ROOM * BLOCKS * 2, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED ? -1 : 0, EINVAL);
  fails("another part", mmap(NULL, ROOM * BLOCKS, PROT_READ, MAP_SHARED, fd, ROOM) == MAP_FAILED ? -1 : 0, EINVAL);
  int one = 1;
  must(setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof one));
  struct sockaddr_ll a = {.sll_family = AF_PACKET, .sll_ifindex = 1, .sll_protocol = htons(ETH_P_IP)};
  must(bind(fd, (void*)&a, sizeof a));
  return fd;
}

static void check_address(const struct sockaddr_ll* from) {
  equal("from lo", from->sll_ifindex, 1);
  equal("of IP", ntohs(from->sll_protocol), ETH_P_IP);
  equal("to here", from->sll_pkttype, PACKET_HOST);
}

static void version2(int type) {
  unsigned char* map;
  int fd = ring(type, TPACKET_V2, 512, 0, &map);
  equal("nothing yet", ready(fd, 0), 0);
  say_hello("hello");
  equal("something", ready(fd, 60000), 1);
  struct tpacket2_hdr* h = (void*)map;
  equal("for the program", h->tp_status & TP_STATUS_USER, TP_STATUS_USER);
  equal("so long", h->tp_len, (type == SOCK_RAW ? 14 : 0) + 33);
  equal("all of it", h->tp_snaplen, h->tp_len);
  say("ok places %d %d\n", h->tp_mac, h->tp_net);
  holds("a time", h->tp_sec >= time(NULL) - 5 && h->tp_nsec < 1000000000);
  equal("IP", map[h->tp_net], 0x45);
  holds("hello", memcmp(map + h->tp_net + 28, "hello", 5) == 0);
  check_address((void*)(map + TPACKET_ALIGN(sizeof *h)));
  fails("not in the queue", recv(fd, map, 0, MSG_DONTWAIT), EAGAIN);
  __atomic_store_n(&h->tp_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
  equal("given back", ready(fd, 0), 0);
  // 32 frames; the first of them is free but comes last.
  for (int i = 0; i < 40; i++)
    say_hello("many");
  int filled = 0;
  for (int i = 0; i < 32; i++)
    filled += ((struct tpacket2_hdr*)(map + i * 512))->tp_status & TP_STATUS_USER;
  equal("all frames", filled, 32);
  struct tpacket_stats stats;
  socklen_t length = sizeof stats;
  must(getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, &stats, &length));
  equal("seen", stats.tp_packets, 41);
  equal("lost", stats.tp_drops, 8);
  char big[2000];
  memset(big, 'x', sizeof big - 1), big[1999] = 0;
  h = (void*)(map + 512);
  h->tp_status = TP_STATUS_KERNEL;
  say_hello(big);
  equal("its length", h->tp_len, (type == SOCK_RAW ? 14 : 0) + 28 + 1999);
  equal("what there is room for", h->tp_snaplen, 512 - h->tp_mac);
  struct sock_filter code[] = {BPF_STMT(BPF_RET | BPF_K, 20)};
  struct sock_fprog program = {1, code};
  must(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program));
  h = (void*)(map + 1024);
  h->tp_status = TP_STATUS_KERNEL;
  say_hello("filtered");
  equal("was longer", h->tp_len, (type == SOCK_RAW ? 14 : 0) + 36);
  equal("cut", h->tp_snaplen, 20);
  int v = TPACKET_V1;
  fails("too late", setsockopt(fd, SOL_PACKET, PACKET_VERSION, &v, sizeof v), EBUSY);
  struct tpacket_req none = {0};
  fails("it is mapped", setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &none, sizeof none), EBUSY);
  must(munmap(map, ROOM * BLOCKS));
  succeeds("now it isn't", setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &none, sizeof none));
  succeeds("version", setsockopt(fd, SOL_PACKET, PACKET_VERSION, &v, sizeof v));
  say_hello("queue");
  equal("in the queue again", recv(fd, big, sizeof big, MSG_DONTWAIT), 20);
  close(fd);
}

static void version1(void) {
  unsigned char* map;
  int fd = ring(SOCK_RAW, TPACKET_V1, 1024, 0, &map);
  say_hello("one");
  struct tpacket_hdr* h = (void*)map;
  equal("for the program", h->tp_status & TP_STATUS_USER, TP_STATUS_USER);
  equal("so long", h->tp_len * 1000 + h->tp_snaplen, 45045);
  say("ok places %d %d\n", h->tp_mac, h->tp_net);
  holds("a time", h->tp_sec >= time(NULL) - 5 && h->tp_usec < 1000000);
  check_address((void*)(map + TPACKET_ALIGN(sizeof *h)));
  say_hello("two");
  h = (void*)(map + 1024);
  holds("two", memcmp(map + 1024 + h->tp_net + 28, "two", 3) == 0);
  close(fd);
  // The mapping stays when the socket has gone.
  holds("still there", memcmp(map + 1024 + h->tp_net + 28, "two", 3) == 0);
  must(munmap(map, ROOM * BLOCKS));
}

static void version3(void) {
  unsigned char* map;
  int fd = ring(SOCK_RAW, TPACKET_V3, 2048, 60, &map);
  say_hello("one");
  say_hello("three");
  equal("not at once", ready(fd, 0), 0);
  equal("but soon", ready(fd, 60000), 1);
  struct tpacket_block_desc* b = (void*)map;
  equal("for the program", b->hdr.bh1.block_status & TP_STATUS_USER, TP_STATUS_USER);
  equal("after a while", b->hdr.bh1.block_status & TP_STATUS_BLK_TMO, TP_STATUS_BLK_TMO);
  equal("two", b->hdr.bh1.num_pkts, 2);
  equal("the first block", b->hdr.bh1.seq_num, 1);
  say("ok first at %d private at %d version %d\n", b->hdr.bh1.offset_to_first_pkt, b->offset_to_priv, b->version);
  struct tpacket3_hdr* h = (void*)(map + b->hdr.bh1.offset_to_first_pkt);
  equal("one", h->tp_len * 1000 + h->tp_snaplen, 45045);
  say("ok places %d %d next %d\n", h->tp_mac, h->tp_net, h->tp_next_offset);
  check_address((void*)((char*)h + TPACKET_ALIGN(sizeof *h)));
  h = (void*)((char*)h + h->tp_next_offset);
  equal("three", h->tp_len * 1000 + h->tp_snaplen, 47047);
  holds("its data", memcmp((char*)h + h->tp_net + 28, "three", 5) == 0);
  equal("and no more", h->tp_next_offset, 0);
  say("ok length %d\n", b->hdr.bh1.blk_len);
  __atomic_store_n(&b->hdr.bh1.block_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
  equal("given back", ready(fd, 0), 0);
  // Full blocks come at once, and when nobody gives any back the rest is lost.
  char big[1800];
  memset(big, 'y', sizeof big - 1), big[1799] = 0;
  for (int i = 0; i < 20; i++)
    say_hello(big);
  equal("full ones", ready(fd, 0), 1);
  b = (void*)(map + ROOM);
  equal("two in one", b->hdr.bh1.num_pkts, 2);
  equal("not for the time", b->hdr.bh1.block_status & TP_STATUS_BLK_TMO, 0);
  equal("the second block", b->hdr.bh1.seq_num, 2);
  struct tpacket_stats_v3 stats;
  socklen_t length = sizeof stats;
  must(getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, &stats, &length));
  equal("seen", stats.tp_packets, 22);
  holds("some lost", stats.tp_drops > 0);
  close(fd);
  must(munmap(map, ROOM * BLOCKS));
}

static void requests(void) {
  static const unsigned values[][4] = {{0, 0, 0, 0},        {4096, 1, 2048, 2},   {4096, 1, 2048, 1},
                                       {4096, 0, 2048, 2},  {4096, 1, 2040, 2},   {4096, 1, 2032, 2},
                                       {4096, 1, 16, 256},  {4096, 1, 64, 64},    {4096, 1, 80, 51},
                                       {4000, 1, 2000, 2},  {5000, 1, 2048, 2},   {4096, 1, 8192, 0},
                                       {4096, 1, 4096, 1},  {0, 1, 2048, 2},      {0x80000000, 1, 2048, 0x100000},
                                       {4096, 0x100000, 2048, 0x200000},          {4096, 0xffffffff, 4096, 0xffffffff},
                                       {8192, 3, 2048, 12}, {4096, 2, 1360, 6},   {4096, 1, 0, 0}};
  for (int version = 0; version < 3; version++) {
    for (unsigned i = 0; i < sizeof values / sizeof *values; i++) {
      int fd = must(socket(AF_PACKET, SOCK_RAW, 0));
      must(setsockopt(fd, SOL_PACKET, PACKET_VERSION, &version, sizeof version));
      struct tpacket_req3 r = {values[i][0], values[i][1], values[i][2], values[i][3], 10, 0, 0};
      if (values[i][1] != 0x100000)
        say("ok version %d request %u: %s\n", version + 1, i,
            setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &r, sizeof r) == 0 ? "taken" : strerrorname_np(errno));
      close(fd);
    }
    int header = version;
    socklen_t length = sizeof header;
    int fd = must(socket(AF_PACKET, SOCK_RAW, 0));
    must(getsockopt(fd, SOL_PACKET, PACKET_HDRLEN, &header, &length));
    say("ok header %d\n", header);
    header = 3;
    fails("no such version", getsockopt(fd, SOL_PACKET, PACKET_HDRLEN, &header, &length), EINVAL);
    close(fd);
  }
}

static void auxiliary(void) {
  int fd = must(socket(AF_PACKET, SOCK_RAW, htons(ETH_P_IP))), one = 1;
  must(setsockopt(fd, SOL_PACKET, PACKET_AUXDATA, &one, sizeof one));
  must(setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &one, sizeof one));
  say_hello("hello");
  char data[100], control[200];
  struct iovec v = {data, sizeof data};
  struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
  equal("a frame", recvmsg(fd, &m, 0), 47);
  struct cmsghdr* c = CMSG_FIRSTHDR(&m);
  equal("a time", c->cmsg_type, SO_TIMESTAMPNS);
  c = CMSG_NXTHDR(&m, c);
  equal("more", c->cmsg_level * 100 + c->cmsg_type, 26308);
  struct tpacket_auxdata aux;
  memcpy(&aux, CMSG_DATA(c), sizeof aux);
  equal("lengths", aux.tp_len * 1000 + aux.tp_snaplen, 47047);
  equal("places", aux.tp_mac * 100 + aux.tp_net, 14);
  holds("for the program", aux.tp_status & TP_STATUS_USER);
  close(fd);
}

int main(void) {
  struct sockaddr_in from;
  sender = udp(&from), receiver = udp(&to);
  version2(SOCK_RAW);
  version2(SOCK_DGRAM);
  version1();
  version3();
  requests();
  auxiliary();
  return check_done();
}
