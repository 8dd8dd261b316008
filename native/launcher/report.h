// Errors as the user and the container manager see them: a line on stderr and a record in --log.
#pragma once

#include <cstddef>

#include "plan.h"

namespace launcher {

// Opens --log, if the plan names one. A log that can't be opened is a failure.
bool openLog(const Plan& plan);
// The descriptor of --log, or -1.
int logDescriptor();

// The text as the inside of a JSON string, cut to the size.
void quoteJson(const char* text, char* out, size_t size);

// Reports the failure that ends the command: `text` is a lowercase sentence.
void reportError(const Plan& plan, const char* text);
// Notes a failure that ends nothing, where errors go.
void logWarning(const Plan& plan, const char* text);

} // namespace launcher
