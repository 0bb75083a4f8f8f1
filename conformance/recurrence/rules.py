"""Random recurrence rules of every kind: all frequencies and parts, as objects with the window in which they are
asked for.

A rule is made around a DTSTART that most of its parts name, for RFC 5545 section 3.8.5.3 says: "The recurrence set
generated with a "DTSTART" property value not synchronized with the recurrence rule is undefined." A share is not
synchronised all the same, and read as the section before it says: "The DTSTART property value always counts as the
first occurrence."
"""

import datetime as dt
import zoneinfo
from dataclasses import dataclass, field

from oracles import DAYS, by_dateutil, local

# Ten zones whose clocks change, both ways: by an hour and by half of one, at midnight, on both halves of the earth, in
# a negative summer time, off the whole hour.
ZONES = ("Europe/Paris", "Europe/Dublin", "America/New_York", "America/St_Johns", "America/Santiago", "Africa/Cairo",
         "Africa/Casablanca", "Asia/Beirut",
         "Australia/Lord_Howe", "Pacific/Chatham")
FREQUENCIES = ("YEARLY", "MONTHLY", "WEEKLY", "DAILY", "HOURLY", "MINUTELY", "SECONDLY")
SHARES = (30, 25, 15, 12, 10, 5, 3)
# Parts that a frequency may have (RFC 5545 section 3.3.10), besides BYSETPOS.
TIMES = ("BYHOUR", "BYMINUTE", "BYSECOND")
LAWFUL = {
    "YEARLY": ("BYMONTH", "BYWEEKNO", "BYYEARDAY", "BYMONTHDAY", "BYDAY", *TIMES),
    "MONTHLY": ("BYMONTH", "BYMONTHDAY", "BYDAY", *TIMES),
    "WEEKLY": ("BYMONTH", "BYDAY", *TIMES),
    "DAILY": ("BYMONTH", "BYMONTHDAY", "BYDAY", *TIMES),
    "HOURLY": ("BYMONTH", "BYYEARDAY", "BYMONTHDAY", "BYDAY", *TIMES),
    "MINUTELY": ("BYMONTH", "BYYEARDAY", "BYMONTHDAY", "BYDAY", *TIMES),
    "SECONDLY": ("BYMONTH", "BYYEARDAY", "BYMONTHDAY", "BYDAY", *TIMES),
}
ORDER = ("BYMONTH", "BYWEEKNO", "BYYEARDAY", "BYMONTHDAY", "BYDAY", *TIMES, "BYSETPOS")
# Moments around which windows lie: changes of clocks one way and the other, leap days, turns of years.
ANCHORS = tuple(dt.datetime(*when) for when in ((2026, 3, 29, 0, 30), (2026, 10, 25, 0, 30), (2028, 2, 28, 22, 0),
        (2026, 4, 5, 13, 30), (2026, 12, 31, 20, 0), (2027, 3, 14, 6, 0)))
# By frequency: how long the windows are, the longest first, and how far before the window's beginning, or in it, a
# series begins (days).
REACH = {
    "YEARLY": ((25 * 365, 5 * 365, 400, 40), 20 * 365, 10 * 365),
    "MONTHLY": ((6 * 365, 400, 40), 6 * 365, 3 * 365),
    "WEEKLY": ((730, 120, 15), 4 * 365, 365),
    "DAILY": ((200, 30, 3), 3 * 365, 60),
    "HOURLY": ((10, 2, 0.5), 40, 4),
    "MINUTELY": ((0.5, 0.1), 1.5, 0.2),
    "SECONDLY": ((1 / 24, 1 / 240), 1 / 24, 1 / 48),
}
# As many instances an object has in its window at most, if one of its windows allows that, and in any case.
ENOUGH, MOST = 60, 400


