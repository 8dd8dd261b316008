// Interrupted calls: reads, writes, locks and splices.
// build: -lrt -lutil
#include "interrupted.h"

static void files(void) {
  each("read of a pipe", a_pipe, put, { return read(fd, bytes, 1); });
  each("readv of a pipe", a_pipe, put, {
    struct iovec vector[] = {{bytes, 1}, {bytes + 1, 1}};
    return readv(fd, vector, 2);
  });
  each("preadv2 of a pipe", a_pipe, put, {
    struct iovec vector[] = {{bytes, 1}, {bytes + 1, 1}};
    return preadv2(fd, vector, 2, -1, 0);
  });
  each("write to a full pipe", a_full_pipe, drain, { return write(fd, bytes, 10); });
  each("writev to a full pipe", a_full_pipe, drain, {
    struct iovec vector[] = {{bytes, 1}, {bytes + 1, 1}};
    return writev(fd, vector, 2);
  });
  each("write of much to an empty pipe", a_pipe, does({
      must(fcntl(fd, F_SETFL, O_NONBLOCK));
      for (int i = 0; i < 6000 && !told->done; i++) if (read(fd, bytes, sizeof bytes) < 0) sleep_ms(5);
    }), { return write(other, bytes, 100000); });
  each("read of a socket", a_stream, put, { return read(fd, bytes, 1); });
  each("write to a full socket", a_full_stream, drain, { return write(fd, bytes, 10); });
  each("write of much to a socket", a_stream, does({
      must(fcntl(other, F_SETFL, O_NONBLOCK));
      for (int i = 0; i < 6000 && !told->done; i++) if (read(other, bytes, sizeof bytes) < 0) sleep_ms(5);
    }), { return write(fd, bytes, sizeof bytes) > 1000 ? 1 : -1; });
  each("read of a terminal", a_terminal, types, { return read(fd, bytes, 10); });
  each("read of a terminal with VTIME", a_terminal, types, {
    struct termios t;
    must(tcgetattr(fd, &t));
    cfmakeraw(&t);
    t.c_cc[VMIN] = 0;
    t.c_cc[VTIME] = 250;
    must(tcsetattr(fd, TCSANOW, &t));
    return read(fd, bytes, 10);
  });
  each("read of a terminal with VMIN 2, one byte there", a_terminal, does({ types(); types(); }), {
    struct termios t;
    must(tcgetattr(fd, &t));
    cfmakeraw(&t);
    t.c_cc[VMIN] = 4;
    must(tcsetattr(fd, TCSANOW, &t));
    put();
    return read(fd, bytes, 10);
  });
  each("read of a pty's master", a_terminal, does({ if (write(fd, "xyz", 3) != 3) say("FAIL\n"); }), { return read(other, bytes, 10); });
  each("write to a stopped terminal", a_terminal, does({ must(tcflow(fd, TCOON)); }), {
    must(tcflow(fd, TCOOFF));
    return write(fd, bytes, 10);
  });
  each("open of a FIFO for reading", a_fifo, does({ fd = open(bytes, O_WRONLY | O_NONBLOCK); }), { return open(bytes, O_RDONLY) >= 0 ? 1 : -1; });
  each("open of a FIFO for writing", a_fifo, does({ fd = open(bytes, O_RDONLY | O_NONBLOCK); }), { return open(bytes, O_WRONLY) >= 0 ? 1 : -1; });
  each("read of an eventfd", an_eventfd, counts, { return read(fd, bytes, 8); });
  each("write to a full eventfd", a_full_eventfd, takes_count, {
    uint64_t one = 1;
    return write(fd, &one, 8);
  });
  each("read of a timerfd", a_timer, ends_timer, { return read(fd, bytes, 8); });
  each("read of a signalfd", a_signalfd, signals_rtmin, { return read(fd, bytes, 128); });
  each("read of inotify", a_watch, makes_a_file, { return read(fd, bytes, 4096); });
}

static void locks(void) {
  each("flock", does({ a_lock(); must(flock(other, LOCK_EX)); }), does({ must(flock(other, LOCK_UN)); }), { return flock(fd, LOCK_EX); });
  each("F_SETLKW", does({
      a_lock();
      struct flock lock = {.l_type = F_WRLCK};
      must(fcntl(other, F_SETLK, &lock));
    }), does({
      struct flock lock = {.l_type = F_UNLCK};
      must(fcntl(other, F_SETLK, &lock));
    }), {
    struct flock lock = {.l_type = F_WRLCK};
    return fcntl(fd, F_SETLKW, &lock);
  });
  each("F_OFD_SETLKW", does({
      a_lock();
      struct flock lock = {.l_type = F_WRLCK};
      must(fcntl(other, F_OFD_SETLK, &lock));
    }), does({
      struct flock lock = {.l_type = F_UNLCK};
      must(fcntl(other, F_OFD_SETLK, &lock));
    }), {
    struct flock lock = {.l_type = F_WRLCK};
    return fcntl(fd, F_OFD_SETLKW, &lock);
  });
}

static void pipes(void) {
  each("splice from an empty pipe", a_pipe, put, {
    int ends[2];
    must(pipe(ends));
    return splice(fd, NULL, ends[1], NULL, 100, 0);
  });
  each("splice to a full pipe", a_full_pipe, drain, {
    int ends[2];
    must(pipe(ends));
    if (write(ends[1], bytes, 100) != 100) return -2;
    return splice(ends[0], NULL, fd, NULL, 100, 0);
  });
  each("tee from an empty pipe", a_pipe, put, {
    int ends[2];
    must(pipe(ends));
    return tee(fd, ends[1], 100, 0);
  });
  each("tee to a full pipe", a_full_pipe, drain, {
    int ends[2];
    must(pipe(ends));
    if (write(ends[1], bytes, 100) != 100) return -2;
    return tee(ends[0], fd, 100, 0);
  });
  each("vmsplice to a full pipe", a_full_pipe, drain, {
    struct iovec vector = {bytes, 100};
    return vmsplice(fd, &vector, 1, 0);
  });
  each("sendfile to a full pipe", a_full_pipe, drain, {
    int file = open("content", O_RDWR | O_CREAT | O_TRUNC, 0600);
    must(ftruncate(file, 100));
    off_t at = 0;
    long result = sendfile(fd, file, &at, 100);
    told->extra = at;
    return result;
  });
  each("sendfile to an empty pipe", a_pipe, does({
      must(fcntl(fd, F_SETFL, O_NONBLOCK));
      for (int i = 0; i < 6000 && !told->done; i++) if (read(fd, bytes, sizeof bytes) < 0) sleep_ms(5);
    }), {
    int file = open("content", O_RDWR | O_CREAT | O_TRUNC, 0600);
    must(ftruncate(file, 100000));
    off_t at = 0;
    long result = sendfile(other, file, &at, 100000);
    told->extra = at;
    return result;
  });
  each("splice of a file to a full pipe", a_full_pipe, drain, {
    int file = open("content", O_RDWR | O_CREAT | O_TRUNC, 0600);
    must(ftruncate(file, 100));
    off_t at = 0;
    long result = splice(file, &at, fd, NULL, 100, 0);
    told->extra = at;
    return result;
  });
}

int main(void) {
  begin();
  files();
  locks();
  pipes();
  return check_done();
}
