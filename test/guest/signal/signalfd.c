// signalfd(2): what is read from it, poll, the mask, errnos.
#include "../check.h"
#include <poll.h>
#include <sys/signalfd.h>

int main(void) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  sigaddset(&set, 40);
  sigprocmask(SIG_BLOCK, &set, NULL);
  int fd = must(signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC));
  equal("SFD_CLOEXEC", fcntl(fd, F_GETFD), FD_CLOEXEC);
  equal("SFD_NONBLOCK", fcntl(fd, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
  struct signalfd_siginfo info[4];
  fails("nothing pending", read(fd, info, sizeof info), EAGAIN);
  struct pollfd p = {.fd = fd, .events = POLLIN};
  equal("not readable", poll(&p, 1, 0), 0);
  raise(SIGUSR1);
  sigqueue(getpid(), 40, (union sigval){.sival_int = 77});
  sigqueue(getpid(), 40, (union sigval){.sival_int = 78});
  equal("readable", poll(&p, 1, 0), 1);
  equal("too small a buffer", read(fd, info, 10) == -1 ? errno : 0, EINVAL);
  equal("three at once", read(fd, info, sizeof info), 3 * sizeof *info);
  equal("first", info[0].ssi_signo, SIGUSR1);
  equal("its code", info[0].ssi_code, SI_TKILL);
  equal("its pid", info[0].ssi_pid == (unsigned)getpid(), 1);
  equal("second", info[1].ssi_signo, 40);
  equal("its value", info[1].ssi_int, 77);
  equal("third's value", info[2].ssi_int, 78);
  equal("its code", info[2].ssi_code, SI_QUEUE);
  sigset_t other;
  sigemptyset(&other);
  sigaddset(&other, SIGUSR2);
  sigprocmask(SIG_BLOCK, &other, NULL);
  equal("another mask", signalfd(fd, &other, 0), fd);
  raise(SIGUSR1);
  fails("no longer seen", read(fd, info, sizeof info), EAGAIN);
  raise(SIGUSR2);
  equal("seen now", read(fd, info, sizeof info), sizeof *info);
  equal("which", info[0].ssi_signo, SIGUSR2);
  fcntl(fd, F_SETFL, 0);
  pid_t parent = getpid();
  pid_t pid = must(fork());
  if (pid == 0) {
    sleep_ms(30);
    kill(parent, SIGUSR2);
    _exit(0);
  }
  equal("a blocking read waits", read(fd, info, sizeof info), sizeof *info);
  equal("sender", info[0].ssi_pid == (unsigned)pid, 1);
  status_of(pid);
  sigaddset(&other, SIGCHLD);
  sigprocmask(SIG_BLOCK, &other, NULL);
  must(signalfd(fd, &other, 0));
  pid = must(fork());
  if (pid == 0) _exit(12);
  equal("SIGCHLD", read(fd, info, sizeof info), sizeof *info);
  equal("its number", info[0].ssi_signo, SIGCHLD);
  equal("its status", info[0].ssi_status, 12);
  status_of(pid);
  fails("unknown flags", signalfd(-1, &set, 1), EINVAL);
  fails("not a signalfd", signalfd(0, &set, 0), EINVAL);
  fails("bad descriptor", signalfd(999, &set, 0), EBADF);
  fails("bad size", syscall(SYS_signalfd4, -1, &set, 4, 0), EINVAL);
  fails("bad pointer", syscall(SYS_signalfd4, -1, (void*)8, 8, 0), EFAULT);
  fails("write", write(fd, info, sizeof *info), EINVAL);
  return check_done();
}
