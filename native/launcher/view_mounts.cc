#include "view_mounts.h"

#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "descriptors.h"
#include "failure.h"

namespace launcher {
namespace {

// In place of what only the Sentry has: what would be written there is refused rather than lost.
int emptyTree() {
  int context = (int)syscall(SYS_fsopen, "tmpfs", FSOPEN_CLOEXEC);
  bool made = context >= 0 && syscall(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) == 0;
  int tree =
      made ? (int)syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC, kTreeAttributes | MOUNT_ATTR_RDONLY) : -1;
  closeQuietly(&context);
  return tree;
}

// A source may have gone since the gofer took it: then the view does without.
int boundTree(const char* source, const char* mode) {
  int tree = openBySource(source, mode);
  if (tree >= 0 && !restrictTree(tree, mode, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, MS_PRIVATE))
    closeQuietly(&tree);
  return tree;
}

// The rootfs is not to be trusted: links in it lead nowhere else.
int openInRoot(int root, const char* target) {
  struct open_how how;
  memset(&how, 0, sizeof how);
  how.flags = O_PATH | O_CLOEXEC;
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  return (int)syscall(SYS_openat2, root, target, &how, sizeof how);
}

} // namespace

void cloneViewMounts(const Plan& plan, ViewMounts* mounts) {
  size_t cursor = 0, sourceCursor = 0, modeCursor = 0;
  plan.next("tree.source", &sourceCursor);
  plan.next("tree.mode", &modeCursor);
  while (const char* record = plan.next("view.mount", &cursor)) {
    const char* target = strchr(record, ' ');
    if (target == nullptr || mounts->count == kMaxTrees)
      return;
    int tree;
    if (strncmp(record, "bind ", 5) == 0) {
      const char* source = plan.next("tree.source", &sourceCursor);
      const char* mode = plan.next("tree.mode", &modeCursor);
      tree = source == nullptr ? -1 : boundTree(source, mode);
    } else {
      tree = emptyTree();
    }
    if (tree < 0)
      continue;
    mounts->fd[mounts->count] = moveHigh(tree);
    mounts->target[mounts->count++] = target + 1;
  }
}

void attachInView(int root, int tree, const char* target) {
  int place = openInRoot(root, target);
  if (place >= 0)
    syscall(SYS_move_mount, tree, "", place, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
  closeQuietly(&place);
  closeQuietly(&tree);
}

bool attachForHooks(const char* source, const ViewMounts& mounts) {
  int root = open(source, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (root < 0)
    return failErrno("open %s", source);
  for (int index = 0; index < mounts.count; index++)
    attachInView(root, mounts.fd[index], mounts.target[index]);
  close(root);
  return true;
}

void detachForHooks(const Plan& plan, int root) {
  const char* targets[kMaxTrees];
  int count = 0;
  size_t cursor = 0;
  while (const char* record = count < kMaxTrees ? plan.next("view.mount", &cursor) : nullptr) {
    const char* target = strchr(record, ' ');
    if (target != nullptr)
      targets[count++] = target + 1;
  }
  while (count-- > 0) {
    struct statx status;
    int place = openInRoot(root, targets[count]);
    bool mounted = place >= 0 && statx(place, "", AT_EMPTY_PATH, 0, &status) == 0 &&
                   (status.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", place);
    if (mounted)
      umount2(path, MNT_DETACH);
    closeQuietly(&place);
  }
}

} // namespace launcher
