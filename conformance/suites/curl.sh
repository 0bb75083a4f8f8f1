# curl: what scripts do. Uploads by length and in chunks, ranges, resumption, folders, moves, HTTP/2, an awkward name,
# log-in by Digest.
. "$HERE/lib.sh"
cd "$WORK" || exit 1
top=${URL}files/$NAME
get() { curl -sS -u "$NAME:$PASSWORD" "$@"; }
status() { get -o /dev/null -w '%{http_code}' "$@"; }
head -c 5000000 /dev/urandom >curl.bin
equal "upload by length" "$(status -T curl.bin "$top/a.bin")" 201
equal "upload in chunks" "$(status -H 'Transfer-Encoding: chunked' -T curl.bin "$top/b.bin")" 201
get -o back.bin "$top/b.bin"
check "the bytes come back" cmp curl.bin back.bin
get -r 1000-1999 -o part.bin "$top/a.bin"
check "a range" cmp part.bin <(tail -c +1001 curl.bin | head -c 1000)
head -c 2000000 curl.bin >resumed.bin
get -C - -o resumed.bin "$top/a.bin"
check "a resumed download" cmp curl.bin resumed.bin
equal "a folder" "$(status -X MKCOL "$top/dossier")" 201
equal "a move" "$(status -X MOVE -H "Destination: $top/dossier/c.bin" "$top/a.bin")" 201
equal "an awkward name" "$(status -T curl.bin "$top/100%25%20%23%26%3B%C3%A9.bin")" 201
equal "HTTP/2 without TLS" \
  "$(get --http2-prior-knowledge -o /dev/null -w '%{http_version} %{http_code}' "$top/b.bin")" "2 200"
equal "no password" "$(curl -sS -o /dev/null -w '%{http_code}' "$top/b.bin")" 401
equal "no escape" "$(status --path-as-is "$top/../../../etc/passwd")" 400
stop
export BEFFROI_LOGIN_DAV_DIGEST=true
start
top=${URL}files/$NAME
MADE_FOR_IT=$("$BEFFROI" device add "$NAME" --label digest --digest --data "$DATA" 2>/dev/null)
signed() { curl -sS --digest -u "$1" -o /dev/null -w '%{http_code}' "${@:2}"; }
for name in "$NAME" marie@ville.example "MAIRIE\\$NAME"; do
  equal "Digest as $name" "$(signed "$name:$MADE_FOR_IT" "$top/b.bin")" 200
done
equal "an upload by Digest" "$(signed "$NAME:$MADE_FOR_IT" -T curl.bin "$top/signed.bin")" 201
both=("$top/b.bin" -o /dev/null "$top/signed.bin")
equal "two by one nonce" \
  "$(curl -sS --digest -u "$NAME:$MADE_FOR_IT" -o /dev/null -w '%{http_code} ' "${both[@]}")" "200 200 "
equal "an awkward name by Digest" "$(signed "$NAME:$MADE_FOR_IT" "$top/100%25%20%23%26%3B%C3%A9.bin")" 200
equal "a password that was not made for Digest" "$(signed "$NAME:$PASSWORD" "$top/b.bin")" 401
equal "a wrong one" "$(signed "$NAME:no" "$top/b.bin")" 401
equal "Basic takes it, too" "$(get -u "$NAME:$MADE_FOR_IT" -o /dev/null -w '%{http_code}' "$top/b.bin")" 200
equal "Basic all the same" "$(status "$top/b.bin")" 200
# curl takes the first challenge of a scheme, which is MD5: behind this relay it is offered SHA-256 alone.
cat >relay.py <<'RELAY'
import re, socket, sys, threading
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
def pump(source, sink, change):
    while data := source.recv(1 << 16):
        sink.sendall(change(data))
    sink.shutdown(socket.SHUT_WR)
while True:
    client, _ = listener.accept()
    server = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
    without = lambda data: re.sub(rb"(?i)www-authenticate: digest [^\r]*algorithm=MD5[^\r]*\r\n", b"", data)
    threading.Thread(target=pump, args=(client, server, lambda data: data), daemon=True).start()
    threading.Thread(target=pump, args=(server, client, without), daemon=True).start()
RELAY
python3 relay.py "$PORT" >relay.port &
RELAY=$!
until [ -s relay.port ]; do sleep 0.05; done
relayed=http://127.0.0.1:$(cat relay.port)/files/$NAME
curl -sS --digest -u "$NAME:$MADE_FOR_IT" -v -o /dev/null "$relayed/b.bin" 2>relayed.txt
check "Digest by SHA-256" grep -q '^> Authorization: Digest .*algorithm=SHA-256' relayed.txt
check "and let in" grep -q '^< HTTP/1.1 200' relayed.txt
kill "$RELAY"
"$BEFFROI" device revoke "$NAME" digest --data "$DATA" >/dev/null
equal "a revoked device" "$(signed "$NAME:$MADE_FOR_IT" "$top/b.bin")" 401
unset BEFFROI_LOGIN_DAV_DIGEST
openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 2 -subj /CN=localhost \
  -addext subjectAltName=DNS:localhost 2>/dev/null
stop
export BEFFROI_TLS_CERTIFICATE=$WORK/cert.pem BEFFROI_TLS_KEY=$WORK/key.pem
start
secure=https://localhost:$PORT/files/$NAME
equal "TLS 1.3, HTTP/2" \
  "$(get --cacert cert.pem -o /dev/null -w '%{http_version} %{http_code}' "$secure/b.bin")" "2 200"
equal "TLS 1.2, HTTP/1.1" \
  "$(get --cacert cert.pem --tls-max 1.2 --http1.1 -o /dev/null -w '%{http_version} %{http_code}' "$secure/b.bin")" \
  "1.1 200"
before=$(openssl s_client -connect "localhost:$PORT" </dev/null 2>/dev/null | openssl x509 -noout -serial)
openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 2 -subj /CN=localhost \
  -addext subjectAltName=DNS:localhost 2>/dev/null
for _ in $(seq 15); do
  sleep 1
  after=$(openssl s_client -connect "localhost:$PORT" </dev/null 2>/dev/null | openssl x509 -noout -serial)
  [ "$before" != "$after" ] && break
done
check "a new certificate without restart" test -n "$after" -a "$before" != "$after"
unset BEFFROI_TLS_CERTIFICATE BEFFROI_TLS_KEY
finish
