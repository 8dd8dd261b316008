// open(2), openat(2), creat(2): flags, modes, and errnos; symlinks; permission checks as another uid.
// files
#include "../check.h"
#include <linux/openat2.h>

static int as_nobody(int (*function)(void)) {
  pid_t pid = must(fork());
  if (pid == 0) {
    if (setgid(65534) != 0 || setuid(65534) != 0) _exit(98);
    _exit(function());
  }
  return status_of(pid);
}

static int denied(void) {
  int bits = 0;
  if (open("secret", O_RDONLY) == -1 && errno == EACCES) bits |= 1;
  if (open("readable", O_WRONLY) == -1 && errno == EACCES) bits |= 2;
  if (open("readable", O_RDONLY) >= 0) bits |= 4;
  if (open("closed/file", O_RDONLY) == -1 && errno == EACCES) bits |= 8;
  if (open("new", O_CREAT | O_WRONLY, 0600) == -1 && errno == EACCES) bits |= 16;
  if (unlink("readable") == -1 && errno == EACCES) bits |= 32;
  if (chmod("readable", 0777) == -1 && errno == EPERM) bits |= 64;
  if (access("secret", R_OK) == -1 && errno == EACCES) bits |= 128;
  return bits;
}

static int sticky(void) {
  int bits = 0;
  if (unlink("sticky/mine") == -1 && errno == EPERM) bits |= 1;
  if (rename("sticky/mine", "sticky/other") == -1 && errno == EPERM) bits |= 2;
  int fd = open("sticky/own", O_CREAT | O_WRONLY, 0600);
  if (fd >= 0 && unlink("sticky/own") == 0) bits |= 4;
  return bits;
}

