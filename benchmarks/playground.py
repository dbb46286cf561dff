"""What the book's playground takes in a browser: `./run playground`.

Chromium opens the built book as a file, as a reader does.  To slow the processor, all
of the browser's processes are stopped for most of each twentieth of a second, so that
page and worker are slowed alike; a browser's own throttling leaves workers as they are.
"""

if __name__ == "__main__":  # in front of imports that take their time
    from gpt2 import process

    process.begin()

import contextlib
import itertools
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import psutil
from rich.console import Console
from rich.table import Table

from benchmarks import machine
from gpt2.terminal import BadInput

BROWSERS = "chromium", "chromium-browser", "google-chrome"
PERIOD = 0.05  # seconds in which a slowed browser runs once
LONG = 100  # milliseconds: a longer task on the page's own thread is felt

WATCH = """
globalThis.longest = 0;
new PerformanceObserver((list) => {
  for (const { duration } of list.getEntries()) longest = Math.max(longest, duration);
}).observe({ type: "longtask", buffered: true });
"""


@contextlib.contextmanager
def slowed(factor: float) -> Iterator[None]:
    """The browser's processes run one `factor`-th of the time."""
    if factor <= 1:
        yield
        return
    family = psutil.Process().children(recursive=True)
    browser = [child for child in family if "chrom" in child.name()]
    over = threading.Event()

    def send(number: int) -> None:
        for child in browser:
            with contextlib.suppress(psutil.Error):
                child.send_signal(number)

    def take_turns() -> None:
        start, runs = time.perf_counter(), PERIOD / factor
        for turn in itertools.count():
            for number, until in (signal.SIGCONT, runs), (signal.SIGSTOP, PERIOD):
                send(number)
                due = start + turn * PERIOD + until
                time.sleep(max(0, due - time.perf_counter()))
            if over.is_set():
                return send(signal.SIGCONT)

    thread = threading.Thread(target=take_turns)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def measure(browser: Any, address: str, factor: float) -> dict[str, float]:
    """Opens the page anew, and uses it.

    Returns:
        "first": seconds from the click on Write to the first token, the model's
        loading included; "again": the same once the model is there; "rate": tokens a
        second, from 205 to 255 of 256 positions; "sliding": beyond the context;
        "slower": how many times slower the worker's own arithmetic was than before;
        "longest": milliseconds of the longest task on the page's thread; "bytes": what
        was loaded.
    """
    page = browser.new_page()
    loaded: list[int] = []
    page.on("requestfinished", lambda request: loaded.append(size_of(request.url)))
    page.add_init_script(WATCH)
    page.goto(address)
    page.wait_for_load_state()
    before = page.evaluate(f"({WORK})()")
    with slowed(factor):
        found = {"slower": page.evaluate(f"({WORK})()") / before}
        found |= {name: page.evaluate(f"({script})()") for name, script in USE.items()}
    found["bytes"] = sum(loaded)
    page.close()
    return found


def size_of(url: str) -> int:
    """Bytes of a file; the worker's script stands in the page, which counts already."""
    file = url.removeprefix("file://").split("#")[0]
    return Path(file).stat().st_size if url.startswith("file:") else 0


# Seconds are counted in the page, by its own clock.
WORK = """
async () => {
  const text = `onmessage = () => {
    const start = performance.now();
    for (let i = 0, x = 1; i < 3e8; i++) x = (x * 5 + 1) % 8191;
    postMessage(performance.now() - start);
  }`;
  const worker = new Worker(URL.createObjectURL(new Blob([text])));
  const milliseconds = await new Promise((resolve) => {
    worker.onmessage = ({ data }) => resolve(data);
    worker.postMessage(null);
  });
  worker.terminate();
  return milliseconds;
}
"""
UNTIL = """
async () => {
  const start = performance.now();
  const before = here.texts;
  const button = document.querySelector('[data-part="write"] .controls button');
  button.click();
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, 1));
    if (here.texts !== before && here.texts[0]?.notes.length) break;
  }
  const seconds = (performance.now() - start) / 1000;
  while (here.writing) await new Promise((resolve) => setTimeout(resolve, 5));
  return seconds;
}
"""
RATE = """
async () => {
  await does.length(LENGTH);
  await does.write();
  const start = performance.now();
  await writeUntil(written() + COUNT);
  return COUNT / ((performance.now() - start) / 1000);
}
"""
USE = {
    "first": UNTIL,
    "again": UNTIL,
    "rate": RATE.replace("LENGTH", "200").replace("COUNT", "50"),
    "sliding": RATE.replace("LENGTH", "252").replace("COUNT", "4"),
    "longest": "() => longest",
}


@click.command()
@click.option(
    "--slower",
    "factors",
    type=click.FloatRange(1, 20),
    multiple=True,
    default=(1, 4, 6),
    show_default=True,
    help="How many times the processor is slowed; may be given several times.",
)
def main(factors: tuple[float, ...]) -> None:
    """Measure the book's playground in Chromium, also on slower processors."""
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        raise BadInput("Chromium is not there: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    console = Console()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        words = [sys.executable, "-m", "book", "build", "--to", folder]
        subprocess.run(words, check=True, capture_output=True)
        address = f"{Path(folder).as_uri()}/playground.html"
        table = Table(title=f"the playground, on {machine.processor()}")
        table.add_column("slowed")
        for name in ("first token, s", "again, s", "tokens/s", "beyond, tokens/s"):
            table.add_column(name, justify="right")
        table.add_column("longest task, ms", justify="right")
        for factor in factors:
            with console.status(f"slowed {factor:g} times"):
                browser = playwright.chromium.launch(
                    executable_path=program, args=["--no-sandbox"]
                )
                found = measure(browser, address, factor)
                browser.close()
            table.add_row(
                f"{found['slower']:.1f} times",
                f"{found['first']:.2f}",
                f"{found['again']:.2f}",
                f"{found['rate']:.0f}",
                f"{found['sliding']:.1f}",
                f"{found['longest']:.0f}" if found["longest"] else "below 50",
            )
        console.print(table)
        console.print(
            f"{found['bytes'] / 1e6:.2f} MB are loaded, the model among them."
        )


if __name__ == "__main__":
    process.run(main, "./run playground")
