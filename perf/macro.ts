// Whole programs: what a shell script takes, timed inside.

export interface Macro {
  readonly root: 'busybox' | 'debian';
  readonly script: string;
}

const gitSetUp = `export HOME=/tmp; git config --global user.email a@example.org; git config --global user.name A
  cd /tmp; rm -rf r c; mkdir r; cd r; for i in $(seq 500); do echo "file $i" >f$i; done`;

export const macros: Record<string, Macro> = {
  '200 fork+exec in a busybox loop': {
    root: 'busybox',
    script: 'i=0; while [ $i -lt 200 ]; do /bin/true; /bin/busybox true; i=$((i + 1)); done',
  },
  'git init, add, commit, log, clone of 500 files': {
    root: 'debian',
    script: `${gitSetUp}; git init -q; git add .; git commit -qm first; git log --stat; git clone -q /tmp/r /tmp/c`,
  },
  'find and grep over /usr/share': {
    root: 'debian',
    script:
      'find /usr/share /usr/lib/python3 -type f | wc -l; grep -r needle /usr/share/perl /usr/lib/python3',
  },
  'python importing its standard library': {
    root: 'debian',
    script: `python3 -c 'import ast, json, email, http.client, unittest, decimal, hashlib, ssl, ctypes, socket, logging, xml.etree.ElementTree, csv, asyncio, multiprocessing, sqlite3, tarfile, zipfile, uuid, argparse, pydoc, doctest, pdb, turtle' || python3 -c 'import json, asyncio, unittest, sqlite3, email, pydoc, doctest, pdb'`,
  },
  'make -j2 of lua': {
    root: 'debian',
    script: 'cp -r /usr/src/lua/src /tmp/src; cd /tmp/src; make -s -j2 linux; rm -rf /tmp/src',
  },
};

const luaFiles =
  'lzio lctype lopcodes lmem lundump ldump lstate lgc llex lcode lparser ldebug lfunc lobject ltm lstring ltable ldo ' +
  'lvm lapi lauxlib lbaselib lcorolib ldblib liolib lmathlib loadlib loslib lstrlib ltablib lutf8lib linit';

/** All of lua as one file (/bench/lua.c), so that the compiler computes and does little else. */
export const luaInOneFile = [
  ...['#define LUA_CORE', '#define LUA_LIB', '#include "lprefix.h"', '#include "luaconf.h"'],
  ...['#undef LUAI_FUNC', '#undef LUAI_DDEC', '#undef LUAI_DDEF'],
  ...['#define LUAI_FUNC static', '#define LUAI_DDEC(def)', '#define LUAI_DDEF static'],
  ...luaFiles.split(' ').map((name) => `#include "${name}.c"`),
  '',
].join('\n');

export const computing: Record<string, Macro> = {
  'gcc -O2 of all of lua as one file': {
    root: 'debian',
    script: 'gcc -w -O2 -I/usr/src/lua/src -c -o /tmp/lua.o /bench/lua.c',
  },
};

/** openssl's own counts over a fixed time, as `+F:…:bytes a second`. */
export const opensslSpeed: Record<string, string> = {
  'openssl speed: SHA-256 of 16 KiB': 'openssl speed -mr -elapsed -seconds 2 -bytes 16384 sha256 2>&1',
  'openssl speed: AES-256-GCM of 16 KiB':
    'openssl speed -mr -elapsed -seconds 2 -bytes 16384 -evp aes-256-gcm 2>&1',
};
