// read(2), write(2) and their kin: offsets, vectors, holes, truncation, fallocate, errnos.
// files
#include "../check.h"
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <limits.h>

int main(void) {
  enter_directory("rw");
  char buffer[256] = {0};
  int fd = must(open("f", O_CREAT | O_RDWR, 0600));
  equal("pwrite", pwrite(fd, "abcdef", 6, 0), 6);
  equal("leaves the offset", lseek(fd, 0, SEEK_CUR), 0);
  equal("pread", pread(fd, buffer, 3, 2), 3);
  equal("its bytes", memcmp(buffer, "cde", 3), 0);
  equal("pread past the end", pread(fd, buffer, 3, 100), 0);
  equal("a short read at the end", pread(fd, buffer, 100, 4), 2);
  fails("a negative offset", pread(fd, buffer, 1, -1), EINVAL);
  fails("pwrite at a negative offset", pwrite(fd, "x", 1, -1), EINVAL);
  equal("a write past the end", pwrite(fd, "z", 1, 10000), 1);
  memset(buffer, 1, sizeof buffer);
  equal("a hole", pread(fd, buffer, 100, 5000), 100);
  holds("is zero", buffer[0] == 0 && buffer[99] == 0);
  struct stat st;
  must(fstat(fd, &st));
  equal("size", st.st_size, 10001);
  equal("SEEK_END", lseek(fd, -1, SEEK_END), 10000);
  equal("SEEK_CUR", lseek(fd, -5, SEEK_CUR), 9995);
  fails("before the start", lseek(fd, -1, SEEK_SET), EINVAL);
  fails("an unknown whence", lseek(fd, 0, 99), EINVAL);
  equal("far past the end", lseek(fd, 1L << 40, SEEK_SET), 1L << 40);
  equal("SEEK_DATA", lseek(fd, 0, SEEK_DATA), 0);
  fails("SEEK_DATA past the end", lseek(fd, 20000, SEEK_DATA), ENXIO);
  equal("SEEK_HOLE at the end", lseek(fd, 10000, SEEK_HOLE), 10001);
  equal("ftruncate shorter", ftruncate(fd, 3), 0);
  equal("what is left", pread(fd, buffer, 100, 0), 3);
  equal("ftruncate longer", ftruncate(fd, 8), 0);
  equal("with zeros", pread(fd, buffer, 100, 0), 8);
  equal("they are zeros", memcmp(buffer, "abc\0\0\0\0\0", 8), 0);
  fails("ftruncate negative", ftruncate(fd, -1), EINVAL);
  int reader = must(open("f", O_RDONLY));
  fails("ftruncate of a reader", ftruncate(reader, 0), EINVAL);
  fails("truncate of a directory", truncate(".", 0), EISDIR);
  fails("truncate of nothing", truncate("missing", 0), ENOENT);
  equal("truncate", truncate("f", 6), 0);

  struct iovec vector[3] = {{"one", 3}, {NULL, 0}, {"two", 3}};
  lseek(fd, 0, SEEK_SET);
  equal("writev", writev(fd, vector, 3), 6);
  char a[4] = {0}, b[4] = {0};
  struct iovec in[2] = {{a, 2}, {b, 4}};
  equal("preadv", preadv(fd, in, 2, 1), 5);
  same_text("first part", a, "ne");
  equal("second part", memcmp(b, "two", 3), 0);
  equal("pwritev", pwritev(fd, vector, 1, 3), 3);
  fails("too many", writev(fd, vector, 1025), EINVAL);
  fails("negative count", writev(fd, vector, -1), EINVAL);
  equal("none", writev(fd, vector, 0), 0);
  struct iovec huge[2] = {{buffer, SSIZE_MAX}, {buffer, SSIZE_MAX}};
  fails("lengths past the address space", readv(fd, huge, 2), EFAULT);
  struct iovec partial[2] = {{"good", 4}, {(void*)8, 4}};
  lseek(fd, 0, SEEK_SET);
  equal("a bad second part: the first is written", writev(fd, partial, 2), 4);
  equal("RWF_APPEND", pwritev2(fd, vector, 1, 0, RWF_APPEND), 3);
  fails("unknown flags", pwritev2(fd, vector, 1, 0, 0x4000), EOPNOTSUPP);

  must(ftruncate(fd, 0));
  equal("fallocate", fallocate(fd, 0, 0, 5000), 0);
  must(fstat(fd, &st));
  equal("grows", st.st_size, 5000);
  equal("FALLOC_FL_KEEP_SIZE", fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 9000), 0);
  must(fstat(fd, &st));
  equal("keeps the size", st.st_size, 5000);
  memset(buffer, 'x', sizeof buffer);
  pwrite(fd, buffer, 256, 0);
  equal("punch a hole", fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 128), 0);
  pread(fd, buffer, 256, 0);
  holds("it is zero, the rest is not", buffer[0] == 0 && buffer[127] == 0 && buffer[128] == 'x');
  fails("fallocate of nothing", fallocate(fd, 0, 0, 0), EINVAL);
  fails("punch without keep size", fallocate(fd, FALLOC_FL_PUNCH_HOLE, 0, 10), EOPNOTSUPP);
  fails("fallocate of a reader", fallocate(reader, 0, 0, 10), EBADF);

  int out = must(open("out", O_CREAT | O_RDWR, 0600));
  off_t offset = 100;
  must(ftruncate(fd, 0));
  static char large[300000];
  for (unsigned i = 0; i < sizeof large; i++) large[i] = i * 7;
  equal("a large write", write(fd, large, 0) + pwrite(fd, large, sizeof large, 0), sizeof large);
  static char again[300000];
  equal("a large read", pread(fd, again, sizeof again, 0), sizeof again);
  equal("the same", memcmp(large, again, sizeof again), 0);
  equal("sendfile with an offset", sendfile(out, fd, &offset, 1000), 1000);
  equal("moves it", offset, 1100);
  equal("sendfile of the rest", sendfile(out, fd, &offset, 1000000), sizeof large - 1100);
  must(fstat(out, &st));
  equal("all of it", st.st_size, sizeof large - 100);
  loff_t from = 0, to = 0;
  equal("copy_file_range", syscall(SYS_copy_file_range, fd, &from, out, &to, 5000, 0), 5000);
  pread(out, again, 5000, 0);
  equal("copied", memcmp(large, again, 5000), 0);
  fails("copy_file_range with flags", syscall(SYS_copy_file_range, fd, &from, out, &to, 1, 1), EINVAL);
  int ends[2];
  must(pipe(ends));
  from = 0;
  equal("splice into a pipe", splice(fd, &from, ends[1], NULL, 4096, 0), 4096);
  to = 0;
  equal("splice out of it", splice(ends[0], NULL, out, &to, 4096, 0), 4096);
  fails("splice of two files", splice(fd, &from, out, &to, 10, 0), EINVAL);
  fails("splice with an offset of a pipe", splice(fd, NULL, ends[1], &to, 10, 0), ESPIPE);
  fails("pread of a pipe", pread(ends[0], buffer, 1, 0), ESPIPE);
  fails("lseek of a pipe", lseek(ends[0], 0, SEEK_CUR), ESPIPE);
  equal("fsync", fsync(fd), 0);
  equal("fdatasync", fdatasync(fd), 0);
  fails("fsync of a pipe", fsync(ends[0]), EINVAL);
  equal("posix_fadvise", posix_fadvise(fd, 0, 0, POSIX_FADV_WILLNEED), 0);
  equal("posix_fadvise unknown", posix_fadvise(fd, 0, 0, 99), EINVAL);
  equal("posix_fadvise of a pipe", posix_fadvise(ends[0], 0, 0, 0), ESPIPE);
  fails("read of a closed descriptor", read(999, buffer, 1), EBADF);
  equal("read of nothing", read(fd, NULL, 0), 0);
  struct stat before;
  must(fstat(fd, &before));
  sleep_ms(20);
  pwrite(fd, "x", 1, 0);
  must(fstat(fd, &st));
  holds("a write changes mtime",
        st.st_mtim.tv_sec > before.st_mtim.tv_sec || st.st_mtim.tv_nsec != before.st_mtim.tv_nsec);
  return check_done();
}
