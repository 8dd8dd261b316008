// The start socket: `runsc start` connects to it, which is the request, and reads the answer.
#pragma once

#include <poll.h>

namespace launcher {

class StartSocket {
public:
  // Makes `start.sock` in the state directory. False with a failure.
  bool listen(int directory);
  // From now on everybody who comes is too late.
  void unlink();

  // What to wait for; fd is -1 for nothing.
  struct pollfd wants() const {
    return {listener_, POLLIN, 0};
  }
  // Takes a connection. True for the first one, which is the request.
  bool accept();
  // Answers the request, if there is one: null for success, or a sentence.
  void answer(const char* error);

private:
  int directory_ = -1;
  int listener_ = -1;
  int client_ = -1;
};

} // namespace launcher
