// The host's epoll, for guests' instances that watch sockets of the host's.
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "addon.h"

namespace {

napi_value Create(napi_env env, napi_callback_info) {
  return Outcome(env, epoll_create1(EPOLL_CLOEXEC));
}

// An instance knows its files by descriptor, too: those of guests go by the number that the stub has them
// under, so that either may change what the other has added. Whatever of ours has that number makes room
// meanwhile.
int ControlAs(int epoll, int operation, int fd, int number, struct epoll_event* event) {
  int placed = fcntl(fd, F_DUPFD_CLOEXEC, number), saved = -1;
  if (placed < 0)
    return -1;
  if (placed != number) {
    close(placed);
    saved = fcntl(number, F_DUPFD_CLOEXEC, 0);
    if (saved < 0 || dup3(fd, number, O_CLOEXEC) < 0) {
      int error = errno;
      if (saved >= 0)
        close(saved);
      errno = error;
      return -1;
    }
  }
  int r = epoll_ctl(epoll, operation, number, event), error = errno;
  if (saved < 0) {
    close(number);
  } else {
    dup3(saved, number, O_CLOEXEC);
    close(saved);
  }
  errno = error;
  return r;
}

// epollControl(epoll, operation, fd, number, events, dataLow, dataHigh): the instance knows fd by this
// number.
napi_value Control(napi_env env, napi_callback_info info) {
  Args<7> args(env, info);
  struct epoll_event event = {};
  event.events = static_cast<uint32_t>(args.Int(4));
  event.data.u64 = args.Uint(5) | static_cast<uint64_t>(args.Uint(6)) << 32;
  int epoll = args.Int(0), operation = args.Int(1), fd = args.Int(2), number = args.Int(3);
  if (fd == number)
    return Outcome(env, epoll_ctl(epoll, operation, fd, &event));
  return Outcome(env, ControlAs(epoll, operation, fd, number, &event));
}

// epollTake(epoll, events, max): how many struct epoll_event there are now. Never waits.
napi_value Take(napi_env env, napi_callback_info info) {
  Args<3> args(env, info);
  Bytes out = args.Array(1);
  int most = args.Int(2);
  if (out.start == nullptr || most <= 0 ||
      static_cast<size_t>(most) > out.length / sizeof(struct epoll_event))
    return Result(env, -EINVAL);
  int epoll = args.Int(0);
  struct epoll_event* events = reinterpret_cast<struct epoll_event*>(out.start);
  return Outcome(env, Restarting([&] { return epoll_wait(epoll, events, most, 0); }));
}

const Entry entries[] = {
    {"epollCreate", Create},
    {"epollControl", Control},
    {"epollTake", Take},
};

} // namespace

void RegisterEpoll(napi_env env, napi_value exports) {
  RegisterAll(env, exports, entries, sizeof entries / sizeof entries[0]);
}
