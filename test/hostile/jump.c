// Jumps into the platform's code at many offsets, with random registers, each in a child of its own.
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static uint64_t state = 88172645463325252ULL;
static uint64_t next(void) {
  state ^= state << 13;
  state ^= state >> 7;
  return state ^= state << 17;
}

static void jump(uintptr_t target) {
  static uint64_t registers[14];
  for (int i = 0; i < 14; i++) {
    uint64_t r = next();
    // Small numbers, addresses in the region, addresses of ours, anything.
    registers[i] = r % 4 == 0 ? r % 512 : r % 4 == 1 ? 0x7fff10000000UL + r % (1 << 22) : r % 4 == 2 ? (uint64_t)&state : r;
  }
  __asm__ volatile(
      "mov %0, %%r15\n mov %1, %%r14\n"
      "mov (%%r14), %%rax\n mov 8(%%r14), %%rbx\n mov 16(%%r14), %%rcx\n mov 24(%%r14), %%rdx\n mov 32(%%r14), %%rsi\n"
      "mov 40(%%r14), %%rdi\n mov 48(%%r14), %%rbp\n mov 56(%%r14), %%r8\n mov 64(%%r14), %%r9\n mov 72(%%r14), %%r10\n"
      "mov 80(%%r14), %%r11\n mov 88(%%r14), %%r12\n mov 96(%%r14), %%r13\n jmp *%%r15\n" ::"r"(target),
      "r"(registers)
      : "memory");
}

int main(int argc, char** argv) {
  state += argc > 1 ? strtoul(argv[1], NULL, 10) * 104729 : 0;
  int died = 0, count = argc > 2 ? atoi(argv[2]) : 300;
  for (int i = 0; i < count; i++) {
    uintptr_t target = i % 8 == 7 ? 0x60000 + next() % 0x10000 : 0x7fff00000000UL + next() % 0x6000;
    pid_t pid = fork();
    if (pid == 0) {
      alarm(1);
      jump(target);
      _exit(0);
    }
    int status;
    while (waitpid(pid, &status, 0) == -1) {}
    died += WIFSIGNALED(status);
  }
  printf("%s\n", died > 0 ? "jumped" : "nobody died");
  return 0;
}
