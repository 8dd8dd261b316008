// epoll_ctl(2) of sockets that are used much, on an instance that is waited on much: who changes what is watched, and
// from which process, makes no difference.
// build: -pthread
#include "net.h"
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/wait.h>

enum { MUCH = 40 };

static int next(int e, int ms, unsigned long* data) {
  struct epoll_event v = {0};
  int n = epoll_wait(e, &v, 1, ms);
  *data = n == 1 ? v.data.u64 : 0;
  return n == 1 ? (int)v.events : n;
}
static int control(int e, int operation, int fd, unsigned events, unsigned long data) {
  struct epoll_event v = {.events = events, .data.u64 = data};
  return epoll_ctl(e, operation, fd, &v);
}

// Nothing about them is new: both ends, and the instance with s[1] in it.
static int used(int* s) {
  unsigned long data;
  char byte;
  long good = 0;
  tcp_pair(s);
  int e = must(epoll_create1(0));
  must(control(e, EPOLL_CTL_ADD, s[1], EPOLLIN, 1));
  for (int i = 0; i < MUCH; i++) {
    good += write(s[0], "a", 1) == 1 && next(e, 60000, &data) == EPOLLIN && data == 1;
    good += read(s[1], &byte, 1) == 1 && write(s[1], "b", 1) == 1 && read(s[0], &byte, 1) == 1;
  }
  equal("used", good, 2 * MUCH);
  return e;
}

static void changes(void) {
  int s[2], e = used(s);
  unsigned long data;
  fails("added twice", control(e, EPOLL_CTL_ADD, s[1], EPOLLIN, 2), EEXIST);
  fails("changed before it was added", control(e, EPOLL_CTL_MOD, s[0], EPOLLIN, 2), ENOENT);
  fails("taken before it was added", epoll_ctl(e, EPOLL_CTL_DEL, s[0], NULL), ENOENT);
  fails("no such operation", control(e, 4, s[1], EPOLLIN, 2), EINVAL);
  fails("itself", control(e, EPOLL_CTL_ADD, e, EPOLLIN, 2), EINVAL);
  fails("no event", epoll_ctl(e, EPOLL_CTL_ADD, s[0], NULL), EFAULT);
  fails("not an instance", control(s[1], EPOLL_CTL_ADD, s[0], EPOLLIN, 2), EINVAL);
  fails("not a descriptor", control(e, EPOLL_CTL_ADD, 900, EPOLLIN, 2), EBADF);
  must(control(e, EPOLL_CTL_MOD, s[1], EPOLLOUT, 0xfedcba9876543210));
  equal("other events", next(e, 60000, &data), EPOLLOUT);
  holds("all of the data", data == 0xfedcba9876543210);
  must(epoll_ctl(e, EPOLL_CTL_DEL, s[1], NULL));
  equal("none", next(e, 20, &data), 0);
  fails("taken twice", epoll_ctl(e, EPOLL_CTL_DEL, s[1], NULL), ENOENT);
  // As servers and clients do it that wait to write, then to read.
  long good = 0;
  for (int i = 0; i < MUCH; i++) {
    char byte;
    good += control(e, EPOLL_CTL_ADD, s[1], EPOLLOUT, 3) == 0 && next(e, 60000, &data) == EPOLLOUT;
    good += control(e, EPOLL_CTL_MOD, s[1], EPOLLIN | EPOLLOUT, 4) == 0 && write(s[0], "a", 1) == 1;
    good += wait_for(s[1], POLLIN) == POLLIN && next(e, 60000, &data) == (EPOLLIN | EPOLLOUT) && data == 4;
    good += read(s[1], &byte, 1) == 1 && epoll_ctl(e, EPOLL_CTL_DEL, s[1], NULL) == 0;
    good += next(e, 0, &data) == 0;
  }
  equal("by turns", good, 5 * MUCH);
  // An edge is announced once, and again after a change.
  must(control(e, EPOLL_CTL_ADD, s[1], EPOLLIN | EPOLLET, 5));
  must(write(s[0], "a", 1));
  equal("an edge", next(e, 60000, &data), EPOLLIN);
  equal("once", next(e, 20, &data), 0);
  must(control(e, EPOLL_CTL_MOD, s[1], EPOLLIN | EPOLLET, 6));
  equal("once more", next(e, 60000, &data), EPOLLIN);
  equal("with its new data", data, 6);
  close(s[0]), close(s[1]), close(e);
}

// Data as no other program has it, and an exclusive watch: what is watched twice is so for both.
static void odd(void) {
  int s[2], e = used(s);
  unsigned long data, bell = 0x7fffeb1100000000;
  must(control(e, EPOLL_CTL_MOD, s[1], EPOLLOUT, bell));
  equal("odd data", next(e, 60000, &data), EPOLLOUT);
  holds("all of it", data == bell);
  fails("is there", control(e, EPOLL_CTL_ADD, s[1], EPOLLOUT, 1), EEXIST);
  must(control(e, EPOLL_CTL_MOD, s[1], EPOLLOUT, 2));
  equal("plain data", next(e, 60000, &data), EPOLLOUT);
  equal("plain", data, 2);
  must(epoll_ctl(e, EPOLL_CTL_DEL, s[1], NULL));
  must(control(e, EPOLL_CTL_ADD, s[1], EPOLLOUT, 3));
  fails("exclusive, again", control(e, EPOLL_CTL_ADD, s[1], EPOLLIN | EPOLLEXCLUSIVE, 1), EEXIST);
  must(control(e, EPOLL_CTL_ADD, s[0], EPOLLOUT | EPOLLEXCLUSIVE, 4));
  fails("again", control(e, EPOLL_CTL_ADD, s[0], EPOLLIN, 1), EEXIST);
  fails("an exclusive one changes never", control(e, EPOLL_CTL_MOD, s[0], EPOLLIN, 1), EINVAL);
  fails("nor becomes one", control(e, EPOLL_CTL_MOD, s[1], EPOLLIN | EPOLLEXCLUSIVE, 1), EINVAL);
  unsigned both = 0;
  for (int i = 0; i < 6; i++) next(e, 60000, &data), both |= 1u << data;
  equal("both", both, 1 << 3 | 1 << 4);
  must(epoll_ctl(e, EPOLL_CTL_DEL, s[0], NULL));
  must(control(e, EPOLL_CTL_ADD, s[0], EPOLLOUT, 5));
  both = 0;
  for (int i = 0; i < 6; i++) next(e, 60000, &data), both |= 1u << data;
  equal("both still", both, 1 << 3 | 1 << 5);
  close(s[0]), close(s[1]), close(e);
}

