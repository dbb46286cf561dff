"""Rows of a packed weight, in int8 without their scales."""

import extensibility
from extensibility import InputTensor, OutputTensor
from .cores import spread
from .lines import f32, floats, per_line


@extensibility.register("gpt2_embedding")
struct Embedding:
    """`y = weight[ids]`; a row's numbers lie in every line of its group."""

    @staticmethod
    def execute[
        target: StaticString, dtype: DType, group: Int
    ](
        y: OutputTensor[dtype=f32, rank=3, ...],  # [batch, seq, n_in]
        ids: InputTensor[dtype=DType.int64, rank=2, ...],  # [batch, seq]
        weight: InputTensor[dtype=dtype, rank=4, ...],  # packed
    ) raises:
        comptime per = per_line[dtype]()
        var n_in, lines = y.dim_size(2), weight.dim_size(1)
        var count = ids.dim_size(0) * ids.dim_size(1)
        var to = floats(y.unsafe_ptr())
        var table = weight.unsafe_ptr()

        def one_token(n: Int) {imm}:
            var id = Int(ids.unsafe_ptr().unsafe_load(n))
            var row = (id // group * lines * group + id % group) * per
            for i in range(n_in):
                var at = row + i // per * group * per + i % per
                var v = table.unsafe_load(at).cast[f32]()
                to[unsafe_offset=n * n_in + i] = v

        spread(one_token, count, count * n_in * 16)
