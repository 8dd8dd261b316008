// pipe2(2), pipe(7): flags, capacity, atomicity, packets, ends of the other side, sizes.
#include "../check.h"
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/uio.h>

static char big[1 << 20];
static volatile int pipe_signals;

static void on_sigpipe(int s) {
  (void)s;
  pipe_signals++;
}

static int readiness(int fd, int events) {
  struct pollfd p = {.fd = fd, .events = events};
  poll(&p, 1, 0);
  return p.revents;
}

static void creation(void) {
  int fd[2];
  fails("pipe2 with unknown flags", pipe2(fd, 0x1), EINVAL);
  fails("pipe2 to a bad pointer", syscall(SYS_pipe2, (int*)8, 0), EFAULT);
  must(pipe2(fd, O_CLOEXEC | O_NONBLOCK));
  equal("reader cloexec", fcntl(fd[0], F_GETFD), FD_CLOEXEC);
  equal("writer cloexec", fcntl(fd[1], F_GETFD), FD_CLOEXEC);
  equal("reader flags", fcntl(fd[0], F_GETFL), O_RDONLY | O_NONBLOCK);
  equal("writer flags", fcntl(fd[1], F_GETFL), O_WRONLY | O_NONBLOCK);
  struct stat st;
  must(fstat(fd[0], &st));
  equal("type", st.st_mode & S_IFMT, S_IFIFO);
  equal("permissions", st.st_mode & 07777, 0600);
  fails("lseek", lseek(fd[0], 0, SEEK_SET), ESPIPE);
  fails("pread", pread(fd[0], big, 1, 0), ESPIPE);
  fails("pwrite", pwrite(fd[1], big, 1, 0), ESPIPE);
  fails("write to the reader", write(fd[0], big, 1), EBADF);
  fails("read from the writer", read(fd[1], big, 1), EBADF);
  fails("read from an empty pipe", read(fd[0], big, 1), EAGAIN);
  equal("read of nothing", read(fd[0], big, 0), 0);
  fails("ftruncate", ftruncate(fd[1], 0), EINVAL);
  fails("fsync", fsync(fd[1]), EINVAL);
  fails("mmap", (long)mmap(0, 4096, PROT_READ, MAP_SHARED, fd[0], 0), ENODEV);
  close(fd[0]);
  close(fd[1]);
}

static void capacity(void) {
  int fd[2], n;
  must(pipe2(fd, O_NONBLOCK));
  equal("default size", fcntl(fd[0], F_GETPIPE_SZ), 65536);
  equal("fills", write(fd[1], big, sizeof big), 65536);
  fails("full", write(fd[1], big, 1), EAGAIN);
  must(ioctl(fd[0], FIONREAD, &n));
  equal("FIONREAD", n, 65536);
  equal("writer not ready", readiness(fd[1], POLLOUT), 0);
  equal("reader ready", readiness(fd[0], POLLIN | POLLRDNORM), POLLIN | POLLRDNORM);
  equal("read a page", read(fd[0], big, 4096), 4096);
  equal("writer ready", readiness(fd[1], POLLOUT), POLLOUT);
  equal("write more than the room", write(fd[1], big, 6000), 4096);
  fails("shrink below the content", fcntl(fd[0], F_SETPIPE_SZ, 4096), EBUSY);
  equal("grow", fcntl(fd[0], F_SETPIPE_SZ, 100000), 131072);
  equal("new size", fcntl(fd[1], F_GETPIPE_SZ), 131072);
  equal("more room", write(fd[1], big, sizeof big), 65536);
  for (int left = 131072; left > 0;)
    left -= must(read(fd[0], big, sizeof big));
  equal("smallest", fcntl(fd[0], F_SETPIPE_SZ, 1), 4096);

  close(fd[0]);
  close(fd[1]);
}

static void atomicity(void) {
  int fd[2];
  must(pipe2(fd, O_NONBLOCK));
  must(fcntl(fd[0], F_SETPIPE_SZ, 8192));
  equal("first", write(fd[1], big, 4096), 4096);
  equal("second", write(fd[1], big, 3000), 3000);
  fails("third does not fit", write(fd[1], big, 3000), EAGAIN);
  equal("small fits", write(fd[1], big, 1000), 1000);
  struct iovec v[2] = {{big, 2000}, {big, 2096}};
  fails("vector as a whole", writev(fd[1], v, 2), EAGAIN);
  equal("read across writes", read(fd[0], big, 8000), 8000);
  equal("the rest", read(fd[0], big, 8000), 96);
  close(fd[0]);
  close(fd[1]);
}

