// Failure text: the one sentence that the user reads when something goes wrong.
#pragma once

namespace launcher {

// Each stores a formatted sentence and returns false, so that a function can `return fail(...)`. The second
// form appends ": " and errno's text, in lower case as Go programs print it.
bool fail(const char* format, ...) __attribute__((format(printf, 1, 2)));
bool failErrno(const char* format, ...) __attribute__((format(printf, 1, 2)));

// The text stored last, or an empty string.
const char* failureText();
void clearFailure();

} // namespace launcher
