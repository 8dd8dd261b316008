// Staging: the programs' own files, put where a program without privilege can read them.
#pragma once

#include "plan.h"

namespace launcher {

// Where staged files are, in place of package.dir.
constexpr const char* kStagingPlace = "/tmp";

// Called in the pivoter's mount namespace. When uid can't read the plan's package.file list (a source tree in
// somebody's home, a tight umask), copies those files into a tmpfs over kStagingPlace, which is gone with the
// host's root. *staged tells whether the program's arguments have to point there.
bool stagePackage(const Plan& plan, unsigned uid, bool* staged);

// The text with package.dir at its start replaced, in static storage for up to 8 arguments; else the text.
const char* stagedPath(const Plan& plan, const char* text);

} // namespace launcher
