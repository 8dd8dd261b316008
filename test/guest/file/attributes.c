// stat(2), statx(2), chmod(2), chown(2), utimensat(2), access(2), statfs(2), xattr(7).
// files
#include "../check.h"
#include <linux/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif

// Runs in a child as user 1000: the errno of what it does, 0 for success.
#define as_user(expression)                                                                                  \
  ({                                                                                                         \
    pid_t child = must(fork());                                                                              \
    if (child == 0) {                                                                                        \
      if (setgid(1000) || setuid(1000))                                                                      \
        _exit(254);                                                                                          \
      errno = 0;                                                                                             \
      _exit((long)(expression) == -1 ? errno : 0);                                                           \
    }                                                                                                        \
    status_of(child);                                                                                        \
  })

static void stats(void) {
  struct stat st, again;
  must(make_file("f", "12345"));
  must(symlink("f", "l"));
  must(stat("f", &st));
  equal("size", st.st_size, 5);
  equal("nlink", st.st_nlink, 1);
  equal("mode", st.st_mode, S_IFREG | 0644);
  holds("blksize", st.st_blksize >= 512);
  must(lstat("l", &again));
  equal("link size", again.st_size, 1);
  equal("link mode", again.st_mode, S_IFLNK | 0777);
  must(fstatat(AT_FDCWD, "l", &again, AT_SYMLINK_NOFOLLOW));
  equal("fstatat nofollow", again.st_mode & S_IFMT, S_IFLNK);
  must(fstatat(AT_FDCWD, "l", &again, 0));
  equal("fstatat follows", again.st_ino == st.st_ino, 1);
  fails("fstatat flags", fstatat(AT_FDCWD, "f", &again, 0x10), EINVAL);
  fails("empty path", fstatat(AT_FDCWD, "", &again, 0), ENOENT);
  succeeds("AT_EMPTY_PATH on cwd", fstatat(AT_FDCWD, "", &again, AT_EMPTY_PATH));
  equal("is a directory", again.st_mode & S_IFMT, S_IFDIR);
  fails("bad buffer", syscall(SYS_newfstatat, AT_FDCWD, "f", (void*)8, 0), EFAULT);
  fails("stat bad fd", fstat(99, &st), EBADF);
  struct statx x;
  must(syscall(SYS_statx, AT_FDCWD, "f", 0, STATX_ALL, &x));
  equal("statx size", x.stx_size, 5);
  equal("statx mode", x.stx_mode, S_IFREG | 0644);
  equal("statx basic", x.stx_mask & STATX_BASIC_STATS, STATX_BASIC_STATS);
  equal("statx ino", x.stx_ino == st.st_ino, 1);
  equal("statx dev", makedev(x.stx_dev_major, x.stx_dev_minor) == st.st_dev, 1);
  fails("statx reserved mask", syscall(SYS_statx, AT_FDCWD, "f", 0, 0x80000000, &x), EINVAL);
  fails("statx flags", syscall(SYS_statx, AT_FDCWD, "f", 0x6000, STATX_ALL, &x), EINVAL);
  int p[2];
  must(pipe(p));
  must(fstatat(p[0], "", &again, AT_EMPTY_PATH));
  equal("fstatat of a pipe", again.st_mode & S_IFMT, S_IFIFO);
  must(stat("/dev/null", &st));
  equal("null's type", st.st_mode & S_IFMT, S_IFCHR);
  equal("null's number", st.st_rdev, makedev(1, 3));
  struct statfs fs;
  must(statfs(".", &fs));
  equal("namelen", fs.f_namelen, 255);
  holds("bsize", fs.f_bsize >= 512);
  fails("statfs missing", statfs("none", &fs), ENOENT);
}