// A child has the same instance: what it changes holds for both.
static void family(void) {
  int s[2], e = used(s);
  unsigned long data;
  must(control(e, EPOLL_CTL_ADD, s[0], EPOLLOUT, 7));
  pid_t pid = must(fork());
  if (pid == 0) {
    int bad = control(e, EPOLL_CTL_ADD, s[1], EPOLLIN, 1) == 0 || errno != EEXIST;
    bad |= control(e, EPOLL_CTL_MOD, s[0], EPOLLOUT, 8) != 0;
    bad |= epoll_ctl(e, EPOLL_CTL_DEL, s[1], NULL) != 0;
    _exit(bad);
  }
  equal("the child's changes", status_of(pid), 0);
  equal("seen here", next(e, 60000, &data), EPOLLOUT);
  equal("with its data", data, 8);
  fails("what it took is gone", control(e, EPOLL_CTL_MOD, s[1], EPOLLIN, 1), ENOENT);
  must(epoll_ctl(e, EPOLL_CTL_DEL, s[0], NULL));
  // The description outlives the descriptor, and so does the watch (epoll(7), Q6).
  must(control(e, EPOLL_CTL_ADD, s[1], EPOLLOUT, 9));
  int copy = must(dup(s[1]));
  close(s[1]);
  equal("watched under a number that is gone", next(e, 60000, &data), EPOLLOUT);
  fails("which is no descriptor", epoll_ctl(e, EPOLL_CTL_DEL, s[1], NULL), EBADF);
  must(control(e, EPOLL_CTL_ADD, copy, EPOLLIN, 10));
  must(dup2(copy, s[1]));
  fails("back again, it is watched already", control(e, EPOLL_CTL_ADD, s[1], EPOLLIN, 1), EEXIST);
  must(control(e, EPOLL_CTL_MOD, s[1], EPOLLIN, 11));
  must(write(s[0], "a", 1));
  unsigned both = 0;
  for (int i = 0; i < 6; i++) next(e, 60000, &data), both |= 1u << data;
  equal("both numbers", both, 1 << 10 | 1 << 11);
  close(s[1]), close(copy);
  equal("the last close ends it", next(e, 20, &data), 0);
  close(s[0]), close(e);
  // The number is another socket's: nothing of the first one is left.
  for (int i = 0; i < MUCH; i++) {
    int t[2], more = used(t);
    must(control(more, EPOLL_CTL_ADD, t[0], EPOLLOUT, 1));
    close(t[0]);
    if (next(more, 0, &data) < 0) say("FAIL wait\n");
    int other = must(socket(AF_INET, SOCK_STREAM, 0));
    if (other != t[0] || control(more, EPOLL_CTL_MOD, other, EPOLLIN, 1) == 0) say("FAIL it was watched\n");
    close(other), close(t[1]), close(more);
    if (i == 3) break;
  }
}

static int shared, waited[2];
static void* wait_in_thread(void* nothing) {
  (void)nothing;
  unsigned long data;
  waited[0] = next(shared, 60000, &data);
  waited[1] = (int)data;
  return NULL;
}

// One waits while another adds.
static void threads(void) {
  int s[2];
  unsigned long data;
  shared = used(s);
  must(control(shared, EPOLL_CTL_ADD, s[0], 0, 1));
  equal("nothing is ready", next(shared, 0, &data), 0);
  pthread_t thread;
  must(-pthread_create(&thread, NULL, wait_in_thread, NULL));
  sleep_ms(50);
  must(control(shared, EPOLL_CTL_MOD, s[0], EPOLLOUT, 12));
  pthread_join(thread, NULL);
  equal("the waiter hears", waited[0], EPOLLOUT);
  equal("of what was added", waited[1], 12);
  must(epoll_ctl(shared, EPOLL_CTL_DEL, s[0], NULL));
  must(epoll_ctl(shared, EPOLL_CTL_DEL, s[1], NULL));
  pid_t pid = must(fork());
  if (pid == 0) {
    // Waits in the same instance while the parent changes it.
    int events = next(shared, 60000, &data);
    _exit(events == EPOLLIN && data == 13 ? 0 : 1);
  }
  must(write(s[0], "a", 1));
  sleep_ms(50);
  must(control(shared, EPOLL_CTL_ADD, s[1], EPOLLIN, 13));
  equal("in another process, too", status_of(pid), 0);
  close(s[0]), close(s[1]), close(shared);
}

int main(void) {
  changes();
  odd();
  family();
  threads();
  return check_failures != 0;
}