static void packets(void) {
  int fd[2];
  must(pipe2(fd, O_DIRECT | O_NONBLOCK));
  must(write(fd[1], "hello", 5));
  must(write(fd[1], "world!", 6));
  equal("one packet", read(fd[0], big, 100), 5);
  equal("cut packet", read(fd[0], big, 2), 2);
  fails("rest is dropped", read(fd[0], big, 100), EAGAIN);
  equal("long write", write(fd[1], big, 10000), 10000);
  equal("as pages", read(fd[0], big, 20000), 4096);
  equal("as pages 2", read(fd[0], big, 20000), 4096);
  equal("as pages 3", read(fd[0], big, 20000), 1808);
  int n = 0;
  while (write(fd[1], "x", 1) == 1)
    n++;
  equal("packets that fit", n, 16);
  close(fd[0]);
  close(fd[1]);
}

static void ends(void) {
  int fd[2];
  signal(SIGPIPE, on_sigpipe);
  must(pipe2(fd, O_NONBLOCK));
  equal("reader idle", readiness(fd[0], POLLIN), 0);
  equal("writer idle", readiness(fd[1], POLLOUT), POLLOUT);
  must(write(fd[1], "abc", 3));
  close(fd[1]);
  equal("data and hang-up", readiness(fd[0], POLLIN), POLLIN | POLLHUP);
  equal("data first", read(fd[0], big, 10), 3);
  equal("only hang-up", readiness(fd[0], POLLIN), POLLHUP);
  equal("end of file", read(fd[0], big, 10), 0);
  close(fd[0]);
  must(pipe2(fd, 0));
  close(fd[0]);
  equal("error", readiness(fd[1], POLLOUT), POLLOUT | POLLERR);
  fails("broken pipe", write(fd[1], "x", 1), EPIPE);
  equal("SIGPIPE", pipe_signals, 1);
  equal("write of nothing", write(fd[1], "x", 0) <= 0, 1);
  signal(SIGPIPE, SIG_IGN);
  fails("broken pipe, ignored", write(fd[1], "x", 1), EPIPE);
  equal("no SIGPIPE", pipe_signals, 1);
  signal(SIGPIPE, SIG_DFL);
  pid_t pid = must(fork());
  if (pid == 0) {
    write(fd[1], "x", 1);
    _exit(1);
  }
  equal("killed by SIGPIPE", status_of(pid), 1000 + SIGPIPE);
  close(fd[1]);
}

static void blocking(void) {
  int fd[2];
  must(pipe(fd));
  pid_t pid = must(fork());
  if (pid == 0) {
    close(fd[1]);
    sleep_ms(50);
    long sum = 0;
    for (ssize_t n; (n = read(fd[0], big, 70000)) > 0;)
      sum += n;
    _exit(sum == (long)sizeof big ? 0 : 1);
  }
  close(fd[0]);
  equal("a long write waits until all is taken", write(fd[1], big, sizeof big), sizeof big);
  close(fd[1]);
  equal("reader saw all", status_of(pid), 0);

  must(pipe(fd));
  struct sigaction sa = {.sa_handler = on_sigpipe};
  sigaction(SIGALRM, &sa, NULL);
  pid = interrupt_asleep(SIGALRM);
  fails("interrupted read", read(fd[0], big, 1), EINTR);
  status_of(pid);
  pid = interrupt_asleep(SIGALRM);
  equal("interrupted write gives what was taken", write(fd[1], big, 100000), 65536);
  status_of(pid);
  sa.sa_flags = SA_RESTART;
  pid_t parent = getpid();
  sigaction(SIGALRM, &sa, NULL);
  for (int left = 65536; left > 0;)
    left -= must(read(fd[0], big, sizeof big));
  pid = must(fork());
  if (pid == 0) {
    until_asleep(parent);
    kill(parent, SIGALRM);
    sleep_ms(200);
    _exit(write(fd[1], "y", 1) != 1);
  }
  equal("restarted read", read(fd[0], big, 1), 1);
  equal("writer", status_of(pid), 0);
}

int main(void) {
  creation();
  capacity();
  atomicity();
  packets();
  ends();
  blocking();
  return check_done();
}
