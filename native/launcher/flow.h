// A flow: bytes copied from one descriptor to another inside a poll loop.
#pragma once

#include <cstddef>
#include <poll.h>

namespace launcher {

class Flow {
public:
  Flow(int from, int to) : from_(from), to_(to) {}

  // Fills up to two poll entries: what this flow waits for now. -1 in fd for nothing.
  void wants(struct pollfd* reading, struct pollfd* writing) const;
  // Moves what can be moved without blocking.
  void advance(const struct pollfd& reading, const struct pollfd& writing);
  // The source is gone: writes out everything that it still holds, blocking.
  void drain();
  // The source has ended, or the destination is gone, and nothing is held any more.
  bool over() const { return ended_ && begin_ == end_; }

private:
  bool fill();
  bool flush(size_t most);

  int from_;
  int to_;
  size_t begin_ = 0;
  size_t end_ = 0;
  bool ended_ = false;
  char bytes_[8192];
};

} // namespace launcher
