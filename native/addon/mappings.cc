// Files in memory as JavaScript sees them: shared mappings, and the programs' own code.
//
// The only file that uses V8's own interface, three functions of it that have not changed in years: Node-API
// counts the size of such a buffer as memory that a collection could give back, so that the arena's 4 GiB of
// address space forced one in the middle of every start; and it has no strings outside of the heap.
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <utility>
#include <v8.h>

#include "addon.h"

namespace {

// A napi_value is a Local's slot.
napi_value FromLocal(v8::Local<v8::Value> local) {
  napi_value value;
  static_assert(sizeof value == sizeof local);
  memcpy(&value, &local, sizeof value);
  return value;
}

// (fd, length): an ArrayBuffer over a shared mapping. Whoever touches it stays within the file's size.
napi_value MapFile(napi_env env, napi_callback_info info) {
  Args<2> args(env, info);
  size_t length = static_cast<size_t>(args.Int64(1));
  void* start = mmap(nullptr, length, PROT_READ | PROT_WRITE, MAP_SHARED, args.Int(0), 0);
  return start == MAP_FAILED ? Outcome(env, -1) : Uncounted(start, length);
}

// (buffer): undoes mapFile. The buffer is empty from then on.
napi_value UnmapFile(napi_env env, napi_callback_info info) {
  napi_value buffer;
  size_t count = 1, length = 0;
  void* start = nullptr;
  napi_get_cb_info(env, info, &count, &buffer, nullptr, nullptr);
  if (napi_get_arraybuffer_info(env, buffer, &start, &length) != napi_ok || start == nullptr)
    return Result(env, -EINVAL);
  if (napi_detach_arraybuffer(env, buffer) != napi_ok)
    return Result(env, -EINVAL);
  return Outcome(env, munmap(start, length));
}

// A whole file, read-only: its pages are the page cache's, which all processes share.
Bytes MapWhole(int fd) {
  struct stat st;
  if (fstat(fd, &st) != 0 || st.st_size == 0)
    return {nullptr, 0};
  size_t length = static_cast<size_t>(st.st_size);
  void* start = mmap(nullptr, length, PROT_READ, MAP_PRIVATE, fd, 0);
  return {start == MAP_FAILED ? nullptr : static_cast<uint8_t*>(start), length};
}

class MappedText : public v8::String::ExternalOneByteStringResource {
public:
  explicit MappedText(Bytes bytes) : bytes_(bytes) {}
  const char* data() const override { return reinterpret_cast<const char*>(bytes_.start); }
  size_t length() const override { return bytes_.length; }

private:
  Bytes bytes_;
};

// (fd): the file's Latin-1 text as a string, or null. For files that are replaced and never written.
napi_value MapText(napi_env env, napi_callback_info info) {
  Args<1> args(env, info);
  napi_value none;
  napi_get_null(env, &none);
  Bytes bytes = MapWhole(args.Int(0));
  if (bytes.start == nullptr)
    return none;
  v8::Local<v8::String> text;
  MappedText* resource = new MappedText(bytes);
  if (!v8::String::NewExternalOneByte(v8::Isolate::GetCurrent(), resource).ToLocal(&text))
    return none;
  return FromLocal(text);
}

// (fd): the file's bytes as an ArrayBuffer that must not be written to, or null.
napi_value MapBytes(napi_env env, napi_callback_info info) {
  Args<1> args(env, info);
  napi_value none;
  napi_get_null(env, &none);
  Bytes bytes = MapWhole(args.Int(0));
  return bytes.start == nullptr ? none : Uncounted(bytes.start, bytes.length);
}

} // namespace

// V8 does not count what has an empty deleter.
napi_value Uncounted(void* data, size_t size) {
  auto store = v8::ArrayBuffer::NewBackingStore(data, size, v8::BackingStore::EmptyDeleter, nullptr);
  return FromLocal(v8::ArrayBuffer::New(v8::Isolate::GetCurrent(), std::move(store)));
}

void RegisterMappings(napi_env env, napi_value exports) {
  static const Entry entries[] = {
      {"mapFile", MapFile},
      {"unmapFile", UnmapFile},
      {"mapText", MapText},
      {"mapBytes", MapBytes},
  };
  RegisterAll(env, exports, entries, sizeof entries / sizeof *entries);
}
