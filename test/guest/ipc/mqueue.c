// mq_overview(7): POSIX message queues.
// build: -pthread
#include "../check.h"
#include <mqueue.h>
#include <poll.h>
#include <pthread.h>
#include <sys/resource.h>

static const char* NAME = "/runsc-test";
static char buffer[8192];

static mqd_t open_small(int flags) {
  struct mq_attr attr = {.mq_maxmsg = 3, .mq_msgsize = 20};
  return mq_open(NAME, O_CREAT | flags, 0600, &attr);
}

static void opening(void) {
  fails("no such queue", mq_open(NAME, O_RDWR), ENOENT);
  fails("no slash", mq_open("name", O_RDWR | O_CREAT, 0600, NULL), EINVAL);
  fails("slash only", mq_open("/", O_RDWR | O_CREAT, 0600, NULL), ENOENT);
  fails("two slashes", mq_open("/a/b", O_RDWR | O_CREAT, 0600, NULL), EACCES);
  fails("dots", mq_open("/..", O_RDWR | O_CREAT, 0600, NULL), EACCES);
  char longer[300];
  memset(longer, 'a', sizeof longer);
  longer[0] = '/', longer[299] = 0;
  fails("too long", mq_open(longer, O_RDWR | O_CREAT, 0600, NULL), ENAMETOOLONG);
  struct mq_attr attr = {.mq_maxmsg = 0, .mq_msgsize = 10};
  fails("no messages", mq_open(NAME, O_RDWR | O_CREAT, 0600, &attr), EINVAL);
  attr.mq_maxmsg = 11;
  fails("too many", mq_open(NAME, O_RDWR | O_CREAT, 0600, &attr), EINVAL);
  attr.mq_maxmsg = 1, attr.mq_msgsize = 8193;
  fails("too large", mq_open(NAME, O_RDWR | O_CREAT, 0600, &attr), EINVAL);
  fails("attributes from where", mq_open(NAME, O_RDWR | O_CREAT, 0600, (void*)8), EFAULT);
  mqd_t q = succeeds("create", mq_open(NAME, O_RDWR | O_CREAT | O_EXCL, 0640, NULL));
  fails("once more", mq_open(NAME, O_RDWR | O_CREAT | O_EXCL, 0640, NULL), EEXIST);
  fails("neither way", mq_open(NAME, O_RDWR | O_WRONLY), EINVAL);
  equal("closed by exec", fcntl(q, F_GETFD), FD_CLOEXEC);
  must(mq_getattr(q, &attr));
  equal("default messages", attr.mq_maxmsg, 10);
  equal("default size", attr.mq_msgsize, 8192);
  equal("empty", attr.mq_curmsgs + attr.mq_flags, 0);
  struct stat st;
  must(fstat(q, &st));
  equal("mode", st.st_mode, S_IFREG | 0640);
  equal("size", st.st_size, 80);
  must(mq_close(q));
  succeeds("unlink", mq_unlink(NAME));
  fails("once", mq_unlink(NAME), ENOENT);
}

