// Looks into JSON that this program's own side has written, without a parser's pretensions: what isn't plain
// is not found.
#pragma once

#include <cstddef>

namespace launcher {

// A number, or a string without escapes, that is a member of the outermost object. False when it isn't there.
bool scanValue(const char* json, const char* key, char* out, size_t size);

// Calls `each` for the strings of an array that is such a member. False when it isn't there, or `each` says
// so.
bool scanStrings(const char* json, const char* key, bool (*each)(const char* text, void* context),
                 void* context);

} // namespace launcher
