// What a terminal in canonical mode shows and gives for what is typed (termios(3)).
#include "../check.h"
#include <poll.h>
#include <termios.h>

static int master, slave;
static struct termios start;

// How an echo is cut into reads is nobody's business.
static const char* joined(const char* shown) {
  static char text[4096];
  size_t to = 0;
  for (; *shown; shown++)
    if (*shown != '|')
      text[to++] = *shown;
  text[to] = 0;
  return text;
}

static int matches(int fd, const char* shown, const char* want) {
  return strstr(fd == master ? joined(shown) : shown, want) != NULL;
}

// What can be read, control characters made visible: until it is what is wanted, and then what comes behind that.
static const char* drain(int fd, const char* want) {
  static char shown[4096];
  char raw[1024];
  size_t used = 0;
  shown[0] = 0;
  for (;;) {
    struct pollfd p = {fd, POLLIN, 0};
    if (poll(&p, 1, matches(fd, shown, want) ? 60 : 10000) <= 0 || (p.revents & POLLIN) == 0)
      break;
    ssize_t n = read(fd, raw, sizeof raw);
    if (n <= 0) {
      used += sprintf(shown + used, "<%s>", n == 0 ? "eof" : strerrorname_np(errno));
      if (n < 0)
        break;
      continue;
    }
    for (ssize_t i = 0; i < n; i++) {
      unsigned char c = raw[i];
      if (c == '\n')
        used += sprintf(shown + used, "$");
      else if (c < 32 || c > 126)
        used += sprintf(shown + used, "{%02x}", c);
      else
        shown[used++] = c;
    }
    used += sprintf(shown + used, "|");
    shown[used] = 0;
  }
  shown[used] = 0;
  if (fd == master) strcpy(shown, joined(shown));
  return shown;
}

// Types `input` and compares the echo and what can be read.
static void types(const char* what, const char* input, const char* echo, const char* read) {
  char name[256];
  if (write(master, input, strlen(input)) < 0)
    say("FAIL write\n");
  snprintf(name, sizeof name, "%s: shows", what);
  same_text(name, drain(master, echo), echo);
  snprintf(name, sizeof name, "%s: gives", what);
  same_text(name, drain(slave, read), read);
}

static void with(tcflag_t iflag, tcflag_t oflag, tcflag_t lflag_on, tcflag_t lflag_off) {
  struct termios t = start;
  t.c_iflag |= iflag;
  t.c_oflag |= oflag;
  t.c_lflag = (t.c_lflag | lflag_on) & ~lflag_off;
  must(tcsetattr(slave, TCSAFLUSH, &t));
}

