# curl: what scripts do. Uploads by length and in chunks, ranges, resumption, folders, moves, HTTP/2, an awkward name.
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
