// stat(2), statfs(2), chmod(2), chown(2), utimensat(2), xattr(7), links in /proc/self/fd, *at(2) calls, poll(2) and
// epoll(7), of every kind of descriptor.
// build: -lrt
// files

#include "kinds.h"

#include <linux/magic.h>
#include <linux/stat.h>
#include <poll.h>
#include <sys/select.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <sys/xattr.h>

static void status(void) {
  struct stat st;
  each_kind("st_mode", fstat(fd, &st) == 0 ? (long)st.st_mode : -1);
  each_kind("st_nlink", fstat(fd, &st) == 0 && !S_ISDIR(st.st_mode) ? (long)st.st_nlink : -1);
  each_kind("st_uid", fstat(fd, &st) == 0 ? (long)st.st_uid : -1);
  each_kind("st_rdev", fstat(fd, &st) == 0 && !S_ISCHR(st.st_mode) ? (long)st.st_rdev : 0);
  each_kind("st_size", fstat(fd, &st) == 0 && !S_ISDIR(st.st_mode) ? (long)st.st_size : 0);
  each_kind("st_blksize", fstat(fd, &st) == 0 ? (long)st.st_blksize : -1);
  each_kind("stat of its link", ({
              char path[64];
              struct stat other;
              snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
              int result = stat(path, &other);
              fstat(fd, &st);
              result == 0 ? st.st_ino == other.st_ino && st.st_dev == other.st_dev : -1;
            }));
  each_kind("lstat of its link", ({
              char path[64];
              snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
              lstat(path, &st) == 0 ? (long)st.st_mode : -1;
            }));
  each_kind("statx mask", ({
              struct statx stx;
              statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &stx) == 0 ? (stx.stx_mask & STATX_BASIC_STATS) : -1;
            }));
  each_kind("statx of a file under it", ({
              struct statx stx;
              statx(fd, "nothing", 0, STATX_BASIC_STATS, &stx);
            }));
}

static void links(void) {
  each_kind("readlink", ({
              char path[64], target[256] = "";
              snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
              int n = readlink(path, target, sizeof target - 1);
              if (n > 0 && (target[0] != '/' || strncmp(target, "/dev/", 5) == 0 || strncmp(target, "/sys", 4) == 0)) {
                char* digits = strchr(target, '[');
                if (digits != NULL && target[0] != 'a') *digits = 0;
                if (strncmp(target, "/dev/pts/", 9) == 0) target[9] = 0;
                say("ok link of %s is %s\n", kinds[kind_index].name, target);
              }
              n < 0 ? -1 : 0;
            }));
  each_kind("open of its link", ({
              char path[64];
              snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
              int other = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
              if (other >= 0) close(other);
              other < 0 ? -1 : 0;
            }));
  each_kind_but(is_generated(kind), "open of its link to write", ({
              char path[64];
              snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
              int other = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY);
              if (other >= 0) close(other);
              other < 0 ? -1 : 0;
            }));
  each_kind("fdinfo pos", ({
              char path[64], text[64] = "";
              snprintf(path, sizeof path, "/proc/self/fdinfo/%d", fd);
              int info = open(path, O_RDONLY);
              int n = read(info, text, sizeof text - 1);
              close(info);
              n < 0 ? -1 : strncmp(text, "pos:\t", 5);
            }));
  each_kind("fdinfo fields", ({
              char path[64], text[4096] = "";
              snprintf(path, sizeof path, "/proc/self/fdinfo/%d", fd);
              int info = open(path, O_RDONLY);
              int n = read(info, text, sizeof text - 1);
              close(info);
              char names[256] = "";
              for (char* line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
                char* end = strchr(line, ':');
                if (end != NULL) *end = 0;
                if (strlen(names) + strlen(line) + 2 < sizeof names) strcat(strcat(names, line), " ");
              }
              say("ok fdinfo of %s has %s\n", kinds[kind_index].name, names);
              n < 0 ? -1 : 0;
            }));
}

static void filesystem(void) {
  struct statfs fs;
  each_kind("f_type", ({
              int result = fstatfs(fd, &fs);
              int known = fs.f_type == TMPFS_MAGIC || fs.f_type == PIPEFS_MAGIC || fs.f_type == SOCKFS_MAGIC ||
                          fs.f_type == ANON_INODE_FS_MAGIC || fs.f_type == PROC_SUPER_MAGIC ||
                          fs.f_type == SYSFS_MAGIC || fs.f_type == DEVPTS_SUPER_MAGIC;
              result < 0 ? -1 : known ? (long)fs.f_type : 0;
            }));
  each_kind("f_namelen", fstatfs(fd, &fs) < 0 ? -1 : (long)fs.f_namelen);
  each_kind("f_bsize", fstatfs(fd, &fs) < 0 ? -1 : (long)fs.f_bsize);
  each_kind("f_frsize", fstatfs(fd, &fs) < 0 ? -1 : (long)fs.f_frsize);
}

