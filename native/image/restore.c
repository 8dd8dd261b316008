// Becomes the process that an image holds (README.md). It is executed in place of Node, with Node's
// arguments; the image and Node itself are at fixed descriptors. Where the image does not fit this machine
// (another kernel or processor, or files that have changed) it executes Node, which starts as ever.
// Freestanding: in the end it may have nothing in memory but itself.
#include <asm/prctl.h>
#include <asm/unistd.h>
#include <linux/fcntl.h>
#include <linux/mman.h>
#include <linux/prctl.h>
#include <linux/rseq.h>
#include <linux/time.h>
#include <stddef.h>
#include <stdint.h>

#include "image_format.h"

// What has nothing in libc's headers that could be had without libc.
#define RSEQ_SIGNATURE 0x53053053
#define RSEQ_SIZE 32
#define ROBUST_LIST_SIZE 24
#define SIGNAL_SET_SIZE 8
#define SIGKILL 9
#define SIGSTOP 19
#define SIG_SETMASK 2
#define PAGE 4096ull
// The end of user space, and the least address that can be mapped.
#define USER_END 0x7ffffffff000ull
#define USER_START 0x10000ull

// Within the restorer's own range: the image's header, and where the kernel's mappings wait.
#define HEADER_PLACE (IMAGE_RESTORER_START + 0x800000)
#define ASIDE_PLACE (IMAGE_RESTORER_START + 0x1000000)
#define ASIDE_STEP 0x100000

struct KernelStat {
  uint64_t dev, ino, nlink;
  uint32_t mode, uid, gid, pad;
  uint64_t rdev;
  int64_t size, blksize, blocks;
  uint64_t atime, atimeNs, mtime, mtimeNs, ctime, ctimeNs;
  int64_t unused[3];
};

struct Range {
  uint64_t start, end;
};

static const ImageHeader* header;
static int files[IMAGE_MAX_FILES];
static struct Range special[IMAGE_MAX_SPECIAL];
static uint32_t specialCount;
static struct Range ownStack;
static char maps[16384];
static char stack[16384] __attribute__((aligned(16)));

static long call6(long number, long a, long b, long c, long d, long e, long f) {
  register long r10 __asm__("r10") = d;
  register long r8 __asm__("r8") = e;
  register long r9 __asm__("r9") = f;
  long result;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return result;
}

static long call(long number, long a, long b, long c) {
  return call6(number, a, b, c, 0, 0, 0);
}

static uint64_t readHex(const char** at) {
  uint64_t value = 0;
  for (;; (*at)++) {
    char c = **at;
    if (c >= '0' && c <= '9')
      value = value * 16 + (uint64_t)(c - '0');
    else if (c >= 'a' && c <= 'f')
      value = value * 16 + (uint64_t)(c - 'a' + 10);
    else
      return value;
  }
}

// Whether the line goes on with this name and ends.
static int isNamed(const char* line, const char* name) {
  for (; *name; line++, name++) {
    if (*line != *name)
      return 0;
  }
  return *line == '\n';
}

static int readMaps(void) {
  long fd = call(__NR_open, (long)"/proc/self/maps", O_RDONLY | O_CLOEXEC, 0);
  if (fd < 0)
    return 0;
  long length = 0, got;
  while ((got = call(__NR_read, fd, (long)(maps + length), (long)sizeof maps - 1 - length)) > 0)
    length += got;
  call(__NR_close, fd, 0, 0);
  return length > 0;
}

// The kernel's mappings in this process are as many, as large, in the same order and with the same code as
// the image's.
static int findSpecial(void) {
  if (!readMaps())
    return 0;
  for (const char* at = maps; *at; at++) {
    struct Range range;
    range.start = readHex(&at);
    at++;
    range.end = readHex(&at);
    while (*at && *at != '\n' && *at != '[')
      at++;
    const ImageSpecial* wanted = &header->special[specialCount];
    if (isNamed(at, "[stack]"))
      ownStack = range;
    if (specialCount < header->specialCount && isNamed(at, wanted->name)) {
      uint64_t size = range.end - range.start;
      if (size != wanted->end - wanted->start ||
          (isNamed(at, "[vdso]") && imageHash(IMAGE_HASH_START, (void*)range.start, size) != header->vdso))
        return 0;
      special[specialCount++] = range;
    }
    while (*at && *at != '\n')
      at++;
  }
  return specialCount == header->specialCount;
}

// Out of the way of the program's own descriptors.
static long moveAway(long fd) {
  return call(__NR_fcntl, fd, F_DUPFD_CLOEXEC, IMAGE_SPARE_DESCRIPTOR);
}

