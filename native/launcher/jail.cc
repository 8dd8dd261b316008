// Mount namespaces, by the descriptor-based mount calls (Linux 5.12): trees are cloned and restricted while
// they are attached nowhere, so no path is looked at twice.
#include "jail.h"

#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "descriptors.h"
#include "failure.h"
#include "identity.h"
#include "idmap.h"

// <sys/mount.h> and <linux/mount.h> clash in some C libraries about what exactly they declare: these are the
// few that only newer headers have.
#ifndef MOUNT_ATTR_NOSYMFOLLOW
#define MOUNT_ATTR_NOSYMFOLLOW 0x00200000
#endif

namespace launcher {
namespace {

constexpr int kMaxTrees = 1024;

int openTree(const char* path) {
  return (int)syscall(SYS_open_tree, AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
}

// One mount without what is mounted on it. Where somebody more privileged has made those
// (mount_namespaces(7)), the kernel doesn't show what they hide: then they come along.
int openMount(const char* path) {
  int tree = (int)syscall(SYS_open_tree, AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
  return tree < 0 && errno == EINVAL ? openTree(path) : tree;
}

bool setAttributes(int tree, unsigned long long set, unsigned long long propagation, unsigned flags) {
  struct mount_attr attributes;
  memset(&attributes, 0, sizeof attributes);
  attributes.attr_set = set;
  attributes.propagation = propagation;
  return syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH | flags, &attributes, sizeof attributes) == 0;
}

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

// The trees that the gofer serves: 0 is the rootfs, then the bind mounts, in the plan's order.
struct Trees {
  int fd[kMaxTrees];
  bool directory[kMaxTrees];
  int count = 0;
};

// No device of the host opens through here, no symlink of the host's resolves, whatever the gofer asks.
constexpr unsigned long long kTreeAttributes = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSYMFOLLOW;

// tree.mode: see runsc/sandbox/launch-keys.ts.
bool hasWord(const char* mode, const char* word) {
  size_t length = strlen(word);
  for (const char* at = mode; at != nullptr; at = strchr(at, ',')) {
    at += *at == ',';
    if (strncmp(at, word, length) == 0 && (at[length] == ',' || at[length] == '\0'))
      return true;
  }
  return false;
}

int openBySource(const char* source, const char* mode) {
  return hasWord(mode, "recursive") ? openTree(source) : openMount(source);
}

// `ro` is of the mount itself, `rro` of all that are mounted on it as well.
bool restrictTree(int tree, const char* mode, unsigned long long attributes, unsigned long long propagation) {
  unsigned long long all = attributes | (hasWord(mode, "rro") ? MOUNT_ATTR_RDONLY : 0);
  return setAttributes(tree, all, propagation, AT_RECURSIVE) &&
         (!hasWord(mode, "ro") || setAttributes(tree, MOUNT_ATTR_RDONLY, 0, 0));
}

// Makes the rootfs a mount of its own that the jail's clone of it is going to be a peer of.
bool shareRootfs(const char* source) {
  int tree = openTree(source);
  bool shared = tree >= 0 && setAttributes(tree, 0, MS_SHARED, AT_RECURSIVE) &&
                syscall(SYS_move_mount, tree, "", AT_FDCWD, source, MOVE_MOUNT_F_EMPTY_PATH) == 0;
  closeQuietly(&tree);
  return shared || failErrno("share the mounts of %s", source);
}

bool cloneTree(const Plan& plan, Trees* trees, int index, const char* source, const char* mode,
               unsigned long long propagation) {
  int tree = openBySource(source, mode);
  if (tree < 0)
    return failErrno("bind %s", source);
  if (!restrictTree(tree, mode, kTreeAttributes, propagation))
    return failErrno("restrict the mount of %s", source);
  if (!mapTree(plan, index, tree))
    return fail("%s: %s", source, failureText());
  struct stat status;
  if (fstat(tree, &status) != 0)
    return failErrno("stat %s", source);
  trees->directory[index] = S_ISDIR(status.st_mode);
  trees->fd[index] = tree;
  return true;
}

// Those that the host's mounts go on to reach have to be cloned while this namespace is still reached by
// them.
bool cloneTrees(const Plan& plan, Trees* trees, bool slaves) {
  size_t sourceCursor = 0, modeCursor = 0;
  trees->count = 0;
  while (const char* source = plan.next("tree.source", &sourceCursor)) {
    const char* mode = plan.next("tree.mode", &modeCursor);
    if (trees->count == kMaxTrees)
      return fail("more than %d mounts", kMaxTrees);
    int index = trees->count++;
    if (hasWord(mode, "slave") != slaves)
      continue;
    bool shared = index == 0 && sharesRootfs(plan);
    if (shared && !shareRootfs(source))
      return false;
    if (!cloneTree(plan, trees, index, source, mode, slaves ? MS_SLAVE : shared ? MS_SHARED : MS_PRIVATE))
      return false;
  }
  return true;
}

bool setPropagation(unsigned long long propagation) {
  return mount(nullptr, "/", nullptr, MS_REC | propagation, nullptr) == 0 ||
         failErrno("make the mounts private");
}

bool attachTree(int jail, const Trees& trees, int index) {
  char target[32] = "root";
  if (index > 0)
    snprintf(target, sizeof target, "mounts/%d", index);
  bool made;
  if (trees.directory[index]) {
    made = mkdirat(jail, target, 0755) == 0;
  } else {
    int file = openat(jail, target, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644);
    made = file >= 0;
    if (made)
      close(file);
  }
  return made && syscall(SYS_move_mount, trees.fd[index], "", jail, target, MOVE_MOUNT_F_EMPTY_PATH) == 0;
}

constexpr unsigned long long kStoreAttributes = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSYMFOLLOW;

// Where the gofer makes nameless files for the Sentry.
int memoryTree(const Plan& plan) {
  char uid[16], gid[16];
  snprintf(uid, sizeof uid, "%u", goferRoot(plan, "gofer.uidmap"));
  snprintf(gid, sizeof gid, "%u", goferRoot(plan, "gofer.gidmap"));
  int context = (int)syscall(SYS_fsopen, "tmpfs", FSOPEN_CLOEXEC);
  // Without a size of its own: the container's memory limit is what bounds it.
  bool made = context >= 0 && syscall(SYS_fsconfig, context, FSCONFIG_SET_STRING, "size", "0", 0) == 0 &&
              syscall(SYS_fsconfig, context, FSCONFIG_SET_STRING, "mode", "0700", 0) == 0 &&
              syscall(SYS_fsconfig, context, FSCONFIG_SET_STRING, "uid", uid, 0) == 0 &&
              syscall(SYS_fsconfig, context, FSCONFIG_SET_STRING, "gid", gid, 0) == 0 &&
              syscall(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) == 0;
  int tree = made ? (int)syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC, kStoreAttributes) : -1;
  if (tree < 0)
    failErrno("mount memory for files");
  closeQuietly(&context);
  return tree;
}

// The same on the host's disk, for the overlay's files: a directory that the plan names.
int overlayTree(const char* path) {
  int tree = openTree(path);
  if (tree >= 0 && setAttributes(tree, kStoreAttributes, MS_PRIVATE, AT_RECURSIVE))
    return tree;
  failErrno("overlay2: open %s", path);
  return -1;
}

bool attachStore(int jail, int tree, const char* name) {
  bool done = tree >= 0 && (mkdirat(jail, name, 0755) == 0 || failErrno("attach %s", name)) &&
              (syscall(SYS_move_mount, tree, "", jail, name, MOVE_MOUNT_F_EMPTY_PATH) == 0 ||
               failErrno("attach %s", name));
  closeQuietly(&tree);
  return done;
}

// What is mounted in the view on top of the rootfs, as config.json has it.
struct ViewMounts {
  int fd[kMaxTrees];
  const char* target[kMaxTrees];
  int count = 0;
};

// In place of what only the Sentry has: what would be written there is refused rather than lost.
int emptyTree() {
  int context = (int)syscall(SYS_fsopen, "tmpfs", FSOPEN_CLOEXEC);
  bool made = context >= 0 && syscall(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) == 0;
  int tree =
      made ? (int)syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC, kStoreAttributes | MOUNT_ATTR_RDONLY) : -1;
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

// The rootfs is not to be trusted: links in it lead nowhere else. A mount point that only the Sentry has is
// left out.
int openInRoot(int root, const char* target) {
  struct open_how how;
  memset(&how, 0, sizeof how);
  how.flags = O_PATH | O_CLOEXEC;
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  return (int)syscall(SYS_openat2, root, target, &how, sizeof how);
}

void attachInView(int root, int tree, const char* target) {
  int place = openInRoot(root, target);
  if (place >= 0)
    syscall(SYS_move_mount, tree, "", place, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
  closeQuietly(&place);
  closeQuietly(&tree);
}

// For createContainer hooks: the rootfs of this namespace, the peer of the jail's, gets the container's
// mounts.
bool attachForHooks(const char* source, const ViewMounts& mounts) {
  int root = open(source, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (root < 0)
    return failErrno("open %s", source);
  for (int index = 0; index < mounts.count; index++)
    attachInView(root, mounts.fd[index], mounts.target[index]);
  close(root);
  return true;
}

// The same mounts have come into the jail, where the Sentry makes its own. What is mounted on them goes
// along, as it would be hidden.
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
