// The state directory. mkdir(2) is the lock on an id, rename(2) makes each state.json whole.
#include "state.h"

#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "descriptors.h"
#include "failure.h"

namespace launcher {
namespace {

// Field 22 of /proc/self/stat: with it, a pid that was used again is told from ours.
unsigned long long startTicks() {
  char text[1024];
  if (readFileAt(AT_FDCWD, "/proc/self/stat", text, sizeof text) <= 0)
    return 0;
  // The command name may hold blanks and parentheses: count from its last one.
  const char* cursor = strrchr(text, ')');
  for (int field = 2; cursor != nullptr && field < 22; field++)
    cursor = strchr(cursor + 1, ' ');
  return cursor == nullptr ? 0 : strtoull(cursor + 1, nullptr, 10);
}

bool replaceFile(int directory, const char* temporary, const char* name, const char* text, size_t size,
                 mode_t mode) {
  int fd = openat(directory, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
  if (fd < 0)
    return false;
  bool done = writeAll(fd, text, size);
  close(fd);
  if (done && renameat(directory, temporary, directory, name) == 0)
    return true;
  int error = errno;
  unlinkat(directory, temporary, 0);
  errno = error;
  return false;
}

bool socketAddress(int directory, const char* name, struct sockaddr_un* address) {
  // Through /proc, because sun_path holds only 107 bytes of what may be a long path.
  memset(address, 0, sizeof *address);
  address->sun_family = AF_UNIX;
  int length = snprintf(address->sun_path, sizeof address->sun_path, "/proc/self/fd/%d/%s", directory, name);
  return length < (int)sizeof address->sun_path;
}

} // namespace

bool makeStateDirectory(const Plan& plan, Shared* shared, int* directory) {
  const char* root = plan.text("root.dir");
  const char* path = plan.text("state.dir");
  if (!makeDirectories(root, 0700))
    return failErrno("mkdir %s", root);
  shared->state = Claim::trying;
  if (mkdir(path, 0711) != 0) {
    shared->state = Claim::foreign;
    if (errno == EEXIST)
      return fail("container with given ID already exists");
    return failErrno("mkdir %s", path);
  }
  shared->state = Claim::made;
  *directory = moveHigh(open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  return *directory >= 0 || failErrno("open %s", path);
}

bool writeState(const Plan& plan, int directory, const char* status) {
  const char* fields = plan.text("state.json");
  size_t size = strlen(fields) + 160;
  char* text = (char*)malloc(size);
  if (text == nullptr)
    return failErrno("state.json");
  int length = snprintf(text, size, "{\"pid\":%d,\"startTicks\":%llu,\"status\":\"%s\",%s\n", (int)getpid(),
                        startTicks(), status, fields);
  bool done = replaceFile(directory, ".state.json", "state.json", text, (size_t)length, 0600);
  free(text);
  return done || failErrno("write state.json");
}

int listenAt(int directory, const char* name) {
  struct sockaddr_un address;
  int fd = moveHigh(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  mode_t mask = umask(0177);
  bool done = fd >= 0 && socketAddress(directory, name, &address) &&
              bind(fd, (struct sockaddr*)&address, sizeof address) == 0 && listen(fd, 16) == 0;
  umask(mask);
  if (done)
    return fd;
  failErrno("%s", name);
  closeQuietly(&fd);
  return -1;
}

int connectControl(int directory) {
  struct sockaddr_un address;
  int fd = moveHigh(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (fd >= 0 && socketAddress(directory, kControlSocket, &address) &&
      connect(fd, (struct sockaddr*)&address, sizeof address) == 0) {
    return fd;
  }
  failErrno("control socket");
  closeQuietly(&fd);
  return -1;
}

bool writePidFile(const char* path, pid_t pid) {
  // As runc: a hidden file beside it, then a rename, so that a reader never sees half a number.
  const char* slash = strrchr(path, '/');
  int directoryLength = slash == nullptr ? 0 : (int)(slash - path) + 1;
  char temporary[PATH_MAX], text[16];
  int length =
      snprintf(temporary, sizeof temporary, "%.*s.%s", directoryLength, path, path + directoryLength);
  if (length >= (int)sizeof temporary)
    return fail("pid file: %s: file name too long", path);
  int size = snprintf(text, sizeof text, "%d", (int)pid);
  if (replaceFile(AT_FDCWD, temporary, path, text, (size_t)size, 0666))
    return true;
  return failErrno("open %s", temporary);
}

void removeStateDirectory(const Plan& plan, const Shared* shared) {
  const char* path = plan.text("state.dir");
  if (shared->state == Claim::trying)
    rmdir(path);
  if (shared->state != Claim::made)
    return;
  DIR* directory = opendir(path);
  if (directory == nullptr)
    return;
  while (struct dirent* entry = readdir(directory)) {
    if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
      unlinkat(dirfd(directory), entry->d_name, 0);
    }
  }
  closedir(directory);
  rmdir(path);
}

} // namespace launcher
