"""The playground is used as a reader does it: by mouse, finger and keyboard.

In headless Chromium, opened as a file and served.

`FIGURE_SCREENSHOTS=FOLDER` keeps pictures of its parts, to be looked at.
"""

import json
import os
import re
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from book.chapters import ROOT
from course.mistakes import switches
from gpt2 import load
from gpt2.decoding import Decoding
from tests.quick import some

MODEL = ROOT / "models" / "shakespeare"
PARTS = "write", "look", "break", "quiz", "guess", "own"
DATA = json.loads(
    re.search(
        r'<script type="application/json">(.*)</script>',
        (ROOT / "book" / "drawn" / "mistakes.html").read_text(),
    )[1]
)


class Playground:
    """The page, and what is on it."""

    def __init__(self, page):
        self.page = page

    def part(self, name):
        part = self.page.locator(f'figure[data-part="{name}"]')
        part.scroll_into_view_if_needed()
        return part

    def button(self, part, name):
        return self.part(part).get_by_role("button", name=name, exact=True)

    def write(self, part="write"):
        self.page.evaluate("globalThis.before = here.texts")
        self.button(part, "Write").click()
        self.until("here.texts !== before && here.texts.length && !here.writing")

    def written(self):
        """Waits until what is being written is there."""
        self.until("here.texts.length && !here.writing")

    def until(self, condition):
        """Waits for something of the page's state."""
        self.page.wait_for_function(condition, timeout=60_000)

    def state(self, expression):
        return self.page.evaluate(f"here.{expression}")

    def text(self, side=0):
        return self.page.evaluate(f"here.texts[{side}].ids.map(spelled).join('')")

    def fill(self, label, value):
        box = self.part("write").get_by_label(label, exact=True)
        box.fill(str(value))
        box.dispatch_event("change")

    def keep_pictures(self, name):
        folder = os.environ.get("FIGURE_SCREENSHOTS")
        for part in PARTS if folder else ():
            self.part(part)
            self.page.wait_for_timeout(1000)
            path = Path(folder) / f"playground-{part}-{name}.png"
            self.part(part).screenshot(path=path)


@pytest.fixture
def visit(open_page):
    """A function that opens the page, as a file if no site is given."""

    def open_playground(end="", **options):
        options |= {"allowed": ("blob:",)}  # the worker's script
        return Playground(open_page(f"playground.html{end}", **options))

    return open_playground


@pytest.fixture(scope="module")
def model(eager):
    return load(MODEL)


# --- Write -------------------------------------------------------------------------


def test_it_writes_what_generate_writes_and_a_link_shows_the_same(visit, model):
    """Opened as a file."""
    page = visit()
    assert page.state("opened") is None, "the model comes when it is needed"
    page.fill("Prompt", "JULIET:\nO Romeo")
    page.fill("Seed", 12)
    page.write()
    found = model.generate(
        "JULIET:\nO Romeo",
        Decoding(temperature=0.8, top_k=40),
        seed=12,
        max_new_tokens=60,
    )
    assert page.state("texts[0].ids.slice(here.texts[0].given)") == found.ids
    other = visit(page.page.evaluate("location.hash"))
    other.written()
    assert other.text() == page.text()


@pytest.mark.slow
def test_another_token_is_taken_and_the_text_goes_on_from_there(visit):
    page = visit()
    page.write()
    before = page.text()
    tokens = page.part("write").locator(".tokens button")
    place = page.state("texts[0].given") + 3
    tokens.nth(place).click()
    row = page.part("write").locator("tbody tr:not(.it) button").first
    taken = row.inner_text().replace("·", " ")
    row.click()
    page.written()
    after = page.text()
    assert after != before and page.state("taken").__len__() == 1
    start = page.page.evaluate(
        f"here.texts[0].ids.slice(0, {place}).map(spelled).join('')"
    )
    assert after.startswith(start + taken) and before.startswith(start)
    link = visit(page.page.evaluate("location.hash"))
    link.written()
    assert link.text() == after
    page.button("write", "Go back").click()
    page.written()
    assert page.text() == before


