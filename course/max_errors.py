"""What MAX says, in our words: what an error means here, and what to do about it.

MAX speaks to those who know it.  Below stands, for each error of MAX and NumPy that a
learner meets in steps 02 to 12, a sentence of ours; the coach says it above MAX's own
words.  Each has an example that raises the error, so that tests/test_max_errors.py
tells after a new release of MAX which of them no longer hold.

    FUNCTIONS, METHODS, ...     names that people know from elsewhere, not in MAX
    ENTRIES                     errors by their type and message
    in_our_words(error, file)   the sentence for an error, or nothing

For a call with other arguments than MAX takes, the sentence says which it takes.
"""

import ast
import difflib
import inspect
import linecache
import re
import sys
import traceback
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any, NamedTuple

FUNCTIONAL = "max.experimental.functional"
NN = "max.experimental.nn"

# --- Names that MAX does not have --------------------------------------------------

# What to use instead, by name.  What stands in no table gets the nearest name.

FUNCTIONS = {
    **dict.fromkeys(["triu", "tril"], "F.band_part keeps one side of the diagonal."),
    **dict.fromkeys(["cat", "concatenate", "hstack", "vstack"], "F.concat joins."),
    **dict.fromkeys(["dot", "mm", "bmm", "einsum", "tensordot"], "@ multiplies."),
    **dict.fromkeys(["masked_fill", "select"], "F.where chooses by a mask."),
    **dict.fromkeys(["embedding", "take", "index_select"], "F.gather takes rows."),
    **dict.fromkeys(["view", "ravel"], "F.reshape gives numbers another shape."),
    **dict.fromkeys(["swapaxes", "swapdims"], "F.transpose exchanges two axes."),
    **dict.fromkeys(["expand", "repeat"], "F.broadcast_to stretches a Tensor."),
    **dict.fromkeys(["tensor", "array", "as_tensor"], "Tensor(value) makes one."),
    **dict.fromkeys(["maximum", "minimum"], "F.max(a, b) and F.min(a, b) compare two."),
    **dict.fromkeys(["multinomial", "choice"], "NumPy's Generator draws."),
    **dict.fromkeys(["var", "std"], "The variance is a F.mean of squares."),
    **dict.fromkeys(["less", "lt", "gt", "le", "ge"], "<, >, <= and >= compare."),
    "dropout": "Nothing is trained here: leave it out.",
    "linear": "@ and + say the same, and Linear of max.experimental.nn does it.",
    "log_softmax": "Its name is F.logsoftmax.",
    "scaled_dot_product_attention": "Its formula is what you are to write.",
    "expand_dims": "F.unsqueeze adds an axis.",
    "moveaxis": "F.permute orders the axes anew.",
    "one_hot": "F.gather takes rows by their ids, without it.",
    "topk": "Its name is F.top_k.",
    "square": "x * x is the square.",
    **dict.fromkeys(
        ["gelu_new", "new_gelu"], "F.gelu has several forms: see its approximate=."
    ),
    "swish": "Its name is F.silu.",
    "multiply": "Its name is F.mul.",
    "subtract": "Its name is F.sub.",
    "divide": "Its name is F.div.",
    "isnan": "Its name is F.is_nan.",
}

METHODS = {
    **dict.fromkeys(["view", "reshape_as"], ".reshape([...]) gives another shape."),
    **dict.fromkeys(["size", "dim", "ndim", "ndimension"], ".shape and .rank tell it."),
    **dict.fromkeys(["contiguous", "clone", "copy", "detach"], "Leave it out."),
    **dict.fromkeys(
        ["float", "double", "half", "int", "long", "bool", "astype", "type_as"],
        ".cast(...) changes the type.",
    ),
    **dict.fromkeys(["cpu", "cuda"], ".to(device) moves it, as in .to(CPU())."),
    **dict.fromkeys(["numpy", "tolist"], ".to_numpy() gives an array, once computed."),
    **dict.fromkeys(["expand", "repeat", "expand_as"], "F.broadcast_to stretches it."),
    **dict.fromkeys(["t", "mT"], ".T exchanges the last two axes."),
    **dict.fromkeys(["swapaxes", "swapdims"], ".transpose exchanges two axes."),
    **dict.fromkeys(["matmul", "mm", "bmm", "dot"], "@ multiplies."),
    **dict.fromkeys(["masked_fill", "masked_fill_"], "F.where chooses by a mask."),
    **dict.fromkeys(["triu", "tril"], "F.band_part keeps one side of the diagonal."),
    **dict.fromkeys(["var", "std"], "The variance is a .mean of squares."),
    **dict.fromkeys(["add_", "mul_", "fill_", "zero_"], "Nothing is changed in place."),
    **dict.fromkeys(
        ["requires_grad", "grad", "backward", "data"], "MAX does not train."
    ),
    "numel": "Its name is .num_elements().",
    "index_select": "F.gather takes rows.",
    "multinomial": "NumPy's Generator draws.",
    "unbind": ".split cuts it.",
    "weight": "It holds the numbers itself.",
}

CLASS = {
    **dict.fromkeys(
        ["from_numpy", "tensor", "array"],
        "Tensor.from_dlpack(array) takes one of NumPy.",
    ),
    **dict.fromkeys(
        ["empty", "eye", "randn", "rand"], "There are zeros, ones and full."
    ),
    "cat": "F.concat joins.",
    "stack": "F.stack does it.",
}

LAYERS = {
    **dict.fromkeys(["Dropout"], "Nothing is trained here: leave it out."),
    **dict.fromkeys(
        ["Parameter", "Buffer"], "A Tensor that is kept in self is a parameter."
    ),
    **dict.fromkeys(
        ["GELU", "ReLU", "Softmax", "Tanh", "functional"],
        "Functions such as F.gelu are in max.experimental.functional.",
    ),
    **dict.fromkeys(["ModuleDict", "ParameterList"], "There is ModuleList."),
    "MultiheadAttention": "It is what you are to write.",
}

