"""Sample data for the living style guide: one context per component, as its first line asks for it. Only data."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.core.paginator import Paginator

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 17, 14, 20, tzinfo=BERLIN)

HERE = "#"
MINUTE = 60
HOUR = 60 * MINUTE


def sample(now: datetime = NOW) -> dict[str, Any]:
    """Return the whole context of `home/styleguide.html`.

    Args:
        now: The moment the countdowns tick from. The figures belong to one made-up November.
    """
    return {
        "now": now,
        "tokens": [{"name": name, "x": place % 6 * 100 / 6, "y": place // 6 * 50} for place, name in enumerate(TOKENS)],
        "statuses": ["track", "risk", "met", "missed", "early"],
        "countdowns": countdowns(now),
        "scores": SCORES,
        "strip": STRIP,
        "sides": SIDES,
        "pace": PACE,
        "response": RESPONSE,
        "history": HISTORY,
        "plan": PLAN,
        "sources": SOURCES,
        "bands": BANDS,
        "reasons_why": REASONS_WHY,
        "explanation": EXPLANATION,
        "criteria": CRITERIA,
        "events": events(now),
        "group_bars": GROUP_BARS,
        "queue": queue(now),
        "reasons": REASONS,
        "keys": KEYS,
        "filters": FILTERS,
        "progress": {"done": 1240, "total": 8000, "text": "Checking row 1,240 of 8,000", "left": "about 40 s left"},
        "page": Paginator(range(212), 50).page(2),
    }


TOKENS = [
    "ink", "ink-2", "ink-3", "accent", "data", "data-late", "s-track", "s-risk", "s-met", "s-missed", "s-early",
    "compare", "bg", "surface", "well", "line", "band", "accent-soft",
]  # fmt: skip


def countdown(
    now: datetime, state: str, text: str, *, share: float, left: int, detail: str = "", budget: int = HOUR
) -> dict[str, Any]:
    """Return one countdown; the first four states tick on for half an hour."""
    ticks = state in {"ok", "half", "soon", "late"}
    return {
        "state": state,
        "text": text,
        "detail": detail,
        "share_left": share,
        "left_seconds": left,
        "ticks_until": now.timestamp() + HOUR if ticks else None,
        "budget_seconds": budget,
        "day_seconds": 7.5 * HOUR,
    }


def countdowns(now: datetime) -> list[dict[str, Any]]:
    """Return one countdown of each state, with what it means."""
    return [
        {"of": countdown(now, "ok", "5 h 10 left", share=69, left=310 * MINUTE, budget=450 * MINUTE), "why": "relaxed"},
        {"of": countdown(now, "half", "27 min left", share=45, left=27 * MINUTE), "why": "half used"},
        {"of": countdown(now, "soon", "12 min left", share=20, left=12 * MINUTE), "why": "80 % used"},
        {"of": countdown(now, "soon", "95 s left", share=2.6, left=95), "why": "below two minutes"},
        {"of": countdown(now, "late", "1 h 10 overdue", share=0, left=-70 * MINUTE), "why": "breached, still counts"},
        {"of": countdown(now, "paused", "Paused, 3 h left", share=40, left=180 * MINUTE), "why": "until Thu 09:00"},
        {"of": countdown(now, "sleep", "Starts Wed 09:00", share=100, left=HOUR), "why": "came in after hours"},
        {"of": countdown(now, "done", "In time, 42 min", share=0, left=18 * MINUTE), "why": "stopped"},
    ]  # fmt: skip


SCORES = [
    {"score": 156.4, "grade": "A1", "is_under": False},
    {"score": 132, "grade": "B2", "is_under": False},
    {"score": 119.5, "grade": "C2", "is_under": False},
    {"score": 99.9, "grade": "B3", "is_under": True},
    {"score": None, "grade": "", "is_under": True},
]

STRIP = {
    "handed_over": {"count": 74, "url": HERE, "detail": "October at this day: 69"},
    "parts": [
        {"count": 37, "kind": "accepted", "label": "accepted", "url": HERE, "detail": "63 % of 59 that count"},
        {"count": 24, "kind": "rejected", "label": "rejected", "url": HERE, "detail": "3 contested"},
        {"count": 12, "kind": "waiting", "label": "waiting", "url": HERE, "detail": "1 overdue"},
        {"count": 1, "kind": "overdue"},
    ],
    "at_risk": {"count": 6, "url": HERE, "detail": "5 with sales, 1 with marketing"},
}


def _plot(
    now: float,
    lo: float,
    *,
    hi: float | None = None,
    expected: float | None = None,
    likely: tuple[float, float] | None = None,
    label: str,
    label_at: float | None = None,
) -> dict[str, Any]:
    return {
        "now": now,
        "lo": lo,
        "hi": hi,
        "expected": expected,
        "is_same": expected is not None and abs(expected - now) < 2.5,
        "likely_lo": likely[0] if likely else None,
        "likely_hi": likely[1] if likely else None,
        "label": label,
        "label_at": label_at if label_at is not None else lo,
    }


def _card(
    words: tuple[str, str, str, str, str], plot: dict[str, Any], trend: list[float], promise: float
) -> dict[str, Any]:
    name, sub, value, expected, status = words
    return {
        "name": name,
        "sub": sub,
        "value": value,
        "expected": expected,
        "status": status,
        "plot": plot,
        "trend": trend,
        "promise": promise,
        "url": HERE,
        "sentence": f"{name}: {status}. {value} now, {expected}, promised {plot['label']}. {sub}.",
    }


SIDES = [
    {
        "title": "Marketing owes",
        "counts": "3 on track · 1 at risk · 1 too early",
        "cards": [
            _card(("Qualified leads", "124–144 likely by 30 Nov", "74", "→ 134", "track"),
                  _plot(46.2, 75, hi=93.8, expected=83.8, likely=(77.5, 90), label="120–150", label_at=84.4),
                  [131, 120, 116, 133, 123, 127], 120),
            _card(("Accepted by sales", "37 of 59 decided", "63 %", "→ 61 %", "track"),
                  _plot(53.5, 41.7, expected=50, likely=(30, 70), label="≥ 55 %"), [48, 52, 58, 54, 59, 63], 55),
            _card(("Become customers", "1 of 74, takes 62 days", "1.4 %", "from 18 Jan", "early"),
                  _plot(23.3, 55, label="≥ 3.3 %"), [4.4, 3.5, 4.8, 3.9], 3.3),
            _card(("Returned leads fixed", "6 of 8 due, 2 running", "75 %", "→ 80 %", "risk"),
                  _plot(50, 80, expected=60, label="≥ 90 %"), [92, 88, 94, 91, 90, 75], 90),
            _card(("Handed over in time", "71 of 74 within the hour", "96 %", "→ 96 %", "track"),
                  _plot(91.8, 90, expected=91.8, label="≥ 95 %"), [90, 93, 96, 97, 96, 96], 95),
        ],
    },
    {
        "title": "Sales owes",
        "counts": "1 met · 1 on track · 1 at risk · 1 missed · 1 too early",
        "cards": [
            _card(("Decided in time", "58 of 62 due, 12 running", "94 %", "→ 93 %", "track"),
                  _plot(87, 80, expected=86, label="≥ 90 %"), [84, 87, 91, 90, 92, 94], 90),
            _card(("First follow-up in time", "49 of 58 due, 4 running, 4 points short", "84 %", "→ 85 %", "risk"),
                  _plot(69, 80, expected=71, label="≥ 90 %"), [74, 80, 84, 87, 88, 84], 90),
            _card(("Attempts before giving up", "4 of 4, counts from 10", "100 %", "too few", "early"),
                  _plot(100, 80, label="≥ 90 %"), [88, 92, 91, 96, 94], 92),
            _card(("Outcomes reported", "34 of 35 due, 5 running", "97 %", "at worst 85 %", "met"),
                  _plot(94.2, 60, expected=70, label="≥ 80 %"), [74, 79, 82, 88, 90, 97], 80),
            _card(("Usable reasons given", "23 of 24 rejections", "96 %", "out of reach", "missed"),
                  _plot(91.6, 100, hi=100, label="100 %"), [93, 97, 100, 100, 98, 96], 100),
        ],
    },
]  # fmt: skip


def _running_sum(daily: list[int]) -> list[list[float]]:
    total, line = 0, [[0.0, 0.0]]
    for place, value in enumerate(daily, start=1):
        total += value
        line.append([float(place), float(total)])
    return line


PACE = {
    "data": {
        "days": 21,
        "today": 11.58,
        "top": 150,
        "step": 50,
        "marks": [[0, "2 Nov"], [5, "9 Nov"], [10, "16 Nov"], [15, "23 Nov"], [20, "30 Nov"]],
        "promise": {"low": 120, "high": 150},
        "actual": [*_running_sum([5, 7, 6, 8, 6, 7, 5, 8, 6, 7, 6]), [11.58, 74]],
        "expected": {"value": 134, "low": 124, "high": 144},
        "compare": {
            "points": _running_sum([6, 5, 7, 6, 5, 6, 7, 6, 5, 6, 7, 5, 6, 7, 6, 5, 6, 6, 7, 6, 7]),
            "label": "October, ended at 127",
        },
        "words": {"today": "74 today", "expected": "134 expected", "low": "at least: 120", "high": "promised: 150"},
    },
    "sentence": "74 qualified leads handed over by working day 12; 134 expected at the end, promised 120 to 150.",
    "columns": ["working day", "handed over", "October"],
    "rows": [["2 Nov", "5", "6"], ["9 Nov", "39", "35"], ["16 Nov", "71", "66"], ["today", "74", "69"]],
}

RESPONSE = {
    "data": {
        "bins": [
            {"from": place * 10, "to": place * 10 + 10, "count": count}
            for place, count in enumerate([6, 9, 7, 5, 3, 4, 1, 2, 0, 1, 0, 1, 2])
        ],
        "due": 60,
        "step": 10,
        "marks": [[0, "0"], [30, "30"], [60, "60"], [90, "90"], [120, "120 +"]],
        "words": {
            "axis": "minutes of working time after the handoff",
            "in_time": "34 in time",
            "in_time_detail": "median 29 min, 9 in 10 within 1 h 18",
            "late": "7 late",
            "late_detail": "due after 1 h",
        },
    },
    "sentence": "Warm leads: 34 of 41 followed up within one hour; median 29 minutes.",
    "columns": ["minutes", "follow-ups"],
    "rows": [["0–10", "6"], ["10–20", "9"], ["20–30", "7"], ["30–60", "12"], ["over 60", "7"]],
}

HISTORY = {
    "data": {
        "days": 60,
        "bottom": 80,
        "top": 130,
        "step": 20,
        "threshold": 100,
        "marks": [[0, "19 Oct"], [14, "2 Nov"], [28, "16 Nov"], [42, "30 Nov"], [56, "14 Dec"]],
        "past": [[0, 105], [7, 102.3], [14, 99.8], [14.5, 109.8], [16, 109.2], [16.5, 99], [20, 97.5], [21, 98.4],
                 [23, 97], [24, 97.9], [27.5, 96], [28, 120.5], [29, 119.5]],
        "next": [[29, 119.5], [36, 112.5], [43, 106.8], [50, 102.2], [54, 100], [59, 97]],
        "events": [
            {"at": [0, 105], "label": "report"},
            {"at": [16.5, 99], "label": "careers page", "is_below": True},
            {"at": [28, 120.5], "label": "prices"},
            {"at": [54, 100], "label": "12 Dec", "is_end": True},
        ],
        "words": {"threshold": "100 qualified"},
    },
    "sentence": "The score rose over 100 on 16 November and falls below it on 12 December without new activity.",
    "columns": ["day", "score"],
    "rows": [["19 Oct", "105.0"], ["4 Nov", "99.0"], ["16 Nov", "120.5"], ["12 Dec", "100.0"]],
}  # fmt: skip

PLAN = {
    "data": {
        "labels": ["N", "D", "J", "F", "M", "A", "M", "J", "J", "A", "S", "O"],
        "values": [87, 71, 84, 89, 110, 103, 94, 105, 86, 78, 108, 91],
        "band": [85, 105],
        "top": 120,
        "step": 40,
    },
    "sentence": "Twelve months of qualified leads at threshold 110; the middle half lies between 85 and 105.",
    "columns": ["month", "qualified leads"],
    "rows": [["Nov", "87"], ["Dec", "71"], ["Jan", "84"], ["Oct", "91"]],
}


def _rate(label: str, done: int, cases: int, low: float, high: float) -> dict[str, Any]:
    return {
        "label": label,
        "rate": done / cases,
        "low": low,
        "high": high,
        "done": done,
        "cases": cases,
        "url": HERE,
        "is_few": cases < 5,
    }


SOURCES = [
    _rate("Website, demo form", 12, 14, 0.601, 0.960),
    _rate("Referral, customer", 4, 5, 0.376, 0.964),
    _rate("Webinar, live", 9, 13, 0.424, 0.873),
    _rate("Paid search", 5, 9, 0.267, 0.811),
    _rate("Event booth", 3, 6, 0.188, 0.812),
    _rate("LinkedIn lead form", 3, 8, 0.137, 0.694),
    _rate("Content syndication", 1, 4, 0.046, 0.699),
]
BANDS = [_rate("150 and more", 8, 9, 0.565, 0.980), _rate("125–149", 12, 16, 0.505, 0.898)]

REASONS_WHY = [
    {"label": "Criterion not proven", "count": 7, "contested": 0, "top": 7, "together": 0.29, "url": HERE},
    {"label": "Too early, no intent", "count": 6, "contested": 2, "top": 7, "together": 0.54, "url": HERE},
    {"label": "Wrong person", "count": 4, "contested": 1, "top": 7, "together": 0.71, "url": HERE},
    {"label": "Duplicate", "count": 1, "contested": 0, "top": 7, "together": 1.0, "url": HERE, "aside": "not counted"},
]

_WIDEST = 130


def _line(label: str, detail: str, points: float, span: tuple[float, float], kind: str = "normal") -> dict[str, Any]:
    start, end = span
    return {
        "label": label,
        "detail": detail,
        "points": points,
        "start": start / _WIDEST * 100,
        "end": end / _WIDEST * 100,
        "kind": kind,
    }


EXPLANATION = {
    "threshold": 100 / _WIDEST * 100,
    "threshold_label": "100 qualified",
    "total": 119.5,
    "total_end": 119.5 / _WIDEST * 100,
    "sentence": "Without anything new it falls below 100 on 12 Dec. Knowing the function would not add points: "
    "fit is at its cap.",
    "groups": [
        {"label": "Fit", "detail": "who they are, at most 70", "points": 70.0, "lines": [
            _line("Business e-mail", "voss-antrieb.example", 35, (0, 35)),
            _line("Industry on target", "machinery", 15, (35, 50)),
            _line("Seniority", "head of, as director", 15, (50, 65)),
            _line("Company size", "260 people", 10, (65, 75)),
            _line("Over the cap", "75 counts as 70", -5, (75, 70), "over_cap"),
        ]},
        {"label": "Intent", "detail": "fades by half every 30 days", "points": 24.4, "lines": [
            _line("Looked at prices", "yesterday, 1 a week counts", 24.4, (70, 94.4)),
        ]},
        {"label": "Engagement", "detail": "fades by half every 60 days", "points": 35.1, "lines": [
            _line("Analyst report", "19 Oct, 35 when new", 25.0, (94.4, 119.4)),
            _line("Webinar recording", "2 Nov, 10 when new", 8.4, (119.4, 127.8)),
            _line("E-mail clicks", "9 and 12 Nov, 2 when new", 1.7, (127.8, 129.5)),
        ]},
        {"label": "Against", "detail": "does not fade", "points": -10.0, "lines": [
            _line("Careers page", "4 Nov", -10, (129.5, 119.5), "negative"),
        ]},
    ],
}  # fmt: skip


def _criterion(label: str, verdict: str, evidence: str, by: str, **more: Any) -> dict[str, Any]:
    return {"label": label, "verdict": verdict, "evidence": evidence, "by": by, "is_required": True, **more}


CRITERIA = [
    _criterion("Location served", "met", "Augsburg, DE", "form, 19 Oct"),
    _criterion("Need expressed", "met", "“Gear deliveries are late twice a month.”", "e-mail reply, 12 Nov"),
    _criterion("Budget range known", "unknown", "Amount or range, year", "", field="budget", field_url=HERE),
    _criterion("Project within 12 months", "not_met", "“Rather 2028”, in the chat", "chat, 12 Nov", is_required=False),
]


def events(now: datetime) -> list[dict[str, Any]]:
    """Return a short story, newest first."""
    return [
        {"when": now.replace(day=16, hour=16, minute=48), "text": "Looked at prices for 4 min", "is_hot": True,
         "points": 24.4},
        {"when": now.replace(day=12), "text": "Clicked the case study of Hartwig Zahnrad", "points": 0.9},
        {"when": now.replace(day=5), "text": "Attended “What an hour of downtime costs”", "is_hot": True,
         "points": 34.8, "more": "41 of 45 min, asked one question"},
        {"when_text": "Mar 2025", "text": "Uwe Sailer, production, lost after one meeting", "chip": "objection: price"},
    ]  # fmt: skip


GROUP_BARS = [
    {"label": "Fit", "detail": "cap 70", "points": 70, "share": 100},
    {"label": "Intent: prices", "detail": "", "points": 24.4, "share": 35},
    {"label": "Engagement: webinar", "detail": "", "points": 34.8, "share": 50},
]


def queue(now: datetime) -> list[dict[str, Any]]:
    """Return three rows of a rep's queue."""
    return [
        {"id": "row-1", "name": "Dr. Katrin Sommer", "company": "Alpentherm AG", "job": "plant manager",
         "why": "Asked for a quote for 14 heat-exchanger lines; names a budget of 120,000–150,000 €",
         "source": "Event booth", "campaign": "Chillventa 2026", "score": 141, "grade": "A1", "is_marked": False,
         "countdown": countdown(now, "late", "1 h 10 overdue", share=0, left=-70 * MINUTE, detail="decide by 13:10")},
        {"id": "row-2", "name": "Matthias Egger", "company": "Tiroler Seilbahn AG", "job": "purchasing",
         "why": "Downloaded two reports on spare-part stock; six of six criteria met",
         "source": "LinkedIn lead form", "campaign": "Spare parts Q4", "score": 112, "grade": "C2", "is_marked": True,
         "countdown": countdown(now, "soon", "1 h 20 left", share=18, left=80 * MINUTE, detail="decide by 15:40",
                                budget=450 * MINUTE)},
        {"id": "row-3", "name": "Robert Haas", "company": "Donau Pumpen GmbH", "job": "technical buyer",
         "why": "Watched the recording; plant of 220 people in Linz", "source": "Webinar, on demand",
         "campaign": "Downtime costs, Nov", "score": 104, "grade": "D3", "is_marked": False,
         "countdown": countdown(now, "ok", "1 day 3 h 40 left", share=74, left=670 * MINUTE,
                                detail="decide by Thu 09:30", budget=900 * MINUTE)},
    ]  # fmt: skip


