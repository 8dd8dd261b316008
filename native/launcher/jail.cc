#include "jail.h"

#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "descriptors.h"
#include "failure.h"
#include "trees.h"
#include "view_mounts.h"

namespace launcher {
namespace {

// pivot_root(2) wants a root that is a mount of its own with a parent: it isn't after chroot(2), nor on an
// initial ramfs. Then the root is bound over itself first.
bool ensureRootCanBeLeft() {
  struct statx status;
  struct statfs filesystem;
  bool mounted =
      statx(AT_FDCWD, "/", 0, 0, &status) == 0 && (status.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
  // RAMFS_MAGIC and TMPFS_MAGIC: what a rootfs can be.
  bool memory = statfs("/", &filesystem) == 0 &&
                (filesystem.f_type == (long)0x858458f6 || filesystem.f_type == 0x01021994);
  if (mounted && !memory)
    return true;
  int tree = openTree("/");
  if (tree < 0)
    return failErrno("clone the root mount");
  bool moved = syscall(SYS_move_mount, tree, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH) == 0;
  // The tree's descriptor leads to the new mount on top of "/", which a path no longer does.
  if (!moved || fchdir(tree) != 0 || chroot(".") != 0)
    return failErrno("rebind the root mount");
  close(tree);
  return true;
}

bool setPropagation(unsigned long long propagation) {
  return mount(nullptr, "/", nullptr, MS_REC | propagation, nullptr) == 0 ||
         failErrno("make the mounts private");
}

} // namespace

int prepareJail(const Plan& plan, bool gofer) {
  // Trees first: a recursive clone of the root must not contain the jail itself.
  Trees trees;
  if (gofer && !(setPropagation(MS_SLAVE) && cloneTrees(plan, &trees, true)))
    return -1;
  if (!setPropagation(MS_PRIVATE) || (gofer && !cloneTrees(plan, &trees, false)))
    return -1;
  static ViewMounts shown;
  const char* source = plan.get("tree.source");
  bool hooks = gofer && sharesRootfs(plan);
  if (hooks)
    cloneViewMounts(plan, &shown);
  const char* overlayPath = gofer ? plan.get("overlay.dir") : nullptr;
  int overlay = overlayPath == nullptr ? -1 : overlayTree(overlayPath);
  if (overlayPath != nullptr && overlay < 0)
    return -1;
  if (!ensureRootCanBeLeft())
    return -1;

  const char* place = plan.text("state.dir");
  char options[96];
  snprintf(options, sizeof options, "mode=0555,size=4k,nr_inodes=%d", trees.count + 8);
  if (mount("runsc", place, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, options) != 0) {
    failErrno("mount the jail");
    return -1;
  }
  int jail = moveHigh(open(place, O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (jail < 0) {
    failErrno("open the jail");
    return -1;
  }
  if (gofer && mkdirat(jail, "mounts", 0755) != 0) {
    failErrno("fill the jail");
    return -1;
  }
  for (int index = 0; index < trees.count; index++) {
    if (!attachTree(jail, trees, index)) {
      failErrno("attach tree %d", index);
      return -1;
    }
    close(trees.fd[index]);
  }
  if (gofer && !attachStore(jail, memoryTree(plan), "memory"))
    return -1;
  if (overlay >= 0 && !attachStore(jail, overlay, "overlay"))
    return -1;
  if (!setAttributes(jail, MOUNT_ATTR_RDONLY, 0, 0)) {
    failErrno("make the jail read-only");
    return -1;
  }
  if (hooks && !attachForHooks(source, shown))
    return -1;
  return jail;
}

bool sharesRootfs(const Plan& plan) {
  size_t cursor = 0;
  while (const char* kind = plan.next("hook.kind", &cursor)) {
    // Without privilege the namespace could not be entered from outside.
    if (strcmp(kind, "createContainer") == 0)
      return !plan.flag("rootless");
  }
  return false;
}

bool sealRootfs(const Plan& plan, int jail) {
  int root = openat(jail, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
  detachForHooks(plan, root);
  closeQuietly(&root);
  struct mount_attr attributes;
  memset(&attributes, 0, sizeof attributes);
  attributes.attr_set = kTreeAttributes | (hasWord(plan.get("tree.mode"), "rro") ? MOUNT_ATTR_RDONLY : 0);
  attributes.propagation = MS_PRIVATE;
  return syscall(SYS_mount_setattr, jail, "root", AT_RECURSIVE, &attributes, sizeof attributes) == 0 ||
         failErrno("restrict the mounts of hooks");
}

int prepareView(const Plan& plan, const char* source) {
  if (!setPropagation(MS_PRIVATE))
    return -1;
  ViewMounts mounts;
  cloneViewMounts(plan, &mounts);
  int tree = openTree(source);
  if (tree < 0 || !setAttributes(tree, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, MS_PRIVATE, AT_RECURSIVE)) {
    failErrno("clone %s", source);
    return -1;
  }
  if (!ensureRootCanBeLeft())
    return -1;
  if (syscall(SYS_move_mount, tree, "", AT_FDCWD, plan.text("state.dir"), MOVE_MOUNT_F_EMPTY_PATH) != 0) {
    failErrno("attach %s", source);
    return -1;
  }
  for (int index = 0; index < mounts.count; index++)
    attachInView(tree, mounts.fd[index], mounts.target[index]);
  return tree;
}

bool enterJail(int jail) {
  // pivot_root(2), "pivot_root(".", ".")": the old root is put on top of the new one, then taken off.
  if (fchdir(jail) != 0)
    return failErrno("enter the jail");
  if (syscall(SYS_pivot_root, ".", ".") != 0)
    return failErrno("pivot_root");
  if (umount2(".", MNT_DETACH) != 0)
    return failErrno("detach the host's mounts");
  return chdir("/") == 0 || failErrno("enter the jail");
}

} // namespace launcher
