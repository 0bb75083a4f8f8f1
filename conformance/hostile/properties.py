"""What clients set, ask and list by thousands is held page by page, and only what is asked for."""

import os

from lab import NS, MIB, at_once, probe, sync

REFUSED = (400, 403, 413, 429, 503, 507)
NOTHING = f"<D:propfind {NS}><D:prop><X:nothing/></D:prop></D:propfind>"
ALL = f"<D:propfind {NS}><D:allprop/></D:propfind>"


def asked(lab, what, answers, good=(200, 207)):
    for answer in answers:
        lab.say(answer.status in (*good, *REFUSED) and lab.soon(answer),
            f"{what}: {answer.status} in {answer.seconds:.1f} s, {len(answer.body) >> 20} MiB")


@probe("RFC 4918 section 9.1", "of dead properties only those asked for are read, a page by bytes")
def large_properties(lab):
    alice = lab.client("alice")
    alice.mkcol("/files/alice/d/")
    alice.put("/files/alice/d/f0", "x")
    for number in range(4):
        alice.set("/files/alice/d/f0", f"<X:p{number}>{'A' * 250_000}</X:p{number}>")
    for number in range(1, 260):
        alice.copy("/files/alice/d/f0", f"/files/alice/d/f{number}")
    lab.restart()
    lab.watch()
    alice = lab.client("alice")
    folder = "/files/alice/d/"
    asked(lab, "a listing that asks for what none has", [alice("PROPFIND", folder, NOTHING, Depth="1")])
    asked(lab, "a synchronization that does", [alice("REPORT", folder, sync("", "1", "<X:nothing/>"), Depth="0")])
    asked(lab, "a listing that asks for one", [alice("PROPFIND", folder,
                f"<D:propfind {NS}><D:prop><X:p1/></D:prop></D:propfind>", Depth="1")])
    asked(lab, "a listing of all", [alice("PROPFIND", folder, ALL, Depth="1")])
    asked(lab, "a synchronization with one", [alice("REPORT", folder, sync("", "1", "<X:p1/>"), Depth="0")])
    asked(lab, "an expansion", [alice("REPORT", folder, f'<D:expand-property {NS}><D:property name="p1" '
        f'namespace="urn:probe"/></D:expand-property>', Depth="1")])
    asked(lab, "four listings of all at once", at_once(*[lambda: alice("PROPFIND", folder, ALL, Depth="1")] * 4))
    links = []
    for _ in range(20):
        link = lab.connect()
        link.sendall(lab.head("PROPFIND", folder, Depth="1", Content_Length=len(ALL)) + ALL.encode())
        links.append(link)
    lab.unharmed("properties of a megabyte on 260 documents, and 20 who do not read them")
    for link in links:
        link.close()


@probe("RFC 3253 section 3.8", "versions and members by thousands are expanded in pages, within bounds")
def expansion_of_versions(lab):
    alice = lab.client("alice")
    for number in range(2500):
        alice.put("/files/alice/often.txt", f"version {number}")
    lab.watch()
    # Each version, and of each version all.
    levels = '<D:property name="version-history"><D:property name="version-set">{}</D:property></D:property>'
    inner = '<D:property name="version-name"/><D:property name="predecessor-set"/>'
    for what, body in {
        "each version": levels.format(inner), "of each version all": levels.format(inner + levels.format(inner)),
        "and again": levels.format(levels.format(levels.format(inner))),
        "successors of successors": '<D:property name="checked-in">' + '<D:property name="predecessor-set">' * 60
        + inner + "</D:property>" * 60 + "</D:property>",
    }.items():
        asked(lab, what, [alice("REPORT", "/files/alice/often.txt",
                    f"<D:expand-property {NS}>{body}</D:expand-property>", Depth="0")])
    asked(lab, "of each all, three at once", at_once(*[lambda: alice("REPORT", "/files/alice/often.txt",
                    f"<D:expand-property {NS}>{levels.format(levels.format(inner))}</D:expand-property>",
                    Depth="0")] * 3))
    asked(lab, "version-tree", [alice("REPORT", "/files/alice/often.txt",
                f'<D:version-tree '
                f'{NS}><D:prop><D:version-name/><D:predecessor-set/><D:successor-set/>'
                f'<D:creator-displayname/></D:prop></D:version-tree>', Depth="0")])
    asked(lab, "the folder of versions", [alice.list("/history/alice/often.txt/", "D:getetag", "D:displayname")])
    lab.unharmed("2,500 versions expanded")


@probe("RFC 3744 section 9.4", "principals are sought in time that grows with their number, however long the sought "
    "text")
