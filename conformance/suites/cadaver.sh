# cadaver: an interactive session, with locks and properties.
. "$HERE/lib.sh"
cd "$WORK" || exit 1
export HOME=$WORK/cadaver-home
mkdir -p "$HOME"
printf 'machine 127.0.0.1\nlogin %s\npassword %s\n' "$NAME" "$PASSWORD" >"$HOME/.netrc"
chmod 600 "$HOME/.netrc"
echo "first" >cadaver.txt
cat >cadaver.in <<'SESSION'
mkcol dossier
cd dossier
put cadaver.txt
lock cadaver.txt
discover cadaver.txt
put cadaver.txt
propset cadaver.txt couleur rouge
propget cadaver.txt couleur
unlock cadaver.txt
copy cadaver.txt copie.txt
move copie.txt renomme.txt
ls
get renomme.txt retour.txt
delete renomme.txt
cd ..
rmcol dossier
ls
quit
SESSION
rm -f retour.txt
cadaver "${URL}files/$NAME/" <cadaver.in | tee cadaver.out
equal "no command failed" "$(grep -ciE 'failed|error|not ' cadaver.out)" 0
check "locked and shown" grep -q 'urn:uuid' cadaver.out
check "a property kept" grep -q rouge cadaver.out
check "the listing" grep -q 'renomme.txt' cadaver.out
check "the bytes came back" cmp cadaver.txt retour.txt
equal "the folder is gone" \
  "$(curl -s -o /dev/null -w '%{http_code}' -u "$NAME:$PASSWORD" "${URL}files/$NAME/dossier/")" 404
finish
