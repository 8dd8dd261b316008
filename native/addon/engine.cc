// V8 itself: what node:v8 and --expose-gc offer too, for the tenth of a start that they take.
#include <malloc.h>
#include <v8.h>

#include "addon.h"

namespace {

// (text): V8's flags, as on Node's command line.
napi_value SetEngineFlags(napi_env env, napi_callback_info info) {
  Args<1> args(env, info);
  char text[256];
  int failure = args.String(0, text, sizeof text);
  if (failure == 0)
    v8::V8::SetFlagsFromString(text);
  return Result(env, failure);
}

// (): one full collection that gives back what it can, and what malloc has left over.
napi_value ShrinkHeap(napi_env env, napi_callback_info) {
  v8::Isolate* isolate = v8::Isolate::GetCurrent();
  isolate->MemoryPressureNotification(v8::MemoryPressureLevel::kCritical);
  isolate->MemoryPressureNotification(v8::MemoryPressureLevel::kNone);
  malloc_trim(0);
  return Result(env, 0);
}

} // namespace

void RegisterEngine(napi_env env, napi_value exports) {
  static const Entry entries[] = {
      {"setEngineFlags", SetEngineFlags},
      {"shrinkHeap", ShrinkHeap},
  };
  RegisterAll(env, exports, entries, sizeof entries / sizeof *entries);
}
