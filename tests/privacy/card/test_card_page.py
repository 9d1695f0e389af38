"""The page says what the card says, alone and safely."""

import copy
import re
from html.parser import HTMLParser

import pytest

from dpsynth.errors import CardError
from dpsynth.privacy.card import NotAssessed, build_card, render_html


class _Text(HTMLParser):
    """Collects visible text, and checks that tags are closed in order."""

    VOID = ("meta", "br", "rect", "path", "polygon", "polyline")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag, attrs):
        if tag not in self.VOID:
            self.open.append(tag)
        self.links += [v for k, v in attrs if k in {"src", "href", "srcset", "action"}]

    def handle_endtag(self, tag):
        if tag in self.VOID:
            return
        assert self.open.pop() == tag
        if tag in {"dd", "dt", "td", "th", "small"}:
            self.text.append(" ")

    def handle_data(self, data):
        if not self.open or self.open[-1] != "style":
            self.text.append(data)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)


def _read(page: str) -> tuple[str, list[str]]:
    parser = _Text()
    parser.feed(page)
    assert parser.open == []
    return re.sub(r"[\s\u00a0]+", " ", "".join(parser.text)), parser.links


def test_plain_words_come_before_the_tables(card):
    assert re.findall("<h2>(.*?)</h2>", render_html(card)) == [
        *("What this promises", "What it does not promise", "What was not protected"),
        *("The promise in detail", "Scope", "Mechanism", "Accounting", "Implementation"),
        *("Audit", "Evaluation", "Subgroups", "Release", "Signature"),
    ]


def test_the_promise_is_said_in_numbers_a_steward_can_use(card):
    text, _ = _read(render_html(card))
    for words in (
        "Privacy loss ε = 3.40at δ = 10⁻⁶",
        "with all of up to 8 records",
        "eε = 30 times more or less likely",  # e^3.4 = 29.96, rounded up
        "If they accept 1 false alarm in 100, they recognise at most 5.2 in 100",
        "right 50 times in 100, they are right at most 63.7 times",  # (1 + 0.2737) / 2
        "all 2 runs on this population come to at most ε = 4.41, δ = 2 × 10⁻⁶",
    ):
        assert words in text


def test_everything_unprotected_is_listed(card):
    text, _ = _read(render_html(card))
    listed = text[text.index("What was not protected") : text.index("The promise in detail")]
    for words in (
        "Evaluation internal report, not released",
        "Facts read from real values and taken as public tables.stays.age.bounds",
        "that this hospital has an intensive care unit",
        "looked at without protection once",
    ):
        assert words in listed
    assert "Strict reading" not in listed
    card["implementation"]["strict"] = True
    card["implementation"]["open_hazards"] = ["timing"]
    text, _ = _read(render_html(card))
    assert "Strict reading the run stops on a forbidden value" in text
    assert "Open hazard timing" in text


def test_a_card_without_gaps_says_so(facts):
    accesses = facts["scope"].accesses
    nothing = accesses.evaluation.model_copy(update={"status": "no access", "how": "none"})
    together = facts["scope"].composition.model_copy(update={"unprotected": 0})
    scope = facts["scope"].model_copy(
        update={
            "accesses": accesses.model_copy(update={"evaluation": nothing}),
            "composition": together,
            "assumed_public": (),
            "unprotected": (),
        }
    )
    reason = NotAssessed(reason="not evaluated yet")
    made = build_card(**{**facts, "scope": scope, "evaluation": reason, "subgroups": reason})
    assert "Nothing is known: every access" in _read(render_html(made))[0]


def test_an_insecure_seed_is_shouted(card):
    assert 'role="alert"' not in render_html(card)
    card["implementation"]["seed"]["insecure"] = True
    page = render_html(card)
    assert page.index("Not fit for release") < page.index("What this promises")
    assert "Whoever knows it can take the noise off" in page


def test_the_page_needs_nothing_from_outside(card):
    page = render_html(card)
    assert _read(page)[1] == []
    for outside in ("http", "//", "url(", "@import", "<script", "<link", "<iframe", "<img"):
        assert outside not in page


def test_names_can_not_bring_markup_along(card):
    bad = '<script>alert("x")</script>'
    changed = copy.deepcopy(card)
    changed["identity"]["dataset"] = bad
    changed["scope"]["private_columns"] = [bad]
    changed["mechanism"]["settings"] = {bad: bad}
    changed["subgroups"] = {"status": "not assessed", "reason": bad}
    page = render_html(changed)
    assert "<script" not in page
    assert page.count("&lt;script&gt;") >= 5


def test_an_incomplete_card_has_no_page(card):
    del card["guarantee"]["delta"]
    with pytest.raises(CardError, match=r"guarantee\.delta is missing"):
        render_html(card)


@pytest.mark.parametrize(("epsilon", "words"), [(0.0, "= 1 times"), (800.0, "over a million")])
def test_any_epsilon_can_be_shown(card, epsilon, words):
    card["guarantee"]["epsilon"] = epsilon
    card["guarantee"]["epsilon_at"] = [{"delta": d, "epsilon": epsilon} for d in (0.1, 0.2)]
    card["accounting"]["epsilon"] = min(epsilon, 1.0)
    card["accounting"]["second_epsilon"] = epsilon + 1
    card["scope"]["composition"] |= {"epsilon": epsilon, "added_epsilon": epsilon}
    if epsilon == 0.0:
        card["accounting"]["epsilon"] = 0.0
    assert words in _read(render_html(card))[0]


def test_classes_that_noise_covers_are_on_the_page_and_no_empty_table(card):
    text, _ = _read(render_html(card))
    assert "dermatofibroma 31 4.0 1.5 too few to learn" in text
    card["mechanism"]["classes"] = []
    assert "each class of pictures" not in render_html(card)


def test_weights_of_groups_are_on_the_page_and_no_empty_table(card):
    text, _ = _read(render_html(card))
    assert "Weights of groups Applied to the noisy statistics and training: public weights" in text
    assert "sex f 1 sex m 0.4" in text
    card = copy.deepcopy(card)
    card["mechanism"]["weighting"]["measurements"] = False
    assert "Applied to training: " in _read(render_html(card))[0]
    card["mechanism"]["weighting"] = None
    assert "Weights of groups" not in _read(render_html(card))[0]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"groups": [{"column": "sex", "group": "f", "weight": 1.2}]}, "weight"),
        ({"groups": []}, "groups"),
        ({"measurements": False, "training": False}, "weighs neither"),
    ],
)
def test_weights_that_no_run_can_have_are_refused_on_a_card(card, change, told):
    card = copy.deepcopy(card)
    card["mechanism"]["weighting"].update(change)
    with pytest.raises(CardError, match=told):
        render_html(card)
