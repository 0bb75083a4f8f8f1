"""What the bench tells: a table of goals and ratios, JSON, plots."""

import json
import os

from kit import HERE, ROUNDS

COLOURS = {"Beffroi": "#1f5f8b", "Beffroi without flush": "#8fb8d4"}
OTHERS = ["#b5651d", "#7a9e3b", "#8a5aa8", "#888888", "#c2a83e", "#4f8f8b"]


def plot(name, unit, bars):
    """Bars of one workload as SVG; the longest fills the width."""
    height, widest = 26 * len(bars) + 40, max(value for _, value in bars) or 1
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="720" height="{height}" font-family="sans-serif" font-size="13">',
        f'<text x="8" y="20" font-weight="bold">{name}, {unit}</text>',
    ]
    for place, (server, value) in enumerate(bars):
        y, width = 34 + 26 * place, max(1, 400 * value / widest)
        colour = COLOURS.get(server, OTHERS[place % len(OTHERS)])
        out.append(f'<text x="8" y="{y + 14}">{server}</text><rect x="190" y="{y}" width="{width:.0f}" height="18" '
            f'fill="{colour}"/>')
        out.append(f'<text x="{196 + width:.0f}" y="{y + 14}">{value:,.4g}</text>')
    return "\n".join([*out, "</svg>", ""])


def plots(figures):
    folder = f"{HERE}/plots"
    os.makedirs(folder, exist_ok=True)
    for old in os.listdir(folder):
        os.remove(f"{folder}/{old}")
    for name, by_server in figures.items():
        slug = "".join(c if c.isalnum() else "-" for c in name.lower()).strip("-")
        by_time = not any(word in name for word in ("GET 4", "PUT 4", "Depth 0", "connection"))
        key, unit = ("ms", "ms (less is better)") if by_time else ("per_second", "a second (more is better)")
        bars = [(server, one[key]) for server, one in by_server.items()]
        with open(f"{folder}/{slug}.svg", "w") as out:
            out.write(plot(name, unit, bars))


def number(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:,.2f}"


def table(title, figures, goals, limits, everything):
    servers = []
    for by_server in figures.values():
        servers += [server for server in by_server if server not in servers]
    others = [server for server in servers if server != "Beffroi"]
    lines = [
        f"## {title}",
        "",
        f"| workload | goal: how far it is reached (1 is just so) | Beffroi a second | ms | processor µs | "
        f"{' | '.join(f'{o} a second' for o in others)} |",
        "|" + "---|" * (5 + len(others)),
    ]
    reached = {}
    for name, by_server in figures.items():
        ours = by_server["Beffroi"]
        told = []
        for text, judge in goals.get(name, []):
            value = judge(by_server, everything, limits)
            reached.setdefault(name, {})[text] = value
            told.append(f"{text}: " + ("–" if value is None else f"**{value:.2f}**"))
        cells = []
        for server in others:
            one = by_server.get(server)
            cells.append("–" if one is None else number(one["per_second"]) + (f" ({one['wrong']})" if one.get("wrong")
                    else ""))
        wrong = f" ({ours['wrong']})" if ours.get("wrong") else ""
        lines.append(
            f"| {name} | {'<br>'.join(told)} | {number(ours['per_second'])}{wrong} | {ours['ms']:,.2f} | "
            f"{number(ours['processor_us'])} | {' | '.join(cells)} |"
        )
    return lines + [""], reached


def write(sections, limits, memory, notes):
    everything = {name: by_server for _, figures, _ in sections for name, by_server in figures.items()}
    lines = [
        "# Results",
        "",
        f"Medians of {ROUNDS} interleaved rounds on one machine with {os.cpu_count()} processors, which the load "
        f"shares. Beffroi flushes every "
        "write to disk before it answers and checks a password on each request; none of the others does either. "
        "Ratios count, not times. "
        "Answers were counted before they were timed; what was incomplete is said. Written by "
        "`conformance/bench/run`; plots are in `plots/`.",
        "",
        "Limits of the machine in this run: " + ", ".join(f"{name.replace('_', ' ')} {number(value)}" for name,
            value in limits.items()) + ".",
        "",
    ]
    result = {"limits": limits, "memory_mib": memory, "workloads": {}, "goals": {}}
    for title, figures, goals in sections:
        told, reached = table(title, figures, goals, limits, everything)
        lines += told
        result["workloads"].update(figures)
        result["goals"].update(reached)
    lines += ["## Memory", "", "| what | goal | MiB |", "|---|---|---|"]
    lines += [f"| {what} | {goal} | {mib:.1f} |" for what, (goal, mib) in memory.items()]
    if os.path.exists(notes):
        lines += ["", open(notes).read().rstrip()]
    with open(f"{HERE}/RESULTS.md", "w") as out:
        out.write("\n".join(lines) + "\n")
    with open(f"{HERE}/results.json", "w") as out:
        json.dump(result, out, indent=1)
        out.write("\n")
    plots(everything)
    print("\n".join(lines))
