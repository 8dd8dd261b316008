// Descriptor and small-file helpers.
#include "descriptors.h"

#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace launcher {

int copyHigh(int fd) {
  return fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, kHighFd);
}

int moveHigh(int fd) {
  if (fd < 0 || fd >= kHighFd)
    return fd;
  int high = copyHigh(fd);
  int error = errno;
  close(fd);
  errno = error;
  return high;
}

bool writeAll(int fd, const void* bytes, size_t size) {
  const char* cursor = (const char*)bytes;
  while (size > 0) {
    ssize_t written = write(fd, cursor, size);
    if (written < 0 && errno == EINTR)
      continue;
    if (written < 0)
      return false;
    cursor += written;
    size -= (size_t)written;
  }
  return true;
}

bool writeFileAt(int directory, const char* path, const char* text) {
  int fd = openat(directory, path, O_WRONLY | O_CLOEXEC);
  if (fd < 0)
    return false;
  // One write: cgroup and /proc files take a value whole.
  size_t size = strlen(text);
  ssize_t written = write(fd, text, size);
  int error = written < 0 ? errno : EIO;
  close(fd);
  errno = error;
  return written == (ssize_t)size;
}

bool writeFile(const char* path, const char* text) {
  return writeFileAt(AT_FDCWD, path, text);
}

ssize_t readFileAt(int directory, const char* path, char* out, size_t size) {
  out[0] = 0;
  int fd = openat(directory, path, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return -1;
  size_t length = 0;
  while (length < size - 1) {
    ssize_t got = read(fd, out + length, size - 1 - length);
    if (got < 0 && errno == EINTR)
      continue;
    if (got <= 0)
      break;
    length += (size_t)got;
  }
  out[length] = 0;
  close(fd);
  return (ssize_t)length;
}

int memoryFile(const char* name, const void* bytes, size_t size) {
  int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (fd < 0)
    return -1;
  if (!writeAll(fd, bytes, size) || lseek(fd, 0, SEEK_SET) != 0) {
    int error = errno;
    close(fd);
    errno = error;
    return -1;
  }
  fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL);
  return moveHigh(fd);
}

int executableFile(int fd) {
  struct stat status;
  if (fstat(fd, &status) != 0)
    return -1;
  if ((status.st_mode & 05) == 05)
    return fd;
  int copy = memfd_create("stub", MFD_CLOEXEC);
  ssize_t sent = copy < 0 ? -1 : 1;
  off_t from = 0;
  while (sent > 0)
    sent = sendfile(copy, fd, &from, 1 << 20);
  return sent < 0 ? -1 : moveHigh(copy);
}

void closeOnExecFrom(int first) {
  if (syscall(SYS_close_range, (unsigned)first, ~0u, CLOSE_RANGE_CLOEXEC) == 0)
    return;
  // Linux before 5.11.
  int last = (int)sysconf(_SC_OPEN_MAX);
  for (int fd = first; fd < last; fd++) {
    int flags = fcntl(fd, F_GETFD);
    if (flags >= 0)
      fcntl(fd, F_SETFD, flags | FD_CLOEXEC);
  }
}

void closeQuietly(int* fd) {
  if (*fd < 0)
    return;
  int error = errno;
  close(*fd);
  errno = error;
  *fd = -1;
}

bool makeDirectories(const char* path, mode_t mode) {
  if (mkdir(path, mode) == 0 || errno == EEXIST)
    return true;
  if (errno != ENOENT)
    return false;
  char parent[PATH_MAX];
  if (snprintf(parent, sizeof parent, "%s", path) >= (int)sizeof parent) {
    errno = ENAMETOOLONG;
    return false;
  }
  char* slash = strrchr(parent, '/');
  if (slash == nullptr || slash == parent)
    return false;
  *slash = 0;
  if (!makeDirectories(parent, mode))
    return false;
  return mkdir(path, mode) == 0 || errno == EEXIST;
}

} // namespace launcher