int main(void) {
  alarm(180);
  signal(SIGINT, SIG_IGN);
  master = must(posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK));
  must(unlockpt(master));
  slave = must(open(ptsname(master), O_RDWR | O_NOCTTY | O_NONBLOCK));
  must(tcgetattr(slave, &start));

  types("a line", "abc\r", "abc{0d}$", "abc$|");
  types("erase", "abc\177\177x\n", "abc{08} {08}{08} {08}x{0d}$", "ax$|");
  types("erase nothing", "\177\n", "{0d}$", "$|");
  types("word erase", "one two  \027x\n", "one two  {08} {08}{08} {08}{08} {08}{08} {08}{08} {08}x{0d}$",
        "one x$|");
  types("word erase stops at a dot", "a.bc\027\n", "a.bc{08} {08}{08} {08}{0d}$", "a.$|");
  types("kill", "abc\025d\n", "abc{08} {08}{08} {08}{08} {08}d{0d}$", "d$|");
  types("control characters", "\001b\177\177\n", "^Ab{08} {08}{08} {08}{08} {08}{0d}$", "$|");
  types("a quoted one", "\026\003\026\n\n", "^{08}^C^{08}^J{0d}$", "{03}$$|");
  types("reprint", "ab\022c\n", "ab^R{0d}$abc{0d}$", "abc$|");
  types("tabs", "a\t\177b\n", "a{09}{08}{08}{08}{08}{08}{08}{08}b{0d}$", "ab$|");
  types("a tab after a tab", "\t12\t\177\177\n", "{09}12{09}{08}{08}{08}{08}{08}{08}{08} {08}{0d}$",
        "{09}1$|");
  types("interrupt", "ab\003cd\n", "^Ccd{0d}$", "cd$|");
  types("end of file", "ab\004", "ab", "ab|");
  types("end of file on an empty line", "\004", "", "<eof>");
  types("stop and start", "\023ab\021\n", "ab{0d}$", "ab$|");

  with(0, 0, ECHOPRT, 0);
  types("ECHOPRT", "abc\177\177d\n", "abc\\cb/d{0d}$", "ad$|");
  types("ECHOPRT to the start", "ab\177\177\n", "ab\\ba/{0d}$", "$|");
  with(0, 0, 0, ECHOE);
  types("without ECHOE", "ab\177c\n", "ab^?c{0d}$", "ac$|");
  with(0, 0, 0, ECHOKE);
  types("without ECHOKE", "ab\025c\n", "ab^U{0d}$c{0d}$", "c$|");
  with(0, 0, 0, ECHOKE | ECHOK);
  types("without ECHOK too", "ab\025c\n", "ab^Uc{0d}$", "c$|");
  with(0, 0, 0, ECHOCTL);
  types("without ECHOCTL", "\001b\177\177c\n", "{01}b{08} {08}c{0d}$", "c$|");
  with(0, 0, 0, ECHO);
  types("without ECHO", "ab\177c\025d\n", "", "d$|");
  with(0, 0, ECHONL, ECHO);
  types("ECHONL", "ab\n", "{0d}$", "ab$|");
  with(0, 0, 0, IEXTEN);
  types("without IEXTEN", "a\026\027b\n", "a^V^Wb{0d}$", "a{16}{17}b$|");
  with(0, 0, 0, ISIG);
  types("without ISIG", "a\003b\n", "a^Cb{0d}$", "a{03}b$|");
  with(0, 0, NOFLSH, 0);
  types("NOFLSH", "ab\003cd\n", "ab^Ccd{0d}$", "abcd$|");
  with(IUTF8, 0, 0, 0);
  types("IUTF8", "a\303\251\177b\n", "a{c3}{a9}{08} {08}b{0d}$", "ab$|");
  with(ISTRIP, 0, 0, 0);
  types("ISTRIP", "\341\n", "a{0d}$", "a$|");
  with(IUCLC, 0, 0, 0);
  types("IUCLC", "ABC\n", "abc{0d}$", "abc$|");
  with(IGNCR, 0, 0, 0);
  types("IGNCR", "a\rb\n", "ab{0d}$", "ab$|");
  with(INLCR, 0, 0, 0);
  types("INLCR", "a\nb\004", "a^Mb", "a{0d}b|");
  with(IXANY, 0, 0, 0);
  types("IXANY", "\023x\n", "x{0d}$", "x$|");
  with(0, OLCUC, 0, 0);
  types("OLCUC", "abc\n", "ABC{0d}$", "abc$|");
  with(0, XTABS, 0, 0);
  types("XTABS", "a\tb\n", "a       b{0d}$", "a{09}b$|");

  struct termios t = start;
  t.c_cc[VEOL] = ';';
  t.c_cc[VEOL2] = ',';
  t.c_cc[VERASE] = '#';
  t.c_cc[VINTR] = _POSIX_VDISABLE;
  must(tcsetattr(slave, TCSAFLUSH, &t));
  types("other characters", "a;bx#,\003\n", "a;bx{08} {08},^C{0d}$", "a;|b,|{03}$|");

  t = start;
  t.c_oflag = OPOST | OCRNL | ONOCR;
  must(tcsetattr(slave, TCSAFLUSH, &t));
  must(write(slave, "a\rb\n", 4));
  same_text("OCRNL", drain(master, "a$b$"), "a$b$");
  t.c_oflag = OPOST | ONOCR;
  must(tcsetattr(slave, TCSAFLUSH, &t));
  must(write(slave, "\r", 1));
  must(write(slave, "xy\r\rz", 5));
  holds("ONOCR", strstr(drain(master, "xy{0d}z"), "xy{0d}z") != NULL);
  return check_done();
}
