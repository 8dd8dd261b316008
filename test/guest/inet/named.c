// Datagram sockets that are used much, each time with an address: sendto(2), recvfrom(2), udp(7).
#include "net.h"
#include <pthread.h>
#include <sys/time.h>

#define MUCH 40
static void* volatile nowhere = (void*)-4096L;
static char bytes[70000];

// Sends from `from` to `to` and back, by names alone.
static int there_and_back(int from, int to) {
  union address peer = {.v4.sin_port = 0}, back = peer;
  socklen_t length = sizeof peer;
  char byte = 0;
  if (send_to(from, "a", 1, 0, name_of(to)) != 1) return 0;
  if (recvfrom(to, &byte, 1, 0, &peer.any, &length) != 1 || byte != 'a' || length != size_of(&peer)) return 0;
  if (peer.v4.sin_port != name_of(from).v4.sin_port) return 0;
  if (send_to(to, "b", 1, 0, peer) != 1) return 0;
  length = sizeof back;
  return recvfrom(from, &byte, 1, 0, &back.any, &length) == 1 && byte == 'b' && back.v4.sin_port == name_of(to).v4.sin_port;
}

static void many(int family) {
  int s[3];
  for (int i = 0; i < 3; i++) {
    s[i] = must(socket(family, SOCK_DGRAM, 0));
    must(bind_to(s[i], family == AF_INET ? ip4(INADDR_LOOPBACK, 0) : ip6("::1", 0)));
  }
  int good = 0;
  for (int i = 0; i < MUCH; i++) good += there_and_back(s[0], s[1]) + there_and_back(s[2], s[1]) + there_and_back(s[0], s[2]);
  equal(family == AF_INET ? "IPv4" : "IPv6", good, 3 * MUCH);
  for (int i = 0; i < 3; i++) close(s[i]);
}

static void use(int a, int b) {
  int good = 0;
  for (int i = 0; i < MUCH; i++) good += there_and_back(a, b);
  equal("used", good, MUCH);
}

static void lengths(void) {
  int a = udp4(), b = udp4();
  use(a, b);
  union address to = name_of(b), from;
  char byte;
  for (socklen_t given = 0; given <= 20; given += 4) {
    char name[40];
    sprintf(name, "a name of %d", given);
    must(send_to(a, "x", 1, 0, to));
    memset(&from, 0xee, sizeof from);
    socklen_t length = given;
    equal(name, recvfrom(b, &byte, 1, 0, &from.any, &length), 1);
    equal("is of", length, 16);
    equal("and no longer", ((unsigned char*)&from)[given < 16 ? given : 16], 0xee);
  }
  must(send_to(a, "x", 1, 0, to));
  equal("nobody wants the name", recvfrom(b, &byte, 1, 0, NULL, NULL), 1);
  must(send_to(a, "x", 1, 0, to));
  socklen_t length = -1;
  fails("a negative length", recvfrom(b, &byte, 1, 0, &from.any, &length), EINVAL);
  fails("takes the datagram along", recv(b, &byte, 1, MSG_DONTWAIT), EAGAIN);
  must(send_to(a, "x", 1, 0, to));
  length = sizeof from;
  fails("a bad address", recvfrom(b, &byte, 1, 0, nowhere, &length), EFAULT);
  must(send_to(a, "x", 1, 0, to));
  fails("a bad length", recvfrom(b, &byte, 1, 0, &from.any, nowhere), EFAULT);
  while (recv(b, &byte, 1, MSG_DONTWAIT) > 0) {}
  fails("none there", recvfrom(b, &byte, 1, 0, &from.any, &length), EAGAIN);

  fails("sendto: too short", sendto(a, "x", 1, 0, &to.any, 15), EINVAL);
  fails("a negative length", sendto(a, "x", 1, 0, &to.any, -1), EINVAL);
  fails("too long", sendto(a, "x", 1, 0, (void*)bytes, 129), EINVAL);
  equal("as long as any", sendto(a, "x", 1, 0, &to.any, sizeof to.v4 + 4), 1);
  fails("a bad address", sendto(a, "x", 1, 0, nowhere, sizeof to.v4), EFAULT);
  fails("bad data", sendto(a, nowhere, 1, 0, &to.any, sizeof to.v4), EFAULT);
  fails("another family", send_to(a, "x", 1, 0, ip6("::1", port_of(b))), EAFNOSUPPORT);
  fails("no port", send_to(a, "x", 1, 0, ip4(INADDR_LOOPBACK, 0)), EINVAL);
  fails("no route", send_to(a, "x", 1, 0, ip4(0x0a090909, 9)), ENETUNREACH);
  fails("a broadcast", send_to(a, "x", 1, 0, ip4(0x7fffffff, 9)), EACCES);
  fails("too much", send_to(a, bytes, 65508, 0, to), EMSGSIZE);
  equal("the most", send_to(a, bytes, 65507, 0, to), 65507);
  must(recv(b, &byte, 1, 0)), must(recv(b, bytes, sizeof bytes, 0));
  equal("nothing", send_to(a, "", 0, 0, to), 0);
  length = sizeof from;
  equal("arrives", recvfrom(b, &byte, 1, 0, &from.any, &length), 0);
  to.any.sa_family = AF_UNSPEC;
  equal("AF_UNSPEC", sendto(a, "x", 1, 0, &to.any, sizeof to.v4), 1);
  must(recv(b, &byte, 1, 0));
  close(b);
  to.any.sa_family = AF_INET;
  equal("nobody there", send_to(a, "x", 1, 0, to), 1);
  fails("is no error without a connection", recvfrom(a, &byte, 1, 0, &from.any, &length), EAGAIN);
  close(a);
}

