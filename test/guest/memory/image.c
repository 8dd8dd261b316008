// What execve(2) leaves for a program: auxiliary vector, stack, heap, vdso, /proc/self/{maps,auxv}.
// build: static
#include "../check.h"
#include <elf.h>
#include <sys/auxv.h>
#include <sys/resource.h>

extern char **environ;
extern char end;
static char bss[70000];
static int data = 42;

struct area {
  unsigned long start, end;
  char rights[5];
  char name[128];
};

// The area of /proc/self/maps that holds addr.
static struct area area_of(unsigned long addr) {
  FILE *f = fopen("/proc/self/maps", "r");
  char line[512];
  struct area a = {0};
  while (f && fgets(line, sizeof line, f)) {
    a.name[0] = 0;
    sscanf(line, "%lx-%lx %4s %*s %*s %*s %127s", &a.start, &a.end, a.rights, a.name);
    if (addr >= a.start && addr < a.end) break;
    a.start = 0;
  }
  if (f) fclose(f);
  return a;
}

static void vector(char **argv) {
  holds("AT_PAGESZ", getauxval(AT_PAGESZ) == 4096);
  holds("AT_CLKTCK", getauxval(AT_CLKTCK) == 100);
  holds("AT_UID", getauxval(AT_UID) == getuid() && getauxval(AT_EUID) == geteuid());
  holds("AT_GID", getauxval(AT_GID) == getgid() && getauxval(AT_EGID) == getegid());
  equal("AT_SECURE", getauxval(AT_SECURE), 0);
  equal("AT_FLAGS", getauxval(AT_FLAGS), 0);
  same_text("AT_EXECFN", (char *)getauxval(AT_EXECFN), argv[0]);
#ifdef __x86_64__
  same_text("AT_PLATFORM", (char *)getauxval(AT_PLATFORM), "x86_64");
#else
  same_text("AT_PLATFORM", (char *)getauxval(AT_PLATFORM), "aarch64");
#endif
  unsigned char *random = (unsigned char *)getauxval(AT_RANDOM);
  int bits = 0;
  for (int i = 0; i < 16; i++) bits |= random[i];
  holds("AT_RANDOM", bits != 0);
  Elf64_Phdr *phdr = (Elf64_Phdr *)getauxval(AT_PHDR);
  equal("AT_PHENT", getauxval(AT_PHENT), sizeof *phdr);
  int loads = 0;
  for (unsigned long i = 0; i < getauxval(AT_PHNUM); i++) loads += phdr[i].p_type == PT_LOAD;
  holds("AT_PHDR", loads >= 2);
  struct area entry = area_of(getauxval(AT_ENTRY));
  same_text("AT_ENTRY is code", entry.rights, "r-xp");
  holds("AT_HWCAP", getauxval(AT_HWCAP) != 0);
  holds("AT_MINSIGSTKSZ", getauxval(AT_MINSIGSTKSZ) >= 1024);
  unsigned char *vdso = (unsigned char *)getauxval(AT_SYSINFO_EHDR);
  holds("AT_SYSINFO_EHDR", vdso != 0 && memcmp(vdso, ELFMAG, SELFMAG) == 0);
  struct area v = area_of((unsigned long)vdso);
  same_text("the vdso's name", v.name, "[vdso]");
  same_text("the vdso's rights", v.rights, "r-xp");
  int fd = must(open("/proc/self/auxv", O_RDONLY));
  Elf64_auxv_t buffer[64];
  long n = read(fd, buffer, sizeof buffer) / (long)sizeof buffer[0];
  holds("proc auxv", n > 15 && buffer[n - 1].a_type == AT_NULL);
  long page_size = 0;
  for (int i = 0; i < n; i++)
    if (buffer[i].a_type == AT_PAGESZ) page_size = buffer[i].a_un.a_val;
  equal("says the same", page_size, 4096);
  close(fd);
}

static void memory(char **argv) {
  equal("data", data, 42);
  int zero = 1;
  for (unsigned i = 0; i < sizeof bss; i++) zero &= bss[i] == 0;
  holds("bss is zero", zero);
  struct area stack = area_of((unsigned long)argv[0]);
  same_text("the stack's name", stack.name, "[stack]");
  same_text("the stack's rights", stack.rights, "rw-p");
  holds("strings in Linux's order", argv[0] < environ[0] && environ[0] < (char *)getauxval(AT_EXECFN));
  holds("the path ends below eight bytes", (unsigned long)getauxval(AT_EXECFN) + strlen(argv[0]) + 1 + 8 == stack.end);
  holds("argv ends in NULL", argv[1] == NULL || argv[2] == NULL);
  holds("envp follows argv", (char **)environ > argv);
  char *heap = sbrk(4096);
  same_text("the heap's name", area_of((unsigned long)heap).name, "[heap]");
  struct area text = area_of((unsigned long)vector);
  holds("the program's own name", strstr(text.name, "image") != NULL);
}

// Fills `n` bytes of stack, page by page from the top.
static int __attribute__((noinline)) deep(int n) {
  volatile char buffer[4096];
  buffer[0] = (char)n;
  if (n <= 4096) return buffer[0];
  return deep(n - 4096) + buffer[0];
}

static void stack_size(void) {
  pid_t pid = fork();
  if (pid == 0) {
    deep(6 << 20);
    _exit(0);
  }
  equal("six megabytes of stack", status_of(pid), 0);
  pid = fork();
  if (pid == 0) {
    deep(1 << 30);
    _exit(0);
  }
  equal("not a gigabyte", status_of(pid), 1000 + SIGSEGV);
  // The kernel writes to stack that nobody has touched.
  char far[200000];
  int fd = must(open("/dev/zero", O_RDONLY));
  equal("read(2) onto fresh stack", read(fd, far, sizeof far), sizeof far);
  close(fd);
}

int main(int argc, char **argv) {
  (void)argc;
  vector(argv);
  memory(argv);
  stack_size();
  return check_done();
}
