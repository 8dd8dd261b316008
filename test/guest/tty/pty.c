// Pseudoterminals (pty(7), ioctl_tty(2)): masters, slaves, modes, sizes, packet mode, hang-up.
#include "../check.h"
#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>

static int master, slave;
static char name[64];

static void open_pair(int flags) {
  master = must(posix_openpt(O_RDWR | O_NOCTTY | flags));
  must(grantpt(master));
  must(unlockpt(master));
  must(ptsname_r(master, name, sizeof name));
  slave = must(open(name, O_RDWR | O_NOCTTY | O_NONBLOCK));
}

static void close_pair(void) {
  close(slave);
  close(master);
}

static void set_raw(int vmin, int vtime) {
  struct termios t;
  must(tcgetattr(slave, &t));
  cfmakeraw(&t);
  t.c_cc[VMIN] = vmin;
  t.c_cc[VTIME] = vtime;
  must(tcsetattr(slave, TCSANOW, &t));
}

// What is there to read, as text; waits a moment for it.
static const char* take(int fd) {
  static char text[8192];
  struct pollfd p = {fd, POLLIN, 0};
  poll(&p, 1, 1000);
  ssize_t n = read(fd, text, sizeof text - 1);
  if (n < 0)
    return strerrorname_np(errno);
  text[n] = 0;
  return text;
}

static int events(int fd) {
  struct pollfd p = {fd, POLLIN | POLLOUT | POLLPRI, 0};
  poll(&p, 1, 0);
  return p.revents;
}

static void put(int fd, const char* text) {
  if (write(fd, text, strlen(text)) != (ssize_t)strlen(text))
    say("FAIL write\n");
  // Linux hands the bytes on from a worker.
  sleep_ms(100);
}

