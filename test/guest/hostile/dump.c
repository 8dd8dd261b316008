// A dump of more sockets than any buffer holds comes in parts, to its end; those who ask twice wait for it.
#include "../inet/net.h"
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <sys/resource.h>

#define CHILDREN 4
#define EACH 2500

static char buffer[1 << 16];

static int ask(int fd, int seq) {
  struct {
    struct nlmsghdr h;
    struct inet_diag_req_v2 r;
  } q = {{sizeof q, SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST | NLM_F_DUMP, seq, 0},
         {.sdiag_family = AF_INET, .sdiag_protocol = IPPROTO_TCP, .idiag_states = ~0u}};
  return send(fd, &q, sizeof q, 0);
}

int main(void) {
  struct rlimit most = {4096, 4096};
  int ready[2], end[2];
  char byte;
  must(pipe(ready));
  must(pipe(end));
  must(setrlimit(RLIMIT_NOFILE, &most));
  for (int i = 0; i < CHILDREN; i++) {
    if (fork() != 0)
      continue;
    close(end[1]);
    for (int k = 0; k < EACH; k++)
      listener(1);
    must(write(ready[1], "x", 1));
    read(end[0], &byte, 1);
    _exit(0);
  }
  for (int i = 0; i < CHILDREN; i++)
    must(read(ready[0], &byte, 1));
  int fd = must(socket(AF_NETLINK, SOCK_RAW, NETLINK_SOCK_DIAG));
  must(ask(fd, 1));
  int asked_again = 0, busy = 0, done = 0;
  long sockets = 0;
  while (!done) {
    long n = must(recv(fd, buffer, sizeof buffer, 0));
    if (!asked_again++)
      must(ask(fd, 2));
    for (struct nlmsghdr* h = (void*)buffer; NLMSG_OK(h, n); h = NLMSG_NEXT(h, n)) {
      if (h->nlmsg_type == NLMSG_ERROR)
        busy += h->nlmsg_seq == 2 && ((struct nlmsgerr*)NLMSG_DATA(h))->error == -EBUSY;
      else if (h->nlmsg_type == NLMSG_DONE)
        done = h->nlmsg_seq;
      else
        sockets++;
    }
  }
  equal("to its end", done, 1);
  equal("all of them", sockets, CHILDREN * EACH);
  equal("one at a time", busy, 1);
  must(ask(fd, 3));
  holds("again", recv(fd, buffer, sizeof buffer, 0) > 0);
  close(fd);
  close(end[1]);
  while (wait(NULL) > 0)
    ;
  return check_done();
}
