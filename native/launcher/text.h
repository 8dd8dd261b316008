// A text that grows.
#pragma once

#include <cstddef>

namespace launcher {

class Text {
public:
  Text() = default;
  Text(const Text&) = delete;
  Text& operator=(const Text&) = delete;
  ~Text();

  Text& add(const char* text);
  Text& add(const char* bytes, size_t size);
  // As a JSON string, quotes and all. What isn't ASCII makes the text incomplete: its encoding is unknown.
  Text& addString(const char* text);
  // A record of a launch plan.
  Text& record(const char* key, const char* value);

  const char* c_str() const { return bytes_ == nullptr ? "" : bytes_; }
  size_t length() const { return length_; }
  bool empty() const { return length_ == 0; }
  // Everything that was added is there.
  bool complete() const { return !failed_; }

private:
  char* bytes_ = nullptr;
  size_t length_ = 0;
  size_t capacity_ = 0;
  bool failed_ = false;
};

} // namespace launcher
