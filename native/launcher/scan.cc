// Counts brackets outside of strings, so that a key is only looked for in the outermost object.
#include "scan.h"

#include <climits>
#include <cstring>

namespace launcher {
namespace {

const char* skipBlank(const char* text) {
  return text + strspn(text, " \t\r\n");
}

// Past the closing quote of the string at `text`; null when it has none.
const char* skipString(const char* text) {
  for (text++; *text != 0 && *text != '"'; text++) {
    if (*text == '\\' && *++text == 0)
      return nullptr;
  }
  return *text == '"' ? text + 1 : nullptr;
}

bool isKey(const char* string, const char* end, const char* key) {
  size_t length = strlen(key);
  return (size_t)(end - string) == length + 2 && strncmp(string + 1, key, length) == 0;
}

// Where the value of a member of the outermost object begins, or null.
const char* find(const char* json, const char* key) {
  int depth = 0;
  for (const char* cursor = json; *cursor != 0;) {
    if (*cursor == '"') {
      const char* end = skipString(cursor);
      if (end == nullptr)
        return nullptr;
      const char* after = skipBlank(end);
      if (depth == 1 && *after == ':' && isKey(cursor, end, key))
        return skipBlank(after + 1);
      cursor = end;
      continue;
    }
    if (*cursor == '{' || *cursor == '[')
      depth++;
    if (*cursor == '}' || *cursor == ']')
      depth--;
    cursor++;
  }
  return nullptr;
}

// The string at `text`: null when it has escapes or doesn't fit, else the text behind it.
const char* copyString(const char* text, char* out, size_t size) {
  const char* end = skipString(text);
  size_t length = end == nullptr ? 0 : (size_t)(end - text) - 2;
  if (end == nullptr || length >= size || memchr(text, '\\', length + 2) != nullptr)
    return nullptr;
  memcpy(out, text + 1, length);
  out[length] = 0;
  return end;
}

} // namespace

bool scanValue(const char* json, const char* key, char* out, size_t size) {
  const char* value = find(json, key);
  if (value == nullptr)
    return false;
  if (*value == '"')
    return copyString(value, out, size) != nullptr;
  size_t length = strspn(value, "0123456789");
  if (length == 0 || length >= size)
    return false;
  memcpy(out, value, length);
  out[length] = 0;
  return true;
}

bool scanStrings(const char* json, const char* key, bool (*each)(const char* text, void* context),
                 void* context) {
  const char* cursor = find(json, key);
  if (cursor == nullptr || *cursor != '[')
    return false;
  char text[PATH_MAX];
  for (cursor = skipBlank(cursor + 1); *cursor != ']'; cursor = skipBlank(cursor)) {
    if (*cursor != '"' || (cursor = copyString(cursor, text, sizeof text)) == nullptr || !each(text, context))
      return false;
    cursor = skipBlank(cursor);
    if (*cursor == ',')
      cursor++;
    else if (*cursor != ']')
      return false;
  }
  return true;
}

} // namespace launcher