@pytest.mark.slow
def test_what_could_have_stood_there_is_what_gpt2_decoding_says(visit, model):
    from gpt2.decoding import softmax

    page = visit("#prompt=ROMEO%3A&temperature=0.7&top_k=5&seed=3&length=8")
    page.written()
    place = page.state("texts[0].given") + 2
    page.part("write").locator(".tokens button").nth(place).click()
    rows = page.part("write").locator("tbody tr")
    rows.first.wait_for()
    ids = page.state(f"texts[0].ids.slice(0, {place})")
    logits, _ = model.engine.prefill([ids])
    own, left = (
        softmax(logits[0]),
        softmax(Decoding(0.7, top_k=5).filter(logits[0], ids)),
    )
    best = int(own.argmax())
    shown = rows.first.inner_text().split()
    assert (
        shown[-3] == f"{100 * own[best]:.1f}%"
        and shown[-1] == f"{100 * left[best]:.1f}%"
    )
    assert "5 of 512 tokens can be drawn" in page.part("write").inner_text()
    assert rows.filter(has_text="cut").count() == rows.count() - 5


@pytest.mark.slow
def test_stop_one_token_and_go_on(visit):
    page = visit()
    page.button("write", "One token").click()
    page.written()
    given = page.state("texts[0].given")
    assert page.state("texts[0].ids.length") == given + 1
    page.button("write", "One token").click()
    page.until(f"here.texts[0].ids.length === {given + 2} && !here.writing")
    page.button("write", "Go on").click()
    page.until("!here.writing && here.texts[0].notes.length === 62")
    # All of it is what is written at once.
    at_once = visit("#prompt=ROMEO%3A&length=62")
    at_once.written()
    assert at_once.text() == page.text()
    link = visit(page.page.evaluate("location.hash"))
    link.written()
    assert link.text() == page.text()
    page.page.evaluate("does.length(300)")
    page.button("write", "Write").click()
    page.until("here.writing && here.texts[0].notes.length > 3")
    page.button("write", "Stop").click()
    page.until("!here.writing")
    assert page.state("texts[0].notes.length") < 300


@pytest.mark.slow
def test_a_bad_address_is_read_as_far_as_it_is_good(visit):
    page = visit(
        "#temperature=&seed=x&top_k=2.7&top_p=7&broken=nonsense,relu&took=0.0.99999&length=5"
    )
    page.written()
    assert page.state("settings") == {
        "temperature": 0.8, "top_k": 40, "top_p": 1, "min_p": 0, "seed": 1,
    }  # fmt: skip
    assert page.state("broken") == ["relu"] and page.state("texts[1].notes.length") == 5


@pytest.mark.slow
def test_settings_count_from_the_next_text_on(visit):
    page = visit()
    page.write()
    before, address = page.text(), page.page.url
    page.fill("Seed", 9)
    page.part("write").get_by_text("count from the next Write on").wait_for()
    assert page.page.url == address
    page.button("write", "Go on").click()
    page.until("here.texts[0].notes.length === 120 && !here.writing")
    assert page.text().startswith(before) and "seed=1&" in page.page.url
    page.write()
    assert "seed=9&" in page.page.url and not page.text().startswith(before)


@pytest.mark.slow
def test_what_is_used_stays_where_it_is(visit):
    """Although what is above it grows when the first text is there."""
    page = visit()
    part = page.part("break")
    part.locator("summary").nth(5).click()
    page.page.wait_for_timeout(200)
    before = part.bounding_box()["y"]
    part.locator('input[data-value="not-scaled"]').click()
    page.until("here.texts.length === 2 && !here.writing")
    part.get_by_text("bits per token, against").wait_for()
    page.page.wait_for_timeout(1000)
    assert part.bounding_box()["y"] == pytest.approx(before, abs=3)


@pytest.mark.slow
def test_a_token_outside_the_context_is_said_to_be_so(visit):
    page = visit("#length=1")
    page.page.evaluate("does.prompt('To be, or not to be, that is it. '.repeat(40))")
    page.write()
    page.page.evaluate("does.choose('0 3'); show()")
    page.part("look").get_by_text("this one no more").wait_for()


# --- Every control -----------------------------------------------------------------

