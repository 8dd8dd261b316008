// Ports that programs choose themselves: free again as soon as the last who has them is gone, however they ended.
#include "net.h"
#include <sys/wait.h>

enum { MUCH = 40, ROUNDS = 20 };
// Where no other test binds, or sends what it wants nobody to get.
#define HERE 0x7f050607

// A server that answers all it is sent, until `last` bytes come.
static void serve(int s, int last) {
  char data[64];
  for (;;) {
    union address from;
    socklen_t length = sizeof from;
    ssize_t n = recvfrom(s, data, sizeof data, 0, &from.any, &length);
    if (n == last) return;
    if (sendto(s, data, (size_t)n, 0, &from.any, length) != n) _exit(1);
  }
}

static void servers(void) {
  int probe = must(socket(AF_INET, SOCK_DGRAM, 0));
  must(bind_to(probe, ip4(HERE, 0)));
  union address at = name_of(probe);
  close(probe);
  long bound = 0, answered = 0, refused = 0;
  for (int i = 0; i < ROUNDS; i++) {
    int ready[2];
    must(pipe(ready));
    pid_t pid = must(fork());
    if (pid == 0) {
      int s = must(socket(AF_INET, SOCK_DGRAM, 0));
      int r = bind_to(s, at);
      (void)!write(ready[1], &r, sizeof r);
      serve(s, 3);
      if (i % 2 == 1) kill(getpid(), SIGKILL);
      _exit(0);
    }
    int r = -1;
    close(ready[1]);
    must(read(ready[0], &r, sizeof r));
    close(ready[0]);
    bound += r == 0;
    int c = must(socket(AF_INET, SOCK_DGRAM, 0));
    must(connect_to(c, at));
    char byte[8];
    for (int k = 0; k < MUCH; k++) answered += send(c, "ab", 2, 0) == 2 && recv(c, byte, 8, 0) == 2;
    must(send(c, "end", 3, 0));
    waitpid(pid, NULL, 0);
    // Nobody is there any more.
    must(send(c, "ab", 2, 0));
    refused += recv(c, byte, 8, 0) == -1 && errno == ECONNREFUSED;
    close(c);
  }
  equal("bound each time", bound, ROUNDS);
  equal("answered", answered, ROUNDS * MUCH);
  equal("refused after the end", refused, ROUNDS);
}

static void clients(void) {
  long good = 0;
  int l = listener(5);
  for (int i = 0; i < ROUNDS; i++) {
    pid_t pid = must(fork());
    if (pid == 0) {
      int s = must(socket(AF_INET, SOCK_STREAM, 0));
      must(bind_to(s, ip4(HERE, 0)));
      union address me = name_of(s);
      close(s);
      s = must(socket(AF_INET, SOCK_STREAM, 0));
      must(bind_to(s, me));
      must(connect_to(s, name_of(l)));
      char byte;
      int count = 0;
      for (int k = 0; k < MUCH; k++) count += write(s, "a", 1) == 1 && read(s, &byte, 1) == 1;
      _exit(count == MUCH ? 0 : 1);
    }
    int s = must(accept(l, NULL, NULL));
    char byte;
    while (read(s, &byte, 1) == 1) must(write(s, &byte, 1));
    good += status_of(pid) == 0;
    // Its end was heard before its end was seen.
    good += recv(s, &byte, 1, MSG_DONTWAIT) == 0;
    close(s);
  }
  equal("clients", good, 2 * ROUNDS);
  close(l);
}

// Who binds a port, closes it and binds it again has it at once.
static void again(void) {
  int s = udp4();
  union address at = name_of(s);
  long good = 0;
  int c = udp4();
  for (int i = 0; i < ROUNDS; i++) {
    char byte[4];
    for (int k = 0; k < MUCH; k++) {
      must(send_to(c, "x", 1, 0, at));
      good += wait_for(s, POLLIN) == POLLIN && recv(s, byte, 4, 0) == 1;
    }
    close(s);
    s = must(socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0));
    good += bind_to(s, at) == 0;
  }
  equal("again and again", good, ROUNDS * (MUCH + 1));
  close(s), close(c);
}

// A closed socket's port is nobody's at once: what is sent there is refused, and the next one may have it.
static void free_at_once(void) {
  int refused = 0, had = 0;
  for (int i = 0; i < 300; i++) {
    int s = udp4(), c = must(socket(AF_INET, SOCK_DGRAM, 0));
    union address there = name_of(s);
    must(connect_to(c, there));
    close(s);
    must(send(c, "x", 1, 0));
    refused += option(c, SOL_SOCKET, SO_ERROR) == ECONNREFUSED;
    close(c);
    s = must(socket(AF_INET, SOCK_DGRAM, 0));
    had += bind_to(s, there) == 0;
    close(s);
  }
  equal("refused", refused, 300);
  equal("bound again", had, 300);
}

int main(void) {
  free_at_once();
  servers();
  clients();
  again();
  return check_failures != 0;
}