def principals(lab):
    for number in range(40):
        lab.command("person", "add", f"person{number}", "--display-name", f"Person {'é' * 40} {number}", "--email",
            f"person{number}@ville.example")
    lab.watch()
    alice = lab.client("alice")

    def sought(text, times=1):
        one = f'<D:property-search><D:prop><D:displayname/></D:prop><D:match>{text}</D:match></D:property-search>'
        return (f'<D:principal-property-search '
            f'{NS}>{one * times}<D:prop><D:displayname/><D:group-membership/></D:prop></D:principal-property-search>')

    used = lab.processor()
    for what, body in {"a person": sought("person"), "30,000 letters": sought("é" * 30_000),
        "a million letters": sought("é" * 400_000), "a thousand texts": sought("person", 1000),
        "letters that fold to three": sought("ﬃ" * 20_000)}.items():
        asked(lab, what, [alice("REPORT", "/principals/", body, Depth="0")])
    asked(lab, "ten at once", at_once(*[lambda: alice("REPORT", "/principals/", sought("person", 20), Depth="0")] * 10))
    lab.unharmed("principals sought")
    lab.note(f"all of that took {lab.processor() - used:.1f} s of processor")


@probe("RFC 4918 section 9.1", "long listings and synchronizations are made as they go out, as XML and as a page")
def long_listings(lab):
    lab.stock("/files/alice/many", 2_000, "long name " * 18)
    lab.restart()
    lab.watch()
    alice, folder = lab.client("alice"), "/files/alice/many/"
    for what, job in {"PROPFIND": lambda: alice("PROPFIND", folder, ALL, Depth="1"),
        "sync-collection": lambda: alice("REPORT", folder,
            sync("", "1", "<D:getetag/><D:getlastmodified/><D:lockdiscovery/>"), Depth="0"),
            "the page": lambda: alice.get(folder)}.items():
        asked(lab, what, [job()])
        asked(lab, f"{what}, six at once", at_once(*[job] * 6))
    lab.unharmed("2,000 long names")


@probe("RFC 4918 section 20.1", "bodies and heads of XML made to be large, deep or many are refused, or cost no more "
    "than their size")
def xml(lab):
    alice = lab.client("alice")
    alice.put("/files/alice/f", "x")
    lab.watch()
    open_tags = lambda count: "".join(f"<X:a{number}>" for number in range(count)) + "".join(f"</X:a{number}>"
        for number in reversed(range(count)))
    update = lambda inner: f"<D:propertyupdate {NS}><D:set><D:prop>{inner}</D:prop></D:set></D:propertyupdate>"
    lock = lambda owner: (f"<D:lockinfo "
        f"{NS}><D:lockscope><D:exclusive/></D:lockscope><D:locktype><D:write/></D:locktype>"
        f"<D:owner>{owner}</D:owner></D:lockinfo>")
    bodies = {
        "100,000 names": ("PROPFIND", f"<D:propfind "
        f"{NS}><D:prop>{''.join(f'<X:p{n}/>' for n in range(100_000))}</D:prop></D:propfind>"),
        "20,000 levels": ("PROPFIND", f"<D:propfind {NS}><D:prop>{open_tags(20_000)}</D:prop></D:propfind>"),
        "100,000 attributes": ("PROPFIND", f"<D:propfind {NS} "
        f"{' '.join(f'a{n}=' + chr(34) * 2 for n in range(100_000))}/>"), "100,000 prefixes": ("PROPFIND",
        f"<D:propfind {NS} {' '.join(f'xmlns:a{n}=' + chr(34) + 'u' + chr(34) for n in range(100_000))}/>"),
        "a value of 50,000 elements": ("PROPPATCH", update(f"<X:v>{'<X:e/>' * 50_000}</X:v>")),
        "a value of 20,000 levels": ("PROPPATCH", update(open_tags(20_000))), "50,000 properties": ("PROPPATCH",
            update("".join(f"<X:p{n}>v</X:p{n}>" for n in range(50_000)))),
        "an owner of 10 MiB": ("LOCK", lock("o" * 10 * MIB)), "an owner of 20,000 levels": ("LOCK",
            lock(open_tags(20_000))), "100 MiB of space": ("PROPFIND", " " * 100 * MIB),
            "references": ("PROPPATCH", update(f"<X:v>{'&#65;' * 1_000_000}</X:v>")),
        "entities": ("PROPFIND", '<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>'
            + f"<D:propfind {NS}>&b;</D:propfind>"),
    }
    for what, (method, body) in bodies.items():
        answer = alice(method, "/files/alice/f", body, Depth="0")
        asked(lab, what, [answer], (0, 200, 207))
    for count in (50, 500, 3000):
        token = "(<urn:uuid:00000000-0000-4000-8000-000000000000>)"
        answer = alice("PUT", "/files/alice/f", "x", If=" ".join([token] * count))
        lab.say(answer.status in (412, 423, 431, 400, 0) and lab.soon(answer),
            f"an If of {count} lists: {answer.status} in {answer.seconds:.1f} s")
    lab.unharmed("XML of all kinds")
