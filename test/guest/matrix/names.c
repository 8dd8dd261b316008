// Every call that takes a name, with names of every kind: as root, and as somebody else.
// files

#include "../check.h"

#include <dirent.h>
#include <ftw.h>
#include <linux/openat2.h>
#include <sys/socket.h>
#include <sys/statfs.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <utime.h>

static char long_name[300], long_path[5000];

static const char* names[] = {
  "file", "file/", "file/x", "./file", "dir", "dir/", "dir/.", "dir/..", "dir/../file", "full", "full/", "full/.", "full/x", "link",
  "link/", "link/x", "dirlink", "dirlink/", "dirlink/.", "fulllink", "fulllink/x", "dangling", "dangling/", "loop", "loop/",
  "loop/x", "missing", "missing/", "missing/x", "missing/..", "", ".", "..", "./", "/", "//", "fifo", "fifo/", "socket", "secret",
  "secret/x", "secret/../file", "noread", "noexec", "noexec/x", "readonly", "sticky/theirs", "sticky/dir", "others",
  "selflink", "hard", "suid", long_name, long_path,
};
#define NAMES (int)(sizeof names / sizeof *names)

static const char* shown(const char* name) {
  return name == long_name ? "(a long name)" : name == long_path ? "(a long path)" : name;
}

static int remove_entry(const char* path, const struct stat* st, int type, struct FTW* where) {
  if (where->level > 0) must(remove(path));
  return 0;
}

/** A tree with one of everything. */
static void fresh(void) {
  nftw(".", remove_entry, 10, FTW_PHYS | FTW_DEPTH);
  must(make_file("file", "text"));
  must(mkdir("dir", 0777));
  must(chmod("dir", 0777));
  must(mkdir("full", 0777));
  must(chmod("full", 0777));
  must(make_file("full/x", "x"));
  must(symlink("file", "link"));
  must(symlink("dir", "dirlink"));
  must(symlink("full", "fulllink"));
  must(symlink("nowhere", "dangling"));
  must(symlink("loop", "loop"));
  must(symlink("/proc/self/fd/0", "selflink"));
  must(mkfifo("fifo", 0666));
  int s = must(socket(AF_UNIX, SOCK_STREAM, 0));
  struct sockaddr_un address = {AF_UNIX, "socket"};
  must(bind(s, (struct sockaddr*)&address, sizeof address));
  close(s);
  must(mkdir("secret", 0700));
  must(make_file("secret/x", "x"));
  must(chmod("secret", 0));
  must(make_file("noread", "x"));
  must(chmod("noread", 0200));
  must(mkdir("noexec", 0666));
  must(chmod("noexec", 0666));
  must(mkdir("readonly", 0555));
  must(mkdir("sticky", 01777));
  must(chmod("sticky", 01777));
  must(make_file("sticky/theirs", "x"));
  must(chmod("sticky/theirs", 0666));
  must(mkdir("sticky/dir", 0777));
  must(make_file("others", "x"));
  must(chown("others", 2000, 2000));
  must(chmod("others", 0644));
  must(link("file", "hard"));
  must(make_file("suid", "x"));
  must(chown("suid", 1000, 1000));
  must(chmod("suid", 06755));
}

static const char* user;
static char text[8192];

/** One line for each name; after a call that may have changed the tree, a new one is made by the parent. */
#define each_name(what, expression)                                                     \
  for (int i = 0; i < NAMES; i++) {                                                     \
    const char* name = names[i];                                                        \
    char label[400];                                                                    \
    snprintf(label, sizeof label, "%s %s: \"%s\"", user, what, shown(name));            \
    shows(label, (expression));                                                         \
  }

static void reading(void) {
  struct stat st;
  struct statfs fs;
  each_name("stat", stat(name, &st) < 0 ? -1 : (long)(st.st_mode & S_IFMT));
  each_name("lstat", lstat(name, &st) < 0 ? -1 : (long)(st.st_mode & S_IFMT));
  for (int mode = 0; mode < 8; mode++) {
    char what[32];
    snprintf(what, sizeof what, "access %d", mode);
    each_name(what, access(name, mode));
  }
  each_name("faccessat nofollow", syscall(SYS_faccessat2, AT_FDCWD, name, R_OK, AT_SYMLINK_NOFOLLOW | AT_EACCESS));
  each_name("readlink", strncmp(name, "selflink", 8) ? readlink(name, text, sizeof text) : 0);
  each_name("statfs", statfs(name, &fs));
  each_name("chdir", ({
              int here = open(".", O_PATH);
              int result = chdir(name), error = errno;
              must(fchdir(here));
              close(here);
              errno = error;
              result;
            }));
  each_name("listxattr", listxattr(name, NULL, 0));
  each_name("lgetxattr", lgetxattr(name, "user.none", NULL, 0));
  each_name("opendir", ({
              DIR* directory = opendir(name);
              if (directory != NULL) closedir(directory);
              directory == NULL ? -1 : 0;
            }));
  each_name("execve", strcmp(name, "suid") ? execl(name, name, NULL) : 0);
}