MODULE = {
    **dict.fromkeys(
        ["register_buffer", "register_parameter", "add_weight"],
        "What is kept in self is found by its name.",
    ),
    **dict.fromkeys(["add_module", "register_module"], "self.name = ... is enough."),
    **dict.fromkeys(["eval", "train", "zero_grad"], "Nothing is trained here."),
    **dict.fromkeys(
        ["state_dict", "named_parameters"], ".parameters has names and Tensors."
    ),
    **dict.fromkeys(["cuda", "cpu"], ".to(device) moves it."),
}

GENERATOR = {
    "rand": "Its name is .random().",
    "randint": "Its name is .integers().",
    "randn": "Its name is .standard_normal().",
    "seed": "np.random.default_rng(seed) takes it.",
    "categorical": ".choice draws by probabilities.",
}

ARRAY = {
    **dict.fromkeys(["to"], "Tensor.from_dlpack makes a Tensor of it."),
    **dict.fromkeys(["unsqueeze", "permute"], "arr[:, None] and .transpose do it."),
    **dict.fromkeys(["to_numpy", "numpy"], "It is NumPy's already."),
    **dict.fromkeys(["cast", "float", "long"], ".astype(...) changes the type."),
}

DTYPES = {
    "float": "DType.float32",
    "double": "DType.float64",
    "long": "DType.int64",
    "int": "DType.int64",
}

IMPORTS = {
    "functional": "from max.experimental import functional as F",
    "F": "from max.experimental import functional as F",
    "nn": "from max.experimental import nn",
    "Tensor": "from max.experimental.tensor import Tensor",
    "Module": "from max.experimental.nn import Module",
    "ModuleList": "from max.experimental.nn import ModuleList",
    "Linear": "from max.experimental.nn import Linear",
    "Embedding": "from max.experimental.nn import Embedding",
    "DType": "from max.dtype import DType",
    "CPU": "from max.driver import CPU",
    "Device": "from max.driver import Device",
    "Dim": "from max.graph import Dim",
    "DimLike": "from max.graph import DimLike",
    "StaticDim": "from max.graph import StaticDim",
    "SymbolicDim": "from max.graph import SymbolicDim",
}

# --- Errors by their message -------------------------------------------------------


class Entry(NamedTuple):
    """A kind of error.

    Attributes:
        kind: Its type.
        says: A pattern of the message, in which `[Dim(2), Dim('seq')]` is `[2, seq]`.
        sentence: What it means; `{0}` is the pattern's first group.
        example: Code that raises it, written with the names of the tests: `x` is
            float32 `[2, 3, 8]`, `v` is `[8]`, `ids` is int64 `[2, 3]`.
        code: A pattern of the learner's lines that led there; with a `$`, of the very
            expression in them.
        inside: A pattern of the places in MAX, from the learner's line on, such as
            "tensor.py:item".
        mode: How the example runs: "lazy" under F.lazy, "symbolic" traced with x as
            `[batch, seq, 8]`, or "eager".
    """

    kind: type[BaseException]
    says: str
    sentence: str
    example: str
    code: str = ""
    inside: str = ""
    mode: str = "lazy"


EPSILON = "The epsilon of F.layer_norm, which comes last, must be a number."
DTYPE = (
    "A dtype is one of MAX's, such as DType.float32; MAX knows no other way to say it."
)
NO_AXIS = "This Tensor has no axis {0}. Count them from 0, or from the end: -1, -2."
NO_TENSOR = (
    "MAX wants a Tensor here, and this is of type {0}. "
    "Tensor(...) makes one of numbers; a layer is called, as in layer(x)."
)
BY_TENSOR = (
    "A Tensor cannot be indexed by a Tensor of many ids or truth values. F.gather "
    "takes rows, F.where chooses by a mask."
)
NOT_BROADCAST = (
    "These shapes do not fit each other: {0} and {2}. Counted from the right, "
    "two axes are equally long or one of them is 1, and here {1} meets {3}."
)
NOT_READ = "NumPy does not read a Tensor by itself: .to_numpy() gives its array."
OF_SHAPE = r"lhs \(shape (\[.*?\])\) dimension at axis -?\d+ \(value (.*?)\) "
SIDES = (
    r"(?:lhs|condition|x) \(shape (\[.*?\])\) dimension at axis \d+ \(value (.*?)\)"
    r" and input \w+ \(shape (\[.*?\])\) dimension at axis \d+ \(value (.*?)\)"
    r" are neither equivalent nor broadcastable"
)
SIZES = r"\n\s+input = \w+\(dtype=\w+, shape=(\[.*?\]).*?new_shape = (\[.*?\])"

