# tcpdump's lines for connection.py; the arguments are its flags and its filter.
timeout -s INT 20 tcpdump -i lo -n -t -l "$@" >/tmp/seen 2>/tmp/said &
until grep -q listening /tmp/said; do sleep 0.05; done
python3 /capture/connection.py
sleep 2
kill -INT %1
wait
cat /tmp/seen
grep -E '(captured|dropped)' /tmp/said
