// The broker's seccomp filter: an allow-list; what else is called fails with EPERM.
#include "broker_filter.h"

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "failure.h"

namespace launcher {
namespace {

#if defined(__x86_64__)
constexpr uint32_t kArchitecture = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr uint32_t kArchitecture = AUDIT_ARCH_AARCH64;
#endif

constexpr uint32_t kCalls[] = {
    SYS_recvmsg,           // requests
    SYS_sendmsg,           // replies with descriptors
    SYS_socket,            // what it is for
    SYS_connect,           //
    SYS_bind,              //
    SYS_getsockopt,        // what kind of socket has come
    SYS_close,             // its own copies
    SYS_openat2,           // tables below /proc/net and /proc/sys/net
    SYS_capget,            // a request is served with the guest's capabilities
    SYS_capset,            //
    SYS_sched_setaffinity, // the processor that the Sentry runs on
    SYS_write,             // the log of decisions
    SYS_clock_gettime,     // its times, where the vdso cannot
#ifdef SYS_poll
    SYS_poll, // has a handshake ended
#endif
    SYS_ppoll,           //
    SYS_restart_syscall, // after a stop signal
    SYS_exit_group,      // the end
};
constexpr size_t kCount = sizeof kCalls / sizeof kCalls[0];

} // namespace

bool lockBroker() {
  struct sock_filter program[kCount + 6];
  unsigned short n = 0;
  program[n++] = {BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, arch)};
  program[n++] = {BPF_JMP | BPF_JEQ | BPF_K, 1, 0, kArchitecture};
  program[n++] = {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_KILL_PROCESS};
  program[n++] = {BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, nr)};
  for (size_t index = 0; index < kCount; index++) {
    // To the last instruction, past the rest of the list and the refusal.
    program[n++] = {BPF_JMP | BPF_JEQ | BPF_K, (uint8_t)(kCount - index), 0, kCalls[index]};
  }
  program[n++] = {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | EPERM};
  program[n++] = {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW};
  struct sock_fprog filter = {n, program};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
    return failErrno("no_new_privs");
  return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter) == 0 || failErrno("the broker's filter");
}

} // namespace launcher
