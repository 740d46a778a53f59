"""Made-up people and companies of the demo. The same seed gives the same ones."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

FIRST = (
    "Katrin Ines Matthias Carla Robert Petra Henrik Sabine Julia Tobias Anke Stefan Miriam Jörg Elif Kasper "
    "Chiara Luca Giulia Marta Pavel Zuzana Tomasz Agnieszka Jan Eva Lukas Hannah Felix Nora Simon Clara David "
    "Laura Oskar Helena Bruno Sofia Amir Leyla Deniz Yara Björn Astrid Erik Freya Paul Lisa Markus Andrea Thomas "
    "Birgit Ralf Ulrike Dieter Gisela Emil Ida Noah Mila Léa Hugo Manon Jules Ana Pedro Inés Diego"
).split()
LAST = (
    "Sommer Kaltenbach Egger Winter Haas Lang Olsson Pohl Brandt Brenner Steiner Krüger Vogel Seidel Busch "
    "Ziegler Kühn Pfeiffer Horn Sauer Arnold Bergmann Ludwig Simon Heinrich Schuster Frank Otto Engel Böhm Roth "
    "Keller Huber Moser Gruber Bauer Wagner Pichler Leitner Fischer Weber Schmid Meyer Rossi Bianchi Ferrari "
    "Conti Moretti Dubois Laurent Moreau Girard García López Serrano Kowalska Nowak Wiśniewski Svoboda Novotný "
    "Dvořák Horváth Yılmaz Kaya Demirci Nielsen Hansen Lindqvist Berg Visser Bakker Jansen Okonkwo Haddad Petrov"
).split()
ROOTS = (
    "Alpen Nord Süd Rhein Main Donau Isar Elbe Weser Neckar Tauern Berg Stahl Werk Rotor Kern Linden Hof Wald "
    "Stein Falk Adler Bär Hirsch Voss Rotek Hydra Thermo Aero Mecha Kinetik Präzi Opti Vento Lumen Ferro Kupfer "
    "Silber Delta Omega Sigma Astra Nova Terra Aqua Ignis Borea Levante Monte Riva Campo Valle Porto Kranz "
    "Winkler Brandner Lindauer Tiroler Hanse Havel Spree Oder Saale Mosel Ruhr Lahn Inn Enns"
).split()
KINDS: tuple[tuple[str, str], ...] = (
    ("Maschinenbau", "Machinery"),
    ("Antriebstechnik", "Machinery"),
    ("Präzision", "Industrial equipment"),
    ("Armaturen", "Industrial equipment"),
    ("Pumpen", "Industrial equipment"),
    ("Logistik", "Logistics"),
    ("Spedition", "Transport"),
    ("Gebäudetechnik", "Building services"),
    ("Klima", "HVAC"),
    ("Kunststoff", "Plastics"),
    ("Verpackung", "Packaging"),
    ("Elektronik", "Electronics"),
    ("Lebensmittel", "Food and beverage"),
    ("Handel", "Retail"),
    ("Beratung", "Consulting"),
    ("Medien", "Media"),
)
ON_TARGET = ("Machinery", "Industrial equipment", "Logistics", "Transport", "Building services", "HVAC")
SERVED = ("DE", "AT", "CH", "NL", "PL", "FR", "IT")
FORMS = {
    "DE": ("GmbH", "AG", "KG", "SE"),
    "AT": ("GmbH", "AG"),
    "CH": ("AG", "SA"),
    "FR": ("SARL", "SA"),
    "IT": ("S.p.A.", "S.r.l."),
    "ES": ("S.L.",),
    "NL": ("B.V.",),
    "PL": ("Sp. z o.o.",),
    "SE": ("AB",),
    "US": ("Inc.",),
    "IN": ("Ltd.",),
}
CITIES = {
    "DE": ("Heilbronn", "Augsburg", "Bremen", "Leipzig", "Kassel", "Ulm", "Chemnitz", "Münster"),
    "AT": ("Linz", "Graz", "Innsbruck", "Wels"),
    "CH": ("Winterthur", "Olten", "Bern"),
    "FR": ("Lyon", "Nantes"),
    "IT": ("Bologna", "Brescia"),
    "ES": ("Bilbao", "Zaragoza"),
    "NL": ("Eindhoven", "Breda"),
    "PL": ("Wrocław", "Łódź"),
    "SE": ("Västerås", "Malmö"),
    "US": ("Cleveland", "Denver"),
    "IN": ("Pune", "Chennai"),
}
COUNTRIES = (
    ("DE",) * 52
    + ("AT",) * 12
    + ("CH",) * 10
    + ("NL",) * 6
    + ("PL",) * 5
    + ("FR",) * 4
    + ("IT",) * 4
    + ("ES",) * 2
    + ("SE",) * 2
    + ("US",) * 2
    + ("IN",)
)
# A million numbers for each country: two people of the demo seldom share one.
PHONES = {
    "DE": "+49 7131 5{0:06d}",
    "AT": "+43 732 5{0:06d}",
    "CH": "+41 52 5{0:06d}",
    "FR": "+33 4 72{0:06d}",
    "IT": "+39 051 5{0:06d}",
    "ES": "+34 944{0:06d}",
    "NL": "+31 40 2{0:06d}",
    "PL": "+48 71 5{0:06d}",
    "SE": "+46 21 5{0:06d}",
    "US": "+1 216 5{0:06d}",
    "IN": "+91 20 25{0:06d}",
}
TITLES = (
    ("Head of Operations", 9),
    ("Plant manager", 9),
    ("Managing director", 7),
    ("Head of Purchasing", 8),
    ("Purchasing manager", 9),
    ("Maintenance manager", 9),
    ("Head of Maintenance", 7),
    ("CTO", 3),
    ("CEO", 3),
    ("VP Supply Chain", 3),
    ("Production engineer", 10),
    ("Controller", 4),
    ("IT manager", 5),
    ("Marketing assistant", 4),
    ("Student", 4),
    ("Working student", 2),
    ("Sales engineer", 4),
)
NEEDS = (
    "We lost 11 hours in October on two grinding lines.",
    "Fewer stops on the packaging line before the summer.",
    "Gear deliveries are late twice a month.",
    "Our spare-part stock ties up too much money.",
    "We need to know what an hour of downtime costs us.",
    "A retrofit of 14 heat exchangers, with a fixed date.",
    "The maintenance plan lives in one colleague's head.",
    "Energy costs of the compressors doubled.",
    "We want one supplier for all three plants.",
    "An audit in March asks for proof of maintenance.",
)
DECISION_MAKERS = ("Herself up to 50,000 €, then the CEO", "The plant manager signs", "Board of two, she prepares it")
AUTHORITIES = ("Signs alone up to 50,000 €", "Recommends; the plant manager signs", "Part of the buying group")
BUDGETS = ("40,000–60,000 € in 2027", "about 120,000 €", "20,000 € this year", "planned, not released")


@dataclass(frozen=True)
class Firm:
    """A company of the demo."""

    name: str
    domain: str
    industry: str
    employees: int
    country: str
    city: str


def firms(random: Random, count: int) -> list[Firm]:
    """Make that many companies with different names."""
    made: dict[str, Firm] = {}
    while len(made) < count:
        country = random.choice(COUNTRIES)
        kind, industry = random.choices(KINDS, weights=(14, 10, 9, 7, 7, 9, 5, 8, 6, 5, 5, 4, 4, 3, 2, 2))[0]
        root = random.choice(ROOTS) + random.choice(("", "", "berg", "tal", "hof", "tec", "ex", "ia"))
        domain = f"{ascii_of(root)}-{ascii_of(kind)}"
        if domain in made:
            continue
        size = int(10 ** random.uniform(1.1, 3.4))
        name = f"{root} {kind} {random.choice(FORMS[country])}"
        made[domain] = Firm(name, f"{domain}.example", industry, size, country, random.choice(CITIES[country]))
    return list(made.values())


def ascii_of(text: str) -> str:
    """Write a name as it stands in an address."""
    pairs = str.maketrans("äöüßéèáíóúñłśěřůýçıōğşžšń", "aouseeaiounlseruyciogszsn")
    return "".join(letter for letter in text.lower().translate(pairs) if letter.isascii() and letter.isalpha())
