// Reads just as much JSON as the Sentry writes: flat objects of numbers, booleans and one string.
#include "outcome.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <unistd.h>

namespace launcher {
namespace {

// The text after `"key":`, or null.
const char* value(const char* text, const char* key) {
  char quoted[32];
  snprintf(quoted, sizeof quoted, "\"%s\":", key);
  const char* found = strstr(text, quoted);
  return found == nullptr ? nullptr : found + strlen(quoted);
}

// A JSON string's characters up to its closing quote; escapes above U+007F become '?'.
void unquote(const char* text, char* out, size_t size) {
  size_t length = 0;
  if (*text == '"')
    text++;
  for (; *text != 0 && *text != '"' && length + 1 < size; text++) {
    char byte = *text;
    if (byte == '\\' && text[1] != 0) {
      byte = *++text;
      if (byte == 'n' || byte == 'r' || byte == 't')
        byte = ' ';
      if (byte == 'u' && strlen(text) > 4) {
        char digits[5] = {text[1], text[2], text[3], text[4], 0};
        long code = strtol(digits, nullptr, 16);
        byte = code >= 0x20 && code < 0x7f ? (char)code : '?';
        text += 4;
      }
    }
    out[length++] = byte;
  }
  out[length] = 0;
}

} // namespace

bool OutcomeReader::advance(int fd, Outcome* outcome) {
  ssize_t got = read(fd, bytes_ + length_, sizeof bytes_ - 1 - length_);
  if (got < 0)
    return errno == EINTR || errno == EAGAIN;
  if (got == 0)
    return false;
  length_ += (size_t)got;
  bytes_[length_] = 0;
  char* start = bytes_;
  for (char* end; (end = strchr(start, '\n')) != nullptr; start = end + 1) {
    *end = 0;
    line(start, outcome);
  }
  length_ -= (size_t)(start - bytes_);
  memmove(bytes_, start, length_);
  // A line that fills the buffer is no report of ours.
  if (length_ == sizeof bytes_ - 1)
    length_ = 0;
  return true;
}

void OutcomeReader::line(const char* text, Outcome* outcome) {
  if (outcome->ended)
    return;
  const char* error = value(text, "error");
  if (error != nullptr) {
    const char* code = value(text, "exitCode");
    outcome->status = code == nullptr ? 1 : (int)strtol(code, nullptr, 10) & 0xff;
    outcome->startFailed = true;
    unquote(error, outcome->error, sizeof outcome->error);
    outcome->ended = true;
  } else if (const char* code = value(text, "code")) {
    outcome->status = (int)strtol(code, nullptr, 10) & 0xff;
    outcome->ended = true;
  } else if (const char* signal = value(text, "signal")) {
    outcome->status = (128 + (int)strtol(signal, nullptr, 10)) & 0xff;
    outcome->ended = true;
  } else if (value(text, "started") != nullptr) {
    outcome->started = true;
  } else if (value(text, "created") != nullptr) {
    outcome->created = true;
  }
}

} // namespace launcher
