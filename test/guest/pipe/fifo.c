// fifo(7): opening both ends, O_NONBLOCK, O_RDWR, hang-ups.
#include "../check.h"
#include <poll.h>

static int readiness(int fd, int events) {
  struct pollfd p = {.fd = fd, .events = events};
  poll(&p, 1, 0);
  return p.revents;
}

static void on_alarm(int s) {
  (void)s;
}

int main(void) {
  char buf[16];
  enter_directory("fifo");
  must(mkfifo("f", 0640));
  struct stat st;
  must(stat("f", &st));
  equal("type", st.st_mode & S_IFMT, S_IFIFO);
  equal("mode", st.st_mode & 0777, 0640);
  fails("exists", mkfifo("f", 0600), EEXIST);
  fails("no reader", open("f", O_WRONLY | O_NONBLOCK), ENXIO);
  int r = succeeds("reader without writer", open("f", O_RDONLY | O_NONBLOCK));
  equal("no hang-up before a writer came", readiness(r, POLLIN), 0);
  equal("read without writers", read(r, buf, 4), 0);
  int w = succeeds("writer", open("f", O_WRONLY | O_NONBLOCK));
  fails("empty", read(r, buf, 4), EAGAIN);
  equal("write", write(w, "abcd", 4), 4);
  equal("read", read(r, buf, 16), 4);
  close(w);
  equal("hang-up after the writer", readiness(r, POLLIN), POLLHUP);
  w = must(open("f", O_WRONLY));
  equal("no hang-up with a new writer", readiness(r, POLLIN), 0);
  close(r);
  close(w);

  int rw = succeeds("O_RDWR never waits", open("f", O_RDWR));
  must(write(rw, "x", 1));
  equal("reads its own", read(rw, buf, 1), 1);
  close(rw);

  pid_t pid = must(fork());
  if (pid == 0) {
    sleep_ms(50);
    int fd = open("f", O_WRONLY);
    // Opened and closed at once: the blocked reader's open must see it all the same.
    if (fd < 0)
      _exit(1);
    close(fd);
    _exit(0);
  }
  r = succeeds("blocking reader", open("f", O_RDONLY));
  equal("end of file", read(r, buf, 1), 0);
  close(r);
  equal("writer child", status_of(pid), 0);

  pid = must(fork());
  if (pid == 0) {
    sleep_ms(50);
    int fd = open("f", O_RDONLY);
    char c;
    _exit(read(fd, &c, 1) == 1 && c == 'q' ? 0 : 1);
  }
  w = succeeds("blocking writer", open("f", O_WRONLY));
  must(write(w, "q", 1));
  close(w);
  equal("reader child", status_of(pid), 0);

  struct sigaction sa = {.sa_handler = on_alarm};
  sigaction(SIGALRM, &sa, NULL);
  pid = interrupt_asleep(SIGALRM);
  fails("interrupted open", open("f", O_RDONLY), EINTR);
  status_of(pid);
  fails("no reader was left behind", open("f", O_WRONLY | O_NONBLOCK), ENXIO);
  r = must(open("f", O_RDONLY | O_NONBLOCK));
  must(unlink("f"));
  close(r);
  return check_done();
}
