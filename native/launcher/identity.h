// Identity: user namespace maps, capabilities, limits and signals of the processes that are started.
#pragma once

#include <sys/types.h>

#include "descriptors.h"
#include "plan.h"

namespace launcher {

// Written by a privileged parent into a process that has just got a new user namespace.
bool writeSentryMaps(const Plan& plan, pid_t pid);
// The host's id of the gofer's root: the first of its maps, `gofer.uidmap` or `gofer.gidmap`; 0 without one.
unsigned goferRoot(const Plan& plan, const char* map);

bool writeGoferMaps(const Plan& plan, pid_t pid);
// Rootless: the caller's own ids become 0.
bool writeOwnMaps(pid_t pid);
// One map of another process, `uid_map` or `gid_map`, whole.
bool writeMap(pid_t pid, const char* file, const char* map);
// Rootless, by the process itself after unshare(2).
bool writeSelfMaps(uid_t uid, gid_t gid);

// In the program's own process, before exec. The Sentry becomes nobody without any capability; the gofer
// stays root with the six capabilities that serving files needs. Both get no_new_privs and a session of their
// own.
bool becomeSentry(uid_t uid, gid_t gid);
bool becomeGofer();
// The broker becomes nobody too, but keeps these capabilities as far as it has them.
bool becomeBroker(uid_t uid, gid_t gid, unsigned long long capabilities);

// Soft limits to their hard limits, no core dumps. What isn't permitted is left alone.
void raiseLimits();

// Its own numbers are high, and a small container takes some more.
constexpr unsigned kLeastFiles = kHighFd + 64;
// The soft limit of open files to the hard one; false: too low for a container.
bool raiseOpenFiles();
// Nothing blocked, nothing ignored.
void resetSignals();

} // namespace launcher
