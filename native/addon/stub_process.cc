// Stub processes: their memory, signals to them, their sockets, descriptors for them.
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "addon.h"

namespace {

// A guest address beyond 2^53 reaches here as a rounded number: never a valid address, so -EFAULT is right.
napi_value Transfer(napi_env env, napi_callback_info info, long number) {
  Args<5> args(env, info); // pid, addr, buf, off, len
  Bytes range = args.Range(2);
  if (range.start == nullptr)
    return Result(env, -EINVAL);
  double address = args.Double(1);
  if (address < 0 || address > 9e15)
    return Result(env, -EFAULT);
  iovec local = {range.start, range.length};
  iovec remote = {reinterpret_cast<void*>(static_cast<uintptr_t>(address)), range.length};
  long n = syscall(number, args.Int(0), &local, 1, &remote, 1, 0);
  if (n == static_cast<long>(range.length))
    return Result(env, 0);
  return Result(env, n < 0 && errno == ESRCH ? -ESRCH : -EFAULT);
}

napi_value ReadMemory(napi_env env, napi_callback_info info) {
  return Transfer(env, info, SYS_process_vm_readv);
}
napi_value WriteMemory(napi_env env, napi_callback_info info) {
  return Transfer(env, info, SYS_process_vm_writev);
}

// interrupt(tgid, tid)
napi_value Interrupt(napi_env env, napi_callback_info info) {
  Args<2> args(env, info);
  return Outcome(env, syscall(SYS_tgkill, args.Int(0), args.Int(1), SIGUSR1));
}

napi_value KillStub(napi_env env, napi_callback_info info) {
  Args<1> args(env, info);
  return Outcome(env, kill(args.Int(0), SIGKILL));
}

// cpuNs(pid): CPU time of a whole process.
napi_value CpuNs(napi_env env, napi_callback_info info) {
  Args<1> args(env, info);
  clockid_t clock = static_cast<clockid_t>((~static_cast<unsigned>(args.Int(0)) << 3) | 2);
  timespec t = {};
  if (clock_gettime(clock, &t) != 0)
    return Outcome(env, -1);
  return ResultWide(env, static_cast<int64_t>(t.tv_sec) * 1000000000 + t.tv_nsec);
}

// spaceSocket(out: Int32Array): a pair; out[0] is ours and reports who writes, out[1] is the stub's.
napi_value SpaceSocket(napi_env env, napi_callback_info info) {
  Args<1> args(env, info);
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
    return Outcome(env, -1);
  int on = 1;
  setsockopt(pair[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof on);
  int32_t* out = reinterpret_cast<int32_t*>(args.Array(0).start);
  out[0] = pair[0];
  out[1] = pair[1];
  return Result(env, 0);
}

// hello(fd): the host pid of the stub that wrote its byte, as the host kernel vouches; -EAGAIN when it has
// not yet, -ESRCH when it is gone. Never waits.
napi_value Hello(napi_env env, napi_callback_info info) {
  Args<1> args(env, info);
  char byte;
  iovec io = {&byte, 1};
  union {
    char space[CMSG_SPACE(sizeof(ucred))];
    cmsghdr align;
  } control;
  msghdr message = {};
  message.msg_iov = &io;
  message.msg_iovlen = 1;
  message.msg_control = &control;
  message.msg_controllen = sizeof control;
  long n = recvmsg(args.Int(0), &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (n < 0)
    return Outcome(env, -1);
  if (n == 0)
    return Result(env, -ESRCH);
  for (cmsghdr* c = CMSG_FIRSTHDR(&message); c != nullptr; c = CMSG_NXTHDR(&message, c)) {
    if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_CREDENTIALS) {
      ucred who;
      memcpy(&who, CMSG_DATA(c), sizeof who);
      return Result(env, who.pid);
    }
  }
  return Result(env, -ESRCH);
}

// donate(socket, fds: Int32Array, count, thread): 0; the stub's thread of that index gets the descriptors.
// Never waits: -EAGAIN if the peer is stuck.
napi_value Donate(napi_env env, napi_callback_info info) {
  Args<4> args(env, info);
  uint32_t thread = args.Uint(3);
  iovec io = {&thread, sizeof thread};
  union {
    char space[CMSG_SPACE(4 * sizeof(int))];
    cmsghdr align;
  } control;
  int count = args.Int(2);
  if (count < 1 || count > 4)
    return Result(env, -EINVAL);
  msghdr message = {};
  message.msg_iov = &io;
  message.msg_iovlen = 1;
  message.msg_control = &control;
  message.msg_controllen = CMSG_SPACE(static_cast<size_t>(count) * sizeof(int));
  cmsghdr* c = CMSG_FIRSTHDR(&message);
  c->cmsg_level = SOL_SOCKET;
  c->cmsg_type = SCM_RIGHTS;
  c->cmsg_len = CMSG_LEN(static_cast<size_t>(count) * sizeof(int));
  memcpy(CMSG_DATA(c), args.Array(1).start, static_cast<size_t>(count) * sizeof(int));
  long n = sendmsg(args.Int(0), &message, MSG_DONTWAIT | MSG_NOSIGNAL);
  return n == sizeof thread ? Result(env, 0) : Outcome(env, -1);
}

} // namespace

void RegisterStubProcesses(napi_env env, napi_value systrap) {
  static const Entry entries[] = {
      {"readMemory", ReadMemory}, {"writeMemory", WriteMemory},
      {"interrupt", Interrupt},   {"killStub", KillStub},
      {"cpuNs", CpuNs},           {"spaceSocket", SpaceSocket},
      {"hello", Hello},           {"donate", Donate},
  };
  RegisterAll(env, systrap, entries, sizeof entries / sizeof entries[0]);
}
