// What the addon's source files share: reading JavaScript arguments, making results, registering functions.
#ifndef RUNSC_ADDON_ADDON_H
#define RUNSC_ADDON_ADDON_H

#include <errno.h>
#include <node_api.h>
#include <stddef.h>
#include <stdint.h>

// One function of the addon.
struct Entry {
  const char* name;
  napi_callback function;
};

void RegisterAll(napi_env env, napi_value exports, const Entry* entries, size_t count);

void RegisterEngine(napi_env env, napi_value exports);
void RegisterImage(napi_env env, napi_value exports);
void RegisterHostFiles(napi_env env, napi_value exports);
void RegisterMappings(napi_env env, napi_value exports);
void RegisterHostSockets(napi_env env, napi_value exports);
void RegisterEpoll(napi_env env, napi_value exports);
void RegisterInetSockets(napi_env env, napi_value exports);
void RegisterProcess(napi_env env, napi_value exports);
void RegisterGoferFiles(napi_env env, napi_value exports);
void RegisterLockdown(napi_env env, napi_value exports);
// Absent from a build without the systrap platform: null then.
__attribute__((weak)) void RegisterSystrap(napi_env env, napi_value exports);
void RegisterStubProcesses(napi_env env, napi_value systrap);

// A byte range of a Uint8Array: start is null when the arguments name no valid range.
struct Bytes {
  uint8_t* start;
  size_t length;
};

// The arguments of one call. Values of a wrong type read as 0: the addon's only caller is typed.
template <size_t N> class Args {
public:
  Args(napi_env env, napi_callback_info info) : env_(env) {
    size_t count = N;
    napi_get_cb_info(env, info, &count, values_, nullptr, nullptr);
  }

  int32_t Int(size_t i) const {
    int32_t value = 0;
    napi_get_value_int32(env_, values_[i], &value);
    return value;
  }
  // Flags and ids that use the 32nd bit.
  uint32_t Uint(size_t i) const {
    uint32_t value = 0;
    napi_get_value_uint32(env_, values_[i], &value);
    return value;
  }
  double Double(size_t i) const {
    double value = 0;
    napi_get_value_double(env_, values_[i], &value);
    return value;
  }
  int64_t Int64(size_t i) const {
    int64_t value = 0;
    napi_get_value_int64(env_, values_[i], &value);
    return value;
  }
  bool Bool(size_t i) const {
    bool value = false;
    napi_get_value_bool(env_, values_[i], &value);
    return value;
  }
  // The whole of a typed array, in bytes.
  Bytes Array(size_t i) const {
    napi_typedarray_type type;
    size_t elements = 0;
    void* data = nullptr;
    if (napi_get_typedarray_info(env_, values_[i], &type, &elements, &data, nullptr, nullptr) != napi_ok) {
      return {nullptr, 0};
    }
    static uint8_t empty;
    size_t bytes = elements * ElementSize(type);
    return {bytes == 0 ? &empty : static_cast<uint8_t*>(data), bytes};
  }
  // Arguments i, i+1, i+2 as (Uint8Array, offset, length).
  Bytes Range(size_t i) const {
    Bytes all = Array(i);
    int64_t offset = Int64(i + 1);
    int64_t length = Int64(i + 2);
    if (all.start == nullptr || offset < 0 || length < 0)
      return {nullptr, 0};
    if (static_cast<uint64_t>(offset) > all.length)
      return {nullptr, 0};
    if (static_cast<uint64_t>(length) > all.length - static_cast<uint64_t>(offset))
      return {nullptr, 0};
    return {all.start + offset, static_cast<size_t>(length)};
  }
  // A latin1 string into `out`: 0, -ENAMETOOLONG, or -EINVAL for a NUL inside.
  int String(size_t i, char* out, size_t capacity) const {
    size_t length = 0;
    if (napi_get_value_string_latin1(env_, values_[i], nullptr, 0, &length) != napi_ok)
      return -EINVAL;
    if (length >= capacity)
      return -ENAMETOOLONG;
    napi_get_value_string_latin1(env_, values_[i], out, capacity, &length);
    for (size_t k = 0; k < length; k++) {
      if (out[k] == 0)
        return -EINVAL;
    }
    return 0;
  }
  napi_value operator[](size_t i) const { return values_[i]; }

private:
  static size_t ElementSize(napi_typedarray_type type) {
    switch (type) {
    case napi_int16_array:
    case napi_uint16_array:
      return 2;
    case napi_int32_array:
    case napi_uint32_array:
    case napi_float32_array:
      return 4;
    case napi_float64_array:
    case napi_bigint64_array:
    case napi_biguint64_array:
      return 8;
    default:
      return 1;
    }
  }

  napi_env env_;
  napi_value values_[N];
};

inline napi_value Result(napi_env env, int32_t value) {
  napi_value out;
  napi_create_int32(env, value, &out);
  return out;
}
inline napi_value ResultWide(napi_env env, int64_t value) {
  napi_value out;
  napi_create_int64(env, value, &out);
  return out;
}
// A libc result: the value, or -errno for -1.
inline napi_value Outcome(napi_env env, int64_t value) {
  return ResultWide(env, value < 0 ? -static_cast<int64_t>(errno) : value);
}

// Repeats a system call that a signal broke off; nobody here wants to hear of it.
template <typename Call> inline auto Restarting(Call call) {
  for (;;) {
    auto result = call();
    if (result >= 0 || errno != EINTR)
      return result;
  }
}

// An ArrayBuffer over memory that outlives it (mappings.cc).
napi_value Uncounted(void* data, size_t size);

struct stat;
// The 16 numbers of native/addon.ts's fstat(); false when `out` is too small.
bool FillStat(const struct stat& from, Bytes out);

#endif
