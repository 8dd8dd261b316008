// AF_UNIX SOCK_STREAM (unix(7)): pairs, names, listen and accept, shutdown, flags of send and recv,
// readiness.
#include "../check.h"
#include <poll.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>

static char big[1 << 20];
static volatile int pipe_signals;
static void on_sigpipe(int s) {
  (void)s;
  pipe_signals++;
}

static int readiness(int fd) {
  struct pollfd p = {fd, POLLIN | POLLOUT | POLLRDHUP | POLLPRI, 0};
  poll(&p, 1, 0);
  return p.revents;
}

static struct sockaddr_un addr;
static socklen_t name(const char* text, int abstract) {
  memset(&addr, 0, sizeof addr);
  addr.sun_family = AF_UNIX;
  memcpy(addr.sun_path + abstract, text, strlen(text));
  return offsetof(struct sockaddr_un, sun_path) + abstract + strlen(text) + !abstract;
}
#define A ((struct sockaddr*)&addr)

static void creation(void) {
  int s[2];
  fails("unknown family", socket(45, SOCK_STREAM, 0), EAFNOSUPPORT);
  fails("family out of range", socket(1000, SOCK_STREAM, 0), EAFNOSUPPORT);
  fails("negative family", socket(-1, SOCK_STREAM, 0), EAFNOSUPPORT);
  fails("unknown type", socket(AF_UNIX, 7, 0), ESOCKTNOSUPPORT);
  fails("type out of range", socket(AF_UNIX, 15, 0), EINVAL);
  fails("unknown type flags", socket(AF_UNIX, SOCK_STREAM | 0x100, 0), EINVAL);
  fails("unknown protocol", socket(AF_UNIX, SOCK_STREAM, 17), EPROTONOSUPPORT);
  fails("pair to a bad pointer", syscall(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, (void*)8), EFAULT);
  must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, s));
  equal("cloexec", fcntl(s[0], F_GETFD), FD_CLOEXEC);
  equal("flags", fcntl(s[1], F_GETFL), O_RDWR | O_NONBLOCK);
  struct stat st;
  must(fstat(s[0], &st));
  equal("type", st.st_mode, S_IFSOCK | 0777);
  fails("lseek", lseek(s[0], 0, SEEK_SET), ESPIPE);
  fails("empty", recv(s[0], big, 1, 0), EAGAIN);
  equal("idle", readiness(s[0]), POLLOUT);
  close(s[0]);
  close(s[1]);
  fails("not a socket", listen(1, 1), ENOTSOCK);
  fails("not a descriptor", listen(900, 1), EBADF);
}

