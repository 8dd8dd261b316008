// Failure text, kept in one buffer: the launcher reports one failure and ends.
#include "failure.h"

#include <cctype>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstring>

namespace launcher {
namespace {

char g_text[2048];

size_t format(const char* pattern, va_list arguments) {
  // A copy first: an argument may be the previous failure's text.
  char text[sizeof g_text];
  int length = vsnprintf(text, sizeof text, pattern, arguments);
  if (length < 0)
    length = 0;
  if (length >= (int)sizeof text)
    length = sizeof text - 1;
  memcpy(g_text, text, (size_t)length + 1);
  return (size_t)length;
}

} // namespace

bool fail(const char* pattern, ...) {
  va_list arguments;
  va_start(arguments, pattern);
  format(pattern, arguments);
  va_end(arguments);
  return false;
}

bool failErrno(const char* pattern, ...) {
  int error = errno;
  va_list arguments;
  va_start(arguments, pattern);
  size_t length = format(pattern, arguments);
  va_end(arguments);
  const char* reason = strerror(error);
  int added = snprintf(g_text + length, sizeof g_text - length, ": %s", reason);
  // "Is a directory", not "I/O error": only a word that starts with one capital is lowered.
  if (added > 2 && length + 3 < sizeof g_text && islower((unsigned char)reason[1])) {
    g_text[length + 2] = (char)tolower((unsigned char)g_text[length + 2]);
  }
  return false;
}

const char* failureText() {
  return g_text;
}

void clearFailure() {
  g_text[0] = 0;
}

} // namespace launcher
