// Writes the image of a process with one thread (native/image/README.md): its mappings, and what is in them
// that no file has. All from inside: what changes meanwhile is this file's own stack and variables, which
// nobody looks at afterwards.
#include "image_writer.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#if defined(__x86_64__)
#include <asm/prctl.h>
#endif

// Where glibc keeps a thread's area for rseq(2), from its thread pointer.
extern "C" __attribute__((weak)) const ptrdiff_t __rseq_offset;
extern "C" __attribute__((weak)) const unsigned int __rseq_size;

#if defined(__x86_64__)
__asm__(".globl SaveContext\n.type SaveContext, @function\nSaveContext:\n"
        "mov %rbx, 0(%rdi)\nmov %rbp, 8(%rdi)\nmov %r12, 16(%rdi)\nmov %r13, 24(%rdi)\n"
        "mov %r14, 32(%rdi)\nmov %r15, 40(%rdi)\nlea 8(%rsp), %rax\nmov %rax, 48(%rdi)\n"
        "mov (%rsp), %rax\nmov %rax, 56(%rdi)\nxor %eax, %eax\nret\n");
#else
// No images on this architecture yet: InheritAllMemory() says so first.
int SaveContext(ImageContext*) {
  return 0;
}
#endif

namespace {

constexpr uint64_t kPage = 4096;
// What the main thread's stack may grow to: V8 uses less than one MiB of it.
constexpr uint64_t kStack = 8 << 20;
// Fewer unchanged pages than this between two changed ones are not worth a mapping of their own.
constexpr uint64_t kGap = 4;
// glibc's struct pthread, at the thread pointer, is smaller.
constexpr uint64_t kThreadSize = 0x900;

struct Mapping {
  uint64_t start, end, offset;
  uint32_t protection;
  bool shared;
  const char* name;
};

ImageHeader header;
char mapsText[256 << 10];
uint64_t page[kPage / sizeof(uint64_t)];

bool Fail(const char* what) {
  fprintf(stderr, "image: %s: %s\n", what, strerror(errno));
  return false;
}

bool ReadMaps() {
  int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
  size_t length = 0;
  ssize_t got;
  while ((got = read(fd, mapsText + length, sizeof mapsText - 1 - length)) > 0)
    length += static_cast<size_t>(got);
  close(fd);
  mapsText[length] = 0;
  return (got == 0 && length > 0) || Fail("read /proc/self/maps");
}

// One line of proc_pid_maps(5); ends the text where the name ends.
bool NextMapping(char** cursor, Mapping* mapping) {
  char* text = *cursor;
  char* end = strchr(text, '\n');
  if (end == nullptr)
    return false;
  *end = 0;
  *cursor = end + 1;
  char access[5] = "";
  int name = 0;
  if (sscanf(text, "%lx-%lx %4s %lx %*s %*s %n", &mapping->start, &mapping->end, access, &mapping->offset,
             &name) != 4)
    return false;
  mapping->protection = (access[0] == 'r' ? PROT_READ : 0) | (access[1] == 'w' ? PROT_WRITE : 0) |
                        (access[2] == 'x' ? PROT_EXEC : 0);
  mapping->shared = access[3] == 's';
  mapping->name = text + name;
  return true;
}

int FindFile(const char* path, bool watched = false) {
  for (uint32_t index = 0; index < header.fileCount; index++) {
    if (strcmp(header.files[index].path, path) == 0 && header.files[index].watched == watched)
      return static_cast<int>(index);
  }
  struct stat st, program;
  ImageFile* file = &header.files[header.fileCount];
  if (header.fileCount == IMAGE_MAX_FILES || strlen(path) >= sizeof file->path || stat(path, &st) != 0 ||
      stat("/proc/self/exe", &program) != 0)
    return -1;
  strcpy(file->path, path);
  file->program = st.st_ino == program.st_ino && st.st_dev == program.st_dev;
  file->watched = watched;
  file->inode = st.st_ino;
  file->size = static_cast<uint64_t>(st.st_size);
  file->mtimeSeconds = static_cast<uint64_t>(st.st_mtim.tv_sec);
  file->mtimeNanoseconds = static_cast<uint64_t>(st.st_mtim.tv_nsec);
  return static_cast<int>(header.fileCount++);
}

bool IsZero() {
  for (uint64_t word : page) {
    if (word != 0)
      return false;
  }
  return true;
}

class Writer {
public:
  explicit Writer(int out, const char* embed)
      : out_(out), embed_(embed), memory_(open("/proc/self/mem", O_RDONLY | O_CLOEXEC)),
        pagemap_(open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC)),
        offset_((sizeof header + kPage - 1) / kPage * kPage) {}