static void transfer(void) {
  int s[2], n;
  must(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
  equal("send", send(s[0], "hello ", 6, 0), 6);
  equal("write", write(s[0], "world", 5), 5);
  must(ioctl(s[1], FIONREAD, &n));
  equal("FIONREAD", n, 11);
  equal("peek", recv(s[1], big, 3, MSG_PEEK), 3);
  equal("recv joins", recv(s[1], big, 100, 0), 11);
  holds("content", memcmp(big, "hello world", 11) == 0);
  fails("MSG_DONTWAIT", recv(s[1], big, 1, MSG_DONTWAIT), EAGAIN);
  fails("send to an address", sendto(s[0], "x", 1, 0, A, name("zz", 1)), EISCONN);
  equal("send nothing", send(s[0], "", 0, 0), 0);
  fails("bad buffer", send(s[0], (void*)8, 10, 0), EFAULT);
  fails("bad receive buffer leaves no data", (send(s[0], "x", 1, 0), recv(s[1], (void*)8, 10, 0)), EFAULT);
  recv(s[1], big, 10, MSG_DONTWAIT);
  int zero = 0;
  must(setsockopt(s[1], SOL_SOCKET, SO_PEEK_OFF, &zero, sizeof zero));
  must(send(s[0], "abcdef", 6, 0));
  equal("peek from 0", recv(s[1], big, 2, MSG_PEEK), 2);
  holds("ab", memcmp(big, "ab", 2) == 0);
  equal("peek goes on", recv(s[1], big, 2, MSG_PEEK), 2);
  holds("cd", memcmp(big, "cd", 2) == 0);
  equal("read takes from the start", recv(s[1], big, 3, 0), 3);
  equal("peek offset moved back", recv(s[1], big, 2, MSG_PEEK), 2);
  holds("ef", memcmp(big, "ef", 2) == 0);
  recv(s[1], big, 10, 0);
  pid_t pid = must(fork());
  if (pid == 0) {
    for (int i = 0; i < 5; i++) {
      sleep_ms(20);
      send(s[0], "1234", 4, 0);
    }
    _exit(0);
  }
  equal("MSG_WAITALL", recv(s[1], big, 20, MSG_WAITALL), 20);
  equal("child", status_of(pid), 0);
  // More than any buffer: the sender waits for the reader.
  pid = must(fork());
  if (pid == 0) {
    long sum = 0;
    close(s[0]);
    for (ssize_t got; (got = recv(s[1], big, 50000, 0)) > 0;)
      sum += got;
    _exit(sum == 3L << 20 ? 0 : 1);
  }
  for (int i = 0; i < 3; i++)
    equal("long send", send(s[0], big, sizeof big, 0), sizeof big);
  close(s[0]);
  close(s[1]);
  equal("reader saw all", status_of(pid), 0);
}

static void ends(void) {
  int s[2];
  signal(SIGPIPE, on_sigpipe);
  must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, s));
  must(send(s[0], "abc", 3, 0));
  must(shutdown(s[0], SHUT_WR));
  equal("half closed, data", readiness(s[1]), POLLIN | POLLOUT | POLLRDHUP);
  equal("data first", recv(s[1], big, 10, 0), 3);
  equal("end", recv(s[1], big, 10, 0), 0);
  equal("the other way still goes", send(s[1], "x", 1, 0), 1);
  fails("send after shutdown", send(s[0], "x", 1, MSG_NOSIGNAL), EPIPE);
  equal("MSG_NOSIGNAL", pipe_signals, 0);
  fails("send after shutdown with signal", send(s[0], "x", 1, 0), EPIPE);
  equal("SIGPIPE", pipe_signals, 1);
  fails("unknown how", shutdown(s[0], 3), EINVAL);
  must(shutdown(s[0], SHUT_RD));
  equal("both ways shut", readiness(s[0]), POLLIN | POLLOUT | POLLRDHUP | POLLHUP);
  equal("reads what had come", recv(s[0], big, 10, 0), 1);
  close(s[0]);
  close(s[1]);
  must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, s));
  must(send(s[0], "abc", 3, 0));
  must(send(s[1], "def", 3, 0));
  close(s[1]);
  // The peer left our data unread.
  equal("reset", readiness(s[0]), POLLIN | POLLOUT | POLLRDHUP | POLLHUP | POLLERR);
  equal("its data comes first", recv(s[0], big, 10, 0), 3);
  fails("then the reset", recv(s[0], big, 10, 0), ECONNRESET);
  equal("then the end", recv(s[0], big, 10, 0), 0);
  fails("write to nobody", write(s[0], "x", 1), EPIPE);
  equal("SIGPIPE 2", pipe_signals, 2);
  close(s[0]);
  int u = must(socket(AF_UNIX, SOCK_STREAM, 0));
  equal("unconnected", readiness(u), POLLOUT | POLLHUP);
  fails("send unconnected", send(u, "x", 1, 0), ENOTCONN);
  fails("recv unconnected", recv(u, big, 1, 0), EINVAL);
  fails("peer of nobody", getpeername(u, A, &(socklen_t){sizeof addr}), ENOTCONN);
  close(u);
}