@dataclass
class Rule:
    """A rule with its DTSTART, on local times."""

    name: str
    start: str
    rule: str
    # A zone, "UTC", "" for what floats, or "DATE".
    zone: str
    window: tuple
    count: int = 0
    # As its object says it: in UTC where it has a zone.
    until: str = ""
    # DURATION, or DTEND by its distance from DTSTART: a length in seconds, or in days.
    length: tuple = ("DURATION", 3600, 0)
    # On the clock of DTSTART, each with how it is spelled: as DTSTART is, in UTC, floating, in another zone, as a day
    # with a time.
    excluded: list = field(default_factory=list)
    added: list = field(default_factory=list)
    # Instances that take place otherwise: which, how it is spelled, and when it begins instead; for half an hour, or a
    # day.
    moved: list = field(default_factory=list)
    # Is DTSTART of its rule?
    synchronised: bool = True

    def recurs(self):
        """The value of RRULE."""
        return self.rule + (f";COUNT={self.count}" if self.count else "") + (f";UNTIL={self.until}" if self.until
            else "")

    def told(self, name, at, how="own"):
        """A line with a time of DTSTART's clock."""
        day, form = self.zone == "DATE", "%Y%m%dT%H%M%S"
        if day:
            return (f"{name};VALUE=DATE:{at:%Y%m%d}" if how != "timed"
                else f"{name};TZID=Europe/Paris:{at:%Y%m%dT000000}")
        if how == "day":
            return f"{name};VALUE=DATE:{at:%Y%m%d}"
        if how == "floating" or not self.zone:
            return f"{name}:{at.strftime(form)}"
        if self.zone == "UTC" and how != "zoned":
            return f"{name}:{at.strftime(form)}Z"
        moment = at.replace(tzinfo=zone_of(self.zone)).astimezone(dt.timezone.utc)
        if how == "utc":
            return f"{name}:{moment.strftime(form)}Z"
        if how == "zoned":
            return f"{name};TZID=Asia/Tokyo:{moment.astimezone(zone_of('Asia/Tokyo')).strftime(form)}"
        return f"{name};TZID={self.zone}:{at.strftime(form)}"

    def text(self):
        """The whole object."""
        start = local(self.start)
        name, seconds, days = self.length
        if name == "DURATION":
            length = f"DURATION:P{days}D" if days else f"DURATION:PT{seconds}S"
        else:
            length = self.told("DTEND", start + dt.timedelta(days=days, seconds=seconds))
        head = ["BEGIN:VEVENT", f"UID:{self.name}", "DTSTAMP:20260101T000000Z", f"SUMMARY:{self.name}"]
        lines = [*head, self.told("DTSTART", start), length, f"RRULE:{self.recurs()}",
                 *(self.told("EXDATE", at, how) for at, how in self.excluded), *(self.told("RDATE", at, how) for at,
                     how in self.added), "END:VEVENT"]
        for at, how, to in self.moved:
            lines += [*head, self.told("RECURRENCE-ID", at, how), self.told("DTSTART", to), "DURATION:P1D" if self.zone
                == "DATE" else "DURATION:PT1800S", "END:VEVENT"]
        return "\r\n".join(lines) + "\r\n"


def zone_of(name):
    return dt.timezone.utc if name in ("UTC", "", "DATE") else zoneinfo.ZoneInfo(name)


def week_number(day, first):
    """The number of a week that begins on `first`, as DTSTART's own."""
    shifted = day - dt.timedelta(days=first)
    return shifted.isocalendar()[1]


