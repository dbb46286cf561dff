"""Other right answers to step 12."""

ANSWERS = {
    "the inverse of the cumulative sum": """
def generate_next_token(model, input_ids, *, temperature=1.0, do_sample=True, rng=None):
    if not 0 <= temperature < math.inf:
        raise ValueError("the temperature must be finite and not negative")
    logits = model(input_ids).to_numpy()[:, -1].astype(np.float64)
    if temperature == 0 or not do_sample:
        tokens = logits.argmax(axis=-1)
    else:
        rng = rng or np.random.default_rng()
        powers = np.exp((logits - logits.max(axis=-1, keepdims=True)) / temperature)
        sums = np.cumsum(powers, axis=-1)
        sums /= sums[:, -1:]
        tokens = [
            np.searchsorted(row, draw, side="right")
            for row, draw in zip(sums, rng.random(len(sums)), strict=True)
        ]
    tokens = np.array(tokens, dtype=np.int64).reshape(-1, 1)
    return Tensor.from_dlpack(tokens).to(input_ids.device)
""",
    "Gumbel noise, NumPy throughout": """
def check_temperature(temperature):
    if temperature < 0 or not np.isfinite(temperature):
        raise ValueError(f"bad temperature: {temperature}")


def generate_next_token(model, input_ids, *, temperature=1.0, do_sample=True, rng=None):
    check_temperature(temperature)
    last = model(input_ids)[:, -1].to_numpy().astype(np.float64)
    if do_sample and temperature > 0:
        if rng is None:
            rng = np.random.default_rng()
        last = last - last.max(axis=1, keepdims=True)
        last = last / temperature + rng.gumbel(size=last.shape)
    chosen = np.argmax(last, axis=1, keepdims=True)
    return Tensor(chosen.tolist(), dtype=DType.int64, device=input_ids.device)


def generate(
    model,
    input_ids,
    max_new_tokens,
    *,
    temperature=1.0,
    do_sample=True,
    rng=None,
    n_positions=None,
    stop_token=None,
):
    check_temperature(temperature)
    device = input_ids.device
    if rng is None:
        rng = np.random.default_rng()
    ids = input_ids.to_numpy()
    finished = np.full(len(ids), False)
    for _ in range(max_new_tokens):
        seen = ids if n_positions is None else ids[:, -n_positions:]
        seen = Tensor.from_dlpack(np.ascontiguousarray(seen)).to(device)
        new = generate_next_token(
            model, seen, temperature=temperature, do_sample=do_sample, rng=rng
        ).to_numpy()[:, 0]
        if stop_token is not None:
            new = np.where(finished, stop_token, new)
            finished = finished | (new == stop_token)
        ids = np.concatenate([ids, new[:, None]], axis=1)
        if finished.all():
            break
    return Tensor.from_dlpack(np.ascontiguousarray(ids)).to(device)
""",
    "softmax in NumPy, a while loop": """
def softmax(row):
    powers = np.exp(row - row.max())
    return powers / powers.sum()


def generate_next_token(model, input_ids, *, temperature=1.0, do_sample=True, rng=None):
    if not (math.isfinite(temperature) and temperature >= 0):
        raise ValueError("temperature must be a finite number, 0 or above")
    logits = model(input_ids)[:, -1, :]
    if not do_sample or temperature == 0:
        token = logits.argmax()  # [batch, 1]
        return token.to(input_ids.device)
    if rng is None:
        rng = np.random.default_rng()
    tokens = []
    for row in logits.to_numpy().astype(np.float64):
        probabilities = softmax((row - row.max()) / temperature)
        tokens.append([int(rng.choice(row.size, p=probabilities))])
    return Tensor(tokens, dtype=DType.int64, device=input_ids.device)


def generate(
    model,
    input_ids,
    max_new_tokens,
    *,
    temperature=1.0,
    do_sample=True,
    rng=None,
    n_positions=None,
    stop_token=None,
):
    if not (math.isfinite(temperature) and temperature >= 0):
        raise ValueError("temperature must be a finite number, 0 or above")
    rng = np.random.default_rng() if rng is None else rng
    batch, prompt_length = (int(n) for n in input_ids.shape)
    stopped = [False] * batch
    while int(input_ids.shape[1]) < prompt_length + max_new_tokens:
        length = int(input_ids.shape[1])
        start = 0 if n_positions is None else max(0, length - n_positions)
        new = generate_next_token(
            model,
            input_ids[:, start:] if start else input_ids,
            temperature=temperature,
            do_sample=do_sample,
            rng=rng,
        )
        if stop_token is not None:
            tokens = [
                stop_token if was_stopped else int(token)
                for was_stopped, token in zip(stopped, new.to_numpy()[:, 0])
            ]
            stopped = [token == stop_token for token in tokens]
            new = Tensor(
                [[token] for token in tokens],
                dtype=DType.int64,
                device=input_ids.device,
            )
        input_ids = F.concat((input_ids, new), axis=-1)
        if all(stopped):
            return input_ids
    return input_ids
""",
    "multinomial draws, columns joined at the end": """
def generate_next_token(model, input_ids, *, temperature=1.0, do_sample=True, rng=None):
    if np.isnan(temperature) or np.isinf(temperature) or temperature < 0:
        raise ValueError(f"temperature is {temperature}")
    logits = model(input_ids).to(CPU()).to_numpy()[:, -1, :]
    if temperature == 0 or do_sample is False:
        best = np.argmax(logits, axis=-1, keepdims=True)
        return Tensor.from_dlpack(best).to(input_ids.device)
    logits = logits.astype(np.float64)
    logits -= logits.max(axis=-1, keepdims=True)
    probabilities = np.exp(logits / temperature)
    probabilities /= probabilities.sum(axis=-1, keepdims=True)
    generator = np.random.default_rng() if rng is None else rng
    counts = generator.multinomial(1, probabilities)  # [batch, vocab_size]
    drawn = counts.argmax(axis=-1)[:, np.newaxis]
    return Tensor.from_dlpack(drawn).to(input_ids.device)


def generate(
    model,
    input_ids,
    max_new_tokens,
    *,
    temperature=1.0,
    do_sample=True,
    rng=None,
    n_positions=None,
    stop_token=None,
):
    if np.isnan(temperature) or np.isinf(temperature) or temperature < 0:
        raise ValueError(f"temperature is {temperature}")
    rng = rng if rng is not None else np.random.default_rng()
    columns = list(input_ids.to_numpy().T)
    done = np.zeros_like(columns[0], dtype=bool)
    crop = 0 if n_positions is None else -n_positions

    def tensor(some_columns):
        ids = np.stack(some_columns, axis=1)
        return Tensor.from_dlpack(ids).to(input_ids.device)

    while max_new_tokens > 0 and not done.all():
        column = generate_next_token(
            model,
            tensor(columns[crop:]),
            temperature=temperature,
            do_sample=do_sample,
            rng=rng,
        ).to_numpy()[:, 0]
        if stop_token is not None:
            column = np.where(done, stop_token, column)
            done |= column == stop_token
        columns.append(column)
        max_new_tokens -= 1
    return tensor(columns)
""",
    "a race of exponential clocks, a stream of tokens": '''
from collections.abc import Iterator


def generate_next_token(model, input_ids, *, temperature=1.0, do_sample=True, rng=None):
    if math.isnan(temperature) or math.isinf(temperature) or temperature < 0:
        raise ValueError("temperature: give a finite number that is not negative")
    logits = model(input_ids)[:, -1, :]
    if temperature > 0 and do_sample:
        numbers = logits.to_numpy().astype(np.float64)
        numbers -= numbers.max(axis=-1, keepdims=True)
        rng = rng if rng is not None else np.random.default_rng()
        clocks = rng.exponential(size=numbers.shape)
        first = (np.exp(numbers / temperature) / clocks).argmax(axis=-1)
        rows = [[int(token)] for token in first]
        return Tensor(rows, dtype=DType.int64, device=input_ids.device)
    return F.argmax(logits, axis=-1).to(input_ids.device)


def stream(model, ids, n_positions, stop_token, **options) -> Iterator[Tensor]:
    """Longer and longer ids, without an end unless every row stops."""
    stopped = np.zeros((int(ids.shape[0]), 1), dtype=bool)
    while not stopped.all():
        context = ids
        if n_positions is not None and int(ids.shape[1]) > n_positions:
            context = ids[:, int(ids.shape[1]) - n_positions :]
        new = generate_next_token(model, context, **options)
        if stop_token is not None:
            tokens = np.where(stopped, stop_token, new.to_numpy())
            stopped = stopped | (tokens == stop_token)
            new = Tensor.from_dlpack(tokens).to(ids.device)
        ids = F.concat([ids, new], axis=1)
        yield ids


def generate(
    model,
    input_ids,
    max_new_tokens,
    *,
    temperature=1.0,
    do_sample=True,
    rng=None,
    n_positions=None,
    stop_token=None,
):
    if math.isnan(temperature) or math.isinf(temperature) or temperature < 0:
        raise ValueError("temperature: give a finite number that is not negative")
    longer = stream(
        model,
        input_ids,
        n_positions,
        stop_token,
        temperature=temperature,
        do_sample=do_sample,
        rng=rng or np.random.default_rng(),
    )
    for _, input_ids in zip(range(max_new_tokens), longer):
        pass
    return input_ids
''',
    "one vectorized draw, MAX's softmax": """
def generate_next_token(model, input_ids, *, temperature=1.0, do_sample=True, rng=None):
    if not 0.0 <= temperature < float("inf"):
        raise ValueError(f"{temperature=} is not a finite number from 0 up")
    logits = model(input_ids)[:, -1, :].to(CPU())
    if do_sample and temperature != 0:
        largest = F.max(logits, axis=-1)  # [batch, 1]
        scaled = (logits - largest).to_numpy().astype(np.float64) / temperature
        powers = F.softmax(Tensor.from_dlpack(scaled.astype(np.float32)))
        sums = powers.to_numpy().astype(np.float64).cumsum(axis=-1)
        rng = np.random.default_rng() if rng is None else rng
        draws = rng.uniform(size=(len(sums), 1))
        tokens = (sums / sums[:, -1:] <= draws).sum(axis=-1, keepdims=True)
        return Tensor.from_dlpack(tokens).to(input_ids.device)
    return F.argmax(logits, axis=-1).to(input_ids.device)
""",
    "lists of ids, a function that picks from a row": """
def _pick(temperature, do_sample, rng):
    if not (math.isfinite(temperature) and temperature >= 0.0):
        raise ValueError(f"the temperature {temperature} is negative or not finite")
    if temperature == 0.0 or not do_sample:
        return lambda logits: int(np.argmax(logits))
    source = np.random.default_rng() if rng is None else rng

    def sample(logits):
        with np.errstate(over="ignore"):
            odds = np.exp((logits - np.max(logits)) / temperature)
        return int(source.choice(len(odds), p=odds / math.fsum(odds)))

    return sample


def _tensor(rows, like):
    return Tensor.from_dlpack(np.array(rows, dtype=np.int64)).to(like.device)


def generate_next_token(model, input_ids, *, temperature=1.0, do_sample=True, rng=None):
    pick = _pick(temperature, do_sample, rng)
    logits = model(input_ids)[:, -1].to(CPU()).cast(DType.float64)
    return _tensor([[pick(row)] for row in logits.to_numpy()], input_ids)


def generate(
    model,
    input_ids,
    max_new_tokens,
    *,
    temperature=1.0,
    do_sample=True,
    rng=None,
    n_positions=None,
    stop_token=None,
):
    _pick(temperature, do_sample, rng)
    rows = input_ids.to_numpy().tolist()
    stopped: set[int] = set()
    left = max_new_tokens
    while left > 0 and len(stopped) < len(rows):
        window = rows if n_positions is None else [row[-n_positions:] for row in rows]
        tokens = generate_next_token(
            model,
            _tensor(window, input_ids),
            temperature=temperature,
            do_sample=do_sample,
            rng=rng,
        ).to_numpy()
        for i, row in enumerate(rows):
            row.append(stop_token if i in stopped else int(tokens[i, 0]))
            if stop_token is not None and row[-1] == stop_token:
                stopped.add(i)
        left -= 1
    return _tensor(rows, input_ids)
""",
}