ENTRIES = [
    # Numbers that are not there yet
    Entry(
        TypeError,
        r"^Can't realize (?:tensor before|from a graph)",
        "MAX only collects the operations here, and there are no numbers yet to look "
        "at: no .to_numpy(), .item(), NumPy or print() of a Tensor. x.shape is there.",
        "(x + 1).to_numpy()",
    ),
    Entry(
        TypeError,
        r"^weight '(.*?)' holds no data to read",
        "MAX compiles forward before it knows any numbers, and {0} is read here: no "
        ".to_numpy(), .item() or NumPy in forward. MAX's functions take it as it is.",
        "class A(Module):\n"
        "    def __init__(self):\n"
        "        self.weight = v\n"
        "    def forward(self):\n"
        "        return Tensor(self.weight.to_numpy())\n"
        "A().trace()",
    ),
    Entry(
        TypeError,
        r"",
        EPSILON,
        "F.layer_norm(x, 1e-5, v, v)",
        inside=r"layer_norm\.py:(.|\n)*tensor\.py:item\b",
    ),
    Entry(
        TypeError,
        r"",
        "Python wants one truth value or one number, and a Tensor holds several, or "
        "none yet. F.where chooses number by number.",
        "if x > 0: pass",
        inside=r"tensor\.py:item\b",
    ),
    Entry(
        TypeError,
        r"^int\((.*?)\): Int conversions only supported for static dims",
        "The length {0} is symbolic: it has no number before the model runs. MAX's "
        "functions, shapes and slices take it as it is.",
        "int(x.shape[1])",
        mode="symbolic",
    ),
    Entry(
        TypeError,
        r"^when using dims to index",
        "A length of x.shape is a dimension, which Python and NumPy cannot count with. "
        "MAX's functions, shapes and slices take it as it is.",
        "range(x.shape[1])",
    ),
    Entry(
        TypeError,
        r"^'([<>]=?)' not supported between instances of .*Dim'",
        "A symbolic length has no size before the model runs, so {0} cannot compare "
        "it. A StaticDim is a length that is known.",
        "x.shape[1] > 3",
        mode="symbolic",
    ),
    Entry(
        TypeError,
        r"^unsupported operand type\(s\) for .*Dim'",
        "A length is a whole number: it knows only +, -, * and // with other whole "
        "ones, known or symbolic.",
        "x.shape[2] / 2",
        mode="symbolic",
    ),
    # Shapes
    Entry(
        TypeError,
        r"^Unsupported dimension type (\S+) \(<class 'float'>\)",
        "Lengths are whole numbers, and {0} is a float. / gives floats, // does not.",
        "x.reshape([2, 3, 2, 8 / 2])",
    ),
    Entry(
        TypeError,
        r"^Unsupported dimension type .*\(<class '(?:[\w.]+\.)?(\w+)'>\)",
        "Lengths are whole numbers or dimensions, and one here is of type {0}.",
        "Tensor.zeros([3, None])",
    ),
    Entry(
        ValueError,
        r"^Invalid name for symbolic dimension",
        "A text in a shape names a symbolic length, and this is no name. Give the "
        "number itself.",
        'Linear(8, "8")',
    ),
    Entry(
        TypeError,
        r"^'(\w+)' object is not iterable",
        "A shape is a list, also of one number: [n] and not n.",
        "Tensor.zeros(8)",
        inside=r"graph/shape\.py:__init__",
    ),
    Entry(
        TypeError,
        r"(reshape|zeros|ones|full|permute|broadcast_to)\(\) takes .* positional arg",
        "{0} takes all sizes or axes as one list, in brackets.",
        "x.reshape(2, 3, 4, 2)",
    ),
    Entry(
        TypeError,
        r"transpose\(\) (?:missing|takes)|required argument: 'axis_2'",
        "transpose exchanges two axes, as in x.transpose(0, 1). permute orders all of "
        "them, as in x.permute([1, 0, 2]).",
        "x.transpose(0, 2, 1)",
    ),
    Entry(
        ValueError,
        rf"^Failed to create op 'ReshapeOp'.*?{SIZES}",
        "{0} cannot become {1}: a reshape keeps how many numbers there are, and leaves "
        "lengths that x.shape gives as they are.",
        "x.reshape([2, 3, 3, 3])",
    ),
    Entry(
        ValueError,
        r"at most one -1",
        "-1 stands for whatever length is left, so a shape has at most one.",
        "x.reshape([-1, -1, 8])",
    ),
    Entry(
        ValueError,
        rf"^Failed to create op 'BroadcastToOp'.*?{SIZES}",
        "{0} cannot be broadcast to {1}: only axes of length 1 are stretched, and new "
        "ones come in front.",
        "F.broadcast_to(v, [8, 3])",
    ),
    Entry(
        ValueError,
        rf"Matrix multiplication input {OF_SHAPE}must match input rhs "
        r"\(shape (\[.*?\])\) .*?\(value (.*?)\)",
        "In {0} @ {2}, the last axis on the left ({1}) must be as long as the last but "
        "one on the right ({3}). Does one of them want to be transposed?",
        "x @ F.broadcast_to(v, [5, 8])",
    ),
    Entry(ValueError, SIDES, NOT_BROADCAST, "x + v[:7]"),
    Entry(
        ValueError,
        r"^operands could not be broadcast together with (shapes.*?)\s*$",
        "NumPy's arrays do not fit each other. Counted from the right, two axes are "
        "equally long or one of them is 1.",
        "np.ones((2, 3)) + np.ones(2)",
    ),
    Entry(
        ValueError,
        r"gather index (-?\d+) is out of bounds for axis \d+ with size (\d+)",
        "Row {0} was looked up in a table that has {1}. Are these the right ids, and "
        "is it the right table?",
        "F.gather(v, Tensor.from_dlpack(np.full((2, 3), 20)), axis=0).to_numpy()",
        mode="eager",
    ),
    Entry(
        IndexError,
        r"expected to be in range of \[-1, 0\], but got",
        "This Tensor has fewer than two axes: there is nothing to exchange.",
        "v.T",
    ),
    Entry(
        IndexError,
        r"expected to be in range of .* but got (-?\d+)",
        NO_AXIS,
        "x.transpose(1, 3)",
    ),
    Entry(
        IndexError,
        r"^Axis must be in range .* got (-?\d+)",
        NO_AXIS,
        "F.split(x, [4, 4], axis=3)",
    ),
    Entry(
        IndexError, r"ordering must be .* was (-?\d+)", NO_AXIS, "x.permute([0, 1, 5])"
    ),
    Entry(
        IndexError,
        r"axis=(-?\d+) out of range for",
        NO_AXIS,
        "F.gather(v, ids, axis=2)",
    ),
    Entry(
        IndexError, r"Axis out of range axis=(-?\d+)", NO_AXIS, "F.concat([x], axis=5)"
    ),
    Entry(
        ValueError,
        r"^Invalid axis=(-?\d+) for input",
        NO_AXIS,
        "F.mean(x, axis=3)",
    ),
    Entry(ValueError, r"out of bounds: axis=(-?\d+)", NO_AXIS, "x.unsqueeze(7)"),
    Entry(
        IndexError,
        r"^list index out of range",
        "This Tensor has fewer axes: there is none of that number.",
        "x.shape[3]",
        code=r"\.shape\[|squeeze",
    ),
    Entry(
        ValueError,
        r"^(?:too many|not enough) values to unpack",
        "The Tensor has another number of axes than there are names on the left.",
        "batch, seq = x.shape",
        code=r"\.shape\b",
    ),
    Entry(
        ValueError,
        r"^(?:too many|not enough) values to unpack",
        "There are more or fewer parts than names on the left. A list gives the size "
        "of each part; a number alone is the size of every part, not how many.",
        "q, k, v = F.split(x, 8, axis=-1)",
        code=r"split\(",
    ),
    Entry(
        ValueError,
        r"rank of the input \((\d+)\) does not match .* \((\d+)\)",
        "permute names every axis once: the Tensor has {0}, and the list {1}.",
        "x.permute([0, 2])",
    ),
    Entry(
        ValueError,
        r"^The ordering may not contain duplicate",
        "permute names every axis once, and one stands here twice.",
        "x.permute([0, 2, 2])",
    ),
    Entry(
        ValueError,
        r"^Squeeze dim must be 1, got axis=(-?\d+), shape=(\[.*\])",
        "squeeze takes away an axis of length 1 only, and axis {0} of {1} is none.",
        "x.squeeze(0)",
    ),
    # Joining and cutting
    Entry(
        ValueError,
        r"x\.shape\[axis\]=(\w+) != sum\(sizes=(\[.*?\])\)",
        "The sizes {1} do not add up to the axis that is split, which is {0} long. "
        "Is it the right axis?",
        "F.split(x, [4, 4])",
    ),
    Entry(
        ValueError,
        r"chunks=(\d+) must statically divide x\.shape\[axis\]=(\w+)",
        "An axis of length {1} cannot be cut into {0} equal parts. Is it the right "
        "axis?",
        "F.chunk(x, 3, axis=-1)",
    ),
    Entry(
        TypeError,
        r"^'(\w+)' object is not iterable",
        "split takes a list with the size of each part, or one int for all of them.",
        "F.split(x, 4.0, axis=-1)",
        inside=r":split\b",
    ),
    Entry(
        TypeError,
        r"^'TensorValue' object is not iterable",
        "F.concat takes the Tensors as one list: F.concat([a, b], axis=...).",
        "F.concat(x, 1)",
        inside=r"concat\.py",
    ),
    Entry(
        ValueError,
        r"^Must provide at least one value to concat",
        "F.concat was given an empty list: there is nothing to join.",
        "F.concat([], axis=0)",
    ),
    Entry(
        ValueError,
        r"^(?:Concat inputs must all have|All inputs to stack must be) the same rank",
        "All that is joined must have the same number of axes. .unsqueeze and .reshape "
        "add one.",
        "F.concat([x, v])",
    ),
    Entry(
        ValueError,
        r"^Concat inputs differ on non-concat axis (\d+)",
        "F.concat joins along one axis, and all other axes must be equally long: axis "
        "{0} is not.",
        "F.concat([x, x[:, :, :4]], axis=1)",
    ),
    Entry(
        ValueError,
        r"Concat does not allow for input",
        "F.concat joins Tensors of one dtype only: .cast(...) changes it.",
        "F.concat([x[:, :, 0], ids], axis=1)",
    ),
    Entry(
        ValueError,
        r"^zero-dimensional arrays cannot be concatenated",
        "np.concatenate does not read Tensors: F.concat joins them.",
        "np.concatenate([x, x])",
    ),
    Entry(
        ValueError,
        r"^all the input array",
        "NumPy joins arrays with equally many axes, all equally long but the one along "
        "which it joins.",
        "np.concatenate([np.ones((2, 3)), np.ones((3, 1))], axis=1)",
    ),
    # Indexing
    Entry(
        ValueError,
        r"^Slice index value must be a scalar",
        BY_TENSOR,
        "v[ids]",
    ),
    Entry(
        RuntimeError,
        r"^can't find num elements since tensor has symbolic dims",
        BY_TENSOR,
        "v[x]",
        mode="symbolic",
    ),
    Entry(
        AttributeError,
        r"'numpy.ndarray' object has no attribute 'count'",
        "A Tensor cannot be indexed by an array of NumPy. F.gather takes rows by a "
        "Tensor of ids.",
        "x[np.array([0, 1])]",
    ),
    Entry(
        ValueError,
        r"^expected slice indices length (\d+) .* rank (\d+)",
        "There are {0} indices in the brackets, and the Tensor has {1} axes.",
        "x[0, 0, 0, 0]",
    ),
    Entry(
        TypeError,
        r"only slices and integers are supported",
        "An index of a Tensor is an int, a slice such as 1:3, or None.",
        "x[1.5]",
    ),
    Entry(
        ValueError,
        r"^expected positive integer step",
        "MAX's slices run forwards only.",
        "x[::-1]",
    ),
    Entry(
        ValueError,
        r"^Failed to create op 'SliceOp'.* for dimension size (\S+)",
        "The index reaches beyond an axis of length {0}. MAX does not cut it short, as "
        "Python's lists do.",
        "x[:, :20]",
        code=r"\]$",
    ),
    Entry(
        ValueError,
        r"^Failed to create op 'SliceOp'.* for dimension size (\S+)",
        "A Tensor cannot be looped over or unpacked. Work on it as a whole, or take "
        "pieces by index or F.split.",
        "for row in x: pass",
    ),
    Entry(
        TypeError,
        r"^__setitem__ requires a Tensor value",
        "A number cannot be written into a Tensor. Make the Tensor whole from its "
        "parts, as F.where and F.concat do.",
        "x[0, 1] = 0.0",
    ),
    Entry(
        TypeError,
        r"^cannot mutate a tensor argument",
        "A Tensor that was handed in cannot be changed. Make a new one.",
        "x[:, 0] = x[:, 1]",
        mode="symbolic",
    ),
    # Types, devices and values
    Entry(
        ValueError,
        r"Unsafe cast from \w+ to \w+",
        "Whole numbers and floats do not mix by themselves: .cast(...) changes a "
        "Tensor's type. Or are these ids where their vectors belong?",
        "ids + x[:, :, 0]",
    ),
    Entry(
        ValueError,
        r"^Unsafe cast: Can't promote python (\w+) to dtype\(DType\.(\w+)\)",
        "A Tensor of {1} does not take a {0} beside it: .cast(...) it to a float type "
        "first.",
        "ids * 0.5",
    ),
    Entry(
        ValueError,
        r"must be tensor with integer or index elements",
        "F.gather wants the table first and then the ids, which are whole numbers. "
        "These are floats.",
        "F.gather(x, v, axis=0)",
    ),
    Entry(
        TypeError,
        r"Tensor.* not 'NoneType'",
        "Something here is None instead of a Tensor. Does a function not return "
        "anything?",
        "x + None",
    ),
    Entry(
        TypeError,
        r"^.* argument must be a TensorValueLike, not '(\w+)'",
        NO_TENSOR,
        "x + [1, 2]",
    ),
    Entry(
        TypeError,
        r"^Unary ops do not support non-max objects",
        "MAX wants a Tensor here, and this is something else. A layer, for one, is "
        "called, as in layer(x).",
        "F.gelu(Linear(8, 8))",
    ),
    Entry(
        TypeError,
        r"^TensorValue\(\) .* '(\w+)'",
        NO_TENSOR,
        "x @ Linear(8, 8)",
    ),
    Entry(
        AttributeError,
        r"has no attribute 'size_in_bits'",
        DTYPE,
        'Tensor(3, dtype="float32")',
    ),
    Entry(
        ValueError,
        r"^Failed to create op 'CastOp'.*args\[0\] = TensorType\(dtype=['<]",
        DTYPE,
        "x.cast(np.int64)",
    ),
    Entry(
        KeyError,
        r"^(<class 'numpy\.\w+'>|u?int\d+|float\d+)$",
        DTYPE,
        "F.arange(0, 3, 1, dtype=np.int64)",
        code=r"dtype|DType",
    ),
    Entry(
        TypeError,
        r"^to\(\) expects Device.* got DType",
        ".to(...) moves a Tensor to a device. .cast(...) changes its type.",
        "x.to(DType.float32)",
    ),
    Entry(
        TypeError,
        r"^(?:to\(\) expects|expected a) Device.* got (\w+)",
        "A device is an object such as CPU() or x.device, and this is of type {0}.",
        'Tensor(3, device="cpu")',
    ),
    Entry(
        ValueError,
        r"^DType must match input dtype: dtype=(\w+) != value\.dtype=(\w+)",
        "The array is of {1}, not {0}, and Tensor(array) does not convert: "
        ".astype(...) does.",
        "Tensor(np.ones(3), dtype=DType.float32)",
    ),
    Entry(
        ValueError,
        r"^Array literals must be rectangular",
        "A list of lists makes a Tensor only if all of them are equally long.",
        "Tensor([[1, 2], [3]])",
    ),
    Entry(
        RuntimeError,
        r"std::bad_cast",
        "MAX cannot turn a value here into a number of the dtype that is wanted. Are "
        "these Tensors in a list? F.stack and F.concat join those.",
        "Tensor([v[0], v[1]])",
    ),
    Entry(
        OverflowError,
        r"float infinity to integer",
        "Integers have no infinity: the dtype must be a float.",
        'Tensor(float("-inf"), dtype=DType.int64)',
    ),
    Entry(
        TypeError,
        r"^Must supply exactly one of 'storage' and 'state'",
        "Tensor(...) needs a value, and this is None or missing.",
        "Tensor(None)",
    ),
    Entry(
        TypeError,
        r"Tensor\.__new__\(\) takes",
        "Tensor takes the value, and then dtype= and device= by name.",
        "Tensor([1, 2], DType.float32)",
    ),
    Entry(
        AttributeError,
        r"has no attribute '__dlpack_device__'",
        "Tensor.from_dlpack takes an array of NumPy. Tensor(value) takes numbers and "
        "lists.",
        "Tensor.from_dlpack([1, 2])",
    ),
    Entry(
        ValueError,
        r"from_dlpack only accepts contiguous arrays",
        "The array lies in memory in another order, such as after .T. "
        "np.ascontiguousarray(array) puts it right.",
        "Tensor.from_dlpack(np.ones((2, 3), np.float32).T)",
    ),
    # Single operations
    Entry(
        ValueError,
        r"^(Gamma|Beta) size (\d+) does not match dimension of reduction (\d+)",
        "{0} has {1} numbers, and the last axis of x {2}: they must be as many.",
        "F.layer_norm(x, v[:7], v, 1e-5)",
    ),
    Entry(
        TypeError,
        r"not supported between instances of 'NoneType'",
        EPSILON,
        "F.layer_norm(x, v, v, None)",
        inside=r"layer_norm\.py",
    ),
    Entry(
        ValueError,
        r"^Invalid approximation method: (.*)",
        'F.gelu knows approximate="none", "tanh" and "quick", and not {0}.',
        'F.gelu(x, approximate="new")',
    ),
    Entry(
        ValueError,
        r"must have at least 2 dimensions",
        "F.band_part works on a table: on Tensors of two axes or more.",
        "F.band_part(v, None, 0)",
    ),
    Entry(
        ValueError,
        r"^(num_\w+)=(\d+) is out of bounds for dimension size (\d+)",
        "{0} counts diagonals beside the main one, and an axis of {2} has fewer than "
        "{1}. None keeps all.",
        "F.band_part(x, None, 9)",
    ),
    Entry(
        ValueError,
        r"^Dynamic ranges must provide an explicit out_dim",
        "From a Tensor, F.arange cannot know how long it is: out_dim=... says it.",
        "F.arange(0, v[0], 1)",
    ),
    Entry(
        ValueError,
        r"^Expected condition to be a boolean tensor",
        "F.where chooses by truth values, such as x > 0.",
        "F.where(x, x, x)",
    ),
    Entry(
        ValueError,
        r"Inputs must be bools|must be boolean element type",
        "&, | and ~ work on Tensors of truth values only, such as x > 0.",
        "x & x",
    ),
    Entry(
        ValueError,
        r"^k \((\d+)\) cannot be larger|k \((\d+)\) cannot be larger",
        "F.top_k cannot give more than the axis has.",
        "F.top_k(x, 30)",
    ),
    # Python and NumPy on a Tensor
    Entry(
        TypeError,
        r"^must be real number, not Tensor",
        "math works on Python's numbers. For Tensors, F has functions such as F.sqrt.",
        "math.sqrt(x)",
    ),
    Entry(
        TypeError,
        r"type Tensor which has no callable (\w+) method",
        "np.{0} works on arrays of NumPy. For Tensors, F has functions of its own.",
        "np.exp(x)",
    ),
    Entry(
        TypeError,
        r"^Tensor\.(\w+)\(\) got an unexpected keyword argument 'out'",
        "np.{0} works on arrays of NumPy. A Tensor has .{0} itself.",
        "np.sum(x)",
        code=r"\bnp\.",
    ),
    Entry(
        TypeError,
        r"^(int|float)\(\) argument must be .* not 'Tensor'",
        "{0}() does not read a Tensor: .item() does where it holds one number, but "
        "never inside a model.",
        "float(v[0])",
    ),
    Entry(
        TypeError,
        r"^object of type 'Tensor' has no len\(\)",
        "NumPy draws from arrays of NumPy, not from Tensors: .to_numpy() gives the "
        "array.",
        "np.random.default_rng(0).choice(8, p=v)",
        code=r"choice|multinomial|np\.",
    ),
    Entry(
        TypeError,
        r"^object of type 'Tensor' has no len\(\)",
        "A Tensor has no len(): x.shape has its lengths.",
        "len(x)",
    ),
    Entry(
        TypeError,
        r"^'Tensor' object is not callable",
        "A Tensor is no function. Are there parentheses too many, as in x.T(), or is "
        "an operator missing?",
        "x.T()",
    ),
    Entry(
        TypeError,
        r"^'(?:Shape|CPU|DType|int)' object is not callable",
        ".shape, .rank, .dtype and .device are no functions: they go without "
        "parentheses.",
        "x.shape()",
        code=r"\.(shape|rank|dtype|device)\(",
    ),
    Entry(
        ValueError,
        r"^setting an array element with a sequence\.$",
        NOT_READ,
        "np.asarray(x, dtype=np.float64)",
    ),
    Entry(
        IndexError,
        r"array is 0-dimensional, but",
        NOT_READ,
        "np.asarray(x)[0]",
        code=r"\bnp\.|\[",
    ),
    Entry(
        ValueError,
        r"^matmul: Input operand \d does not have enough dimensions",
        "@ has an array of NumPy on one side. Tensor.from_dlpack makes a Tensor of it.",
        "Linear(8, 8)(np.ones((2, 8), np.float32))",
    ),
    Entry(
        ValueError,
        r"^The truth value of an array",
        "An array has a truth value for each number: .all() or .any() makes one of "
        "them.",
        "if np.ones(3) > 0: pass",
    ),
    Entry(
        TypeError,
        r"^only (?:0-dimensional|length-1|size-1) arrays can be converted",
        "One number is wanted, and the array holds several, or has an axis too many: "
        "take one by its index.",
        "int(np.ones(3))",
    ),
    Entry(
        ValueError,
        r"^can only convert an array of size 1",
        ".item() wants an array of one number, and this one holds several.",
        "np.ones(3).item()",
    ),
    Entry(
        ValueError,
        r"^(?:output array|assignment destination) is read-only",
        "This array is a Tensor's memory, where NumPy may not write. .copy() gives one "
        "of your own.",
        "np.from_dlpack(Tensor.from_dlpack(np.ones(3, np.float32)))[0] = 1",
        code=r"",
    ),
    Entry(
        TypeError,
        r"^_\w+\(\) got an unexpected keyword argument '(?:dim|keepdim)'",
        "NumPy says axis and keepdims where PyTorch says dim and keepdim.",
        "np.ones((2, 3)).sum(dim=-1)",
    ),
    Entry(
        ValueError,
        r"^matmul: .* in its core dimension .* \(size (\d+) is different from (\d+)\)",
        "In NumPy's @, the last axis on the left ({1}) must be as long as the last but "
        "one on the right ({0}).",
        "np.ones((2, 3)) @ np.ones((2, 4))",
    ),
    # Drawing
    Entry(
        ValueError,
        r"robabilities do not sum to 1",
        "NumPy wants probabilities that sum to 1 as float64 counts it, and a softmax "
        "in float32 comes only near.",
        "np.random.default_rng(0).choice(8, p=np.ones(8))",
    ),
    Entry(
        ValueError,
        r"robabilities contain NaN",
        "A probability is NaN, no number: was something divided by 0, or infinity "
        "taken from infinity?",
        "np.random.default_rng(0).choice(8, p=np.full(8, np.nan))",
    ),
    Entry(
        ValueError,
        r"robabilities are not non-negative",
        "A probability is below 0. Are these still logits?",
        "np.random.default_rng(0).choice(8, p=-np.ones(8))",
    ),
    Entry(
        ValueError,
        r"^'?a'? and '?p'? must have same size",
        "There must be as many probabilities as there are things to choose from.",
        "np.random.default_rng(0).choice(8, p=np.ones(7) / 7)",
    ),
    Entry(
        ValueError,
        r"^'?p'? must be 1-dimensional",
        "choice draws by one row of probabilities at a time, and p has another number "
        "of axes.",
        "np.random.default_rng(0).choice(8, p=np.ones((2, 8)) / 8)",
    ),
    Entry(
        ValueError,
        r"^sum\(pvals",
        "The probabilities of multinomial sum to more than 1, as float64 counts it.",
        "np.random.default_rng(0).multinomial(1, np.ones(8))",
    ),
    Entry(
        ValueError,
        r"^a must be a sequence or an integer, not <class '(?:[\w.]*\.)?(\w+)'>",
        "choice draws from a whole number of things or an array of NumPy, and this is "
        "of type {0}.",
        "np.random.default_rng(0).choice(v)",
    ),
    # Modules
    Entry(
        NotImplementedError,
        r"^ModuleList must implement forward",
        "A ModuleList is a list and cannot be called: call its modules one by one.",
        "ModuleList([Linear(8, 8)])(x)",
    ),
    Entry(
        NotImplementedError,
        r"^(\w+) must implement forward",
        "{0} has no method of the name forward, which runs when it is called.",
        "Module()(x)",
    ),
    Entry(
        TypeError,
        r"^list expected at most 1 argument|^'(\w+)' object is not iterable",
        "ModuleList takes the modules as one list, in brackets.",
        "ModuleList(Linear(8, 8), Linear(8, 8))",
        code=r"ModuleList\(",
    ),
    Entry(
        TypeError,
        r"^'list' object is not callable",
        "Sequential takes the modules one by one, without brackets.",
        "Sequential([Linear(8, 8)])(x)",
        inside=r"sequential\.py",
    ),
    Entry(
        TypeError,
        r"^object\.__init__\(\) takes exactly one argument",
        "MAX's Module wants nothing in super().__init__(): leave it empty, or out.",
        "class A(Module):\n"
        "    def __init__(self, n):\n"
        "        super().__init__(n)\n"
        "A(3)",
    ),
    Entry(
        RuntimeError,
        r"^No seed set",
        "A layer draws its first weights when it is made, so it is made in __init__, "
        "not in forward.",
        "Linear(8, 8)",
        mode="symbolic",
    ),
    Entry(
        KeyError,
        r"Weight '(\w*head[\w.]*)' is missing from the provided weights",
        "The checkpoint has no {0}: GPT-2's head has no weights of its own, it uses "
        "the token embedding's.",
        "module = Module()\n"
        "module.lm_head = Linear(8, 8)\n"
        "module.load_state_dict({})\n"
        "module.lm_head.weight + 1",
    ),
    Entry(
        KeyError,
        r"Weight '(.*?)' is missing from the provided weights",
        "The module has a parameter {0}, and the weights have none. Every Tensor or "
        "layer that is kept in self is a parameter, by the name it has there.",
        "Linear(8, 8).load_state_dict({'bias': np.ones(8, np.float32)})",
    ),
    Entry(
        ValueError,
        r"^load_state_dict did not use some weights: \{'(.*?)'",
        "The weights have {0}, for which the module has no parameter. Every Tensor or "
        "layer that is kept in self is one, by the name it has there.",
        "Module().load_state_dict({'wte': np.ones(8, np.float32)})",
    ),
    Entry(
        ValueError,
        r"^'(.*?)': Loaded tensor \(shape=(\[.*?\]), dtype=DType\.(\w+)\) .* parameter "
        r"\(shape=(\[.*?\]), dtype=DType\.(\w+)\)",
        "The parameter {0} is {3} in {4}, and the weight for it {1} in {2}.",
        "Linear(8, 8, bias=False).load_state_dict({'weight': np.ones((8, 7), 'f')})",
    ),
]

