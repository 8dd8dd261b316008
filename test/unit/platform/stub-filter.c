// Writes the filter that a stub installs to standard output, instead of installing it: with an argument that of a
// sandbox without rules about addresses. The linker is told where the text ends.
#define host6 real_host6
#include "stub.h"
#undef host6
#include <sys/mman.h>
#include <unistd.h>
#define host6 fake_host6
static i64 fake_host6(u64 nr, u64 a, u64 b, u64 c, u64 d, u64 e, u64 f);
#include "filter.c"

static i64 fake_host6(u64 nr, u64 a, u64 b, u64 c, u64 d, u64 e, u64 f) {
  (void)a, (void)b, (void)d, (void)e, (void)f;
  if (nr != __NR_seccomp)
    return 0;
  const struct sock_fprog* program = (const void*)c;
  return write(1, program->filter, program->len * sizeof *program->filter) < 0;
}

int main(int argc, char** argv) {
  (void)argv;
  int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE;
  if (mmap((void*)GLOBAL, 4096, PROT_READ | PROT_WRITE, flags, -1, 0) == MAP_FAILED)
    return 1;
  GLOBAL->addresses = argc > 1;
  install_filter();
  return 0;
}
