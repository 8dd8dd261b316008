// Clocks, randomness, and calls about processes.
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <time.h>
#include <unistd.h>

#include "addon.h"

namespace {

napi_value ClockGettime(napi_env env, napi_callback_info info) {
  Args<2> args(env, info);
  Bytes out = args.Array(1);
  if (out.start == nullptr || out.length < 2 * sizeof(double))
    return Result(env, -EFAULT);
  struct timespec now;
  if (clock_gettime(args.Int(0), &now) < 0)
    return Outcome(env, -1);
  double* numbers = reinterpret_cast<double*>(out.start);
  numbers[0] = static_cast<double>(now.tv_sec);
  numbers[1] = static_cast<double>(now.tv_nsec);
  return Result(env, 0);
}

napi_value MonotonicNs(napi_env env, napi_callback_info) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  napi_value out;
  napi_create_double(env, static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec), &out);
  return out;
}

napi_value Random(napi_env env, napi_callback_info info) {
  Args<3> args(env, info);
  Bytes to = args.Range(0);
  if (to.start == nullptr)
    return Result(env, -EFAULT);
  size_t done = 0;
  // getrandom(2) may come back early beyond 256 bytes when a signal arrives.
  while (done < to.length) {
    ssize_t n = Restarting([&] { return getrandom(to.start + done, to.length - done, 0); });
    if (n < 0)
      return Outcome(env, n);
    done += static_cast<size_t>(n);
  }
  return ResultWide(env, static_cast<int64_t>(done));
}

// (code): at once, and without Node's own end: that waits for threads which a process from an image never
// had.
napi_value Exit(napi_env env, napi_callback_info info) {
  Args<1> args(env, info);
  _exit(args.Int(0));
}

// eventfd(): a counter that starts at zero, close-on-exec.
napi_value Eventfd(napi_env env, napi_callback_info) {
  return Outcome(env, eventfd(0, EFD_CLOEXEC));
}

napi_value Sysinfo(napi_env env, napi_callback_info info) {
  Args<1> args(env, info);
  Bytes out = args.Array(0);
  if (out.start == nullptr || out.length < 9 * sizeof(double))
    return Result(env, -EFAULT);
  struct sysinfo now;
  if (sysinfo(&now) < 0)
    return Outcome(env, -1);
  double unit = now.mem_unit;
  double* numbers = reinterpret_cast<double*>(out.start);
  numbers[0] = static_cast<double>(now.totalram) * unit;
  numbers[1] = static_cast<double>(now.freeram) * unit;
  numbers[2] = static_cast<double>(now.bufferram) * unit;
  numbers[3] = static_cast<double>(now.sharedram) * unit;
  numbers[4] = static_cast<double>(now.uptime);
  for (size_t i = 0; i < 3; i++)
    numbers[5 + i] = static_cast<double>(now.loads[i]);
  numbers[8] = static_cast<double>(sysconf(_SC_NPROCESSORS_ONLN));
  return Result(env, 0);
}

char* CopyString(napi_env env, napi_value value) {
  size_t length = 0;
  if (napi_get_value_string_utf8(env, value, nullptr, 0, &length) != napi_ok)
    return nullptr;
  char* text = static_cast<char*>(malloc(length + 1));
  if (text != nullptr)
    napi_get_value_string_utf8(env, value, text, length + 1, &length);
  return text;
}

void FreeStrings(char** strings) {
  if (strings == nullptr)
    return;
  for (char** each = strings; *each != nullptr; each++)
    free(*each);
  free(strings);
}

// A string[] as execve(2) wants it; null when it isn't one or memory ran out.
char** CopyStrings(napi_env env, napi_value value) {
  uint32_t count = 0;
  if (napi_get_array_length(env, value, &count) != napi_ok)
    return nullptr;
  char** strings = static_cast<char**>(calloc(static_cast<size_t>(count) + 1, sizeof(char*)));
  for (uint32_t i = 0; strings != nullptr && i < count; i++) {
    napi_value element;
    napi_get_element(env, value, i, &element);
    strings[i] = CopyString(env, element);
    if (strings[i] == nullptr) {
      FreeStrings(strings);
      return nullptr;
    }
  }
  return strings;
}

napi_value Execve(napi_env env, napi_callback_info info) {
  Args<3> args(env, info);
  char* path = CopyString(env, args[0]);
  char** argv = CopyStrings(env, args[1]);
  char** envp = CopyStrings(env, args[2]);
  int failure = EINVAL;
  if (path != nullptr && argv != nullptr && envp != nullptr) {
    // Node blocks and ignores signals (SIGPIPE): the new program starts with the defaults.
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    signal(SIGPIPE, SIG_DFL);
    execve(path, argv, envp);
    failure = errno;
  }
  free(path);
  FreeStrings(argv);
  FreeStrings(envp);
  return Result(env, -failure);
}

// pidfdOpen(pid): a descriptor that stands for the process wherever it is sent.
napi_value PidfdOpen(napi_env env, napi_callback_info info) {
  Args<1> args(env, info);
  return Outcome(env, syscall(SYS_pidfd_open, args.Int(0), 0));
}

napi_value Prctl(napi_env env, napi_callback_info info) {
  Args<2> args(env, info);
  return Outcome(env, prctl(args.Int(0), static_cast<unsigned long>(args.Int64(1)), 0UL, 0UL, 0UL));
}

napi_value Kill(napi_env env, napi_callback_info info) {
  Args<2> args(env, info);
  return Outcome(env, kill(args.Int(0), args.Int(1)));
}

napi_value Getpid(napi_env env, napi_callback_info) {
  return Result(env, getpid());
}

// RLIMIT_NOFILE, the soft limit.
napi_value OpenFileLimit(napi_env env, napi_callback_info) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
    return Outcome(env, -1);
  return ResultWide(env, limit.rlim_cur > (1u << 30) ? 1 << 30 : static_cast<int64_t>(limit.rlim_cur));
}

const Entry entries[] = {
    {"clockGettime", ClockGettime},
    {"monotonicNs", MonotonicNs},
    {"random", Random},
    {"sysinfo", Sysinfo},
    {"execve", Execve},
    {"pidfdOpen", PidfdOpen},
    {"prctl", Prctl},
    {"kill", Kill},
    {"getpid", Getpid},
    {"eventfd", Eventfd},
    {"exit", Exit},
    {"openFileLimit", OpenFileLimit},
};

} // namespace

void RegisterProcess(napi_env env, napi_value exports) {
  RegisterAll(env, exports, entries, sizeof entries / sizeof entries[0]);
}