# --- The sentence for an error -----------------------------------------------------


def in_our_words(error: BaseException, file: Path) -> str:
    """What an error of MAX or NumPy means, and what to do; empty if it is of another.

    Args:
        error: What was raised.
        file: The learner's file.
    """
    place = Place.of(error, file)
    if re.search(r"(^|[:;])\s*(raise|assert)\b", place.code):
        return ""  # they raise it themselves
    if place.frame is None and "/max/" not in place.inside.rpartition("\n")[2]:
        return ""  # it comes neither through their file nor from MAX
    entry = which(error, place)
    if entry is not None:
        found = re.search(entry.says, plain(error), re.DOTALL)
        return entry.sentence.format(*(found.groups() if found else []))
    if place.frame is None:
        return ""
    if isinstance(error, AttributeError):
        return missing_name(error, place)
    if isinstance(error, ImportError):
        return missing_import(error)
    if isinstance(error, NameError) and error.name in IMPORTS:
        return f"{error.name} is not imported: {IMPORTS[error.name]}"
    return wrong_call(error, place) if isinstance(error, TypeError) else ""


class Place(NamedTuple):
    """Where an error comes from.

    Attributes:
        frame: The learner's, the last one of them; None if the error does not come
            through their file, such as when MAX computes what it has collected.
        code: The learner's lines there.
        exact: Of these, the very expression that raised.
        inside: The places that it led to, as "file:function".
    """

    frame: FrameType | None
    code: str
    exact: str
    inside: str

    @classmethod
    def of(cls, error: BaseException, file: Path) -> "Place":
        """The last place in `file`, and all that came after it."""
        places = traceback.extract_tb(error.__traceback__)
        own = [i for i, place in enumerate(places) if place.filename == str(file)]
        rest = places[own[-1] + 1 :] if own else places
        inside = "\n".join(f"{place.filename}:{place.name}" for place in rest)
        if not own:
            return cls(None, "", "", inside)
        frame, _ = list(traceback.walk_tb(error.__traceback__))[own[-1]]
        return cls(frame, *written(places[own[-1]]), inside)


