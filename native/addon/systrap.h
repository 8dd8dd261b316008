// What the systrap platform's native half shares: systrap.cc (arena, first stub), systrap_wait.cc (the wait
// for posts), systrap_cpu.cc (where the Sentry runs, and how readily), systrap_loop.cc (the kernel's loop
// inside Node's).
#ifndef RUNSC_ADDON_SYSTRAP_H
#define RUNSC_ADDON_SYSTRAP_H

#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>
#include <uv.h>

#include "addon.h"
#include "layout.h"

namespace systrap {

// The slots of all address spaces.
extern char* arena;
extern size_t arena_size;
// Guests read it.
extern volatile global_page* global_page_view;
extern int epoll_fd;
extern uv_loop_t* loop;
extern double ticks_per_ns;

// Of epoll_fd's descriptors, those that are no guest's.
constexpr uint64_t kDoorbell = ~0ull, kNode = ~0ull - 1;

inline uint64_t Ticks() {
#if defined(__x86_64__)
  return __builtin_ia32_rdtsc();
#else
  uint64_t value;
  __asm__ volatile("mrs %0, cntvct_el0" : "=r"(value));
  return value;
#endif
}

inline uint32_t Cpu() {
#if defined(__x86_64__)
  unsigned aux;
  __builtin_ia32_rdtscp(&aux);
  return aux & 0xfff;
#else
  return static_cast<uint32_t>(sched_getcpu());
#endif
}

inline void Pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#else
  __asm__ volatile("yield");
#endif
}

inline double NowNs() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<double>(t.tv_sec) * 1e9 + static_cast<double>(t.tv_nsec);
}

// systrap_cpu.cc
// Guests look at it with each post: it is written only when it changes.
inline void NoteCpu(uint32_t cpu) {
  if (global_page_view->cpu != cpu)
    global_page_view->cpu = cpu;
}

// The CPUs that this process may use.
uint32_t AllowedCount();
void FindAllowed();
// True after MoveAway(), until Unpin().
bool Pinned();
void Unpin();
// Unpinned, and as if it had never moved.
void ForgetMoves();
// A post came, whose thread ran on the Sentry's own CPU or another one.
void NotePost(bool same_cpu);
// The calling thread's slice of CPU time while it is the Sentry, and as it was.
void ShortenSlice();
void RestoreSlice();
napi_value CpuCount(napi_env env, napi_callback_info info);

// systrap_wait.cc
void ForgetPosts();
napi_value SetLists(napi_env env, napi_callback_info info);
napi_value Wait(napi_env env, napi_callback_info info);
napi_value Wake(napi_env env, napi_callback_info info);
napi_value Watch(napi_env env, napi_callback_info info);
napi_value WatchHangup(napi_env env, napi_callback_info info);
napi_value Unwatch(napi_env env, napi_callback_info info);
napi_value Collect(napi_env env, napi_callback_info info);

// systrap_loop.cc
napi_value StartLoop(napi_env env, napi_callback_info info);
void StopLoop(napi_env env);

} // namespace systrap

#endif
