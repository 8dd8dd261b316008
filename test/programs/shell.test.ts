// bash and the usual tools.

import { beforeAll, describe, test } from 'vitest';

import { sameAsRunc } from './compare.ts';
import { MAKING_MS, rootfs } from '../support/rootfs.ts';
import { canRun } from '../support/sandbox.ts';

const cases: Record<string, string> = {
  pipelines: `
    seq 1 1000 | sort -R | sort -n | tail -1
    yes | head -1000 | wc -l
    echo a | tr a b | cat | cat | rev
    set -o pipefail; false | true; echo $?
    printf '%s\\n' one two three | while read -r line; do echo "<$line>"; done
    (echo out; echo err >&2) 2>&1 | sort
    cat <(echo first) <(echo second)
    echo x | tee >(cat >/tmp/copy) >/dev/null; until [ -s /tmp/copy ]; do sleep 0.05; done; cat /tmp/copy
    exec 3<<<three; read -r word <&3; echo "$word"; exec 3<&-
    mkfifo /tmp/fifo; echo through >/tmp/fifo & cat /tmp/fifo; wait`,
  'here-documents': `
    cat <<END
expanded: $((6 * 7)) $HOME
END
    cat <<'END'
as it is: $((6 * 7)) $HOME
END
    cat <<-END
	tabs are cut
	END
    wc -c <<<"$(seq 100000)"`,
  'background jobs': `
    sleep 0.1 & first=$!; (exit 3) & second=$!
    wait $second; echo $?; wait $first; echo $?
    (for i in 1 2 3 4 5; do (sleep 0.0$i; echo $i) & done; wait) | sort; echo done
    sleep 100 & kill $!; wait $!; echo $?
    { sleep 100 & kill -KILL $!; wait $!; } 2>/dev/null; echo $?
    wait 999999; echo $?`,
  'job control': `
    set -m
    sleep 3 & jobs | sed 's/ *[0-9]*$//' ; kill -STOP %1; until ps -o stat= -p $! | grep -q T; do sleep 0.05; done; jobs; kill -CONT %1; wait %1; echo $?
    sleep 100 & kill %1; wait %1; echo $?; sleep 100 & kill -INT %%; wait %%; echo $?; jobs
    (sleep 1; exit 7) & fg %% >/dev/null; echo $?
    ps -o stat= -p $$ | cut -c1 | tr R S`,
  traps: `
    trap 'echo exit' EXIT; trap 'echo int' INT; trap 'echo usr1' USR1; trap 'echo err' ERR; trap '' TERM
    kill -INT $$; kill -USR1 $$; kill -TERM $$; false
    (trap - TERM; kill -TERM $BASHPID; echo not here); echo $?
    trap 'echo child' CHLD; /bin/true; sleep 0.05
    trap - CHLD ERR
    ulimit -c 0
    (bash -c 'kill -SEGV $$'; echo $?) 2>/dev/null
    timeout 0.1 sleep 10; echo $?`,
  'files and links': `
    cd /tmp && mkdir -p a/b/c && echo hello >a/b/c/file && ln -s b/c/file a/link && ln a/b/c/file a/hard
    stat -c '%n %F %a %h %s' a a/b/c/file a/link a/hard | sort
    cat a/link; readlink -f a/link; cp -a a copy; diff -r a copy && echo same
    mv copy moved; find moved | sort; rm -r moved; ls
    touch -d '2001-02-03 04:05:06 UTC' a/old; TZ=UTC stat -c %y a/old; chmod 4711 a/old; stat -c %A a/old
    chown 12:34 a/old; stat -c '%u %g' a/old; truncate -s 12345 a/sparse; stat -c %s a/sparse
    dd if=/dev/zero of=a/zero bs=64k count=16 2>/dev/null; cmp -n 100000 a/zero /dev/zero; echo $?
    mkdir full; touch full/x; rmdir full 2>&1; echo $?; ln -s loop loop; cat loop 2>&1
    install -m 640 -o 5 a/b/c/file i; stat -c '%a %u' i; mktemp -d /tmp/x.XXXX | wc -c; df /tmp | tail -1 | awk '{print $6}'`,
  permissions: `
    cd /tmp; echo secret >s; chmod 600 s; mkdir d; chmod 700 d; touch d/f
    gosu nobody cat s 2>&1; gosu nobody ls d 2>&1; gosu nobody touch /etc/x 2>&1; touch /etc/x 2>&1
    gosu nobody sh -c 'echo mine >/tmp/m; stat -c "%u %g" /tmp/m; id -u; kill -0 1 2>&1 | sed s/.*://'
    gosu nobody rm -f s 2>&1; ls s; su -s /bin/sh nobody -c 'id -un' 2>&1 | tail -1`,
  'sort, grep, sed, awk': `
    cd /usr/share; grep -rl 'GNU General' common-licenses | sort | head -20
    find /usr/share/perl -name '*.pm' | sort | xargs cat | sort | uniq -c | sort -k1,1nr -k2 | head -20
    find /etc -type f | sort | xargs sha256sum 2>/dev/null | sha256sum
    awk -F: '{s += $3} END {print s}' /etc/passwd; sed -n '1,3p;$=' /etc/passwd
    seq 200000 | shuf --random-source=/etc/passwd 2>/dev/null | sort -n -S 1M --parallel=2 | md5sum`,
  archives: `
    cd /tmp; cp -r /usr/share/common-licenses p; cp -r /usr/share/bash-completion p/more; tar -cf p.tar p; tar -tf p.tar | wc -l
    for z in gzip bzip2 xz; do $z -k -c p.tar >p.$z; $z -dc p.$z | cmp - p.tar && echo $z; done
    mkdir out; tar -xf p.tar -C out; diff -r p out/p && echo same
    tar -c p | (mkdir -p pipe && tar -x -C pipe); diff -r p pipe/p && echo same
    xz -T2 -c p.tar | xz -dc | cmp - p.tar && echo threads`,
  'the whole tree': `
    find / -xdev -not -path '/proc*' -not -path '/sys*' -not -path '/dev*' -printf '%y %m %U %G %n %p %l\\n' | grep -v ' d .* /tmp' | sort | md5sum
    find / -xdev -type f -size +1M | grep -v '^/\\(proc\\|sys\\|dev\\)' | sort | xargs md5sum | md5sum
    grep -rc root /etc 2>/dev/null | sort | md5sum`,
  proc: `
    ls /proc/self/fd | wc -l; readlink /proc/self/exe; tr '\\0' ' ' </proc/self/cmdline; echo
    cat /proc/self/comm; readlink /proc/self/cwd; grep -E '^(Name|State|Tgid|Uid|Gid|Threads|NoNewPrivs|CapEff):' /proc/self/status | sed 's/Tgid.*/Tgid/'
    ps ax -o comm= >/tmp/ps; sort -u /tmp/ps; cat /proc/sys/kernel/hostname; nproc >/dev/null && echo nproc
    test -r /proc/meminfo && test -r /proc/cpuinfo && test -r /proc/uptime && test -r /proc/loadavg && echo all
    awk '{print $1, $5}' /proc/self/limits | grep -c . ; id; hostname; uname -s; uname -m; pwd; tty`,
};

describe.skipIf(!canRun)('shell', () => {
  beforeAll(() => void rootfs('debian'), MAKING_MS);

  test.each(Object.entries(cases))('%s', { timeout: 1_500_000 }, async (_name, script) => {
    await sameAsRunc(script);
  });
});
