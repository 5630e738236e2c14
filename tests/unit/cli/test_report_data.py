"""Reports of an event log: the figures, the terminal, the page in a real browser, the live view."""

import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from html import escape

import msgspec
import pytest
from rich.console import Console

from holysheep_core import Attempt, CallRecord, Catalog, ConfigurationError, EventLog, Usage, events
from holysheep_core.cli import report_data as figures
from holysheep_core.cli import watch
from holysheep_core.cli.report_html import page
from holysheep_core.cli.report_text import bars, show
from holysheep_core.types import total_cost

HOLYSHEEP = [sys.executable, "-m", "holysheep_core.cli"]
HOUR = 3600


def attempt(number=1, outcome="completed", model="gpt-4.1", provider="holysheep", cost=0.01):
    usage = Usage(100, 50)
    return Attempt(
        number,
        provider,
        model,
        "request",
        0.0,
        2.0,
        0.5,
        200,
        None,
        outcome,
        200,
        usage,
        cost,
    )


def record(call_id, ago, *attempts, outcome="completed", resumes=0, saved=0, tags=(), first=0.5):
    usage = sum((each.usage for each in attempts), Usage())
    return CallRecord(
        call_id,
        time.time() - ago,
        2.5,
        "gpt-4.1",
        attempts[-1].model,
        attempts[-1].provider,
        outcome,
        first,
        200,
        saved,
        usage,
        total_cost(attempts),
        resumes,
        (),
        0.25,
        attempts,
        tags,
    )


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "calls.db"
    log = EventLog(path)
    for number in range(10):
        log.call_ended(record(f"plain-{number}", number * HOUR, attempt(), tags=("a",)), "")
    cut = attempt(1, "StreamCutError")
    log.call_ended(record("cut", HOUR, cut, attempt(2), resumes=1, saved=120, first=3.0), "")
    log.call_ended(record("bad", HOUR, attempt(1, "ServerError"), outcome="ServerError"), "")
    odd = attempt(model="<odd> & co", provider="other", cost=None)
    log.call_ended(record("odd", HOUR, odd, outcome="closed"), "")
    log.call_ended(record("old", 48 * HOUR, attempt()), "")
    log.happened(events.ModelDowngraded("", 0.0, "gpt-4.1", "gemini-2.5-flash", "RateLimitError"))
    log.happened(events.ActiveProviderChanged("", 0.0, "other", "switched to"))
    log.happened(events.ProviderHealthChanged("", 0.0, "holysheep", False, "status 503"))
    log.happened(events.RouteCooled("", 0.0, "holysheep-1/gpt-4.1", 60.0))
    log.happened(events.RouteCooled("", 0.0, "well-again/m", 60.0))
    log.happened(events.RouteCooled("", 0.1, "well-again/m", None))
    log.happened(events.RequestSent("", 0.0, 1, "holysheep", "gpt-4.1", "request"))
    log.close()
    return path


def made(path, span=24 * HOUR, against="claude-sonnet-4.5"):
    return figures.report(path, span, against=against, catalog=Catalog())


def test_the_figures_are_those_of_the_calls_in_the_span(path):
    found = made(path)
    calls = found.calls
    assert (calls.count, calls.failed, calls.resumed) == (13, 1, 1)
    assert calls.availability == pytest.approx(12 / 13)
    assert (found.resumes, found.saved_characters) == (1, 120)
    assert found.waited == pytest.approx(13 * 0.25)
    assert calls.cost == pytest.approx(0.13)
    assert calls.unpriced == 1
    assert found.errors == {"ServerError": 1}
    assert found.troubles == {"ServerError": 1, "StreamCutError": 1}
    assert found.downgrades == {"gpt-4.1 → gemini-2.5-flash": 1}
    assert [(each.name, each.count) for each in found.models] == [
        ("gpt-4.1", 13),
        ("<odd> & co", 1),
    ]
    assert [(each.name, each.count) for each in found.tags] == [("a", 10)]
    assert len(found.notes) == 2
    assert made(path, 49 * HOUR).calls.count == 14


def test_a_saving_is_reckoned_for_what_has_a_price(path):
    priced = Usage(100, 50)
    theirs = Catalog().card("claude-sonnet-4.5").cost(priced) * 13
    assert made(path).saving == pytest.approx(theirs - 0.13)
    assert made(path, against="unheard-of").saving is None


@pytest.mark.parametrize("saving", [-0.00001, -0.0, 0.0, 0.00001])
def test_a_saving_of_next_to_nothing_has_no_sign(path, saving):
    found = made(path)
    found.saving = saving
    (word,) = [word for name, _, word in figures.facts(found) if name == "cost"]
    assert word.endswith("US$ 0.0000")


