// open(2), mkdir(2), unlink(2), rmdir(2), rename(2), link(2), symlink(2), mknod(2): names and their errors.
// files
#include "../check.h"
#include <linux/fs.h>
#include <linux/openat2.h>
#include <sys/sysmacros.h>

static long openat2(int dir, const char* path, struct open_how* how, size_t size) {
  return syscall(SYS_openat2, dir, path, how, size);
}

static void opening(void) {
  must(mkdir("d", 0755));
  must(make_file("f", "text"));
  must(symlink("f", "l"));
  must(symlink("nowhere", "dangling"));
  must(symlink("loop", "loop"));
  must(symlink("d/", "slashed"));
  fails("missing", open("x", O_RDONLY), ENOENT);
  fails("below a file", open("f/x", O_RDONLY), ENOTDIR);
  fails("file with slash", open("f/", O_RDONLY), ENOTDIR);
  fails("empty path", open("", O_RDONLY), ENOENT);
  fails("bad pointer", open((char*)8, O_RDONLY), EFAULT);
  fails("directory for writing", open("d", O_WRONLY), EISDIR);
  fails("directory read-write", open("d", O_RDWR), EISDIR);
  fails("directory truncated", open("d", O_RDONLY | O_TRUNC), EISDIR);
  fails("O_CREAT on a directory", open("d", O_RDONLY | O_CREAT, 0644), EISDIR);
  fails("O_CREAT with slash", open("new/", O_WRONLY | O_CREAT, 0644), EISDIR);
  fails("O_CREAT dot", open(".", O_WRONLY | O_CREAT, 0644), EISDIR);
  fails("O_CREAT O_EXCL dot", open(".", O_RDONLY | O_CREAT | O_EXCL, 0644), EEXIST);
  fails("O_CREAT O_DIRECTORY", open("new", O_RDONLY | O_CREAT | O_DIRECTORY, 0644), EINVAL);
  fails("O_EXCL on existing", open("f", O_WRONLY | O_CREAT | O_EXCL, 0644), EEXIST);
  fails("O_EXCL on a dangling link", open("dangling", O_WRONLY | O_CREAT | O_EXCL, 0644), EEXIST);
  fails("O_DIRECTORY on a file", open("f", O_RDONLY | O_DIRECTORY), ENOTDIR);
  fails("O_NOFOLLOW on a link", open("l", O_RDONLY | O_NOFOLLOW), ELOOP);
  fails("O_NOFOLLOW O_DIRECTORY on a link", open("slashed", O_RDONLY | O_NOFOLLOW | O_DIRECTORY), ENOTDIR);
  fails("a loop", open("loop", O_RDONLY), ELOOP);
  succeeds("link with slash in it", close(open("slashed", O_RDONLY)));
  fails("slash in link, create", open("slashed", O_WRONLY | O_CREAT, 0644), EISDIR);
  succeeds("through a dangling link", close(must(open("dangling", O_WRONLY | O_CREAT, 0600))));
  struct stat st;
  must(stat("nowhere", &st));
  equal("made with mode", st.st_mode, S_IFREG | 0600);
  int fd = must(open("f", O_RDONLY | O_TRUNC));
  must(fstat(fd, &st));
  equal("O_RDONLY O_TRUNC truncates", st.st_size, 0);
  close(fd);
  fd = must(open("l", O_PATH | O_NOFOLLOW));
  must(fstat(fd, &st));
  equal("O_PATH O_NOFOLLOW is the link", st.st_mode & S_IFMT, S_IFLNK);
  char text[16];
  equal("readlinkat of it", readlinkat(fd, "", text, sizeof text), 1);
  fails("read from O_PATH", read(fd, text, 1), EBADF);
  fails("fchmod of O_PATH", fchmod(fd, 0600), EBADF);
  fails("ioctl on O_PATH", syscall(SYS_ioctl, fd, 0x5401, text), EBADF);
  equal("F_GETFL of O_PATH", fcntl(fd, F_GETFL), O_PATH | O_NOFOLLOW);
  close(fd);
  fd = must(open("d", O_RDONLY | O_DIRECTORY));
  fails("absolute path with bad dirfd is fine but missing", openat(-1, "/nonexistent-x", O_RDONLY), ENOENT);
  fails("bad dirfd", openat(-1, "f", O_RDONLY), EBADF);
  int file = must(open("f", O_RDONLY));
  fails("file as dirfd", openat(file, "x", O_RDONLY), ENOTDIR);
  close(file);
  fails("O_TMPFILE read-only", open("d", O_TMPFILE | O_RDONLY, 0600), EINVAL);
  char name[300];
  memset(name, 'n', 299);
  name[256] = 0;
  fails("name of 256", open(name, O_RDONLY), ENAMETOOLONG);
  name[255] = 0;
  succeeds("name of 255", close(must(open(name, O_WRONLY | O_CREAT, 0644))));
  static char path[5000];
  for (int i = 0; i < 4999; i += 2)
    memcpy(path + i, "./", 2);
  path[4096] = 0;
  fails("path of 4096", open(path, O_RDONLY), ENAMETOOLONG);
  path[4095] = 0;
  succeeds("path of 4095", close(must(open(path, O_RDONLY))));
  equal("mode 3 opens", (fd = open("f", 3)) >= 0, 1);
  fails("mode 3 does not read", read(fd, text, 1), EBADF);
  fails("mode 3 does not write", write(fd, text, 1), EBADF);
  close(fd);
}