def which(error: BaseException, place: Place) -> Entry | None:
    """The first entry that fits an error; None if there is none."""
    said = plain(error)
    for entry in ENTRIES:
        if (
            isinstance(error, entry.kind)
            and re.search(entry.says, said, re.DOTALL)
            and re.search(entry.code, place.exact if "$" in entry.code else place.code)
            and re.search(entry.inside, place.inside)
        ):
            return entry
    return None


def plain(error: BaseException) -> str:
    """An error's message, with `[Dim(2), Dim('seq')]` as `[2, seq]`."""
    key = isinstance(error, KeyError) and error.args  # of which str() is a repr()
    said = str(error.args[0]) if key else str(error)
    return re.sub(r"Dim\('?([^()']*)'?\)", r"\1", said)


def written(place: traceback.FrameSummary) -> tuple[str, str]:
    """The learner's lines that raised, and of these the very expression."""
    first = place.lineno or 1
    last = place.end_lineno or first
    lines = linecache.getlines(place.filename)[first - 1 : last]
    code = "".join(lines).strip()
    if not lines or place.colno is None:
        return code, code
    exact = [line.encode() for line in lines]
    exact[-1] = exact[-1][: place.end_colno]
    exact[0] = exact[0][place.colno :]
    return code, b"".join(exact).decode(errors="replace")


