// Copies a few megabytes at most; only where they can't be read in place.
#include "staging.h"

#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <sys/fsuid.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "descriptors.h"
#include "failure.h"

namespace launcher {
namespace {

bool readableBy(const Plan& plan, unsigned uid) {
  // setfsuid(2): also takes away the capabilities that would make everything readable.
  int group = setfsgid(uid), user = setfsuid(uid);
  bool readable = true;
  size_t cursor = 0;
  while (const char* name = plan.next("package.file", &cursor)) {
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", plan.text("package.dir"), name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    // A file that isn't there (a code cache) isn't needed.
    readable = readable && (fd >= 0 || errno == ENOENT);
    if (fd >= 0)
      close(fd);
  }
  setfsuid((uid_t)user);
  setfsgid((gid_t)group);
  return readable;
}

bool copyFile(int directory, const char* from, const char* to) {
  int source = openat(directory, from, O_RDONLY | O_CLOEXEC);
  if (source < 0)
    return errno == ENOENT;
  int target = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  ssize_t sent = target < 0 ? -1 : 1;
  while (sent > 0)
    sent = sendfile(target, source, nullptr, 16 << 20);
  int error = errno;
  close(source);
  if (target >= 0)
    close(target);
  errno = error;
  return sent == 0;
}

bool makeParent(const char* path) {
  char parent[PATH_MAX];
  snprintf(parent, sizeof parent, "%s", path);
  *strrchr(parent, '/') = 0;
  return makeDirectories(parent, 0755);
}

} // namespace

bool stagePackage(const Plan& plan, unsigned uid, bool* staged) {
  *staged = false;
  if (plan.get("package.dir") == nullptr || plan.flag("rootless") || readableBy(plan, uid))
    return true;
  // By descriptor: the source tree itself may be under the place that is about to be covered.
  int directory = open(plan.text("package.dir"), O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0)
    return failErrno("open %s", plan.text("package.dir"));
  umask(022);
  if (mount("runsc", kStagingPlace, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755,size=64m") != 0) {
    return failErrno("mount a place for the sandbox's programs on %s", kStagingPlace);
  }
  size_t cursor = 0;
  while (const char* name = plan.next("package.file", &cursor)) {
    char to[PATH_MAX];
    snprintf(to, sizeof to, "%s/%s", kStagingPlace, name);
    if (!makeParent(to) || !copyFile(directory, name, to))
      return failErrno("copy %s/%s", plan.text("package.dir"), name);
  }
  close(directory);
  *staged = true;
  return true;
}

const char* stagedPath(const Plan& plan, const char* text) {
  static char paths[8][PATH_MAX];
  static size_t used = 0;
  const char* package = plan.text("package.dir");
  size_t length = strlen(package);
  if (strncmp(text, package, length) != 0 || text[length] != '/' || used == 8)
    return text;
  snprintf(paths[used], sizeof paths[used], "%s%s", kStagingPlace, text + length);
  return paths[used++];
}

} // namespace launcher
