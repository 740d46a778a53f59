"""How the handoffs of the demo turn out: chances by source, times by temperature, and what people say."""

from __future__ import annotations

Times = dict[str, tuple[float, float]]

# What nobody has agreed on yet shows in these.
ACCEPTED = {
    "website-demo": 0.76,
    "website-contact": 0.64,
    "website-pricing": 0.7,
    "referral-customer": 0.77,
    "webinar-live": 0.55,
    "event-booth": 0.4,
    "paid-search": 0.38,
    "organic-search": 0.45,
    "webinar-on-demand": 0.22,
    "linkedin-lead-form": 0.15,
    "content-syndication": 0.08,
}
REJECTED_FOR = (
    ("criterion_untrue", 32),
    ("too_early", 14),
    ("wrong_person", 24),
    ("bad_contact_data", 14),
    ("wrong_company", 10),
    ("existing_customer", 5),
    ("no_consent", 2),
    ("other", 3),
)
# What the reason asks for, and a remark.
SAID: dict[str, tuple[tuple[dict[str, str], str], ...]] = {
    "criterion_untrue": (
        ({"text": "Need: only collects prices for a study"}, ""),
        ({"text": "Decision maker: somebody else signs"}, "Polite, but has no say in it."),
        ({"text": "Need: wants training, no audit"}, ""),
        ({"text": "Decision maker: the parent company decides"}, "In Stuttgart, a Mr Rau."),
    ),
    "too_early": (
        ({"text": "Downloads were for a tender in two years"}, ""),
        ({"text": "Read the report for a thesis"}, "Works there as a student."),
        ({"text": "Compares three years ahead"}, ""),
    ),
    "wrong_person": (
        ({"text": "Assistant"}, "Was asked to collect brochures."),
        ({"text": "Intern in purchasing"}, ""),
        ({"text": "Works in marketing"}, "Wanted our slides."),
    ),
    "bad_contact_data": (
        ({"field": "phone", "text": "Phone"}, "The number belongs to a fax machine."),
        ({"field": "email", "text": "E-mail"}, "Bounced twice."),
        ({"field": "phone", "text": "Phone"}, "Rings at the head office; nobody knows them."),
    ),
    "wrong_company": (
        ({"criterion": "industry-on-target", "text": "Industry on target"}, "Eight people, repairs bicycles."),
        ({"criterion": "industry-on-target", "text": "Industry on target"}, "Sells machines, does not run any."),
    ),
    "existing_customer": (({}, ""),),
    "no_consent": (({}, "Says that they never signed up."),),
    "other": (({"text": "Asked for a job"}, ""), ({"text": "Wanted the newsletter in French"}, "")),
}
LOST_BECAUSE = (
    "Bought elsewhere",
    "Price",
    "Project stopped",
    "Does it in house",
    "No answer to the offer",
)
NOTES = {
    "email": ("Wrote an e-mail", "Sent the case study", ""),
    "no_answer": ("", "", "Rang out", "Voice mail"),
    "left_message": ("Asked for a call back", "Left word with the office", "Told the colleague that I try again"),
    "reached": ("Good talk, wants figures", "Sends the list of lines", "Wants a visit", "Asks for references", ""),
}
NEXT_STEPS = {
    "try": ("Call again", "Try in the morning", "Write, then call"),
    "meet": ("Meeting", "Visit the plant", "Video call with their purchasing"),
    "sell": ("Ask how it stands", "Send the changed offer", "Call after their board meets"),
}

# Median in working minutes, and spread.
FIRST_CALL: Times = {"hot": (3.1, 0.5), "warm": (30.0, 0.75), "cool": (160.0, 0.8)}
DECISION: Times = {"hot": (35.0, 0.9), "warm": (135.0, 0.72), "cool": (300.0, 0.7)}

HANDED_OVER_LATE = 0.06
FIX_HOURS = (1.6, 0.8)  # of the log-normal, in working hours
FIXED = 0.66  # of what is returned; the rest is withdrawn
ACCEPTED_WHEN_FIXED = 0.8
REACHED_AT_ONCE = 0.45
REACHED_LATER = 0.45  # by each further attempt
FORGOTTEN = 0.04  # accepted and then left lying, for about a month
GIVEN_BACK = 0.38  # of whom they reached
BLAMED = 0.12  # of those: for a reason that marketing answers for
LOST_AFTER_MEETING = 0.42
# Of opportunities, by source.
WON = {
    "referral-customer": 0.55,
    "website-demo": 0.42,
    "website-pricing": 0.4,
    "website-contact": 0.38,
    "webinar-live": 0.34,
}
WON_ELSE = 0.24