  bool AddMemory() {
    char* cursor = mapsText;
    Mapping mapping;
    while (NextMapping(&cursor, &mapping)) {
      bool added = mapping.name[0] == '[' && mapping.name[1] == 'v' ? AddSpecial(mapping) : AddArea(mapping);
      if (!added)
        return false;
    }
    header.size = offset_;
    return true;
  }

private:
  // The kernel's own. [vsyscall] is where it is in all processes.
  bool AddSpecial(const Mapping& mapping) {
    if (strcmp(mapping.name, "[vsyscall]") == 0)
      return true;
    if (header.specialCount == IMAGE_MAX_SPECIAL)
      return Fail("too many mappings of the kernel's");
    ImageSpecial* special = &header.special[header.specialCount++];
    snprintf(special->name, sizeof special->name, "%s", mapping.name);
    special->start = mapping.start;
    special->end = mapping.end;
    if (strcmp(mapping.name, "[vdso]") == 0)
      header.vdso =
          imageHash(IMAGE_HASH_START, reinterpret_cast<void*>(mapping.start), mapping.end - mapping.start);
    return true;
  }

  bool AddArea(const Mapping& mapping) {
    if (mapping.shared) {
      fprintf(stderr, "image: a shared mapping: %s\n", mapping.name);
      return false;
    }
    if (mapping.end > IMAGE_RESTORER_START && mapping.start < IMAGE_RESTORER_END)
      return Fail("something is where the restorer goes");
    // Above the restorer, the heap's end of the image would lie beyond that of the process that is made from
    // it.
    bool heap = strcmp(mapping.name, "[heap]") == 0;
    if (heap && mapping.start > IMAGE_RESTORER_START)
      return Fail("the heap is too high");
    if (header.areaCount == IMAGE_MAX_AREAS)
      return Fail("too many mappings");
    bool file = mapping.name[0] == '/', stack = strcmp(mapping.name, "[stack]") == 0;
    bool embedded = file && strncmp(mapping.name, embed_, strlen(embed_)) == 0;
    int index = file && !embedded ? FindFile(mapping.name) : -1;
    if (file && !embedded && index < 0)
      return Fail(mapping.name);
    header.areas[header.areaCount++] = {stack ? mapping.end - kStack : mapping.start, mapping.end,
                                        mapping.offset, mapping.protection, index};
    return AddContents(mapping, file && !embedded, embedded);
  }

  // The pages that a mapping of the file, or of nothing, would not have.
  bool AddContents(const Mapping& mapping, bool file, bool all) {
    static uint64_t entries[512];
    uint64_t start = 0, end = 0;
    for (uint64_t at = mapping.start; at < mapping.end; at += kPage) {
      uint64_t index = (at - mapping.start) / kPage % 512;
      off_t place = static_cast<off_t>(at / kPage * sizeof *entries);
      if (index == 0 && pread(pagemap_, entries, sizeof entries, place) <= 0)
        return Fail("read /proc/self/pagemap");
      if (!(all ? HasPage(at) : IsChanged(entries[index], file) && HasPage(at) && (file || !IsZero())))
        continue;
      if (end == 0 || at - end > kGap * kPage) {
        if (end != 0 && !AddRun(start, end, mapping.protection))
          return false;
        start = at;
      }
      end = at + kPage;
    }
    return end == 0 || AddRun(start, end, mapping.protection);
  }

  // pagemap ("Documentation/admin-guide/mm/pagemap.rst"): present or swapped out, and not the file's own
  // page.
  static bool IsChanged(uint64_t entry, bool file) {
    return (entry >> 62) != 0 && !(file && (entry >> 61 & 1) != 0);
  }

