// Images of Node processes that have loaded their program and done nothing yet (native/image/README.md).
//
// Of a process with threads, fork(2) makes one with a single thread: that is the one to be written. What a
// process from an image lacks is V8's worker threads and the descriptors of libuv's loop: it gets new ones
// first thing.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <memory>
#include <node.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>
#include <uv.h>
#include <v8.h>

#include "addon.h"
#include "image_writer.h"

namespace {

constexpr int kWorkers = 4;

// Where Node's platform (NodePlatform of its node_platform.h) has its worker threads: a std::shared_ptr
// behind two pointers that can be asked for. Null when it is not as expected.
std::shared_ptr<void>* WorkersOf(node::MultiIsolatePlatform* platform) {
  constexpr size_t kWords = 32;
  void* before[] = {platform->GetTracingController(), platform->GetPageAllocator()};
  void** words = reinterpret_cast<void**>(platform);
  for (size_t index = 1; index < kWords; index++) {
    if (memcmp(words + index, before, sizeof before) == 0)
      return reinterpret_cast<std::shared_ptr<void>*>(words + index + 2);
  }
  return nullptr;
}

// The platform as before, but with threads that live: those of a second platform, which goes without from
// then on, and is never destroyed.
void ReviveWorkers(node::MultiIsolatePlatform* platform) {
  node::MultiIsolatePlatform* second =
      node::MultiIsolatePlatform::Create(kWorkers, platform->GetTracingController(),
                                         platform->GetPageAllocator())
          .release();
  std::swap(*WorkersOf(platform), *WorkersOf(second));
}

// Collections until V8 has given back what it had reserved for new objects.
constexpr int kCollections = 12;

// Nothing of V8's is under way on another thread, and the heap is as small as it gets. A collection for want
// of memory would do so at once, but throws hidden classes away of which there is no object now, and the code
// that knows them.
void Settle(v8::Isolate* isolate, node::MultiIsolatePlatform* platform) {
  v8::V8::SetFlagsFromString("--expose-gc --compact-on-every-full-gc");
  for (int round = 0; round < kCollections; round++) {
    platform->DrainTasks(isolate);
    isolate->RequestGarbageCollectionForTesting(v8::Isolate::kFullGarbageCollection);
  }
  platform->DrainTasks(isolate);
}

// Whether a thread of this process, which is not the one that asks, sleeps (proc_pid_stat(5)).
bool Sleeps(const char* thread) {
  char path[300], text[256];
  snprintf(path, sizeof path, "/proc/self/task/%s/stat", thread);
  FILE* file = fopen(path, "re");
  size_t length = file == nullptr ? 0 : fread(text, 1, sizeof text - 1, file);
  if (file != nullptr)
    fclose(file);
  text[length] = 0;
  // The name before it may hold anything.
  const char* end = strrchr(text, ')');
  return end != nullptr && end[1] == ' ' && end[2] == 'S';
}

bool OthersSleep() {
  DIR* directory = opendir("/proc/self/task");
  bool asleep = directory != nullptr;
  while (struct dirent* entry = asleep ? readdir(directory) : nullptr) {
    int thread = atoi(entry->d_name);
    asleep = thread == 0 || thread == getpid() || Sleeps(entry->d_name);
  }
  if (directory != nullptr)
    closedir(directory);
  return asleep;
}

// A thread that runs may hold a lock that the child would find locked for good. Two looks: the queue's own
// lock is held for a moment on the way to sleep.
bool AwaitSleep() {
  constexpr int kTries = 500;
  for (int tries = 0, found = 0; tries < kTries; tries++) {
    usleep(10'000);
    found = OthersSleep() ? found + 1 : 0;
    if (found == 2)
      return true;
  }
  return false;
}

// Forking, libuv renews descriptors of its own, which have to have numbers that an image keeps.
bool LowNumbersTaken() {
  for (int fd = 0; fd < IMAGE_FIRST_DESCRIPTOR; fd++) {
    if (fcntl(fd, F_GETFD) < 0)
      return false;
  }
  return true;
}

void Revive(napi_env env, node::MultiIsolatePlatform* platform) {
  // Back to usual from what the image was made with (runsc/sandbox/image-maker.ts).
  v8::V8::SetFlagsFromString("--incremental-marking --lazy --no-always-sparkplug "
                             "--no-compact-on-every-full-gc --retain-maps-for-n-gc=2");
  // What threads free is of use to all, and the end of it goes back to the system.
  mallopt(M_ARENA_MAX, 1);
  // glibc's idea of where the heap ends is the old process's: asking makes it the new one's.
  (void)brk(nullptr);
  uv_loop_t* loop = nullptr;
  napi_get_uv_event_loop(env, &loop);
  uv_loop_fork(loop);
  uv_update_time(loop);
  ReviveWorkers(platform);
}

// (path, embed, watched)
napi_value WriteImage(napi_env env, napi_callback_info info) {
  Args<3> args(env, info);
  static char path[4096], embed[4096], watched[4096];
  int failure = args.String(0, path, sizeof path);
  if (failure == 0)
    failure = args.String(1, embed, sizeof embed);
  if (failure == 0)
    failure = args.String(2, watched, sizeof watched);
  if (failure != 0)
    return Result(env, failure);
  v8::Isolate* isolate = v8::Isolate::GetCurrent();
  node::MultiIsolatePlatform* platform =
      node::GetMultiIsolatePlatform(node::GetCurrentEnvironment(isolate->GetCurrentContext()));
  if (platform == nullptr || WorkersOf(platform) == nullptr)
    return Result(env, -ENOSYS);
  if (!LowNumbersTaken())
    return Result(env, -EBADF);
  Settle(isolate, platform);
  if (!AwaitSleep())
    return Result(env, -EAGAIN);
  if (!InheritAllMemory())
    return Outcome(env, -1);
  pid_t child = fork();
  if (child < 0)
    return Outcome(env, -1);
  if (child == 0) {
    static ImageContext context;
    if (SaveContext(&context) == 0)
      _exit(WriteProcess(path, embed, watched, context) ? 0 : 1);
    Revive(env, platform);
    return Result(env, 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return Result(env, status == 0 ? 0 : -EIO);
}

} // namespace

void RegisterImage(napi_env env, napi_value exports) {
  static const Entry entries[] = {{"writeImage", WriteImage}};
  RegisterAll(env, exports, entries, sizeof entries / sizeof *entries);
}