# --- Names -------------------------------------------------------------------------


def missing_name(error: AttributeError, place: Place) -> str:
    """For an attribute of something of MAX, or of NumPy's, that there is not."""
    thing, name = error.obj, error.name or ""
    if isinstance(thing, ModuleType) and thing.__name__.startswith("max."):
        return not_in(thing.__name__, name)
    kind = thing if isinstance(thing, type) else type(thing)
    title, module = kind.__name__, kind.__module__
    if title == "Tensor" and module.startswith("max."):
        table = {**METHODS, **CLASS} if isinstance(thing, type) else METHODS
        function = getattr(sys.modules[FUNCTIONAL], name, None)
        other = f"There is F.{name}." if inspect.isroutine(function) else ""
        return said_of("A Tensor", "." + name, table.get(name) or other, dir(kind))
    if title == "TensorValue":
        return "This is a TensorValue of max.graph. What F and Tensor do gives Tensors."
    if title == "DType" and module.startswith("max."):
        like = DTYPES.get(name) or f"DType.{(near(name, dir(kind)) or ['int64'])[0]}"
        return f"MAX has no DType.{name}. There is {like}."
    if title.endswith("Dim") and module.startswith("max."):
        return f"A length from x.shape has no .{name}: it is used as it is."
    if title == "Shape" and module.startswith("max."):
        return f"x.shape has no .{name}: it is a list of lengths."
    if title == "Generator" and module.startswith("numpy."):
        return said_of("NumPy's Generator", "." + name, GENERATOR.get(name), dir(thing))
    if title == "ndarray":
        return said_of("An array of NumPy", "." + name, ARRAY.get(name), dir(thing))
    if module.startswith(NN):
        own = [key for key, kept in vars(thing).items() if "Tensor" in str(type(kept))]
        advice = MODULE.get(name) or (own and f"It has .{' and .'.join(own)}.") or ""
        return said_of(f"A {title}", "." + name, advice, dir(thing))
    if not any(base.__module__.startswith(NN) for base in kind.__mro__):
        return ""
    if name in MODULE:
        return f"MAX's Module has no .{name}. {MODULE[name]}"
    theirs = place.exact == f"self.{name}"  # a name of their own
    if hasattr(sys.modules["max.experimental.tensor"].Tensor, name) and not theirs:
        return f"A {title} is no Tensor: its numbers are in what it keeps in self."
    return ""


