// The Sentry's reports about the container's init: the lines on the exit pipe (ExitReport, boot-document.ts).
#pragma once

#include <cstddef>

namespace launcher {

struct Outcome {
  // The container waits for `start`.
  bool created = false;
  bool started = false;
  // One of the three ends has been reported.
  bool ended = false;
  // What the launcher exits with: the code, 128 plus the signal, or the code of a failed start.
  int status = 1;
  // Init could not be started: `error` says why.
  bool startFailed = false;
  char error[2048] = "";
};

class OutcomeReader {
public:
  // Reads what is there. False at the end of the pipe.
  bool advance(int fd, Outcome* outcome);

private:
  void line(const char* text, Outcome* outcome);

  size_t length_ = 0;
  char bytes_[8192];
};

} // namespace launcher
