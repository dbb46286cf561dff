"""What MAX says, in our words: each sentence beside the error that it is about.

After a new release of MAX, what fails here is what MAX says or does otherwise now.
"""

import importlib
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from max.driver import CPU
from max.dtype import DType
from max.experimental import functional as F
from max.experimental import nn
from max.experimental.realization_context import GraphRealizationContext
from max.experimental.tensor import (
    Tensor,
    default_device,
    default_dtype,
    realization_context,
)
from max.graph import Graph, TensorType

from course import max_errors, verdict
from course.max_errors import ENTRIES, Entry, Place, in_our_words

HEAD = """\
import math
import numpy as np
from max.driver import CPU
from max.dtype import DType
from max.experimental import functional as F
from max.experimental import nn
from max.experimental.nn import Embedding, Linear, Module, ModuleList, Sequential
from max.experimental.tensor import Tensor
"""
NAMES: dict[str, Any] = {}
exec(HEAD, NAMES)


def inputs() -> dict[str, Tensor]:
    """Tensors on which nothing needs to be computed."""
    return {
        "x": Tensor.from_dlpack(np.ones((2, 3, 8), np.float32)),
        "v": Tensor.from_dlpack(np.ones(8, np.float32)),
        "ids": Tensor.from_dlpack(np.zeros((2, 3), np.int64)),
    }


def raised(code: str, file: Path, mode: str = "lazy") -> BaseException:
    """What a learner's file raises that consists of `code`."""
    file.write_text(code)
    program = compile(code, str(file), "exec")
    try:
        with default_device(CPU()), default_dtype(DType.float32):
            if mode == "eager":
                exec(program, {**NAMES, **inputs()})
            elif mode == "lazy":
                with F.lazy():
                    exec(program, {**NAMES, **inputs()})
            else:
                kind = TensorType(DType.float32, ("batch", "seq", 8), device=CPU())
                context = GraphRealizationContext(Graph("s", input_types=[kind]))
                with realization_context(context), context:
                    x = Tensor.from_graph_value(context.graph.inputs[0].tensor)
                    exec(program, {**NAMES, **inputs(), "x": x})
    except Exception as error:
        return error
    raise AssertionError(f"MAX does not refuse this any more: {code}")


@pytest.mark.parametrize("entry", ENTRIES, ids=[entry.example for entry in ENTRIES])
def test_max_still_says_what_an_entry_is_about(entry: Entry, tmp_path, eager):
    file = tmp_path / "step_07.py"
    error = raised(entry.example, file, entry.mode)
    place = Place.of(error, file)
    assert max_errors.which(error, place) is entry, max_errors.plain(error)
    words = in_our_words(error, file)
    assert not re.search(r"\bNone\b", words) or "None" in entry.sentence
    assert re.fullmatch(re.sub(r"\\\{\d\\\}", ".+", re.escape(entry.sentence)), words)


# Other code that leads to an entry, which is named by its example.
ALSO = [
    ("F.stack([x, v])", "F.concat([x, v])", "lazy"),
    ("~x", "x & x", "lazy"),
    ("F.transpose(x, [0, 2, 1])", "x.transpose(0, 2, 1)", "lazy"),
    ("x.transpose(1)", "x.transpose(0, 2, 1)", "lazy"),
    ("ModuleList(Linear(8, 8))", "ModuleList(Linear(8, 8), Linear(8, 8))", "lazy"),
    ("F.reshape(x, 6, 8)", "x.reshape(2, 3, 4, 2)", "lazy"),
    ("Tensor.zeros(2, 3)", "x.reshape(2, 3, 4, 2)", "lazy"),
    ("x[2]", "x[:, :20]", "lazy"),
    ("F.concat(\n    [x,\n     x[:, :20]],\n)", "x[:, :20]", "lazy"),
    ("list(x)", "for row in x: pass", "lazy"),
    ("q, k = x", "for row in x: pass", "lazy"),
    ("x.to('cpu')", 'Tensor(3, device="cpu")', "lazy"),
    ("x.rank()", "x.shape()", "lazy"),
    ("x.squeeze(5)", "x.shape[3]", "lazy"),
    ("DType('float32')", "F.arange(0, 3, 1, dtype=np.int64)", "lazy"),
    ("F.where(x > 0, x, v[:7])", "x + v[:7]", "lazy"),
    ("x @ F.broadcast_to(v, [3, 8, 8])", "x + v[:7]", "lazy"),
    ("print(x)", "(x + 1).to_numpy()", "lazy"),
    ("np.from_dlpack(x + 1)", "(x + 1).to_numpy()", "lazy"),
    ("x.item()", "if x > 0: pass", "lazy"),
    ("q, k, v = x.split(8, axis=-1)", "q, k, v = F.split(x, 8, axis=-1)", "lazy"),
    ("x.to_numpy()", "(x + 1).to_numpy()", "symbolic"),
    ("np.from_dlpack(x)", "(x + 1).to_numpy()", "symbolic"),
    ("if x > 0: pass", "if x > 0: pass", "symbolic"),
    ("x.reshape([2, 3, 8])", "x.reshape([2, 3, 3, 3])", "symbolic"),
    ("x @ x", "x @ F.broadcast_to(v, [5, 8])", "symbolic"),
    ("x + v[:7]", "x + v[:7]", "symbolic"),
    ("max(3, x.shape[1])", "x.shape[1] > 3", "symbolic"),
    ("F.band_part(x, None, x.shape[1])", "x.shape[1] > 3", "symbolic"),
    ("math.sqrt(x.shape[1])", "range(x.shape[1])", "symbolic"),
    ("np.zeros((x.shape[1], 3))", "range(x.shape[1])", "symbolic"),
    ("v[: int(x.shape[1])]", "int(x.shape[1])", "symbolic"),
]