static void how(void) {
  must(mkdir("h", 0755));
  must(mkdir("h/s", 0755));
  must(make_file("h/f", "x"));
  must(symlink("f", "h/l"));
  must(symlink("/etc", "h/abs"));
  must(symlink("../h/f", "h/out"));
  int d = must(open("h", O_PATH | O_DIRECTORY));
  struct open_how a = {.flags = O_RDONLY};
  succeeds("openat2", close(must(openat2(d, "f", &a, sizeof a))));
  fails("openat2 small size", openat2(d, "f", &a, 8), EINVAL);
  char longer[40] = {0};
  succeeds("openat2 longer, zero", close(must(openat2(d, "f", (void*)longer, 40))));
  longer[30] = 1;
  fails("openat2 longer, not zero", openat2(d, "f", (void*)longer, 40), E2BIG);
  a.mode = 0644;
  fails("openat2 mode without O_CREAT", openat2(d, "f", &a, sizeof a), EINVAL);
  a = (struct open_how){.flags = O_RDONLY | (1ull << 40)};
  fails("openat2 unknown flag", openat2(d, "f", &a, sizeof a), EINVAL);
  a = (struct open_how){.flags = O_RDONLY, .resolve = 0x100};
  fails("openat2 unknown resolve", openat2(d, "f", &a, sizeof a), EINVAL);
  a = (struct open_how){.flags = O_RDONLY, .resolve = RESOLVE_BENEATH};
  succeeds("beneath", close(must(openat2(d, "s/../f", &a, sizeof a))));
  fails("beneath, up", openat2(d, "../h/f", &a, sizeof a), EXDEV);
  fails("beneath, absolute", openat2(d, "/etc", &a, sizeof a), EXDEV);
  fails("beneath, link out", openat2(d, "out", &a, sizeof a), EXDEV);
  fails("beneath, absolute link", openat2(d, "abs", &a, sizeof a), EXDEV);
  a.resolve = RESOLVE_IN_ROOT;
  succeeds("in root, up", close(must(openat2(d, "../../f", &a, sizeof a))));
  succeeds("in root, absolute", close(must(openat2(d, "/f", &a, sizeof a))));
  fails("in root, absolute link", openat2(d, "abs", &a, sizeof a), ENOENT);
  a.resolve = RESOLVE_NO_SYMLINKS;
  fails("no symlinks", openat2(d, "l", &a, sizeof a), ELOOP);
  a.resolve = RESOLVE_NO_MAGICLINKS;
  fails("no magic links", openat2(d, "/proc/self/exe", &a, sizeof a), ELOOP);
  a.resolve = RESOLVE_NO_XDEV;
  fails("no other mount", openat2(AT_FDCWD, "/proc/self/status", &a, sizeof a), EXDEV);
  a.resolve = RESOLVE_BENEATH | RESOLVE_IN_ROOT;
  fails("beneath and in root", openat2(d, "f", &a, sizeof a), EINVAL);
  close(d);
}

