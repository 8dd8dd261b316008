// A send that needs a port when none is left (ip(7), IP_LOCAL_PORT_RANGE): it fails at once, also where it may wait.
#include "net.h"

int main(void) {
  int s[3];
  unsigned range = 50101u << 16 | 50100u;
  for (int i = 0; i < 3; i++) {
    s[i] = must(socket(AF_INET, SOCK_DGRAM, 0));
    must(setsockopt(s[i], IPPROTO_IP, 51, &range, sizeof range));
  }
  must(bind_to(s[0], ip4(INADDR_LOOPBACK, 0)));
  must(bind_to(s[1], ip4(INADDR_LOOPBACK, 0)));
  fails("no port to send from", send_to(s[2], "x", 1, 0, name_of(s[0])), EAGAIN);
  close(s[1]);
  equal("with one", send_to(s[2], "x", 1, 0, name_of(s[0])), 1);
  return check_done();
}