static void sending(void) {
  mqd_t q = must(open_small(O_RDWR));
  succeeds("send", mq_send(q, "low", 3, 1));
  must(mq_send(q, "high", 4, 7));
  must(mq_send(q, "high too", 8, 7));
  struct mq_attr attr;
  must(mq_getattr(q, &attr));
  equal("three", attr.mq_curmsgs, 3);
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  fails("full", mq_timedsend(q, "x", 1, 0, &now), ETIMEDOUT);
  fails("bad time", mq_timedsend(q, "x", 1, 0, &(struct timespec){1, 1000000000}), EINVAL);
  fails("bad priority", mq_send(q, "x", 1, 32768), EINVAL);
  fails("too long", mq_send(q, buffer, 21, 0), EMSGSIZE);
  fails("no queue", mq_send(0, "x", 1, 0), EBADF);
  unsigned priority = 9;
  fails("no room to receive", mq_receive(q, buffer, 19, &priority), EMSGSIZE);
  equal("the highest", mq_receive(q, buffer, 20, &priority), 4);
  holds("its text", memcmp(buffer, "high", 4) == 0);
  equal("its priority", priority, 7);
  equal("the next of it", mq_receive(q, buffer, sizeof buffer, NULL), 8);
  equal("the lowest", mq_receive(q, buffer, sizeof buffer, &priority), 3);
  equal("last", priority, 1);
  succeeds("nothing", mq_send(q, NULL, 0, 32767));
  equal("is something", mq_receive(q, buffer, 20, &priority), 0);
  equal("of the highest priority", priority, 32767);
  long start = now_ns(CLOCK_MONOTONIC);
  clock_gettime(CLOCK_REALTIME, &now);
  now.tv_nsec += 30000000;
  if (now.tv_nsec >= 1000000000)
    now.tv_nsec -= 1000000000, now.tv_sec++;
  fails("in time", mq_timedreceive(q, buffer, 20, NULL, &now), ETIMEDOUT);
  holds("that long", now_ns(CLOCK_MONOTONIC) - start > 25000000);
  attr.mq_flags = O_NONBLOCK;
  struct mq_attr old = {.mq_flags = 99};
  succeeds("do not wait", mq_setattr(q, &attr, &old));
  equal("waited before", old.mq_flags, 0);
  equal("and its size", old.mq_maxmsg * 100 + old.mq_msgsize, 320);
  fails("empty", mq_receive(q, buffer, 20, NULL), EAGAIN);
  equal("shown", fcntl(q, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
  attr.mq_flags = 1;
  fails("no such flag", mq_setattr(q, &attr, NULL), EINVAL);
  struct pollfd p = {q, POLLIN | POLLOUT, 0};
  equal("poll", poll(&p, 1, 0), 1);
  equal("room", p.revents, POLLOUT);
  for (int i = 0; i < 3; i++)
    must(mq_send(q, "abcde", 5, 0));
  fails("full, not waiting", mq_send(q, "x", 1, 0), EAGAIN);
  poll(&p, 1, 0);
  equal("no room", p.revents, POLLIN);
  must(pread(q, buffer, sizeof buffer, 0));
  buffer[70] = 0;
  same_text("read", buffer, "QSIZE:15         NOTIFY:0     SIGNO:0     NOTIFY_PID:0     \n");
  mqd_t reader = must(mq_open(NAME, O_RDONLY));
  fails("not for sending", mq_send(reader, "x", 1, 0), EBADF);
  mqd_t writer = must(mq_open(NAME, O_WRONLY));
  fails("not for receiving", mq_receive(writer, buffer, 20, NULL), EBADF);
  must(mq_close(reader));
  must(mq_close(writer));
  must(mq_unlink(NAME));
  equal("lives on without a name", mq_receive(q, buffer, 20, NULL), 5);
  must(mq_close(q));
}

static volatile int handled;
static void handler(int signo) {
  handled = signo;
}

static void waiting(void) {
  mqd_t q = must(open_small(O_RDWR));
  pid_t pid = fork();
  if (pid == 0)
    _exit(mq_receive(q, buffer, 20, NULL) == 2 ? 3 : 4);
  sleep_ms(50);
  must(mq_send(q, "ab", 2, 0));
  equal("woken by a message", status_of(pid), 3);
  for (int i = 0; i < 3; i++)
    must(mq_send(q, "x", 1, 0));
  pid = fork();
  if (pid == 0)
    _exit(mq_send(q, "y", 1, 9) == 0 ? 3 : 4);
  sleep_ms(50);
  must(mq_receive(q, buffer, 20, NULL));
  equal("woken by room", status_of(pid), 3);
  must(mq_receive(q, buffer, 20, NULL));
  equal("and sent", buffer[0], 'y');
  while (must(mq_receive(q, buffer, 20, NULL)) == 1 && buffer[0] == 'x') {
    struct mq_attr attr;
    must(mq_getattr(q, &attr));
    if (attr.mq_curmsgs == 0)
      break;
  }
  sigaction(SIGUSR1, &(struct sigaction){.sa_handler = handler}, NULL);
  pid = fork();
  if (pid == 0)
    _exit(mq_receive(q, buffer, 20, NULL) == -1 && errno == EINTR && handled ? 5 : 6);
  until_asleep(pid);
  kill(pid, SIGUSR1);
  equal("a signal ends it", status_of(pid), 5);
  must(mq_close(q));
  must(mq_unlink(NAME));
}

static siginfo_t told;
static void on_message(int signo, siginfo_t* info, void* context) {
  told = *info;
}

static pthread_barrier_t barrier;
static void thread(union sigval value) {
  *(int*)value.sival_ptr = 77;
  pthread_barrier_wait(&barrier);
}

static void notifying(void) {
  mqd_t q = must(open_small(O_RDWR));
  sigaction(SIGUSR2, &(struct sigaction){.sa_sigaction = on_message, .sa_flags = SA_SIGINFO}, NULL);
  struct sigevent event = {
      .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR2, .sigev_value.sival_int = 4711};
  succeeds("notify", mq_notify(q, &event));
  fails("one only", mq_notify(q, &event), EBUSY);
  must(pread(q, buffer, sizeof buffer, 0));
  holds("shown", strstr(buffer, "SIGNO:12") != NULL);
  must(mq_send(q, "a", 1, 0));
  equal("told", told.si_signo, SIGUSR2);
  equal("of a queue", told.si_code, SI_MESGQ);
  equal("with the value", told.si_value.sival_int, 4711);
  equal("and who", told.si_pid == getpid() && told.si_uid == getuid(), 1);
  told.si_signo = 0;
  must(mq_receive(q, buffer, 20, NULL));
  must(mq_send(q, "a", 1, 0));
  equal("once", told.si_signo, 0);
  succeeds("again", mq_notify(q, &event));
  must(mq_send(q, "b", 1, 0));
  equal("not when there is one already", told.si_signo, 0);
  succeeds("never mind", mq_notify(q, NULL));
  succeeds("nor without any", mq_notify(q, NULL));
  event.sigev_notify = 77;
  fails("no such way", mq_notify(q, &event), EINVAL);
  event.sigev_notify = SIGEV_SIGNAL, event.sigev_signo = 99;
  fails("no such signal", mq_notify(q, &event), EINVAL);
  event.sigev_notify = SIGEV_NONE;
  succeeds("in silence", mq_notify(q, &event));
  pid_t pid = fork();
  if (pid == 0)
    _exit(mq_notify(q, &event) == -1 && errno == EBUSY ? 3 : 4);
  equal("taken for others too", status_of(pid), 3);
  mqd_t other = must(mq_open(NAME, O_RDONLY));
  must(mq_close(other));
  succeeds("closing gives it up", mq_notify(q, &event));
  must(mq_notify(q, NULL));
  must(mq_receive(q, buffer, 20, NULL));
  must(mq_receive(q, buffer, 20, NULL));
  int seen = 0;
  must(pthread_barrier_init(&barrier, NULL, 2));
  event = (struct sigevent){.sigev_notify = SIGEV_THREAD, .sigev_notify_function = thread};
  event.sigev_value.sival_ptr = &seen;
  succeeds("by a thread", mq_notify(q, &event));
  must(mq_send(q, "c", 1, 0));
  pthread_barrier_wait(&barrier);
  equal("which ran", seen, 77);
  fails("not a queue", mq_notify(0, NULL), EBADF);
  must(mq_close(q));
  must(mq_unlink(NAME));
}

static void limits(void) {
  struct mq_attr attr = {.mq_maxmsg = 10, .mq_msgsize = 8192};
  struct rlimit limit = {10000, 10000};
  pid_t pid = fork();
  if (pid == 0) {
    must(setrlimit(RLIMIT_MSGQUEUE, &limit));
    fails("more than the limit", mq_open(NAME, O_RDWR | O_CREAT, 0600, &attr), EMFILE);
    mqd_t q = succeeds("less", open_small(O_RDWR));
    must(mq_close(q));
    must(mq_unlink(NAME));
    mqd_t mine =
        must(mq_open(NAME, O_RDWR | O_CREAT, 0600, &(struct mq_attr){.mq_maxmsg = 1, .mq_msgsize = 1}));
    must(mq_close(mine));
    must(setuid(1000));
    fails("not allowed", mq_open(NAME, O_RDWR), EACCES);
    fails("nor to unlink", mq_unlink(NAME), EACCES);
    _exit(check_failures);
  }
  equal("checked by a child", status_of(pid), 0);
  must(mq_unlink(NAME));
}

int main(void) {
  opening();
  sending();
  waiting();
  notifying();
  limits();
  return check_done();
}
