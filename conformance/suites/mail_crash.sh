# kill -9 at a hundred points of sending mail: one Message-ID a message, the same bytes, none lost.
mkdir -p "$WORK"
exec python3 "$HERE/mail_crash.py"
