// Writes the filter that a stub installs to standard output, instead of installing it. The linker is told where the text ends.
#define host6 real_host6
#include "stub.h"
#undef host6
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

int main(void) {
  install_filter();
  return 0;
}
