"""Samples, and how they are shown."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median


@dataclass
class Row:
    """What one side took, in seconds, once for each round."""

    label: str
    samples: list[float] = field(default_factory=list)


@dataclass
class Scenario:
    """One question, its rows, and which of them stand beside each other."""

    key: str
    title: str
    rows: dict[str, Row] = field(default_factory=dict)
    pairs: list[tuple[str, str]] = field(default_factory=list)

    def add(self, row: str, label: str, seconds: float) -> None:
        self.rows.setdefault(row, Row(label)).samples.append(seconds)

    def ratios(self, ours: str, theirs: str) -> list[float]:
        """How many times as long the other took, round by round."""
        both = zip(self.rows[ours].samples, self.rows[theirs].samples, strict=False)
        return [their / our for our, their in both]


@dataclass
class Load:
    """What became of the requests while one change was made."""

    label: str
    result: dict[str, object]


def span(values: list[float], digits: int) -> list[str]:
    return [f"{value:.{digits}f}" for value in (median(values), min(values), max(values))]


def table(scenarios: list[Scenario], loads: list[Load]) -> str:
    lines: list[str] = []
    for scenario in scenarios:
        width = max(len(row.label) for row in scenario.rows.values())
        lines += ["", scenario.title]
        lines.append(f"  {'seconds':<{width}}  {'median':>7} {'min':>7} {'max':>7}   n")
        for row in scenario.rows.values():
            numbers = " ".join(f"{number:>7}" for number in span(row.samples, 2))
            lines.append(f"  {row.label:<{width}}  {numbers}  {len(row.samples):>2}")
        for ours, theirs in scenario.pairs:
            middle, least, most = span(scenario.ratios(ours, theirs), 2)
            left, right = scenario.rows[theirs].label, scenario.rows[ours].label
            lines.append(f"  {left}: {middle} times as long as {right} ({least} to {most})")
    if loads:
        width = max(len(load.label) for load in loads)
        lines += ["", "Requests that failed during one change, under a constant load"]
        lines.append(f"  {'':<{width}}  {'failed':>7} {'sent':>7}   longest time without any answer")
        for load in loads:
            failed, sent, dark = (load.result[key] for key in ("failed", "sent", "seconds_without_an_answer"))
            lines.append(f"  {load.label:<{width}}  {failed:>7} {sent:>7}   {dark:.2f} s")
    return "\n".join(lines[1:])


def write(path: Path, about: dict[str, object], scenarios: list[Scenario], loads: list[Load]) -> None:
    result = {
        "about": about,
        "scenarios": {
            scenario.key: {
                "title": scenario.title,
                "rows": {
                    name: {
                        "label": row.label,
                        "seconds": [round(sample, 4) for sample in row.samples],
                        **dict(zip(("median", "min", "max"), map(float, span(row.samples, 4)), strict=True)),
                    }
                    for name, row in scenario.rows.items()
                },
                "times_as_long": {
                    f"{theirs} / {ours}": [round(ratio, 3) for ratio in scenario.ratios(ours, theirs)]
                    for ours, theirs in scenario.pairs
                },
            }
            for scenario in scenarios
        },
        "requests_during_one_change": {load.label: load.result for load in loads},
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(result, indent=2) + "\n")