def values(part, at, frequency, own, rng):
    """Some values of a part; `own`: with the one that DTSTART is."""
    last = (at.replace(day=28) + dt.timedelta(days=4)).replace(day=1) - dt.timedelta(days=1)
    year_days = 366 if at.year % 4 == 0 else 365
    of_year = at.timetuple().tm_yday
    sign = lambda positive, negative: positive if rng.random() < 0.6 else negative
    mine, others = {
        "BYMONTH": lambda: (at.month, lambda: rng.randint(1, 12)),
        "BYWEEKNO": lambda: (week_number(at, 0), lambda: sign(1, -1) * rng.choice([1, 2, 5, 20, 27, 51, 52, 53,
                    rng.randint(1, 53)])),
        "BYYEARDAY": lambda: (sign(of_year, of_year - year_days - 1),
            lambda: sign(1, -1) * rng.choice([1, 59, 60, 61, 365, 366, rng.randint(1, 366)])),
        "BYMONTHDAY": lambda: (sign(at.day, at.day - last.day - 1),
            lambda: sign(1, -1) * rng.choice([1, 28, 29, 30, 31, rng.randint(1, 31)])),
        "BYHOUR": lambda: (at.hour, lambda: rng.randint(0, 23)),
        "BYMINUTE": lambda: (at.minute, lambda: rng.choice([0, 1, 15, 30, 45, 59])),
        "BYSECOND": lambda: (at.second, lambda: rng.choice([0, 1, 30, 59])),
    }[part]()
    found = [others() for _ in range(rng.choice([0, 1, 1, 2, 4]))] + ([mine] if own else [])
    return [str(value) for value in dict.fromkeys(found or [others()])]


def weekdays(at, frequency, parts, own, rng):
    """Some weekdays, with ordinals where they mean something."""
    chosen = rng.sample(DAYS, rng.choice([0, 1, 1, 2, 4])) + ([DAYS[at.weekday()]] if own else [])
    chosen = list(dict.fromkeys(chosen or [rng.choice(DAYS)]))
    if frequency not in ("MONTHLY", "YEARLY") or "BYWEEKNO" in parts or rng.random() < 0.4:
        return chosen
    within_month = frequency == "MONTHLY" or "BYMONTH" in parts
    told = []
    for day in chosen:
        if own and day == DAYS[at.weekday()]:
            nth = (at.day - 1) // 7 + 1 if within_month else (at.timetuple().tm_yday - 1) // 7 + 1
        else:
            nth = rng.choice([1, 2, 3, 4, 5, -1, -2, -4, -5]) if within_month else rng.choice([1, 2, 10, 20, 52, 53, -1,
                    -2, -10, -52, -53])
        told.append(f"{rng.choice(['', '+']) if nth > 0 else ''}{nth}{day}" if rng.random() < 0.9 else day)
    return told


def parts_for(frequency, at, day, rng):
    """The parts of a lawful rule."""
    own = rng.random() < 0.8
    lawful = [part for part in LAWFUL[frequency] if not (day and part in TIMES)]
    small = FREQUENCIES.index(frequency) >= 4
    share = {"BYMONTH": 0.3, "BYWEEKNO": 0.2, "BYYEARDAY": 0.15, "BYMONTHDAY": 0.3, "BYDAY": 0.5,
        **dict.fromkeys(TIMES, 0.3 if small else 0.12)}
    parts = {}
    for part in lawful:
        if rng.random() < share[part]:
            told = weekdays(at, frequency, parts, own, rng) if part == "BYDAY" else values(part, at, frequency, own,
                rng)
            parts[part] = ",".join(told)
    if parts and rng.random() < 0.2:
        parts["BYSETPOS"] = ",".join(map(str, rng.sample([1, 2, 3, 5, -1, -2, -3, -5], rng.choice([1, 1, 2]))))
    head = [f"FREQ={frequency}"]
    if rng.random() < 0.45:
        head.append(f"INTERVAL={rng.choice([1, 2, 2, 3, 4, 5, 7, 12, 13])}")
    if rng.random() < 0.3:
        head.append(f"WKST={rng.choice(DAYS)}")
    return ";".join(head + [f"{part}={parts[part]}" for part in ORDER if part in parts])


def spelled(at, day):
    return at.strftime("%Y%m%d" if day else "%Y%m%dT%H%M%S")


