// Module registration: nothing but the list of parts.
#include "addon.h"

void RegisterAll(napi_env env, napi_value exports, const Entry* entries, size_t count) {
  for (size_t i = 0; i < count; i++) {
    napi_value function;
    napi_create_function(env, entries[i].name, NAPI_AUTO_LENGTH, entries[i].function, nullptr, &function);
    napi_set_named_property(env, exports, entries[i].name, function);
  }
}

NAPI_MODULE_INIT() {
  RegisterEngine(env, exports);
  RegisterImage(env, exports);
  RegisterHostFiles(env, exports);
  RegisterMappings(env, exports);
  RegisterHostSockets(env, exports);
  RegisterEpoll(env, exports);
  RegisterInetSockets(env, exports);
  RegisterProcess(env, exports);
  RegisterGoferFiles(env, exports);
  RegisterLockdown(env, exports);
  if (RegisterSystrap != nullptr)
    RegisterSystrap(env, exports);
  return exports;
}
