// The state directory. rename(2) claims an id, and makes each state.json whole.
#include "state.h"

#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
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

// The beginning of state.json: whose it is.
void describeOwner(int pid, unsigned long long ticks, char* text, size_t size) {
  snprintf(text, size, "{\"pid\":%d,\"startTicks\":%llu,", pid, ticks);
}

// Where the state directory is made: beside its place, by a name that is no container's id.
bool temporaryName(const Plan& plan, pid_t launcher, char* path) {
  return snprintf(path, PATH_MAX, "%s/@%d", plan.text("root.dir"), (int)launcher) < PATH_MAX;
}

bool isOwned(int directory, const Shared* shared) {
  char owner[64], text[64];
  describeOwner(shared->launcher, shared->startTicks, owner, sizeof owner);
  return readFileAt(directory, "state.json", text, sizeof text) > 0 &&
         strncmp(text, owner, strlen(owner)) == 0;
}

void empty(const char* path) {
  DIR* directory = opendir(path);
  if (directory == nullptr)
    return;
  while (struct dirent* entry = readdir(directory)) {
    if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
      unlinkat(dirfd(directory), entry->d_name, 0);
    }
  }
  closedir(directory);
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
  char temporary[PATH_MAX];
  shared->launcher = getpid();
  if (!temporaryName(plan, shared->launcher, temporary))
    return fail("mkdir %s: file name too long", path);
  if (!makeDirectories(root, 0700))
    return failErrno("mkdir %s", root);
  shared->state = Claim::trying;
  // Here and below a directory that was left empty by a crash is nobody's.
  if (mkdir(temporary, 0711) != 0 && errno != EEXIST)
    return failErrno("mkdir %s", path);
  *directory = moveHigh(open(temporary, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (*directory < 0)
    return failErrno("open %s", temporary);
  shared->startTicks = startTicks();
  if (!writeState(plan, *directory, "creating"))
    return false;
  // rename(2) replaces no directory that has something in it, and a container's has its state.json.
  if (rename(temporary, path) != 0) {
    if (errno == EEXIST || errno == ENOTEMPTY)
      return fail("container with given ID already exists");
    return failErrno("mkdir %s", path);
  }
  shared->state = Claim::made;
  return true;
}

bool writeState(const Plan& plan, int directory, const char* status) {
  const char* fields = plan.text("state.json");
  size_t size = strlen(fields) + 160;
  char* text = (char*)malloc(size);
  if (text == nullptr)
    return failErrno("state.json");
  char owner[64];
  describeOwner((int)getpid(), startTicks(), owner, sizeof owner);
  int length = snprintf(text, size, "%s\"status\":\"%s\",%s\n", owner, status, fields);
  bool done = replaceFile(directory, ".state.json", "state.json", text, (size_t)length, 0600);
  free(text);
  return done || failErrno("write state.json");
}

void writeExitStatus(int directory, int status) {
  char text[16];
  int length = snprintf(text, sizeof text, "%d\n", status);
  // Without it, on a full disk say, `wait` answers that the status is not known.
  (void)replaceFile(directory, ".exit-status", kExitStatus, text, (size_t)length, 0600);
}

void writeKilledStatus(const Plan& plan, const Shared* shared) {
  int directory = open(plan.text("state.dir"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  // `delete` has the lock while it removes a container; afterwards the id may be another container's.
  bool mine = directory >= 0 && flock(directory, LOCK_EX) == 0 && isOwned(directory, shared);
  if (mine && faccessat(directory, kExitStatus, F_OK, 0) != 0)
    writeExitStatus(directory, 128 + SIGKILL);
  closeQuietly(&directory);
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
  char temporary[PATH_MAX];
  if (shared->state == Claim::none || !temporaryName(plan, shared->launcher, temporary))
    return;
  empty(temporary);
  rmdir(temporary);
  if (shared->state != Claim::made)
    return;
  const char* path = plan.text("state.dir");
  int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  // `delete` has the lock while it removes a container; afterwards the id may be another container's.
  if (directory >= 0 && flock(directory, LOCK_EX) == 0 && isOwned(directory, shared)) {
    empty(path);
    rmdir(path);
  }
  closeQuietly(&directory);
}

} // namespace launcher
