"""Every figure is operated as a reader does it, by mouse and by keyboard.

In headless Chromium, in a light theme and a dark one, on a phone's width and a desk's.
`FIGURE_SCREENSHOTS=FOLDER` keeps a picture of each, to be looked at.
"""

import os
import re
from itertools import cycle, product
from pathlib import Path

import pytest

from book import drawing
from book.chapters import CHAPTERS
from tests.quick import every, some

WIDTHS = 360, 1280
THEMES = "light", "navy"

# Every figure, and a chapter that has it.
PLACES = {
    name: chapter
    for chapter, file in CHAPTERS.items()
    for name in re.findall(r"\{\{#include \.\./drawn/([\w-]+)\.html", file.read_text())
}


class Visit:
    """A figure on an open page."""

    def __init__(self, page, name):
        self.page = page
        self.figure = page.locator(f"#figure-{name}")
        self.figure.scroll_into_view_if_needed()

    @property
    def picture(self) -> str:
        return self.figure.locator(".picture").inner_html()

    @property
    def words(self) -> str:
        return self.figure.locator(".words").inner_text()

    @property
    def seen(self) -> tuple[str, str]:
        return self.picture, self.words


@pytest.fixture
def visit(open_page, site):
    """A function that opens a figure."""

    def open_figure(name, **options):
        return Visit(open_page(f"{PLACES[name]}.html", site=site, **options), name)

    return open_figure


def operate_by_keyboard(visit):
    """Goes to each input, uses it as its kind is used, and sees the effect.

    Returns:
        The label of each input that changed nothing.
    """
    inputs = visit.figure.locator(
        ".controls :is(input, select, button):not([aria-disabled=true])"
    )
    idle = []
    for index in range(inputs.count()):
        control = inputs.nth(index)
        control.focus()
        kind = control.evaluate("e => e.type || e.localName")
        before = visit.seen
        presses = {
            "range": ["ArrowRight", "ArrowLeft", "ArrowLeft", "End"],
            "checkbox": ["Space"],
            "select-one": ["ArrowDown", "ArrowUp"],
            "button": ["Enter"],
            "text": ["x"],
        }[kind]
        for key in presses:
            visit.page.keyboard.press(key)
            if visit.seen != before:
                break
        else:
            idle.append(control.evaluate("e => (e.labels?.[0] ?? e).textContent"))
    return idle


