"""What a learner's file may do without the coach coming to harm.

Each entry is a step, the text of its solution that is replaced and by what.  The
result may be bytes.
"""

from collections.abc import Callable

from course import variants

HEAD_DIM = "return self.n_embd // self.n_head"
GATHER = "return F.gather(self.weight, input_ids, axis=0)"

Change = Callable[[str], str | bytes]


def instead(old: str, new: str) -> Change:
    return lambda text: variants.swap(text, {old: new})


SURVIVED: dict[str, tuple[int, Change]] = {
    "a syntax error": (1, instead("def head_dim(self)", "def head_dim(self")),
    "a tab among spaces": (1, instead("        " + HEAD_DIM, "\t" + HEAD_DIM)),
    "bytes that are not UTF-8": (
        1,
        lambda text: text.encode().replace(b"Step 01", b"Step \xff 01"),
    ),
    "a null byte": (1, lambda text: text + "\0"),
    "an empty file": (1, lambda text: ""),
    "a class that was renamed": (1, instead("class GPT2Config", "class Config")),
    "an import that fails": (1, lambda text: "import torch\n" + text),
    "an exception while it is imported": (1, lambda text: text + "\n1 / 0\n"),
    "an exception": (1, instead(HEAD_DIM, "return self.n_emdb // self.n_head")),
    "an exception in a helper": (
        1,
        instead(HEAD_DIM, "return [int(n) for n in ('3', 'x')][0]"),
    ),
    "an assertion of its own": (1, instead(HEAD_DIM, "assert self.n_head == 0")),
    "a recursion without an end": (1, instead(HEAD_DIM, "return self.head_dim")),
    # In one line, so that it is always stopped there.
    "a loop without an end": (1, instead(HEAD_DIM, "while True: pass")),
    "a loop that cannot be interrupted": (
        1,
        instead(
            HEAD_DIM,
            "while True:\n            try:\n                pass\n"
            "            except BaseException:\n                pass",
        ),
    ),
    "exit()": (1, instead(HEAD_DIM, "exit()")),
    "exit() at its end": (1, lambda text: text + "\nimport sys\n\nsys.exit(0)\n"),
    "KeyboardInterrupt": (1, instead(HEAD_DIM, "raise KeyboardInterrupt")),
    "KeyboardInterrupt at its end": (
        1,
        lambda text: text + "\nraise KeyboardInterrupt\n",
    ),
    "breakpoint()": (1, instead(HEAD_DIM, "breakpoint()\n        " + HEAD_DIM)),
    "closing standard output": (
        1,
        instead(HEAD_DIM, "import os\n\n        os.close(1)\n        print(5)"),
    ),
    "the end of the process": (1, lambda text: text + "\nimport os\n\nos._exit(0)\n"),
    "a crash": (
        5,
        instead(GATHER, "import ctypes\n\n        ctypes.string_at(0)"),
    ),
    "printing": (
        1,
        instead(HEAD_DIM, 'print("n_embd is", self.n_embd)\n        return 5'),
    ),
    "printing without an end": (
        1,
        # Much at a time, so that not the time comes to its end first.
        instead(HEAD_DIM, 'while True:\n            print(1000 * "once more ")'),
    ),
    "reading the keyboard": (1, instead(HEAD_DIM, 'return int(input("width? "))')),
    "far too much memory": (
        1,
        instead(HEAD_DIM, "import numpy\n\n        return len(numpy.ones(10**11))"),
    ),
    "a list that grows": (
        1,
        instead(HEAD_DIM, "a = [0]\n        while True:\n            a += a"),
    ),
    "returning None": (5, instead(GATHER, GATHER.removeprefix("return "))),
    "returning a tuple": (5, instead(GATHER, GATHER + ", 1")),
    "returning a NumPy array": (
        5,
        instead(GATHER, "return self.weight.to_numpy()[input_ids.to_numpy()]"),
    ),
    "a class that is no module": (
        5,
        instead(
            "class TokenEmbedding(Module[[Tensor], Tensor])", "class TokenEmbedding"
        ),
    ),
    "text without an end": (
        12,
        instead("for _ in range(max_new_tokens):", "while True:"),
    ),
}

UNHARMED: dict[str, tuple[int, Change]] = {
    "Windows line ends": (1, lambda text: text.replace("\n", "\r\n")),
    "a byte order mark": (1, lambda text: "\ufeff" + text),
    "another NumPy seed": (
        12,
        lambda text: text.replace(
            "import numpy as np\n", "import numpy as np\n\nnp.random.seed(0)\n", 1
        ),
    ),
    "other NumPy error settings": (
        12,
        lambda text: text.replace(
            "import numpy as np\n", "import numpy as np\n\nnp.seterr(all='raise')\n", 1
        ),
    ),
}
