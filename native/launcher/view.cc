// Podman copies files and lists processes by joining the mount namespace of the container's pid. With the
// host's mounts there, `podman cp` would write to the host's files, whatever the paths say.
#include "view.h"

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include "descriptors.h"
#include "failure.h"
#include "jail.h"
#include "view_proc.h"

namespace launcher {

bool enterView(const Plan& plan, pid_t sentry, View* view) {
  // Without privilege nobody else can join it either, except who could read and write the files anyway.
  size_t cursor = 0;
  const char* source = plan.next("tree.source", &cursor);
  if (source == nullptr || plan.flag("rootless"))
    return true;
  int host = moveHigh(open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC));
  int root = moveHigh(open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (host < 0 || root < 0)
    return failErrno("open the host's mounts");
  ProcessView processes;
  // Managers detach from their containers.
  openProcessView(plan.flag("detach") ? sentry : -1, &processes);
  if (unshare(CLONE_NEWNS) != 0)
    return failErrno("unshare the mounts");
  view->host = host;
  view->root = root;
  int tree = prepareView(plan, source);
  bool entered = tree >= 0 && enterJail(tree);
  closeQuietly(&tree);
  if (entered)
    showProcesses(&processes);
  return entered;
}

bool leaveView(View* view) {
  if (view->host < 0)
    return true;
  // The root of the namespace may not have been ours.
  bool left = setns(view->host, CLONE_NEWNS) == 0 && fchdir(view->root) == 0 && chroot(".") == 0;
  closeQuietly(&view->host);
  closeQuietly(&view->root);
  return left || failErrno("return to the host's mounts");
}

} // namespace launcher
