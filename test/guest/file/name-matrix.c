// rename(2), link(2), unlink(2), mkdir(2), rmdir(2), symlink(2), chdir(2), getdents(2): the matrix of kinds and errnos.
// files
#include "../check.h"
#include <dirent.h>

static int count_entries(const char* path) {
  DIR* d = opendir(path);
  int count = 0;
  if (d == NULL) return -1;
  while (readdir(d) != NULL) count++;
  closedir(d);
  return count;
}

static void fresh(void) {
  unlink("file");
  unlink("file2");
  rmdir("dir/sub");
  unlink("full/x");
  rmdir("dir");
  rmdir("full");
  rmdir("empty");
  must(make_file("file", "1") | make_file("file2", "2"));
  must(mkdir("dir", 0755) | mkdir("empty", 0755) | mkdir("full", 0755) | make_file("full/x", "x"));
}

static void renames(void) {
  struct stat before, after;
  fresh();
  must(stat("file", &before));
  equal("file over file", rename("file", "file2"), 0);
  must(stat("file2", &after));
  equal("keeps its inode", before.st_ino == after.st_ino, 1);
  fails("the old name is gone", stat("file", &before), ENOENT);
  fresh();
  fails("file over directory", rename("file", "dir"), EISDIR);
  fails("directory over file", rename("dir", "file"), ENOTDIR);
  fails("directory over a full one", rename("dir", "full"), ENOTEMPTY);
  equal("directory over an empty one", rename("full", "empty"), 0);
  equal("its content moved", access("empty/x", F_OK), 0);
  unlink("empty/x");
  fresh();
  fails("directory into itself", rename("dir", "dir/sub"), EINVAL);
  equal("to the same name", rename("file", "file"), 0);
  fails("missing", rename("missing", "x"), ENOENT);
  fails("into a missing directory", rename("file", "missing/x"), ENOENT);
  fails("a slash after a file", rename("file", "other/"), ENOTDIR);
  fails("of .", rename(".", "x"), EBUSY);
  fails("onto ..", rename("dir", ".."), EBUSY);
  must(link("file", "hard"));
  equal("to another link of the same file", rename("file", "hard"), 0);
  equal("leaves both", access("file", F_OK) | access("hard", F_OK), 0);
  must(unlink("hard"));
  must(symlink("file", "link"));
  equal("of a symlink", rename("link", "link2"), 0);
  must(lstat("link2", &after));
  holds("moves the link", S_ISLNK(after.st_mode));
  must(unlink("link2"));
  fails("RENAME_NOREPLACE", renameat2(AT_FDCWD, "file", AT_FDCWD, "file2", RENAME_NOREPLACE), EEXIST);
  must(stat("file", &before));
  equal("RENAME_EXCHANGE", renameat2(AT_FDCWD, "file", AT_FDCWD, "dir", RENAME_EXCHANGE), 0);
  must(stat("dir", &after));
  equal("exchanged", before.st_ino == after.st_ino, 1);
  must(renameat2(AT_FDCWD, "file", AT_FDCWD, "dir", RENAME_EXCHANGE));
  fails("RENAME_EXCHANGE with nothing", renameat2(AT_FDCWD, "file", AT_FDCWD, "missing", RENAME_EXCHANGE), ENOENT);
  fails("both flags", renameat2(AT_FDCWD, "file", AT_FDCWD, "x", RENAME_NOREPLACE | RENAME_EXCHANGE), EINVAL);
  int fd = must(open("file", O_RDONLY));
  must(rename("file2", "file"));
  char c;
  equal("an open file that was replaced is readable", read(fd, &c, 1), 1);
  equal("with its old content", c, '1');
  close(fd);
}

static void links(void) {
  struct stat st;
  fresh();
  equal("link", link("file", "hard"), 0);
  must(stat("file", &st));
  equal("st_nlink", st.st_nlink, 2);
  fails("over something", link("file", "file2"), EEXIST);
  fails("of a directory", link("dir", "dirlink"), EPERM);
  fails("of nothing", link("missing", "x"), ENOENT);
  must(symlink("file", "soft"));
  equal("of a symlink", link("soft", "soft2"), 0);
  must(lstat("soft2", &st));
  holds("links the symlink", S_ISLNK(st.st_mode));
  equal("AT_SYMLINK_FOLLOW", linkat(AT_FDCWD, "soft", AT_FDCWD, "followed", AT_SYMLINK_FOLLOW), 0);
  must(lstat("followed", &st));
  holds("links the file", S_ISREG(st.st_mode));
  fails("unknown flags", linkat(AT_FDCWD, "soft", AT_FDCWD, "y", 1), EINVAL);
  equal("unlink", unlink("hard"), 0);
  must(unlink("soft") | unlink("soft2") | unlink("followed"));
  must(stat("file", &st));
  equal("st_nlink again", st.st_nlink, 1);
  fails("unlink of nothing", unlink("missing"), ENOENT);
  fails("unlink of a directory", unlink("dir"), EISDIR);
  fails("rmdir of a file", rmdir("file"), ENOTDIR);
  fails("rmdir of a full one", rmdir("full"), ENOTEMPTY);
  fails("rmdir of .", rmdir("."), EINVAL);
  fails("rmdir of a path that ends in ..", rmdir("dir/.."), ENOTEMPTY);
  fails("unlinkat with unknown flags", unlinkat(AT_FDCWD, "file", 1), EINVAL);
  equal("AT_REMOVEDIR", unlinkat(AT_FDCWD, "dir", AT_REMOVEDIR), 0);
  int fd = must(open("file", O_RDWR));
  must(unlink("file"));
  must(fstat(fd, &st));
  equal("an open file without a name", st.st_nlink, 0);
  equal("is writable", write(fd, "x", 1), 1);
  close(fd);
}

