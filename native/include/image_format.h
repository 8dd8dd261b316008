// A process image: a program that has started, in a file that can be mapped (native/image/README.md). Written
// by native/addon/image.cc, read by native/image/restore.c. Both are of one build: the layout has no
// versions.
#ifndef RUNSC_IMAGE_FORMAT_H
#define RUNSC_IMAGE_FORMAT_H

#include <stdint.h>

// With the size of the header, so that what a package held before its update is none.
#define IMAGE_MAGIC (0x31676d4963736e75ull + sizeof(ImageHeader))
#define IMAGE_MAX_FILES 24
#define IMAGE_MAX_AREAS 1000
#define IMAGE_MAX_RUNS 2000
#define IMAGE_MAX_DESCRIPTORS 64
#define IMAGE_MAX_SPECIAL 6
#define IMAGE_SIGNALS 64

// Where the restorer finds the image, and the program to be when the image does not fit.
#define IMAGE_FD 29
#define IMAGE_PROGRAM_FD 30
// The program's own descriptors are above those that it is given (runsc/sandbox/boot-document.ts).
#define IMAGE_FIRST_DESCRIPTOR 300
// What the restorer opens for itself.
#define IMAGE_SPARE_DESCRIPTOR 400

// Where the restorer is linked to, which no area of an image may touch: below 2 GiB, above the heap of a
// program that is linked to a fixed address (Linux puts it within 1 GiB of the program).
#define IMAGE_RESTORER_START 0x60000000ull
#define IMAGE_RESTORER_END 0x62000000ull

// A file that is part of what runs: mapped, or (watched) only read by then, so that another one makes an
// image stale.
typedef struct {
  char path[224];
  // Node itself: the restorer has it by descriptor.
  uint64_t program;
  uint64_t watched;
  uint64_t inode, size, mtimeSeconds, mtimeNanoseconds;
} ImageFile;

// A mapping as it was: of a file, or (-1) of nothing.
typedef struct {
  uint64_t start, end, offset;
  uint32_t protection;
  int32_t file;
} ImageArea;

// What of the areas was not as the file has it, or zero.
typedef struct {
  uint64_t start, end, offset;
  uint64_t protection;
} ImageRun;

// The kernel's own mappings: [vvar…], [vdso].
typedef struct {
  char name[24];
  uint64_t start, end;
} ImageSpecial;

// struct kernel_sigaction
typedef struct {
  uint64_t handler, flags, restorer, mask;
} ImageSignal;

// Callee-saved registers; what the compiler expects of a function that returns.
typedef struct {
  uint64_t rbx, rbp, r12, r13, r14, r15, rsp, rip;
} ImageContext;

typedef struct {
  uint64_t magic;
  // Of the whole file, in bytes.
  uint64_t size;
  uint64_t cpu;
  uint64_t vdso;
  uint64_t threadPointer, threadId, robustList, rseq;
  uint64_t signalMask;
  // CLOCK_MONOTONIC when it was written, in nanoseconds. Node insists that the time of its start is past.
  uint64_t written;
  ImageContext context;
  uint32_t fileCount, areaCount, runCount, descriptorCount, specialCount, complete;
  // Whether the program needs the arguments and the environment that the restorer was given: its stack stays;
  // and timers.
  uint32_t command;
  int32_t descriptors[IMAGE_MAX_DESCRIPTORS];
  ImageSpecial special[IMAGE_MAX_SPECIAL];
  ImageSignal signals[IMAGE_SIGNALS];
  ImageFile files[IMAGE_MAX_FILES];
  ImageArea areas[IMAGE_MAX_AREAS];
  ImageRun runs[IMAGE_MAX_RUNS];
} ImageHeader;

#define IMAGE_HASH_START 0xcbf29ce484222325ull

// FNV-1a, over what two kernels or processors could differ in.
static inline uint64_t imageHash(uint64_t hash, const void* bytes, uint64_t length) {
  const unsigned char* at = (const unsigned char*)bytes;
  for (uint64_t index = 0; index < length; index++)
    hash = (hash ^ at[index]) * 0x100000001b3ull;
  return hash;
}

// The processor's features: libraries have chosen their functions by them. Few questions, since hypervisors
// answer them.
static inline uint64_t imageProcessor(void) {
  uint64_t hash = IMAGE_HASH_START;
#if defined(__x86_64__)
  static const uint32_t leaves[][2] = {{1, 0}, {7, 0}, {7, 1}, {13, 1}};
  for (unsigned index = 0; index < sizeof leaves / sizeof *leaves; index++) {
    uint32_t words[4];
    __asm__ volatile("cpuid"
                     : "=a"(words[0]), "=b"(words[1]), "=c"(words[2]), "=d"(words[3])
                     : "a"(leaves[index][0]), "c"(leaves[index][1]));
    // Which CPU answers, and the size of what is in use at the moment.
    if (leaves[index][0] == 1 || leaves[index][0] == 13)
      words[1] = 0;
    hash = imageHash(hash, words, sizeof words);
  }
#endif
  return hash;
}

#endif