static void changing(void) {
  struct stat st;
  each_kind_but(is_generated(kind), "fchmod to itself", fstat(fd, &st) < 0 ? -1 : fchmod(fd, st.st_mode & 07777));
  each_kind_but(is_generated(kind), "fchmod 600", ({
              int old = fstat(fd, &st) < 0 ? 0 : st.st_mode & 07777;
              int result = fchmod(fd, 0600);
              int error = errno;
              if (result == 0) {
                fstat(fd, &st);
                result = st.st_mode & 07777;
                fchmod(fd, old);
              }
              errno = error;
              result;
            }));
  each_kind_but(is_generated(kind), "fchown to nobody", fchown(fd, -1, -1));
  each_kind_but(is_generated(kind), "fchown to root", fchown(fd, 0, 0));
  each_kind_but(is_generated(kind), "futimens", futimens(fd, NULL));
  each_kind_but(is_generated(kind), "utimensat of an empty path", utimensat(fd, "", NULL, AT_EMPTY_PATH));
  each_kind_but(is_generated(kind), "fchownat of an empty path", fchownat(fd, "", -1, -1, AT_EMPTY_PATH));
  each_kind_but(is_generated(kind), "fgetxattr", fgetxattr(fd, "user.none", NULL, 0));
  each_kind_but(is_generated(kind), "fgetxattr trusted", fgetxattr(fd, "trusted.none", NULL, 0));
  each_kind_but(is_generated(kind), "fgetxattr unknown", fgetxattr(fd, "unknown.none", NULL, 0));
  each_kind_but(is_generated(kind), "fgetxattr system", fgetxattr(fd, "system.none", NULL, 0));
  each_kind_but(is_generated(kind), "flistxattr", flistxattr(fd, NULL, 0));
  each_kind_but(is_generated(kind), "fremovexattr", fremovexattr(fd, "user.none"));
  each_kind_but(is_generated(kind), "fsetxattr bad flags", fsetxattr(fd, "user.some", "x", 1, 8));
  each_kind_but(is_generated(kind), "fsetxattr replace", fsetxattr(fd, "user.some", "x", 1, XATTR_REPLACE));
}

static void at_calls(void) {
  each_kind("fchdir", ({
              int here = open(".", O_PATH);
              int result = fchdir(fd);
              int error = errno;
              must(fchdir(here));
              close(here);
              errno = error;
              result;
            }));
  each_kind("openat", openat(fd, "nothing", O_RDONLY));
  each_kind("openat empty", openat(fd, "", O_RDONLY));
  each_kind("mkdirat", mkdirat(fd, "", 0755));
  each_kind("unlinkat", unlinkat(fd, "nothing", 0));
  each_kind("faccessat", faccessat(fd, "nothing", R_OK, 0));
  each_kind("faccessat empty", syscall(SYS_faccessat2, fd, "", R_OK, AT_EMPTY_PATH));
  each_kind("faccessat execute", syscall(SYS_faccessat2, fd, "", X_OK, AT_EMPTY_PATH));
  each_kind("readlinkat empty", ({
              char text[64];
              readlinkat(fd, "", text, sizeof text);
            }));
  each_kind("execveat", ({
              char* none[] = {NULL};
              syscall(SYS_execveat, fd, "", none, none, AT_EMPTY_PATH);
            }));
  each_kind("getdents", ({
              char entries[64];
              int n = syscall(SYS_getdents64, fd, entries, 8);
              n;
            }));
  each_kind("linkat empty", ({
              int result = linkat(fd, "", AT_FDCWD, "linked", AT_EMPTY_PATH);
              int error = errno;
              unlink("linked");
              errno = error;
              result;
            }));
  each_kind("linkat proc", ({
              char path[64];
              snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
              int result = linkat(AT_FDCWD, path, AT_FDCWD, "linked", AT_SYMLINK_FOLLOW);
              int error = errno;
              unlink("linked");
              errno = error;
              result;
            }));
  each_kind("open_by name_to_handle", ({
              char where[64];
              snprintf(where, sizeof where, "/proc/self/fd/%d/", fd);
              access(where, F_OK);
            }));
}

