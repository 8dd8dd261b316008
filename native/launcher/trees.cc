#include "trees.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "descriptors.h"
#include "failure.h"
#include "identity.h"
#include "idmap.h"
#include "jail.h"

namespace launcher {
namespace {

constexpr unsigned long long kStoreAttributes = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSYMFOLLOW;

// One mount without what is mounted on it. Where somebody more privileged has made those
// (mount_namespaces(7)), the kernel doesn't show what they hide: then they come along.
int openMount(const char* path) {
  int tree = (int)syscall(SYS_open_tree, AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
  return tree < 0 && errno == EINVAL ? openTree(path) : tree;
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

} // namespace

int openTree(const char* path) {
  return (int)syscall(SYS_open_tree, AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
}

bool setAttributes(int tree, unsigned long long set, unsigned long long propagation, unsigned flags) {
  struct mount_attr attributes;
  memset(&attributes, 0, sizeof attributes);
  attributes.attr_set = set;
  attributes.propagation = propagation;
  return syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH | flags, &attributes, sizeof attributes) == 0;
}

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

bool restrictTree(int tree, const char* mode, unsigned long long attributes, unsigned long long propagation) {
  unsigned long long all = attributes | (hasWord(mode, "rro") ? MOUNT_ATTR_RDONLY : 0);
  return setAttributes(tree, all, propagation, AT_RECURSIVE) &&
         (!hasWord(mode, "ro") || setAttributes(tree, MOUNT_ATTR_RDONLY, 0, 0));
}

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

} // namespace launcher
