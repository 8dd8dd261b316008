// process_vm_readv(2), process_vm_writev(2): between parent and child, partial copies, errnos.
// build: static
#include "../check.h"
#include <sys/uio.h>

#define PAGE 4096UL

int main(void) {
  char *p = mmap(0, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  memset(p, 'p', 4 * PAGE);
  must(munmap(p + 3 * PAGE, PAGE));
  int ready[2], go[2];
  must(pipe(ready));
  must(pipe(go));
  pid_t pid = fork();
  if (pid == 0) {
    char c;
    memset(p, 'c', 3 * PAGE);
    must(mprotect(p + 2 * PAGE, PAGE, PROT_READ));
    must(write(ready[1], "r", 1));
    if (read(go[0], &c, 1) != 1) _exit(1);
    _exit(p[10] == 'W' && p[11] == 'c' && p[PAGE] == 'X' ? 0 : 2);
  }
  char c;
  must(read(ready[0], &c, 1));
  char buf[3 * PAGE];
  struct iovec local = {buf, sizeof buf}, remote = {p, 2 * PAGE};
  equal("read", process_vm_readv(pid, &local, 1, &remote, 1, 0), 2 * PAGE);
  holds("the child's bytes", buf[0] == 'c' && buf[2 * PAGE - 1] == 'c' && p[0] == 'p');
  struct iovec l2[3] = {{buf, 3}, {buf + 100, 0}, {buf + 200, 5}}, r2[2] = {{p + 1, 6}, {p + PAGE, 100}};
  equal("scattered", process_vm_readv(pid, l2, 3, r2, 2, 0), 8);
  remote.iov_base = p + 2 * PAGE;
  equal("up to a hole", process_vm_readv(pid, &local, 1, &remote, 1, 0), PAGE);
  remote.iov_base = p + 3 * PAGE;
  fails("nothing there", process_vm_readv(pid, &local, 1, &remote, 1, 0), EFAULT);
  struct iovec bad = {(void *)8, 10};
  remote.iov_base = p;
  fails("bad local address", process_vm_readv(pid, &bad, 1, &remote, 1, 0), EFAULT);
  struct iovec w[2] = {{"W", 1}, {"X", 1}}, at[2] = {{p + 10, 1}, {p + PAGE, 1}};
  equal("write", process_vm_writev(pid, w, 2, at, 2, 0), 2);
  at[0].iov_base = p + 2 * PAGE;
  fails("write to read-only memory", process_vm_writev(pid, w, 1, at, 1, 0), EFAULT);
  fails("flags", process_vm_readv(pid, &local, 1, &remote, 1, 1), EINVAL);
  fails("too many vectors", process_vm_readv(pid, &local, 1025, &remote, 1, 0), EINVAL);
  fails("no such process", process_vm_readv(0x3fffff, &local, 1, &remote, 1, 0), ESRCH);
  equal("nothing to do", process_vm_readv(pid, &local, 0, &remote, 1, 0), 0);
  equal("itself", process_vm_readv(getpid(), &local, 1, &(struct iovec){p, 4}, 1, 0), 4);
  must(write(go[1], "g", 1));
  equal("the child saw the writes", status_of(pid), 0);
  return check_done();
}