LOOKS = list(product((360, 1280), ("light", "navy")))


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.slow
def test_every_control_is_operated(visit, look):
    """With keyboard and mouse, or keyboard and finger; and nothing is too wide."""
    width, theme = look
    page = visit("#prompt=ROMEO%3A&length=20&broken=no-mask", width=width, theme=theme)
    page.written()
    seen = "JSON.stringify([here, document.querySelector('main').innerText])"
    for part in PARTS:
        figure = page.part(part)
        controls = figure.locator(".controls :is(input, select, textarea, button)")
        for index in range(controls.count()):
            control = controls.nth(index)
            name = control.evaluate("e => (e.labels?.[0] ?? e).textContent")
            kind = control.evaluate("e => e.type")
            disabled = control.get_attribute("aria-disabled") == "true"
            if disabled or name == "Stop" or kind == "file":  # tests of their own
                continue
            page.page.evaluate(f"globalThis.before = {seen}")
            if kind == "button":
                control.tap() if width < 500 else control.click()
            else:
                control.focus()
                keys = {"range": ["ArrowRight", "ArrowLeft", "ArrowLeft"]}
                keys |= {"select-one": ["ArrowDown"], "number": ["ArrowUp", "Enter"]}
                for key in keys.get(kind, ["x"]):
                    page.page.keyboard.press(key)
                    if page.page.evaluate(f"{seen} !== before"):
                        break
            if name != "Write":  # which may write the same again
                page.until(f"{seen} !== before")
            page.until("!here.writing")
        assert page.page.evaluate("document.documentElement.scrollWidth") <= width
    page.keep_pictures(f"{width}-{theme}")


@pytest.mark.slow
def test_the_keyboard_alone_chooses_and_takes_a_token(visit):
    page = visit("#prompt=ROMEO%3A&length=10")
    page.written()
    page.part("write").locator(".tokens button[tabindex='0']").focus()
    for _ in range(page.state("texts[0].given") + 1):
        page.page.keyboard.press("ArrowRight")
    place = page.state("chosen.place")
    assert place == page.state("texts[0].given") + 1
    page.part("write").locator("tbody tr").first.wait_for()
    for key in ("Tab", "Tab", "Tab", "Enter"):  # the buttons to its neighbors first
        page.page.keyboard.press(key)
    page.until("here.taken.length === 1 && !here.writing")
    assert page.page.url.split("#")[0].endswith("playground.html"), "no page was turned"


@pytest.mark.slow
def test_a_finger_chooses_a_token(visit):
    page = visit("#prompt=ROMEO%3A&length=10", width=360)
    page.written()
    page.part("write").locator(".tokens button").nth(8).tap()
    assert page.state("chosen") == {"side": 0, "place": 8}


@pytest.mark.slow
def test_every_input_has_a_name_and_nothing_moves(visit):
    page = visit("#prompt=ROMEO%3A&length=10&broken=relu", reduced_motion="reduce")
    page.written()
    page.page.wait_for_timeout(1500)
    nameless = page.page.evaluate(
        """[...document.querySelectorAll(
                "figure[data-part] :is(input, select, textarea)"
            )].filter(e => !e.labels.length).map(e => e.outerHTML)"""
    )
    assert nameless == []
    empty = page.page.evaluate(
        """[...document.querySelectorAll("figure[data-part] button")]
            .filter(e => !(e.ariaLabel ?? e.textContent)).map(e => e.outerHTML)"""
    )
    assert empty == []
    assert page.page.evaluate("document.getAnimations().length") == 0


@pytest.mark.parametrize("theme", ["light", "rust", "coal", "navy", "ayu"])
@pytest.mark.slow
def test_it_follows_every_theme(visit, theme):
    page = visit("#prompt=ROMEO%3A&length=5", theme=theme)
    page.written()
    colours = page.part("write").evaluate(
        """figure => [figure.querySelector(".tokens button"), figure.querySelector(
            ".controls button"), document.body].map(e => getComputedStyle(e).color)"""
    )
    assert len(set(colours)) == 1


def test_without_javascript_it_says_what_would_be_here_with_a_picture(visit):
    page = visit(java_script_enabled=False)
    said = page.page.locator("main noscript")
    assert said.is_visible() and "Without JavaScript" in said.inner_text()
    assert page.page.locator("#figure-mistakes svg").is_visible()
    count = str(len(switches.SWITCHES))
    assert count in said.inner_text()


@pytest.mark.slow
def test_weights_that_are_missing_are_said_and_tried_again(visit, browser, built):
    context = browser.new_context()
    page = context.new_page()
    page.route("**/weights/part-3.js", lambda route: route.abort())
    page.goto(f"{built.as_uri()}/playground.html")
    write = page.locator('figure[data-part="write"]')
    write.get_by_role("button", name="Write", exact=True).click()
    trouble = write.get_by_role("alert")
    trouble.wait_for()
    assert "part-3.js is missing" in trouble.inner_text()
    page.unroute("**/weights/part-3.js")
    write.get_by_role("button", name="Write", exact=True).click()
    page.wait_for_function("here.texts.length && !here.writing")
    assert trouble.count() == 0
    context.close()


