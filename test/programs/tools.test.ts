// Bigger tools: git, dpkg, apt, sqlite, openssl.

import { beforeAll, describe, test } from 'vitest';

import { sameAsRunc } from './compare.ts';
import { MAKING_MS, rootfs } from '../support/rootfs.ts';
import { canRun } from '../support/sandbox.ts';

const git = `
export GIT_AUTHOR_DATE='2001-01-01T00:00:00Z' GIT_COMMITTER_DATE='2001-01-01T00:00:00Z' HOME=/tmp
git config --global user.email a@example.org; git config --global user.name A; git config --global init.defaultBranch main
cd /tmp; git init -q r; cd r; for i in $(seq 500); do mkdir -p d$((i % 20)); echo "file $i" >d$((i % 20))/f$i; done
git add .; git commit -qm first; git rev-parse HEAD; echo change >>d1/f1; git status --short; git diff --stat; git commit -qam second
git log --oneline; git checkout -q -b topic HEAD~1; echo other >new; git add new; git commit -qm topic; git merge -q main -m merge; git log --graph --oneline
git clone -q /tmp/r /tmp/c; cd /tmp/c; git ls-files | wc -l; git fsck 2>&1 | tail -1; git gc -q; git count-objects -v | grep in-pack; git grep -c 'file 1' | wc -l
git stash list; git rebase -q main 2>&1 | tail -1; git tag v1; git describe; git archive HEAD | tar -t | wc -l`;

const cases: Record<string, string> = {
  'git with five hundred files': git,
  dpkg: 'dpkg -l | md5sum; dpkg -S /bin/ls; dpkg -L coreutils | wc -l; dpkg --verify coreutils; echo $?; dpkg -s bash | head -3',
  'apt-get -s install':
    'apt-get -s install hello 2>&1; apt-cache policy bash | head -3; apt-cache search lua5.4 | wc -l',
  sqlite3: `cd /tmp; sqlite3 db 'create table t(a,b); with recursive c(x) as (select 1 union all select x+1 from c where x<20000) insert into t select x, x*x from c; create index i on t(b);'
    sqlite3 db 'select count(*), sum(a) from t where b > 1000; pragma integrity_check;'; stat -c %s db`,
  openssl: `seq 100000 | openssl sha256; openssl rand 100 | wc -c
    echo secret | openssl enc -aes-256-cbc -pbkdf2 -pass pass:x -a | openssl enc -d -aes-256-cbc -pbkdf2 -pass pass:x -a`,
  'a 40,000-entry directory': `mkdir /tmp/many && cd /tmp/many && seq 40000 | xargs touch; ls | wc -l
    ls -U | sort -n | tail -1; find . -name '*77' | wc -l; cd ..; rm -r many; ls many 2>&1`,
};

describe.skipIf(!canRun)('tools', () => {
  beforeAll(() => void rootfs('debian'), MAKING_MS);

  test.each(Object.entries(cases))('%s', { timeout: 1_500_000 }, async (_name, script) => {
    await sameAsRunc(script);
  });
});