static void test_opening(void) {
  int m = must(open("/dev/ptmx", O_RDWR | O_NOCTTY));
  unsigned number;
  int lock = -1;
  must(ioctl(m, TIOCGPTN, &number));
  succeeds("TIOCGPTLCK", ioctl(m, TIOCGPTLCK, &lock));
  equal("a new slave is locked", lock, 1);
  snprintf(name, sizeof name, "/dev/pts/%u", number);
  fails("a locked slave can't be opened", open(name, O_RDWR | O_NOCTTY), EIO);
  lock = 0;
  must(ioctl(m, TIOCSPTLCK, &lock));
  int s = succeeds("an unlocked one can", open(name, O_RDWR | O_NOCTTY));
  equal("the slave is a terminal", isatty(s), 1);
  equal("so is the master", isatty(m), 1);
  struct stat st;
  must(fstat(s, &st));
  equal("a character device", S_ISCHR(st.st_mode), 1);
  equal("of major 136", st.st_rdev >> 8, 136);
  equal("with the pty's number", st.st_rdev & 0xff, number);
  same_text("ttyname", ttyname(s), name);
  fails("TIOCGPTN of a slave", ioctl(s, TIOCGPTN, &number), ENOTTY);
  int peer = succeeds("TIOCGPTPEER", ioctl(m, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
  equal("the peer is closed on exec", fcntl(peer, F_GETFD), FD_CLOEXEC);
  same_text("and has the slave's name", ttyname(peer), name);
  close(peer);
  fails("lseek", lseek(s, 0, SEEK_SET), ESPIPE);
  fails("pread", pread(s, name, 1, 0), ESPIPE);
  int exclusive = -1;
  must(ioctl(s, TIOCEXCL));
  must(ioctl(s, TIOCGEXCL, &exclusive));
  equal("TIOCGEXCL", exclusive, 1);
  must(ioctl(s, TIOCNXCL));
  close(s);
  close(m);
  fails("the node goes with the master", open(name, O_RDWR | O_NOCTTY), ENOENT);
}

static void test_defaults(void) {
  open_pair(0);
  struct termios t;
  must(tcgetattr(slave, &t));
  equal("c_iflag", t.c_iflag, ICRNL | IXON);
  equal("c_oflag", t.c_oflag, OPOST | ONLCR);
  equal("c_cflag", t.c_cflag & ~CBAUD, CS8 | CREAD);
  equal("c_lflag", t.c_lflag, ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN);
  equal("VINTR", t.c_cc[VINTR], 3);
  equal("VERASE", t.c_cc[VERASE], 127);
  equal("VEOF", t.c_cc[VEOF], 4);
  equal("VMIN", t.c_cc[VMIN], 1);
  equal("speed", cfgetospeed(&t), B38400);
  struct termios through;
  must(tcgetattr(master, &through));
  equal("the master shows the slave's", memcmp(&t, &through, sizeof t), 0);
  t.c_cflag = (t.c_cflag & ~(CSIZE | CBAUD)) | CS5 | PARENB | B9600;
  must(tcsetattr(slave, TCSADRAIN, &t));
  must(tcgetattr(slave, &t));
  equal("a pty has eight bits and no parity", t.c_cflag & (CSIZE | PARENB), CS8);
  equal("a new speed", cfgetospeed(&t), B9600);
  int count = -1;
  must(ioctl(slave, TIOCGETD, &count));
  equal("line discipline", count, 0);
  must(ioctl(slave, TIOCGSOFTCAR, &count));
  equal("TIOCGSOFTCAR", count, 0);
  fails("TIOCMGET", ioctl(slave, TIOCMGET, &count), ENOTTY);
  fails("an unknown request", ioctl(slave, 0x5499, &count), ENOTTY);
  fails("TCFLSH with a wrong queue", ioctl(slave, TCFLSH, 3), EINVAL);
  fails("TCXONC with a wrong action", ioctl(slave, TCXONC, 4), EINVAL);
  fails("a bad pointer", ioctl(slave, TCGETS, 8), EFAULT);
  close_pair();
}

static void test_canonical(void) {
  open_pair(O_NONBLOCK);
  same_text("nothing to read", take(slave), "EAGAIN");
  equal("slave events", events(slave), POLLOUT);
  put(master, "hel");
  same_text("half a line is not readable", take(slave), "EAGAIN");
  same_text("but echoed", take(master), "hel");
  put(master, "lo\rnext\n");
  int count = -1;
  must(ioctl(slave, FIONREAD, &count));
  equal("FIONREAD counts lines", count, 11);
  equal("slave events with a line", events(slave), POLLIN | POLLOUT);
  same_text("one line", take(slave), "hello\n");
  same_text("then the next", take(slave), "next\n");
  same_text("the echo", take(master), "lo\r\nnext\r\n");
  put(master, "end\004\004");
  same_text("^D ends a line", take(slave), "end");
  equal("^D alone is end of file", read(slave, name, 10), 0);
  same_text("then nothing", take(slave), "EAGAIN");
  same_text("^D is not echoed", take(master), "end");
  put(slave, "a\nb");
  same_text("output", take(master), "a\r\nb");
  close_pair();
}

static void test_raw(void) {
  open_pair(O_NONBLOCK);
  set_raw(1, 0);
  put(master, "a\r\003");
  same_text("raw bytes", take(slave), "a\r\003");
  same_text("no echo", take(master), "EAGAIN");
  put(slave, "x\n");
  same_text("no output processing", take(master), "x\n");
  fcntl(slave, F_SETFL, O_RDWR);
  set_raw(0, 0);
  equal("VMIN 0, VTIME 0 returns at once", read(slave, name, 10), 0);
  set_raw(0, 2);
  long before = now_ns(CLOCK_MONOTONIC);
  equal("VTIME runs out", read(slave, name, 10), 0);
  long tenths = (now_ns(CLOCK_MONOTONIC) - before) / 100000000;
  holds("after two tenths of a second", tenths >= 1 && tenths <= 100);
  put(master, "pq");
  equal("VTIME with data returns it", read(slave, name, 10), 2);
  set_raw(3, 0);
  put(master, "12");
  equal("below VMIN it is not readable", events(slave) & POLLIN, 0);
  put(master, "345");
  equal("from VMIN on it is", events(slave) & POLLIN, POLLIN);
  equal("and all is read", read(slave, name, 10), 5);
  put(master, "7");
  equal("a small buffer lowers VMIN", read(slave, name, 1), 1);
  set_raw(5, 1);
  put(master, "89");
  equal("VTIME between bytes gives what came", read(slave, name, 10), 2);
  struct termios t;
  set_raw(1, 0);
  put(master, "kept");
  must(tcgetattr(slave, &t));
  t.c_lflag |= ICANON;
  must(tcsetattr(slave, TCSANOW, &t));
  equal("raw input becomes a line", read(slave, name, 10), 4);
  put(master, "gone");
  t.c_lflag &= ~ICANON;
  must(tcsetattr(slave, TCSAFLUSH, &t));
  fcntl(slave, F_SETFL, O_RDWR | O_NONBLOCK);
  same_text("TCSAFLUSH drops input", take(slave), "EAGAIN");
  put(master, "gone");
  must(tcflush(slave, TCIFLUSH));
  same_text("TCIFLUSH drops input", take(slave), "EAGAIN");
  close_pair();
}

static void test_flow(void) {
  open_pair(O_NONBLOCK);
  put(master, "\023");
  fails("^S stops output", write(slave, "x", 1), EAGAIN);
  equal("not writable", events(slave), 0);
  put(master, "\021");
  equal("^Q starts it", write(slave, "x", 1), 1);
  same_text("and it arrives", take(master), "x");
  must(tcflow(slave, TCOOFF));
  put(master, "\021");
  fails("TCOOFF holds against ^Q", write(slave, "x", 1), EAGAIN);
  must(tcflow(slave, TCOON));
  equal("TCOON starts it", write(slave, "y", 1), 1);
  same_text("y", take(master), "y");
  must(tcflow(slave, TCIOFF));
  same_text("TCIOFF sends ^S", take(master), "\023");
  must(tcflow(slave, TCION));
  same_text("TCION sends ^Q", take(master), "\021");
  int count = -1;
  must(ioctl(slave, TIOCOUTQ, &count));
  equal("TIOCOUTQ", count, 0);
  close_pair();
}

static void test_winsize(void) {
  open_pair(0);
  struct winsize w = {1, 1, 1, 1};
  must(ioctl(slave, TIOCGWINSZ, &w));
  equal("no size at first", w.ws_row | w.ws_col | w.ws_xpixel | w.ws_ypixel, 0);
  w.ws_row = 24;
  w.ws_col = 80;
  must(ioctl(master, TIOCSWINSZ, &w));
  memset(&w, 0, sizeof w);
  must(ioctl(slave, TIOCGWINSZ, &w));
  equal("rows", w.ws_row, 24);
  equal("columns", w.ws_col, 80);
  close_pair();
}

static void test_packets(void) {
  open_pair(O_NONBLOCK);
  int on = 1;
  char buf[16];
  must(ioctl(master, TIOCPKT, &on));
  on = 0;
  must(ioctl(master, TIOCGPKT, &on));
  equal("TIOCGPKT", on, 1);
  put(slave, "hi");
  equal("data with its byte", read(master, buf, 16), 3);
  equal("TIOCPKT_DATA", buf[0], 0);
  equal("then the data", memcmp(buf + 1, "hi", 2), 0);
  must(tcflow(slave, TCOOFF));
  equal("a state change is urgent", events(master) & (POLLIN | POLLPRI), POLLIN | POLLPRI);
  equal("one byte", read(master, buf, 16), 1);
  equal("TIOCPKT_STOP", buf[0], TIOCPKT_STOP);
  must(tcflow(slave, TCOON));
  equal("one byte", read(master, buf, 16), 1);
  equal("TIOCPKT_START", buf[0], TIOCPKT_START);
  struct termios t;
  must(tcgetattr(slave, &t));
  t.c_iflag &= ~IXON;
  must(tcsetattr(slave, TCSANOW, &t));
  equal("one byte", read(master, buf, 16), 1);
  equal("TIOCPKT_NOSTOP", buf[0], TIOCPKT_NOSTOP);
  t.c_iflag |= IXON;
  must(tcsetattr(slave, TCSANOW, &t));
  equal("one byte", read(master, buf, 16), 1);
  equal("TIOCPKT_DOSTOP", buf[0], TIOCPKT_DOSTOP);
  must(tcflush(slave, TCIFLUSH));
  equal("one byte", read(master, buf, 16), 1);
  equal("TIOCPKT_FLUSHREAD", buf[0], TIOCPKT_FLUSHREAD);
  close_pair();
}

static void test_limits(void) {
  open_pair(O_NONBLOCK);
  struct termios t;
  must(tcgetattr(slave, &t));
  t.c_lflag &= ~ECHO;
  must(tcsetattr(slave, TCSANOW, &t));
  static char big[6000];
  memset(big, 'z', sizeof big);
  equal("a long line is taken whole", write(master, big, 5000), 5000);
  put(master, "\n");
  struct pollfd p = {slave, POLLIN, 0};
  poll(&p, 1, 10000);
  equal("and read up to 4096 bytes", read(slave, big, sizeof big), 4096);
  equal("its newline with it", big[4095], '\n');
  close_pair();
}

static void test_hangup(void) {
  open_pair(O_NONBLOCK);
  close(slave);
  equal("the last slave's end hangs the master up", events(master) & (POLLIN | POLLHUP), POLLHUP);
  fails("nothing to read then", read(master, name, 1), EIO);
  equal("writing still works", write(master, "x", 1), 1);
  must(ptsname_r(master, name, sizeof name));
  slave = must(open(name, O_RDWR | O_NOCTTY | O_NONBLOCK));
  equal("a new slave ends it", events(master) & POLLHUP, 0);
  // The x reaches the line discipline through a queue: its echo may still be under way.
  struct pollfd echo = {master, POLLIN, 0};
  equal("the x is echoed", poll(&echo, 1, 60000), 1);
  put(slave, "last words");
  close(slave);
  same_text("output outlives the slave", take(master), "xlast words");
  fails("and then", read(master, name, 1), EIO);
  slave = must(open(name, O_RDWR | O_NOCTTY | O_NONBLOCK));
  close(master);
  equal("events after the master's end", events(slave), POLLIN | POLLOUT | POLLERR | POLLHUP);
  equal("end of file", read(slave, name, 1), 0);
  fails("write", write(slave, "x", 1), EIO);
  struct termios t;
  fails("ioctl", ioctl(slave, TCGETS, &t), EIO);
  pid_t group = 1;
  fails("TIOCSPGRP", ioctl(slave, TIOCSPGRP, &group), ENOTTY);
  close(slave);
}

int main(void) {
  alarm(180);
  test_opening();
  test_defaults();
  test_canonical();
  test_raw();
  test_flow();
  test_winsize();
  test_packets();
  test_limits();
  test_hangup();
  return check_done();
}