static void making(void) {
  must(mkdir("m", 0755));
  must(make_file("m/f", "x"));
  fails("mkdir existing", mkdir("m", 0755), EEXIST);
  fails("mkdir over a file", mkdir("m/f", 0755), EEXIST);
  fails("mkdir dot", mkdir(".", 0755), EEXIST);
  fails("mkdir root", mkdir("/", 0755), EEXIST);
  fails("mkdir below missing", mkdir("m/x/y", 0755), ENOENT);
  fails("mkdir below file", mkdir("m/f/y", 0755), ENOTDIR);
  succeeds("mkdir with slash", mkdir("m/d/", 0777));
  struct stat st;
  must(stat("m/d", &st));
  equal("umask", st.st_mode, S_IFDIR | 0755);
  equal("nlink", st.st_nlink, 2);
  fails("rmdir dot", rmdir("m/d/."), EINVAL);
  fails("rmdir dotdot", rmdir("m/d/.."), ENOTEMPTY);
  fails("rmdir root", rmdir("/"), EBUSY);
  fails("rmdir full", rmdir("m"), ENOTEMPTY);
  fails("rmdir file", rmdir("m/f"), ENOTDIR);
  fails("rmdir missing", rmdir("m/x"), ENOENT);
  fails("unlink directory", unlink("m/d"), EISDIR);
  fails("unlink with slash", unlink("m/f/"), ENOTDIR);
  fails("unlink directory with slash", unlink("m/d/"), EISDIR);
  fails("unlink missing", unlink("m/x"), ENOENT);
  fails("unlink dot", unlink("m/."), EISDIR);
  fails("unlinkat flags", unlinkat(AT_FDCWD, "m/f", 0x1), EINVAL);
  succeeds("unlinkat AT_REMOVEDIR", unlinkat(AT_FDCWD, "m/d", AT_REMOVEDIR));
  must(chmod("m", 02755));
  must(chown("m", 0, 7));
  must(chmod("m", 02755));
  must(mkdir("m/g", 0755));
  must(stat("m/g", &st));
  equal("setgid is inherited", st.st_mode & 07777, 02755);
  equal("group is inherited", st.st_gid, 7);
  must(make_file("m/gf", ""));
  must(stat("m/gf", &st));
  equal("group of a file", st.st_gid, 7);
  equal("no setgid on a file", st.st_mode & 07777, 0644);
  fails("symlink empty", symlink("", "m/e"), ENOENT);
  fails("symlink existing", symlink("x", "m/f"), EEXIST);
  fails("symlink with slash", symlink("x", "m/new/"), ENOENT);
  fails("mknod directory", mknod("m/n", S_IFDIR | 0755, 0), EPERM);
  fails("mknod link", mknod("m/n", S_IFLNK | 0755, 0), EINVAL);
  succeeds("mknod fifo", mknod("m/p", S_IFIFO | 0666, 0));
  must(stat("m/p", &st));
  equal("fifo mode", st.st_mode, S_IFIFO | 0644);
  succeeds("mknod regular", mknod("m/r", 0600, 0));
  succeeds("mknod socket", mknod("m/s", S_IFSOCK | 0600, 0));
  fails("open a socket", open("m/s", O_RDWR), ENXIO);
  fails("mknod existing", mknod("m/f", S_IFREG, 0), EEXIST);
}

