// Removes a cgroup with those that somebody has made in it (`exec --cgroup` needs them).
#ifndef RUNSC_REMOVE_CGROUP_H
#define RUNSC_REMOVE_CGROUP_H

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

// As rmdir(2): false with errno, EBUSY as long as a process is in one of them.
inline bool removeCgroupTree(const char* directory) {
  if (rmdir(directory) == 0)
    return true;
  if (errno != EBUSY)
    return false;
  DIR* list = opendir(directory);
  while (struct dirent* entry = list == nullptr ? nullptr : readdir(list)) {
    char path[PATH_MAX];
    bool below =
        entry->d_type == DT_DIR && strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    if (below && snprintf(path, sizeof path, "%s/%s", directory, entry->d_name) < (int)sizeof path)
      removeCgroupTree(path);
  }
  if (list != nullptr)
    closedir(list);
  return rmdir(directory) == 0;
}

#endif
