// Where the Sentry runs, and how readily: see systrap.h.
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "systrap.h"

namespace systrap {

namespace {

cpu_set_t allowed_cpus, pinned_cpu;
uint32_t allowed_count = 1;
uint64_t given_slice;

// The Sentry runs often and briefly. With a short slice it gets a CPU that others compute on when it is
// woken, and not only when their slices end, while its share stays what it was (Linux 6.12; earlier ones look
// at nothing).
constexpr uint64_t kSliceNs = 100000;

struct Scheduling {
  uint32_t size, policy;
  uint64_t flags;
  int32_t nice;
  uint32_t priority;
  uint64_t runtime, deadline, period;
};

// Returns the slice that the calling thread had; 0: none of its own is asked for.
uint64_t SetSlice(uint64_t ns) {
  Scheduling attributes = {};
  if (syscall(SYS_sched_getattr, 0, &attributes, sizeof attributes, 0) != 0 ||
      attributes.policy != SCHED_OTHER)
    return 0;
  uint64_t before = attributes.runtime;
  attributes.runtime = ns;
  syscall(SYS_sched_setattr, 0, &attributes, 0);
  return before;
}

// Where the Sentry runs. On a guest's own CPU every call costs two context switches, on another one none; but
// the scheduler tends to wake a pair that talks much on one CPU. So after a run of posts from our own CPU we
// move to another one and stay there until we have slept for long.
bool pinned;
uint32_t same_cpu_posts;
double last_move_ns;
constexpr uint32_t kSameCpuPosts = 32;
constexpr double kMoveIntervalNs = 2e6;

void MoveAway(uint32_t cpu) {
  same_cpu_posts = 0;
  double now = NowNs();
  if (now - last_move_ns < kMoveIntervalNs)
    return;
  last_move_ns = now;
  for (uint32_t step = 1; step < CPU_SETSIZE; step++) {
    uint32_t other = (cpu + step) % CPU_SETSIZE;
    if (other == cpu || !CPU_ISSET(other, &allowed_cpus))
      continue;
    CPU_ZERO(&pinned_cpu);
    CPU_SET(other, &pinned_cpu);
    pinned = sched_setaffinity(0, sizeof pinned_cpu, &pinned_cpu) == 0;
    return;
  }
}

} // namespace

void FindAllowed() {
  CPU_ZERO(&allowed_cpus);
  if (sched_getaffinity(0, sizeof allowed_cpus, &allowed_cpus) == 0)
    allowed_count = static_cast<uint32_t>(CPU_COUNT(&allowed_cpus));
}

uint32_t AllowedCount() {
  return allowed_count;
}

void ShortenSlice() {
  given_slice = SetSlice(kSliceNs);
}
void RestoreSlice() {
  SetSlice(given_slice);
}

bool Pinned() {
  return pinned;
}

void Unpin() {
  if (!pinned)
    return;
  pinned = false;
  sched_setaffinity(0, sizeof allowed_cpus, &allowed_cpus);
}

void ForgetMoves() {
  Unpin();
  same_cpu_posts = 0;
  last_move_ns = 0;
}

void NotePost(bool same_cpu) {
  if (!same_cpu)
    same_cpu_posts = 0;
  else if (++same_cpu_posts >= kSameCpuPosts)
    MoveAway(global_page_view->cpu);
}

// cpuCount(): CPUs this process may run on.
napi_value CpuCount(napi_env env, napi_callback_info) {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) != 0)
    return Result(env, 1);
  return Result(env, CPU_COUNT(&set));
}

} // namespace systrap
