// kcmp(2) about what was never made, and pidfd_send_signal(2) to a directory of /proc.
#include "../check.h"
#include <linux/kcmp.h>
#include <sys/ipc.h>
#include <sys/sem.h>

static int compared(pid_t other, int kind) {
  return syscall(SYS_kcmp, getpid(), other, kind, 0, 0);
}

int main(void) {
  int ready[2];
  must(pipe(ready));
  pid_t pid = must(fork());
  if (pid == 0) {
    for (;;) pause();
  }
  equal("nothing to undo", compared(pid, KCMP_SYSVSEM), 0);
  holds("other memory", compared(pid, KCMP_VM) > 0);
  int set = must(semget(IPC_PRIVATE, 1, 0600));
  struct sembuf up = {0, 1, SEM_UNDO};
  must(semop(set, &up, 1));
  holds("something to undo", compared(pid, KCMP_SYSVSEM) > 0);
  equal("one's own", compared(getpid(), KCMP_SYSVSEM), 0);
  must(semctl(set, 0, IPC_RMID));

  char name[64];
  snprintf(name, sizeof name, "/proc/%d", pid);
  int directory = must(open(name, O_RDONLY | O_DIRECTORY)), path = must(open(name, O_PATH));
  strcat(name, "/task");
  int threads = must(open(name, O_RDONLY | O_DIRECTORY));
  fails("by O_PATH", syscall(SYS_pidfd_send_signal, path, 0, NULL, 0), EBADF);
  fails("its threads", syscall(SYS_pidfd_send_signal, threads, 0, NULL, 0), EBADF);
  succeeds("signal 0", syscall(SYS_pidfd_send_signal, directory, 0, NULL, 0));
  succeeds("SIGTERM", syscall(SYS_pidfd_send_signal, directory, SIGTERM, NULL, 0));
  int status;
  must(waitpid(pid, &status, 0));
  equal("died of it", WTERMSIG(status), SIGTERM);
  fails("gone", syscall(SYS_pidfd_send_signal, directory, SIGTERM, NULL, 0), ESRCH);

  const char* devices[] = {"/dev/null", "/dev/zero", "/dev/full"};
  for (int i = 0; i < 3; i++) {
    int fd = must(open(devices[i], O_RDWR));
    equal(devices[i], lseek(fd, 1L << 62, SEEK_END), 0);
    equal("current", lseek(fd, 1L << 61, SEEK_CUR), 0);
    equal("negative", lseek(fd, -5, SEEK_SET), 0);
    must(close(fd));
  }
  return check_failures;
}
