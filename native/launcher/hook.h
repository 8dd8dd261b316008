// One hook: a program of the host that reads the container's state.
#pragma once

#include <cstddef>
#include <sys/types.h>

#include "plan.h"

namespace launcher {

// Where a hook runs.
struct HookPlace {
  const char* directory = "";
  // In the mount namespace of this process, and the network namespace of the other; 0: where the runner is.
  pid_t mounts = 0;
  pid_t network = 0;
};

class Hook {
public:
  // Takes the plan's next hook of this kind from *cursor on. False when there is none.
  bool next(const Plan& plan, const char* kind, size_t* cursor);
  // Runs it to its end, to its timeout, or until the other end of the socket `asker` is closed. False with a
  // failure, in runc's words.
  bool run(const char* state, const HookPlace& place, int asker) const;

private:
  static constexpr size_t kMaxStrings = 1024;

  const char* path_ = nullptr;
  const char* arguments_[kMaxStrings + 1];
  const char* environment_[kMaxStrings + 1];
  // Milliseconds; -1 for none.
  long timeoutMs_ = -1;
};

} // namespace launcher
