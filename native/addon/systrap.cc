// The systrap platform's native half: the arena, the first stub, the wait for posts. The rest of what it does
// with stubs is in stub_process.cc.
#include <fcntl.h>
#include <initializer_list>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

#include "addon.h"
#include "layout.h"

namespace {

char* arena;
size_t arena_size;
volatile global_page* global_page_view;
int global_fd = -1, doorbell = -1, epoll_fd = -1;
uv_loop_t* loop;
double ticks_per_ns = 1;
size_t last_posted;
cpu_set_t allowed_cpus, pinned_cpu;
uint32_t allowed_count = 1;

constexpr uint64_t kDoorbell = ~0ull, kNode = ~0ull - 1;
constexpr int kCollectMax = 64;

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

double NowNs() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<double>(t.tv_sec) * 1e9 + static_cast<double>(t.tv_nsec);
}

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

uint64_t given_slice;

void Calibrate() {
  double start_ns = NowNs();
  uint64_t start = Ticks();
  while (NowNs() - start_ns < 200000)
    Pause();
  ticks_per_ns = static_cast<double>(Ticks() - start) / (NowNs() - start_ns);
}

// init(chunks): {arena, global}. The arena is address space only until chunks are mapped into it.
napi_value Init(napi_env env, napi_callback_info info) {
  Args<1> args(env, info);
  arena_size = static_cast<size_t>(args.Int64(0)) * CHUNK_SIZE;
  arena = static_cast<char*>(
      mmap(nullptr, arena_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
  if (arena == MAP_FAILED)
    return Outcome(env, -1);
  global_fd = memfd_create("runsc-global", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (global_fd < 0 || ftruncate(global_fd, 4096) != 0)
    return Outcome(env, -1);
  void* page = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, global_fd, 0);
  if (page == MAP_FAILED)
    return Outcome(env, -1);
  // From here on no other mapping of it can be or become writable.
  if (fcntl(global_fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL) != 0) {
    return Outcome(env, -1);
  }
  global_page_view = static_cast<volatile global_page*>(page);
  global_page_view->cpu = 0xffffffff;
  doorbell = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  epoll_event event = {};
  // Every ring is an edge: the doorbell's count is never read.
  event.events = EPOLLIN | EPOLLET;
  event.data.u64 = kDoorbell;
  epoll_ctl(epoll_fd, EPOLL_CTL_ADD, doorbell, &event);
  event.events = EPOLLIN;
  napi_get_uv_event_loop(env, &loop);
  event.data.u64 = kNode;
  epoll_ctl(epoll_fd, EPOLL_CTL_ADD, uv_backend_fd(loop), &event);
  // Stubs are never waited for: the host reaps them.
  signal(SIGCHLD, SIG_IGN);
  CPU_ZERO(&allowed_cpus);
  if (sched_getaffinity(0, sizeof allowed_cpus, &allowed_cpus) == 0)
    allowed_count = static_cast<uint32_t>(CPU_COUNT(&allowed_cpus));
  given_slice = SetSlice(kSliceNs);
  Calibrate();
  napi_value out, number;
  napi_create_object(env, &out);
  napi_set_named_property(env, out, "arena", Uncounted(arena, arena_size));
  napi_set_named_property(env, out, "global", Uncounted(page, 4096));
  napi_create_double(env, ticks_per_ns, &number);
  napi_set_named_property(env, out, "ticksPerNs", number);
  return out;
}

// createRegion(): the memory file of one address space's slots.
napi_value CreateRegion(napi_env env, napi_callback_info) {
  int fd = memfd_create("runsc-slots", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (fd < 0)
    return Outcome(env, -1);
  // A guest that shrank it would make the Sentry fault.
  if (ftruncate(fd, REGION_SIZE) != 0 ||
      fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) {
    int saved = errno;
    close(fd);
    return Result(env, -saved);
  }
  return Result(env, fd);
}

// mapChunk(regionFd, regionChunk, arenaChunk); regionFd -1 empties the place.
napi_value MapChunk(napi_env env, napi_callback_info info) {
  Args<3> args(env, info);
  int fd = args.Int(0);
  size_t at = static_cast<size_t>(args.Uint(2)) * CHUNK_SIZE;
  if (at + CHUNK_SIZE > arena_size)
    return Result(env, -EINVAL);
  void* place = arena + at;
  void* got = fd < 0 ? mmap(place, CHUNK_SIZE, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0)
                     : mmap(place, CHUNK_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd,
                            static_cast<off_t>(args.Uint(1)) * static_cast<off_t>(CHUNK_SIZE));
  return got == MAP_FAILED ? Outcome(env, -1) : Result(env, 0);
}

struct ZygoteFds {
  int stub, region, socket;
};

[[noreturn]] void BecomeStub(const ZygoteFds& fds) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  personality(ADDR_NO_RANDOMIZE);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  // dup2 clears close-on-exec. The targets lie above what a fresh process uses; move sources out of the way
  // first.
  int base = 200;
  int source[5] = {doorbell, fds.socket, fds.region, global_fd, fds.stub};
  for (int i = 0; i < 5; i++)
    source[i] = fcntl(source[i], F_DUPFD_CLOEXEC, base);
  dup2(source[0], FD_DOORBELL);
  dup2(source[1], FD_SOCKET);
  dup2(source[2], FD_REGION);
  dup2(source[3], FD_GLOBAL);
  syscall(SYS_close_range, 0, FD_DOORBELL - 1, 0);
  syscall(SYS_close_range, FD_GLOBAL + 1, base - 1, 0);
  for (int fd = base; fd < base + 64; fd++) {
    if (fd != source[4])
      close(fd);
  }
  syscall(SYS_close_range, base + 64, ~0u, 0x4 /* CLOSE_RANGE_CLOEXEC */);
  SetSlice(given_slice);
  char name[] = "runsc-stub";
  char* argv[] = {name, nullptr};
  char* envp[] = {nullptr};
  syscall(SYS_execveat, source[4], "", argv, envp, AT_EMPTY_PATH);
  _exit(127);
}

// spawnZygote(stubFd, regionFd, socketFd): pid.
napi_value SpawnZygote(napi_env env, napi_callback_info info) {
  Args<3> args(env, info);
  ZygoteFds fds = {args.Int(0), args.Int(1), args.Int(2)};
  pid_t pid = fork();
  if (pid == 0)
    BecomeStub(fds);
  return Outcome(env, pid);
}

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

// Where the Sentry runs. On a guest's own CPU every call costs two context switches, on another one none; but
// the scheduler tends to wake a pair that talks much on one CPU. So after a run of posts from our own CPU we
// move to another one and stay there until we have slept for long.
bool pinned;
uint32_t same_cpu_posts;
double last_move_ns;
constexpr uint32_t kSameCpuPosts = 32;
constexpr double kMoveIntervalNs = 2e6, kLongSleepNs = 5e6;

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

void Unpin() {
  if (!pinned)
    return;
  pinned = false;
  sched_setaffinity(0, sizeof allowed_cpus, &allowed_cpus);
}

// Guests look at it with each post: it is written only when it changes.
void NoteCpu(uint32_t cpu) {
  if (global_page_view->cpu != cpu)
    global_page_view->cpu = cpu;
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
  double slept_from = pinned ? NowNs() : 0;
  long n = syscall(SYS_epoll_pwait2, epoll_fd, events, 64, timeout_ns < 0 ? nullptr : &wait, nullptr, 0);
  __atomic_store_n(&global_page_view->sleeping, 0, __ATOMIC_SEQ_CST);
  if (pinned && NowNs() - slept_from > kLongSleepNs)
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
  if (!spins || wake_list[0] >= count || awake + 1 < allowed_count)
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
    if (reinterpret_cast<volatile slot*>(arena + last_posted)->cpu != global_page_view->cpu) {
      same_cpu_posts = 0;
    } else if (++same_cpu_posts >= kSameCpuPosts) {
      MoveAway(global_page_view->cpu);
    }
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

// dispose(): init() and startLoop() undone. The arena is gone with it: nobody may look at it any more.
napi_value Dispose(napi_env env, napi_callback_info) {
  if (turn_reference != nullptr) {
    uv_idle_stop(&turn_idle);
    uv_prepare_stop(&keep_alive);
    napi_delete_reference(env, turn_reference);
    turn_reference = nullptr;
  }
  Unpin();
  SetSlice(given_slice);
  signal(SIGCHLD, SIG_DFL);
  munmap(arena, arena_size);
  munmap(const_cast<global_page*>(global_page_view), 4096);
  for (int* fd : {&global_fd, &doorbell, &epoll_fd}) {
    close(*fd);
    *fd = -1;
  }
  last_posted = 0;
  spin_score = kScoreMax;
  same_cpu_posts = spins_skipped = 0;
  held_since = 0;
  last_move_ns = 0;
  return nullptr;
}

// cpuCount(): CPUs this process may run on.
napi_value CpuCount(napi_env env, napi_callback_info) {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) != 0)
    return Result(env, 1);
  return Result(env, CPU_COUNT(&set));
}

} // namespace

void RegisterSystrap(napi_env env, napi_value exports) {
  static const Entry entries[] = {
      {"init", Init},
      {"createRegion", CreateRegion},
      {"mapChunk", MapChunk},
      {"spawnZygote", SpawnZygote},
      {"setLists", SetLists},
      {"wait", Wait},
      {"wake", Wake},
      {"watch", Watch},
      {"watchHangup", WatchHangup},
      {"unwatch", Unwatch},
      {"collect", Collect},
      {"startLoop", StartLoop},
      {"dispose", Dispose},
      {"cpuCount", CpuCount},
  };
  napi_value systrap;
  napi_create_object(env, &systrap);
  RegisterAll(env, systrap, entries, sizeof entries / sizeof entries[0]);
  RegisterStubProcesses(env, systrap);
  napi_set_named_property(env, exports, "systrap", systrap);
}
