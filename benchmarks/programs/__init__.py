"""GPT-2 124M in seven programs, a file for each.  In reading order:

    program.py       what a program is
    gpt2_124m.py     the model that all of them run
    ours.py          this repository
    huggingface.py   transformers, whose tokens the others must write
    pytorch.py       plain PyTorch
    llama_cpp.py     llama.cpp
    ctranslate.py    CTranslate2
    onnx_runtime.py  ONNX Runtime
    open_vino.py     OpenVINO GenAI

A library is imported where it is used, since each program lives in a process of its
own.  To add a program, write a file like `huggingface.py` and name its class here.
"""

from benchmarks.programs.ctranslate import CTranslate2
from benchmarks.programs.huggingface import Transformers
from benchmarks.programs.llama_cpp import LlamaCpp
from benchmarks.programs.onnx_runtime import OnnxRuntime
from benchmarks.programs.open_vino import OpenVINO
from benchmarks.programs.ours import Ours
from benchmarks.programs.program import Program
from benchmarks.programs.pytorch import PyTorch

PROGRAMS: dict[str, type[Program]] = {
    "ours": Ours,
    "transformers": Transformers,
    "pytorch": PyTorch,
    "llama.cpp": LlamaCpp,
    "ctranslate2": CTranslate2,
    "onnxruntime": OnnxRuntime,
    "openvino": OpenVINO,
}