static void modes(void) {
  struct stat st;
  must(make_file("m", "x"));
  must(symlink("m", "ml"));
  succeeds("chmod", chmod("m", 07711));
  must(stat("m", &st));
  equal("all bits", st.st_mode & 07777, 07711);
  fails("chmod missing", chmod("none", 0), ENOENT);
  succeeds("chmod through a link", chmod("ml", 0640));
  must(stat("m", &st));
  equal("target changed", st.st_mode & 07777, 0640);
  fails("fchmodat2 on a link", syscall(SYS_fchmodat2, AT_FDCWD, "ml", 0600, AT_SYMLINK_NOFOLLOW), EOPNOTSUPP);
  fails("fchmodat2 flags", syscall(SYS_fchmodat2, AT_FDCWD, "m", 0600, 1), EINVAL);
  int fd = must(open("m", O_RDONLY));
  succeeds("fchmod", fchmod(fd, 0604));
  close(fd);
  equal("chmod by another", as_user(chmod("m", 0600)), EPERM);
  succeeds("chown", chown("m", 1000, 7));
  must(stat("m", &st));
  equal("uid", st.st_uid, 1000);
  equal("gid", st.st_gid, 7);
  succeeds("chown nothing", chown("m", -1, -1));
  succeeds("lchown", lchown("ml", 3, 4));
  must(lstat("ml", &st));
  equal("link's uid", st.st_uid, 3);
  must(stat("m", &st));
  equal("target's uid", st.st_uid, 1000);
  equal("owner may chmod", as_user(chmod("m", 02660)), 0);
  must(stat("m", &st));
  equal("setgid of a foreign group is dropped", st.st_mode & 07777, 0660);
  equal("owner may not give away", as_user(chown("m", 0, -1)), EPERM);
  equal("owner may keep", as_user(chown("m", 1000, -1)), 0);
  equal("owner to own group", as_user(chown("m", -1, 1000)), 0);
  equal("owner to a foreign group", as_user(chown("m", -1, 0)), EPERM);
  int pfd = must(open("m", O_PATH));
  succeeds("fchownat AT_EMPTY_PATH", fchownat(pfd, "", 0, 0, AT_EMPTY_PATH));
  close(pfd);
}

static void accesses(void) {
  must(make_file("a", "x"));
  must(chmod("a", 0600));
  must(mkdir("ad", 0700));
  must(make_file("ad/f", "x"));
  succeeds("F_OK", access("a", F_OK));
  succeeds("root reads and writes", access("a", R_OK | W_OK));
  fails("root executes nothing without x", access("a", X_OK), EACCES);
  fails("mode", access("a", 8), EINVAL);
  fails("missing", access("none", F_OK), ENOENT);
  equal("user reads", as_user(access("a", R_OK)), EACCES);
  equal("user exists", as_user(access("a", F_OK)), 0);
  equal("user searches", as_user(access("ad/f", F_OK)), EACCES);
  equal("user opens", as_user(open("a", O_RDONLY)), EACCES);
  equal("user lists", as_user(open("ad", O_RDONLY)), EACCES);
  equal("user O_PATH", as_user(open("a", O_PATH)), 0);
  equal("user creates in another's", as_user(open("new", O_CREAT | O_WRONLY, 0600)), EACCES);
  equal("user removes in another's", as_user(unlink("a")), EACCES);
  must(mkdir("sticky", 0777));
  must(chmod("sticky", 01777));
  must(make_file("sticky/root", "x"));
  equal("sticky keeps", as_user(unlink("sticky/root")), EPERM);
  equal("sticky keeps from rename", as_user(rename("sticky/root", "sticky/x")), EPERM);
  equal("own in sticky", as_user(({
          close(open("sticky/u", O_CREAT | O_WRONLY, 0600));
          unlink("sticky/u");
        })),
        0);
  pid_t pid = must(fork());
  if (pid == 0) {
    // Effective user 1000, real user root: access asks as root, faccessat AT_EACCESS as 1000.
    if (setresuid(0, 1000, 0))
      _exit(1);
    if (access("a", R_OK))
      _exit(2);
    if (faccessat(AT_FDCWD, "a", R_OK, AT_EACCESS) != -1)
      _exit(3);
    if (open("a", O_RDONLY) != -1 || errno != EACCES)
      _exit(4);
    _exit(0);
  }
  equal("real and effective ids", status_of(pid), 0);
}

