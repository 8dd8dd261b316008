// read(2), write(2), lseek(2), ftruncate(2), fallocate(2), splice(2), mmap(2) and what belongs to them, of every kind
// of descriptor.
// build: -lrt
// files

#include "kinds.h"

#include <poll.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

static char buffer[8192];

static int is_type(int fd, int type) {
  struct stat st;
  return fstat(fd, &st) == 0 && (st.st_mode & S_IFMT) == type;
}
static int is_file(int fd) {
  return is_type(fd, S_IFREG) && lseek(fd, 0, SEEK_SET) == 0;
}
static int is_directory(int fd) {
  return is_type(fd, S_IFDIR);
}

static void reading(void) {
  each_kind("read 0", read(fd, buffer, 0));
  each_kind("read 1", read(fd, buffer, 1));
  each_kind("read 4", read(fd, buffer, 4));
  each_kind("read 8 to nowhere", read(fd, (void*)16, 8));
  each_kind("read 0 to nowhere", read(fd, (void*)16, 0));
  each_kind("readv", ({
              struct iovec parts[2] = {{buffer, 4}, {buffer + 4, 4}};
              readv(fd, parts, 2);
            }));
  each_kind("readv of no parts", readv(fd, NULL, 0));
  each_kind("readv of -1 parts", readv(fd, NULL, -1));
  each_kind("readv of 1025 parts", readv(fd, (void*)buffer, 1025));
  each_kind("readv with a huge part", ({
              struct iovec parts[2] = {{buffer, 4}, {buffer, -1}};
              readv(fd, parts, 2);
            }));
  each_kind("pread", pread(fd, buffer, 1, 1));
  each_kind("pread at -1", pread(fd, buffer, 1, -1));
  each_kind("preadv2 at -1", ({
              struct iovec part = {buffer, 1};
              preadv2(fd, &part, 1, -1, 0);
            }));
  each_kind("preadv2 at -2", ({
              struct iovec part = {buffer, 1};
              preadv2(fd, &part, 1, -2, 0);
            }));
  each_kind("preadv2 RWF_HIPRI", ({
              struct iovec part = {buffer, 0};
              preadv2(fd, &part, 1, 0, RWF_HIPRI);
            }));
  each_kind("preadv2 unknown flag", ({
              struct iovec part = {buffer, 1};
              preadv2(fd, &part, 1, 0, 0x8000);
            }));
}

static void writing(void) {
  each_kind("write 0", write(fd, buffer, 0));
  each_kind("write 0 from nowhere", write(fd, (void*)16, 0));
  each_kind_but(strcmp(kind->name, "tcp") == 0 || strcmp(kind->name, "udp") == 0, "write 8 from nowhere", write(fd, (void*)16, 8));
  each_kind("write 1", write(fd, "x", 1));
  each_kind("write 7", write(fd, "1234567", 7));
  each_kind("pwrite", pwrite(fd, "y", 1, 2));
  each_kind("pwrite at -1", pwrite(fd, "y", 1, -1));
  each_kind_but(!is_file(fd) || is_generated(kind), "pwritev2 RWF_APPEND", ({
              struct iovec part = {buffer, 1};
              pwritev2(fd, &part, 1, 0, RWF_APPEND);
            }));
  each_kind_but(!is_file(fd) || is_generated(kind), "pwritev2 RWF_DSYNC", ({
              struct iovec part = {"0", 1};
              pwritev2(fd, &part, 1, 0, RWF_DSYNC);
            }));
}

static void positions(void) {
  static const struct {
    const char* name;
    int whence;
    long offset;
  } seeks[] = {
    {"SEEK_SET 0", SEEK_SET, 0},   {"SEEK_SET 5", SEEK_SET, 5},   {"SEEK_SET -1", SEEK_SET, -1},
    {"SEEK_CUR 0", SEEK_CUR, 0},   {"SEEK_CUR 1", SEEK_CUR, 1},   {"SEEK_CUR min", SEEK_CUR, INT64_MIN},
    {"SEEK_DATA 0", SEEK_DATA, 0}, {"SEEK_HOLE 0", SEEK_HOLE, 0}, {"SEEK_DATA -1", SEEK_DATA, -1},
    {"SEEK_DATA far", SEEK_DATA, 1L << 40}, {"SEEK_HOLE far", SEEK_HOLE, 1L << 40},
    {"whence 5", 5, 0},            {"whence -1", -1, 0},
  };
  for (size_t i = 0; i < sizeof seeks / sizeof *seeks; i++) {
    // Directories differ by filesystem.
    int holes = seeks[i].whence == SEEK_DATA || seeks[i].whence == SEEK_HOLE;
    each_kind_but(holes && (is_directory(fd) || is_generated(kind)), seeks[i].name, ({
                long result = lseek(fd, seeks[i].offset, seeks[i].whence);
                int error = errno;
                lseek(fd, 0, SEEK_SET);
                errno = error;
                result;
              }));
  }
}

static void sizes(void) {
  each_kind("ftruncate 10", ftruncate(fd, 10));
  each_kind("ftruncate -1", ftruncate(fd, -1));
  each_kind("fallocate", fallocate(fd, 0, 0, 10));
  each_kind("fallocate keep size", fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 10));
  each_kind("fallocate punch without keep", fallocate(fd, FALLOC_FL_PUNCH_HOLE, 0, 10));
  each_kind("fallocate unknown", fallocate(fd, 0x8000, 0, 10));
  each_kind("fallocate of nothing", fallocate(fd, 0, 0, 0));
  each_kind("fallocate at -1", fallocate(fd, 0, -1, 10));
  each_kind("fallocate too far", fallocate(fd, 0, INT64_MAX, 10));
  each_kind("fallocate negative length", fallocate(fd, 0, 0, -1));
}

