// The Sentry's wait for what guests post, and for what the host announces: see systrap.h.
#include <linux/futex.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "systrap.h"

namespace systrap {

namespace {

constexpr int kCollectMax = 64;

// Arena offset of the last slot that was found posted.
size_t last_posted;

inline uint32_t StateAt(size_t offset) {
  return __atomic_load_n(reinterpret_cast<uint32_t*>(arena + offset), __ATOMIC_ACQUIRE);
}

// Index in list[1..list[0]] of a slot that has posted, or -1.
inline int32_t FindPosted(const uint32_t* list, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    if (StateAt(list[1 + i]) == STATE_POSTED)
      return static_cast<int32_t>(i);
  }
  return -1;
}

uint32_t* run_list;
int32_t* event_list;
size_t event_capacity;
// [0] = count, then arena offsets of threads that sleep on their slot's state and have been replied to.
uint32_t* wake_list;

// Ticks at which a wake-up was first put off (HoldWakes), or 0.
uint64_t held_since;

void WakeListed() {
  held_since = 0;
  for (uint32_t i = 1; i <= wake_list[0]; i++)
    syscall(SYS_futex, arena + wake_list[i], FUTEX_WAKE, 1, nullptr, nullptr, 0);
  wake_list[0] = 0;
}

bool Spin(const uint32_t* list, uint32_t count, uint64_t ticks, int32_t* found) {
  uint64_t start = Ticks();
  for (;;) {
    for (int k = 0; k < 16; k++) {
      *found = FindPosted(list, count);
      if (*found >= 0)
        return true;
      Pause();
    }
    uint32_t cpu = Cpu();
    NoteCpu(cpu);
    // The thread we wait for cannot run while we spin on its CPU.
    if (reinterpret_cast<volatile slot*>(arena + last_posted)->cpu == cpu)
      return false;
    if (Ticks() - start > ticks)
      return false;
  }
}

// Whether spinning has paid lately: posts that came while we spun against those that did not. Where it has
// not, because guests think for long or the CPUs are busy with other work, we only try now and then.
constexpr int kScoreMax = 16, kScoreSpin = 4, kProbeEvery = 32;
int spin_score = kScoreMax;
uint32_t spins_skipped;

bool ShouldSpin() {
  return spin_score >= kScoreSpin || ++spins_skipped % kProbeEvery == 0;
}

void NoteSpin(bool paid) {
  spin_score += paid ? 2 : -1;
  if (spin_score > kScoreMax)
    spin_score = kScoreMax;
  if (spin_score < 0)
    spin_score = 0;
}

// Event list: [0] = count, then pairs token, poll mask.
constexpr int32_t kNothing = -1, kEvents = -2, kNodeWork = -3;

// Asleep for so long, where it runs is nobody's choice any more.
constexpr double kLongSleepNs = 5e6;

int32_t Sleep(const uint32_t* list, uint32_t count, double deadline_ns) {
  __atomic_store_n(&global_page_view->sleeping, 1, __ATOMIC_SEQ_CST);
  // A stub stores its state, then looks at `sleeping`: one of us sees the other.
  __atomic_thread_fence(__ATOMIC_SEQ_CST);
  int32_t found = FindPosted(list, count);
  if (found >= 0) {
    __atomic_store_n(&global_page_view->sleeping, 0, __ATOMIC_SEQ_CST);
    return found;
  }
  double timeout_ns = deadline_ns <= 0 ? deadline_ns : deadline_ns - NowNs();
  if (deadline_ns > 0 && timeout_ns < 0)
    timeout_ns = 0;
  int node_ms = uv_backend_timeout(loop);
  if (node_ms >= 0 && (timeout_ns < 0 || node_ms * 1e6 < timeout_ns))
    timeout_ns = node_ms * 1e6;
  timespec wait = {};
  if (timeout_ns >= 0) {
    double seconds = timeout_ns / 1e9;
    if (seconds > 1e6)
      seconds = 1e6;
    wait.tv_sec = static_cast<time_t>(seconds);
    wait.tv_nsec = static_cast<long>((seconds - static_cast<double>(wait.tv_sec)) * 1e9);
  }
  epoll_event events[64];
  double slept_from = Pinned() ? NowNs() : 0;
  long n = syscall(SYS_epoll_pwait2, epoll_fd, events, 64, timeout_ns < 0 ? nullptr : &wait, nullptr, 0);
  __atomic_store_n(&global_page_view->sleeping, 0, __ATOMIC_SEQ_CST);
  if (Pinned() && NowNs() - slept_from > kLongSleepNs)
    Unpin();
  NoteCpu(Cpu());
  int32_t result = kNothing;
  size_t out = 0;
  for (long i = 0; i < n; i++) {
    if (events[i].data.u64 == kDoorbell) {
      continue;
    } else if (events[i].data.u64 == kNode) {
      result = kNodeWork;
    } else if (2 * out + 3 <= event_capacity) {
      event_list[1 + 2 * out] = static_cast<int32_t>(events[i].data.u64);
      event_list[2 + 2 * out] = static_cast<int32_t>(events[i].events);
      out++;
    }
  }
  if (n == 0 && node_ms >= 0 && timeout_ns == node_ms * 1e6)
    result = kNodeWork;
  event_list[0] = static_cast<int32_t>(out);
  if (out > 0)
    result = kEvents;
  if (result != kNothing)
    return result;
  return FindPosted(list, count);
}

// Waking a thread costs a host call here and a switch there. Where every CPU is taken by us and by threads
// that run, it would take the place of one of these, often of its waker, which may have more for it: so the
// wake-up is held while posts keep coming, for as long as nobody would notice. Whether one came is in *found.
constexpr double kHoldNs = 50000, kHoldSpinNs = 3000;

bool HoldWakes(const uint32_t* list, uint32_t count, bool spins, int32_t* found) {
  uint32_t awake = count - wake_list[0];
  if (!spins || wake_list[0] >= count || awake + 1 < AllowedCount())
    return false;
  uint64_t now = Ticks();
  if (held_since == 0)
    held_since = now;
  uint64_t end = held_since + static_cast<uint64_t>(kHoldNs * ticks_per_ns);
  if (now >= end || reinterpret_cast<volatile slot*>(arena + last_posted)->cpu == Cpu())
    return false;
  uint64_t spin_end = now + static_cast<uint64_t>(kHoldSpinNs * ticks_per_ns);
  if (spin_end < end)
    end = spin_end;
  while (*found < 0 && Ticks() < end) {
    Pause();
    *found = FindPosted(list, count);
  }
  return *found >= 0;
}

} // namespace

