// Each flag of termios(3), switched from a cooked and from a raw terminal: what the other side reads of the same bytes.

#include "../check.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>

#ifndef EXTPROC
#define EXTPROC 0200000
#endif

static int master, slave;

static void show_bytes(const char* name, const char* side, const unsigned char* bytes, int n) {
  char text[900] = "";
  for (int i = 0; i < n && i < 400; i++) sprintf(text + strlen(text), "%02x", bytes[i]);
  say("ok %s: %s: %d %s\n", name, side, n, text);
}

/** Linux moves bytes from side to side in the background: waits until nothing moves any more. */
static void settle(void) {
  int before[2] = {-1, -1};
  for (int quiet = 0; quiet < 4; quiet++) {
    int now[2] = {0, 0};
    sleep_ms(2);
    ioctl(slave, FIONREAD, &now[0]);
    ioctl(master, FIONREAD, &now[1]);
    if (memcmp(before, now, sizeof now) != 0) quiet = -1;
    memcpy(before, now, sizeof now);
  }
}

/** What can be read, all of it in one line: how a stream is cut is left to chance. */
static void drain(const char* name, const char* side, int fd) {
  unsigned char bytes[512];
  int n = 0;
  struct pollfd one = {fd, POLLIN, 0};
  while (n < (int)sizeof bytes && poll(&one, 1, 0) > 0 && (one.revents & POLLIN) != 0) {
    int got = read(fd, bytes + n, sizeof bytes - n);
    if (got < 0) say("ok %s: %s: %s\n", name, side, strerrorname_np(errno));
    if (got <= 0) break;
    n += got;
    if (fd == master) settle();
  }
  show_bytes(name, side, bytes, n);
}

/** What each read(2) of a line gives. */
static void drain_lines(const char* name, int fd) {
  unsigned char bytes[512];
  for (int i = 0; i < 12; i++) {
    struct pollfd one = {fd, POLLIN, 0};
    if (poll(&one, 1, 0) <= 0 || (one.revents & POLLIN) == 0) break;
    int n = read(fd, bytes, sizeof bytes);
    if (n < 0) say("ok %s: line: %s\n", name, strerrorname_np(errno));
    else show_bytes(name, "line", bytes, n);
    if (n < 0) break;
  }
}

static void exchange(const char* name, const struct termios* to) {
  static const char input[] = "ab\tc\r\nd\x7f" "ef\x17gh i\x15jk\x16\x03l\x12m\x04n\x04\xc3\xa4\x7fo\x01\x1b[A\n\xe1P\x13q\x11r\n";
  static const char output[] = "one\ntwo\r\nthree\tf\x7f\x08\x0b\x0c\x0e\xc3\xa4\n\x01\x1b[mEND\r\r\n";
  tcflush(slave, TCIOFLUSH);
  tcflush(master, TCIOFLUSH);
  if (tcsetattr(slave, TCSANOW, to) < 0) {
    say("ok %s: %s\n", name, strerrorname_np(errno));
    return;
  }
  // Byte by byte: what is echoed may depend on the column.
  for (size_t i = 0; i < sizeof input - 1; i++) {
    // A signal drops what is still on its way.
    if (input[i] == 3 || input[i] == 'P') settle();
    if (write(master, input + i, 1) != 1) say("ok %s: not written at %zu\n", name, i);
  }
  settle();
  int waiting = -1;
  ioctl(slave, FIONREAD, &waiting);
  say("ok %s: FIONREAD: %d\n", name, waiting);
  drain(name, "echo", master);
  drain_lines(name, slave);
  long written = write(slave, output, sizeof output - 1);
  say("ok %s: written: %ld\n", name, written);
  settle();
  drain(name, "output", master);
  tcflow(slave, TCOON);
  tcflush(slave, TCIOFLUSH);
  settle();
  drain(name, "left", master);
}

