"""Train the two tiny GPT-2s that this repository ships: `./run train`.

MAX runs models; it has no gradients.  So the training is PyTorch's, on the
GPT-2 of Hugging Face transformers, and what comes out is an ordinary GPT-2
folder (config.json, model.safetensors, tokenizer.json) with a model card and
its loss curve.  Nobody needs this file to take the course.

    ./run train names        --data names.txt
    ./run train shakespeare  --data tinyshakespeare.txt

Interrupting is safe: every few hundred steps all state goes to models/.training,
and the same command goes on from there.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from gpt2 import process

if __name__ == "__main__":  # in front of imports that take their time
    process.begin()

import gzip
import math
import random
import time
from dataclasses import dataclass

import click
import matplotlib
import torch
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import GPT2Config, GPT2LMHeadModel

matplotlib.use("svg")
import matplotlib.pyplot as plt

matplotlib.rcParams["svg.hashsalt"] = "gpt2"  # the same picture, the same bytes
MODELS = Path(__file__).parent


# --- Recipes -----------------------------------------------------------------


@dataclass(frozen=True)
class Recipe:
    """Everything that a training run depends on, apart from its data and seed."""

    source: str  # where the data is published, for the model card
    boundary: str  # the token that starts a text (and ends one)
    vocab_size: int
    n_positions: int  # tokens
    n_embd: int
    n_layer: int
    n_head: int
    dropout: float  # probability; used in training only
    batch_size: int  # rows of n_positions tokens
    steps: int
    learning_rate: float  # the peak, after the warm-up; then a cosine to zero
    weight_decay: float
    dtype: torch.dtype  # of the saved file


RECIPES = {
    "names": Recipe(
        source="names.txt of Andrej Karpathy's makemore",
        boundary="<BOS>",
        vocab_size=27,
        n_positions=16,
        n_embd=16,
        n_layer=1,
        n_head=4,
        dropout=0.0,
        batch_size=128,
        steps=8000,
        learning_rate=1e-2,
        weight_decay=0.01,
        dtype=torch.float32,
    ),
    "shakespeare": Recipe(
        source="input.txt (tiny Shakespeare) of Andrej Karpathy's char-rnn",
        boundary="<|endoftext|>",
        vocab_size=512,
        n_positions=256,
        n_embd=192,
        n_layer=4,
        n_head=6,
        dropout=0.15,
        batch_size=16,
        steps=5000,
        learning_rate=2e-3,
        weight_decay=0.3,
        dtype=torch.float16,
    ),
}
WARMUP_STEPS = 200
EVALUATE_EVERY = 250  # steps; state is saved as often


# --- Tokenization ------------------------------------------------------------


def character_tokenizer(recipe: Recipe, text: str) -> Tokenizer:
    """One token a character, then the boundary token."""
    letters = sorted(set(text) - {"\n"})
    vocab = {token: i for i, token in enumerate([*letters, recipe.boundary])}
    tokenizer = Tokenizer(models.WordLevel(vocab, unk_token=recipe.boundary))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex("."), "isolated")
    tokenizer.decoder = decoders.Fuse()
    tokenizer.add_special_tokens([recipe.boundary])
    return tokenizer


def bpe_tokenizer(recipe: Recipe, text: str) -> Tokenizer:
    """GPT-2's byte-level byte-pair encoding, learned from `text`."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=recipe.vocab_size,
        special_tokens=[recipe.boundary],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator([text], trainer)
    return tokenizer


# --- Data -------------------------------------------------------------------------
# Each of the two classes yields batches and measures held-out loss.


