// Becomes Node with the command line's program: from the image of it (native/image) where there is one of
// this user's.
#include "front.h"

#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../include/image_format.h"

namespace front {
namespace {

// Puts an open file where the restorer looks for it; false if the caller has something there.
bool place(int fd, int number) {
  bool placed = fd >= 0 && fcntl(number, F_GETFD) < 0 && dup2(fd, number) == number;
  if (fd >= 0 && fd != number)
    close(fd);
  return placed || fd == number;
}

// As Node at its start, and runc's Go: what the container inherits where config.json says nothing.
void raiseOpenFiles() {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur != limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
  }
}

// Node opens what is missing.
bool hasStandardDescriptors() {
  return fcntl(0, F_GETFD) >= 0 && fcntl(1, F_GETFD) >= 0 && fcntl(2, F_GETFD) >= 0;
}

// Returns where there is no such image, or the caller's descriptors are in the way. What does not fit, the
// restorer finds out, and executes Node.
void becomeImage(char** arguments) {
  const char *node = arguments[0], *script = arguments[1], *slash = strrchr(script, '/');
  char image[PATH_MAX], restorer[PATH_MAX];
  if (*node != '/' || slash == nullptr || !hasStandardDescriptors())
    return;
  int length = (int)(slash - script);
  if (snprintf(image, sizeof image, "%.*s/images/command", length, script) >= (int)sizeof image ||
      snprintf(restorer, sizeof restorer, "%.*s/../build/Release/restore", length, script) >=
          (int)sizeof restorer)
    return;
  int fd = open(image, O_RDONLY);
  struct stat st;
  // Nobody but this user could have written it.
  bool own =
      fd >= 0 && fstat(fd, &st) == 0 && st.st_uid == geteuid() && (st.st_mode & 077) == 0 && st.st_size > 0;
  if (!own) {
    if (fd >= 0)
      close(fd);
    return;
  }
  if (!place(fd, IMAGE_FD))
    return;
  if (place(open(node, O_RDONLY), IMAGE_PROGRAM_FD)) {
    raiseOpenFiles();
    execv(restorer, arguments);
    close(IMAGE_PROGRAM_FD);
  }
  close(IMAGE_FD);
}

} // namespace

int becomeNode(char** arguments) {
  becomeImage(arguments);
  execvp(arguments[0], arguments);
  dprintf(STDERR_FILENO, "runsc: exec %s: %s\n", arguments[0], strerror(errno));
  return 1;
}

} // namespace front