static void connected(void) {
  int a = udp4(), b = udp4(), c = udp4();
  use(a, b);
  must(connect_to(a, name_of(b)));
  union address from;
  socklen_t length = sizeof from;
  char byte;
  for (int i = 0; i < MUCH; i++) must(send(a, "x", 1, 0)), must(recvfrom(b, &byte, 1, 0, &from.any, &length));
  equal("to somebody else", send_to(a, "y", 1, 0, name_of(c)), 1);
  equal("arrives there", recvfrom(c, &byte, 1, 0, &from.any, &length) == 1 ? byte : 0, 'y');
  must(send_to(c, "z", 1, 0, name_of(a)));
  fails("from somebody else", recvfrom(a, &byte, 1, 0, &from.any, &length), EAGAIN);
  close(b);
  must(send(a, "x", 1, 0));
  fails("refused", send_to(a, "x", 1, 0, name_of(c)), ECONNREFUSED);
  equal("once", send_to(a, "x", 1, 0, name_of(c)), 1);
  close(a), close(c);
}

static void streams(void) {
  int s[2];
  char byte;
  tcp_pair(s);
  for (int i = 0; i < MUCH; i++) must(write(s[0], "x", 1)), must(read(s[1], &byte, 1));
  union address other = ip4(0x0a090909, 9);
  socklen_t length = sizeof other;
  equal("a stream has one destination", send_to(s[0], "s", 1, 0, other), 1);
  equal("and one source", recvfrom(s[1], &byte, 1, 0, &other.any, &length), 1);
  equal("without a name", length, 0);
  equal("byte", byte, 's');
  close(s[0]), close(s[1]);
}

static volatile int handled;
static void on_alarm(int signo) {
  (void)signo;
  handled++;
}

static void* answer_later(void* arg) {
  int* s = arg;
  while (handled < 2) sleep_ms(5);
  sleep_ms(20);
  must(send_to(s[1], "l", 1, 0, name_of(s[0])));
  return NULL;
}

static void waiting(void) {
  int s[2] = {udp4(), udp4()};
  use(s[0], s[1]);
  must(fcntl(s[0], F_SETFL, 0));
  union address from;
  socklen_t length = sizeof from;
  char byte = 0;
  struct sigaction act = {.sa_handler = on_alarm};
  sigaction(SIGALRM, &act, NULL);
  pid_t helper = interrupt_asleep(SIGALRM);
  fails("a handler ends the wait", recvfrom(s[0], &byte, 1, 0, &from.any, &length), EINTR);
  status_of(helper);
  act.sa_flags = SA_RESTART;
  sigaction(SIGALRM, &act, NULL);
  pthread_t writer;
  sigset_t alarm_alone;
  sigemptyset(&alarm_alone);
  sigaddset(&alarm_alone, SIGALRM);
  pthread_sigmask(SIG_BLOCK, &alarm_alone, NULL);
  pthread_create(&writer, NULL, answer_later, s);
  pthread_sigmask(SIG_UNBLOCK, &alarm_alone, NULL);
  helper = interrupt_asleep(SIGALRM);
  equal("SA_RESTART", recvfrom(s[0], &byte, 1, 0, &from.any, &length) == 1 ? byte : 0, 'l');
  pthread_join(writer, NULL);
  status_of(helper);
  equal("its name", from.v4.sin_port, name_of(s[1]).v4.sin_port);
  equal("its length", length, 16);
  equal("both handled", handled, 2);
  pid_t pid = fork();
  if (pid == 0) _exit(recvfrom(s[0], &byte, 1, 0, &from.any, &length) == 1 && send_to(s[0], "c", 1, 0, from) == 1 ? 0 : 1);
  must(send_to(s[1], "p", 1, 0, name_of(s[0])));
  wait_for(s[1], POLLIN);
  equal("a child answers", recvfrom(s[1], &byte, 1, 0, &from.any, &length) == 1 ? byte : 0, 'c');
  int status = -1;
  must(waitpid(pid, &status, 0));
  equal("status", status, 0);
  close(s[0]), close(s[1]);
}

int main(void) {
  many(AF_INET);
  many(AF_INET6);
  lengths();
  connected();
  streams();
  waiting();
  return check_done();
}
