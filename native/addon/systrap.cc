// The systrap platform's native half: the arena and the first stub (see systrap.h). The rest of what it does
// with stubs is in stub_process.cc.
#include "systrap.h"

#include <fcntl.h>
#include <initializer_list>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace systrap {

char* arena;
size_t arena_size;
volatile global_page* global_page_view;
int epoll_fd = -1;
uv_loop_t* loop;
double ticks_per_ns = 1;

namespace {

int global_fd = -1, doorbell = -1;

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
  FindAllowed();
  ShortenSlice();
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
  RestoreSlice();
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

// dispose(): init() and startLoop() undone. The arena is gone with it: nobody may look at it any more.
napi_value Dispose(napi_env env, napi_callback_info) {
  StopLoop(env);
  ForgetMoves();
  RestoreSlice();
  signal(SIGCHLD, SIG_DFL);
  munmap(arena, arena_size);
  munmap(const_cast<global_page*>(global_page_view), 4096);
  for (int* fd : {&global_fd, &doorbell, &epoll_fd}) {
    close(*fd);
    *fd = -1;
  }
  ForgetPosts();
  return nullptr;
}

} // namespace
} // namespace systrap

void RegisterSystrap(napi_env env, napi_value exports) {
  using namespace systrap;
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