def not_in(module: str, name: str) -> str:
    """For a name that a module of MAX does not have."""
    short = {FUNCTIONAL: "F", NN: "nn"}.get(module, module)
    table = {FUNCTIONAL: FUNCTIONS, NN: LAYERS}.get(module, {})
    names = dir(sys.modules[module]) if module in sys.modules else []
    advice = table.get(name) or (name in IMPORTS and f"Here it is: {IMPORTS[name]}")
    return said_of("MAX", f"{short}.{name}", advice or "", names)


def missing_import(error: ImportError) -> str:
    """For a name that cannot be imported from MAX, and for PyTorch."""
    if error.name in ("torch", "tensorflow", "jax", "keras"):
        return (
            f"There is no {error.name} here: the steps are written with MAX and NumPy."
        )
    if not str(error.name).startswith("max"):
        return ""
    if isinstance(error, ModuleNotFoundError):
        return (
            f"MAX has no module {error.name}. The stub's imports are all that it takes."
        )
    found = re.match(r"cannot import name '(\w+)'", str(error))
    return not_in(str(error.name), found[1]) if found else ""


def said_of(owner: str, name: str, advice: str | None, names: list[str]) -> str:
    """That there is no such name, and what there is."""
    if not advice:
        before, _, last = name.rpartition(".")
        others = near(last, names)
        advice = f"The nearest is {before}.{others[0]}." if others else ""
    return f"{owner} has no {name}. {advice}".rstrip()