class Names:
    """A row is one name between two boundary tokens; 10% of the names are held out."""

    def __init__(self, recipe: Recipe, text: str):
        self.recipe = recipe
        names = text.split()
        self.longest = recipe.n_positions - 1
        random.Random(0).shuffle(names)
        cut = len(names) * 9 // 10
        self.train, self.held_out = names[:cut], names[cut:]
        self.tokenizer = character_tokenizer(recipe, text)
        self.train_rows = self.rows(self.train)  # [names, n_positions + 1]
        self.held_out_rows = self.rows(self.held_out)

    def rows(self, names: list[str]) -> torch.Tensor:
        """`[names, n_positions + 1]`; after a name's end comes -100, not scored."""
        boundary = self.tokenizer.token_to_id(self.recipe.boundary)
        rows = torch.full((len(names), self.recipe.n_positions + 1), -100)
        for row, name in zip(rows, names, strict=True):
            ids = self.tokenizer.encode(name).ids[: self.longest]
            ids = [boundary, *ids, boundary]
            row[: len(ids)] = torch.tensor(ids)
        return rows

    def batch(self, generator: torch.Generator) -> torch.Tensor:
        picked = torch.randint(
            len(self.train_rows), (self.recipe.batch_size,), generator=generator
        )
        return self.train_rows[picked]  # [batch, n_positions + 1]

    @torch.no_grad()
    def held_out_losses(self, model: GPT2LMHeadModel) -> dict[str, float]:
        total = 0.0
        for rows in self.held_out_rows.split(512):
            total += negative_log_likelihood(model, rows).sum().item()
        scored = (self.held_out_rows[:, 1:] >= 0).sum().item()
        return {"nats per character, each name's end included": total / scored}


