// Urgent data (tcp(7) "Out-of-band data", socket(7) SIGURG, SIOCATMARK, SO_OOBINLINE).
#include "net.h"
#include <sys/epoll.h>

static volatile sig_atomic_t urgents, ios;
static volatile int io_fd, io_code;
static void on_urgent(int signal) { (void)signal, urgents++; }
static void on_io(int signal, siginfo_t* info, void* context) {
  (void)signal, (void)context;
  ios++, io_fd = info->si_fd, io_code = info->si_code;
}

static int at_mark(int s) {
  int mark = -1;
  ioctl(s, SIOCATMARK, &mark);
  return mark;
}

static void signals(void) {
  int s[2];
  char byte[8];
  tcp_pair(s);
  signal(SIGURG, on_urgent);
  must(send(s[0], "a", 1, MSG_OOB));
  wait_for(s[1], POLLPRI);
  equal("no owner, no signal", urgents, 0);
  equal("takes it", recv(s[1], byte, 1, MSG_OOB), 1);
  must(fcntl(s[1], F_SETOWN, getpid()));
  must(send(s[0], "b", 1, MSG_OOB));
  for (int i = 0; i < 6000 && urgents == 0; i++) sleep_ms(10);
  equal("SIGURG without O_ASYNC", urgents, 1);
  equal("POLLPRI", wait_for(s[1], POLLPRI), POLLPRI);
  equal("not readable", readiness(s[1]) & POLLIN, 0);
  int e = must(epoll_create1(0));
  struct epoll_event event = {.events = EPOLLPRI};
  must(epoll_ctl(e, EPOLL_CTL_ADD, s[1], &event));
  equal("epoll", epoll_wait(e, &event, 1, 60000), 1);
  equal("EPOLLPRI", event.events, EPOLLPRI);
  equal("peek", recv(s[1], byte, 1, MSG_OOB | MSG_PEEK), 1);
  equal("still there", recv(s[1], byte, 8, MSG_OOB), 1);
  equal("b", byte[0], 'b');
  fails("once", recv(s[1], byte, 1, MSG_OOB), EINVAL);
  equal("quiet again", epoll_wait(e, &event, 1, 0), 0);
  struct sigaction action = {.sa_sigaction = on_io, .sa_flags = SA_SIGINFO};
  sigaction(SIGUSR1, &action, NULL);
  must(fcntl(s[1], F_SETSIG, SIGUSR1));
  must(fcntl(s[1], F_SETFL, O_ASYNC));
  must(send(s[0], "c", 1, MSG_OOB));
  for (int i = 0; i < 6000 && urgents < 2; i++) sleep_ms(10);
  equal("SIGURG whatever F_SETSIG says", urgents, 2);
  ios = 0;
  must(send(s[0], "d", 1, 0));
  for (int i = 0; i < 6000 && ios == 0; i++) sleep_ms(10);
  holds("F_SETSIG for data", ios > 0);
  equal("si_fd", io_fd, s[1]);
  equal("si_code", io_code, POLL_IN);
  close(s[0]), close(s[1]), close(e);
}

static void in_line(void) {
  int s[2];
  char text[16];
  tcp_pair(s);
  must(set(s[1], SOL_SOCKET, SO_OOBINLINE, 1));
  must(send(s[0], "abc", 3, 0));
  must(send(s[0], "X", 1, MSG_OOB));
  must(send(s[0], "def", 3, 0));
  wait_for(s[1], POLLPRI);
  sleep_ms(20);
  fails("MSG_OOB", recv(s[1], text, 1, MSG_OOB), EINVAL);
  equal("not at the mark", at_mark(s[1]), 0);
  equal("up to the mark", recv(s[1], text, 16, 0), 3);
  equal("at the mark", at_mark(s[1]), 1);
  equal("rest with the urgent byte", recv(s[1], text, 16, 0), 4);
  equal("first is urgent", text[0], 'X');
  equal("past the mark", at_mark(s[1]), 0);
  equal("no POLLPRI", readiness(s[1]) & POLLPRI, 0);
  close(s[0]), close(s[1]);
}

static void moved_mark(void) {
  int s[2];
  char text[16] = "";
  tcp_pair(s);
  must(send(s[0], "ab1", 3, MSG_OOB));
  wait_for(s[1], POLLPRI);
  sleep_ms(20);
  must(send(s[0], "cd2", 3, MSG_OOB));
  sleep_ms(50);
  equal("newest urgent byte", recv(s[1], text, 1, MSG_OOB), 1);
  equal("is 2", text[0], '2');
  // The first urgent byte became ordinary data.
  int n = recv(s[1], text, 16, 0);
  equal("all before it", n, 5);
  holds("with the old byte", memcmp(text, "ab1cd", 5) == 0);
  equal("at the mark", at_mark(s[1]), 1);
  fails("nothing else", recv(s[1], text, 1, MSG_DONTWAIT), EAGAIN);
  close(s[0]), close(s[1]);

  tcp_pair(s);
  must(send(s[0], "ab", 2, 0));
  must(send(s[0], "!", 1, MSG_OOB));
  must(send(s[0], "cd", 2, 0));
  wait_for(s[1], POLLPRI);
  sleep_ms(20);
  equal("before the unread mark", recv(s[1], text, 16, 0), 2);
  // Reading past the mark without MSG_OOB drops the urgent byte.
  equal("past it", recv(s[1], text, 16, 0), 2);
  holds("without it", memcmp(text, "cd", 2) == 0);
  fails("too late", recv(s[1], text, 1, MSG_OOB), EINVAL);
  must(send(s[0], "?", 1, MSG_OOB));
  wait_for(s[1], POLLPRI);
  int pending = -1;
  must(ioctl(s[1], FIONREAD, &pending));
  equal("FIONREAD leaves it out", pending, 0);
  shutdown(s[0], SHUT_WR);
  wait_for(s[1], POLLRDHUP);
  equal("end of file behind it", recv(s[1], text, 16, 0), 0);
  fails("reading went past it", recv(s[1], text, 1, MSG_OOB), EINVAL);
  close(s[0]), close(s[1]);

  tcp_pair(s);
  must(shutdown(s[0], SHUT_WR));
  wait_for(s[1], POLLRDHUP);
  fails("none and none to come", recv(s[1], text, 1, MSG_OOB), EINVAL);
  fails("after shutdown", send(s[0], "x", 1, MSG_OOB | MSG_NOSIGNAL), EPIPE);
  close(s[0]), close(s[1]);
}

int main(void) {
  signals();
  in_line();
  moved_mark();
  return check_done();
}
