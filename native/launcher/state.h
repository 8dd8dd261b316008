// The container's state directory: made, described in state.json, removed.
#pragma once

#include <sys/types.h>

#include "plan.h"
#include "shared.h"

namespace launcher {

constexpr const char* kControlSocket = "control.sock";
constexpr const char* kExitStatus = "exit-status";

// Makes <root>/<id> with a state.json in it ("creating"), which claims the id: it fails for one that exists.
// Opens it as *directory.
bool makeStateDirectory(const Plan& plan, Shared* shared, int* directory);

// Replaces state.json: the plan's fields with this process's pid and `status` in front.
bool writeState(const Plan& plan, int directory, const char* status);

// Writes down what the container ended with, for `wait` to find.
void writeExitStatus(int directory, int status);
// The same for a launcher that was killed, if the state directory is still its container's.
void writeKilledStatus(const Plan& plan, const Shared* shared);

// A listening, non-blocking socket in the state directory; -1 with a failure.
int listenAt(int directory, const char* name);
// A connection to `control.sock`; -1 with a failure.
int connectControl(int directory);

// Replaces the caller's pid file.
bool writePidFile(const char* path, pid_t pid);

// Removes the directory and what is in it, if makeStateDirectory made it and it is still this container's.
// Whatever is gone already is fine.
void removeStateDirectory(const Plan& plan, const Shared* shared);

} // namespace launcher