def operate_by_mouse(visit):
    """Points, clicks and drags in the picture, and uses the inputs below it.

    Returns:
        What changed what is seen: "hover", "touch", "drag", "click", "slide".
    """
    effective = set()
    mouse = visit.page.mouse

    def note(kind, before):
        if visit.seen != before:
            effective.add(kind)

    for kind in ("hover", "touch", "drag"):
        targets = visit.figure.locator(f"svg [data-{kind}]")
        offered = targets.count()
        # From the middle on: the page's own bar may cover the first ones.
        for index in range(offered // 2, min(offered, offered // 2 + 3)):
            if index >= targets.count():  # a picture may lose some
                break
            before = visit.seen
            targets.nth(index).scroll_into_view_if_needed()
            box = targets.nth(index).bounding_box()
            x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
            mouse.move(x, y)
            if kind == "touch":
                mouse.click(x, y)
            elif kind == "drag":
                mouse.down()
                mouse.move(x + 15, y - 15, steps=3)
                mouse.up()
            note(kind, before)
        if offered:
            assert kind in effective, f"data-{kind} does nothing"
    for inputs in ("button:not([aria-disabled=true])", "input[type=checkbox]"):
        clickable = visit.figure.locator(f".controls {inputs}")
        if clickable.count():
            before = visit.seen
            clickable.first.click()
            note("click", before)
    sliders = visit.figure.locator(".controls input[type=range]")
    if sliders.count():
        before = visit.seen
        sliders.first.scroll_into_view_if_needed()
        box = sliders.first.bounding_box()
        for share in (0.1, 0.9):
            x = box["x"] + share * box["width"]
            mouse.click(x, box["y"] + box["height"] / 2)
            note("slide", before)
        assert "slide" in effective, "the slider does nothing"
    return effective


def save_screenshot(visit, name):
    folder = os.environ.get("FIGURE_SCREENSHOTS")
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
        visit.figure.screenshot(path=Path(folder) / f"{name}.png")


# Those that have a test of their own below.  The quick tests see each of the others
# once, on a width and in a theme that take turns.
OWN = """
    attention causal-mask gelu generation layer-norm next-token residual-stream schedule
    tokens
""".split()
TURNS = {
    (name, *look)
    for name, look in zip(
        [name for name in PLACES if name not in OWN],
        cycle(product(WIDTHS, THEMES)),
        strict=False,
    )
}


@pytest.mark.parametrize(
    "look",
    some(product(PLACES, WIDTHS, THEMES), TURNS.__contains__),
    ids=lambda look: "-".join(map(str, look)),
)
def test_a_figure_fits_its_page_and_is_operated_by_keyboard_and_mouse(visit, look):
    name, width, theme = look
    opened = visit(name, width=width, theme=theme)
    save_screenshot(opened, f"{name}-{width}-{theme}")
    box = opened.figure.bounding_box()
    assert box["x"] >= 0 and box["x"] + box["width"] <= width
    page_width = opened.page.evaluate("document.documentElement.scrollWidth")
    assert page_width <= width, "the page scrolls sideways"
    clipped = opened.figure.evaluate(
        """figure => {
            const box = figure.querySelector("svg").getBoundingClientRect();
            for (let around = figure; around; around = around.parentElement) {
                if (getComputedStyle(around).overflowX === "visible") continue;
                const room = around.getBoundingClientRect();
                if (box.left < room.left || box.right > room.right) {
                    return around.outerHTML.slice(0, 60);
                }
            }
        }"""
    )
    assert clipped is None, "an element around the picture cuts it off"
    outside = opened.figure.evaluate(
        """figure => [...figure.querySelectorAll("svg text")].filter(text => {
            const svg = text.ownerSVGElement.getBoundingClientRect();
            const box = text.getBoundingClientRect();
            return box.left < svg.left - 1 || box.right > svg.right + 1
                || box.top < svg.top - 4 || box.bottom > svg.bottom + 4;
        }).map(text => text.textContent)"""
    )
    assert outside == [], "text is cut off"
    idle = operate_by_keyboard(opened)
    assert set(idle) <= {"Start again"}, "these change nothing"
    opened.page.reload()
    assert operate_by_mouse(opened)
    save_screenshot(opened, f"{name}-{width}-{theme}-after")
    names = opened.figure.locator("svg").get_attribute("aria-label")
    assert len(names) > 20


@pytest.mark.parametrize("name", every(6, PLACES))
def test_a_figure_can_be_read_without_javascript(visit, name):
    opened = visit(name, java_script_enabled=False)
    assert opened.figure.locator("svg").is_visible()
    assert len(opened.words) > 20
    assert opened.figure.locator("input, select, button").count() == 0


@pytest.mark.parametrize("name", every(6, PLACES))
def test_nothing_moves_by_itself(visit, name):
    opened = visit(name, reduced_motion="reduce")
    before = opened.seen
    opened.page.wait_for_timeout(300)
    assert opened.seen == before


@pytest.mark.parametrize("theme", every(4, ["light", "rust", "coal", "navy", "ayu"]))
def test_a_figure_follows_every_theme(visit, theme):
    opened = visit("causal-mask", theme=theme)
    colours = opened.figure.evaluate(
        """figure => {
            const text = figure.querySelector("svg text:not([class])");
            return [getComputedStyle(text).fill, getComputedStyle(document.body).color];
        }"""
    )
    assert colours[0] == colours[1]
    luminance = opened.figure.evaluate(
        """figure => {
            const probe = document.createElement("canvas").getContext("2d");
            const light = (colour) => {
                probe.fillStyle = colour;
                probe.fillRect(0, 0, 1, 1);
                const parts = [...probe.getImageData(0, 0, 1, 1).data].slice(0, 3)
                    .map(part => part / 255)
                    .map(p => p <= 0.03928 ? p / 12.92 : ((p + 0.055) / 1.055) ** 2.4);
                return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
            };
            const page = getComputedStyle(document.documentElement);
            const style = getComputedStyle(figure);
            return [page.getPropertyValue("--bg"), style.getPropertyValue("--figure"),
                style.getPropertyValue("--other")].map(light);
        }"""
    )
    ground, *marks = luminance
    for mark in marks:
        lighter, darker = max(ground, mark), min(ground, mark)
        assert (lighter + 0.05) / (darker + 0.05) >= 3, "too little contrast"


# --- Figures -----------------------------------------------------------------------


def test_the_mask_is_taken_away_and_the_future_leaks(visit):
    opened = visit("causal-mask")
    assert "Nothing comes from the future" in opened.words
    opened.figure.get_by_label("Causal mask").uncheck()
    assert "should have to guess" in opened.words
    opened.figure.locator("svg [data-hover]").nth(7).hover()
    assert "query 7" in opened.words


def slide(opened, label, key, times=1):
    """Moves the slider of that label by keyboard."""
    opened.figure.get_by_label(label, exact=True).focus()
    for _ in range(times):
        opened.page.keyboard.press(key)


def test_the_next_token_has_the_solutions_logits_to_the_printed_digit(visit, eager):
    from book.data.model import run

    opened = visit("next-token")
    opened.figure.get_by_label("Begin with").select_option("jo")
    names = run("names", [26])
    tokenizer, boundary = names.checkpoint.tokenizer, names.checkpoint.boundary
    spelled = [tokenizer.id_to_token(i) for i in range(tokenizer.get_vocab_size())]
    ids = [boundary, *(spelled.index(letter) for letter in "jo")]
    logits = run("names", ids).outputs[""][-1]
    shown = opened.figure.locator("svg text").all_text_contents()
    for token, logit in enumerate(logits):
        name = "BOS" if token == boundary else spelled[token]
        at = [k for k, text in enumerate(shown) if text == name]
        written = f"{logit:+.2f}".replace("-", "\N{MINUS SIGN}")
        assert written in [shown[k + 1] for k in at], name


def test_the_next_token_is_cut_drawn_and_appended(visit):
    opened = visit("next-token")
    cut = opened.figure.get_by_text("cut: top-k")
    before = cut.count()
    slide(opened, "Top-k", "ArrowLeft")
    assert cut.count() == before + 1
    slide(opened, "Temperature", "Home")
    assert opened.figure.get_by_text("cut: greedy").count() == 26
    draw = opened.figure.get_by_role("button", name="Draw a token")
    draw.click()
    assert "which had 100.0%" in opened.words
    while draw.is_enabled():
        draw.click()
    assert "The name is complete" in opened.words or "are taken" in opened.words
    opened.figure.get_by_role("button", name="Start again").click()
    assert "After BOS m a" in opened.words


def test_an_activation_is_dragged_and_the_rest_follows(visit):
    opened = visit("layer-norm")
    opened.figure.get_by_role("button", name="All equal").click()
    assert "the variance is 0" in opened.words
    bar = opened.figure.locator("svg [data-drag]").first.bounding_box()
    x, y = bar["x"] + bar["width"] / 2, bar["y"] + bar["height"] / 2
    opened.page.mouse.move(x, y)
    opened.page.mouse.down()
    opened.page.mouse.move(x, y - 20, steps=4)
    opened.page.mouse.up()
    assert "the variance is 0" not in opened.words


def test_gelu_beside_relu(visit):
    opened = visit("gelu")
    slide(opened, "x", "End")
    assert "At x = 4.00" in opened.words and "ReLU 4.0000" in opened.words


def test_own_text_is_cut_as_the_tokenizer_cuts_it(visit):
    from gpt2.checkpoint import load_tokenizer

    text = "Na\u00efve caf\u00e9s don't wait \U0001f642"
    ids = load_tokenizer(drawing.ROOT / "models" / "shakespeare").encode(text).ids
    opened = visit("tokens")
    opened.figure.get_by_label("Type your own").fill(text)
    assert f"{len(ids)} tokens" in opened.words
    shown = opened.figure.locator("svg text").all_text_contents()
    assert {str(i) for i in ids} <= set(shown)


def test_the_four_states_of_attention(visit):
    opened = visit("attention")
    stage = opened.figure.get_by_label("Stage")
    seen = set()
    for number in range(stage.locator("option").count()):
        stage.select_option(index=number)
        seen.add(opened.words)
    assert len(seen) == 4
    before = opened.seen
    slide(opened, "Layer", "ArrowRight")
    slide(opened, "Head", "ArrowLeft")
    assert opened.seen != before and "Layer 1, head 1" in opened.words


def test_an_arrow_on_a_button_turns_no_page_and_the_last_step_keeps_the_focus(visit):
    opened = visit("generation")
    forward = opened.figure.get_by_role("button", name="Next")
    address = opened.page.url
    slide(opened, "Choice", "End")
    slide(opened, "Choice", "ArrowLeft")
    forward.focus()
    for key in ("Enter", "Enter", "ArrowRight", "ArrowLeft"):
        opened.page.keyboard.press(key)
    opened.page.wait_for_timeout(300)
    assert opened.page.url == address
    assert forward.evaluate("button => button === document.activeElement")
    assert not forward.is_enabled()


def test_a_generation_is_stepped_through_to_its_end(visit):
    opened = visit("generation")
    forward = opened.figure.get_by_role("button", name="Next")
    seen = {opened.words}
    while forward.is_enabled():
        forward.click()
        seen.add(opened.words)
    assert len(seen) > 5
    back = opened.figure.get_by_role("button", name="Previous")
    back.click()
    assert opened.words in seen and forward.is_enabled()


def test_a_schedule_is_stepped_through_in_each_of_its_ways(visit):
    opened = visit("schedule")
    served = opened.figure.get_by_label("Served")
    forward = opened.figure.get_by_role("button", name="Next")
    seen = set()
    for number in range(served.locator("option").count()):
        served.select_option(index=number)
        slide(opened, "Call", "End")
        assert not forward.is_enabled() and "ends here" in opened.words
        slide(opened, "Call", "Home")
        assert "Call 1 of" in opened.words and "Text 1 reads" in opened.words
        seen.add(opened.words)
    assert len(seen) == 4
    opened.figure.locator("svg [data-touch]").nth(3).click()
    assert "Call 4 of" in opened.words


def test_the_stream_of_every_token_at_every_place(visit):
    opened = visit("residual-stream")
    slide(opened, "After", "Home")
    assert "opens with wte" in opened.words
    first = opened.words
    slide(opened, "Token", "ArrowRight")
    assert opened.words != first


def test_the_drawn_pages_are_all_visited():
    assert set(PLACES) == set(drawing.NAMES)
