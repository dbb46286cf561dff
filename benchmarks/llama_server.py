"""llama.cpp's HTTP server, out of the wheel `xllamacpp`: `load` starts it.

It has as many slots as there are streams.  It keeps no prompts of earlier texts, since
none comes twice.  Everything else is as llama.cpp has it, keys and values in float16.
"""

if __name__ == "__main__":  # in front of imports that take their time
    from gpt2 import process

    process.begin()

import signal

import click

from benchmarks import machine


@click.command()
@click.argument("model")
@click.option("--streams", type=int, required=True)
@click.option("--context", type=int, required=True, help="Tokens of each.")
def main(model: str, streams: int, context: int) -> None:
    """Serve a GGUF file until a signal comes."""
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = model
    params.n_parallel = streams
    params.n_ctx = streams * context
    params.cache_prompt = False
    params.cache_ram_mib = 0
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = machine.cores()
    server = xllamacpp.Server(params)
    click.echo(f"ready at {server.listening_address}")
    signal.pause()


if __name__ == "__main__":
    process.run(main, "llama_server")