def test_what_was_mended_is_counted(path, tmp_path):
    titles = [title for title, _ in figures.lists(made(path))]
    assert "requests that failed (1 of 2 mended)" in titles
    assert "Requests that failed (1 of 2 mended)" in page(made(path))
    log = EventLog(tmp_path / "more.db")
    cut, ill = attempt(1, "StreamCutError"), attempt(2, "ServerError")
    log.call_ended(record("well", HOUR, ill, cut, attempt(3)), "")
    log.call_ended(record("left", HOUR, cut, attempt(2, "closed"), outcome="closed"), "")
    log.call_ended(record("bad", HOUR, cut, ill, outcome="ServerError"), "")
    late = msgspec.structs.replace(ill, started=2 * HOUR)  # its call began before the span
    log.call_ended(record("long", 25 * HOUR, late, outcome="ServerError"), "")
    log.close()
    found = made(tmp_path / "more.db")
    assert (found.troubles.total(), found.mended) == (6, 2)


def test_hours_add_up_to_the_whole(path):
    found = made(path)
    assert found.step == HOUR
    assert 24 <= len(found.steps) <= 25
    assert sum(step.count for step in found.steps) == found.calls.count
    assert made(path, 30 * 60).step == 60
    assert made(path, 30 * 24 * HOUR).step == 24 * HOUR


@pytest.mark.parametrize(("share", "value"), [(0.5, 51), (0.95, 96), (0.99, 100), (0, 1), (1, 100)])
def test_a_percentile_is_one_of_the_values(share, value):
    assert figures.percentile(list(range(100, 0, -1)), share) == value
    assert figures.percentile([7], share) == 7
    assert figures.percentile([], share) is None


@pytest.mark.parametrize(("text", "seconds"), [("30m", 1800), ("24h", 86400), ("1.5d", 129600)])
def test_a_span_is_read(text, seconds):
    assert figures.seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["", "24", "h", "-1h", "0h", "1w", "24h ago"])
def test_a_span_without_a_meaning_is_refused(text):
    with pytest.raises(ConfigurationError, match="24h"):
        figures.seconds_of(text)


@pytest.mark.parametrize("what", ["nothing", "text"])
def test_what_is_no_log_is_refused(tmp_path, what):
    path = tmp_path / "x.db"
    if what == "text":
        path.write_text("hello " * 200, encoding="utf-8")
    with pytest.raises(ConfigurationError, match="no event log"):
        made(path)


def test_a_folder_is_said_to_be_one(tmp_path):
    with pytest.raises(ConfigurationError, match="is a folder; name the file") as caught:
        made(tmp_path)
    assert tmp_path.name + "'" not in str(caught.value), "nobody is to give a folder to a model"


def test_bars_are_as_tall_as_their_values():
    assert bars([0, 1, 4, 8]) == " ▁▄█"
    assert bars([0, 0]) == "  "
    assert bars([]) == ""


def run(*arguments):
    env = {**os.environ, "NO_COLOR": "1", "COLUMNS": "130"}
    command = [*HOLYSHEEP, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, env=env, check=False)


def test_the_command_prints_a_report_and_writes_a_page(path, tmp_path):
    html = tmp_path / "report.html"
    done = run("report", "--log", path, "--since", "24h", "--html", html)
    assert done.returncode == 0, done.stderr
    for part in ("92.308 %", "1 of 13 failed", "gpt-4.1", "ServerError 1", "gemini-2.5-flash 1"):
        assert part in done.stdout
    assert "+ 1 unknown" in done.stdout
    assert html.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_the_command_says_what_is_wrong(tmp_path):
    assert "there is no event log" in run("report", "--log", tmp_path / "no.db").stderr
    assert "no span of time" in run("report", "--since", "soon").stderr


def test_names_are_printed_as_they_are_whatever_is_in_them(tmp_path):
    log, path, name = EventLog(tmp_path / "[x].db"), tmp_path / "[x].db", "ft:[odd]:100:m"
    odd = attempt(model=name, outcome="ServerError[/]")
    log.call_ended(record("odd", HOUR, odd, outcome="ServerError[/]", tags=("[tag]",)), "")
    log.happened(events.ModelDowngraded("", 0.0, name, "[b]", "RateLimitError"))
    log.happened(events.ActiveProviderChanged("", 0.0, "[other]", "switched to"))
    log.close()
    done = run("report", "--log", path, "--html", tmp_path / "[y].html")
    assert done.returncode == 0, done.stderr
    for part in (f"\n{name} ", "\n[tag] ", f"{name} → [b] 1", "ServerError[/] 1", "[other]"):
        assert part in done.stdout
    assert "[y].html" in done.stdout.replace("\n", "")