// Of a container that is over.
void ForgetPosts() {
  last_posted = 0;
  spin_score = kScoreMax;
  spins_skipped = 0;
  held_since = 0;
}

// setLists(runList: Uint32Array, events: Int32Array, wakes: Uint32Array): memory that the caller keeps alive.
napi_value SetLists(napi_env env, napi_callback_info info) {
  Args<3> args(env, info);
  wake_list = reinterpret_cast<uint32_t*>(args.Array(2).start);
  run_list = reinterpret_cast<uint32_t*>(args.Array(0).start);
  Bytes events = args.Array(1);
  event_list = reinterpret_cast<int32_t*>(events.start);
  event_capacity = events.length / sizeof(int32_t);
  return Result(env, 0);
}

// wait(spinTicks, deadlineNs): index of a posted slot, or -1 (woken or timed out), -2 (see events), -3 (Node
// has work). deadlineNs is a CLOCK_MONOTONIC time; 0 polls, -1 waits for ever, -2 only spins.
napi_value Wait(napi_env env, napi_callback_info info) {
  Args<2> args(env, info);
  const uint32_t* list = run_list;
  uint32_t count = list[0];
  uint64_t spin = static_cast<uint64_t>(args.Double(0));
  int32_t found = FindPosted(list, count);
  if (wake_list[0] != 0 && !HoldWakes(list, count, spin != 0, &found))
    WakeListed();
  if (found < 0) {
    double deadline = args.Double(1);
    uint32_t cpu = Cpu();
    NoteCpu(cpu);
    bool same = reinterpret_cast<volatile slot*>(arena + last_posted)->cpu == cpu;
    bool spins = count != 0 && spin != 0 && !same && deadline != 0 && ShouldSpin();
    bool paid = spins && Spin(list, count, spin, &found);
    if (spins)
      NoteSpin(paid);
    if (!paid)
      found = deadline == -2 ? kNothing : Sleep(list, count, deadline);
  }
  if (found >= 0) {
    last_posted = list[1 + found];
    NotePost(reinterpret_cast<volatile slot*>(arena + last_posted)->cpu == global_page_view->cpu);
  }
  return Result(env, found);
}

// wake(): wakes the listed threads now, when the list is full. wait() does it too.
napi_value Wake(napi_env, napi_callback_info) {
  WakeListed();
  return nullptr;
}

// watch(fd, token): edge-triggered readiness of a host descriptor. token is any non-negative int.
napi_value Watch(napi_env env, napi_callback_info info) {
  Args<2> args(env, info);
  epoll_event event = {};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLPRI | EPOLLET;
  event.data.u64 = static_cast<uint64_t>(args.Uint(1));
  return Outcome(env, epoll_ctl(epoll_fd, EPOLL_CTL_ADD, args.Int(0), &event));
}

// watchHangup(fd, token): only the peer's end.
napi_value WatchHangup(napi_env env, napi_callback_info info) {
  Args<2> args(env, info);
  epoll_event event = {};
  event.events = EPOLLRDHUP | EPOLLET;
  event.data.u64 = static_cast<uint64_t>(args.Uint(1));
  return Outcome(env, epoll_ctl(epoll_fd, EPOLL_CTL_ADD, args.Int(0), &event));
}

// collect(events: Int32Array): what the host has announced by now, as in the event list, without waiting. The
// result is how many there were, Node's own work included, of at most kCollectMax.
napi_value Collect(napi_env env, napi_callback_info info) {
  Args<1> args(env, info);
  int32_t* list = reinterpret_cast<int32_t*>(args.Array(0).start);
  epoll_event events[kCollectMax];
  int n = epoll_wait(epoll_fd, events, kCollectMax, 0);
  int32_t out = 0;
  for (int i = 0; i < n; i++) {
    // A ring of the doorbell is no loss: every wait looks for posts first.
    if (events[i].data.u64 == kDoorbell || events[i].data.u64 == kNode)
      continue;
    list[1 + 2 * out] = static_cast<int32_t>(events[i].data.u64);
    list[2 + 2 * out] = static_cast<int32_t>(events[i].events);
    out++;
  }
  list[0] = out;
  return Result(env, n < 0 ? 0 : n);
}

napi_value Unwatch(napi_env env, napi_callback_info info) {
  Args<1> args(env, info);
  return Outcome(env, epoll_ctl(epoll_fd, EPOLL_CTL_DEL, args.Int(0), nullptr));
}

} // namespace systrap