def near(name: str, names: list[str]) -> list[str]:
    public = [other for other in names if not other.startswith("_")]
    return difflib.get_close_matches(name, public, n=1, cutoff=0.7)


# --- Calls -------------------------------------------------------------------------

CALL = (
    r"unexpected keyword argument '(?P<word>\w+)'|missing (?:a|\d+) required"
    r"|too many positional|positional arguments? but|takes no arguments"
    r"|multiple values for"
)
ELSEWHERE = {
    "dim": "MAX says axis where PyTorch says dim.",
    "keepdim": "MAX keeps the axis anyway, with length 1.",
    "keepdims": "MAX keeps the axis anyway, with length 1.",
}


def wrong_call(error: TypeError, place: Place) -> str:
    """For a function of MAX that was given other arguments than it takes."""
    found = re.search(CALL, str(error))
    method = re.match(r"Tensor\.\w+", str(error))
    name = method[0] if method else called(place.exact)
    function = known(name, place.frame) if place.frame else None
    module = str(getattr(function, "__module__", ""))
    if not found or not callable(function) or not module.startswith("max."):
        return ""
    if module.startswith("max.nn"):
        return f"{name} is one of max.nn. The steps use those of max.experimental.nn."
    if not isinstance(function, type) and not inspect.isroutine(function):
        function = getattr(function, "forward", function)  # a layer
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError):
        return ""
    bare = [p.replace(annotation=p.empty) for p in parameters.values()]
    takes = inspect.Signature([p for p in bare if p.name != "self"])
    word = found["word"] or ""
    more = ELSEWHERE.get(word, "") if word not in parameters else ""
    return f"{name} takes {takes}. {more}".rstrip()


def called(code: str) -> str:
    """The name of what a call calls, such as `F.mean`; empty if it has none."""
    try:
        call = ast.parse(code, mode="eval").body
    except (SyntaxError, ValueError):
        return ""
    name = ast.unparse(call.func) if isinstance(call, ast.Call) else ""
    return name if re.fullmatch(r"[\w.]+", name) else ""


def known(name: str, frame: FrameType) -> Any:
    """What a name such as `F.mean` stands for where the learner's line runs."""
    first, *rest = name.split(".")
    thing = frame.f_locals.get(first, frame.f_globals.get(first))
    try:
        if first == "Tensor":  # as MAX calls it, whatever its name is here
            thing = sys.modules["max.experimental.tensor"].Tensor
        for part in rest:
            thing = getattr(thing, part)
    except Exception:  # a property of theirs can raise anything
        return None
    return thing
