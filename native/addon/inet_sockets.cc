// Calls on the host's sockets that the broker made for guests. None of them waits, and none takes a pointer
// from anybody: addresses, options and ancillary data are byte arrays of the Sentry's.
#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <linux/filter.h>
#include <linux/sockios.h>

#include "addon.h"

namespace {

constexpr int never = MSG_DONTWAIT | MSG_NOSIGNAL | MSG_CMSG_CLOEXEC;

// The broker's protocol: native/launcher/broker_protocol.h.
constexpr size_t requestSize = 152, cpuAt = 4;
constexpr size_t mostDescriptors = 8;

// brokerCall(fd, request, sent, fds): sends the request, with descriptor `sent` unless it is -1, and waits
// for the reply. Descriptors that come go into fds, their count into its last number. -EPIPE: the broker is
// gone.
napi_value BrokerCall(napi_env env, napi_callback_info info) {
  Args<4> args(env, info);
  int fd = args.Int(0), sent = args.Int(2);
  Bytes request = args.Array(1), fds = args.Array(3);
  if (request.start == nullptr || request.length != requestSize || fds.start == nullptr ||
      fds.length < (mostDescriptors + 1) * sizeof(int32_t))
    return Result(env, -EFAULT);
  uint16_t cpu = static_cast<uint16_t>(sched_getcpu() + 1);
  memcpy(request.start + cpuAt, &cpu, sizeof cpu);
  union {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(sizeof(int) * mostDescriptors)];
  } control;
  struct iovec iov = {request.start, request.length};
  struct msghdr message = {};
  message.msg_iov = &iov;
  message.msg_iovlen = 1;
  if (sent >= 0) {
    message.msg_control = control.bytes;
    message.msg_controllen = CMSG_SPACE(sizeof(int));
    control.header.cmsg_level = SOL_SOCKET;
    control.header.cmsg_type = SCM_RIGHTS;
    control.header.cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(&control.header), &sent, sizeof sent);
  }
  if (Restarting([&] { return sendmsg(fd, &message, MSG_NOSIGNAL); }) < 0)
    return Result(env, -EPIPE);
  int32_t reply = -EPIPE;
  iov = {&reply, sizeof reply};
  message.msg_control = control.bytes;
  message.msg_controllen = sizeof control;
  if (Restarting([&] { return recvmsg(fd, &message, MSG_CMSG_CLOEXEC); }) != sizeof reply)
    return Result(env, -EPIPE);
  int32_t count = 0;
  struct cmsghdr* header = CMSG_FIRSTHDR(&message);
  if (header != nullptr && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS) {
    count = static_cast<int32_t>((header->cmsg_len - CMSG_LEN(0)) / sizeof(int));
    memcpy(fds.start, CMSG_DATA(header), static_cast<size_t>(count) * sizeof(int));
  }
  memcpy(fds.start + mostDescriptors * sizeof(int32_t), &count, sizeof count);
  return Result(env, reply);
}

// socketReceive(fd, buf, off, len, flags)
napi_value Receive(napi_env env, napi_callback_info info) {
  Args<5> args(env, info);
  Bytes to = args.Range(1);
  if (to.start == nullptr)
    return Result(env, -EFAULT);
  int fd = args.Int(0), flags = args.Int(4) | never;
  return Outcome(env, Restarting([&] { return recv(fd, to.start, to.length, flags); }));
}

// socketSend(fd, buf, off, len, flags)
napi_value Send(napi_env env, napi_callback_info info) {
  Args<5> args(env, info);
  Bytes from = args.Range(1);
  if (from.start == nullptr)
    return Result(env, -EFAULT);
  int fd = args.Int(0), flags = args.Int(4) | never;
  return Outcome(env, Restarting([&] { return send(fd, from.start, from.length, flags); }));
}

// What comes with a message: three numbers, then room for the address, then for the ancillary data.
struct Extra {
  uint32_t nameLength;
  uint32_t controlLength;
  int32_t flags;
  uint32_t unused;
  uint8_t name[128];
  alignas(8) uint8_t control[4096];
};

