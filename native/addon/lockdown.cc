// A seccomp allow-list for this process: what a taken-over Sentry or gofer cannot ask the host's kernel for.
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "addon.h"

namespace {

#if defined(__x86_64__)
constexpr uint32_t ourArchitecture = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr uint32_t ourArchitecture = AUDIT_ARCH_AARCH64;
#endif

// Three instructions before the list, two after it; a jump's distance is one byte.
constexpr size_t maxCalls = 240;

struct sock_filter Statement(uint16_t code, uint32_t k) {
  return {code, 0, 0, k};
}

// (numbers: Int32Array): from now on every thread may make these calls; others fail with EPERM. The list is
// searched in its order. Calls of another architecture kill the process.
napi_value AllowOnly(napi_env env, napi_callback_info info) {
  Args<1> args(env, info);
  Bytes list = args.Array(0);
  size_t count = list.length / sizeof(int32_t);
  if (list.start == nullptr || count == 0 || count > maxCalls)
    return Result(env, -EINVAL);
  const int32_t* numbers = reinterpret_cast<const int32_t*>(list.start);

  struct sock_filter program[maxCalls + 6];
  size_t n = 0;
  program[n++] = Statement(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch));
  program[n++] = {BPF_JMP | BPF_JEQ | BPF_K, 1, 0, ourArchitecture};
  program[n++] = Statement(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
  program[n++] = Statement(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
  for (size_t i = 0; i < count; i++) {
    // To the last instruction, past the rest of the list and the refusal.
    uint8_t distance = static_cast<uint8_t>(count - i);
    program[n++] = {BPF_JMP | BPF_JEQ | BPF_K, distance, 0, static_cast<uint32_t>(numbers[i])};
  }
  program[n++] = Statement(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM);
  program[n++] = Statement(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);

  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
    return Outcome(env, -1);
  struct sock_fprog filter = {static_cast<unsigned short>(n), program};
  long result = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &filter);
  // A positive result is the thread that could not be included.
  if (result > 0)
    return Result(env, -ESRCH);
  return Outcome(env, result);
}

const Entry entries[] = {{"allowOnly", AllowOnly}};

} // namespace

void RegisterLockdown(napi_env env, napi_value exports) {
  RegisterAll(env, exports, entries, sizeof entries / sizeof entries[0]);
}
