# Sourced by the scripts that make for the tests what takes long, once: it is kept outside the repository, in
# $RUNSC_TEST_CACHE or ~/.cache/runsc-test. Tests share what is kept, and change nothing in it (shared-trees.ts).
kept_in=${RUNSC_TEST_CACHE:-${HOME-/var/tmp}/.cache/runsc-test}

# checksum_of FILE...: of what something is made by, for its name: a change of a script makes a new one.
checksum_of() {
  cat "$@" | sha256sum | cut -c1-12
}

# kept NAME CHECKSUM COMMAND...: prints where NAME-CHECKSUM is. If there is none yet, COMMAND is called with one more
# argument, the directory that it has to make. A second caller waits for the first; a directory has its name when it is
# complete, and its manifest lies beside it. What nobody has asked for in three days is removed.
kept() {
  local name=$1 target=$kept_in/$1-$2 old
  shift 2
  mkdir -p "$kept_in"
  exec {lock}>"$kept_in/$name.lock"
  flock "$lock"
  if [ ! -d "$target" ]; then
    find "$kept_in" -maxdepth 1 -name "$name-*" -mtime +3 -exec rm -rf {} +
    rm -rf "$target.part" # half made
    # Without the lock: a daemon that a package starts would keep it.
    "$@" "$target.part" {lock}>&- >&2
    "$(dirname "${BASH_SOURCE[0]}")/manifest.sh" "$target.part" >"$target.manifest"
    mv "$target.part" "$target"
  fi
  touch -c "$target" "$target.manifest"
  exec {lock}>&-
  echo "$target"
}
