// inotify(7): events of changes, flags, coalescing, queue reads, errnos.
#include "../check.h"
#include <poll.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>

static int in;
static char queue[65536] __attribute__((aligned(8)));

// Every queued event as "mask(hex):name " text, names of watches left out.
static const char* events(void) {
  static char text[8192];
  int at = 0;
  text[0] = 0;
  ssize_t n = read(in, queue, sizeof queue);
  for (char* p = queue; n > 0 && p < queue + n;) {
    struct inotify_event* e = (struct inotify_event*)p;
    at += snprintf(text + at, sizeof text - at, "%x:%s ", e->mask, e->len ? e->name : "");
    p += sizeof *e + e->len;
  }
  return text;
}

static void errors(void) {
  fails("unknown flags", inotify_init1(1), EINVAL);
  in = succeeds("init1", inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  equal("cloexec", fcntl(in, F_GETFD), FD_CLOEXEC);
  fails("empty", read(in, queue, sizeof queue), EAGAIN);
  fails("no events wanted", inotify_add_watch(in, ".", 0), EINVAL);
  fails("missing file", inotify_add_watch(in, "missing", IN_OPEN), ENOENT);
  fails("not an instance", inotify_add_watch(1, ".", IN_OPEN), EINVAL);
  fails("unknown descriptor", inotify_add_watch(900, ".", IN_OPEN), EBADF);
  fails("unknown watch", inotify_rm_watch(in, 99), EINVAL);
  must(make_file("plain", "x"));
  fails("IN_ONLYDIR", inotify_add_watch(in, "plain", IN_OPEN | IN_ONLYDIR), ENOTDIR);
  fails("IN_MASK_ADD with CREATE", inotify_add_watch(in, "plain", IN_OPEN | IN_MASK_ADD | IN_MASK_CREATE),
        EINVAL);
  int a = must(inotify_add_watch(in, "plain", IN_OPEN));
  equal("same inode, same watch", inotify_add_watch(in, "./plain", IN_CLOSE), a);
  fails("IN_MASK_CREATE", inotify_add_watch(in, "plain", IN_OPEN | IN_MASK_CREATE), EEXIST);
  must(inotify_rm_watch(in, a));
  same_text("ignored", events(), "8000: ");
  must(unlink("plain"));
}

static void directory(void) {
  must(mkdir("d", 0755));
  int wd = must(inotify_add_watch(in, "d", IN_ALL_EVENTS));
  int fd = must(open("d/a", O_CREAT | O_WRONLY, 0644));
  same_text("create and open", events(), "100:a 20:a ");
  must(write(fd, "hello", 5));
  same_text("write", events(), "2:a ");
  close(fd);
  same_text("close", events(), "8:a ");
  fd = must(open("d/a", O_RDONLY));
  char c[8];
  must(read(fd, c, 5));
  close(fd);
  same_text("open read close", events(), "20:a 1:a 10:a ");
  must(chmod("d/a", 0600));
  same_text("chmod", events(), "4:a ");
  must(truncate("d/a", 1));
  same_text("truncate", events(), "2:a ");
  must(rename("d/a", "d/b"));
  same_text("rename inside", events(), "40:a 80:b ");
  must(rename("d/b", "out"));
  same_text("rename away", events(), "40:b ");
  must(rename("out", "d/c"));
  same_text("rename back", events(), "80:c ");
  must(link("d/c", "d/l"));
  same_text("link", events(), "100:l ");
  must(symlink("c", "d/s"));
  same_text("symlink", events(), "100:s ");
  must(mkdir("d/sub", 0755));
  same_text("mkdir", events(), "40000100:sub ");
  must(rmdir("d/sub"));
  same_text("rmdir", events(), "40000200:sub ");
  must(unlink("d/l"));
  must(unlink("d/s"));
  // The attribute change of the link count goes to watches of the file itself.
  same_text("unlink", events(), "200:l 200:s ");
  must(unlink("d/c"));
  events();
  must(rmdir("d"));
  same_text("the directory itself", events(), "400: 8000: ");
  fails("watch is gone", inotify_rm_watch(in, wd), EINVAL);
}

static void file(void) {
  must(make_file("f", "x"));
  int wd = must(inotify_add_watch(in, "f", IN_MODIFY | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF));
  int fd = must(open("f", O_WRONLY | O_APPEND));
  must(write(fd, "1", 1));
  must(write(fd, "2", 1));
  same_text("same events are one", events(), "2: ");
  must(rename("f", "g"));
  same_text("move self", events(), "800: ");
  must(inotify_add_watch(in, "g", IN_CLOSE_WRITE | IN_MASK_ADD));
  must(write(fd, "3", 1));
  close(fd);
  same_text("mask added", events(), "2: 8: ");
  must(inotify_add_watch(in, "g", IN_CLOSE_WRITE));
  fd = must(open("g", O_WRONLY));
  must(write(fd, "4", 1));
  close(fd);
  same_text("mask replaced", events(), "8: ");
  must(inotify_add_watch(in, "g", IN_OPEN | IN_ONESHOT));
  close(must(open("g", O_RDONLY)));
  close(must(open("g", O_RDONLY)));
  same_text("oneshot", events(), "20: 8000: ");
  fails("oneshot is gone", inotify_rm_watch(in, wd), EINVAL);
  must(inotify_add_watch(in, "g", IN_ATTRIB | IN_DELETE_SELF));
  must(unlink("g"));
  same_text("unlink", events(), "4: 400: 8000: ");
}

static void reading(void) {
  must(mkdir("r", 0755));
  must(inotify_add_watch(in, "r", IN_CREATE | IN_EXCL_UNLINK));
  must(make_file("r/exactly15chars", ""));
  struct pollfd p = {in, POLLIN, 0};
  equal("poll", poll(&p, 1, 0), 1);
  int n;
  must(ioctl(in, FIONREAD, &n));
  equal("FIONREAD with the padded name", n, 32);
  fails("buffer too small", read(in, queue, 20), EINVAL);
  equal("fits", read(in, queue, 32), 32);
  must(make_file("r/sixteencharsname", ""));
  must(make_file("r/b", ""));
  equal("only whole events", read(in, queue, 60), 48);
  struct inotify_event* e = (struct inotify_event*)queue;
  equal("length", e->len, 32);
  equal("next", read(in, queue, sizeof queue), 32);
  for (int i = 0; i < 10; i++) {
    must(rename("r/b", "r/c"));
    must(rename("r/c", "r/b"));
  }
  equal("nothing wanted, nothing queued", poll(&p, 1, 0), 0);
  must(inotify_add_watch(in, "r", IN_MOVE));
  must(rename("r/b", "r/c"));
  must(read(in, queue, sizeof queue));
  e = (struct inotify_event*)queue;
  struct inotify_event* f = (struct inotify_event*)(queue + sizeof *e + e->len);
  holds("cookies tie a move", e->cookie != 0 && e->cookie == f->cookie);
  must(inotify_add_watch(in, "r", IN_MODIFY | IN_EXCL_UNLINK));
  int fd = must(open("r/c", O_WRONLY));
  must(unlink("r/c"));
  must(write(fd, "x", 1));
  equal("IN_EXCL_UNLINK", poll(&p, 1, 0), 0);
  close(fd);
  // The queue ends with one overflow event.
  must(inotify_add_watch(in, "r", IN_CREATE | IN_DELETE));
  for (int i = 0; i < 9000; i++) {
    close(must(open("r/x", O_CREAT | O_WRONLY, 0600)));
    must(unlink("r/x"));
  }
  int count = 0, overflow = 0;
  for (ssize_t got; (got = read(in, queue, sizeof queue)) > 0;) {
    for (char* q = queue; q < queue + got; q += sizeof *e + ((struct inotify_event*)q)->len) {
      count++;
      if (((struct inotify_event*)q)->mask == IN_Q_OVERFLOW)
        overflow += ((struct inotify_event*)q)->wd == -1;
    }
  }
  equal("overflow", overflow, 1);
  equal("events kept", count, 16385);
}

int main(void) {
  enter_directory("inotify");
  errors();
  directory();
  file();
  reading();
  return check_done();
}
