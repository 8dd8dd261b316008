// Trees of mounts, as the container's files are: cloned and restricted while they are attached nowhere, so
// that no path is looked at twice (the descriptor-based mount calls of Linux 5.12).
#pragma once

#include <linux/mount.h>
#include <sys/mount.h>

#include "plan.h"

// <sys/mount.h> and <linux/mount.h> clash in some C libraries about what exactly they declare: these are the
// few that only newer headers have.
#ifndef MOUNT_ATTR_NOSYMFOLLOW
#define MOUNT_ATTR_NOSYMFOLLOW 0x00200000
#endif

namespace launcher {

constexpr int kMaxTrees = 1024;

// No device of the host opens through here, no symlink of the host's resolves, whatever the gofer asks.
constexpr unsigned long long kTreeAttributes = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSYMFOLLOW;

// The trees that the gofer serves: 0 is the rootfs, then the bind mounts, in the plan's order.
struct Trees {
  int fd[kMaxTrees];
  bool directory[kMaxTrees];
  int count = 0;
};

// Descriptors of a clone of the mount at `path` with all that is mounted on it, or -1 and errno.
int openTree(const char* path);
// The same as a plan's tree.mode has it (runsc/sandbox/launch-keys.ts).
int openBySource(const char* source, const char* mode);
// Whether tree.mode has a word.
bool hasWord(const char* mode, const char* word);
bool setAttributes(int tree, unsigned long long set, unsigned long long propagation, unsigned flags);
// `ro` is of the mount itself, `rro` of all that are mounted on it as well.
bool restrictTree(int tree, const char* mode, unsigned long long attributes, unsigned long long propagation);

// Clones the plan's trees. Those that the host's mounts go on to reach (`slaves`) have to be cloned while
// this namespace is still reached by them.
bool cloneTrees(const Plan& plan, Trees* trees, bool slaves);
bool attachTree(int jail, const Trees& trees, int index);

// Where the gofer makes nameless files for the Sentry.
int memoryTree(const Plan& plan);
// The same on the host's disk, for the overlay's files: a directory that the plan names.
int overlayTree(const char* path);
bool attachStore(int jail, int tree, const char* name);

} // namespace launcher
