// read(2), write(2), pread(2), readv(2), lseek(2), truncate(2), fallocate(2), sendfile(2),
// copy_file_range(2), splice(2). files
#include "../check.h"
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <sys/xattr.h>

static char big[3 << 20];
static volatile int xfsz;
static void on_xfsz(int s) {
  (void)s;
  xfsz++;
}

static void basics(void) {
  char buf[64];
  int fd = must(open("f", O_RDWR | O_CREAT | O_TRUNC, 0644));
  equal("write", write(fd, "hello world", 11), 11);
  equal("position", lseek(fd, 0, SEEK_CUR), 11);
  equal("end of file", read(fd, buf, 10), 0);
  equal("seek back", lseek(fd, -5, SEEK_END), 6);
  equal("read", read(fd, buf, 10), 5);
  fails("seek before start", lseek(fd, -1, SEEK_SET), EINVAL);
  fails("bad whence", lseek(fd, 0, 9), EINVAL);
  equal("pread", pread(fd, buf, 5, 6), 5);
  equal("pread past end", pread(fd, buf, 5, 100), 0);
  fails("pread negative", pread(fd, buf, 5, -1), EINVAL);
  equal("pwrite past end", pwrite(fd, "x", 1, 20), 1);
  must(pread(fd, buf, 21, 0));
  equal("gap is zero", buf[15], 0);
  fails("read to a bad pointer", read(lseek(fd, 0, SEEK_SET) == 0 ? fd : -1, (char*)8, 5), EFAULT);
  fails("write from a bad pointer", write(fd, (char*)8, 5), EFAULT);
  equal("read of nothing", read(fd, NULL, 0), 0);
  equal("write of nothing", write(fd, NULL, 0), 0);
  fails("huge count", read(fd, buf, (size_t)-1), EFAULT);
  close(fd);
  int r = must(open("f", O_RDONLY));
  fails("write to read-only", write(r, "x", 1), EBADF);
  fails("ftruncate read-only", ftruncate(r, 1), EINVAL);
  int w = must(open("f", O_WRONLY));
  fails("read from write-only", read(w, buf, 1), EBADF);
  close(r);
  close(w);
  int d = must(open(".", O_RDONLY));
  fails("read a directory", read(d, buf, 1), EISDIR);
  fails("write a directory", write(d, buf, 1), EBADF);
  close(d);
  fails("closed", read(r, buf, 1), EBADF);
  fd = must(open("f", O_WRONLY | O_APPEND));
  must(lseek(fd, 0, SEEK_SET));
  must(write(fd, "END", 3));
  equal("append moves to the end", lseek(fd, 0, SEEK_CUR), 24);
  equal("pwrite appends too", pwrite(fd, "!", 1, 0), 1);
  struct stat st;
  must(fstat(fd, &st));
  equal("size", st.st_size, 25);
  close(fd);
}

// A buffer that runs into unmapped memory: a file takes or gives what lies before.
static void faults(void) {
  char* page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  must(munmap(page + 4096, 4096));
  memset(page, 'p', 4096);
  int fd = must(open("faults", O_RDWR | O_CREAT | O_TRUNC, 0644));
  equal("write up to the fault", write(fd, page + 4000, 200), 96);
  equal("offset after it", lseek(fd, 0, SEEK_CUR), 96);
  must(ftruncate(fd, 8192));
  must(lseek(fd, 0, SEEK_SET));
  equal("read up to the fault", read(fd, page + 4000, 200), 96);
  equal("offset after that", lseek(fd, 0, SEEK_CUR), 96);
  struct iovec v[2] = {{page, 10}, {(void*)8, 10}};
  equal("readv up to the fault", readv(fd, v, 2), 10);
  equal("writev up to the fault", writev(fd, v, 2), 10);
  equal("offset in the end", lseek(fd, 0, SEEK_CUR), 116);
  close(fd);
}

