// stat(2), chmod(2), chown(2), utimensat(2), xattr(7), statfs(2), mknod(2), statx(2), access(2).
// files
#include "../check.h"
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <utime.h>

int main(void) {
  struct stat st;
  enter_directory("attributes");
  must(make_file("f", "hello"));
  must(stat("f", &st));
  equal("st_size", st.st_size, 5);
  equal("st_nlink", st.st_nlink, 1);
  equal("st_uid", st.st_uid, getuid());
  holds("st_ino", st.st_ino != 0);
  equal("st_blksize", st.st_blksize, 4096);
  equal("chmod", chmod("f", 04751), 0);
  must(stat("f", &st));
  equal("st_mode", st.st_mode, S_IFREG | 04751);
  equal("chown", chown("f", 12, 34), 0);
  must(stat("f", &st));
  equal("its uid and gid", st.st_uid * 100 + st.st_gid, 1234);
  equal("chown clears setuid", st.st_mode & 07777, 0751);
  equal("chown of one", chown("f", -1, 56), 0);
  must(stat("f", &st));
  equal("leaves the other", st.st_uid * 100 + st.st_gid, 1256);
  must(symlink("f", "l"));
  equal("lchown", lchown("l", 7, 8), 0);
  must(lstat("l", &st));
  equal("of the link", st.st_uid, 7);
  must(stat("l", &st));
  equal("not of the file", st.st_uid, 12);
  equal("a link's size", (lstat("l", &st), st.st_size), 1);
  fails("fchownat with unknown flags", fchownat(AT_FDCWD, "f", 0, 0, 1), EINVAL);
  int fd = must(open("f", O_RDONLY));
  equal("fchownat AT_EMPTY_PATH", fchownat(fd, "", 0, 0, AT_EMPTY_PATH), 0);
  equal("fchmod", fchmod(fd, 0600), 0);
  equal("fstatat AT_EMPTY_PATH", fstatat(fd, "", &st, AT_EMPTY_PATH), 0);
  equal("mode", st.st_mode & 07777, 0600);

  struct timespec times[2] = {{1000, 1}, {2000, 2}};
  equal("utimensat", utimensat(AT_FDCWD, "f", times, 0), 0);
  must(stat("f", &st));
  equal("atime", st.st_atim.tv_sec * 10 + st.st_atim.tv_nsec, 10001);
  equal("mtime", st.st_mtim.tv_sec * 10 + st.st_mtim.tv_nsec, 20002);
  times[0].tv_nsec = UTIME_OMIT;
  times[1].tv_nsec = UTIME_NOW;
  equal("UTIME_OMIT and UTIME_NOW", utimensat(AT_FDCWD, "f", times, 0), 0);
  must(stat("f", &st));
  equal("atime stays", st.st_atim.tv_sec, 1000);
  holds("mtime is now", st.st_mtim.tv_sec > 1000000);
  times[0].tv_nsec = 1000000000;
  fails("bad nanoseconds", utimensat(AT_FDCWD, "f", times, 0), EINVAL);
  fails("missing", utimensat(AT_FDCWD, "missing", NULL, 0), ENOENT);
  struct utimbuf old = {5, 6};
  equal("utime", utime("f", &old), 0);
  must(stat("f", &st));
  equal("its seconds", st.st_mtim.tv_sec, 6);
  equal("futimens", futimens(fd, NULL), 0);

  struct statx x;
  equal("statx", statx(AT_FDCWD, "f", 0, STATX_BASIC_STATS, &x), 0);
  equal("stx_size", x.stx_size, 5);
  equal("stx_mask", x.stx_mask & STATX_BASIC_STATS, STATX_BASIC_STATS);
  fails("statx with unknown flags", statx(AT_FDCWD, "f", 0x40000, STATX_BASIC_STATS, &x), EINVAL);
  fails("statx with a reserved mask", statx(AT_FDCWD, "f", 0, 0x80000000U, &x), EINVAL);

  equal("mkfifo", mkfifo("fifo", 0644), 0);
  must(stat("fifo", &st));
  holds("is one", S_ISFIFO(st.st_mode));
  equal("mknod of a regular file", mknod("reg", S_IFREG | 0600, 0), 0);
  fails("mknod over something", mknod("reg", S_IFREG | 0600, 0), EEXIST);
  fails("mknod of a directory", mknod("dir", S_IFDIR | 0600, 0), EPERM);
  fails("mknod of nonsense", mknod("bad", 0170000 | 0600, 0), EINVAL);
  must(stat("/dev/null", &st));
  equal("/dev/null", st.st_rdev == makedev(1, 3) && S_ISCHR(st.st_mode), 1);

  char value[64] = {0}, list[256];
  equal("setxattr", setxattr("f", "user.one", "first", 5, 0), 0);
  equal("getxattr", getxattr("f", "user.one", value, sizeof value), 5);
  same_text("its value", value, "first");
  equal("its size", getxattr("f", "user.one", NULL, 0), 5);
  fails("too little room", getxattr("f", "user.one", value, 2), ERANGE);
  fails("XATTR_CREATE", setxattr("f", "user.one", "x", 1, XATTR_CREATE), EEXIST);
  fails("XATTR_REPLACE", setxattr("f", "user.two", "x", 1, XATTR_REPLACE), ENODATA);
  fails("unknown flags", setxattr("f", "user.two", "x", 1, 8), EINVAL);
  fails("missing", getxattr("f", "user.none", value, 10), ENODATA);
  fails("unknown prefix", setxattr("f", "nonsense.x", "x", 1, 0), EOPNOTSUPP);
  fails("no name", setxattr("f", "", "x", 1, 0), ERANGE);
  equal("listxattr", listxattr("f", list, sizeof list), 9);
  same_text("its list", list, "user.one");
  equal("fremovexattr", fremovexattr(fd, "user.one"), 0);
  fails("removexattr again", removexattr("f", "user.one"), ENODATA);
  fails("user xattr of a symlink", lsetxattr("l", "user.x", "x", 1, 0), EPERM);

  struct statfs fs;
  equal("statfs", statfs(".", &fs), 0);
  holds("f_bsize", fs.f_bsize > 0);
  equal("f_namelen", fs.f_namelen, 255);
  equal("fstatfs", fstatfs(fd, &fs), 0);
  fails("statfs of nothing", statfs("missing", &fs), ENOENT);
  equal("access F_OK", access("f", F_OK), 0);
  must(chmod("f", 0));
  equal("root may read", access("f", R_OK | W_OK), 0);
  fails("but not run", access("f", X_OK), EACCES);
  fails("access with an unknown mode", access("f", 8), EINVAL);
  fails("faccessat2 with unknown flags", syscall(SYS_faccessat2, AT_FDCWD, "f", 0, 1), EINVAL);
  return check_done();
}
