// Interrupted calls: sockets, with timeouts and without.
// build: -lrt -lutil
#include "interrupted.h"

static void sockets(void) {
  each("accept", a_listener, connects, { return accept(fd, NULL, NULL) >= 0 ? 1 : -1; });
  each("accept4 with SO_RCVTIMEO", a_listener, connects, {
    a_timeout(SO_RCVTIMEO);
    return accept4(fd, NULL, NULL, SOCK_CLOEXEC) >= 0 ? 1 : -1;
  });
  each("connect of a unix socket", a_full_listener, accepts, { return connects_to_full(); });
  each("connect of a unix socket with SO_SNDTIMEO", a_full_listener, accepts, {
    a_timeout(SO_SNDTIMEO);
    return connects_to_full();
  });
  static const struct {
    const char* name;
    void (*before)(void);
  } readers[] = {{"unix stream", a_stream}, {"unix datagrams", unix_datagrams},
                 {"unix packets", unix_packets},
                 {"TCP", a_connection}, {"UDP", a_udp_socket}},
    writers[] = {{"unix stream", a_full_stream}, {"unix datagrams", a_full_dgram}, {"TCP", a_full_connection}};
  char name[100];
  for (size_t i = 0; i < sizeof readers / sizeof *readers; i++) {
    snprintf(name, sizeof name, "read, %s", readers[i].name);
    each(name, readers[i].before, put, { return read(fd, bytes, 1); });
    snprintf(name, sizeof name, "recv, %s", readers[i].name);
    each(name, readers[i].before, put, { return recv(fd, bytes, 1, 0); });
    snprintf(name, sizeof name, "recv, SO_RCVTIMEO, %s", readers[i].name);
    each(name, readers[i].before, put, {
      a_timeout(SO_RCVTIMEO);
      return recv(fd, bytes, 1, 0);
    });
    snprintf(name, sizeof name, "recvmsg, %s", readers[i].name);
    each(name, readers[i].before, put, {
      struct iovec vector = {bytes, 10};
      struct msghdr m = {.msg_iov = &vector, .msg_iovlen = 1};
      return recvmsg(fd, &m, 0);
    });
    snprintf(name, sizeof name, "recvmmsg, %s", readers[i].name);
    each(name, readers[i].before, put, {
      struct iovec vector = {bytes, 10};
      struct mmsghdr m[2] = {{.msg_hdr = {.msg_iov = &vector, .msg_iovlen = 1}}, {.msg_hdr = {.msg_iov = &vector, .msg_iovlen = 1}}};
      return recvmmsg(fd, m, 2, MSG_WAITFORONE, NULL);
    });
    snprintf(name, sizeof name, "recvmmsg, one there, %s", readers[i].name);
    each(name, readers[i].before, put, {
      struct iovec vector = {bytes, 10};
      struct mmsghdr m[2] = {{.msg_hdr = {.msg_iov = &vector, .msg_iovlen = 1}}, {.msg_hdr = {.msg_iov = &vector, .msg_iovlen = 1}}};
      put();
      return recvmmsg(fd, m, 2, 0, NULL);
    });
    snprintf(name, sizeof name, "MSG_PEEK, %s", readers[i].name);
    each(name, readers[i].before, put, { return recv(fd, bytes, 1, MSG_PEEK); });
    snprintf(name, sizeof name, "MSG_WAITALL, one there, %s", readers[i].name);
    each(name, readers[i].before, put, {
      put();
      return recv(fd, bytes, 2, MSG_WAITALL);
    });
  }
  for (size_t i = 0; i < sizeof writers / sizeof *writers; i++) {
    snprintf(name, sizeof name, "write, %s", writers[i].name);
    each(name, writers[i].before, drain, { return write(fd, bytes, 1); });
    snprintf(name, sizeof name, "send, %s", writers[i].name);
    each(name, writers[i].before, drain, { return send(fd, bytes, 1, 0); });
    snprintf(name, sizeof name, "send, SO_SNDTIMEO, %s", writers[i].name);
    each(name, writers[i].before, drain, {
      a_timeout(SO_SNDTIMEO);
      return send(fd, bytes, 1, 0);
    });
    snprintf(name, sizeof name, "sendmsg, %s", writers[i].name);
    each(name, writers[i].before, drain, {
      struct iovec vector = {bytes, 10};
      struct msghdr m = {.msg_iov = &vector, .msg_iovlen = 1};
      return sendmsg(fd, &m, 0);
    });
    snprintf(name, sizeof name, "sendmmsg, %s", writers[i].name);
    each(name, writers[i].before, drain, {
      struct iovec vector = {bytes, 10};
      struct mmsghdr m[2] = {{.msg_hdr = {.msg_iov = &vector, .msg_iovlen = 1}}, {.msg_hdr = {.msg_iov = &vector, .msg_iovlen = 1}}};
      return sendmmsg(fd, m, 2, 0);
    });
  }
}

int main(void) {
  begin();
  sockets();
  return check_done();
}
