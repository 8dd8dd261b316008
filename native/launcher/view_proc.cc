// The proc file system of the Sentry's pid namespace, where all guest processes are. Only a process of that
// namespace can mount it. The container's files are not to be trusted: everything goes by descriptors.
#include "view_proc.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <dirent.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "descriptors.h"

// sys/mount.h defines what linux/mount.h does.
extern "C" int mount(const char* source, const char* target, const char* type, unsigned long flags,
                     const void* data) noexcept;

namespace launcher {
namespace {

constexpr unsigned long kReadOnly = 1, kNoSuid = 2, kNoDev = 4, kNoExec = 8, kBind = 4096;

// What says more of the host than of the container: as the default maskedPaths of container engines.
const char* const kHiddenFiles[] = {"kcore", "keys", "kmsg", "latency_stats", "sched_debug", "timer_list"};
const char* const kHiddenDirectories[] = {"acpi", "asound", "scsi", "sys", "bus", "irq", "fs"};

int openMountPoint() {
  struct open_how how = {};
  how.flags = O_PATH | O_DIRECTORY | O_CLOEXEC;
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS;
  return (int)syscall(SYS_openat2, AT_FDCWD, "/proc", &how, sizeof how);
}

int mountProc(int target) {
  int context = (int)syscall(SYS_fsopen, "proc", FSOPEN_CLOEXEC);
  if (context < 0 || syscall(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0)
    return -1;
  unsigned attributes = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
  int made = (int)syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC, attributes);
  unsigned by = MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH;
  return made >= 0 && syscall(SYS_move_mount, made, "", target, "", by) == 0 ? made : -1;
}

void hideDirectory(const char* name) {
  mount("none", name, "tmpfs", kReadOnly | kNoSuid | kNoDev | kNoExec, "mode=555,size=4k,nr_inodes=2");
}

// The Sentry, and what all address spaces are copies of: its first child.
void hideOwn() {
  hideDirectory("1");
  long first = 0;
  DIR* list = opendir(".");
  while (struct dirent* entry = list == nullptr ? nullptr : readdir(list)) {
    long pid = strtol(entry->d_name, nullptr, 10);
    if (pid > 1 && pid != getpid() && (first == 0 || pid < first))
      first = pid;
  }
  if (list != nullptr)
    closedir(list);
  char name[24];
  snprintf(name, sizeof name, "%ld", first);
  if (first > 0)
    hideDirectory(name);
}

[[noreturn]] void mountAll() {
  prctl(PR_SET_NAME, "runsc-view");
  int target = openMountPoint();
  int proc = target < 0 ? -1 : mountProc(target);
  if (proc < 0 || fchdir(proc) != 0)
    _exit(1);
  for (const char* name : kHiddenFiles)
    mount("version", name, nullptr, kBind, nullptr);
  for (const char* name : kHiddenDirectories)
    hideDirectory(name);
  hideOwn();
  _exit(0);
}

} // namespace

void openProcessView(pid_t sentry, ProcessView* processes) {
  if (sentry <= 0)
    return;
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/ns/pid", (int)sentry);
  processes->sentry = moveHigh(open(path, O_RDONLY | O_CLOEXEC));
  processes->own = moveHigh(open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC));
}

void showProcesses(ProcessView* processes) {
  bool ready = processes->sentry >= 0 && processes->own >= 0;
  if (ready && setns(processes->sentry, CLONE_NEWPID) == 0) {
    pid_t child = fork();
    if (child == 0)
      mountAll();
    while (child > 0 && waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
    }
    setns(processes->own, CLONE_NEWPID);
  }
  closeQuietly(&processes->sentry);
  closeQuietly(&processes->own);
}

} // namespace launcher
