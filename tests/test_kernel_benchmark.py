"""`./run kernels` counts what it says, and writes its page."""

import re

import pytest
from click.testing import CliRunner

from benchmarks import kernels
from gpt2 import PRECISIONS
from gpt2.engine import GROUP


def test_the_page_gives_rates():
    """24 layers of 768 x 3072 numbers, 226 MB in float32, in 10 ms."""
    times = {(name, count): 0.01 for name in PRECISIONS for count in kernels.COUNTS}
    times |= {(name, texts): 0.002 for name in PRECISIONS for texts in kernels.TEXTS}
    page = kernels.report(times, bandwidth=30e9, arithmetic=200e9)
    assert kernels.NUMBERS == 24 * 768 * 3072
    assert "30.0 GB/s" in page and "200 GFLOP/s" in page
    assert "| 1, GB/s | 22.6 | 11.3 | 5.66 |" in page
    assert "| 512 | 5,798 | 5,798 | 5,798 |" in page
    assert "| a prompt of 512 | 2.00 | 2.00 |" in page


def test_texts_and_the_model_have_whole_groups():
    """Then nothing is left over that would be computed and not count."""
    assert kernels.CONFIG.head_dim % GROUP == 0


@pytest.mark.slow
def test_a_short_run(tmp_path):
    """Five graphs, about a minute the first time."""
    words = ["--repeat", "1", "--to", str(tmp_path)]
    done = CliRunner().invoke(kernels.main, words, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    (file,) = tmp_path.iterdir()
    assert re.fullmatch(r"kernels-.*-cores\.md", file.name)
    page = file.read_text()
    assert page in done.output
    rows = re.findall(r"^\| (?:\d|a ).*\|$", page, re.MULTILINE)
    assert len(rows) == len(kernels.COUNTS) + len(kernels.TEXTS)
    rates = [cell.replace(",", "") for row in rows for cell in row.split("|")[2:-1]]
    assert len(rates) == 3 * 4 + 2 * 4 and min(map(float, rates)) > 0