static void readiness(void) {
  static const int asked[] = {0, POLLIN, POLLOUT, POLLPRI, POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM | POLLRDBAND | POLLWRBAND | POLLRDHUP};
  for (size_t i = 0; i < sizeof asked / sizeof *asked; i++) {
    char name[32];
    snprintf(name, sizeof name, "poll %#x", asked[i]);
    each_kind(name, ({
                struct pollfd one = {fd, asked[i], 0};
                poll(&one, 1, 0) < 0 ? -1 : one.revents;
              }));
  }
  each_kind("select", ({
              fd_set in, out, other;
              struct timeval none = {0, 0};
              FD_ZERO(&in);
              FD_ZERO(&out);
              FD_ZERO(&other);
              FD_SET(fd, &in);
              FD_SET(fd, &out);
              FD_SET(fd, &other);
              int result = select(fd + 1, &in, &out, &other, &none);
              result < 0 ? -1 : !!FD_ISSET(fd, &in) + 2 * !!FD_ISSET(fd, &out) + 4 * !!FD_ISSET(fd, &other);
            }));
  int poller = epoll_create1(0);
  each_kind_but(is_generated(kind), "EPOLL_CTL_ADD", ({
              struct epoll_event event = {EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLPRI, {0}};
              int result = epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event);
              if (result == 0) {
                result = epoll_wait(poller, &event, 1, 0);
                if (result == 1) result = event.events;
                epoll_ctl(poller, EPOLL_CTL_DEL, fd, NULL);
              }
              result;
            }));
  each_kind_but(is_generated(kind), "EPOLL_CTL_MOD", ({
              struct epoll_event event = {EPOLLIN, {0}};
              epoll_ctl(poller, EPOLL_CTL_MOD, fd, &event);
            }));
  each_kind_but(is_generated(kind), "EPOLL_CTL_DEL", epoll_ctl(poller, EPOLL_CTL_DEL, fd, NULL));
  each_kind_but(is_generated(kind), "EPOLLEXCLUSIVE", ({
              struct epoll_event event = {EPOLLIN | EPOLLEXCLUSIVE, {0}};
              int result = epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event);
              if (result == 0) {
                result = epoll_ctl(poller, EPOLL_CTL_MOD, fd, &event) == -1 ? errno : 0;
                epoll_ctl(poller, EPOLL_CTL_DEL, fd, NULL);
              }
              result;
            }));
  each_kind_but(is_generated(kind), "epoll_ctl operation", ({
              struct epoll_event event = {EPOLLIN, {0}};
              epoll_ctl(poller, 77, fd, &event);
            }));
  each_kind("epoll_wait on it", ({
              struct epoll_event event;
              epoll_wait(fd, &event, 1, 0);
            }));
  each_kind("epoll_ctl on it", ({
              struct epoll_event event = {EPOLLIN, {0}};
              epoll_ctl(fd, EPOLL_CTL_ADD, kinds[10].fd, &event);
            }));
}

static void others(void) {
  each_kind("timerfd_gettime", ({
              struct itimerspec value;
              timerfd_gettime(fd, &value);
            }));
  each_kind("timerfd_settime", ({
              struct itimerspec value = {{0, 0}, {0, 0}};
              timerfd_settime(fd, 0, &value, NULL);
            }));
  each_kind("signalfd", ({
              sigset_t set;
              sigemptyset(&set);
              int result = signalfd(fd, &set, 0);
              result < 0 ? -1 : result == fd;
            }));
  each_kind("inotify_add_watch", ({
              int result = inotify_add_watch(fd, ".", IN_CREATE);
              result < 0 ? -1 : result;
            }));
  each_kind("inotify_rm_watch", inotify_rm_watch(fd, 77));
  each_kind_but(is_generated(kind), "pidfd_send_signal", syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0));
  each_kind("pidfd_getfd", ({
              int result = syscall(SYS_pidfd_getfd, fd, 0, 0);
              result < 0 ? -1 : close(result);
            }));
  each_kind("waitid P_PIDFD", ({
              siginfo_t info;
              waitid(P_PIDFD, fd, &info, WEXITED | WNOHANG);
            }));
  each_kind("setns", syscall(SYS_setns, fd, 0));
  each_kind("getsockname", ({
              struct sockaddr_storage name;
              socklen_t length = sizeof name;
              getsockname(fd, (struct sockaddr*)&name, &length) < 0 ? -1 : name.ss_family;
            }));
  each_kind("recv", recv(fd, NULL, 0, MSG_DONTWAIT));
  each_kind("listen", listen(fd, 1));
  each_kind("isatty", isatty(fd) ? 1 : -1);
  each_kind("mq_getattr", ({
              struct mq_attr attributes;
              mq_getattr(fd, &attributes) < 0 ? -1 : attributes.mq_flags;
            }));
  each_kind("fstatvfs flags", ({
              struct statvfs vfs;
              fstatvfs(fd, &vfs) < 0 ? -1 : (long)(vfs.f_flag & (ST_RDONLY | ST_NOSUID | ST_NODEV | ST_NOEXEC));
            }));
}

int main(void) {
  enter_directory("metadata");
  make_kinds();
  status();
  links();
  filesystem();
  readiness();
  changing();
  at_calls();
  others();
  return check_done();
}