@pytest.mark.parametrize(("code", "example", "mode"), ALSO)
def test_other_code_leads_to_the_same_entry(code, example, mode, tmp_path):
    file = tmp_path / "step_07.py"
    error = raised(code, file, mode)
    entry = max_errors.which(error, Place.of(error, file))
    assert entry is not None
    assert entry.example == example


def test_no_entry_stands_there_twice():
    assert len({(*entry[:3], *entry[4:]) for entry in ENTRIES}) == len(ENTRIES)


OWNERS = [
    (max_errors.FUNCTIONS, F),
    (max_errors.METHODS, Tensor),
    (max_errors.CLASS, Tensor),
    (max_errors.LAYERS, nn),
    (max_errors.MODULE, nn.Module),
    (max_errors.GENERATOR, np.random.default_rng()),
    (max_errors.ARRAY, np.ones(3)),
    (max_errors.DTYPES, DType),
]


@pytest.mark.parametrize(("table", "owner"), OWNERS)
def test_a_name_that_is_said_to_be_missing_is_missing(table, owner):
    assert [name for name in table if hasattr(owner, name)] == []


def test_a_name_that_a_sentence_mentions_is_there():
    tables = [table for table, _ in OWNERS]
    sentences = [entry.sentence for entry in ENTRIES]
    sentences += [text for table in tables for text in table.values()]
    for sentence in sentences:
        for name in re.findall(r"\bF\.(\w+)", sentence):
            assert hasattr(F, name), sentence
        for name in re.findall(r"\bTensor\.(\w+)", sentence):
            assert hasattr(Tensor, name), sentence
    for advice in max_errors.METHODS.values():
        for name in re.findall(r"(?<!\w)\.(\w+)", advice):
            assert hasattr(Tensor, name), advice
    for name in max_errors.DTYPES.values():
        assert hasattr(DType, name.removeprefix("DType."))


@pytest.mark.parametrize("line", max_errors.IMPORTS.values())
def test_an_import_that_is_said_to_be_missing_works(line):
    exec(line, {})


SENTENCES = {
    # names
    "F.triu(x)": "MAX has no F.triu. F.band_part keeps one side of the diagonal.",
    "F.layernorm(x)": "MAX has no F.layernorm. The nearest is F.layer_norm.",
    "F.zzzz(x)": "MAX has no F.zzzz.",
    "x.view(2, 24)": "A Tensor has no .view. .reshape([...]) gives another shape.",
    "x.size(1)": "A Tensor has no .size. .shape and .rank tell it.",
    "x.softmax(-1)": "A Tensor has no .softmax. There is F.softmax.",
    "x.transposed(0, 1)": "A Tensor has no .transposed. The nearest is .transpose.",
    "Tensor.from_numpy(np.ones(3))": (
        "A Tensor has no .from_numpy. Tensor.from_dlpack(array) takes one of NumPy."
    ),
    "DType.long": "MAX has no DType.long. There is DType.int64.",
    "DType.Float32": "MAX has no DType.Float32. There is DType.float32.",
    "nn.Dropout(0.1)": "MAX has no nn.Dropout. Nothing is trained here: leave it out.",
    "Linear(8, 8).T": "A Linear has no .T. It has .weight and .bias.",
    "x.shape.numel()": "x.shape has no .numel: it is a list of lengths.",
    "class A(Module):\n    def __init__(self):\n"
    "        self.register_buffer('mask', None)\nA()": (
        "MAX's Module has no .register_buffer. What is kept in self is found by its "
        "name."
    ),
    "class Wte(Module): pass\nWte().T": (
        "A Wte is no Tensor: its numbers are in what it keeps in self."
    ),
    "np.random.default_rng(0).randint(3)": (
        "NumPy's Generator has no .randint. Its name is .integers()."
    ),
    "np.ones(3).to(CPU())": (
        "An array of NumPy has no .to. Tensor.from_dlpack makes a Tensor of it."
    ),
    "StaticDim": "StaticDim is not imported: from max.graph import StaticDim",
    "from max.experimental.nn import Droput": "MAX has no nn.Droput.",
    "from max.experimental.functional import tril": (
        "MAX has no F.tril. F.band_part keeps one side of the diagonal."
    ),
    "import max.torch_like": (
        "MAX has no module max.torch_like. The stub's imports are all that it takes."
    ),
    "from max import functional": (
        "MAX has no max.functional. Here it is: "
        "from max.experimental import functional as F"
    ),
    "from max.graph import ops\nops.add(x, x).to_numpy()": (
        "This is a TensorValue of max.graph. What F and Tensor do gives Tensors."
    ),
    # calls
    "Tensor.zeros()": "Tensor.zeros takes (shape, *, dtype=None, device=None).",
    "F.softmax(x, dim=-1)": (
        "F.softmax takes (value, axis=-1). MAX says axis where PyTorch says dim."
    ),
    "x.mean(axis=-1, keepdim=True)": (
        "Tensor.mean takes (axis=-1). MAX keeps the axis anyway, with length 1."
    ),
    "F.layer_norm(\n    x,\n    v,\n    v,\n)": (
        "F.layer_norm takes (input, gamma, beta, epsilon)."
    ),
    "F.layer_norm(x, [8], v, v, 1e-5)": (
        "F.layer_norm takes (input, gamma, beta, epsilon)."
    ),
    "Linear(in_features=8, out_features=8)": (
        "Linear takes (in_dim, out_dim, *, bias=True, quant_config=None)."
    ),
    "import max.nn as older\nolder.Linear(8, 8)": (
        "older.Linear is one of max.nn. The steps use those of max.experimental.nn."
    ),
    "c_fc = Linear(8, 8)\nc_fc(x, x)": "c_fc takes (x).",
    "c_fc = Linear(8, 8)\nc_fc(x).split(4, dim=-1)": (
        "Tensor.split takes (split_size_or_sections, axis=0). MAX says axis where "
        "PyTorch says dim."
    ),
}


