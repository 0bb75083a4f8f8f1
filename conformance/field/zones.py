"""Time zones as programs name and describe them: escaped and quoted names, descriptions with less in them than there
should be, names old and bare, names that state an offset, a calendar with a zone of its own.
"""

from instances import REACH, Case, ask_all
from lab import event, probe

JULY = ("20260701T000000Z", "20260801T000000Z")
YEAR = ("20260101T000000Z", "20270101T000000Z")
LATE = ("23050101T000000Z", "23060101T000000Z")


def part(kind, *lines):
    return "\r\n".join([f"BEGIN:{kind}", *lines, f"END:{kind}", ""])


def described(name, *parts):
    return "\r\n".join(["BEGIN:VTIMEZONE", f"TZID:{name}", ""]) + "".join(parts) + "END:VTIMEZONE\r\n"


def outlook(name, standard, daylight, autumn="BYMONTH=10;BYDAY=-1SU", spring="BYMONTH=3;BYDAY=-1SU"):
    """A zone as Outlook describes it: two rules that begin in 1601."""
    at = ("DTSTART:16010101T030000", "DTSTART:16010101T020000")
    return described(name, part("STANDARD", at[0], f"TZOFFSETFROM:{daylight}", f"TZOFFSETTO:{standard}",
            f"RRULE:FREQ=YEARLY;{autumn}"),
                     part("DAYLIGHT", at[1], f"TZOFFSETFROM:{standard}", f"TZOFFSETTO:{daylight}",
                         f"RRULE:FREQ=YEARLY;{spring}"))


def meeting(name, zones, parameter, day, instance, *lines, window=JULY, **rest):
    """An hour from ten o'clock on by a clock."""
    start = f"DTSTART;TZID={parameter}:{day}T100000" if parameter else f"DTSTART:{day}T100000"
    text = event(name, f"SUMMARY:{name}", "DURATION:PT1H", *lines, start=start)
    instances = [instance] if isinstance(instance, str) else instance
    return Case(name, text.replace("BEGIN:VEVENT", zones + "BEGIN:VEVENT", 1).encode(), window, instances, **rest)


def hour(day, begins):
    return f"{day}T{begins:02}0000Z/{day}T{begins + 1:02}0000Z"


@probe("RFC 5545 section 3.2.19", "a name escaped as a text and quoted as a parameter is one name, whatever the case, "
    "the spaces, and the carets", REACH)
def spellings(lab):
    pairs = (
        ("(UTC-03:00) Groenland\\, Nuuk", '"(UTC-03:00) Groenland, Nuuk"'),
        ("(UTC-03:00) Groenland, Nuuk", '"(UTC-03:00) Groenland, Nuuk"'),
        ("(UTC-03:00) Groenland\\, Nuuk", '"(UTC-03:00) Groenland\\, Nuuk"'),
        ("Chez nous\\; et ailleurs", '"Chez nous; et ailleurs"'),
        ('Le "bon" fuseau', "Le ^'bon^' fuseau"),
        ("Heure  du  Nord ", '"heure du nord"'),
        # Some programs forget the quotes.
        ("(UTC-03:00) Groenland\\, Nuuk", "(UTC-03:00) Groenland\\, Nuuk"),
    )
    ask_all(lab, [meeting(f"spelling-{number}", outlook(name, "-0300", "-0200"), parameter, "20260706",
                hour("20260706", 12), says=(f"TZID:{name}",))
                  for number, (name, parameter) in enumerate(pairs)])


@probe("RFC 5545 section 3.6.5", "a description with short, odd or missing offsets, without a beginning, or with a "
    "bad part serves for what is good in it, in any year", REACH)
