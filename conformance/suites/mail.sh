# mail: aiosmtpd (PyPI) as the outside world, which takes what is sent, answers, bounces, is slow or away; answers and
# bounces come back by LMTP.
mkdir -p "$WORK"
VENV=${MAIL_VENV:-$WORK/venv-mail}
if [ ! -d "$VENV" ]; then
  python3 -m venv "$VENV" && "$VENV/bin/pip" install -q aiosmtpd==1.4.6 || exit 1
fi
exec "$VENV/bin/python" "$HERE/mail_world.py"
