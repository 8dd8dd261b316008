// The host's epoll, for guests' instances that watch sockets of the host's.
#include <string.h>
#include <sys/epoll.h>

#include "addon.h"

namespace {

napi_value Create(napi_env env, napi_callback_info) {
  return Outcome(env, epoll_create1(EPOLL_CLOEXEC));
}

// epollControl(epoll, operation, fd, events, dataLow, dataHigh)
napi_value Control(napi_env env, napi_callback_info info) {
  Args<6> args(env, info);
  struct epoll_event event = {};
  event.events = static_cast<uint32_t>(args.Int(3));
  event.data.u64 = args.Uint(4) | static_cast<uint64_t>(args.Uint(5)) << 32;
  return Outcome(env, epoll_ctl(args.Int(0), args.Int(1), args.Int(2), &event));
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
