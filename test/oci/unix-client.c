// A client of a unix socket: what it gets from the other side, and the errors.
#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static struct sockaddr_un address = {.sun_family = AF_UNIX};
static socklen_t length;

static void fails(const char* what) {
  printf("%s: %s\n", what, strerror(errno));
}

static int open_to(const char* path, int type) {
  snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
  length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path) + 1);
  return socket(AF_UNIX, type, 0);
}

static void send_descriptor(int fd) {
  int zero = 0;
  union {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(sizeof(int))];
  } control = {.header = {CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS}};
  memcpy(CMSG_DATA(&control.header), &zero, sizeof zero);
  struct iovec io = {"x", 1};
  struct msghdr message = {
      .msg_iov = &io, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
  if (sendmsg(fd, &message, 0) < 0)
    fails("rights");
}

// Both ways at once, more than fits into any buffer.
static void stream(const char* path) {
  static char data[1 << 20], back[1 << 20];
  int fd = open_to(path, SOCK_STREAM);
  if (connect(fd, (void*)&address, length) != 0) {
    fails("connect");
    return;
  }
  struct sockaddr_un peer;
  socklen_t size = sizeof peer;
  printf("peer %d %s\n", getpeername(fd, (void*)&peer, &size), peer.sun_path);
  if (connect(fd, (void*)&address, length) != 0)
    fails("again");
  struct pollfd polled = {fd, POLLIN | POLLOUT, 0};
  printf("poll %d", poll(&polled, 1, 0));
  printf(" %x\n", polled.revents);
  for (size_t i = 0; i < sizeof data; i++)
    data[i] = (char)(i * 7 >> 3);
  if (fork() == 0) {
    for (size_t at = 0; at < sizeof data;) {
      ssize_t n = write(fd, data + at, sizeof data - at);
      if (n < 0)
        _exit(1);
      at += (size_t)n;
    }
    shutdown(fd, SHUT_WR);
    _exit(0);
  }
  size_t got = 0;
  for (ssize_t n; (n = read(fd, back + got, sizeof back - got)) > 0;)
    got += (size_t)n;
  printf("got %zu, %s\n", got, memcmp(data, back, sizeof data) == 0 ? "the same" : "others");
  printf("end %zd\n", read(fd, back, 1));
  polled.revents = 0;
  poll(&polled, 1, 0);
  printf("hang up %d\n", (polled.revents & POLLHUP) != 0);
  if (send(fd, "x", 1, MSG_NOSIGNAL) < 0)
    fails("send");
}

static void datagrams(const char* path) {
  int fd = open_to(path, SOCK_DGRAM);
  if (sendto(fd, "READY=1", 7, 0, (void*)&address, length) < 0)
    fails("sendto");
  if (connect(fd, (void*)&address, length) != 0)
    fails("connect");
  else if (send(fd, "STATUS=fine", 11, 0) < 0)
    fails("send");
}

int main(int count, char** arguments) {
  setvbuf(stdout, NULL, _IONBF, 0);
  if (count != 3)
    return 2;
  if (strcmp(arguments[1], "stream") == 0)
    stream(arguments[2]);
  else if (strcmp(arguments[1], "datagrams") == 0)
    datagrams(arguments[2]);
  else {
    int fd = open_to(arguments[2], SOCK_STREAM);
    if (connect(fd, (void*)&address, length) != 0)
      fails("connect");
    send_descriptor(fd);
  }
  return 0;
}