static void names(void) {
  int l = must(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0));
  fails("listen unbound", listen(l, 5), EINVAL);
  fails("accept unbound", accept(l, NULL, NULL), EINVAL);
  socklen_t len = sizeof addr;
  must(getsockname(l, A, &len));
  equal("unnamed", len, 2);
  len = name("sock", 0);
  fails("bad family", ({
          addr.sun_family = AF_INET;
          bind(l, A, len);
        }),
        EINVAL);
  fails("address too long", bind(l, A, 111), EINVAL);
  len = name("missing/sock", 0);
  fails("directory missing", bind(l, A, len), ENOENT);
  len = name("sock", 0);
  must(bind(l, A, len));
  fails("bind twice", bind(l, A, len), EADDRINUSE);
  fails("bind twice to another name", bind(l, A, name("other", 0)), EINVAL);
  len = name("sock", 0);
  struct stat st;
  must(stat("sock", &st));
  equal("node", st.st_mode & S_IFMT, S_IFSOCK);
  fails("open of a socket", open("sock", O_RDWR), ENXIO);
  int other = must(socket(AF_UNIX, SOCK_STREAM, 0));
  fails("name in use", bind(other, A, len), EADDRINUSE);
  fails("nobody listens", connect(other, A, len), ECONNREFUSED);
  fails("connect to a name that is not there", connect(other, A, name("none", 0)), ENOENT);
  make_file("file", "");
  fails("connect to a file", connect(other, A, name("file", 0)), ECONNREFUSED);
  len = sizeof addr;
  must(getsockname(l, A, &len));
  equal("name length", len, 2 + 5);
  same_text("name", addr.sun_path, "sock");
  must(listen(l, 1));
  equal("listening idle", readiness(l), 0);
  fails("nothing to accept", accept(l, NULL, NULL), EAGAIN);
  len = name("sock", 0);
  int d = must(socket(AF_UNIX, SOCK_DGRAM, 0));
  fails("wrong type", connect(d, A, len), EPROTOTYPE);
  close(d);
  must(connect(other, A, len));
  fails("connect twice", connect(other, A, len), EISCONN);
  equal("acceptable", readiness(l), POLLIN);
  must(send(other, "early", 5, 0));
  int c2 = must(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0));
  int c3 = must(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0));
  must(connect(c2, A, len));
  fails("backlog full", connect(c3, A, len), EAGAIN);
  socklen_t alen = sizeof addr;
  int a = must(accept4(l, A, &alen, SOCK_CLOEXEC));
  equal("peer unnamed", alen, 2);
  equal("cloexec", fcntl(a, F_GETFD), FD_CLOEXEC);
  equal("flags are not inherited", fcntl(a, F_GETFL), O_RDWR);
  equal("early data", recv(a, big, 10, 0), 5);
  alen = sizeof addr;
  must(getsockname(a, A, &alen));
  same_text("accepted socket has the listener's name", addr.sun_path, "sock");
  alen = sizeof addr;
  must(getpeername(other, A, &alen));
  same_text("peer's name", addr.sun_path, "sock");
  alen = 4;
  must(getpeername(other, A, &alen));
  equal("full length of a cut name", alen, 7);
  fails("accept4 with unknown flags", accept4(l, NULL, NULL, 1), EINVAL);
  // A connector blocked by the backlog gets in by the accept.
  must(connect(c3, A, name("sock", 0)));
  pid_t pid = must(fork());
  if (pid == 0) {
    int c = socket(AF_UNIX, SOCK_STREAM, 0);
    char x;
    if (connect(c, A, name("sock", 0)) != 0)
      _exit(1);
    _exit(read(c, &x, 1) == 1 ? 0 : 2);
  }
  sleep_ms(50);
  int got[3];
  for (int i = 0; i < 3; i++) {
    struct pollfd p = {l, POLLIN, 0};
    poll(&p, 1, 2000);
    got[i] = must(accept(l, NULL, NULL));
    send(got[i], "x", 1, MSG_NOSIGNAL);
  }
  equal("blocked connector", status_of(pid), 0);
  // Connections that nobody accepts are reset with their listener.
  int c4 = must(socket(AF_UNIX, SOCK_STREAM, 0));
  must(connect(c4, A, name("sock", 0)));
  close(l);
  fails("reset", recv(c4, big, 1, 0), ECONNRESET);
  fails("listener is gone", connect(must(socket(AF_UNIX, SOCK_STREAM, 0)), A, name("sock", 0)), ECONNREFUSED);
  must(unlink("sock"));
}

static void abstract_names(void) {
  int l = must(socket(AF_UNIX, SOCK_STREAM, 0));
  socklen_t len = name("runsc-test-abstract", 1);
  must(bind(l, A, len));
  int o = must(socket(AF_UNIX, SOCK_STREAM, 0));
  fails("in use", bind(o, A, len), EADDRINUSE);
  int d = must(socket(AF_UNIX, SOCK_DGRAM, 0));
  succeeds("names of another type are apart", bind(d, A, len));
  must(listen(l, 0));
  must(connect(o, A, len));
  socklen_t alen = sizeof addr;
  must(getpeername(o, A, &alen));
  equal("length", alen, len);
  equal("starts with NUL", addr.sun_path[0], 0);
  fails("unknown name", connect(must(socket(AF_UNIX, SOCK_STREAM, 0)), A, name("runsc-none", 1)),
        ECONNREFUSED);
  close(l);
  l = must(socket(AF_UNIX, SOCK_STREAM, 0));
  succeeds("free again", bind(l, A, name("runsc-test-abstract", 1)));
  int u = must(socket(AF_UNIX, SOCK_STREAM, 0));
  addr.sun_family = AF_UNIX;
  must(bind(u, A, 2));
  alen = sizeof addr;
  must(getsockname(u, A, &alen));
  equal("autobind length", alen, 2 + 6);
  equal("autobind starts with NUL", addr.sun_path[0], 0);
}

int main(void) {
  enter_directory("unix");
  creation();
  transfer();
  ends();
  names();
  abstract_names();
  return check_done();
}