static void vectors(void) {
  char a[4] = {0}, b[4] = {0}, c[8] = {0};
  int fd = must(open("v", O_RDWR | O_CREAT | O_TRUNC, 0644));
  struct iovec out[] = {{"abc", 3}, {"", 0}, {"defg", 4}, {NULL, 0}};
  equal("writev", writev(fd, out, 4), 7);
  struct iovec in[] = {{a, 2}, {b, 3}, {c, 8}};
  must(lseek(fd, 0, SEEK_SET));
  equal("readv", readv(fd, in, 3), 7);
  holds("scattered", memcmp(a, "ab", 2) == 0 && memcmp(b, "cde", 3) == 0 && memcmp(c, "fg", 2) == 0);
  equal("preadv", preadv(fd, in, 1, 5), 2);
  equal("pwritev", pwritev(fd, out, 1, 10), 3);
  fails("negative count", readv(fd, in, -1), EINVAL);
  fails("too many", readv(fd, in, 1025), EINVAL);
  equal("none", readv(fd, in, 0), 0);
  struct iovec bad[] = {{a, 2}, {a, (size_t)-1}};
  fails("negative length", readv(fd, bad, 2), EINVAL);
  fails("bad vector", readv(fd, (void*)8, 2), EFAULT);
  fails("preadv2 flags", preadv2(fd, in, 1, 0, 0x400), EOPNOTSUPP);
  equal("preadv2 at the position", preadv2(fd, in, 1, -1, 0), 2);
  equal("pwritev2 RWF_APPEND", pwritev2(fd, out, 1, 0, RWF_APPEND), 3);
  struct stat st;
  must(fstat(fd, &st));
  equal("size", st.st_size, 16);
  for (size_t i = 0; i < sizeof big; i++)
    big[i] = i * 7 ^ i >> 9;
  must(ftruncate(fd, 0));
  must(lseek(fd, 0, SEEK_SET));
  equal("3 MiB write", write(fd, big, sizeof big), sizeof big);
  char* back = malloc(sizeof big + 100);
  equal("3 MiB read", pread(fd, back, sizeof big + 100, 0), sizeof big);
  holds("same", memcmp(big, back, sizeof big) == 0);
  struct iovec many[64];
  for (int i = 0; i < 64; i++)
    many[i] = (struct iovec){back + i * 40000, 40000};
  memset(back, 0, sizeof big);
  equal("2.5 MB readv", preadv(fd, many, 64, 0), 64 * 40000);
  holds("same again", memcmp(big, back, 64 * 40000) == 0);
  int v2 = must(open("v2", O_RDWR | O_CREAT, 0644));
  equal("2.5 MB writev", writev(v2, many, 64), 64 * 40000);
  memset(back, 0, sizeof big);
  equal("reads back", pread(v2, back, 64 * 40000, 0), 64 * 40000);
  holds("as written", memcmp(big, back, 64 * 40000) == 0);
  free(back);
  close(v2);
  close(fd);
}

