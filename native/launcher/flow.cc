// Copies in two steps, so that a reader that doesn't read never blocks the launcher's signal handling.
#include "flow.h"

#include <cerrno>
#include <climits>
#include <unistd.h>

namespace launcher {

void Flow::wants(struct pollfd* reading, struct pollfd* writing) const {
  *reading = {ended_ || begin_ != end_ ? -1 : from_, POLLIN, 0};
  *writing = {begin_ != end_ ? to_ : -1, POLLOUT, 0};
}

void Flow::advance(const struct pollfd& reading, const struct pollfd& writing) {
  if (reading.fd >= 0 && reading.revents != 0)
    ended_ = !fill();
  // A blocking pipe that is ready takes PIPE_BUF bytes at once.
  if (writing.fd >= 0 && writing.revents != 0)
    ended_ = !flush(PIPE_BUF) || ended_;
}

void Flow::drain() {
  while (flush(sizeof bytes_)) {
    if (begin_ != end_) {
      // A terminal in non-blocking mode: a second for it to take more.
      struct pollfd poller = {to_, POLLOUT, 0};
      if (poll(&poller, 1, 1000) <= 0)
        return;
    } else if (!fill() || begin_ == end_) {
      return;
    }
  }
}

bool Flow::fill() {
  ssize_t got = read(from_, bytes_, sizeof bytes_);
  begin_ = 0;
  end_ = got > 0 ? (size_t)got : 0;
  return got > 0 || (got < 0 && (errno == EINTR || errno == EAGAIN));
}

bool Flow::flush(size_t most) {
  while (begin_ < end_) {
    size_t size = end_ - begin_ < most ? end_ - begin_ : most;
    ssize_t written = write(to_, bytes_ + begin_, size);
    if (written < 0 && errno == EINTR)
      continue;
    if (written < 0 && errno == EAGAIN)
      return true;
    if (written < 0) {
      begin_ = end_ = 0;
      return false;
    }
    begin_ += (size_t)written;
    if (size == most)
      break;
  }
  return true;
}

} // namespace launcher