@pytest.mark.parametrize("code", SENTENCES)
def test_a_name_or_call_that_max_does_not_know(code, tmp_path):
    file = tmp_path / "step_07.py"
    assert in_our_words(raised(code, file), file) == SENTENCES[code]


@pytest.mark.parametrize(
    "code",
    [
        "raise TypeError('object of type Tensor has no len()')",
        "if True: raise ValueError('Probabilities contain NaN')",
        "raise ValueError(\n    'Probabilities contain NaN'\n)",
        "assert False, 'x'",
        "config.n_embed",
        "class A: pass\nA().triu",
        "class A(Module):\n    def forward(self, x): return self.mean\nA()(x)",
        "def f(a): pass\nf(a=1, dim=2)",
        "def f(a): pass\nf(F.add(x, x), x)",
        "class A(Module):\n    def forward(self, x): pass\nA()(x, x)",
        "[1][3]",
        "a, b = 1, 2, 3",
        "for i in 3: pass",
        "int(None)",
        "1 + 'a'",
        "import steps.step_99",
        "{}['weight']",
        "{}[()]",
        "[].pop()",
        "class Tensor:\n    def view(self): pass\nTensor().view(3)",
        "def f(self): pass\nf()",
        "raise KeyError",
    ],
)
def test_an_error_of_the_learners_own_gets_no_sentence(code, tmp_path):
    file = tmp_path / "step_07.py"
    assert in_our_words(raised(code, file), file) == ""


def test_ours_comes_first_and_maxs_words_below(tmp_path):
    file = tmp_path / "step_07.py"
    error = raised("def attend():\n    return F.triu(x)\nattend()", file)
    failure = verdict.explain(error, file, "the mask", "attend")
    assert failure.lines == [
        "MAX has no F.triu. F.band_part keeps one side of the diagonal.",
        "AttributeError: module 'max.experimental.functional' has no attribute 'triu'",
    ]
    assert (failure.kind, failure.line, failure.name) == ("error", 2, "attend")


def test_an_import_that_fails_shows_no_path(tmp_path):
    file = tmp_path / "step_07.py"
    error = raised("from max.experimental.nn import Dropout", file)
    assert verdict.explain(error, file, "", "").lines == [
        "MAX has no nn.Dropout. Nothing is trained here: leave it out.",
        "ImportError: cannot import name 'Dropout' from 'max.experimental.nn'",
    ]


@pytest.mark.parametrize("code", ["F.triu(x)", "F.softmax(x, dim=-1)", "len(x)"])
def test_an_error_of_python_in_another_file_gets_no_sentence(code, tmp_path):
    error = raised(code, tmp_path / "another.py")
    assert in_our_words(error, tmp_path / "step_07.py") == ""


def test_an_error_of_max_in_another_file_gets_its_sentence(tmp_path):
    """Weights are loaded by the checks, and MAX computes later than it is told to."""
    error = raised("Linear(8, 8).load_state_dict({})", tmp_path / "another.py")
    assert "has a parameter weight" in in_our_words(error, tmp_path / "step_07.py")


def test_the_modules_have_the_names_by_which_they_are_known():
    for name in (max_errors.FUNCTIONAL, max_errors.NN):
        assert importlib.import_module(name)
