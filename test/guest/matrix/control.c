// Every fcntl(2) command and most ioctl(2) requests, of every kind of descriptor.
// build: -lrt
// files

#include "kinds.h"

#include <linux/fs.h>
#include <linux/fiemap.h>
#include <linux/random.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <termios.h>

#ifndef F_CREATED_QUERY
#define F_CREATED_QUERY 1028
#endif
#ifndef F_DUPFD_QUERY
#define F_DUPFD_QUERY 1027
#endif

static const struct {
  const char* name;
  int command;
  long argument;
} commands[] = {
  {"F_GETFD", F_GETFD, 0},
  {"F_GETFL", F_GETFL, 0},
  {"F_GETOWN", F_GETOWN, 0},
  {"F_GETSIG", F_GETSIG, 0},
  {"F_SETSIG 0", F_SETSIG, 0},
  {"F_SETSIG 65", F_SETSIG, 65},
  {"F_SETSIG -1", F_SETSIG, -1},
  {"F_GETLEASE", F_GETLEASE, 0},
  {"F_GETPIPE_SZ", F_GETPIPE_SZ, 0},
  {"F_SETPIPE_SZ", F_SETPIPE_SZ, 4096},
  {"F_GET_SEALS", F_GET_SEALS, 0},
  {"F_ADD_SEALS 0", F_ADD_SEALS, 0},
  {"F_ADD_SEALS bad", F_ADD_SEALS, 0x1000},
  {"F_DUPFD negative", F_DUPFD, -1},
  {"F_DUPFD huge", F_DUPFD, 1 << 30},
  {"F_SETFD bad bits", F_SETFD, 0x1000},
  {"F_SETFD none", F_SETFD, 0},
  {"unknown 39", 39, 0},
  {"unknown -1", -1, 0},
  {"unknown 1023", 1023, 0},
};

static void locks(void) {
  each_kind("F_SETLK read", ({
              struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET};
              fcntl(fd, F_SETLK, &lock);
            }));
  each_kind("F_SETLK write", ({
              struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
              fcntl(fd, F_SETLK, &lock);
            }));
  each_kind("F_GETLK", ({
              struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
              fcntl(fd, F_GETLK, &lock);
            }));
  each_kind("F_SETLK unlock", ({
              struct flock lock = {.l_type = F_UNLCK, .l_whence = SEEK_SET};
              fcntl(fd, F_SETLK, &lock);
            }));
  each_kind("F_OFD_SETLK", ({
              struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET};
              int result = fcntl(fd, F_OFD_SETLK, &lock);
              int error = errno;
              lock.l_type = F_UNLCK;
              fcntl(fd, F_OFD_SETLK, &lock);
              errno = error;
              result;
            }));
  each_kind("flock", flock(fd, LOCK_SH | LOCK_NB));
  each_kind("flock un", flock(fd, LOCK_UN));
  each_kind("flock bad", flock(fd, 0));
}