def _reason(code: str, label: str, to: str, *, usual: bool = False, condition: str = "") -> dict[str, Any]:
    return {
        "code": code,
        "label": label,
        "to": to,
        "is_allowed": not condition,
        "condition": condition,
        "is_usual": usual,
        "words": "",
    }


REASONS = [
    _reason("too_early", "Too early, no intent", "back to nurturing", usual=True),
    _reason("criterion_untrue", "A criterion is not true or not proven", "marketing fixes", usual=True),
    _reason("wrong_person", "Wrong person", "back to nurturing", usual=True),
    _reason("bad_contact_data", "Wrong phone or e-mail", "marketing fixes", usual=True),
    _reason("wrong_company", "Wrong company", "ends here"),
    _reason("wrong_territory", "Wrong territory", "other team"),
    _reason("duplicate", "Duplicate", "merged"),
    _reason("unreachable", "Could not reach", "back to nurturing", condition="after 6 attempts, 0 made"),
]

KEYS = [
    {"key": "j", "label": "next"},
    {"key": "k", "label": "previous"},
    {"key": "a", "label": "accept"},
    {"key": "r", "label": "reject"},
    {"key": "f", "label": "follow-up"},
    {"key": "o", "label": "open"},
]

FILTERS = [
    {"name": "stage", "label": "All stages", "value": "nurturing",
     "choices": [("nurturing", "Nurturing"), ("qualified", "Qualified")]},
    {"name": "source", "label": "All sources", "value": "", "choices": [("booth", "Event booth")]},
]  # fmt: skip
