// Calls on files, each with arguments that strace(1) has something to say about. Nothing is checked here:
// what matters is how each call is shown.
#include "calls.h"
#include <fcntl.h>
#include <linux/stat.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/vfs.h>

static void opening(void) {
  int fd = openat(AT_FDCWD, "one", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  call(SYS_open, "one", O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);
  call(SYS_open, "none", O_WRONLY | O_APPEND, 0);
  call(SYS_openat, AT_FDCWD, "one", O_CREAT | O_EXCL | O_WRONLY, 0600);
  call(SYS_openat, fd, "one", O_RDONLY | O_DIRECTORY | O_PATH, 0);
  call(SYS_openat, AT_FDCWD, ".", O_RDWR | O_TMPFILE | O_SYNC, 0600);
  call(SYS_openat, AT_FDCWD, ".", O_RDWR | O_DSYNC | O_NOATIME, 0);
  call(SYS_openat, AT_FDCWD, 8, O_RDONLY, 0);
  call(SYS_openat, AT_FDCWD, 0, O_RDONLY, 0);
  call(SYS_creat, "two", 04755);
  call(SYS_openat2, AT_FDCWD, "one", (uint64_t[]){O_RDWR, 0, 8}, 24);
  call(SYS_openat2, AT_FDCWD, "one", (uint64_t[]){O_CREAT | O_WRONLY, 0600, 1}, 24);
  call(SYS_dup, fd);
  call(SYS_dup2, fd, 50);
  call(SYS_dup3, fd, 51, O_CLOEXEC);
  call(SYS_dup3, fd, fd, 0);
  call(SYS_fcntl, fd, F_GETFD);
  call(SYS_fcntl, fd, F_SETFD, FD_CLOEXEC);
  call(SYS_fcntl, fd, F_SETFD, 0);
  call(SYS_fcntl, fd, F_GETFD);
  call(SYS_fcntl, fd, F_GETFL);
  call(SYS_fcntl, fd, F_SETFL, O_APPEND | O_NONBLOCK);
  call(SYS_fcntl, fd, F_DUPFD, 60);
  call(SYS_fcntl, fd, F_DUPFD_CLOEXEC, 61);
  call(SYS_fcntl, fd, F_SETLK, &(struct flock){.l_type = F_WRLCK, .l_start = 1, .l_len = 2});
  call(SYS_fcntl, fd, F_GETLK, &(struct flock){.l_type = F_RDLCK, .l_whence = SEEK_SET, .l_len = 20});
  call(SYS_fcntl, fd, F_OFD_SETLK, &(struct flock){.l_type = F_UNLCK, .l_whence = SEEK_CUR});
  call(SYS_fcntl, fd, F_SETOWN, getpid());
  call(SYS_fcntl, fd, F_GETOWN);
  call(SYS_fcntl, fd, F_SETSIG, SIGUSR1);
  call(SYS_fcntl, fd, F_GETSIG);
  call(SYS_fcntl, 99, F_GETFD);
  call(SYS_flock, fd, LOCK_EX | LOCK_NB);
  call(SYS_flock, fd, LOCK_UN);
  call(SYS_umask, 027);
  call(SYS_umask, 022);
  call(SYS_close, 50);
  call(SYS_close, 99);
  call(SYS_close_range, 50, 70, 0);
  call(SYS_close_range, 50, ~0u, CLOSE_RANGE_CLOEXEC);
  int memory = call(SYS_memfd_create, "memory", 3);
  call(SYS_fcntl, memory, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW);
  call(SYS_fcntl, memory, F_GET_SEALS);
  int ends[2];
  call(SYS_pipe, ends);
  call(SYS_pipe2, ends, O_CLOEXEC | O_NONBLOCK);
  call(SYS_fcntl, ends[1], F_SETPIPE_SZ, 65536);
  call(SYS_fcntl, ends[1], F_GETPIPE_SZ);
  call(SYS_close_range, 3, ~0u, 0);
}

static void transfers(void) {
  int fd = open("one", O_RDWR | O_TRUNC), other = open("two", O_RDWR | O_CREAT, 0600);
  char buffer[200];
  call(SYS_write, fd, "\1\0012\377\"\\\t\n\v\f\r\x1b end of a rather long line of text", 50);
  call(SYS_write, fd, "exactly thirty-two bytes of text", 32);
  call(SYS_write, fd, "exactly thirty-two bytes of text+", 33);
  call(SYS_write, fd, buffer, 0);
  call(SYS_write, fd, 8, 5);
  call(SYS_write, 99, "x", 1);
  call(SYS_lseek, fd, 0, SEEK_SET);
  call(SYS_read, fd, buffer, 20);
  call(SYS_read, fd, buffer, 200);
  call(SYS_read, fd, buffer, 200);
  call(SYS_read, 99, buffer, 200);
  call(SYS_lseek, fd, -3L, SEEK_CUR);
  call(SYS_lseek, fd, 0, SEEK_END);
  call(SYS_lseek, fd, 0, SEEK_DATA);
  call(SYS_lseek, fd, -1L, SEEK_SET);
  call(SYS_lseek, fd, 0, 9);
  call(SYS_pread64, fd, buffer, 5, 10L);
  call(SYS_pwrite64, fd, "abc", 3, 1L << 33);
  call(SYS_ftruncate, fd, 200L);
  struct iovec v[3] = {{buffer, 4}, {buffer + 4, 5}, {buffer + 10, 100}};
  call(SYS_lseek, fd, 0, SEEK_SET);
  call(SYS_readv, fd, v, 3);
  call(SYS_preadv, fd, v, 2, 3L, 0);
  call(SYS_preadv2, fd, v, 2, 3L, 0, RWF_HIPRI);
  struct iovec w[2] = {{"hello", 5}, {"world", 5}};
  call(SYS_writev, fd, w, 2);
  call(SYS_pwritev, fd, w, 2, 3L, 0);
  call(SYS_pwritev2, fd, w, 2, 3L, 0, RWF_DSYNC | RWF_APPEND);
  call(SYS_writev, fd, w, 0);
  call(SYS_writev, fd, 8, 2);
  call(SYS_lseek, fd, 0, SEEK_SET);
  long at = 2;
  call(SYS_sendfile, other, fd, 0, 10);
  call(SYS_sendfile, other, fd, &at, 10);
  call(SYS_copy_file_range, fd, &at, other, 0, 5, 0);
  int ends[2];
  pipe(ends);
  call(SYS_splice, fd, &at, ends[1], 0, 5, SPLICE_F_MOVE | SPLICE_F_MORE);
  call(SYS_tee, ends[0], ends[1], 5, SPLICE_F_NONBLOCK);
  call(SYS_vmsplice, ends[1], w, 2, SPLICE_F_NONBLOCK);
  call(SYS_fsync, fd);
  call(SYS_fdatasync, fd);
  call(SYS_sync);
  call(SYS_syncfs, fd);
  call(SYS_sync_file_range, fd, 0L, 100L, SYNC_FILE_RANGE_WRITE);
  call(SYS_fadvise64, fd, 0L, 100L, POSIX_FADV_SEQUENTIAL);
  call(SYS_readahead, fd, 0L, 100);
  call(SYS_fallocate, fd, 0, 0L, 4096L);
  call(SYS_fallocate, fd, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE, 0L, 4096L);
  call(SYS_truncate, "one", 100L);
  call(SYS_truncate, "one", -1L);
  call(SYS_close_range, 3, ~0u, 0);
}

static void names(void) {
  char buffer[4096];
  call(SYS_mkdir, "dir", 0755);
  call(SYS_mkdir, "dir", 01777);
  call(SYS_mkdirat, AT_FDCWD, "dir/sub", 0);
  call(SYS_rename, "two", "dir/two");
  call(SYS_renameat, AT_FDCWD, "dir/two", AT_FDCWD, "two");
  call(SYS_renameat2, AT_FDCWD, "two", AT_FDCWD, "one", RENAME_NOREPLACE);
  call(SYS_renameat2, AT_FDCWD, "two", AT_FDCWD, "one", RENAME_EXCHANGE);
  call(SYS_link, "one", "three");
  call(SYS_linkat, AT_FDCWD, "one", AT_FDCWD, "four", AT_SYMLINK_FOLLOW);
  call(SYS_symlink, "one", "soft");
  call(SYS_symlinkat, "one\nmore", AT_FDCWD, "soft");
  call(SYS_readlink, "soft", buffer, sizeof buffer);
  call(SYS_readlink, "one", buffer, sizeof buffer);
  call(SYS_readlinkat, AT_FDCWD, "soft", buffer, 2);
  call(SYS_unlink, "four");
  call(SYS_unlink, "dir");
  call(SYS_unlinkat, AT_FDCWD, "three", 0);
  call(SYS_unlinkat, AT_FDCWD, "dir", AT_REMOVEDIR);
  call(SYS_rmdir, "dir/sub");
  call(SYS_rmdir, "one");
  call(SYS_mknod, "fifo", S_IFIFO | 0644, 0);
  call(SYS_mknodat, AT_FDCWD, "fifo", S_IFREG | 0600, 0);
  call(SYS_mknodat, AT_FDCWD, "dir/none/null", S_IFCHR | 0600, makedev(1, 3));
  int dir = open("dir", O_RDONLY | O_DIRECTORY);
  call(SYS_getdents64, dir, buffer, sizeof buffer);
  call(SYS_getdents64, dir, buffer, sizeof buffer);
  call(SYS_lseek, dir, 0, SEEK_SET);
  call(SYS_getdents, dir, buffer, sizeof buffer);
  call(SYS_chdir, "dir");
  call(SYS_fchdir, dir);
  call(SYS_chdir, "..");
  call(SYS_chdir, "/none");
  call(SYS_getcwd, buffer, 1);
  call(SYS_chroot, "/none");
  call(SYS_close, dir);
}

static void attributes(void) {
  struct stat st;
  struct statx stx;
  struct statfs sf;
  int fd = open("one", O_RDWR), null = open("/dev/null", O_RDWR);
  call(SYS_truncate, "one", 100L);
  call(SYS_chmod, "one", 0640);
  call(SYS_chmod, "one", 04711);
  call(SYS_stat, "one", &st);
  call(SYS_stat, "none", &st);
  call(SYS_stat, "one", 8);
  call(SYS_fstat, fd, &st);
  call(SYS_fstat, null, &st);
  call(SYS_lstat, "soft", &st);
  call(SYS_newfstatat, AT_FDCWD, "fifo", &st, AT_SYMLINK_NOFOLLOW);
  call(SYS_newfstatat, fd, "", &st, AT_EMPTY_PATH);
  call(SYS_statx, AT_FDCWD, "one", AT_STATX_SYNC_AS_STAT, STATX_BASIC_STATS, &stx);
  call(SYS_statx, fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_ALL, &stx);
  call(SYS_statx, AT_FDCWD, "none", AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, &stx);
  call(SYS_access, "one", R_OK | W_OK);
  call(SYS_access, "none", F_OK);
  call(SYS_faccessat, AT_FDCWD, "one", X_OK);
  call(SYS_faccessat2, AT_FDCWD, "one", X_OK, AT_EACCESS | AT_SYMLINK_NOFOLLOW);
  call(SYS_fchmod, fd, 0600);
  call(SYS_fchmodat, AT_FDCWD, "one", 0644);
  call(SYS_chown, "one", 0, 0);
  call(SYS_chown, "one", -1, -1);
  call(SYS_lchown, "soft", 0, -1);
  call(SYS_fchown, fd, 0, 0);
  call(SYS_fchownat, AT_FDCWD, "one", 0, 0, AT_SYMLINK_NOFOLLOW);
  call(SYS_utimes, "one", (struct timeval[]){{1, 2}, {3, 4}});
  call(SYS_utimes, "one", 0);
  call(SYS_utime, "one", (long[]){5, 6});
  call(SYS_utimensat, AT_FDCWD, "one", (struct timespec[]){{1, 2}, {0, UTIME_NOW}}, 0);
  call(SYS_utimensat, fd, 0, (struct timespec[]){{0, UTIME_OMIT}, {3, 4}}, 0);
  call(SYS_utimensat, AT_FDCWD, "soft", 0, AT_SYMLINK_NOFOLLOW);
  call(SYS_futimesat, AT_FDCWD, "one", (struct timeval[]){{1, 2}, {3, 4}});
  call(SYS_statfs, "none", &sf);
  call(SYS_statfs, "/proc/self", &sf);
  char value[100];
  call(SYS_setxattr, "one", "user.a", "value", 5, 0);
  call(SYS_setxattr, "one", "user.a", "value", 5, 1);
  call(SYS_fsetxattr, fd, "user.b", "\0\1", 2, 2);
  call(SYS_getxattr, "one", "user.a", value, 100);
  call(SYS_getxattr, "one", "user.a", 0, 0);
  call(SYS_getxattr, "one", "user.none", value, 100);
  call(SYS_lgetxattr, "soft", "user.a", value, 100);
  call(SYS_fgetxattr, fd, "user.a", value, 2);
  call(SYS_listxattr, "one", value, 100);
  call(SYS_flistxattr, fd, value, 0);
  call(SYS_removexattr, "one", "user.a");
  call(SYS_fremovexattr, fd, "user.none");
  call(SYS_close_range, 3, ~0u, 0);
}

int main(void) {
  begin();
  opening();
  transfers();
  names();
  attributes();
  return 0;
}