// socketReceiveMessage(fd, buf, off, len, flags, extra): extra is an Extra.
napi_value ReceiveMessage(napi_env env, napi_callback_info info) {
  Args<6> args(env, info);
  Bytes to = args.Range(1), out = args.Array(5);
  if (to.start == nullptr || out.start == nullptr || out.length < sizeof(Extra))
    return Result(env, -EFAULT);
  Extra* extra = reinterpret_cast<Extra*>(out.start);
  struct iovec iov = {to.start, to.length};
  struct msghdr message = {};
  message.msg_iov = &iov;
  message.msg_iovlen = 1;
  int fd = args.Int(0), flags = args.Int(4) | never;
  ssize_t n = Restarting([&] {
    message.msg_name = extra->name;
    message.msg_namelen = sizeof extra->name;
    message.msg_control = extra->control;
    message.msg_controllen = sizeof extra->control;
    return recvmsg(fd, &message, flags);
  });
  extra->nameLength = n < 0 ? 0 : message.msg_namelen;
  extra->controlLength = n < 0 ? 0 : static_cast<uint32_t>(message.msg_controllen);
  extra->flags = message.msg_flags;
  return Outcome(env, n);
}

// socketSendMessage(fd, buf, off, len, flags, extra): extra is an Extra; lengths of 0 leave a part out.
napi_value SendMessage(napi_env env, napi_callback_info info) {
  Args<6> args(env, info);
  Bytes from = args.Range(1), in = args.Array(5);
  if (from.start == nullptr || in.start == nullptr || in.length < sizeof(Extra))
    return Result(env, -EFAULT);
  Extra* extra = reinterpret_cast<Extra*>(in.start);
  if (extra->nameLength > sizeof extra->name || extra->controlLength > sizeof extra->control)
    return Result(env, -EFAULT);
  struct iovec iov = {from.start, from.length};
  struct msghdr message = {};
  message.msg_iov = &iov;
  message.msg_iovlen = 1;
  message.msg_name = extra->nameLength == 0 ? nullptr : extra->name;
  message.msg_namelen = extra->nameLength;
  message.msg_control = extra->controlLength == 0 ? nullptr : extra->control;
  message.msg_controllen = extra->controlLength;
  int fd = args.Int(0), flags = args.Int(4) | never;
  return Outcome(env, Restarting([&] { return sendmsg(fd, &message, flags); }));
}