static void symlinks(void) {
  char text[64] = {0}, name[32];
  equal("symlink", symlink("some/where", "sl"), 0);
  equal("readlink", readlink("sl", text, sizeof text), 10);
  same_text("its text", text, "some/where");
  equal("readlink into little room", readlink("sl", text, 4), 4);
  fails("readlink into none", readlink("sl", text, 0), EINVAL);
  fails("readlink of a file", readlink("file2", text, 10), EINVAL);
  fails("over something", symlink("x", "sl"), EEXIST);
  fails("with an empty text", symlink("", "empty-link"), ENOENT);
  must(unlink("sl"));
  must(make_file("target", "t"));
  must(symlink("target", "s0"));
  for (int i = 1; i <= 45; i++) {
    char previous[32];
    snprintf(name, sizeof name, "s%d", i);
    snprintf(previous, sizeof previous, "s%d", i - 1);
    must(symlink(previous, name));
  }
  equal("forty links deep", access("s39", F_OK), 0);
  fails("forty-one", access("s40", F_OK), ELOOP);
}

static void directories(void) {
  struct stat st;
  char path[512], again[512];
  equal("mkdir", mkdir("m", 0777), 0);
  must(stat("m", &st));
  equal("its mode", st.st_mode, S_IFDIR | 0755);
  fails("over something", mkdir("m", 0777), EEXIST);
  fails("beneath a file", mkdir("target/x", 0777), ENOTDIR);
  fails("beneath nothing", mkdir("missing/x", 0777), ENOENT);
  must(stat("m/..", &st));
  equal("setgid", chmod("m", 02775), 0);
  must(chown("m", 0, 12));
  must(mkdir("m/n", 0755));
  must(stat("m/n", &st));
  equal("the group is inherited", st.st_gid, 12);
  holds("and the bit", st.st_mode & S_ISGID);
  getcwd(path, sizeof path);
  equal("chdir", chdir("m"), 0);
  getcwd(again, sizeof again);
  holds("getcwd", strncmp(again, path, strlen(path)) == 0 && strcmp(again + strlen(path), "/m") == 0);
  fails("getcwd into little room", syscall(SYS_getcwd, again, 3), ERANGE);
  int fd = must(open("..", O_RDONLY | O_DIRECTORY));
  equal("fchdir", fchdir(fd), 0);
  fails("chdir to a file", chdir("target"), ENOTDIR);
  fails("chdir to nothing", chdir("missing"), ENOENT);
  must(mkdir("gone", 0755) | chdir("gone"));
  must(rmdir("../gone"));
  fails("getcwd of a removed directory", syscall(SYS_getcwd, again, sizeof again), ENOENT);
  fails("a file in it", open("x", O_CREAT | O_WRONLY, 0600), ENOENT);
  must(fchdir(fd));
  close(fd);
}

static void listings(void) {
  must(mkdir("list", 0755));
  for (int i = 0; i < 1000; i++) {
    char name[32];
    snprintf(name, sizeof name, "list/%04d", i);
    must(make_file(name, ""));
  }
  equal("a thousand entries", count_entries("list"), 1002);
  DIR* d = opendir("list");
  struct dirent* entry;
  char seen[1000] = {0};
  int removed = 0;
  while ((entry = readdir(d)) != NULL) {
    if (entry->d_name[0] == '.') continue;
    seen[atoi(entry->d_name)]++;
    if (entry->d_type != DT_REG) removed = -100000;
    char name[300];
    snprintf(name, sizeof name, "list/%s", entry->d_name);
    removed += unlink(name) == 0;
  }
  int once = 0;
  for (int i = 0; i < 1000; i++) once += seen[i] == 1;
  equal("each once, while they are removed", once, 1000);
  equal("all removed", removed, 1000);
  rewinddir(d);
  int left = 0;
  while (readdir(d) != NULL) left++;
  equal("after rewinding", left, 2);
  char buffer[16];
  rewinddir(d);
  lseek(dirfd(d), 0, SEEK_SET);
  fails("too little room", syscall(SYS_getdents64, dirfd(d), buffer, 10), EINVAL);
  closedir(d);
  int fd = must(open("target", O_RDONLY));
  fails("getdents of a file", syscall(SYS_getdents64, fd, buffer, sizeof buffer), ENOTDIR);
  close(fd);
}

int main(void) {
  enter_directory("names");
  renames();
  links();
  symlinks();
  directories();
  listings();
  return check_done();
}
