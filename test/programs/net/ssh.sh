. /net/lib.sh
mkdir -p /run/sshd /root/.ssh
chmod 700 /root/.ssh
ssh-keygen -q -t ed25519 -N '' -f host
ssh-keygen -q -t ed25519 -N '' -f /root/.ssh/id
cp /root/.ssh/id.pub /root/.ssh/authorized_keys
/usr/sbin/sshd -p 2222 -h /tmp/host -E /tmp/sshd.log -o UsePAM=no -o StrictModes=no -o PidFile=/tmp/sshd.pid
until_listening 2222
options=(-i /root/.ssh/id -o StrictHostKeyChecking=accept-new -o UserKnownHostsFile=/tmp/known -o LogLevel=ERROR)
remote() { ssh -p 2222 "${options[@]}" "$@"; }
remote localhost 'echo hello; id -un; echo err >&2; exit 7'
echo "status: $?"
head -c 2000000 /dev/zero | remote localhost cat | md5sum
remote -tt localhost 'tty | sed "s/[0-9]*$//"; stty size; echo $TERM' </dev/null | tr -d '\r'
head -c 100000 /dev/zero >f
scp -q -P 2222 "${options[@]}" f localhost:/tmp/g && cmp f g && echo same
printf 'put f /tmp/h\nls /tmp/h\n' | sftp -q -P 2222 "${options[@]}" localhost | grep -v sftp
python3 -m http.server 8000 --bind 127.0.0.1 >/dev/null 2>&1 &
until_listening 8000
remote -f -N -L 2300:localhost:8000 -L /tmp/fwd.sock:localhost:8000 -R 2301:localhost:8000 -D 1080 localhost
until_listening 2300
until_listening 2301
until_listening 1080
until_ok test -S fwd.sock
curl -s localhost:2300/f | md5sum
curl -s --unix-socket fwd.sock http://x/f | md5sum
curl -s localhost:2301/f | md5sum
curl -s --socks5-hostname localhost:1080 http://localhost:8000/f | md5sum
mkdir src
for i in 1 2 3; do echo $i >src/$i; done
rsync -a -e "ssh -p 2222 ${options[*]}" src/ localhost:/tmp/dst/ && diff -r src dst && echo synced
sshd=$(cat sshd.pid)
kill %1 "$sshd"
until_gone "$sshd"
grep -c 'Accepted publickey' sshd.log

echo == rsync daemon
ln -s 1 src/link
mkdir up
printf '[m]\npath = /tmp/src\nuid = 0\ngid = 0\nuse chroot = no\n[up]\npath = /tmp/up\nread only = no\nuid = 0\ngid = 0\n' >r.conf
rsync --daemon --port 8730 --config=/tmp/r.conf --log-file=/tmp/r.log
until_listening 8730
rsync rsync://localhost:8730/
rsync -a rsync://localhost:8730/m/ copy/ && diff -r src copy && echo down
rsync -a src/ rsync://127.0.0.1:8730/up/ && diff -r src up && echo up
echo more >>src/1
rsync -ac rsync://localhost:8730/m/ copy/ && cat copy/1
rsync rsync://localhost:8730/none 2>&1 | head -1

echo == git daemon
git config --global user.email a@example.org
git config --global user.name A
git config --global init.defaultBranch main
git init -q repository
seq 50 | (cd repository && split -l 1 - f)
git -C repository add .
git -C repository commit -qm one
mkdir served
git clone -q --bare repository served/r.git
git daemon --reuseaddr --base-path=/tmp/served --export-all --enable=receive-pack --detach --pid-file=/tmp/git.pid
until_listening 9418
git clone -q git://localhost/r.git clone
ls clone | wc -l
echo new >clone/new
git -C clone add new
git -C clone commit -qm two
git -C clone push -q
git -C clone ls-remote | sed 's/^[0-9a-f]*//'
git clone -q --depth 1 git://127.0.0.1/r.git shallow
git -C shallow log --oneline | wc -l
git ls-remote git://localhost/none 2>&1 | tail -1
git ls-remote git://localhost:9/none 2>&1 | head -1
kill "$(cat git.pid)"