static void sizes(void) {
  struct stat st;
  char buf[16];
  int fd = must(open("s", O_RDWR | O_CREAT | O_TRUNC, 0644));
  must(write(fd, "0123456789", 10));
  succeeds("ftruncate down", ftruncate(fd, 4));
  succeeds("ftruncate up", ftruncate(fd, 8));
  must(pread(fd, buf, 8, 0));
  holds("zeros after growing", buf[3] == '3' && buf[4] == 0 && buf[7] == 0);
  fails("ftruncate negative", ftruncate(fd, -1), EINVAL);
  fails("truncate directory", truncate(".", 0), EISDIR);
  fails("truncate missing", truncate("none", 0), ENOENT);
  succeeds("truncate", truncate("s", 100));
  must(ftruncate(fd, 1 << 20));
  equal("hole first", lseek(fd, 0, SEEK_HOLE) >= 0, 1);
  must(ftruncate(fd, 0));
  must(ftruncate(fd, 1 << 20));
  must(pwrite(fd, "d", 1, 512 << 10));
  equal("SEEK_DATA", lseek(fd, 0, SEEK_DATA), 512 << 10);
  equal("SEEK_HOLE in a hole", lseek(fd, 4096, SEEK_HOLE), 4096);
  equal("SEEK_HOLE after data", lseek(fd, 512 << 10, SEEK_HOLE), (512 << 10) + 4096);
  fails("SEEK_DATA at the end", lseek(fd, (512 << 10) + 4096, SEEK_DATA), ENXIO);
  fails("SEEK_HOLE past the end", lseek(fd, 1 << 20, SEEK_HOLE), ENXIO);
  succeeds("fallocate", fallocate(fd, 0, 0, 2 << 20));
  must(fstat(fd, &st));
  equal("fallocate grows", st.st_size, 2 << 20);
  holds("and takes blocks", st.st_blocks >= 4096);
  succeeds("keep size", fallocate(fd, FALLOC_FL_KEEP_SIZE, 2 << 20, 4096));
  must(fstat(fd, &st));
  equal("size kept", st.st_size, 2 << 20);
  must(pwrite(fd, "p", 1, 8192));
  succeeds("punch hole", fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 8192, 4096));
  must(pread(fd, buf, 1, 8192));
  equal("punched", buf[0], 0);
  fails("punch without keep size", fallocate(fd, FALLOC_FL_PUNCH_HOLE, 0, 4096), EOPNOTSUPP);
  fails("fallocate nothing", fallocate(fd, 0, 0, 0), EINVAL);
  fails("fallocate negative", fallocate(fd, 0, -1, 1), EINVAL);
  close(fd);
  fd = must(open("s", O_RDONLY));
  fails("fallocate read-only", fallocate(fd, 0, 0, 1), EBADF);
  equal("fsync", fsync(fd), 0);
  equal("fdatasync", fdatasync(fd), 0);
  equal("syncfs", syncfs(fd), 0);
  equal("fadvise", posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL), 0);
  equal("fadvise bad", posix_fadvise(fd, 0, 0, 77), EINVAL);
  close(fd);
  int p[2];
  must(pipe(p));
  fails("fsync a pipe", fsync(p[0]), EINVAL);
  fails("lseek a pipe", lseek(p[0], 0, SEEK_CUR), ESPIPE);
  fails("pread a pipe", pread(p[0], buf, 1, 0), ESPIPE);
  fails("fallocate a pipe", fallocate(p[1], 0, 0, 1), ESPIPE);
  equal("fadvise a pipe", posix_fadvise(p[0], 0, 0, 0), ESPIPE);
  close(p[0]);
  close(p[1]);

  struct rlimit old, now = {1000, RLIM_INFINITY};
  must(getrlimit(RLIMIT_FSIZE, &old));
  now.rlim_max = old.rlim_max;
  signal(SIGXFSZ, on_xfsz);
  fd = must(open("limit", O_RDWR | O_CREAT | O_TRUNC, 0644));
  must(setrlimit(RLIMIT_FSIZE, &now));
  equal("write up to the limit", write(fd, big, 2000), 1000);
  fails("write at the limit", write(fd, big, 1), EFBIG);
  equal("SIGXFSZ", xfsz, 1);
  fails("truncate past the limit", ftruncate(fd, 2000), EFBIG);
  equal("SIGXFSZ again", xfsz, 2);
  must(setrlimit(RLIMIT_FSIZE, &old));
  close(fd);
}

