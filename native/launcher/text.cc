// Doubles its memory when that is full.
#include "text.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace launcher {

Text::~Text() {
  free(bytes_);
}

Text& Text::add(const char* text) {
  return add(text, strlen(text));
}

Text& Text::add(const char* bytes, size_t size) {
  if (length_ + size + 1 > capacity_) {
    size_t capacity = (length_ + size + 1) * 2;
    char* grown = (char*)realloc(bytes_, capacity);
    if (grown == nullptr) {
      failed_ = true;
      return *this;
    }
    bytes_ = grown;
    capacity_ = capacity;
  }
  memcpy(bytes_ + length_, bytes, size);
  length_ += size;
  bytes_[length_] = 0;
  return *this;
}

Text& Text::addString(const char* text) {
  add("\"");
  for (; *text != 0; text++) {
    unsigned char byte = (unsigned char)*text;
    char escaped[8] = {(char)byte, 0};
    if (byte == '"' || byte == '\\')
      snprintf(escaped, sizeof escaped, "\\%c", byte);
    else if (byte < 0x20)
      snprintf(escaped, sizeof escaped, "\\u%04x", byte);
    failed_ = failed_ || byte >= 0x80;
    add(escaped);
  }
  return add("\"");
}

Text& Text::record(const char* key, const char* value) {
  return add(key).add("=").add(value, strlen(value) + 1);
}

} // namespace launcher
