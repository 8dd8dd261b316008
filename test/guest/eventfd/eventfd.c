// eventfd(2).
#include "../check.h"
#include <poll.h>
#include <sys/eventfd.h>

static int readiness(int fd) {
  struct pollfd p = {.fd = fd, .events = POLLIN | POLLOUT};
  poll(&p, 1, 0);
  return p.revents;
}

int main(void) {
  uint64_t v = 0;
  fails("unknown flags", eventfd(0, 0x10), EINVAL);
  int fd = succeeds("eventfd", eventfd(3, EFD_NONBLOCK | EFD_CLOEXEC));
  equal("cloexec", fcntl(fd, F_GETFD), FD_CLOEXEC);
  equal("flags", fcntl(fd, F_GETFL), O_RDWR | O_NONBLOCK);
  equal("readable and writable", readiness(fd), POLLIN | POLLOUT);
  equal("read", read(fd, &v, 8), 8);
  equal("value", v, 3);
  equal("writable only", readiness(fd), POLLOUT);
  fails("empty", read(fd, &v, 8), EAGAIN);
  fails("short read", read(fd, &v, 7), EINVAL);
  fails("short write", write(fd, &v, 4), EINVAL);
  v = ~0ull;
  fails("all ones", write(fd, &v, 8), EINVAL);
  v = ~0ull - 1;
  equal("the most", write(fd, &v, 8), 8);
  equal("readable only", readiness(fd), POLLIN);
  v = 1;
  fails("overflow", write(fd, &v, 8), EAGAIN);
  v = 0;
  equal("zero fits", write(fd, &v, 8), 8);
  equal("read the most", read(fd, &v, 8), 8);
  holds("value is the most", v == ~0ull - 1);
  uint64_t two[2] = {5, 9};
  fails("long write", write(fd, two, 16), EINVAL);
  must(write(fd, two, 8));
  v = 0x100000000ull;
  must(write(fd, &v, 8));
  equal("long read gives eight", read(fd, two, 16), 8);
  holds("sum", two[0] == 0x100000005ull);
  equal("lseek does nothing", lseek(fd, 10, SEEK_SET), 0);
  close(fd);

  fd = must(eventfd(2, EFD_SEMAPHORE));
  equal("semaphore read", read(fd, &v, 8), 8);
  equal("one", v, 1);
  must(read(fd, &v, 8));
  pid_t pid = must(fork());
  if (pid == 0) {
    sleep_ms(50);
    v = 1;
    _exit(write(fd, &v, 8) != 8);
  }
  equal("waits for a write", read(fd, &v, 8), 8);
  equal("child", status_of(pid), 0);
  return check_done();
}