@pytest.mark.parametrize("columns", [130, 80, 50])
def test_names_and_figures_are_folded_where_there_is_no_room(tmp_path, columns):
    path, name = tmp_path / "calls.db", "claude-sonnet-4.5-of-a-long-name-2026-01-01"
    log = EventLog(path)
    log.call_ended(
        record("a", HOUR, attempt(model=name, provider="name" * 9), tags=("tag" * 9,)), ""
    )
    log.close()
    console = Console(file=io.StringIO(), width=columns)
    show(made(path), console)
    said = console.file.getvalue()
    assert "…" not in said
    first = "".join(line.split(" ")[0] for line in said.splitlines())
    for each in (name, "name" * 9, "tag" * 9):
        assert each in first


def test_an_empty_log_is_said_to_be_empty(tmp_path):
    EventLog(tmp_path / "new.db")
    assert "Nothing was logged" in run("report", "--log", tmp_path / "new.db").stdout


# -- the page, in a browser ---------------------------------------------------------------------

BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
    "--virtual-time-budget=3000",
]
MEASURE = """<iframe id="page" width="{width}" height="900" srcdoc="{page}"></iframe><script>
document.getElementById("page").onload = (event) => {{
  const page = event.target.contentDocument, root = page.documentElement;
  const seen = (name) => getComputedStyle(page.body).getPropertyValue(name);
  document.title = JSON.stringify({{
    wide: root.scrollWidth, bars: page.querySelectorAll("rect").length,
    tables: page.querySelectorAll("table").length, odd: page.querySelectorAll("odd").length,
    paper: seen("background-color"), ink: seen("color"),
    outside: page.querySelectorAll("script, link, img, iframe").length,
    lines: [...page.querySelectorAll(".fact")].map((each) => each.offsetTop),
  }});
}};</script>"""


@pytest.fixture
def browse(path, tmp_path):
    if BROWSER is None:
        pytest.fail("a browser is needed: apt-get install chromium")

    def browse(width, *flags):
        wrapper = tmp_path / "wrapper.html"
        inside = escape(page(made(path)), quote=True)
        wrapper.write_text(MEASURE.format(width=width, page=inside), encoding="utf-8")
        home = tmp_path / f"home-{width}-{len(flags)}"
        command = [BROWSER, *FLAGS, *flags, f"--user-data-dir={home}", "--dump-dom"]
        done = subprocess.run(
            [*command, wrapper.as_uri()], capture_output=True, text=True, timeout=50, check=True
        )
        title = done.stdout.split("<title>")[1].split("</title>")[0]
        return json.loads(title.replace("&quot;", '"'))

    return browse


def test_a_browser_shows_the_whole_page_without_asking_anyone(browse):
    seen = browse(1100)
    assert seen["bars"] >= 20
    assert seen["tables"] >= 4
    assert seen["outside"] == 0, "the page holds all it needs"
    assert seen["odd"] == 0, "names are text, whatever is in them"


def test_it_can_be_read_on_a_phone(browse):
    seen = browse(390)
    assert seen["wide"] <= 390, "nothing to scroll sideways for, but tables in their frames"
    assert len(set(seen["lines"])) == 4, "two figures side by side"


def test_it_is_dark_where_the_reader_likes_that(browse):
    light, dark = browse(800), browse(800, "--blink-settings=preferredColorScheme=0")
    assert light["paper"] != dark["paper"]
    assert light["ink"] != dark["ink"]


# -- live ---------------------------------------------------------------------------------------


def test_the_live_view_knows_how_things_stand(path):
    with figures.reading(path) as database:
        found = watch.look(database, time.time())
    assert (found.requests, found.active, found.down) == (1, "other", {"holysheep"})
    assert list(found.cooling) == ["holysheep-1/gpt-4.1"]
    assert 50 < found.cooling["holysheep-1/gpt-4.1"] <= 60
    assert found.tokens == 150 * 14
    assert found.unpriced == 1


def test_a_look_shows_the_tiers_limits(path):
    done = run("watch", "--log", path, "--tier", "starter", "--once")
    assert done.returncode == 0, done.stderr
    for part in ("1 of 200", "2,100 of 1,000,000", "left alone", "asked first: other"):
        assert part in done.stdout


def test_it_goes_on_until_it_is_stopped(path):
    env = {**os.environ, "NO_COLOR": "1", "COLUMNS": "100"}
    command = [*HOLYSHEEP, "watch", "--log", str(path), "--every", "0.1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env) as process:
        time.sleep(2.5)
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=20)
    assert process.returncode == 0
    assert "holysheep watch" in said