static void copies(void) {
  int in = must(open("in", O_RDWR | O_CREAT | O_TRUNC, 0644));
  int out = must(open("out", O_RDWR | O_CREAT | O_TRUNC, 0644));
  must(write(in, big, 1 << 20));
  off_t off = 100;
  equal("sendfile with offset", sendfile(out, in, &off, 1000), 1000);
  equal("offset moved", off, 1100);
  equal("input stays", lseek(in, 0, SEEK_CUR), 1 << 20);
  must(lseek(in, 0, SEEK_SET));
  equal("sendfile", sendfile(out, in, NULL, 5 << 20), 1 << 20);
  equal("input moves", lseek(in, 0, SEEK_CUR), 1 << 20);
  equal("at the end", sendfile(out, in, NULL, 10), 0);
  fails("from a bad descriptor", sendfile(out, -1, NULL, 1), EBADF);
  off = -1;
  fails("negative offset", sendfile(out, in, &off, 1), EINVAL);
  loff_t a = 10, b = 20;
  equal("copy_file_range", copy_file_range(in, &a, out, &b, 5000, 0), 5000);
  equal("in offset", a, 5010);
  equal("out offset", b, 5020);
  fails("copy_file_range flags", copy_file_range(in, &a, out, &b, 1, 1), EINVAL);
  a = 0, b = 10;
  fails("overlap", copy_file_range(in, &a, in, &b, 100, 0), EINVAL);
  a = 2 << 20;
  equal("past the end", copy_file_range(in, &a, out, &b, 100, 0), 0);
  int p[2];
  must(pipe(p));
  a = 5;
  equal("splice in", splice(in, &a, p[1], NULL, 1000, 0), 1000);
  equal("offset", a, 1005);
  b = 7;
  equal("splice out", splice(p[0], NULL, out, &b, 5000, 0), 1000);
  char buf[1000];
  must(pread(out, buf, 1000, 7));
  holds("spliced bytes", memcmp(buf, big + 5, 1000) == 0);
  fails("splice between files", splice(in, &a, out, &b, 10, 0), EINVAL);
  fails("splice offset on a pipe", splice(p[0], &a, out, &b, 10, 0), ESPIPE);
  fails("splice empty, no wait", splice(p[0], NULL, out, NULL, 10, SPLICE_F_NONBLOCK), EAGAIN);
  int q[2];
  must(pipe(q));
  must(write(p[1], "tee", 3));
  equal("tee", tee(p[0], q[1], 100, 0), 3);
  equal("tee leaves it", read(p[0], buf, 10), 3);
  equal("tee gives it", read(q[0], buf, 10), 3);
  struct iovec v = {"vm", 2};
  equal("vmsplice", vmsplice(p[1], &v, 1, 0), 2);
  equal("vmsplice read", read(p[0], buf, 10), 2);
  close(in);
  close(out);
}

static void privileges(void) {
  struct stat st;
  must(make_file("suid", "x"));
  must(chmod("suid", 06755));
  must(chown("suid", 5, 5));
  must(stat("suid", &st));
  equal("chown clears setuid and setgid", st.st_mode & 07777, 0755);
  must(chmod("suid", 06745));
  must(chown("suid", 5, 5));
  must(stat("suid", &st));
  equal("setgid without group execution stays", st.st_mode & 07777, 02745);
  must(chmod("suid", 06777));
  pid_t pid = must(fork());
  if (pid == 0) {
    if (setgid(1000) || setuid(1000))
      _exit(1);
    int fd = open("suid", O_WRONLY);
    _exit(fd >= 0 && write(fd, "y", 1) == 1 ? 0 : 2);
  }
  equal("written by a user", status_of(pid), 0);
  must(stat("suid", &st));
  equal("write clears them", st.st_mode & 07777, 0777);
  struct timespec before = st.st_mtim;
  sleep_ms(20);
  must(close(open("suid", O_WRONLY)));
  must(stat("suid", &st));
  holds("opening changes no mtime", before.tv_nsec == st.st_mtim.tv_nsec);
  int fd = must(open("suid", O_WRONLY));
  must(write(fd, "z", 1));
  close(fd);
  must(stat("suid", &st));
  holds("writing does", before.tv_nsec != st.st_mtim.tv_nsec || before.tv_sec != st.st_mtim.tv_sec);
  before = st.st_ctim;
  sleep_ms(20);
  must(chmod("suid", 0600));
  must(stat("suid", &st));
  holds("chmod changes ctime", before.tv_nsec != st.st_ctim.tv_nsec || before.tv_sec != st.st_ctim.tv_sec);
}

int main(void) {
  enter_directory("content");
  basics();
  faults();
  vectors();
  sizes();
  copies();
  privileges();
  return check_done();
}
