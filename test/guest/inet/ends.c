// How connections end in unusual orders (tcp(7), RFC 1122), and addresses that belong to a link (ipv6(7)).
#include "net.h"
#include <pthread.h>
#include <sys/uio.h>

// Both directions are shut down, and the other side goes on: what it sends is answered with a reset.
static void nobody_listens(int urgent) {
  int s[2];
  char byte;
  tcp_pair(s);
  must(shutdown(s[0], SHUT_RDWR));
  equal("writing goes on", send(s[1], "x", 1, urgent ? MSG_OOB : 0), 1);
  equal("POLLERR", wait_for(s[0], POLLERR) & POLLERR, POLLERR);
  fails("the reset's sender", recv(s[0], &byte, 1, 0), ECONNRESET);
  fails("has no peer", shutdown(s[0], SHUT_RD), ENOTCONN);
  equal("the end came first", recv(s[1], &byte, 1, 0), 0);
  fails("the writer", send(s[1], "x", 1, MSG_NOSIGNAL), EPIPE);
  close(s[0]), close(s[1]);
}

static void reading_goes_on(void) {
  int s[2];
  char byte;
  tcp_pair(s);
  must(shutdown(s[0], SHUT_RD));
  equal("nothing more is to be read", recv(s[0], &byte, 1, 0), 0);
  equal("it is sent", send(s[1], "x", 1, 0), 1);
  equal("and arrives nevertheless", wait_for(s[0], POLLIN) & POLLIN, POLLIN);
  equal("readable", recv(s[0], &byte, 1, 0), 1);
  must(shutdown(s[0], SHUT_WR));
  equal("the end", recv(s[1], &byte, 1, 0), 0);
  close(s[0]), close(s[1]);
}

static ssize_t by_write(int s, char* data, size_t n) { return write(s, data, n); }
static ssize_t by_send(int s, char* data, size_t n) { return send(s, data, n, MSG_NOSIGNAL); }
static ssize_t by_writev(int s, char* data, size_t n) {
  struct iovec parts[] = {{data, n / 2}, {data + n / 2, n / 2}};
  return writev(s, parts, 2);
}

static void* close_later(void* arg) {
  sleep_ms(200);
  close(*(int*)arg);
  return NULL;
}

// A write that waits for room has taken a part when the connection is reset: the error is told to the next one.
static void reset_while_waiting(const char* name, ssize_t (*transfer)(int, char*, size_t), char* data, size_t n) {
  int s[2];
  pthread_t closer;
  tcp_pair(s);
  pthread_create(&closer, NULL, close_later, &s[1]);
  ssize_t taken = transfer(s[0], data, n);
  pthread_join(closer, NULL);
  say("%s %s: a part is taken\n", taken > 0 && taken < (ssize_t)n ? "ok" : "FAIL", name);
  fails("the next one hears of the reset", transfer(s[0], data, 2), ECONNRESET);
  fails("once", transfer(s[0], data, 2), EPIPE);
  close(s[0]);
}

static void resets(void) {
  size_t n = 64 << 20;
  char* data = calloc(1, n);
  signal(SIGPIPE, SIG_IGN);
  reset_while_waiting("write", by_write, data, n);
  reset_while_waiting("send", by_send, data, n);
  reset_while_waiting("writev", by_writev, data, n);
  free(data);
}

static void links(void) {
  int types[] = {SOCK_STREAM, SOCK_DGRAM};
  for (int i = 0; i < 2; i++) {
    int s = must(socket(AF_INET6, types[i], 0));
    union address a = ip6("fe80::1", 9);
    fails("an address of which link?", connect_to(s, a), EINVAL);
    fails("bind", bind_to(s, a), EINVAL);
    fails("a group of which link?", connect_to(s, ip6("ff02::1", 9)), i == 0 ? ENETUNREACH : EINVAL);
    fails("a site's group", connect_to(s, ip6("ff05::1", 9)), ENETUNREACH);
    close(s);
    s = must(socket(AF_INET6, types[i], 0));
    a.v6.sin6_scope_id = 1;
    fails("not this one's", bind_to(s, a), EADDRNOTAVAIL);
    fails("no route there", connect_to(s, a), ENETUNREACH);
    close(s);
  }
}

int main(void) {
  nobody_listens(0);
  nobody_listens(1);
  reading_goes_on();
  resets();
  links();
  return check_done();
}