  // Into `page`. A mapping may be longer than its file.
  bool HasPage(uint64_t at) {
    return pread(memory_, page, sizeof page, static_cast<off_t>(at)) == static_cast<ssize_t>(sizeof page);
  }

  bool AddRun(uint64_t start, uint64_t end, uint32_t protection) {
    if (header.runCount == IMAGE_MAX_RUNS)
      return Fail("too many runs");
    header.runs[header.runCount++] = {start, end, offset_, protection};
    for (uint64_t at = start; at < end; at += kPage) {
      if (!HasPage(at))
        memset(page, 0, sizeof page);
      if (pwrite(out_, page, sizeof page, static_cast<off_t>(offset_)) != static_cast<ssize_t>(sizeof page))
        return Fail("write");
      offset_ += kPage;
    }
    return true;
  }

  int out_;
  const char* embed_;
  int memory_, pagemap_;
  uint64_t offset_;
};

void AddSignals() {
  for (int signal = 1; signal <= IMAGE_SIGNALS; signal++)
    syscall(SYS_rt_sigaction, signal, nullptr, &header.signals[signal - 1], sizeof(uint64_t));
  syscall(SYS_rt_sigprocmask, SIG_BLOCK, nullptr, &header.signalMask, sizeof header.signalMask);
}

bool AddThread() {
  size_t length;
#if defined(__x86_64__)
  syscall(SYS_arch_prctl, ARCH_GET_FS, &header.threadPointer);
#endif
  syscall(SYS_get_robust_list, 0, &header.robustList, &length);
  if (&__rseq_offset != nullptr && __rseq_size != 0)
    header.rseq = header.threadPointer + static_cast<uint64_t>(__rseq_offset);
  // It keeps the thread's number, which will be another one.
  for (uint64_t at = header.threadPointer; at < header.threadPointer + kThreadSize; at += sizeof(int)) {
    if (*reinterpret_cast<int*>(at) == getpid()) {
      header.threadId = at;
      return true;
    }
  }
  return Fail("the thread's number is not found");
}

bool AddDescriptors(int out) {
  DIR* directory = opendir("/proc/self/fd");
  if (directory == nullptr)
    return Fail("open /proc/self/fd");
  bool done = true;
  while (struct dirent* entry = readdir(directory)) {
    int fd = atoi(entry->d_name);
    // Below are those that keep the numbers taken.
    if (fd < IMAGE_FIRST_DESCRIPTOR || fd == out || fd == dirfd(directory))
      continue;
    if (fd >= IMAGE_SPARE_DESCRIPTOR || header.descriptorCount == IMAGE_MAX_DESCRIPTORS)
      done = Fail("too many descriptors");
    else
      header.descriptors[header.descriptorCount++] = fd;
  }
  closedir(directory);
  return done;
}

// The names of files, each with a line end; the first is the program's.
bool AddWatched(char* names) {
  header.command = *names != 0;
  for (char* name = strtok(names, "\n"); name != nullptr; name = strtok(nullptr, "\n")) {
    if (FindFile(name, true) < 0)
      return Fail(name);
  }
  return true;
}

} // namespace

bool WriteProcess(const char* path, const char* embed, char* watched, const ImageContext& context) {
  int out = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (out < 0)
    return Fail(path);
  header.magic = IMAGE_MAGIC;
  header.cpu = imageProcessor();
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  header.written = static_cast<uint64_t>(now.tv_sec) * 1000000000 + static_cast<uint64_t>(now.tv_nsec);
  header.context = context;
  AddSignals();
  if (!AddWatched(watched) || !AddThread() || !AddDescriptors(out) || !ReadMaps() ||
      !Writer(out, embed).AddMemory())
    return false;
  header.complete = 1;
  return pwrite(out, &header, sizeof header, 0) == sizeof header || Fail("write");
}

bool InheritAllMemory() {
#if !defined(__x86_64__)
  errno = ENOSYS;
  return false;
#endif
  if (!ReadMaps())
    return false;
  char* cursor = mapsText;
  Mapping mapping;
  while (NextMapping(&cursor, &mapping)) {
    if (mapping.name[0] != '[')
      madvise(reinterpret_cast<void*>(mapping.start), mapping.end - mapping.start, MADV_DOFORK);
  }
  return true;
}