static int openFiles(void) {
  for (uint32_t index = 0; index < header->fileCount; index++) {
    const ImageFile* file = &header->files[index];
    files[index] = -1;
    long fd = file->program ? IMAGE_PROGRAM_FD : call(__NR_open, (long)file->path, O_RDONLY | O_CLOEXEC, 0);
    struct KernelStat st;
    if (fd < 0 || call(__NR_fstat, fd, (long)&st, 0) != 0)
      return 0;
    if (st.ino != file->inode || (uint64_t)st.size != file->size || st.mtime != file->mtimeSeconds ||
        st.mtimeNs != file->mtimeNanoseconds)
      return 0;
    if (!file->watched)
      files[index] = (int)moveAway(fd);
    if (!file->program)
      call(__NR_close, fd, 0, 0);
    if (!file->watched && files[index] < 0)
      return 0;
  }
  return 1;
}

// Numbers that the image's program believes to be its own, and may close, must not be anything else's.
static int fillDescriptors(void) {
  long null = call(__NR_open, (long)"/dev/null", O_RDWR | O_CLOEXEC, 0);
  long away = null < 0 ? null : moveAway(null);
  if (away < 0)
    return 0;
  call(__NR_close, null, 0, 0);
  for (uint32_t index = 0; index < header->descriptorCount; index++) {
    int fd = header->descriptors[index];
    if (call(__NR_fcntl, fd, F_GETFD, 0) >= 0 || call(__NR_dup3, away, fd, O_CLOEXEC) != fd)
      return 0;
  }
  call(__NR_close, away, 0, 0);
  return 1;
}

// The stack that the kernel has made holds the arguments, which ps(1) shows, and the environment.
static int coversStack(void) {
  for (uint32_t index = 0; index < header->areaCount; index++) {
    const ImageArea* area = &header->areas[index];
    if (area->start < ownStack.end && ownStack.start < area->end)
      return 1;
  }
  return 0;
}

// Not since the host has started again: its clock may then be before the image's.
static int isOfThisBoot(void) {
  int64_t now[2];
  return call(__NR_clock_gettime, CLOCK_MONOTONIC, (long)now, 0) == 0 &&
         (uint64_t)(now[0] * 1000000000 + now[1]) > header->written;
}

// A package that was copied, with its images, has the same files elsewhere. `script`: what Node would run, or
// null.
static int isOwnScript(const char* script) {
  struct KernelStat st;
  for (uint32_t index = 0; script != 0 && index < header->fileCount; index++) {
    if (header->files[index].watched)
      return call(__NR_stat, (long)script, (long)&st, 0) == 0 && st.ino == header->files[index].inode;
  }
  return 1;
}

static int fits(const char* script) {
  struct KernelStat st;
  if (call(__NR_fstat, IMAGE_FD, (long)&st, 0) != 0 || st.size < (int64_t)sizeof *header)
    return 0;
  long at = call6(__NR_mmap, HEADER_PLACE, (sizeof *header + PAGE - 1) & ~(PAGE - 1), PROT_READ,
                  MAP_PRIVATE | MAP_FIXED_NOREPLACE, IMAGE_FD, 0);
  if (at != (long)HEADER_PLACE)
    return 0;
  header = (const ImageHeader*)at;
  return header->magic == IMAGE_MAGIC && header->size == (uint64_t)st.size && header->complete &&
         header->cpu == imageProcessor() && findSpecial() &&
         (!header->command || (!coversStack() && isOfThisBoot() && isOwnScript(script))) && openFiles() &&
         fillDescriptors();
}

// From the first change to what is mapped there is no way back.
static void need(int done) {
  static const char text[] = "runsc: an image could not be mapped\n";
  if (done)
    return;
  call(__NR_write, 2, (long)text, sizeof text - 1);
  call(__NR_exit_group, 127, 0, 0);
  __builtin_trap();
}

static void moveSpecial(uint32_t index, uint64_t from, uint64_t to) {
  long size = (long)(special[index].end - special[index].start);
  need(call6(__NR_mremap, (long)from, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, (long)to, 0) == (long)to);
}

static void unmap(uint64_t start, uint64_t end) {
  if (start < end)
    need(call(__NR_munmap, (long)start, (long)(end - start), 0) == 0);
}

// The kernel's stack stays if it can.
static void unmapOthers(void) {
  if (coversStack())
    ownStack.start = ownStack.end = USER_END;
  unmap(USER_START, IMAGE_RESTORER_START);
  unmap(IMAGE_RESTORER_END, ownStack.start);
  unmap(ownStack.end, USER_END);
}

