// Requests come from the Sentry, which a guest may have taken over: each is checked here as if by the kernel.
#include "broker_serve.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <linux/openat2.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "broker_protocol.h"

namespace launcher {
namespace {

constexpr size_t kShortestSockaddrIn6 = 24;

struct Sockets {
  int fd[kBrokerMostSockets];
  int count = 0;
};

union Control {
  struct cmsghdr header;
  char bytes[CMSG_SPACE(sizeof(int) * kBrokerMostSockets)];
};

// capabilities(7): those of the guest thread for whom the request is. The permitted set stays.
void actFor(unsigned rights) {
  static unsigned now = ~0u;
  if (rights == now)
    return;
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct data[2];
  memset(data, 0, sizeof data);
  if (syscall(SYS_capget, &header, data) != 0)
    return;
  data[0].effective =
      ((rights & kBrokerMayBindLow) != 0 ? data[0].permitted & (1u << CAP_NET_BIND_SERVICE) : 0) |
      ((rights & kBrokerMayRaw) != 0 ? data[0].permitted & (1u << CAP_NET_RAW) : 0);
  if (syscall(SYS_capset, &header, data) == 0)
    now = rights;
}

bool isKnownSocket(const BrokerService& service, int family, int type, int protocol) {
  bool mayRaw = (service.rights & kBrokerMayRaw) != 0 && !service.policy.hasRules();
  switch (family) {
  case AF_INET:
  case AF_INET6:
    if (type == SOCK_STREAM)
      return protocol == 0 || protocol == IPPROTO_TCP;
    if (type == SOCK_DGRAM) {
      int ping = family == AF_INET ? (int)IPPROTO_ICMP : (int)IPPROTO_ICMPV6;
      return protocol == 0 || protocol == IPPROTO_UDP || protocol == IPPROTO_UDPLITE || protocol == ping;
    }
    return type == SOCK_RAW && mayRaw && protocol > 0 && protocol < 256;
  case AF_NETLINK:
    return (type == SOCK_RAW || type == SOCK_DGRAM) &&
           (protocol == NETLINK_ROUTE || protocol == NETLINK_SOCK_DIAG);
  case AF_PACKET:
    return (type == SOCK_RAW || type == SOCK_DGRAM) && mayRaw && protocol >= 0 && protocol < 65536;
  default:
    return false;
  }
}

int makeSockets(const BrokerService& service, const BrokerRequest& request, Sockets* made) {
  if (!isKnownSocket(service, request.a, request.b, request.c))
    return -EPROTONOSUPPORT;
  if (request.length < 1 || request.length > kBrokerMostSockets)
    return -EINVAL;
  while (made->count < (int)request.length) {
    int fd = socket(request.a, request.b | SOCK_NONBLOCK | SOCK_CLOEXEC, request.c);
    if (fd < 0)
      return made->count > 0 ? made->count : -errno;
    made->fd[made->count++] = fd;
  }
  return made->count;
}

// The address in a form of the broker's own: of the socket's family, of a length that its family has.
int copyAddress(const BrokerRequest& request, int family, struct sockaddr_storage* out, socklen_t* length) {
  memset(out, 0, sizeof *out);
  if (request.length < sizeof(sa_family_t) || request.length > kBrokerBytes)
    return -EINVAL;
  memcpy(&out->ss_family, request.bytes, sizeof out->ss_family);
  size_t least = 0, most = 0;
  switch (out->ss_family) {
  case AF_UNSPEC:
    // connect(2): dissolves an association; bind(2) of AF_INET takes it for AF_INET.
    least = sizeof(sa_family_t);
    most = family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
    break;
  case AF_INET:
    least = most = sizeof(struct sockaddr_in);
    break;
  case AF_INET6:
    least = kShortestSockaddrIn6;
    most = sizeof(struct sockaddr_in6);
    break;
  case AF_NETLINK:
    least = most = sizeof(struct sockaddr_nl);
    break;
  case AF_PACKET:
    least = offsetof(struct sockaddr_ll, sll_addr);
    most = sizeof(struct sockaddr_ll);
    break;
  default:
    return -EAFNOSUPPORT;
  }
  bool kin = (family == AF_INET || family == AF_INET6) &&
             (out->ss_family == AF_INET || out->ss_family == AF_INET6 || out->ss_family == AF_UNSPEC);
  if (!kin && out->ss_family != family)
    return -EAFNOSUPPORT;
  if (request.length < least)
    return -EINVAL;
  *length = (socklen_t)(request.length < most ? request.length : most);
  memcpy(out, request.bytes, *length);
  return 0;
}

int option(int fd, int level, int name) {
  int value = 0;
  socklen_t length = sizeof value;
  return getsockopt(fd, level, name, &value, &length) == 0 ? value : -errno;
}

int socketOption(int fd, int name) {
  return option(fd, SOL_SOCKET, name);
}

int useAddress(const BrokerService& service, const BrokerRequest& request, int fd) {
  int family = fd < 0 ? -EBADF : socketOption(fd, SO_DOMAIN);
  if (family < 0)
    return family;
  struct sockaddr_storage address;
  socklen_t length;
  int bad = copyAddress(request, family, &address, &length);
  if (bad < 0)
    return bad;
  const struct sockaddr* to = (const struct sockaddr*)&address;
  bool binds = request.operation == kBrokerBind;
  // AF_UNSPEC at bind(2) means AF_INET where it means anything.
  if (binds && family == AF_INET && address.ss_family == AF_UNSPEC && length == sizeof(struct sockaddr_in)) {
    address.ss_family = AF_INET;
    bool permitted = service.policy.permits(NetAction::bind, socketOption(fd, SO_PROTOCOL), to);
    address.ss_family = AF_UNSPEC;
    if (!permitted)
      return -EACCES;
  } else if (!service.policy.permits(binds ? NetAction::bind : NetAction::connect,
                                     socketOption(fd, SO_PROTOCOL), to)) {
    return -EACCES;
  }
  // What it is at bind(2) stays: IPV6_V6ONLY can't be set afterwards.
  if (binds && family == AF_INET6 && option(fd, IPPROTO_IPV6, IPV6_V6ONLY) == 0 &&
      service.policy.forbidsDualBind(socketOption(fd, SO_PROTOCOL), to))
    return -EACCES;
  if (binds)
    return bind(fd, to, length) == 0 ? 0 : -errno;
  if (connect(fd, to, length) == 0)
    return 0;
  int error = errno;
  if (error != EINPROGRESS || request.a == 0)
    return -error;
  // Within one machine the handshake is over by now: the second call tells, as the first would have told a
  // waiter.
  struct pollfd ready = {fd, POLLOUT, 0};
  if (poll(&ready, 1, 0) != 1)
    return -EINPROGRESS;
  return connect(fd, to, length) == 0 ? 0 : -errno;
}

int openFile(const BrokerService& service, const BrokerRequest& request) {
  if (request.length == 0 || request.length >= kBrokerBytes)
    return -ENOENT;
  char path[kBrokerBytes];
  memcpy(path, request.bytes, request.length);
  path[request.length] = 0;
  if (strlen(path) != request.length)
    return -ENOENT;
  struct open_how how;
  memset(&how, 0, sizeof how);
  how.flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV;
  int directory = request.a == 0 ? service.procNet : service.sysNet;
  int fd = (int)syscall(SYS_openat2, directory, path, &how, sizeof how);
  return fd < 0 ? -errno : fd;
}

int check(const BrokerService& service, const BrokerRequest& request) {
  struct sockaddr_storage address;
  socklen_t length;
  int bad = copyAddress(request, AF_INET6, &address, &length);
  if (bad < 0)
    return bad;
  return service.policy.permits(NetAction::send, request.a, (const struct sockaddr*)&address) ? 0 : -EACCES;
}

int serve(const BrokerService& service, const BrokerRequest& request, int fd, Sockets* made) {
  actFor(request.rights & service.rights);
  switch (request.operation) {
  case kBrokerSocket:
    return makeSockets(service, request, made);
  case kBrokerConnect:
  case kBrokerBind:
    return useAddress(service, request, fd);
  case kBrokerOpen: {
    int opened = openFile(service, request);
    if (opened < 0)
      return opened;
    made->fd[made->count++] = opened;
    return 0;
  }
  case kBrokerCheck:
    return check(service, request);
  default:
    return -ENOSYS;
  }
}

// The descriptors of a message, in order: the first is returned (or -1), the others are nobody's.
int takeDescriptor(struct msghdr* message) {
  int first = -1;
  for (struct cmsghdr* header = CMSG_FIRSTHDR(message); header != nullptr;
       header = CMSG_NXTHDR(message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
      continue;
    size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t index = 0; index < count; index++) {
      int fd;
      memcpy(&fd, CMSG_DATA(header) + index * sizeof(int), sizeof fd);
      if (first < 0)
        first = fd;
      else
        close(fd);
    }
  }
  return first;
}

bool answer(int socket, const BrokerReply& reply, const Sockets& made) {
  struct iovec iov = {const_cast<BrokerReply*>(&reply), sizeof reply};
  struct msghdr message;
  memset(&message, 0, sizeof message);
  message.msg_iov = &iov;
  message.msg_iovlen = 1;
  Control control;
  if (made.count > 0) {
    memset(&control, 0, sizeof control);
    size_t size = sizeof(int) * (size_t)made.count;
    message.msg_control = control.bytes;
    message.msg_controllen = CMSG_SPACE(size);
    control.header.cmsg_level = SOL_SOCKET;
    control.header.cmsg_type = SCM_RIGHTS;
    control.header.cmsg_len = CMSG_LEN(size);
    memcpy(CMSG_DATA(&control.header), made.fd, size);
  }
  ssize_t sent;
  while ((sent = sendmsg(socket, &message, MSG_NOSIGNAL)) < 0 && errno == EINTR) {
  }
  return sent == (ssize_t)sizeof reply;
}

void follow(uint16_t cpu) {
  static uint16_t now = 0;
  if (cpu == now || cpu == 0 || cpu > CPU_SETSIZE)
    return;
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET((size_t)cpu - 1, &set);
  sched_setaffinity(0, sizeof set, &set);
  now = cpu;
}

} // namespace

void serveBroker(const BrokerService& service) {
  for (;;) {
    BrokerRequest request;
    Control control;
    struct iovec iov = {&request, sizeof request};
    struct msghdr message;
    memset(&message, 0, sizeof message);
    message.msg_iov = &iov;
    message.msg_iovlen = 1;
    message.msg_control = control.bytes;
    message.msg_controllen = sizeof control;
    ssize_t got = recvmsg(service.socket, &message, MSG_CMSG_CLOEXEC);
    if (got < 0 && errno == EINTR)
      continue;
    if (got <= 0)
      return;
    int fd = takeDescriptor(&message);
    Sockets made;
    BrokerReply reply = {-EINVAL};
    if (got == (ssize_t)sizeof request) {
      follow(request.cpu);
      reply.result = serve(service, request, fd, &made);
    }
    // Before the answer: a socket that its owner closes after that has to be gone then, and its port free.
    if (fd >= 0)
      close(fd);
    bool answered = answer(service.socket, reply, made);
    for (int index = 0; index < made.count; index++)
      close(made.fd[index]);
    if (!answered)
      return;
  }
}

} // namespace launcher