/** Without O_CREAT and O_TRUNC nothing changes. */
static void opening(void) {
  static const struct {
    const char* name;
    int flags;
  } ways[] = {
    {"O_RDONLY", O_RDONLY},
    {"O_WRONLY", O_WRONLY},
    {"O_RDWR", O_RDWR},
    {"3", 3},
    {"O_PATH", O_PATH},
    {"O_PATH O_NOFOLLOW", O_PATH | O_NOFOLLOW},
    {"O_PATH O_DIRECTORY", O_PATH | O_DIRECTORY},
    {"O_PATH O_CREAT", O_PATH | O_CREAT},
    {"O_DIRECTORY", O_DIRECTORY},
    {"O_DIRECTORY O_WRONLY", O_DIRECTORY | O_WRONLY},
    {"O_NOFOLLOW", O_NOFOLLOW},
    {"O_NOFOLLOW O_DIRECTORY", O_NOFOLLOW | O_DIRECTORY},
    {"O_NOATIME", O_NOATIME},
    {"O_EXCL", O_EXCL},
    {"O_DIRECTORY O_CREAT", O_DIRECTORY | O_CREAT},
    {"O_TMPFILE", O_TMPFILE},
    {"O_TMPFILE O_WRONLY", O_TMPFILE | O_WRONLY},
    {"O_TMPFILE O_CREAT", O_TMPFILE | O_RDWR | O_CREAT},
    {"O_TMPFILE O_EXCL", O_TMPFILE | O_RDWR | O_EXCL},
    {"O_TRUNC O_PATH", O_TRUNC | O_PATH},
    {"O_SYNC O_APPEND", O_SYNC | O_APPEND},
  };
  for (size_t way = 0; way < sizeof ways / sizeof *ways; way++) {
    char what[64];
    snprintf(what, sizeof what, "open %s", ways[way].name);
    each_name(what, ({
                int fd = open(name, ways[way].flags | O_NONBLOCK, 0600);
                if (fd >= 0) close(fd);
                fd < 0 ? -1 : 0;
              }));
  }
  static const unsigned long long rules[] = {RESOLVE_NO_XDEV, RESOLVE_NO_MAGICLINKS, RESOLVE_NO_SYMLINKS, RESOLVE_BENEATH,
                                             RESOLVE_IN_ROOT, RESOLVE_CACHED | RESOLVE_BENEATH | RESOLVE_IN_ROOT, 1 << 20};
  for (size_t rule = 0; rule < sizeof rules / sizeof *rules; rule++) {
    char what[64];
    snprintf(what, sizeof what, "openat2 %#llx", rules[rule]);
    each_name(what, ({
                struct open_how how = {.flags = O_RDONLY | O_NONBLOCK, .resolve = rules[rule]};
                int fd = syscall(SYS_openat2, AT_FDCWD, name, &how, sizeof how);
                if (fd >= 0) close(fd);
                fd < 0 ? -1 : 0;
              }));
    snprintf(what, sizeof what, "openat2 O_CREAT %#llx", rules[rule]);
    each_name(what, ({
                struct open_how how = {.flags = O_CREAT | O_EXCL | O_RDWR, .mode = 0600, .resolve = rules[rule]};
                int fd = syscall(SYS_openat2, AT_FDCWD, name, &how, sizeof how);
                if (fd >= 0) {
                  close(fd);
                  unlink(name);
                }
                fd < 0 ? -1 : 0;
              }));
  }
}

/** Calls that change something: each in a tree of its own. */
#define LAST_CHANGE 38
static long change(int what, const char* name) {
  switch (what) {
    case 0: return mkdir(name, 0755);
    case 1: return rmdir(name);
    case 2: return unlink(name);
    case 3: return unlinkat(AT_FDCWD, name, AT_REMOVEDIR);
    case 4: return symlink("file", name);
    case 5: return link(name, "new");
    case 6: return link("file", name);
    case 7: return linkat(AT_FDCWD, name, AT_FDCWD, "new", AT_SYMLINK_FOLLOW);
    case 8: return rename(name, "new");
    case 9: return rename("file", name);
    case 10: return rename("dir", name);
    case 11: return rename("full", name);
    case 12: return renameat2(AT_FDCWD, name, AT_FDCWD, "file", RENAME_EXCHANGE);
    case 13: return renameat2(AT_FDCWD, "dir", AT_FDCWD, name, RENAME_NOREPLACE);
    case 14: return renameat2(AT_FDCWD, "file", AT_FDCWD, name, RENAME_WHITEOUT);
    case 15: return truncate(name, 1);
    case 16: return chmod(name, 0640);
    case 17: return chown(name, 1000, 1000);
    case 18: return lchown(name, -1, -1);
    case 19: return utimensat(AT_FDCWD, name, NULL, 0);
    case 20: return utimensat(AT_FDCWD, name, (struct timespec[2]){{1, 0}, {2, 0}}, AT_SYMLINK_NOFOLLOW);
    case 21: return mknod(name, S_IFIFO | 0600, 0);
    case 22: return mknod(name, S_IFREG | 0600, 0);
    case 23: return mknod(name, S_IFDIR | 0600, 0);
    case 24: return lsetxattr(name, "user.some", "x", 1, 0);
    case 25: return setxattr(name, "trusted.some", "x", 1, 0);
    case 26: return lremovexattr(name, "user.some");
    case 27: return rename(name, "dir/new");
    case 28: return rename(name, name);
    case 29: return rename("sticky/theirs", name);
    case 30: return rename("link", name);
    case 31: return open(name, O_CREAT | O_WRONLY | O_NONBLOCK, 0600) ;
    case 32: return open(name, O_CREAT | O_EXCL | O_WRONLY, 0600) ;
    case 33: return open(name, O_CREAT | O_TRUNC | O_RDWR, 0600) ;
    case 34: return open(name, O_TRUNC | O_NONBLOCK) ;
    case 35: return open(name, O_CREAT | O_NOFOLLOW | O_RDWR, 0600) ;
    case 36: return syscall(452 /* fchmodat2 */, AT_FDCWD, name, 0600, AT_SYMLINK_NOFOLLOW);
    case 37: return chmod(name, 07777);
    case 38: return chown(name, -1, 0);
    default: return -1;
  }
}