# --- Look inside -------------------------------------------------------------------


@pytest.mark.slow
def test_attention_and_what_each_part_says_are_the_solutions(visit, site, eager):
    """Served, this time."""
    from book.data.model import run

    page = visit("#prompt=ROMEO%3A&length=20&seed=2", site=site)
    page.written()
    ids = page.state("texts[0].ids")
    page.part("look").get_by_label("Layer", exact=True).fill("2")
    page.part("look").get_by_label("Head", exact=True).fill("4")
    page.page.evaluate("does.choose('0 15'); show()")
    page.until("found('inside', insideNeed())")
    inside = page.page.evaluate("found('inside', insideNeed())")
    seen = run("shakespeare", ids)
    q, k, _ = seen.heads(2)
    scores = q[4, 15] @ k[4, :16].T / np.sqrt(q.shape[-1])
    weights = np.exp(scores - scores.max())
    weights /= weights.sum()
    assert np.allclose(inside["rows"][4][:16], weights, atol=1e-4)
    logits = seen.outputs[""][15]
    shares = np.exp(logits - logits.max())
    shares /= shares.sum()
    last = inside["lens"][-1]
    assert last["name"] == "h.3.mlp" and abs(last["share"] - shares[ids[16]]) < 1e-4
    assert last["best"][0][0] == shares.argmax()
    assert len(inside["lens"]) == 9
    page.part("look").locator("tbody tr").nth(8).wait_for()
    assert "block 3, MLP" in page.part("look").inner_text()


@pytest.mark.slow
def test_surprise_is_the_models_in_bits(visit, model):
    page = visit("#prompt=ROMEO%3A&length=20&seed=2")
    page.written()
    page.part("look").get_by_label("Shade").select_option("surprise")
    page.until("found('surprises', surprisesNeed())")
    found = page.page.evaluate(
        "found('surprises', surprisesNeed()).map(one => one.bits)"
    )
    chosen = Decoding(temperature=0.8, top_k=40)
    text = model.generate_batch(
        ["ROMEO:"], chosen, seed=2, max_new_tokens=20, logprobs=True
    )[0]
    expected = -np.array(text.logprobs) / np.log(2)
    assert np.allclose(found[-20:], expected, atol=1e-2)


# --- Break it ----------------------------------------------------------------------


@pytest.mark.parametrize("name", some(switches.SWITCHES, "no-mask".__eq__))
def test_a_switch_writes_beside_the_right_model_and_costs_what_max_says(visit, name):
    page = visit("#prompt=ROMEO%3A&length=12")
    page.written()
    right = page.text()
    switch = page.part("break").locator(f'input[data-value="{name}"]')
    switch.evaluate("e => e.closest('details').open = true")
    switch.click()
    page.until("here.texts.length === 2 && !here.writing")
    assert page.text() == right
    page.until("Object.entries(costNeeds()).every(([name, need]) => found(name, need))")
    cost = page.page.evaluate("found('cost 1', costNeeds()['cost 1'])")
    (expected,) = [one["bits"] for one in DATA["switches"] if one["name"] == name]
    assert cost == pytest.approx(expected, abs=2e-3)
    shown = page.part("break").inner_text()
    assert switches.mistake(name).what in shown and switches.mistake(name).why in shown
    step, _ = switches.SWITCHES[name]
    assert (
        page.part("break")
        .get_by_role("link", name=f"step\N{NO-BREAK SPACE}{step:02d}")
        .count()
    )
    page.button("break", "All off").click()
    page.until("here.texts.length === 1 && !here.writing")


@pytest.mark.slow
def test_several_mistakes_at_once(visit):
    page = visit("#broken=relu,no-positions,no-temperature&length=10")
    page.written()
    assert page.state("broken") == ["relu", "no-positions", "no-temperature"]
    assert page.part("break").locator("input:checked").count() == 3


@pytest.mark.slow
def test_of_one_line_only_one_mistake_is_made(visit):
    page = visit("#broken=relu,no-mask,exact-gelu&length=5")
    page.written()
    assert page.state("broken") == ["no-mask", "exact-gelu"]
    page.part("break").locator('input[data-value="no-activation"]').click()
    page.until("!here.writing && here.broken.includes('no-activation')")
    assert page.state("broken") == ["no-mask", "no-activation"]
    names = {name for line in page.page.evaluate("SAME_LINE") for name in line}
    assert names <= switches.SWITCHES.keys()


