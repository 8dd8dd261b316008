// The hook runner: a process that runs config.json's hooks where the command was typed, outside the
// container's cgroups and namespaces; but createContainer hooks see the container's network, and mounts that
// they make in the rootfs are the container's.
#pragma once

#include <cstddef>
#include <sys/types.h>

#include "plan.h"

namespace launcher {

// Points of the container's life at which hooks run (config.md, "POSIX-platform Hooks").
enum class HookStage : int {
  create, // prestart, createRuntime, createContainer
  start,  // poststart
  stop,   // poststop
};

class HookRunner {
public:
  // Forks the runner, if the plan has hooks. It is forked before the launcher enters anything of the
  // container's, and dies with the launcher.
  bool start(const Plan& plan);

  bool has(HookStage stage) const;
  // Lets the stage's hooks run; their end is announced by `fd`. `mounts`: a process in the mount namespace
  // that the gofer's jail has been made in, or 0. False with a failure.
  bool request(HookStage stage, pid_t mounts = 0);
  // Reads how it went. False with a failure: the hook's.
  bool result();
  // Readable when the requested stage is over; -1 when nothing is under way.
  int fd() const { return busy_ ? socket_ : -1; }
  void end();

private:
  const Plan* plan_ = nullptr;
  int pid_ = -1;
  int socket_ = -1;
  bool busy_ = false;
};

} // namespace launcher