static unsigned long tree;

static void add_text(const char* bytes) {
  unsigned long hash = 5381;
  for (; *bytes != 0; bytes++) hash = hash * 33 + (unsigned char)*bytes;
  // In whatever order the names come.
  tree += hash * hash;
}

static int add_entry(const char* path, const struct stat* st, int type, struct FTW* where) {
  char line[800];
  if (where->level == 0) return 0;
  long size = S_ISDIR(st->st_mode) ? 0 : st->st_size, links = S_ISDIR(st->st_mode) ? 0 : (long)st->st_nlink;
  snprintf(line, sizeof line, "%s %o %ld %ld %d %d", path, st->st_mode, size, links, st->st_uid, st->st_gid);
  add_text(line);
  return 0;
}

/** What is there afterwards, so that a call that claims to have done something did. */
static unsigned long tree_hash(void) {
  tree = 0;
  nftw(".", add_entry, 10, FTW_PHYS);
  return tree & 0xffffffff;
}

static void become(int someone) {
  user = someone ? "user" : "root";
  gid_t groups[] = {1000};
  must(syscall(SYS_setresuid, 0, 0, 0));
  must(syscall(SYS_setresgid, 0, someone ? 1000 : 0, 0));
  must(syscall(SYS_setgroups, someone, groups));
  must(syscall(SYS_setresuid, 0, someone ? 1000 : 0, 0));
}

/** Changes attributes of what may be outside of the tree. */
static int spares(int what, const char* name) {
  int attributes = (what >= 16 && what <= 18) || what >= 36;
  static const char* outer[] = {".", "./", "..", "/", "//", "dir/..", "missing/.."};
  for (size_t i = 0; i < sizeof outer / sizeof *outer; i++)
    if (attributes && strcmp(name, outer[i]) == 0) return 1;
  return 0;
}

int main(void) {
  enter_directory("names");
  must(chmod(".", 0777));
  memset(long_name, 'n', 256);
  for (int i = 0; i < 2200; i++) strcat(long_path, "./");
  strcat(long_path, "file");
  int zero = must(open("/dev/null", O_RDONLY));
  must(dup2(zero, 0));
  fresh();
  for (int someone = 0; someone < 2; someone++) {
    pid_t child = must(fork());
    if (child == 0) {
      become(someone);
      if (someone) must(syscall(SYS_setresuid, 1000, 1000, 1000));
      reading();
      opening();
      _exit(0);
    }
    equal("ends", status_of(child), 0);
  }
  // Files of a host take longer to make: a part of all pairs.
  const char* where = getenv("TEST_DIR");
  int stride = where == NULL || strcmp(where, "/tmp") == 0 ? 1 : 5;
  unsigned long before = tree_hash();
  for (int someone = 0; someone < 2; someone++) {
    for (int what = 0; what <= LAST_CHANGE; what++) {
      for (int i = 0; i < NAMES; i++) {
        if (spares(what, names[i]) || (i + what) % stride != 0) continue;
        become(someone);
        errno = 0;
        long result = change(what, names[i]);
        int error = errno;
        become(0);
        char label[400];
        snprintf(label, sizeof label, "%s change %d \"%s\"", someone ? "user" : "root", what, shown(names[i]));
        if (result < 0) {
          say("ok %s: %s\n", label, strerrorname_np(error));
          continue;
        }
        if (result > 2) close(result);
        unsigned long after = tree_hash();
        say("ok %s: done %lx\n", label, after);
        // What the hash does not show.
        if (after != before || what == 19 || what == 20 || what == 24 || what == 25) fresh();
      }
    }
  }
  return check_done();
}
