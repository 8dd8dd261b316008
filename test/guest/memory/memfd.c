// memfd_create(2) and its seals as memory sees them (fcntl(2), F_ADD_SEALS).
// build: static
#include "../check.h"

#define PAGE 4096UL
#define RW (PROT_READ | PROT_WRITE)
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 8
#define MFD_EXEC 16
#endif

static void creation(void) {
  fails("unknown flag", memfd_create("x", 0x100), EINVAL);
  fails("executable and not", memfd_create("x", MFD_EXEC | MFD_NOEXEC_SEAL), EINVAL);
  fails("bad name", syscall(SYS_memfd_create, 8, 0), EFAULT);
  char name[300];
  memset(name, 'n', sizeof name);
  name[249] = 0;
  succeeds("name of 249 bytes", memfd_create(name, 0));
  name[249] = 'n';
  name[250] = 0;
  fails("name of 250 bytes", memfd_create(name, 0), EINVAL);
  int fd = must(memfd_create("test", MFD_CLOEXEC));
  equal("cloexec", fcntl(fd, F_GETFD), FD_CLOEXEC);
  equal("open for both", fcntl(fd, F_GETFL) & O_ACCMODE, O_RDWR);
  struct stat st;
  must(fstat(fd, &st));
  equal("mode", st.st_mode, S_IFREG | 0777);
  equal("size", st.st_size, 0);
  equal("links", st.st_nlink, 0);
  char path[64], text[128] = {0};
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  must(readlink(path, text, sizeof text - 1));
  same_text("its link", text, "/memfd:test (deleted)");
  equal("without sealing it is sealed", fcntl(fd, F_GET_SEALS), F_SEAL_SEAL);
  fails("against more", fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), EPERM);
}

static void content(void) {
  int fd = must(memfd_create("test", 0));
  must(ftruncate(fd, 3 * PAGE));
  char *p = mmap(0, 3 * PAGE, RW, MAP_SHARED, fd, 0);
  memcpy(p + PAGE, "mapped", 6);
  char text[7] = {0};
  must(pread(fd, text, 6, PAGE));
  same_text("read sees the mapping", text, "mapped");
  must(pwrite(fd, "WRITTEN", 7, 2 * PAGE));
  equal("the mapping sees write", p[2 * PAGE], 'W');
  pid_t pid = fork();
  if (pid == 0) {
    p[5] = 'c';
    must(pwrite(fd, "d", 1, 6));
    _exit(0);
  }
  equal("child", status_of(pid), 0);
  holds("what a child does is seen", p[5] == 'c' && p[6] == 'd');
  must(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, PAGE));
  equal("punched", p[5], 0);
}

static void seals(void) {
  int fd = must(memfd_create("test", MFD_ALLOW_SEALING));
  must(ftruncate(fd, 2 * PAGE));
  equal("no seals", fcntl(fd, F_GET_SEALS), 0);
  char *p = mmap(0, PAGE, RW, MAP_SHARED, fd, 0);
  fails("write seal with a writable mapping", fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), EBUSY);
  must(munmap(p, PAGE));
  char *copy = mmap(0, PAGE, RW, MAP_PRIVATE, fd, 0);
  succeeds("write seal", fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
  fails("write", write(fd, "x", 1), EPERM);
  fails("writable mapping", (long)mmap(0, PAGE, RW, MAP_SHARED, fd, 0), EPERM);
  copy[0] = 1;
  succeeds("private mapping", (long)mmap(0, PAGE, RW, MAP_PRIVATE, fd, 0));
  fails("hole", fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, PAGE), EPERM);
  succeeds("grow", ftruncate(fd, 3 * PAGE));
  succeeds("shrink seal", fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK));
  fails("shrink", ftruncate(fd, PAGE), EPERM);
  succeeds("grow seal", fcntl(fd, F_ADD_SEALS, F_SEAL_GROW));
  fails("grow then", ftruncate(fd, 4 * PAGE), EPERM);
  succeeds("seal the seals", fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL));
  fails("one more", fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE), EPERM);
  equal("all of them", fcntl(fd, F_GET_SEALS), F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
  int future = must(memfd_create("test", MFD_ALLOW_SEALING));
  must(ftruncate(future, PAGE));
  char *writer = mmap(0, PAGE, RW, MAP_SHARED, future, 0);
  succeeds("future write seal", fcntl(future, F_ADD_SEALS, F_SEAL_FUTURE_WRITE));
  writer[0] = 'k';
  fails("new writable mapping", (long)mmap(0, PAGE, RW, MAP_SHARED, future, 0), EPERM);
  char *reader = (char *)succeeds("new read-only mapping", (long)mmap(0, PAGE, PROT_READ, MAP_SHARED, future, 0));
  equal("the old one still writes", reader[0], 'k');
  fails("the new one never will", mprotect(reader, PAGE, RW), EACCES);
}

int main(void) {
  creation();
  content();
  seals();
  return check_done();
}
