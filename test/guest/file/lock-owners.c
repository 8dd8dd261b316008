// flock(2), fcntl(2) record locks and open file description locks, between processes.
// files
#include "../check.h"
#include <sys/file.h>

static int fd;

static int in_child(int (*function)(void)) {
  pid_t pid = must(fork());
  if (pid == 0) _exit(function());
  return status_of(pid);
}

static int lock(int descriptor, int command, int type, off_t start, off_t length) {
  struct flock l = {.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = length};
  return fcntl(descriptor, command, &l) == 0 ? 0 : errno;
}

static int flock_again(void) {
  int other = open("f", O_RDWR);
  return flock(other, LOCK_EX | LOCK_NB) == 0 ? 0 : errno == EWOULDBLOCK ? 1 : 2;
}
static int flock_shared(void) {
  int other = open("f", O_RDWR);
  return flock(other, LOCK_SH | LOCK_NB) == 0 ? 0 : 1;
}
static int flock_inherited(void) { return flock(fd, LOCK_EX | LOCK_NB) == 0 ? 0 : 1; }
static int posix_write(void) { return lock(fd, F_SETLK, F_WRLCK, 5, 10); }
static int posix_read(void) { return lock(fd, F_SETLK, F_RDLCK, 5, 10); }
static int posix_beside(void) { return lock(fd, F_SETLK, F_WRLCK, 100, 10); }
static pid_t parent;
static int posix_get(void) {
  struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 0};
  if (fcntl(fd, F_GETLK, &l) != 0) return 1;
  return l.l_type == F_WRLCK && l.l_start == 0 && l.l_len == 20 && l.l_pid == parent ? 0 : 2;
}
static int ofd_write(void) {
  int other = open("f", O_RDWR);
  return lock(other, F_OFD_SETLK, F_WRLCK, 0, 10);
}

int main(void) {
  enter_directory("locks");
  parent = getpid();
  fd = must(open("f", O_CREAT | O_RDWR, 0600));
  int second = must(open("f", O_RDWR));
  equal("flock", flock(fd, LOCK_EX), 0);
  fails("a second description", flock(second, LOCK_EX | LOCK_NB), EWOULDBLOCK);
  equal("in a child", in_child(flock_again), 1);
  equal("an inherited one is the same lock", in_child(flock_inherited), 0);
  equal("to shared", flock(fd, LOCK_SH), 0);
  equal("two share", in_child(flock_shared), 0);
  equal("unlock", flock(fd, LOCK_UN), 0);
  equal("free", in_child(flock_again), 0);
  fails("an unknown operation", flock(fd, 0), EINVAL);
  fails("of a bad descriptor", flock(999, LOCK_EX), EBADF);
  must(flock(fd, LOCK_EX));
  pid_t pid = must(fork());
  if (pid == 0) {
    int other = open("f", O_RDWR);
    close(fd);
    _exit(flock(other, LOCK_EX) == 0 ? 0 : 1);
  }
  sleep_ms(30);
  must(flock(fd, LOCK_UN));
  equal("a waiter gets it", status_of(pid), 0);

  equal("a write lock", lock(fd, F_SETLK, F_WRLCK, 0, 20), 0);
  equal("another process may not", in_child(posix_write), EAGAIN);
  equal("nor read", in_child(posix_read), EAGAIN);
  equal("but beside it", in_child(posix_beside), 0);
  equal("F_GETLK says whose", in_child(posix_get), 0);
  equal("my own don't conflict", lock(second, F_SETLK, F_WRLCK, 5, 5), 0);
  equal("unlock the middle", lock(fd, F_SETLK, F_UNLCK, 5, 10), 0);
  equal("it is free", in_child(posix_write), 0);
  close(second);
  second = must(open("f", O_RDWR));
  must(lock(fd, F_SETLK, F_WRLCK, 5, 10));
  close(second);
  equal("closing any descriptor drops them", in_child(posix_write), 0);
  must(lock(fd, F_SETLK, F_RDLCK, 0, 0));
  equal("readers share", in_child(posix_read), 0);
  equal("a writer may not", in_child(posix_write), EAGAIN);
  must(lock(fd, F_SETLK, F_UNLCK, 0, 0));
  must(lock(fd, F_SETLK, F_WRLCK, 5, 10));
  pid = must(fork());
  if (pid == 0) _exit(lock(fd, F_SETLKW, F_WRLCK, 5, 10));
  sleep_ms(30);
  must(lock(fd, F_SETLK, F_UNLCK, 0, 0));
  equal("F_SETLKW waits", status_of(pid), 0);
  equal("a bad type", lock(fd, F_SETLK, 9, 0, 0), EINVAL);
  equal("a negative start", lock(fd, F_SETLK, F_WRLCK, -5, 0), EINVAL);
  int reader = must(open("f", O_RDONLY));
  equal("a write lock on a reader", lock(reader, F_SETLK, F_WRLCK, 0, 0), EBADF);

  equal("an OFD lock", lock(fd, F_OFD_SETLK, F_WRLCK, 0, 10), 0);
  equal("another description may not", in_child(ofd_write), EAGAIN);
  second = must(open("f", O_RDWR));
  equal("not even in this process", lock(second, F_OFD_SETLK, F_WRLCK, 0, 10), EAGAIN);
  close(second);
  equal("closing another leaves it", in_child(ofd_write), EAGAIN);
  must(lock(fd, F_OFD_SETLK, F_UNLCK, 0, 10));
  equal("free", in_child(ofd_write), 0);

  // Two processes that wait for each other.
  int held[2];
  must(pipe(held));
  must(lock(fd, F_SETLK, F_WRLCK, 0, 1));
  pid = must(fork());
  if (pid == 0) {
    if (lock(fd, F_SETLK, F_WRLCK, 1, 1) != 0) _exit(1);
    if (write(held[1], "x", 1) != 1) _exit(3);
    int error = lock(fd, F_SETLKW, F_WRLCK, 0, 1);
    _exit(error == 0 ? 0 : 2);
  }
  char c;
  must(read(held[0], &c, 1));
  until_asleep(pid);
  equal("a deadlock is found", lock(fd, F_SETLKW, F_WRLCK, 1, 1), EDEADLK);
  must(lock(fd, F_SETLK, F_UNLCK, 0, 0));
  equal("the other goes on", status_of(pid), 0);
  return check_done();
}