# --- Which one is it? --------------------------------------------------------------


@pytest.mark.parametrize("level", range(3))
@pytest.mark.slow
def test_a_mistake_is_made_in_secret_and_explained(visit, level):
    page = visit("#length=8")
    page.written()
    begin = page.part("quiz").locator(".buttons-in-a-row button")
    begin.nth(level).click()
    page.until("here.texts.length === 2 && !here.writing")
    answer = page.state("quiz.answer")
    assert answer not in page.page.url
    page.part("break").get_by_text("the switches are hidden").wait_for()
    assert page.part("break").locator("input").count() == 0
    options = page.part("quiz").locator(".options button")
    assert options.count() == [4, 10, options.count()][level] >= 4
    what = switches.mistake(answer).what
    right = page.part("quiz").locator(f'.options button[data-value="{answer}"]')
    if level == 1:
        wrong = page.part("quiz").locator(
            f'.options button:not([data-value="{answer}"])'
        )
        wrong.first.click()
        page.part("quiz").get_by_text("No, it is not").wait_for()
    else:
        right.click()
        page.part("quiz").get_by_text("Right. It is").wait_for()
    assert what in page.part("quiz").inner_text()
    page.button("quiz", "Enough").click()
    page.until("here.quiz === null && here.texts.length === 1 && !here.writing")
    page.part("break").locator("summary").first.wait_for()
    assert page.part("break").locator("input").count() == len(switches.SWITCHES)


# --- Beat the model ----------------------------------------------------------------


@pytest.mark.slow
def test_a_reader_plays_against_the_model(visit):
    page = visit()
    page.button("guess", "Begin").click()
    for number in range(10):
        page.until(f"here.guess?.round === {number} && here.guess.waits === false")
        page.part("guess").get_by_text(f"Token {number + 1} of 10").wait_for()
        assert sum(page.state("guess.shares")) == pytest.approx(1, abs=1e-5)
        right = page.page.evaluate(
            "here.guess.options.indexOf(here.guess.ids[here.guess.at])"
        )
        row = page.part("guess").locator("tbody tr").nth(right)
        row.get_by_role("button").first.click()  # sure, and right
    page.until("here.guess.round === 10")
    said = page.part("guess").inner_text()
    assert "You: 1.5 bits" in said, "ten times 0.152"
    assert "You have beaten the model" in said or "The model has won" in said


# --- Own weights -------------------------------------------------------------------


def folder_of(path, dtype, prefix="transformer.", **config):
    """models/shakespeare, stored in another way."""
    path.mkdir()
    weights = load_file(MODEL / "model.safetensors")
    kinds = {"float32": np.float32, "float16": np.float16}
    named = {
        name.replace("transformer.", prefix): weight.astype(kinds[dtype])
        for name, weight in weights.items()
    }
    save_file(named, path / "model.safetensors")
    sizes = json.loads((MODEL / "config.json").read_text())
    (path / "config.json").write_text(json.dumps({**sizes, **config}))
    (path / "tokenizer.json").write_bytes((MODEL / "tokenizer.json").read_bytes())
    return path


def choose(page, folder):
    page.part("own").get_by_label("A folder").set_input_files(folder)


@pytest.mark.slow
def test_a_folder_of_ones_own_is_opened_and_written_with(visit, tmp_path):
    page = visit()
    page.write()
    before = page.text()
    choose(page, folder_of(tmp_path / "mine", "float32", prefix=""))
    page.until("here.opened?.name === 'mine'")
    assert "Open is mine: 4 layers, 6 heads" in page.part("own").inner_text()
    page.write()
    assert page.text() == before
    page.button("own", "Back to Shakespeare").click()
    page.until("here.opened?.name === 'models/shakespeare'")
    page.write()
    assert page.text() == before


@pytest.mark.slow
def test_another_model_is_refused_in_a_line_and_the_old_one_stays(visit, tmp_path):
    page = visit()
    page.write()
    before = page.text()
    choose(page, folder_of(tmp_path / "llama", "float16", model_type="llama"))
    trouble = page.part("own").get_by_role("alert")
    trouble.wait_for()
    assert (
        "model_type llama" in trouble.inner_text() and "\n" not in trouble.inner_text()
    )
    page.write()
    assert page.text() == before
