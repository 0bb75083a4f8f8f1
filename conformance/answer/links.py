"""The links of mails that were kept: links.py DIRECTORY PUBLIC_URL. A line for each: UID, address without query.

Each invitation has the same three links in its text and in its HTML, which begin with the public address; what calls a
meeting off has none."""
import email
import email.policy
import html
import pathlib
import re
import sys

FOUND = {}
FAULTS = []
for path in sorted(pathlib.Path(sys.argv[1]).glob("*.eml")):
    mail = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
    parts = {part.get_content_type(): part for part in mail.walk() if not part.is_multipart()}
    event = parts["text/calendar"].get_content().replace("\r\n ", "").replace("\n ", "")
    uid = re.search(r"^UID:(\S+)", event, re.M).group(1)
    text = re.findall(r"https?://\S*/answer/\S+", parts["text/plain"].get_content())
    page = parts["text/html"].get_content()
    linked = [html.unescape(found) for found in re.findall(r'href="([^"]*/answer/[^"]*)"', page)]
    asks = "METHOD:REQUEST" in event
    if text != linked or len(text) != (3 if asks else 0):
        FAULTS.append(f"{uid}: {text} {linked}")
    if any(not link.startswith(sys.argv[2] + "/answer/") for link in text):
        FAULTS.append(f"{uid}: {text}")
    answers = [link.split("answer=")[1].split("&")[0] for link in text]
    if answers != (["accepted", "tentative", "declined"] if asks else []):
        FAULTS.append(f"{uid}: {text}")
    if asks:
        FOUND.setdefault(uid, set()).add(text[0].split("?")[0])
for uid, links in FOUND.items():
    print(uid, *sorted(links))
print("\n".join(FAULTS), file=sys.stderr)
sys.exit(bool(FAULTS))
