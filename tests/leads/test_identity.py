"""Normal forms by which people are recognised, and who may be the same."""

import pytest

from leads import identity
from leads.facts import WrongFact, company_key, country, folded, function_of, people, seniority, seniority_of
from leads.intake import Arrival, receive


@pytest.mark.parametrize(
    ("typed", "normal"),
    [
        ("Katrin.Sommer@Kessler.DE", "katrin.sommer@kessler.de"),
        ("  katrin@kessler.de ", "katrin@kessler.de"),
        ("Katrin Sommer <Katrin@Kessler.de>", "katrin@kessler.de"),
        ("mailto:katrin@kessler.de", "katrin@kessler.de"),
        ("katrin+fair@kessler.de", "katrin+fair@kessler.de"),
        ("k.a.t@gmail.com", "k.a.t@gmail.com"),
        ("info@Müller.example", "info@xn--mller-kva.example"),
        ("info@mu\u0308ller.example", "info@xn--mller-kva.example"),
        ("jürgen@firma.de", "jürgen@firma.de"),
        ("ju\u0308rgen@firma.de", "jürgen@firma.de"),
        ("katrin", ""),
        ("katrin@", ""),
        ("@kessler.de", ""),
        ("a@b@c.de", ""),
        ("katrin@localhost", ""),
        ("kat rin@kessler.de", ""),
        ("katrin@kessler..de", ""),
        ("n/a", ""),
        ("", ""),
    ],
)
def test_email_has_one_normal_form(typed: str, normal: str) -> None:
    assert identity.normal_email(typed) == normal


@pytest.mark.parametrize(
    ("typed", "country_code", "normal"),
    [
        ("+49 7131 204455", "", "+497131204455"),
        ("07131 / 204455", "DE", "+497131204455"),
        ("0049 7131 204455", "DE", "+497131204455"),
        ("(11) 98765-4321", "BR", "+5511987654321"),
        ("07131 204455", "", ""),
        ("call me", "DE", ""),
        ("123", "DE", ""),
    ],
)
def test_phone_is_read_only_when_it_is_sure(typed: str, country_code: str, normal: str) -> None:
    assert identity.normal_phone(typed, country_code) == normal


def test_names_fold_to_one_key() -> None:
    assert folded("  José   Ángel STRAßE ") == "jose angel strasse"
    assert company_key("Kessler, Söhne & Co. KG") == "kessler sohne & co kg"


@pytest.mark.parametrize(
    ("title", "level", "function"),
    [
        ("Head of Operations", "director", "operations"),
        ("Leiterin Einkauf", "manager", "purchasing"),
        ("Geschäftsführer", "c_level", "management"),
        ("VP Sales", "vp", "sales"),
        ("CIO", "c_level", "it"),
        ("Werkleiter", "director", "operations"),
        ("Maintenance Manager", "manager", "engineering"),
        ("Werkstudent Marketing", "student", "marketing"),
        ("Vice President Finance", "vp", "finance"),
        ("Sachbearbeiterin", "", ""),
    ],
)
def test_title_tells_level_and_function(title: str, level: str, function: str) -> None:
    assert (seniority_of(title), function_of(title)) == (level, function)


@pytest.mark.parametrize(
    ("typed", "code"),
    [("de", "DE"), ("Germany", "DE"), ("Deutschland", "DE"), ("United States", "US"), ("USA", "US"), ("DEU", "DE")],
)
def test_country_is_read_from_code_or_name(typed: str, code: str) -> None:
    assert country(typed) == code


@pytest.mark.parametrize(
    ("typed", "number"), [("120", 120), ("1,200", 1200), ("1.200", 1200), ("51–200", 51), ("120.0", 120), ("~ 50", 50)]
)
def test_people_are_counted(typed: str, number: int) -> None:
    assert people(typed) == number


@pytest.mark.parametrize("typed", ["many", "-5", "12 or 13 or 14"])
def test_people_that_are_no_number_are_refused(typed: str) -> None:
    with pytest.raises(WrongFact):
        people(typed)


def test_unknown_codes_are_refused_with_the_known_ones() -> None:
    with pytest.raises(WrongFact, match="c_level"):
        seniority("wizard")
    with pytest.raises(WrongFact, match="two letters"):
        country("Atlantis")


def test_candidates_are_found_while_typing(tuesday, mia) -> None:
    katrin = receive(
        Arrival(
            facts={
                "name": "Katrin Sommer",
                "email": "katrin@kessler.example",
                "phone": "+49 7131 204455",
                "company_name": "Kessler",
            }
        ),
        now=tuesday,
        by=mia,
    ).lead

    def found(**facts: str) -> list[tuple[int, str]]:
        return [(one.lead.pk, one.why) for one in identity.candidates(facts)]

    assert found(email="KATRIN@kessler.example") == [(katrin.pk, "same e-mail")]
    assert found(phone="07131 204455", country="DE") == [(katrin.pk, "same phone")]
    assert found(name="katrin sommer", company_name="KESSLER") == [(katrin.pk, "same name and company")]
    assert found(name="Katrin Sommer") == [(katrin.pk, "same name")]
    assert found(name="Katrin") == []
    assert found(email="other@kessler.example") == []
    assert identity.candidates({"email": "katrin@kessler.example"}, apart_from=katrin.pk) == []
