// Messages with descriptors over unix sockets between our own processes (unix(7), SCM_RIGHTS).
#include <sched.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "addon.h"

namespace {

// SCM_MAX_FD of the kernel.
constexpr size_t maxDescriptors = 253;

union ControlBuffer {
  struct cmsghdr header;
  char bytes[CMSG_SPACE(sizeof(int) * maxDescriptors)];
};

ssize_t Send(int fd, Bytes from, const int32_t* fds, size_t count) {
  struct iovec iov = {from.start, from.length};
  struct msghdr message = {};
  message.msg_iov = &iov;
  message.msg_iovlen = 1;
  ControlBuffer control;
  if (count > 0) {
    message.msg_control = control.bytes;
    message.msg_controllen = CMSG_SPACE(sizeof(int) * count);
    struct cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int) * count);
    memcpy(CMSG_DATA(header), fds, sizeof(int) * count);
  }
  return Restarting([&] { return sendmsg(fd, &message, MSG_NOSIGNAL); });
}

// `fds` has capacity + 1 numbers: the last one is set to how many descriptors came.
ssize_t Receive(int fd, Bytes to, int32_t* fds, size_t capacity) {
  struct iovec iov = {to.start, to.length};
  struct msghdr message = {};
  ControlBuffer control;
  message.msg_iov = &iov;
  message.msg_iovlen = 1;
  message.msg_control = control.bytes;
  message.msg_controllen = sizeof control;
  fds[capacity] = 0;
  ssize_t n = Restarting([&] { return recvmsg(fd, &message, MSG_CMSG_CLOEXEC); });
  if (n < 0)
    return n;
  size_t count = 0;
  for (struct cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
       header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
      continue;
    size_t here = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < here; i++) {
      int received;
      memcpy(&received, CMSG_DATA(header) + i * sizeof(int), sizeof received);
      // More than the caller has room for would leak.
      if (count < capacity)
        fds[count++] = received;
      else
        close(received);
    }
  }
  fds[capacity] = static_cast<int32_t>(count);
  if ((message.msg_flags & MSG_TRUNC) != 0) {
    for (size_t i = 0; i < count; i++)
      close(fds[i]);
    fds[capacity] = 0;
    errno = EMSGSIZE;
    return -1;
  }
  return n;
}

napi_value Socketpair(napi_env env, napi_callback_info info) {
  Args<2> args(env, info);
  Bytes out = args.Array(1);
  if (out.start == nullptr || out.length < 2 * sizeof(int))
    return Result(env, -EFAULT);
  int pair[2];
  if (socketpair(AF_UNIX, args.Int(0) | SOCK_CLOEXEC, 0, pair) < 0)
    return Outcome(env, -1);
  memcpy(out.start, pair, sizeof pair);
  return Result(env, 0);
}

// (fd, bytes): both directions' buffer sizes, beyond the sysctl limit where the process may.
napi_value SetSocketBuffers(napi_env env, napi_callback_info info) {
  Args<2> args(env, info);
  int fd = args.Int(0);
  int size = args.Int(1);
  constexpr int options[2][2] = {{SO_SNDBUFFORCE, SO_SNDBUF}, {SO_RCVBUFFORCE, SO_RCVBUF}};
  for (const int(&option)[2] : options) {
    if (setsockopt(fd, SOL_SOCKET, option[0], &size, sizeof size) == 0)
      continue;
    if (setsockopt(fd, SOL_SOCKET, option[1], &size, sizeof size) < 0)
      return Outcome(env, -1);
  }
  return Result(env, 0);
}

napi_value SendMsg(napi_env env, napi_callback_info info) {
  Args<6> args(env, info);
  Bytes from = args.Range(1);
  Bytes fds = args.Array(4);
  int64_t count = args.Int64(5);
  if (from.start == nullptr || fds.start == nullptr)
    return Result(env, -EFAULT);
  if (count < 0 || static_cast<uint64_t>(count) > maxDescriptors ||
      static_cast<uint64_t>(count) > fds.length / sizeof(int32_t)) {
    return Result(env, -EINVAL);
  }
  return Outcome(env,
                 Send(args.Int(0), from, reinterpret_cast<int32_t*>(fds.start), static_cast<size_t>(count)));
}

napi_value RecvMsg(napi_env env, napi_callback_info info) {
  Args<5> args(env, info);
  Bytes to = args.Range(1);
  Bytes fds = args.Array(4);
  if (to.start == nullptr || fds.start == nullptr || fds.length < sizeof(int32_t))
    return Result(env, -EFAULT);
  size_t capacity = fds.length / sizeof(int32_t) - 1;
  return Outcome(env, Receive(args.Int(0), to, reinterpret_cast<int32_t*>(fds.start), capacity));
}

// (fd, buf, requestLen, fds): sends the first requestLen bytes of buf, waits for the answer, and puts it into
// buf. One call for the round trip that every path lookup beyond the cache costs.
napi_value Exchange(napi_env env, napi_callback_info info) {
  Args<4> args(env, info);
  int fd = args.Int(0);
  Bytes buffer = args.Array(1);
  int64_t length = args.Int64(2);
  Bytes fds = args.Array(3);
  if (buffer.start == nullptr || fds.start == nullptr || fds.length < sizeof(int32_t))
    return Result(env, -EFAULT);
  if (length < 0 || static_cast<uint64_t>(length) > buffer.length)
    return Result(env, -EFAULT);
  if (length < 4)
    return Result(env, -EINVAL);
  // The upper half of the operation tells the gofer where we run: see RunOn.
  uint16_t cpu = static_cast<uint16_t>(sched_getcpu() + 1);
  memcpy(buffer.start + 2, &cpu, sizeof cpu);
  ssize_t sent = Send(fd, {buffer.start, static_cast<size_t>(length)}, nullptr, 0);
  if (sent < 0)
    return Outcome(env, sent);
  size_t capacity = fds.length / sizeof(int32_t) - 1;
  return Outcome(env, Receive(fd, buffer, reinterpret_cast<int32_t*>(fds.start), capacity));
}

// (cpu): this thread stays on one processor. Two processes that take turns should share one: the hand-over is
// then a switch, and nobody has to be woken on another processor.
napi_value RunOn(napi_env env, napi_callback_info info) {
  Args<1> args(env, info);
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<size_t>(args.Int(0)), &set);
  return Outcome(env, sched_setaffinity(0, sizeof set, &set));
}

// (fd): a connection of a listening socket, close-on-exec and non-blocking.
napi_value Accept(napi_env env, napi_callback_info info) {
  Args<1> args(env, info);
  int fd = args.Int(0);
  return Outcome(env,
                 Restarting([&] { return accept4(fd, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK); }));
}

const Entry entries[] = {
    {"socketpair", Socketpair}, {"setSocketBuffers", SetSocketBuffers},
    {"sendMsg", SendMsg},       {"recvMsg", RecvMsg},
    {"exchange", Exchange},     {"runOn", RunOn},
    {"accept", Accept},
};

} // namespace

void RegisterHostSockets(napi_env env, napi_value exports) {
  RegisterAll(env, exports, entries, sizeof entries / sizeof entries[0]);
}
