// One hook: a program of the host that reads the container's state.
#pragma once

#include <cstddef>

#include "plan.h"

namespace launcher {

class Hook {
public:
  // Takes the plan's next hook of this kind from *cursor on. False when there is none.
  bool next(const Plan& plan, const char* kind, size_t* cursor);
  // Runs it to its end, to its timeout, or until the other end of the socket `asker` is closed. False with a
  // failure, in runc's words.
  bool run(const char* state, const char* directory, int asker) const;

private:
  static constexpr size_t kMaxStrings = 1024;

  const char* path_ = nullptr;
  const char* arguments_[kMaxStrings + 1];
  const char* environment_[kMaxStrings + 1];
  // Milliseconds; -1 for none.
  long timeoutMs_ = -1;
};

} // namespace launcher