static void syncing(void) {
  each_kind("fsync", fsync(fd));
  each_kind("fdatasync", fdatasync(fd));
  each_kind("syncfs", syncfs(fd));
  each_kind("sync_file_range", sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE));
  each_kind("sync_file_range bad flags", sync_file_range(fd, 0, 0, 0x100));
  each_kind("sync_file_range negative", sync_file_range(fd, -1, 0, 0));
  each_kind("readahead", readahead(fd, 0, 4096));
  each_kind("fadvise", (errno = posix_fadvise(fd, 0, 0, POSIX_FADV_WILLNEED)) ? -1 : 0);
  each_kind("fadvise unknown", (errno = posix_fadvise(fd, 0, 0, 99)) ? -1 : 0);
  each_kind("fadvise negative", (errno = posix_fadvise(fd, 0, -1, POSIX_FADV_NORMAL)) ? -1 : 0);
}

static void moving(void) {
  int source = open("regular", O_RDONLY), sink = open("sink", O_CREAT | O_RDWR, 0600);
  int ends[2], full[2];
  must(pipe2(ends, O_NONBLOCK));
  must(pipe2(full, O_NONBLOCK));
  must(write(full[1], "0123456789", 10));
  each_kind("sendfile to", ({
              off_t offset = 0;
              sendfile(fd, source, &offset, 4);
            }));
  each_kind("sendfile from", sendfile(sink, fd, NULL, 4));
  each_kind("sendfile from an offset", ({
              off_t offset = 1;
              sendfile(sink, fd, &offset, 4);
            }));
  each_kind("sendfile of nothing", sendfile(sink, fd, NULL, 0));
  each_kind("copy_file_range to", ({
              off_t offset = 0;
              copy_file_range(source, &offset, fd, NULL, 4, 0);
            }));
  each_kind("copy_file_range from", copy_file_range(fd, NULL, sink, NULL, 4, 0));
  each_kind("copy_file_range flags", copy_file_range(fd, NULL, sink, NULL, 4, 1));
  each_kind("splice from", ({
              int result = splice(fd, NULL, ends[1], NULL, 2, SPLICE_F_NONBLOCK);
              int error = errno;
              while (read(ends[0], buffer, sizeof buffer) > 0) {}
              errno = error;
              result;
            }));
  each_kind("splice from an offset", ({
              off_t offset = 0;
              int result = splice(fd, &offset, ends[1], NULL, 2, SPLICE_F_NONBLOCK);
              int error = errno;
              while (read(ends[0], buffer, sizeof buffer) > 0) {}
              errno = error;
              result;
            }));
  each_kind("splice to", ({
              int result = splice(full[0], NULL, fd, NULL, 1, SPLICE_F_NONBLOCK);
              int error = errno;
              if (result > 0) must(write(full[1], buffer, result));
              errno = error;
              result;
            }));
  each_kind("splice without a pipe", splice(fd, NULL, sink, NULL, 1, 0));
  each_kind("splice flags", splice(fd, NULL, ends[1], NULL, 1, 0x100));
  each_kind("splice nothing", splice(fd, NULL, ends[1], NULL, 0, 0));
  each_kind("tee from", tee(fd, ends[1], 1, SPLICE_F_NONBLOCK));
  each_kind("tee to", tee(full[0], fd, 1, SPLICE_F_NONBLOCK));
  each_kind("vmsplice", ({
              struct iovec part = {buffer, 1};
              vmsplice(fd, &part, 1, SPLICE_F_NONBLOCK);
            }));
}

static void mapping(void) {
  static const struct {
    const char* name;
    int protection, flags;
  } ways[] = {
    {"mmap shared r", PROT_READ, MAP_SHARED},
    {"mmap shared rw", PROT_READ | PROT_WRITE, MAP_SHARED},
    {"mmap private r", PROT_READ, MAP_PRIVATE},
    {"mmap private rw", PROT_READ | PROT_WRITE, MAP_PRIVATE},
    {"mmap private x", PROT_EXEC, MAP_PRIVATE},
    {"mmap shared x", PROT_READ | PROT_EXEC, MAP_SHARED},
    {"mmap none", PROT_NONE, MAP_SHARED},
    {"mmap validate", PROT_READ, MAP_SHARED_VALIDATE},
    {"mmap no type", PROT_READ, 0},
    {"mmap type 8", PROT_READ, 8},
    {"mmap anonymous", PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS},
  };
  for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
    // TCP sockets can be mapped to receive from, which is another matter.
    each_kind_but(strcmp(kind->name, "tcp") == 0, ways[i].name, ({
                void* at = mmap(NULL, 4096, ways[i].protection, ways[i].flags, fd, 0);
                int error = errno;
                if (at != MAP_FAILED) munmap(at, 4096);
                errno = error;
                at == MAP_FAILED ? -1 : 0;
              }));
  }
  each_kind_but(strcmp(kind->name, "tcp") == 0, "mmap grown by mprotect", ({
              void* at = mmap(NULL, 4096, PROT_NONE, MAP_SHARED, fd, 0);
              int result = at == MAP_FAILED ? -1 : mprotect(at, 4096, PROT_READ | PROT_WRITE);
              int error = errno;
              if (at != MAP_FAILED) munmap(at, 4096);
              errno = error;
              result;
            }));
  each_kind("mmap at an odd offset", (long)mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 100));
  each_kind("mmap of nothing", (long)mmap(NULL, 0, PROT_READ, MAP_SHARED, fd, 0));
}

int main(void) {
  signal(SIGPIPE, SIG_IGN);
  enter_directory("io");
  make_kinds();
  positions();
  reading();
  writing();
  sizes();
  syncing();
  moving();
  mapping();
  return check_done();
}
