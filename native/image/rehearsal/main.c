// What guests of the rehearsal do (README.md): what programs usually ask a kernel for, often enough that V8
// finds out what is worth optimizing, each in the way that common programs do it. Nothing is checked:
// whatever fails is rehearsed as a failure.
//
// usage: rehearsal, with a tree that runsc/sandbox/rehearsal.ts has made. A byte on standard output says that
// all is done, and that everything which was opened for show is there to be looked at. Standard input is the
// other end of standard error. What is executed is this program, and `rehearsal-dynamic`, the same for a
// dynamic linker.
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "rehearsal.h"

char low_buffer[BUFFER_SIZE];
char* high_buffer;
char* volatile buffer = low_buffer;

int main(int argc, char** argv) {
  if (argc > 1)
    return 0;
  // Containers have limits.
  setrlimit(RLIMIT_NPROC, &(struct rlimit){10000, 10000});
  high_buffer = mmap(NULL, BUFFER_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  chdir("/");
  TIMES(3) {
    walk(AT_FDCWD, "/lib", 0);
    search(AT_FDCWD, "/lib");
    walk(AT_FDCWD, "/lib", 1);
    walk(AT_FDCWD, "/data", i % 2);
  }
  import("/lib");
  import("/data");
  change("/tmp/work");
  change("/data/work");
  memory();
  small_calls();
  talk();
  processes(argv[0]);
  spawn(argv[0]);
  wait_by_signals();
  standard_streams();
  ask_proc();
  each_path();
  each_kind(argv[0]);
  show();
  write(STDOUT_FILENO, "", 1);
  pause();
}