static void flags(void) {
  each_kind("F_SETFL O_NONBLOCK", ({
              int before = fcntl(fd, F_GETFL);
              int result = fcntl(fd, F_SETFL, before | O_NONBLOCK);
              if (result == 0) result = fcntl(fd, F_GETFL) & ~before;
              int error = errno;
              fcntl(fd, F_SETFL, before);
              errno = error;
              result;
            }));
  each_kind("F_SETFL O_ASYNC", ({
              int before = fcntl(fd, F_GETFL);
              int result = fcntl(fd, F_SETFL, before | O_ASYNC);
              if (result == 0) result = (fcntl(fd, F_GETFL) & O_ASYNC) != 0;
              int error = errno;
              fcntl(fd, F_SETFL, before);
              errno = error;
              result;
            }));
  each_kind("F_SETFL O_DIRECT", ({
              int before = fcntl(fd, F_GETFL);
              int result = fcntl(fd, F_SETFL, before | O_DIRECT);
              if (result == 0) result = (fcntl(fd, F_GETFL) & O_DIRECT) != 0;
              int error = errno;
              fcntl(fd, F_SETFL, before);
              errno = error;
              result;
            }));
  each_kind("F_SETFL O_NOATIME", ({
              int before = fcntl(fd, F_GETFL);
              int result = fcntl(fd, F_SETFL, before | O_NOATIME);
              if (result == 0) result = (fcntl(fd, F_GETFL) & O_NOATIME) != 0;
              int error = errno;
              fcntl(fd, F_SETFL, before);
              errno = error;
              result;
            }));
  each_kind("F_SETOWN", ({
              int result = fcntl(fd, F_SETOWN, getpid());
              int error = errno;
              if (result == 0) result = fcntl(fd, F_GETOWN) == getpid();
              fcntl(fd, F_SETOWN, 0);
              errno = error;
              result;
            }));
  each_kind("F_SETOWN nobody", fcntl(fd, F_SETOWN, 30000));
  each_kind("F_GET_RW_HINT", ({
              uint64_t hint = 9;
              int result = fcntl(fd, F_GET_RW_HINT, &hint);
              result == 0 ? (int)hint : result;
            }));
}

static void requests(void) {
  static const struct {
    const char* name;
    unsigned long request;
  } list[] = {
    {"FIONREAD", FIONREAD}, {"FIOQSIZE", FIOQSIZE}, {"TIOCOUTQ", TIOCOUTQ}, {"TIOCGPGRP", TIOCGPGRP},
    {"TIOCGSID", TIOCGSID}, {"TIOCGWINSZ", TIOCGWINSZ}, {"TCGETS", TCGETS}, {"TIOCGETD", TIOCGETD},
    {"TIOCMGET", TIOCMGET}, {"TIOCGPTN", TIOCGPTN}, {"TIOCGPTLCK", TIOCGPTLCK}, {"TIOCGPKT", TIOCGPKT},
    {"TIOCGEXCL", TIOCGEXCL}, {"TIOCGSOFTCAR", TIOCGSOFTCAR},
    {"FIGETBSZ", FIGETBSZ}, {"FIBMAP", FIBMAP},
    {"BLKGETSIZE64", BLKGETSIZE64}, {"RNDGETENTCNT", RNDGETENTCNT},
    {"unknown", 0xdead}, {"zero", 0},
  };
  for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
    each_kind(list[i].name, ({
                long buffer[32] = {0};
                int result = ioctl(fd, list[i].request, buffer);
                result;
              }));
  }
  each_kind("FIONBIO", ({
              int on = 1, off = 0;
              int was = fcntl(fd, F_GETFL) & O_NONBLOCK;
              int result = ioctl(fd, FIONBIO, &on);
              int error = errno;
              if (result == 0) {
                result = (fcntl(fd, F_GETFL) & O_NONBLOCK) != 0;
                if (!was) ioctl(fd, FIONBIO, &off);
              }
              errno = error;
              result;
            }));
  each_kind("FIOASYNC", ({
              int on = 1, off = 0;
              int result = ioctl(fd, FIOASYNC, &on);
              int error = errno;
              if (result == 0) {
                result = (fcntl(fd, F_GETFL) & O_ASYNC) != 0;
                ioctl(fd, FIOASYNC, &off);
              }
              errno = error;
              result;
            }));
  each_kind("FIOCLEX", ({
              int result = ioctl(fd, FIOCLEX);
              int error = errno;
              if (result == 0) result = fcntl(fd, F_GETFD);
              ioctl(fd, FIONCLEX);
              errno = error;
              result;
            }));
  each_kind("FIONREAD fault", ioctl(fd, FIONREAD, (void*)8));
  each_kind("FIONBIO fault", ioctl(fd, FIONBIO, (void*)8));
  each_kind("FICLONE bad", ioctl(fd, FICLONE, -1));
}

int main(void) {
  enter_directory("control");
  make_kinds();
  for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
    each_kind(commands[i].name, fcntl(fd, commands[i].command, commands[i].argument));
  }
  flags();
  locks();
  requests();
  return check_done();
}