static void map(uint64_t start, uint64_t end, uint64_t protection, long flags, int fd, uint64_t offset) {
  need(call6(__NR_mmap, (long)start, (long)(end - start), (long)protection,
             MAP_PRIVATE | MAP_NORESERVE | flags, fd, (long)offset) == (long)start);
}

static void mapImage(void) {
  for (uint32_t index = 0; index < header->areaCount; index++) {
    const ImageArea* area = &header->areas[index];
    int fd = area->file < 0 ? -1 : files[area->file];
    map(area->start, area->end, area->protection, MAP_FIXED_NOREPLACE | (fd < 0 ? MAP_ANONYMOUS : 0), fd,
        fd < 0 ? 0 : area->offset);
  }
  for (uint32_t index = 0; index < header->runCount; index++) {
    const ImageRun* run = &header->runs[index];
    map(run->start, run->end, run->protection, MAP_FIXED, IMAGE_FD, run->offset);
  }
}

// What the kernel knows of a thread beside its registers.
static void becomeThread(void) {
  call(__NR_arch_prctl, ARCH_SET_FS, (long)header->threadPointer, 0);
  *(int*)header->threadId = (int)call(__NR_set_tid_address, (long)header->threadId, 0, 0);
  call(__NR_set_robust_list, (long)header->robustList, ROBUST_LIST_SIZE, 0);
  if (header->rseq != 0)
    call6(__NR_rseq, (long)header->rseq, RSEQ_SIZE, 0, RSEQ_SIGNATURE, 0, 0);
  for (int signal = 1; signal <= IMAGE_SIGNALS; signal++) {
    if (signal != SIGKILL && signal != SIGSTOP)
      call6(__NR_rt_sigaction, signal, (long)&header->signals[signal - 1], 0, SIGNAL_SET_SIZE, 0, 0);
  }
  call6(__NR_rt_sigprocmask, SIG_SETMASK, (long)&header->signalMask, 0, SIGNAL_SET_SIZE, 0, 0);
}

// On a stack of the restorer's own.
__attribute__((noreturn, used)) static void become(void) {
  for (uint32_t index = 0; index < specialCount; index++)
    moveSpecial(index, special[index].start, ASIDE_PLACE + ASIDE_STEP * index);
  unmapOthers();
  mapImage();
  for (uint32_t index = 0; index < specialCount; index++)
    moveSpecial(index, ASIDE_PLACE + ASIDE_STEP * index, header->special[index].start);
  for (uint32_t index = 0; index < header->fileCount; index++) {
    if (files[index] >= 0)
      call(__NR_close, files[index], 0, 0);
  }
  call(__NR_close, IMAGE_FD, 0, 0);
  call(__NR_close, IMAGE_PROGRAM_FD, 0, 0);
  becomeThread();
  __asm__ volatile("mov 0(%0), %%rbx\nmov 8(%0), %%rbp\nmov 16(%0), %%r12\nmov 24(%0), %%r13\n"
                   "mov 32(%0), %%r14\nmov 40(%0), %%r15\nmov 48(%0), %%rsp\nmov 56(%0), %%rcx\n"
                   "mov $1, %%eax\njmp *%%rcx"
                   :
                   : "D"(&header->context)
                   : "memory");
  __builtin_unreachable();
}

// The last part of a path: what ps(1) calls a process by.
static const char* lastPart(const char* path) {
  const char* last = path;
  for (; *path; path++) {
    if (*path == '/')
      last = path + 1;
  }
  return last;
}

__attribute__((noreturn, used)) static void start(long* arguments) {
  char** argv = (char**)(arguments + 1);
  char** environment = argv + arguments[0] + 1;
  if (fits(arguments[0] > 1 ? argv[1] : 0)) {
    call(__NR_prctl, PR_SET_NAME, (long)(argv[0] == 0 ? "node" : lastPart(argv[0])), 0);
    __asm__ volatile("mov %0, %%rsp\ncall become" : : "r"(stack + sizeof stack) : "memory");
  }
  call(__NR_fcntl, IMAGE_FD, F_SETFD, FD_CLOEXEC);
  call(__NR_fcntl, IMAGE_PROGRAM_FD, F_SETFD, FD_CLOEXEC);
  call6(__NR_execveat, IMAGE_PROGRAM_FD, (long)"", (long)argv, (long)environment, AT_EMPTY_PATH, 0);
  call(__NR_exit_group, 127, 0, 0);
  __builtin_trap();
}

__asm__(".globl _start\n_start:\nmov %rsp, %rdi\nand $-16, %rsp\ncall start\n");
