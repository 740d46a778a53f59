"""Made-up people and companies of the demo. The same seed gives the same ones."""

from __future__ import annotations

from collections import Counter
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
COMMON = (14, 10, 9, 7, 7, 9, 5, 8, 6, 5, 5, 4, 4, 3, 2, 2)  # how common each kind is
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
# Numbers that nobody has, where a country keeps some for films; else ones that look like it.
FILM_NUMBERS = ("+49 30 23125", "+49 69 90009", "+49 40 66969", "+49 221 4710", "+49 89 99998")
PHONES = {
    "AT": "+43 732 555{0:04d}",
    "CH": "+41 52 555 {0:04d}",
    "FR": "+33 4 65 71 {0:04d}",
    "IT": "+39 051 555{0:04d}",
    "ES": "+34 944 55 {0:04d}",
    "NL": "+31 40 255 {0:04d}",
    "PL": "+48 71 555 {0:04d}",
    "SE": "+46 21 55 {0:04d}",
    "US": "+1 216 555 01{0:02d}",
    "IN": "+91 20 5555 {0:04d}",
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
DECIDING = TITLES[:10]  # titles of those who fit
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


class Registry:
    """Makes companies and phone numbers, each one once."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.domains: set[str] = set()
        self.phones: Counter[str] = Counter()

    def firm(self, *, is_fitting: bool = False) -> Firm:
        """Make a company; a fitting one is what the definition of qualified asks for."""
        random = self.random
        while True:
            kind, industry = random.choices(KINDS, weights=COMMON)[0]
            country = random.choice(COUNTRIES)
            size = int(10 ** (random.uniform(1.3, 3.1) if is_fitting else random.uniform(1.1, 3.4)))
            if is_fitting and (industry not in ON_TARGET or country not in SERVED):
                continue
            root = random.choice(ROOTS) + random.choice(("", "", "berg", "tal", "hof", "tec", "ex", "ia"))
            domain = f"{ascii_of(root)}-{ascii_of(kind)}"
            if domain in self.domains:
                continue
            self.domains.add(domain)
            name = f"{root} {kind} {random.choice(FORMS[country])}"
            return Firm(name, f"{domain}.example", industry, size, country, random.choice(CITIES[country]))

    def phone(self, country: str) -> str:
        """Give out the next number of a country."""
        number = self.phones[country]
        self.phones[country] += 1
        if country == "DE":
            return f"{FILM_NUMBERS[number // 1000 % len(FILM_NUMBERS)]} {number % 1000:03d}"
        return PHONES[country].format(number)


def ascii_of(text: str) -> str:
    """Write a name as it stands in an address."""
    pairs = str.maketrans("äöüßéèáíóúñłśěřůýçıōğşžšń", "aouseeaiounlseruyciogszsn")
    return "".join(letter for letter in text.lower().translate(pairs) if letter.isascii() and letter.isalpha())