// socketAccept(fd, peer): a non-blocking socket; peer gets the length of its peer's address, in four bytes,
// and the address.
napi_value Accept(napi_env env, napi_callback_info info) {
  Args<2> args(env, info);
  int fd = args.Int(0);
  Bytes peer = args.Array(1);
  struct sockaddr_storage name;
  uint32_t length = sizeof name;
  if (peer.start == nullptr || peer.length < sizeof length + sizeof name)
    return Result(env, -EFAULT);
  int made = Restarting([&] {
    length = sizeof name;
    return accept4(fd, reinterpret_cast<struct sockaddr*>(&name), &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
  });
  if (made < 0)
    return Outcome(env, made);
  memcpy(peer.start, &length, sizeof length);
  memcpy(peer.start + sizeof length, &name, length);
  return Result(env, made);
}

napi_value Listen(napi_env env, napi_callback_info info) {
  Args<2> args(env, info);
  return Outcome(env, listen(args.Int(0), args.Int(1)));
}

napi_value Shutdown(napi_env env, napi_callback_info info) {
  Args<2> args(env, info);
  return Outcome(env, shutdown(args.Int(0), args.Int(1)));
}

// socketName(fd, peer, out): getpeername(2) or getsockname(2); the address's length.
napi_value Name(napi_env env, napi_callback_info info) {
  Args<3> args(env, info);
  Bytes out = args.Array(2);
  if (out.start == nullptr)
    return Result(env, -EFAULT);
  socklen_t length = static_cast<socklen_t>(out.length);
  struct sockaddr* name = reinterpret_cast<struct sockaddr*>(out.start);
  int done = args.Bool(1) ? getpeername(args.Int(0), name, &length) : getsockname(args.Int(0), name, &length);
  return done < 0 ? Outcome(env, -1) : Result(env, static_cast<int32_t>(length));
}

// socketGetOption(fd, level, name, out): bytes filled.
napi_value GetOption(napi_env env, napi_callback_info info) {
  Args<4> args(env, info);
  Bytes out = args.Array(3);
  if (out.start == nullptr)
    return Result(env, -EFAULT);
  socklen_t length = static_cast<socklen_t>(out.length);
  if (getsockopt(args.Int(0), args.Int(1), args.Int(2), out.start, &length) < 0)
    return Outcome(env, -1);
  return Result(env, static_cast<int32_t>(length));
}

napi_value SetOption(napi_env env, napi_callback_info info) {
  Args<4> args(env, info);
  Bytes value = args.Array(3);
  if (value.start == nullptr)
    return Result(env, -EFAULT);
  return Outcome(env, setsockopt(args.Int(0), args.Int(1), args.Int(2), value.start,
                                 static_cast<socklen_t>(value.length)));
}

// socketSetFilter(fd, name, program): a classic BPF program, which the host checks again and runs
// (SO_ATTACH_FILTER, SO_ATTACH_REUSEPORT_CBPF).
napi_value SetFilter(napi_env env, napi_callback_info info) {
  Args<3> args(env, info);
  Bytes program = args.Array(2);
  int name = args.Int(1);
  size_t count = program.length / sizeof(struct sock_filter);
  if (program.start == nullptr || count > BPF_MAXINSNS ||
      (name != SO_ATTACH_FILTER && name != SO_ATTACH_REUSEPORT_CBPF))
    return Result(env, -EINVAL);
  struct sock_fprog filter = {static_cast<unsigned short>(count),
                              reinterpret_cast<struct sock_filter*>(program.start)};
  return Outcome(env, setsockopt(args.Int(0), SOL_SOCKET, name, &filter, sizeof filter));
}

// Questions that fill an int or a struct ifreq, and take nothing but an interface's name or index.
bool IsIntQuestion(unsigned long command) {
  return command == SIOCINQ || command == SIOCOUTQ || command == SIOCATMARK || command == SIOCOUTQNSD;
}
bool IsInterfaceQuestion(unsigned long command) {
  switch (command) {
  case SIOCGIFNAME:
  case SIOCGIFFLAGS:
  case SIOCGIFADDR:
  case SIOCGIFDSTADDR:
  case SIOCGIFBRDADDR:
  case SIOCGIFNETMASK:
  case SIOCGIFMETRIC:
  case SIOCGIFMTU:
  case SIOCGIFHWADDR:
  case SIOCGIFINDEX:
  case SIOCGIFTXQLEN:
  case SIOCGIFMAP:
    return true;
  default:
    return false;
  }
}

// socketQuestion(fd, command, bytes): an ioctl(2) of the two kinds above, on an int or a struct ifreq in
// `bytes`.
napi_value Question(napi_env env, napi_callback_info info) {
  Args<3> args(env, info);
  unsigned long command = args.Uint(1);
  Bytes bytes = args.Array(2);
  size_t needed = IsIntQuestion(command) ? sizeof(int) : sizeof(struct ifreq);
  if (!IsIntQuestion(command) && !IsInterfaceQuestion(command))
    return Result(env, -ENOTTY);
  if (bytes.start == nullptr || bytes.length < needed)
    return Result(env, -EFAULT);
  return Outcome(env, ioctl(args.Int(0), command, bytes.start));
}

// socketInterfaces(fd, out): SIOCGIFCONF; the bytes of struct ifreq[] filled.
napi_value Interfaces(napi_env env, napi_callback_info info) {
  Args<2> args(env, info);
  Bytes out = args.Array(1);
  if (out.start == nullptr)
    return Result(env, -EFAULT);
  struct ifconf list;
  list.ifc_len = static_cast<int>(out.length);
  list.ifc_buf = reinterpret_cast<char*>(out.start);
  return ioctl(args.Int(0), SIOCGIFCONF, &list) < 0 ? Outcome(env, -1) : Result(env, list.ifc_len);
}

const Entry entries[] = {
    {"brokerCall", BrokerCall},
    {"socketReceive", Receive},
    {"socketSend", Send},
    {"socketReceiveMessage", ReceiveMessage},
    {"socketSendMessage", SendMessage},
    {"socketAccept", Accept},
    {"socketListen", Listen},
    {"socketShutdown", Shutdown},
    {"socketName", Name},
    {"socketGetOption", GetOption},
    {"socketSetOption", SetOption},
    {"socketSetFilter", SetFilter},
    {"socketQuestion", Question},
    {"socketInterfaces", Interfaces},
};

} // namespace

void RegisterInetSockets(napi_env env, napi_value exports) {
  RegisterAll(env, exports, entries, sizeof entries / sizeof entries[0]);
}