class Shakespeare:
    """Random windows of the first 90% of the text; the last 10% is held out."""

    def __init__(self, recipe: Recipe, text: str):
        self.recipe = recipe
        cut = len(text) * 9 // 10
        train, held_out = text[:cut], text[cut:]
        self.characters = len(held_out)
        self.tokenizer = bpe_tokenizer(recipe, train)
        self.boundary = self.tokenizer.token_to_id(recipe.boundary)
        self.train_ids = torch.tensor(self.tokenizer.encode(train).ids)  # [tokens]
        self.held_out_ids = torch.tensor(
            [self.boundary, *self.tokenizer.encode(held_out).ids]
        )
        # A speech starts after an empty line: some windows start there, behind the
        # boundary token, so that the model also learns to begin from nothing.
        newline = self.tokenizer.token_to_id("Ċ")
        blank = (self.train_ids[1:] == newline) & (self.train_ids[:-1] == newline)
        double = self.tokenizer.token_to_id("ĊĊ")
        after = torch.cat([torch.tensor([False]), blank])
        if double is not None:
            after |= self.train_ids == double
        starts = after.nonzero().flatten() + 1
        self.speeches = starts[starts < len(self.train_ids) - recipe.n_positions]

    def batch(self, generator: torch.Generator) -> torch.Tensor:
        length, size = self.recipe.n_positions, self.recipe.batch_size
        starts = torch.randint(
            len(self.train_ids) - length, (size,), generator=generator
        )
        rows = self.train_ids[starts[:, None] + torch.arange(length + 1)]
        picked = torch.randint(len(self.speeches), (size // 8,), generator=generator)
        speeches = self.speeches[picked]
        rows[: size // 8, 0] = self.boundary
        rows[: size // 8, 1:] = self.train_ids[speeches[:, None] + torch.arange(length)]
        return rows  # [batch, n_positions + 1]

    @torch.no_grad()
    def held_out_losses(self, model: GPT2LMHeadModel) -> dict[str, float]:
        """Each held-out token is scored once, in windows of n_positions tokens."""
        length = self.recipe.n_positions
        return {
            "nats per character, windows side by side": self.nats(model, length),
            "nats per character, windows overlapping by half": self.nats(
                model, length // 2
            ),
        }

    def nats(self, model: GPT2LMHeadModel, stride: int) -> float:
        """`stride` new tokens a window; the tokens before them are only context."""
        length, ids = self.recipe.n_positions, self.held_out_ids
        windows: dict[int, list[torch.Tensor]] = {}  # new tokens -> rows
        for end in range(stride, len(ids) - 1 + stride, stride):
            end, start = min(end, len(ids) - 1), end - stride
            begin = max(0, end - length)
            windows.setdefault((end - start, end - begin), []).append(
                ids[begin : end + 1]
            )
        total = 0.0
        for (new, _), rows in windows.items():
            for part in torch.stack(rows).split(64):
                nll = negative_log_likelihood(model, part)
                total += nll[:, -new:].sum().item()
        return total / self.characters


DATA = {"names": Names, "shakespeare": Shakespeare}


def negative_log_likelihood(model: GPT2LMHeadModel, rows: torch.Tensor):
    """Nats of each next token: `[batch, seq + 1]` ids to `[batch, seq]` float32."""
    inputs, targets = rows[:, :-1], rows[:, 1:]
    logits = model(inputs.clamp(min=0)).logits  # [batch, seq, vocab]
    return torch.nn.functional.cross_entropy(
        logits.transpose(1, 2), targets, ignore_index=-100, reduction="none"
    )


# --- Training ----------------------------------------------------------------


def build(recipe: Recipe, boundary: int) -> GPT2LMHeadModel:
    config = GPT2Config(
        vocab_size=recipe.vocab_size,
        n_positions=recipe.n_positions,
        n_embd=recipe.n_embd,
        n_layer=recipe.n_layer,
        n_head=recipe.n_head,
        resid_pdrop=recipe.dropout,
        embd_pdrop=recipe.dropout,
        attn_pdrop=0.0,  # with it, PyTorch's fast attention on the CPU is lost
        # The same formula as GPT-2's "gelu_new", in one operation instead of eight.
        activation_function="gelu_pytorch_tanh",
        bos_token_id=boundary,
        eos_token_id=boundary,
    )
    return GPT2LMHeadModel(config)


def optimizer_for(model: GPT2LMHeadModel, recipe: Recipe) -> torch.optim.AdamW:
    """Weight decay on matrices, none on biases and layer norms."""
    matrices = [p for p in model.parameters() if p.ndim >= 2]
    vectors = [p for p in model.parameters() if p.ndim < 2]
    groups = [
        {"params": matrices, "weight_decay": recipe.weight_decay},
        {"params": vectors, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, betas=(0.9, 0.99), fused=True)


def learning_rate(recipe: Recipe, step: int) -> float:
    if step < WARMUP_STEPS:
        return recipe.learning_rate * (step + 1) / WARMUP_STEPS
    done = (step - WARMUP_STEPS) / (recipe.steps - WARMUP_STEPS)
    return recipe.learning_rate * 0.5 * (1 + math.cos(math.pi * done))


def train(name: str, recipe: Recipe, data, seed: int, state_file: Path):
    """Run the recipe, from its last saved state if there is one.

    Returns the trained model, the curve `[(step, training loss, held-out loss)]`,
    both in nats per token and per character, and the seconds spent.
    """
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    model = build(recipe, data.tokenizer.token_to_id(recipe.boundary))
    optimizer = optimizer_for(model, recipe)
    step, seconds, curve = 0, 0.0, []
    if state_file.exists():
        state = torch.load(state_file, weights_only=True)
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        generator.set_state(state["generator"])
        torch.set_rng_state(state["dropout"])
        step, seconds, curve = state["step"], state["seconds"], state["curve"]
        click.echo(f"going on from step {step} ({state_file})")

    parameters = sum(p.numel() for p in model.parameters())
    click.echo(f"{name}: {parameters:,} parameters, {recipe.steps:,} steps")
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed}/{task.total}"),
        TimeRemainingColumn(),
    )
    running = float("nan")
    with Progress(*columns, disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task("training", total=recipe.steps, completed=step)
        while step < recipe.steps:
            start = time.perf_counter()
            for group in optimizer.param_groups:
                group["lr"] = learning_rate(recipe, step)
            rows = data.batch(generator)
            losses = negative_log_likelihood(model.train(), rows)
            loss = losses.sum() / (rows[:, 1:] >= 0).sum()
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            step += 1
            running = loss.item() if math.isnan(running) else running
            running += 0.02 * (loss.item() - running)
            seconds += time.perf_counter() - start

            progress.update(task, completed=step, description=f"loss {running:.3f}")
            if step % EVALUATE_EVERY == 0 or step == recipe.steps:
                held_out, *_ = data.held_out_losses(model.eval()).values()
                curve.append((step, running, held_out))
                progress.console.print(
                    f"step {step:6d}  training {running:.4f} nats a token"
                    f"  held-out {held_out:.4f} nats a character  {seconds:.0f} s"
                )
                state = {
                    "model": model.state_dict(),
                    "optimizer": optimizer.state_dict(),
                    "generator": generator.get_state(),
                    "dropout": torch.get_rng_state(),
                    "step": step,
                    "seconds": seconds,
                    "curve": curve,
                }
                partial = state_file.with_suffix(".partial")
                torch.save(state, partial)
                partial.replace(state_file)  # never half a file
    return model.eval(), curve, seconds


# --- Saving ------------------------------------------------------------------

CARD = """# {name}

{parameters:,} parameters: {layers}, {n_head} heads, width {n_embd},
{vocab_size} tokens, {n_positions} positions; stored as {dtype}.

Data: {source}; {held_out}
Command: `{command}`
Seed {seed}, {steps:,} steps, {minutes:.0f} minutes on {threads} threads.

Held-out loss of the saved file:

{losses}

![loss curve](loss.svg)
"""
HELD_OUT = {
    "names": "a tenth of the names, drawn at random, is held out.",
    "shakespeare": "the tokenizer and the model saw the first 90%.",
}


def save(name, recipe, data_file, data, model, curve, seconds, seed, folder) -> None:
    """Write the GPT-2 folder, then measure what was written and write its card."""
    folder.mkdir(exist_ok=True)
    model.config.activation_function = "gelu_new"
    model.to(recipe.dtype).save_pretrained(folder)
    (folder / "generation_config.json").unlink(missing_ok=True)
    (folder / "model.safetensors").chmod(0o644)
    data.tokenizer.save(str(folder / "tokenizer.json"))

    saved = GPT2LMHeadModel.from_pretrained(folder, dtype=torch.float32).eval()
    losses = [f"- {v:.4f} {k}" for k, v in data.held_out_losses(saved).items()]
    click.echo("\n".join(losses))
    card = CARD.format(
        name=name,
        parameters=sum(p.numel() for p in model.parameters()),
        layers="1 layer" if recipe.n_layer == 1 else f"{recipe.n_layer} layers",
        dtype=str(recipe.dtype).removeprefix("torch."),
        held_out=HELD_OUT[name],
        command=f"./run train {name} --data {data_file.name}",
        seed=seed,
        minutes=seconds / 60,
        threads=torch.get_num_threads(),
        losses="\n".join(losses),
        **{
            key: getattr(recipe, key)
            for key in ("source n_head n_embd vocab_size n_positions steps".split())
        },
    )
    (folder / "README.md").write_text(card)

    steps, training, held_out = zip(*curve, strict=True)
    figure, axes = plt.subplots(figsize=(7, 3.5))
    axes.plot(steps, training, label="training (nats a token, with dropout)")
    axes.plot(steps, held_out, label="held-out (nats a character)")
    axes.set_xlabel("step")
    axes.legend()
    figure.tight_layout()
    figure.savefig(folder / "loss.svg", metadata={"Date": None})
    if name == "names":  # so that `names` can tell which of its names are new
        text = "\n".join(sorted(data.train)).encode()
        (folder / "trained_on.txt.gz").write_bytes(gzip.compress(text, mtime=0))


@click.command()
@click.argument("name", type=click.Choice(sorted(RECIPES)))
@click.option(
    "--data",
    "data_file",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The text to train on; where it is published stands in the recipe.",
)
@click.option("--seed", default=1, show_default=True)
def main(name: str, data_file: Path, seed: int) -> None:
    """Train models/NAME and write its folder."""
    recipe = RECIPES[name]
    state_file = MODELS / ".training" / f"{name}.pt"
    state_file.parent.mkdir(exist_ok=True)
    data = DATA[name](recipe, data_file.read_text())
    model, curve, seconds = train(name, recipe, data, seed, state_file)
    save(name, recipe, data_file, data, model, curve, seconds, seed, MODELS / name)


if __name__ == "__main__":
    process.run(main, "./run train")