def make(name, rng):
    """One rule, with a window in which it has some instances and not too many; and how many, on the local clock."""
    while True:
        frequency = rng.choices(FREQUENCIES, SHARES)[0]
        small = FREQUENCIES.index(frequency) >= 4
        zone = rng.choice([*ZONES, *ZONES, "UTC", "UTC", "", "", *(() if small else ("DATE", "DATE", "DATE"))])
        day = zone == "DATE"
        lengths, before, after = REACH[frequency]
        anchor = rng.choice(ANCHORS)
        at = anchor + dt.timedelta(days=rng.uniform(-before, after))
        at = at.replace(microsecond=0, second=0 if rng.random() < 0.8 else at.second,
            minute=rng.choice([0, 30, at.minute]))
        if rng.random() < 0.3 and not small:
            # The hours in which clocks change.
            at = at.replace(hour=rng.choice([0, 1, 2, 3]), minute=rng.choice([0, 15, 30, 45]))
        if rng.random() < 0.05:
            at = at.replace(month=2, day=29) if at.year % 4 == 0 else at.replace(day=min(31, 28 if at.month == 2
                    else 30))
        if day:
            at = at.replace(hour=0, minute=0, second=0)
        start, rule = spelled(at, day), parts_for(frequency, at, day, rng)
        ending = rng.random()
        count = rng.choice([1, 2, 3, 5, 10, 30, 60]) if ending < 0.25 else 0
        for length in lengths:
            window = (anchor.replace(minute=0), anchor.replace(minute=0) + dt.timedelta(days=length))
            if at >= window[1]:
                continue
            first, last = question_window(window)
            seen, found = by_dateutil(start, rule, 0, spelled(first, day), spelled(last, day))
            if len(found) <= ENOUGH or length == lengths[-1]:
                break
        else:
            continue
        # A rule without any instance is worth asking now and then only.
        if len(found) > MOST or seen.startswith("!") or not found and rng.random() < 0.9:
            continue
        one = Rule(name, start, rule, zone, window, count, synchronised=seen == start)
        if 0.25 <= ending < 0.5 and found:
            last = rng.choice(found)
            utc = local(last).replace(tzinfo=zone_of(zone)).astimezone(dt.timezone.utc)
            one.until = last if day or not zone else utc.strftime("%Y%m%dT%H%M%SZ")
        if day:
            one.length = (rng.choice(["DURATION", "DTEND"]), 0, rng.choice([1, 1, 2]))
        elif rng.random() < 0.15:
            one.length = ("DURATION", 0, 1)
        else:
            one.length = (rng.choice(["DURATION", "DTEND"]), rng.choice([60, 300, 3600, 5400]) if not small
                else rng.choice([1, 30]), 0)
        if rng.random() < 0.08:
            hows = ["own"] if day or not zone else ["own", "utc", "floating", "zoned"]
            span = (window[1] - window[0]).total_seconds()
            extra = [(window[0] + dt.timedelta(seconds=int(span * rng.random()))).replace(microsecond=0)
                for _ in range(rng.choice([1, 2]))]
            one.added = [(more.replace(hour=0, minute=0, second=0) if day else more, rng.choice(hows))
                for more in extra if more > at]
        times = [at, *(local(time) for time in found), *(more for more, _ in one.added)]
        later = [local(time) for time in found if local(time) > at]
        if later and rng.random() < 0.15:
            one.excluded = [(time, spelling(time, times, day, zone, rng)) for time in rng.sample(later,
                    min(len(later), rng.choice([1, 1, 3])))]
        if later and not one.excluded and not one.count and not one.until and rng.random() < 0.15:
            gone = rng.choice(later)
            to = gone + dt.timedelta(days=rng.choice([0, 1, -1, 40]), hours=0 if day else rng.choice([0, 1, 5]))
            one.moved = [(gone, spelling(gone, times, day, zone, rng), to)]
        return one


def spelling(at, times, day, zone, rng):
    """How an exception may name an instance: by its day only where that is the only one of the day."""
    if day:
        return rng.choice(["own", "timed"])
    alone = ["day"] if len({one for one in times if one.date() == at.date()}) == 1 else []
    return rng.choice(["own", "utc", "zoned", *(["floating"] if zone != "UTC" else []), *alone] if zone
        else ["own", *alone])


def question_window(window):
    """The window, widened by what a zone may be off."""
    return window[0] - dt.timedelta(days=2), window[1] + dt.timedelta(days=2)