def descriptions(lab):
    good = outlook("Ici", "+0400", "+0500")
    changed = (
        ("short", good.replace("+0400", "+4").replace("+0500", "+05")),
        ("colons", good.replace("+0400", "+04:00").replace("+0500", "+05:00:00")),
        ("unsigned", good.replace("+0", "0")),
        ("no-from", "\r\n".join(line for line in good.split("\r\n") if not line.startswith("TZOFFSETFROM"))),
        ("no-to-in-winter", good.replace("TZOFFSETTO:+0400\r\n", "")),
        ("bad-part", good.replace("BEGIN:STANDARD", part("STANDARD", "DTSTART:20200101T000000", "TZOFFSETTO:bientot")
                + "BEGIN:STANDARD", 1)),
        ("part-without-beginning", good.replace("BEGIN:STANDARD", part("STANDARD", "TZOFFSETFROM:+0900",
                    "TZOFFSETTO:+0900") + "BEGIN:STANDARD", 1)),
    )
    weekly = [hour("20261018", 5), hour("20261025", 6)]
    cases = [meeting(name, text, "Ici", "20261018", weekly, "RRULE:FREQ=WEEKLY;COUNT=2", window=YEAR) for name,
        text in changed]
    cases += [
        meeting("one-offset", described("Ici", part("STANDARD", "DTSTART:16010101T000000", "TZOFFSETTO:+1100")), "Ici",
            "20260706", "20260705T230000Z/20260706T000000Z"),
        meeting("one-offset-alone", described("Ici", part("STANDARD", "TZOFFSETTO:+3")), "Ici", "20260706",
            hour("20260706", 7)),
        meeting("late-summer", good, "Ici", "23050706", hour("23050706", 5), window=LATE, feed=False),
        meeting("late-winter", good, "Ici", "23050106", hour("23050106", 6), window=LATE, feed=False),
        # The rule of the old zone ends with the change that UNTIL names, in UTC.
        meeting("ended", described("Ici", part("DAYLIGHT", "DTSTART:20000326T020000", "TZOFFSETFROM:+0300",
                    "TZOFFSETTO:+0400", "RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU;UNTIL=20240330T230000Z"),
                                   part("STANDARD", "DTSTART:20001029T030000", "TZOFFSETFROM:+0400", "TZOFFSETTO:+0300",
                                       "RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU;UNTIL=20231028T230000Z")),
                "Ici", "20260706", hour("20260706", 6)),
    ]
    ask_all(lab, cases)


@probe("RFC 7809 section 2", "every name of the register counts, and those of Windows; a name that nobody describes "
    "may state its offset; what an object describes goes before what a name may mean", REACH)
def names(lab):
    known = (("Singapore", 2), ("japan", 1), ("PRC", 2), ("GB", 9), ("EST5EDT", 14), ("US/Pacific", 17), ("Zulu", 10),
             ("W-SU", 7), ("NZ", None), ("Etc/GMT-4", 6), ("/example.org/2026/Asia/Dubai", 6),
             ("Arabian Standard Time", 6),
             ('"(UTC+04:00) Abu Dhabi, Muscat"', 6), ("GMT+2", 8), ("UTC-03:00", 13), ("GMT +0100", 9),
             ("(GMT+01.00) Paris/Madrid", 9), ('"(UTC+04:00) Erevan"', 6), ('"+05:00"', 5))
    cases = [meeting(f"named-{number}", "", name, "20260706", "20260705T220000Z/20260705T230000Z" if begins is None
            else hour("20260706", begins)) for number, (name, begins) in enumerate(known)]
    cases += [
        meeting("described-before-stated", outlook("GMT+2", "+0600", "+0700"), "GMT+2", "20260706",
            hour("20260706", 3)),
        meeting("in-another-language", outlook("Hora de Europa central", "+0100", "+0200"), "Hora de Europa central",
            "20260706", hour("20260706", 8)),
        meeting("known-before-described", outlook("Asia/Dubai", "-0600", "-0700"), "Asia/Dubai", "20260706",
            hour("20260706", 6)),
    ]
    ask_all(lab, cases)


@probe("RFC 4791 section 5.2.2", "a calendar tells what floats in the zone that it describes, be it known to nobody "
    "else, or names in any way", REACH)
def calendars(lab):
    own = (
        f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Probe//EN\r\n"
        f"{outlook('Notre heure, ici', '-0900', '-0800')}END:VCALENDAR\r\n")
    cases = [meeting(f"floats-{number}", "", "", "20260706", "20260706T100000/20260706T110000", zone=zone, ahead=ahead,
            feed=False)
             for number, (zone, ahead) in enumerate(((own, -8), (own.replace("-0900", "+10").replace("-0800", "+11:00"),
                         11), ("Singapore", 8), ("nz-chat", 12.75), ("EST5EDT", -4)))]
    cases += [meeting("floats-in-winter", "", "", "20261206", "20261206T100000/20261206T110000", zone=own, ahead=-9,
            feed=False, window=("20261201T000000Z", "20270101T000000Z"))]
    ask_all(lab, cases)