int main(void) {
  enter_directory("open");
  struct stat st;
  char buffer[16];
  fails("missing", open("missing", O_RDONLY), ENOENT);
  int fd = succeeds("O_CREAT", open("f", O_CREAT | O_RDWR, 0666));
  must(fstat(fd, &st));
  equal("its mode has the umask", st.st_mode, S_IFREG | 0644);
  equal("its size", st.st_size, 0);
  fails("O_EXCL", open("f", O_CREAT | O_EXCL | O_WRONLY, 0600), EEXIST);
  equal("write", write(fd, "hello", 5), 5);
  close(fd);
  fd = must(open("f", O_RDONLY));
  fails("write to O_RDONLY", write(fd, "x", 1), EBADF);
  equal("read", read(fd, buffer, sizeof buffer), 5);
  close(fd);
  fd = must(open("f", O_WRONLY));
  fails("read from O_WRONLY", read(fd, buffer, 1), EBADF);
  close(fd);
  fd = must(open("f", O_WRONLY | O_APPEND));
  must(lseek(fd, 0, SEEK_SET));
  equal("O_APPEND", write(fd, " world", 6), 6);
  equal("moves to the end", lseek(fd, 0, SEEK_CUR), 11);
  equal("F_GETFL", fcntl(fd, F_GETFL) & (O_ACCMODE | O_APPEND), O_WRONLY | O_APPEND);
  close(fd);
  fd = must(open("f", O_WRONLY | O_TRUNC));
  must(fstat(fd, &st));
  equal("O_TRUNC", st.st_size, 0);
  close(fd);
  must(mkdir("d", 0755));
  fails("a directory for writing", open("d", O_WRONLY), EISDIR);
  fails("a directory with O_CREAT", open("d", O_CREAT | O_RDONLY, 0600), EISDIR);
  fd = succeeds("a directory for reading", open("d", O_RDONLY | O_DIRECTORY));
  fails("read of a directory", read(fd, buffer, 1), EISDIR);
  int inner = succeeds("openat", openat(fd, "inner", O_CREAT | O_WRONLY, 0600));
  close(inner);
  close(fd);
  fails("openat of a closed descriptor", openat(fd, "inner", O_RDONLY), EBADF);
  fd = must(open("f", O_RDONLY));
  fails("openat beneath a file", openat(fd, "x", O_RDONLY), ENOTDIR);
  close(fd);
  fails("O_DIRECTORY of a file", open("f", O_RDONLY | O_DIRECTORY), ENOTDIR);
  fails("beneath a file", open("f/x", O_RDONLY), ENOTDIR);
  fails("a slash after a file", open("f/", O_RDONLY), ENOTDIR);
  fails("a slash after a new name", open("newdir/", O_CREAT | O_WRONLY, 0600), EISDIR);
  fails("an empty name", open("", O_RDONLY), ENOENT);
  char name[5000];
  memset(name, 'a', sizeof name);
  name[256] = 0;
  fails("a component of 256 bytes", open(name, O_RDONLY), ENAMETOOLONG);
  name[255] = 0;
  fails("a component of 255 bytes", open(name, O_RDONLY), ENOENT);
  memset(name, 'a', sizeof name);
  for (int i = 1; i < 4999; i += 2) name[i] = '/';
  name[4998] = 0;
  fails("a path of 4998 bytes", open(name, O_RDONLY), ENAMETOOLONG);
  must(symlink("f", "link"));
  must(symlink("nowhere", "dangling"));
  must(symlink("loop", "loop"));
  must(symlink("d", "dirlink"));
  fd = succeeds("through a symlink", open("link", O_RDONLY));
  close(fd);
  fails("O_NOFOLLOW", open("link", O_RDONLY | O_NOFOLLOW), ELOOP);
  fails("O_NOFOLLOW with O_DIRECTORY", open("dirlink", O_RDONLY | O_NOFOLLOW | O_DIRECTORY), ENOTDIR);
  fd = succeeds("O_NOFOLLOW follows before the last", open("dirlink/inner", O_RDONLY | O_NOFOLLOW));
  close(fd);
  fails("a dangling link", open("dangling", O_RDONLY), ENOENT);
  fails("O_EXCL of a dangling link", open("dangling", O_CREAT | O_EXCL | O_WRONLY, 0600), EEXIST);
  fails("a loop", open("loop", O_RDONLY), ELOOP);
  fd = succeeds("O_CREAT through a dangling link", open("dangling", O_CREAT | O_WRONLY, 0600));
  close(fd);
  equal("made the target", access("nowhere", F_OK), 0);
  fd = must(open("link", O_PATH | O_NOFOLLOW));
  must(fstat(fd, &st));
  holds("O_PATH of a symlink", S_ISLNK(st.st_mode));
  equal("readlinkat of it", readlinkat(fd, "", buffer, sizeof buffer), 1);
  fails("read of O_PATH", read(fd, buffer, 1), EBADF);
  fails("fchmod of O_PATH", fchmod(fd, 0600), EBADF);
  close(fd);
  fd = succeeds("O_TMPFILE", open(".", O_TMPFILE | O_RDWR, 0600));
  if (fd >= 0) {
    equal("write to it", write(fd, "tmp", 3), 3);
    must(fstat(fd, &st));
    equal("it has no name", st.st_nlink, 0);
    close(fd);
  }
  fails("O_TMPFILE for reading", open(".", O_TMPFILE | O_RDONLY, 0600), EINVAL);
  fd = must(open("f", O_RDONLY | O_CLOEXEC));
  equal("O_CLOEXEC", fcntl(fd, F_GETFD), FD_CLOEXEC);
  close(fd);
  fd = succeeds("creat", creat("c", 0640));
  must(fstat(fd, &st));
  equal("its mode", st.st_mode & 07777, 0640);
  close(fd);
  struct open_how how = {.flags = O_RDONLY, .resolve = RESOLVE_NO_SYMLINKS};
  fails("openat2 RESOLVE_NO_SYMLINKS", syscall(SYS_openat2, AT_FDCWD, "dirlink/inner", &how, sizeof how), ELOOP);
  how.resolve = RESOLVE_BENEATH;
  fails("openat2 RESOLVE_BENEATH", syscall(SYS_openat2, AT_FDCWD, "../x", &how, sizeof how), EXDEV);
  fails("openat2 RESOLVE_BENEATH of an absolute path", syscall(SYS_openat2, AT_FDCWD, "/etc", &how, sizeof how), EXDEV);
  how.resolve = 0x4000;
  fails("openat2 with an unknown resolve", syscall(SYS_openat2, AT_FDCWD, "f", &how, sizeof how), EINVAL);

  must(make_file("secret", "s") | chmod("secret", 0600));
  must(make_file("readable", "r") | chmod("readable", 0644));
  must(mkdir("closed", 0700) | make_file("closed/file", "x"));
  must(mkdir("sticky", 0777) | chmod("sticky", 01777) | make_file("sticky/mine", "x"));
  equal("what nobody may not", as_nobody(denied), 255);
  equal("the sticky bit", as_nobody(sticky), 7);
  umask(0777);
  fd = must(open("zero", O_CREAT | O_RDWR, 0666));
  must(fstat(fd, &st));
  equal("a umask of all", st.st_mode & 0777, 0);
  return check_done();
}
