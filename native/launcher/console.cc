// Pseudoterminals by ioctl_tty(2) alone: /dev/pts need not be the one that the caller sees.
#include "console.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "descriptors.h"
#include "failure.h"

namespace launcher {
namespace {

bool openPair(Console* console, int* number) {
  console->master = moveHigh(open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (console->master < 0)
    return failErrno("open /dev/ptmx");
  int unlock = 0;
  unsigned index = 0;
  if (ioctl(console->master, TIOCSPTLCK, &unlock) != 0 || ioctl(console->master, TIOCGPTN, &index) != 0) {
    return failErrno("pseudoterminal");
  }
  *number = (int)index;
  console->slave = moveHigh(ioctl(console->master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (console->slave < 0)
    return failErrno("open /dev/pts/%u", index);
  struct termios settings;
  if (tcgetattr(console->slave, &settings) != 0)
    return failErrno("pseudoterminal");
  cfmakeraw(&settings);
  return tcsetattr(console->slave, TCSANOW, &settings) == 0 || failErrno("pseudoterminal");
}

void setInitialSize(const Plan& plan, const Console& console) {
  struct winsize size;
  memset(&size, 0, sizeof size);
  size.ws_row = (unsigned short)plan.number("console.rows", 0);
  size.ws_col = (unsigned short)plan.number("console.columns", 0);
  if (size.ws_row == 0 && size.ws_col == 0 && console.host >= 0)
    ioctl(console.host, TIOCGWINSZ, &size);
  if (size.ws_row != 0 || size.ws_col != 0)
    ioctl(console.slave, TIOCSWINSZ, &size);
}

// As runc: one message whose payload is the terminal's name, with the master attached (SCM_RIGHTS).
bool sendMaster(const char* path, int master, int number) {
  struct sockaddr_un address;
  memset(&address, 0, sizeof address);
  address.sun_family = AF_UNIX;
  if (strlen(path) >= sizeof address.sun_path)
    return fail("dial unix %s: connect: invalid argument", path);
  memcpy(address.sun_path, path, strlen(path));
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || connect(fd, (struct sockaddr*)&address, sizeof address) != 0) {
    failErrno("dial unix %s: connect", path);
    closeQuietly(&fd);
    return false;
  }
  char name[32];
  struct iovec payload = {name, (size_t)snprintf(name, sizeof name, "/dev/pts/%d", number)};
  alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))];
  memset(control, 0, sizeof control);
  struct msghdr message;
  memset(&message, 0, sizeof message);
  message.msg_iov = &payload;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  struct cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  memcpy(CMSG_DATA(header), &master, sizeof master);
  bool sent = sendmsg(fd, &message, MSG_NOSIGNAL) >= 0 || failErrno("send the console to %s", path);
  close(fd);
  return sent;
}

bool makeRaw(Shared* shared, int terminal) {
  if (tcgetattr(terminal, &shared->terminal) != 0)
    return failErrno("terminal");
  struct termios raw = shared->terminal;
  cfmakeraw(&raw);
  // Before the change: a janitor that finds the flag set restores what was saved above.
  shared->rawTerminal = true;
  return tcsetattr(terminal, TCSANOW, &raw) == 0 || failErrno("terminal");
}

} // namespace

bool findHostTerminal(const Plan& plan, Console* console) {
  if (strcmp(plan.text("console.mode"), "tty") != 0)
    return true;
  for (int fd = 0; fd < 3; fd++) {
    if (isatty(fd)) {
      console->host = copyHigh(fd);
      return console->host >= 0 || failErrno("terminal");
    }
  }
  console->host = moveHigh(open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC));
  return console->host >= 0 || failErrno("open /dev/tty");
}

bool openConsole(const Plan& plan, Shared* shared, Console* console) {
  const char* mode = plan.text("console.mode");
  if (mode[0] == 0)
    return true;
  int number = 0;
  if (!openPair(console, &number))
    return false;
  setInitialSize(plan, *console);
  if (strcmp(mode, "tty") == 0) {
    fcntl(console->master, F_SETFL, fcntl(console->master, F_GETFL) | O_NONBLOCK);
    return makeRaw(shared, console->host);
  }
  // A detached launcher leads its own session; without one, the size still arrives when the Sentry asks.
  ioctl(console->slave, TIOCSCTTY, 0);
  if (!sendMaster(plan.text("console.socket"), console->master, number))
    return false;
  closeQuietly(&console->master);
  return true;
}

void updateSize(const Console& console, int* rows, int* columns) {
  struct winsize size;
  memset(&size, 0, sizeof size);
  if (console.host < 0) {
    ioctl(console.slave, TIOCGWINSZ, &size);
  } else if (ioctl(console.host, TIOCGWINSZ, &size) == 0) {
    ioctl(console.master, TIOCSWINSZ, &size);
  }
  *rows = size.ws_row;
  *columns = size.ws_col;
}

void restoreTerminal(Shared* shared, const Console& console) {
  if (!shared->rawTerminal || console.host < 0)
    return;
  tcsetattr(console.host, TCSANOW, &shared->terminal);
  shared->rawTerminal = false;
}

} // namespace launcher
