// Whole programs: what a shell script takes, timed inside.

interface Macro {
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
  'openssl speed, fixed work': {
    root: 'debian',
    script: 'head -c 200000000 /dev/zero | openssl sha256; openssl genrsa 3072',
  },
  'gcc -O2 of lua, one file after another': {
    root: 'debian',
    script:
      'cp -r /usr/src/lua/src /tmp/src; cd /tmp/src; for f in lapi lcode lparser; do gcc -O2 -c $f.c; done; rm -rf /tmp/src',
  },
};
