// Sockets under high descriptors are used as those under low ones.
#include "net.h"
#include <sys/epoll.h>
#include <sys/resource.h>

enum { MUCH = 40 };

int main(void) {
  struct rlimit most;
  must(getrlimit(RLIMIT_NOFILE, &most));
  most.rlim_cur = most.rlim_max;
  must(setrlimit(RLIMIT_NOFILE, &most));
  static const int numbers[] = {300, 1000, 4095, 4096, 8192, 15000, 16383, 16384, 19000};
  long used = 0, possible = 0;
  for (unsigned i = 0; i < sizeof numbers / sizeof *numbers; i++) {
    int to = numbers[i], s[2];
    // As far as this container may go: others are refused there and here.
    tcp_pair(s);
    if ((unsigned)to >= most.rlim_max) {
      fails("beyond the limit", dup2(s[1], to), EBADF);
      close(s[0]), close(s[1]);
      continue;
    }
    must(dup2(s[1], to));
    close(s[1]);
    int e = must(epoll_create1(0)), high = must(fcntl(e, F_DUPFD, to + 1 < (int)most.rlim_max ? to + 1 : 5));
    close(e);
    struct epoll_event v = {.events = EPOLLIN, .data.u64 = to};
    must(epoll_ctl(high, EPOLL_CTL_ADD, to, &v));
    for (int k = 0; k < MUCH; k++) {
      char byte = 0;
      possible++;
      must(write(s[0], "a", 1));
      used += epoll_wait(high, &v, 1, 1000) == 1 && v.data.u64 == (unsigned)to && read(to, &byte, 1) == 1 &&
              write(to, "b", 1) == 1 && read(s[0], &byte, 1) == 1 && byte == 'b';
      v.events = EPOLLIN;
      must(epoll_ctl(high, EPOLL_CTL_MOD, to, &v));
    }
    close(to);
    equal("gone", epoll_wait(high, &v, 1, 0), 0);
    close(high), close(s[0]);
  }
  equal("all of them", used, possible);
  return check_failures != 0;
}
