"""CTranslate2, OpenNMT's engine for transformer models."""

from benchmarks.programs.program import Files, Program, Tokens


class CTranslate2(Program):
    packages = ("ctranslate2",)
    precisions = ("float32", "int8")

    @staticmethod
    def prepare(files: Files, precision: str) -> None:
        from ctranslate2.converters import TransformersConverter

        converter = TransformersConverter(str(files.checkpoint))
        converter.convert(str(files.own), quantization=precision)

    def __init__(self, files: Files, precision: str, threads: int) -> None:
        import ctranslate2

        settings = {"compute_type": precision, "intra_threads": threads}
        self.generator = ctranslate2.Generator(str(files.own), **settings)

    def generate(self, prompts: Tokens, new: int) -> Tokens:
        words = [[str(i) for i in prompt] for prompt in prompts]
        settings = {"max_length": new, "min_length": new}
        answers = self.generator.generate_batch(
            words, include_prompt_in_result=False, **settings
        )
        return [answer.sequences_ids[0] for answer in answers]
