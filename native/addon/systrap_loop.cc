// The kernel's loop inside Node's: see systrap.h.
#include "systrap.h"

namespace systrap {

namespace {

// The kernel's loop inside Node's: Node calls `turn` once each time round, and turn itself waits, for posts
// and for Node's own work, until Node has some. While it runs no handle of ours makes Node's loop look busy.
napi_ref turn_reference;
napi_env turn_env;
uv_idle_t turn_idle;
uv_prepare_t keep_alive;

void RunTurn(uv_idle_t* idle) {
  uv_idle_stop(idle);
  napi_handle_scope scope;
  napi_open_handle_scope(turn_env, &scope);
  napi_value function, global, more;
  napi_get_reference_value(turn_env, turn_reference, &function);
  napi_get_global(turn_env, &global);
  bool goes_on = false;
  if (napi_make_callback(turn_env, nullptr, global, function, 0, nullptr, &more) == napi_ok) {
    napi_get_value_bool(turn_env, more, &goes_on);
  } else {
    napi_value error;
    napi_get_and_clear_last_exception(turn_env, &error);
    napi_fatal_exception(turn_env, error);
  }
  napi_close_handle_scope(turn_env, scope);
  if (goes_on) {
    uv_idle_start(idle, RunTurn);
  } else {
    uv_prepare_stop(&keep_alive);
  }
}

} // namespace

// startLoop(turn: () => boolean): false ends it.
napi_value StartLoop(napi_env env, napi_callback_info info) {
  Args<1> args(env, info);
  turn_env = env;
  napi_create_reference(env, args[0], 1, &turn_reference);
  if (turn_idle.loop == nullptr) {
    uv_idle_init(loop, &turn_idle);
    uv_prepare_init(loop, &keep_alive);
  }
  // Without an active handle uv_backend_timeout() says "do not wait".
  uv_prepare_start(&keep_alive, [](uv_prepare_t*) {});
  uv_idle_start(&turn_idle, RunTurn);
  return nullptr;
}

void StopLoop(napi_env env) {
  if (turn_reference == nullptr)
    return;
  uv_idle_stop(&turn_idle);
  uv_prepare_stop(&keep_alive);
  napi_delete_reference(env, turn_reference);
  turn_reference = nullptr;
}

} // namespace systrap