int main(void) {
  signal(SIGHUP, SIG_IGN);
  signal(SIGINT, SIG_IGN);
  signal(SIGQUIT, SIG_IGN);
  signal(SIGTSTP, SIG_IGN);
  signal(SIGTTOU, SIG_IGN);
  setsid();
  master = must(open("/dev/ptmx", O_RDWR | O_NOCTTY));
  must(unlockpt(master));
  slave = must(open(ptsname(master), O_RDWR | O_NOCTTY | O_NONBLOCK));
  struct termios cooked, raw;
  must(tcgetattr(slave, &cooked));
  say("ok defaults: %#x %#x %#x %#x\n", cooked.c_iflag, cooked.c_oflag, cooked.c_cflag, cooked.c_lflag);
  for (int i = 0; i < NCCS; i++) say("ok c_cc[%d]: %d\n", i, cooked.c_cc[i]);
  say("ok speeds: %d %d\n", cfgetispeed(&cooked), cfgetospeed(&cooked));
  raw = cooked;
  cfmakeraw(&raw);
  exchange("cooked", &cooked);
  exchange("raw", &raw);
  static const char* fields[] = {"iflag", "oflag", "cflag", "lflag"};
  for (int field = 0; field < 4; field++) {
    for (int bit = 0; bit < 17; bit++) {
      for (int base = 0; base < 2; base++) {
        struct termios changed = base ? raw : cooked;
        tcflag_t* flags[] = {&changed.c_iflag, &changed.c_oflag, &changed.c_cflag, &changed.c_lflag};
        // Delays and speeds are no flags; CREAD and HUPCL mean lines.
        if (field == 1 && bit >= 8 && bit < 11) continue;
        if (field == 2 && (bit < 4 || bit == 12 || bit >= 16)) continue;
        *flags[field] ^= 1u << bit;
        char name[64];
        snprintf(name, sizeof name, "%s %s bit %d", base ? "raw" : "cooked", fields[field], bit);
        exchange(name, &changed);
        struct termios now;
        must(tcgetattr(slave, &now));
        say("ok %s: now %#x %#x %#x %#x\n", name, now.c_iflag, now.c_oflag, now.c_cflag, now.c_lflag);
      }
    }
  }
  // Pairs that mean something together.
  static const struct {
    const char* name;
    tcflag_t iflag, oflag, lflag, off_iflag, off_oflag, off_lflag;
  } pairs[] = {
    {"IGNCR INLCR", IGNCR | INLCR, 0, 0, 0, 0, 0},
    {"INLCR", INLCR, 0, 0, ICRNL, 0, 0},
    {"IUCLC", IUCLC, 0, IEXTEN, 0, 0, 0},
    {"OLCUC", 0, OLCUC, 0, 0, 0, 0},
    {"OCRNL ONLRET", 0, OCRNL | ONLRET, 0, 0, 0, 0},
    {"ONOCR", 0, ONOCR, 0, 0, ONLCR, 0},
    {"ONLRET", 0, ONLRET, 0, 0, ONLCR, 0},
    {"XTABS", 0, XTABS, 0, 0, 0, 0},
    {"no ECHO ECHONL", 0, 0, ECHONL, 0, 0, ECHO},
    {"no ECHOE", 0, 0, 0, 0, 0, ECHOE},
    {"ECHOPRT", 0, 0, ECHOPRT, 0, 0, 0},
    {"no ECHOKE", 0, 0, 0, 0, 0, ECHOKE},
    {"no ECHOK no ECHOKE", 0, 0, 0, 0, 0, ECHOK | ECHOKE},
    {"no IEXTEN", 0, 0, 0, 0, 0, IEXTEN},
    {"no ISIG", 0, 0, 0, 0, 0, ISIG},
    {"NOFLSH", 0, 0, NOFLSH, 0, 0, 0},
    {"IUTF8", IUTF8, 0, 0, 0, 0, 0},
    {"no IUTF8", 0, 0, 0, IUTF8, 0, 0},
    {"ISTRIP", ISTRIP, 0, 0, IUTF8, 0, 0},
    {"PARMRK", PARMRK, 0, 0, 0, 0, 0},
    {"IXANY", IXANY, 0, 0, 0, 0, 0},
    {"no IXON", 0, 0, 0, IXON, 0, 0},
    {"EXTPROC", 0, 0, EXTPROC, 0, 0, 0},
  };
  for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
    struct termios changed = cooked;
    changed.c_iflag = (changed.c_iflag & ~pairs[i].off_iflag) | pairs[i].iflag;
    changed.c_oflag = (changed.c_oflag & ~pairs[i].off_oflag) | pairs[i].oflag;
    changed.c_lflag = (changed.c_lflag & ~pairs[i].off_lflag) | pairs[i].lflag;
    exchange(pairs[i].name, &changed);
  }
  // Every control character set to something else, and to none.
  for (int i = 0; i < 17; i++) {
    if (i == VTIME || i == VMIN) continue;
    struct termios changed = cooked;
    char name[32];
    changed.c_cc[i] = 'P';
    snprintf(name, sizeof name, "c_cc[%d] = P", i);
    exchange(name, &changed);
    changed.c_cc[i] = 0;
    snprintf(name, sizeof name, "c_cc[%d] = none", i);
    exchange(name, &changed);
  }
  // Changing between modes with input waiting.
  for (int way = 0; way < 3; way++) {
    static const int when[] = {TCSANOW, TCSADRAIN, TCSAFLUSH};
    char name[64];
    must(tcsetattr(slave, TCSANOW, &cooked));
    must(write(master, "line\nrest", 9));
    settle();
    must(tcsetattr(slave, when[way], &raw));
    snprintf(name, sizeof name, "to raw %d", way);
    drain_lines(name, slave);
    must(write(master, "more\nrest", 9));
    settle();
    must(tcsetattr(slave, when[way], &cooked));
    snprintf(name, sizeof name, "to cooked %d", way);
    drain_lines(name, slave);
    must(write(master, "!\n", 2));
    settle();
    drain_lines(name, slave);
    drain(name, "echo", master);
  }
  return check_done();
}
