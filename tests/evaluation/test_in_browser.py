"""Reports in a real browser: no error, nothing fetched, and every figure says what it shows."""

from __future__ import annotations

import re
import shutil
import subprocess
from html.parser import HTMLParser

import pytest

from dpsynth.evaluation.report import write_report
from dpsynth.evaluation.shareable import shareable, write_shareable

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on PATH")


def browsed(page, profile, *more: str) -> subprocess.CompletedProcess[str]:
    fixed = ["--headless=new", "--no-sandbox", "--disable-gpu", f"--user-data-dir={profile}"]
    quiet = ["--no-first-run", "--disable-background-networking", "--enable-logging=stderr"]
    # Whatever asks for another address fails loudly: no name is ever resolved.
    nowhere = ["--v=0", "--host-resolver-rules=MAP * ~NOTFOUND"]
    words = [str(CHROMIUM), *fixed, *quiet, *nowhere, *more, page.as_uri()]
    return subprocess.run(words, capture_output=True, text=True, timeout=120, check=True)


@pytest.fixture(scope="module")
def pages(evaluations, clinic, clinic_plan, clinic_codec, tmp_path_factory):
    root = tmp_path_factory.mktemp("pages")
    card = {"guarantee": {"epsilon": 1.0, "delta": 1e-5}}
    internal, *_ = write_report(evaluations[0], root / "in", title="Clinic", privacy=card)
    made = shareable(clinic(80, 3), clinic_plan, clinic_codec)
    shared, *_ = write_shareable(made, root / "out", title="Clinic", privacy=card)
    return {"internal": internal, "shareable": shared}


class Figures(HTMLParser):
    """Drawings as the browser has them, and the tables behind them."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[set[str]] = []
        self.open: list[str] = []
        self.fetched: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open.append(tag)
        if tag == "svg":
            self.told.append(set())
        for name, value in attrs:
            if name in {"src", "href", "srcset", "action"} and value:
                self.fetched.append(value)

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in {"title", "desc"} and self.told and data.strip():
            self.told[-1].add(self.open[-1])

    def handle_endtag(self, tag: str) -> None:
        while self.open and self.open.pop() != tag:
            pass


@pytest.mark.parametrize("kind", ["internal", "shareable"])
def test_the_browser_shows_it_whole_and_without_a_word(pages, tmp_path, kind):
    done = browsed(pages[kind], tmp_path, "--dump-dom")
    assert not re.search(r":CONSOLE[:(]|Refused to|net::ERR", done.stderr), done.stderr
    seen = Figures()
    seen.feed(done.stdout)
    assert len(seen.told) > 8
    assert all("title" in told for told in seen.told)
    assert all(each.startswith(("#", "data:image/png;")) for each in seen.fetched)
    assert "To the content" in done.stdout and "</html>" in done.stdout


def test_our_policy_is_heard_by_the_browser(pages, tmp_path):
    # A planted fault: a script that is not ours must be refused, or the test above sees nothing.
    page = tmp_path / "planted.html"
    text = pages["internal"].read_text(encoding="utf-8")
    page.write_text(text.replace("</main>", '<script>document.title = "x"</script></main>'))
    done = browsed(page, tmp_path / "profile", "--dump-dom")
    assert re.search(r":CONSOLE[:(]", done.stderr)
    assert "<title>Clinic</title>" in done.stdout


def test_it_prints(pages, tmp_path):
    target = tmp_path / "report.pdf"
    browsed(pages["internal"], tmp_path / "profile", f"--print-to-pdf={target}")
    assert target.read_bytes().startswith(b"%PDF")
    # What is folded on the screen is on paper: the page of folded rows is many pages long.
    counts = re.findall(rb"/Count (\d+)", target.read_bytes())
    assert max(map(int, counts)) > 15