static void times(void) {
  struct stat st;
  must(make_file("t", "x"));
  struct timespec ts[2] = {{1000, 5}, {2000, 999999999}};
  succeeds("utimensat", utimensat(AT_FDCWD, "t", ts, 0));
  must(stat("t", &st));
  equal("atime", st.st_atim.tv_sec, 1000);
  equal("atime ns", st.st_atim.tv_nsec, 5);
  equal("mtime ns", st.st_mtim.tv_nsec, 999999999);
  ts[0].tv_nsec = UTIME_OMIT;
  ts[1].tv_sec = -7;
  ts[1].tv_nsec = 3;
  must(utimensat(AT_FDCWD, "t", ts, 0));
  must(stat("t", &st));
  equal("omitted", st.st_atim.tv_sec, 1000);
  equal("before 1970", st.st_mtim.tv_sec, -7);
  ts[1].tv_nsec = 1000000000;
  fails("bad ns", utimensat(AT_FDCWD, "t", ts, 0), EINVAL);
  ts[0].tv_nsec = ts[1].tv_nsec = UTIME_OMIT;
  succeeds("both omitted, missing file", utimensat(AT_FDCWD, "none", ts, 0));
  succeeds("now", utimensat(AT_FDCWD, "t", NULL, 0));
  must(stat("t", &st));
  holds("is now", st.st_mtim.tv_sec > 1600000000);
  equal("another's to now, not writable", as_user(utimensat(AT_FDCWD, "t", NULL, 0)), EACCES);
  ts[0] = ts[1] = (struct timespec){5, 0};
  equal("another's to a time", as_user(utimensat(AT_FDCWD, "t", ts, 0)), EPERM);
  must(chmod("t", 0666));
  equal("writable to now", as_user(utimensat(AT_FDCWD, "t", NULL, 0)), 0);
  equal("writable to a time", as_user(utimensat(AT_FDCWD, "t", ts, 0)), EPERM);
  must(symlink("t", "tl"));
  succeeds("a link's own", utimensat(AT_FDCWD, "tl", ts, AT_SYMLINK_NOFOLLOW));
  must(lstat("tl", &st));
  equal("link mtime", st.st_mtim.tv_sec, 5);
  int fd = must(open("t", O_RDONLY));
  succeeds("futimens", futimens(fd, ts));
  close(fd);
  fails("flags", utimensat(AT_FDCWD, "t", ts, 1), EINVAL);
}

static void xattrs(void) {
  char buf[64];
  must(make_file("x", "x"));
  succeeds("setxattr", setxattr("x", "user.one", "1", 1, 0));
  equal("getxattr size", getxattr("x", "user.one", NULL, 0), 1);
  equal("getxattr", getxattr("x", "user.one", buf, 64), 1);
  fails("too small", ({
          setxattr("x", "user.two", "22", 2, 0);
          getxattr("x", "user.two", buf, 1);
        }),
        ERANGE);
  fails("create existing", setxattr("x", "user.one", "1", 1, XATTR_CREATE), EEXIST);
  fails("replace missing", setxattr("x", "user.none", "1", 1, XATTR_REPLACE), ENODATA);
  fails("missing", getxattr("x", "user.none", buf, 64), ENODATA);
  fails("bad flags", setxattr("x", "user.one", "1", 1, 8), EINVAL);
  fails("no namespace", setxattr("x", "one", "1", 1, 0), EOPNOTSUPP);
  fails("only a prefix", setxattr("x", "user.", "1", 1, 0), EINVAL);
  fails("empty name", setxattr("x", "", "1", 1, 0), ERANGE);
  fails("too big", setxattr("x", "user.big", buf, 65537, 0), E2BIG);
  equal("listxattr", listxattr("x", buf, 64), 18);
  succeeds("removexattr", removexattr("x", "user.one"));
  fails("remove missing", removexattr("x", "user.one"), ENODATA);
  must(symlink("x", "xl"));
  fails("user on a link", lsetxattr("xl", "user.a", "1", 1, 0), EPERM);
  equal("another's", as_user(setxattr("x", "user.u", "1", 1, 0)), EACCES);
  int fd = must(open("x", O_RDONLY));
  equal("fgetxattr", fgetxattr(fd, "user.two", buf, 64), 2);
  close(fd);
}

int main(void) {
  enter_directory("attributes");
  stats();
  modes();
  accesses();
  times();
  xattrs();
  return check_done();
}