static void linking(void) {
  must(mkdir("k", 0755));
  must(make_file("k/f", "x"));
  must(symlink("f", "k/l"));
  struct stat st;
  succeeds("link", link("k/f", "k/g"));
  must(stat("k/g", &st));
  equal("nlink 2", st.st_nlink, 2);
  fails("link existing", link("k/f", "k/g"), EEXIST);
  fails("link directory", link("k", "k/d"), EPERM);
  fails("link missing", link("k/x", "k/y"), ENOENT);
  fails("link with slash", link("k/f", "k/new/"), ENOENT);
  must(link("k/l", "k/l2"));
  must(lstat("k/l2", &st));
  equal("link of a symlink is a symlink", st.st_mode & S_IFMT, S_IFLNK);
  must(linkat(AT_FDCWD, "k/l", AT_FDCWD, "k/l3", AT_SYMLINK_FOLLOW));
  must(lstat("k/l3", &st));
  equal("AT_SYMLINK_FOLLOW", st.st_mode & S_IFMT, S_IFREG);
  fails("linkat flags", linkat(AT_FDCWD, "k/f", AT_FDCWD, "k/z", 1), EINVAL);
  must(unlink("k/f"));
  must(stat("k/g", &st));
  equal("nlink after unlink", st.st_nlink, 2);
  int fd = must(open("k", O_TMPFILE | O_RDWR, 0600));
  must(write(fd, "tmp", 3));
  must(fstat(fd, &st));
  equal("tmpfile nlink", st.st_nlink, 0);
  char path[64];
  sprintf(path, "/proc/self/fd/%d", fd);
  succeeds("name a tmpfile", linkat(AT_FDCWD, path, AT_FDCWD, "k/named", AT_SYMLINK_FOLLOW));
  must(stat("k/named", &st));
  equal("named size", st.st_size, 3);
  equal("named nlink", st.st_nlink, 1);
  close(fd);
  fd = must(open("k", O_TMPFILE | O_RDWR | O_EXCL, 0600));
  sprintf(path, "/proc/self/fd/%d", fd);
  fails("tmpfile O_EXCL", linkat(AT_FDCWD, path, AT_FDCWD, "k/named2", AT_SYMLINK_FOLLOW), ENOENT);
  close(fd);
  fd = must(open("k/named", O_RDWR));
  must(unlink("k/named"));
  sprintf(path, "/proc/self/fd/%d", fd);
  fails("link an unlinked file", linkat(AT_FDCWD, path, AT_FDCWD, "k/back", AT_SYMLINK_FOLLOW), ENOENT);
  must(fstat(fd, &st));
  equal("unlinked nlink", st.st_nlink, 0);
  close(fd);
}

static long rename2(const char* a, const char* b, int flags) {
  return syscall(SYS_renameat2, AT_FDCWD, a, AT_FDCWD, b, flags);
}

