// getdents64(2), chdir(2), getcwd(2), chroot(2), readlink(2): directories.
// files
#include "../check.h"
#include <dirent.h>

static int count(DIR* d) {
  int n = 0;
  while (readdir(d) != NULL)
    n++;
  return n;
}

// The same entries whatever the size of the pieces, more than once, and from places in the middle.
static void list_in_pieces(const char* name, int expected) {
  static char buf[1 << 18];
  static const size_t sizes[] = {sizeof buf, 24, 40, 100, 1000, 4096, 32768};
  int fd = must(open(name, O_RDONLY | O_DIRECTORY));
  for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    must(lseek(fd, 0, SEEK_SET));
    int seen = 0, wrong = 0;
    long n;
    while ((n = syscall(SYS_getdents64, fd, buf, sizes[i])) > 0) {
      for (long at = 0; at < n;) {
        struct dirent64* e = (struct dirent64*)(buf + at);
        struct stat st;
        if (strcmp(e->d_name, "..") != 0 &&
            (fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0 || st.st_ino != e->d_ino))
          wrong++;
        if (e->d_reclen % 8 != 0 || e->d_reclen < 19 + strlen(e->d_name) + 1)
          wrong++;
        at += e->d_reclen;
        seen++;
      }
    }
    char what[64];
    sprintf(what, "pieces of %zu", sizes[i]);
    // Names of more than four letters take 32 bytes: 24 hold the short ones only, as far as they come first.
    if (sizes[i] == 24)
      equal("too small for the next", n, -1);
    else
      equal(what, seen * 10 + wrong, expected * 10);
  }
  must(lseek(fd, 0, SEEK_SET));
  long first = must(syscall(SYS_getdents64, fd, buf, 4096));
  off_t middle = lseek(fd, 0, SEEK_CUR);
  long rest = 0, n;
  while ((n = syscall(SYS_getdents64, fd, buf, 512)) > 0)
    rest += n;
  must(lseek(fd, middle, SEEK_SET));
  long again = 0;
  while ((n = syscall(SYS_getdents64, fd, buf, sizeof buf)) > 0)
    again += n;
  equal("from the middle", again, rest);
  equal("something before it", first > 3000, 1);
  must(lseek(fd, middle, SEEK_SET));
  must(unlinkat(fd, "entry-0", 0));
  must(make_file("d/entry-0", ""));
  long after = 0;
  while ((n = syscall(SYS_getdents64, fd, buf, sizeof buf)) > 0)
    after += n;
  equal("a change does not end the listing", after >= rest - 32 && after <= rest + 32, 1);
  close(fd);
}

int main(void) {
  char buf[8192], text[300];
  enter_directory("directories");
  must(mkdir("d", 0755));
  int fd = must(open("d", O_RDONLY | O_DIRECTORY));
  long n = must(syscall(SYS_getdents64, fd, buf, sizeof buf));
  equal("empty directory: two entries of 24 bytes", n, 48);
  equal("end", syscall(SYS_getdents64, fd, buf, sizeof buf), 0);
  must(lseek(fd, 0, SEEK_SET));
  fails("buffer too small", syscall(SYS_getdents64, fd, buf, 10), EINVAL);
  fails("bad buffer", syscall(SYS_getdents64, fd, (void*)8, 4096), EFAULT);
  close(fd);
  must(make_file("file", ""));
  fd = must(open("file", O_RDONLY));
  fails("not a directory", syscall(SYS_getdents64, fd, buf, sizeof buf), ENOTDIR);
  close(fd);
  for (int i = 0; i < 2000; i++) {
    sprintf(text, "d/entry-%d", i);
    must(make_file(text, ""));
  }
  must(mkdir("d/sub", 0755));
  must(symlink("x", "d/link"));
  DIR* d = opendir("d");
  equal("entries", count(d), 2004);
  rewinddir(d);
  equal("again", count(d), 2004);
  rewinddir(d);
  int types = 0;
  struct dirent* e;
  while ((e = readdir(d)) != NULL) {
    if (e->d_type == DT_DIR)
      types++;
    if (e->d_type == DT_LNK)
      types += 100;
    struct stat st;
    if (fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && strcmp(e->d_name, "..") != 0) {
      if (st.st_ino != e->d_ino)
        types += 10000;
    }
  }
  equal("types and inode numbers", types, 103);
  rewinddir(d);
  for (int i = 0; i < 700; i++)
    readdir(d);
  long at = telldir(d);
  e = readdir(d);
  char name[256];
  strcpy(name, e->d_name);
  for (int i = 0; i < 100; i++)
    readdir(d);
  seekdir(d, at);
  same_text("seekdir", readdir(d)->d_name, name);
  closedir(d);
  list_in_pieces("d", 2004);
  d = opendir("d");
  // Removing what was read must not hide what was not.
  int seen = 0;
  while ((e = readdir(d)) != NULL) {
    if (strncmp(e->d_name, "entry-", 6) != 0)
      continue;
    seen++;
    sprintf(text, "d/%s", e->d_name);
    must(unlink(text));
  }
  equal("all seen while being removed", seen, 2000);
  closedir(d);
  must(rmdir("d/sub"));
  must(unlink("d/link"));
  succeeds("now empty", rmdir("d"));

  must(mkdir("a", 0755));
  must(mkdir("a/b", 0755));
  char start[300], here[300];
  must((long)getcwd(start, sizeof start));
  must(chdir("a/b"));
  must((long)getcwd(here, sizeof here));
  same_text("getcwd", here + strlen(start), "/a/b");
  fails("getcwd short", syscall(SYS_getcwd, here, 3), ERANGE);
  must(chdir("../.."));
  fails("chdir to a file", chdir("file"), ENOTDIR);
  fails("chdir missing", chdir("none"), ENOENT);
  fd = must(open("a", O_PATH | O_DIRECTORY));
  succeeds("fchdir O_PATH", fchdir(fd));
  must(chdir(".."));
  close(fd);
  fd = must(open("file", O_RDONLY));
  fails("fchdir to a file", fchdir(fd), ENOTDIR);
  close(fd);
  must(symlink("0123456789", "l"));
  equal("readlink", readlink("l", text, sizeof text), 10);
  equal("readlink cut", readlink("l", text, 4), 4);
  fails("readlink of a file", readlink("file", text, 10), EINVAL);
  fails("readlink nothing", readlink("l", text, 0), EINVAL);
  fails("readlink missing", readlink("none", text, 10), ENOENT);
  pid_t pid = must(fork());
  if (pid == 0) {
    if (chroot("a") || chdir("/"))
      _exit(1);
    if (access("/b", F_OK) || access("/../../b", F_OK))
      _exit(2);
    if (getcwd(here, sizeof here) == NULL || strcmp(here, "/") != 0)
      _exit(3);
    if (access(start, F_OK) != -1)
      _exit(4);
    _exit(0);
  }
  equal("chroot", status_of(pid), 0);
  pid = must(fork());
  if (pid == 0)
    _exit(setuid(1000) == 0 && chroot("a") == -1 ? errno : 0);
  equal("chroot by a user", status_of(pid), EPERM);
  return check_done();
}