static void renaming(void) {
  must(mkdir("r", 0755));
  must(chdir("r"));
  must(make_file("f", "f"));
  must(make_file("g", "g"));
  must(mkdir("d", 0755));
  must(mkdir("e", 0755));
  must(mkdir("full", 0755));
  must(make_file("full/x", ""));
  must(symlink("f", "l"));
  fails("file over directory", rename("f", "d"), EISDIR);
  fails("directory over file", rename("d", "f"), ENOTDIR);
  fails("directory over full", rename("d", "full"), ENOTEMPTY);
  fails("into itself", rename("full", "full/sub"), EINVAL);
  fails("over its ancestor", rename("full/x", "full"), ENOTEMPTY);
  fails("dir over ancestor", rename("full", "."), EBUSY);
  fails("missing", rename("x", "y"), ENOENT);
  fails("dot", rename(".", "y"), EBUSY);
  fails("dotdot target", rename("d", "e/.."), EBUSY);
  fails("file with slash", rename("f/", "y"), ENOTDIR);
  fails("file to slash", rename("f", "y/"), ENOTDIR);
  succeeds("directory to slash", rename("d", "d2/"));
  succeeds("directory over empty", rename("d2", "e"));
  succeeds("onto itself", rename("f", "f"));
  must(link("f", "hard"));
  succeeds("onto another link of it", rename("f", "hard"));
  succeeds("both names stay", access("f", F_OK));
  must(unlink("hard"));
  fails("NOREPLACE existing", rename2("f", "g", RENAME_NOREPLACE), EEXIST);
  succeeds("NOREPLACE free", rename2("f", "f2", RENAME_NOREPLACE));
  must(rename("f2", "f"));
  fails("EXCHANGE missing", rename2("f", "nope", RENAME_EXCHANGE), ENOENT);
  succeeds("EXCHANGE", rename2("f", "g", RENAME_EXCHANGE));
  char c = 0;
  int fd = must(open("f", O_RDONLY));
  must(read(fd, &c, 1));
  close(fd);
  equal("exchanged", c, 'g');
  succeeds("EXCHANGE file and directory", rename2("f", "e", RENAME_EXCHANGE));
  struct stat st;
  must(stat("f", &st));
  equal("now a directory", st.st_mode & S_IFMT, S_IFDIR);
  fails("EXCHANGE NOREPLACE", rename2("f", "e", RENAME_EXCHANGE | RENAME_NOREPLACE), EINVAL);
  fails("unknown flag", rename2("f", "e", 0x100), EINVAL);
  succeeds("symlink itself moves", rename("l", "l2"));
  must(lstat("l2", &st));
  equal("still a link", st.st_mode & S_IFMT, S_IFLNK);
  must(stat(".", &st));
  long links = st.st_nlink;
  must(mkdir("p", 0755));
  must(stat(".", &st));
  equal("nlink grows", st.st_nlink, links + 1);
  must(rename("p", "full/p"));
  must(stat(".", &st));
  equal("nlink shrinks", st.st_nlink, links);
  must(stat("full", &st));
  equal("nlink of new parent", st.st_nlink, 3);
  must(chdir("full/p"));
  must(rename("../../full", "../../moved"));
  char cwd[512];
  must((long)getcwd(cwd, sizeof cwd));
  same_text("cwd follows", strrchr(cwd, '/') - 6 >= cwd ? strrchr(cwd, '/') - 6 : cwd, "/moved/p");
  must(rmdir("../p"));
  fails("getcwd of a removed directory", syscall(SYS_getcwd, cwd, sizeof cwd), ENOENT);
  fails("create in a removed directory", open("x", O_CREAT | O_WRONLY, 0644), ENOENT);
  fails("mkdir in a removed directory", mkdir("x", 0755), ENOENT);
  fails("open dot of a removed directory, missing name", open("./x", O_RDONLY), ENOENT);
  succeeds("open dot", close(must(open(".", O_RDONLY))));
  must(chdir("../../.."));
}

// A name that proc does not have is not there, whatever is to be done with it.
static void making_in_proc(void) {
  const char* directories[] = {"/proc", "/proc/self", "/proc/self/fd"};
  for (int i = 0; i < 3; i++) {
    must(chdir(directories[i]));
    fails("create", open("x", O_CREAT | O_WRONLY, 0644), ENOENT);
    fails("mkdir", mkdir("x", 0755), ENOENT);
    fails("mkfifo", mknod("x", S_IFIFO | 0644, 0), ENOENT);
    fails("symlink", symlink("target", "x"), ENOENT);
    fails("link", link("/proc/version", "x"), ENOENT);
  }
}

int main(void) {
  enter_directory("names");
  opening();
  how();
  making();
  linking();
  renaming();
  making_in_proc();
  return check_done();
}
