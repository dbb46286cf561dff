"""Mistakes in step 12, written by somebody who had not seen the catalogue's code."""

SPELLINGS = [
    (
        "taking the logits of the first position",
        """
def generate_next_token(model, input_ids, *, temperature=1.0, do_sample=True, rng=None):
    if temperature < 0 or not np.isfinite(temperature):
        raise ValueError("temperature has to be finite and >= 0")
    out = model(input_ids).to_numpy().astype(np.float64)
    scores = out[:, 0]
    if temperature == 0 or not do_sample:
        picks = scores.argmax(axis=1)
    else:
        if rng is None:
            rng = np.random.default_rng()
        scores = scores / temperature
        p = np.exp(scores - scores.max(axis=1, keepdims=True))
        p = p / p.sum(axis=1, keepdims=True)
        picks = np.array([rng.choice(p.shape[1], p=row) for row in p])
    picks = picks.reshape(-1, 1).astype(np.int64)
    return Tensor.from_dlpack(picks).to(input_ids.device)
""",
    ),
    (
        "always drawing",
        """
def softmax(z):
    e = np.exp(z - z.max())
    return e / e.sum()


def generate_next_token(model, input_ids, *, temperature=1.0, do_sample=True, rng=None):
    if not 0 <= temperature < float("inf"):
        raise ValueError(f"bad temperature {temperature}")
    last = model(input_ids)[:, -1]
    if temperature == 0:
        return F.argmax(last, axis=-1)
    rng = rng or np.random.default_rng()
    result = []
    for row in last.to_numpy().astype("float64"):
        p = softmax(row / temperature)
        cdf = np.cumsum(p)
        result.append([int(np.searchsorted(cdf, rng.random() * cdf[-1], "right"))])
    return Tensor(result, dtype=DType.int64, device=input_ids.device)
""",
    ),
    (
        "always taking the largest logit",
        """
def generate_next_token(model, input_ids, *, temperature=1.0, do_sample=True, rng=None):
    if math.isnan(temperature) or math.isinf(temperature) or temperature < 0:
        raise ValueError("temperature")
    logits = model(input_ids)
    logits = logits[:, -1, :]
    if temperature > 0:
        logits = logits / temperature
    probs = F.softmax(logits, axis=-1)
    best = F.argmax(probs, axis=-1)
    return best.to(input_ids.device)
""",
    ),
    (
        "dividing by a temperature of 0",
        """
def generate_next_token(model, input_ids, *, temperature=1.0, do_sample=True, rng=None):
    if temperature < 0 or not math.isfinite(temperature):
        raise ValueError("temperature must be a finite number, at least 0")
    logits = np.asarray(model(input_ids).to_numpy(), dtype=np.float64)[:, -1, :]
    if not do_sample:
        chosen = np.argmax(logits, axis=-1)[:, None]
        return Tensor(chosen, dtype=DType.int64, device=input_ids.device)
    generator = np.random.default_rng() if rng is None else rng
    z = logits / temperature
    z -= z.max(axis=-1, keepdims=True)
    weights = np.exp(z)
    weights /= weights.sum(axis=-1, keepdims=True)
    vocab = weights.shape[-1]
    chosen = [[generator.choice(vocab, p=w)] for w in weights]
    return Tensor(chosen, dtype=DType.int64, device=input_ids.device)
""",
    ),
    (
        "returning one number a row instead of a column",
        """
def generate_next_token(model, input_ids, *, temperature=1.0, do_sample=True, rng=None):
    if temperature < 0 or math.isnan(temperature) or math.isinf(temperature):
        raise ValueError("temperature out of range")
    scores = model(input_ids).to(CPU()).to_numpy()[:, -1].astype(np.float64)
    if do_sample and temperature > 0:
        rng = np.random.default_rng() if rng is None else rng
        scores = scores / temperature
        p = np.exp(scores - scores.max(-1, keepdims=True))
        p /= p.sum(-1, keepdims=True)
        tokens = [rng.choice(len(row), p=row) for row in p]
    else:
        tokens = scores.argmax(-1)
    return Tensor(np.array(tokens), dtype=DType.int64, device=input_ids.device)
""",
    ),
    (
        "multiplying by the temperature",
        """
def generate_next_token(model, input_ids, *, temperature=1.0, do_sample=True, rng=None):
    if not (math.isfinite(temperature) and temperature >= 0):
        raise ValueError(f"temperature is {temperature}")
    next_logits = model(input_ids)[:, -1, :]
    greedy = temperature == 0 or do_sample is False
    if greedy:
        return F.argmax(next_logits, axis=1)
    p = F.softmax(next_logits * temperature, axis=1).to_numpy().astype(np.float64)
    p = p / np.sum(p, axis=1, keepdims=True)
    if rng is None:
        rng = np.random.default_rng()
    ids = np.zeros((p.shape[0], 1), dtype=np.int64)
    for i in range(p.shape[0]):
        ids[i, 0] = rng.choice(np.arange(p.shape[1]), p=p[i])
    return Tensor(ids, dtype=DType.int64, device=input_ids.device)
""",
    ),
    (
        "leaving the temperature out, or dividing by it after the softmax",
        """
def generate_next_token(model, input_ids, *, temperature=1.0, do_sample=True, rng=None):
    if temperature < 0 or not math.isfinite(temperature):
        raise ValueError("invalid temperature")
    last = model(input_ids).to_numpy()[:, -1, :].astype(np.float64)
    if temperature == 0 or not do_sample:
        return Tensor.from_dlpack(last.argmax(-1)[:, np.newaxis])
    exps = np.exp(last - np.max(last, axis=-1, keepdims=True))
    probs = exps / exps.sum(axis=-1, keepdims=True)
    probs = probs / temperature
    probs = probs / probs.sum(axis=-1, keepdims=True)
    r = np.random.default_rng() if rng is None else rng
    out = np.stack([r.choice(probs.shape[-1], size=1, p=p) for p in probs])
    return Tensor.from_dlpack(out.astype(np.int64))
""",
    ),
    (
        "drawing by the logits less the smallest, without softmax",
        """
def generate_next_token(model, input_ids, *, temperature=1.0, do_sample=True, rng=None):
    if temperature < 0 or not math.isfinite(temperature):
        raise ValueError("temperature must not be negative, NaN or infinite")
    logits = model(input_ids)[:, -1, :]
    if not do_sample or temperature == 0:
        return F.argmax(logits, axis=-1)
    if rng is None:
        rng = np.random.default_rng()
    weights = (logits / temperature).to_numpy().astype(np.float64)
    weights = weights - weights.min(axis=1, keepdims=True)
    weights = weights / weights.sum(axis=1, keepdims=True)
    ids = []
    for w in weights:
        ids.append([rng.choice(w.size, p=w)])
    return Tensor(ids, dtype=DType.int64, device=input_ids.device)
""",
    ),
    (
        "not making the probabilities sum to 1 again after the cast to float64",
        """
def generate_next_token(model, input_ids, *, temperature=1.0, do_sample=True, rng=None):
    if temperature < 0 or not math.isfinite(temperature):
        raise ValueError(f"temperature {temperature} is not allowed")
    logits = model(input_ids)[:, -1, :]
    if do_sample and temperature != 0:
        rng = rng if rng is not None else np.random.default_rng()
        p = F.softmax(logits / temperature).to(CPU()).to_numpy()
        p = np.array(p, dtype=np.float64)
        n = p.shape[-1]
        ids = np.array([rng.choice(n, p=p[b]) for b in range(len(p))])
        ids = ids[:, None]
        return Tensor(ids, dtype=DType.int64, device=input_ids.device)
    return F.argmax(logits).to(input_ids.device)
""",
    ),
    (
        "softmax over the batch",
        """
def generate_next_token(model, input_ids, *, temperature=1.0, do_sample=True, rng=None):
    if temperature < 0 or not math.isfinite(temperature):
        raise ValueError("temperature must be finite and not negative")
    x = model(input_ids).to_numpy()[:, -1, :]
    if temperature == 0 or not do_sample:
        return Tensor(
            x.argmax(axis=1, keepdims=True), dtype=DType.int64, device=input_ids.device
        )
    x = x.astype(np.float64) / temperature
    x = np.exp(x - x.max())
    x = x / x.sum(axis=0)
    x = x / x.sum(axis=1, keepdims=True)
    rng = np.random.default_rng() if rng is None else rng
    tokens = [[rng.choice(x.shape[1], p=row)] for row in x]
    return Tensor(tokens, dtype=DType.int64, device=input_ids.device)
""",
    ),
    (
        "not using rng",
        """
def pick(row):
    r = np.random.default_rng().random()
    return min(int((np.cumsum(row) <= r).sum()), len(row) - 1)


def generate_next_token(model, input_ids, *, temperature=1.0, do_sample=True, rng=None):
    if temperature < 0 or not math.isfinite(temperature):
        raise ValueError("the temperature is wrong")
    logits = model(input_ids)[:, -1, :]
    if temperature == 0 or not do_sample:
        return F.argmax(logits, axis=-1)
    probs = F.softmax(logits / temperature, axis=-1).to_numpy()
    probs = probs.astype(np.float64)
    probs = probs / probs.sum(axis=1)[:, None]
    drawn = np.apply_along_axis(pick, 1, probs)
    return Tensor(drawn[:, None], dtype=DType.int64, device=input_ids.device)
""",
    ),
    (
        "NumPy's global generator",
        """
def generate_next_token(model, input_ids, *, temperature=1.0, do_sample=True, rng=None):
    if temperature < 0 or not math.isfinite(temperature):
        raise ValueError("temperature must be >= 0")
    scores = model(input_ids).to_numpy().astype(np.float64)[:, -1, :]
    if do_sample and temperature > 0:
        scores = scores / temperature
        scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
        scores = scores / scores.sum(axis=-1, keepdims=True)
        vocab_size = scores.shape[-1]
        ids = [np.random.choice(vocab_size, p=s) for s in scores]
    else:
        ids = [int(np.argmax(s)) for s in scores]
    ids = np.array(ids, dtype=np.int64).reshape((-1, 1))
    return Tensor(ids, dtype=DType.int64, device=input_ids.device)
""",
    ),
    (
        "one random number for all sequences",
        """
def generate_next_token(model, input_ids, *, temperature=1.0, do_sample=True, rng=None):
    if temperature < 0 or not math.isfinite(temperature):
        raise ValueError(f"{temperature=}")
    logits = model(input_ids)[:, -1, :]
    if not do_sample or temperature == 0:
        return F.argmax(logits, axis=-1).to(input_ids.device)
    rng = np.random.default_rng() if rng is None else rng
    p = F.softmax(logits / temperature, axis=-1).to_numpy().astype(np.float64)
    cumulative = np.cumsum(p, axis=-1)
    cumulative /= cumulative[:, -1:]
    u = rng.random()
    ids = (cumulative > u).argmax(axis=-1)
    return Tensor(ids[:, None], dtype=DType.int64, device=input_ids.device)
""",
    ),
    (
        "drawing from the first sequence's probabilities for all",
        """
def generate_next_token(model, input_ids, *, temperature=1.0, do_sample=True, rng=None):
    if temperature < 0 or not math.isfinite(temperature):
        raise ValueError("temperature")
    logits = model(input_ids)[:, -1, :]
    if not do_sample or temperature == 0:
        return F.argmax(logits, axis=-1).to(input_ids.device)
    if rng is None:
        rng = np.random.default_rng()
    probs = F.softmax(logits / temperature, axis=-1).to_numpy()
    probs = probs[0].astype(np.float64)
    probs = probs / probs.sum()
    batch = int(input_ids.shape[0])
    ids = rng.choice(len(probs), size=(batch, 1), p=probs)
    return Tensor(ids, dtype=DType.int64, device=input_ids.device)
""",
    ),
    (
        "refusing only negative temperatures",
        """
def generate_next_token(model, input_ids, *, temperature=1.0, do_sample=True, rng=None):
    if temperature < 0:
        raise ValueError("temperature can't be negative")
    logits = np.array(model(input_ids).to_numpy()[:, -1, :], dtype=np.float64)
    if do_sample and temperature > 0:
        rng = np.random.default_rng() if rng is None else rng
        logits /= temperature
        probs = np.exp(logits - logits.max(axis=1, keepdims=True))
        probs /= probs.sum(axis=1, keepdims=True)
        next_ids = [[rng.choice(probs.shape[1], p=p)] for p in probs]
    else:
        next_ids = [[row.argmax()] for row in logits]
    return Tensor(next_ids, dtype=DType.int64, device=input_ids.device)
""",
    ),
    (
        "not cropping the context",
        """
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
    if rng is None:
        rng = np.random.default_rng()
    options = {"temperature": temperature, "do_sample": do_sample, "rng": rng}
    text = input_ids
    done = [False] * int(input_ids.shape[0])
    for _ in range(max_new_tokens):
        new = generate_next_token(model, text, **options).to_numpy().copy()
        for i, was_done in enumerate(done):
            if was_done:
                new[i, 0] = stop_token
            elif stop_token is not None and new[i, 0] == stop_token:
                done[i] = True
        new = Tensor(new, dtype=DType.int64, device=input_ids.device)
        text = F.concat([text, new], axis=1)
        if all(done):
            break
    return text
""",
    ),
    (
        "keeping the first n_positions tokens",
        """
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
    rng = rng or np.random.default_rng()
    batch = int(input_ids.shape[0])
    stopped = np.zeros((batch, 1), dtype=bool)
    while max_new_tokens > 0:
        seen = input_ids
        if n_positions is not None and int(input_ids.shape[1]) > n_positions:
            seen = input_ids[:, 0:n_positions]
        token = generate_next_token(
            model, seen, temperature=temperature, do_sample=do_sample, rng=rng
        )
        if stop_token is not None:
            numbers = token.to_numpy().copy()
            numbers[stopped] = stop_token
            stopped = stopped | (numbers == stop_token)
            token = Tensor(numbers, dtype=DType.int64, device=input_ids.device)
        input_ids = F.concat([input_ids, token], axis=-1)
        max_new_tokens -= 1
        if stopped.all():
            return input_ids
    return input_ids
""",
    ),
    (
        "cropping the text itself",
        """
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
    rng = np.random.default_rng() if rng is None else rng
    finished = np.zeros(int(input_ids.shape[0]), dtype=bool)
    for _ in range(max_new_tokens):
        if n_positions is not None:
            if int(input_ids.shape[1]) > n_positions:
                start = int(input_ids.shape[1]) - n_positions
                input_ids = input_ids[:, start:]
        nxt = generate_next_token(
            model, input_ids, temperature=temperature, do_sample=do_sample, rng=rng
        )
        if stop_token is not None:
            column = nxt.to_numpy()[:, 0]
            column = np.where(finished, stop_token, column)
            finished = np.logical_or(finished, column == stop_token)
            nxt = Tensor(column[:, None], dtype=DType.int64, device=input_ids.device)
        input_ids = F.concat([input_ids, nxt], axis=1)
        if np.all(finished):
            break
    return input_ids
""",
    ),
    (
        "showing the model the prompt, and then only the last token",
        """
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
    rng = np.random.default_rng() if rng is None else rng
    pieces = [input_ids]
    current = input_ids
    if n_positions is not None and int(current.shape[1]) > n_positions:
        current = current[:, -n_positions:]
    over = np.zeros((int(input_ids.shape[0]), 1), dtype=bool)
    for _ in range(max_new_tokens):
        current = generate_next_token(
            model, current, temperature=temperature, do_sample=do_sample, rng=rng
        )
        if stop_token is not None:
            ids = np.where(over, stop_token, current.to_numpy())
            current = Tensor(ids, dtype=DType.int64, device=input_ids.device)
            over = over | (ids == stop_token)
        pieces.append(current)
        if over.all():
            break
    return F.concat(pieces, axis=1)
""",
    ),
    (
        "counting the prompt among max_new_tokens",
        """
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
    if rng is None:
        rng = np.random.default_rng()
    done = np.full((int(input_ids.shape[0]), 1), False)
    while int(input_ids.shape[1]) < max_new_tokens:
        window = input_ids
        if n_positions is not None and int(window.shape[1]) > n_positions:
            window = window[:, int(window.shape[1]) - n_positions :]
        token = generate_next_token(
            model, window, temperature=temperature, do_sample=do_sample, rng=rng
        )
        if stop_token is not None:
            token_np = np.where(done, stop_token, token.to_numpy())
            done = done | (token_np == stop_token)
            token = Tensor(token_np, dtype=DType.int64, device=input_ids.device)
        input_ids = F.concat([input_ids, token], axis=1)
        if done.all():
            break
    return input_ids
""",
    ),
    (
        "not passing the generator that was given on",
        """
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
    ended = np.zeros((int(input_ids.shape[0]), 1), dtype=np.bool_)
    ids = input_ids
    for step in range(max_new_tokens):
        x = ids
        if n_positions and int(ids.shape[1]) > n_positions:
            x = ids[:, -n_positions:]
        y = generate_next_token(model, x, temperature=temperature, do_sample=do_sample)
        if stop_token is not None:
            values = y.to_numpy()
            values = np.where(ended, stop_token, values)
            ended = ended | (values == stop_token)
            y = Tensor(values, dtype=DType.int64, device=ids.device)
        ids = F.concat((ids, y), axis=1)
        if ended.all():
            break
    return ids
""",
    ),
    (
        "returning only the new tokens",
        """
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
    rng = np.random.default_rng() if rng is None else rng
    prompt_length = int(input_ids.shape[1])
    sequence = input_ids.to_numpy()
    finished = np.zeros(len(sequence), dtype=bool)
    for _ in range(max_new_tokens):
        visible = sequence
        if n_positions is not None:
            visible = sequence[:, -n_positions:]
        visible = np.ascontiguousarray(visible)
        token = generate_next_token(
            model,
            Tensor(visible, dtype=DType.int64, device=input_ids.device),
            temperature=temperature,
            do_sample=do_sample,
            rng=rng,
        ).to_numpy()
        if stop_token is not None:
            token = np.where(finished[:, None], stop_token, token)
            finished = finished | (token[:, 0] == stop_token)
        sequence = np.concatenate([sequence, token], axis=1)
        if finished.all():
            break
    new = np.ascontiguousarray(sequence[:, prompt_length:])
    return Tensor(new, dtype=DType.int64, device=input_ids.device)
""",
    ),
    (
        "stopping as soon as one row has stopped",
        """
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
    rng = np.random.default_rng() if rng is None else rng
    for _ in range(max_new_tokens):
        if n_positions is None or int(input_ids.shape[1]) <= n_positions:
            context = input_ids
        else:
            context = input_ids[:, -n_positions:]
        token = generate_next_token(
            model, context, temperature=temperature, do_sample=do_sample, rng=rng
        )
        input_ids = F.concat([input_ids, token], axis=1)
        if stop_token is not None and stop_token in token.to_numpy():
            break
    return input_ids
""",
    ),
    (
        "letting finished rows go on",
        """
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
    rng = np.random.default_rng() if rng is None else rng
    rows_done = set()
    batch = int(input_ids.shape[0])
    out = input_ids
    for _ in range(max_new_tokens):
        context = out
        if n_positions is not None:
            extra = int(out.shape[1]) - n_positions
            if extra > 0:
                context = out[:, extra:]
        token = generate_next_token(
            model, context, temperature=temperature, do_sample=do_sample, rng=rng
        )
        out = F.concat([out, token], axis=1)
        for row, value in enumerate(token.to_numpy().reshape(-1)):
            if value == stop_token:
                rows_done.add(row)
        if len(rows_done) == batch:
            break
    return out
""",
    ),
    (
        "looking for the stop token in the prompt too",
        """
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
    rng = np.random.default_rng() if rng is None else rng
    for _ in range(max_new_tokens):
        finished = None
        if stop_token is not None:
            finished = (input_ids.to_numpy() == stop_token).any(axis=1)
            if finished.all():
                break
        context = input_ids
        if n_positions is not None and int(context.shape[1]) > n_positions:
            context = context[:, -n_positions:]
        token = generate_next_token(
            model, context, temperature=temperature, do_sample=do_sample, rng=rng
        )
        if finished is not None:
            fixed = token.to_numpy().copy()
            fixed[finished, 0] = stop_token
            token = Tensor(fixed, dtype=DType.int64, device=input_ids.device)
        input_ids = F.concat([input_ids, token], axis=1)
    return input_ids
""",
    ),
    (
        "taking a stop token of 0 for none",
        """
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
    if not math.isfinite(temperature) or temperature < 0:
        raise ValueError(f"temperature must be finite and not negative: {temperature}")
    device = input_ids.device
    text = input_ids.to_numpy().copy()
    finished = np.zeros((text.shape[0], 1), dtype=bool)
    for _ in range(max_new_tokens):
        window = text
        if n_positions is not None:
            window = text[:, -n_positions:]
        token = generate_next_token(
            model,
            Tensor.from_dlpack(window.copy()).to(device),
            temperature=temperature,
            do_sample=do_sample,
            rng=rng,
        ).to_numpy()
        if stop_token:
            token = np.where(finished, stop_token, token)
            finished = finished | (token == stop_token)
        text = np.concatenate([text, token], axis=1)
        if stop_token and finished.all():
            break
    return Tensor.from_dlpack(text).to(device)
""",
    ),
    (
        "Gumbel noise with the wrong sign",
        """
def generate_next_token(model, input_ids, *, temperature=1.0, do_sample=True, rng=None):
    if not math.isfinite(temperature) or temperature < 0:
        raise ValueError(f"temperature must be finite and not negative: {temperature}")
    last = model(input_ids)[:, -1].to(CPU()).cast(DType.float64)
    logits = np.array(last.to_numpy())
    greedy = not do_sample or temperature == 0
    if not greedy:
        if rng is None:
            rng = np.random.default_rng()
        logits -= logits.max(axis=1, keepdims=True)
        with np.errstate(over="ignore"):
            logits /= temperature
        u = rng.uniform(np.finfo(np.float64).tiny, 1.0, size=logits.shape)
        logits += np.log(-np.log(u))
    choice = np.argmax(logits, axis=1)[:, None].astype(np.int64)
    return Tensor.from_dlpack(choice).to(input_ids.device)
""",
    ),
    (
        "looking for the stop token in the prompt too",
        """
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
    if not math.isfinite(temperature) or temperature < 0:
        raise ValueError(f"temperature must be finite and not negative: {temperature}")
    device = input_ids.device
    ids = np.array(input_ids.to_numpy())
    for _ in range(max_new_tokens):
        if stop_token is None:
            finished = np.zeros(ids.shape[0], dtype=bool)
        else:
            finished = (ids == stop_token).any(axis=1)
            if finished.all():
                break
        context = ids if n_positions is None else ids[:, -n_positions:]
        token = generate_next_token(
            model,
            Tensor.from_dlpack(np.array(context)).to(device),
            temperature=temperature,
            do_sample=do_sample,
            rng=rng,
        )
        token = np.array(token.to_numpy())
        if finished.any():
            token[finished] = stop_token
        ids = np.hstack([ids, token])
    return Tensor.from_dlpack(ids).to(device)
""",
    ),
    (
        "drawing with multinomial by float32 probabilities",
        """
def generate_next_token(model, input_ids, *, temperature=1.0, do_sample=True, rng=None):
    if not math.isfinite(temperature) or temperature < 0:
        raise ValueError(f"temperature must be finite and not negative: {temperature}")
    logits = model(input_ids)[:, -1]
    if not do_sample or temperature == 0:
        return F.argmax(logits, axis=-1).cast(DType.int64).to(input_ids.device)
    if rng is None:
        rng = np.random.default_rng()
    z = logits.to(CPU()).cast(DType.float32).to_numpy()
    with np.errstate(over="ignore"):
        z = (z - z.max(axis=-1, keepdims=True)).astype(np.float64) / temperature
    e = np.exp(z).astype(np.float32)
    probs = e / e.sum(axis=-1, keepdims=True)
    tokens = [[int(rng.multinomial(1, row).argmax())] for row in probs]
    out = np.array(tokens, dtype=np.int64).reshape(-1, 1)
    return Tensor.from_dlpack(out).to(input_ids.device)
""",
    ),
    (
        "drawing among the likeliest tokens only, as top-k does",
        """
def _check_temperature(temperature):
    if not math.isfinite(temperature) or temperature < 0:
        raise ValueError(
            f"temperature must be finite and non-negative, got {temperature}"
        )


TOP_K = 50


def generate_next_token(model, input_ids, *, temperature=1.0, do_sample=True, rng=None):
    _check_temperature(temperature)
    logits = model(input_ids)[:, -1, :].to(CPU()).cast(DType.float64).to_numpy()
    if not do_sample or temperature == 0.0:
        choice = logits.argmax(axis=-1)
    else:
        if rng is None:
            rng = np.random.default_rng()
        k = min(TOP_K, logits.shape[-1])
        kth_best = np.partition(logits, -k, axis=-1)[:, -k, None]
        logits = np.where(logits < kth_best, -np.inf, logits)
        z = (logits - logits.max(axis=-1, keepdims=True)) / temperature
        p = np.exp(z)
        p = p / p.sum(axis=-1, keepdims=True)
        choice = np.array([rng.choice(p.shape[-1], p=row) for row in p])
    ids = np.ascontiguousarray(choice.reshape(-1, 1), dtype=np.int64)
    return Tensor.from_dlpack(ids).to(input_ids.device)
""",
    ),
    (
        "a fixed seed in generate where no generator is given",
        """
def _check_temperature(temperature):
    if not math.isfinite(temperature) or temperature < 0:
        raise ValueError(
            f"temperature must be finite and non-negative, got {temperature}"
        )


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
    _check_temperature(temperature)
    if rng is None:
        rng = np.random.default_rng(42)
    tokens = input_ids
    finished = np.zeros((int(input_ids.shape[0]), 1), dtype=bool)
    for _ in range(max_new_tokens):
        context = tokens
        if n_positions is not None and int(tokens.shape[1]) > n_positions:
            context = tokens[:, -n_positions:]
        next_token = generate_next_token(
            model, context, temperature=temperature, do_sample=do_sample, rng=rng
        )
        if stop_token is not None:
            chosen = np.where(finished, stop_token, next_token.to_numpy()).astype(
                np.int64
            )
            finished |= chosen == stop_token
            next_token = Tensor.from_dlpack(chosen).to(input_ids.device)
        tokens = F.concat([tokens, next_token], axis=1)
        if stop_token is not None and finished.all():
            break
    return tokens
""",
    ),
    (
        "accepting NaN as a temperature",
        """
def _validate(temperature):
    if temperature < 0 or temperature == math.inf:
        raise ValueError(
            f"temperature must be non-negative and finite, got {temperature}"
        )


def generate_next_token(model, input_ids, *, temperature=1.0, do_sample=True, rng=None):
    _validate(temperature)
    logits = model(input_ids)[:, -1, :].to(CPU()).cast(DType.float64).to_numpy()
    if not do_sample or temperature == 0:
        next_token = np.argmax(logits, axis=-1)
    else:
        rng = rng if rng is not None else np.random.default_rng()
        scaled = (logits - logits.max(axis=-1, keepdims=True)) / temperature
        probs = np.exp(scaled)
        probs /= probs.sum(axis=-1, keepdims=True)
        next_token = np.array([rng.choice(len(p), p=p) for p in probs])
    next_token = next_token.astype(np.int64).reshape(-1, 1)
    return Tensor.from_dlpack(next_token).to(input_ids.device)


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
    _validate(temperature)
    if rng is None:
        rng = np.random.default_rng()
    tokens = input_ids
    finished = np.zeros((int(input_ids.shape[0]), 1), dtype=bool)
    for _ in range(max_new_tokens):
        context = tokens
        if n_positions is not None and int(tokens.shape[1]) > n_positions:
            context = tokens[:, -n_positions:]
        next_token = generate_next_token(
            model, context, temperature=temperature, do_sample=do_sample, rng=rng
        )
        if stop_token is not None:
            chosen = np.where(finished, stop_token, next_token.to_numpy()).astype(
                np.int64
            )
            finished |= chosen == stop_token
            next_token = Tensor.from_dlpack(chosen).to(input_ids.device)
        tokens = F.concat([tokens, next_token], axis=1)
        if stop_token is not None and finished.all():
            break
    return tokens
""",
    ),
    (
        "not remembering which rows have finished",
        """
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
    if not 0 <= temperature < math.inf:
        raise ValueError(f"bad temperature {temperature}: negative or not finite")
    if rng is None:
        rng = np.random.default_rng()
    dev = input_ids.device
    text = input_ids.to_numpy().astype(np.int64)
    for step in range(max_new_tokens):
        view = text
        if n_positions is not None and text.shape[1] > n_positions:
            view = text[:, text.shape[1] - n_positions :]
        next_token = generate_next_token(
            model,
            Tensor.from_dlpack(view.copy()).to(dev),
            temperature=temperature,
            do_sample=do_sample,
            rng=rng,
        ).to_numpy()
        text = np.hstack([text, next_token])
        if stop_token is not None and (next_token == stop_token).all():
            break
    return Tensor.from_dlpack(text.copy()).to(dev)
""",
    ),
    (
        "drawing from a copy of the generator",
        """
import copy


def _check(temperature):
    if not (math.isfinite(temperature) and temperature >= 0):
        raise ValueError(
            f"temperature must be finite and not negative, got {temperature}"
        )


def generate_next_token(model, input_ids, *, temperature=1.0, do_sample=True, rng=None):
    _check(temperature)
    logits = model(input_ids).to(CPU()).cast(DType.float32).to_numpy()[:, -1]
    logits = logits.astype(np.float64)
    if temperature == 0 or not do_sample:
        ids = np.argmax(logits, axis=1)
    else:
        own = copy.deepcopy(rng) if rng is not None else np.random.default_rng()
        shifted = logits - logits.max(axis=-1, keepdims=True)
        with np.errstate(over="ignore"):
            probs = np.exp(shifted / temperature)
        probs /= probs.sum(axis=-1, keepdims=True)
        ids = np.asarray([own.choice(len(row), p=row) for row in probs])
    return Tensor.from_dlpack(ids.astype(np.int64)[:, None].copy()).to(input_ids.device)
""",
    ),
    (
        "an axis too many where it is greedy",
        """
def generate_next_token(model, input_ids, *, temperature=1.0, do_sample=True, rng=None):
    if not math.isfinite(temperature) or temperature < 0:
        raise ValueError(f"temperature must be finite and >= 0, got {temperature}")
    logits = model(input_ids)[:, -1, :]
    if not do_sample or temperature == 0:
        next_token = F.argmax(logits, axis=-1).unsqueeze(-1)
        return next_token.cast(DType.int64).to(input_ids.device)
    if rng is None:
        rng = np.random.default_rng()
    z = logits.cast(DType.float32).to_numpy().astype(np.float64)
    z = (z - z.max(axis=-1, keepdims=True)) / temperature
    p = np.exp(z)
    p = p / p.sum(axis=-1, keepdims=True)
    drawn = [[rng.choice(p.shape[-1], p=row)] for row in p]
    tokens = np.array(drawn, dtype=np.int64)
    return Tensor.from_dlpack(tokens).to(input_ids.device)


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
    if not math.isfinite(temperature) or temperature < 0:
        raise ValueError(f"temperature must be finite and >= 0, got {temperature}")
    if rng is None:
        rng = np.random.default_rng()
    ids = np.array(input_ids.to_numpy())
    batch = ids.shape[0]
    done = np.zeros((batch, 1), dtype=bool)
    for _ in range(max_new_tokens):
        context = ids[:, -n_positions:] if n_positions is not None else ids
        context = Tensor.from_dlpack(np.ascontiguousarray(context))
        next_token = generate_next_token(
            model,
            context.to(input_ids.device),
            temperature=temperature,
            do_sample=do_sample,
            rng=rng,
        )
        new = next_token.to_numpy().reshape(batch, 1)
        if stop_token is not None:
            new = np.where(done, np.int64(stop_token), new)
            done = done | (new == stop_token)
        ids = np.concatenate((ids, new), axis=1)
        if done.all() and stop_token is not None:
            break
    return Tensor.from_dlpack(ids).to(input_ids.device)
""",
    ),
    (
        "drawing with one multinomial by probabilities that sum to 1 in float32 only",
        """
def _validate(temperature):
    if math.isnan(temperature) or math.isinf(temperature) or temperature < 0:
        raise ValueError(
            f"temperature must be a finite, non-negative number, got {temperature}"
        )


def _softmax(x):
    x = x - x.max(axis=-1, keepdims=True)
    e = np.exp(x)
    return e / e.sum(axis=-1, keepdims=True)


def generate_next_token(model, input_ids, *, temperature=1.0, do_sample=True, rng=None):
    _validate(temperature)
    logits = model(input_ids).cast(DType.float32).to(CPU()).to_numpy()
    logits = logits[:, -1, :]
    greedy = not do_sample or temperature == 0
    if greedy:
        idx_next = np.argmax(logits, axis=-1, keepdims=True)
    else:
        rng = rng or np.random.default_rng()
        top = logits.max(axis=-1, keepdims=True)
        with np.errstate(over="ignore"):
            probs = _softmax((logits - top) / max(temperature, 1e-30))
        one_hot = rng.multinomial(1, probs)
        idx_next = one_hot.argmax(axis=-1)[:, None]
    idx_next = np.ascontiguousarray(idx_next, dtype=np.int64)
    return Tensor.from_dlpack(idx_next).to(input_ids.device)
""",
    ),
    (
        "choosing for the first sequence only, and giving its token to all",
        """
def _check(temperature):
    if not (math.isfinite(temperature) and temperature >= 0.0):
        raise ValueError(f"temperature must be finite and not negative: {temperature}")


def generate_next_token(model, input_ids, *, temperature=1.0, do_sample=True, rng=None):
    _check(temperature)
    batch = int(input_ids.shape[0])
    logits = model(input_ids)
    next_logits = logits.cast(DType.float32).to_numpy()[0, -1].astype(np.float64)
    if do_sample and temperature > 0:
        if rng is None:
            rng = np.random.default_rng()
        scaled = (next_logits - next_logits.max()) / temperature
        probs = np.exp(scaled)
        probs /= probs.sum()
        next_token = int(rng.choice(probs.size, p=probs))
    else:
        next_token = int(next_logits.argmax())
    result = np.full((batch, 1), next_token, dtype=np.int64)
    return Tensor.from_dlpack(result).to(input_ids.device)
""",
    ),
    (
        "refusing a bad temperature only where it is drawn",
        """
def _last_logits(model, input_ids):
    logits = model(input_ids)[:, -1, :].to(CPU())
    return F.cast(logits, DType.float32).to_numpy().astype(np.float64)


def _softmax(logits, temperature):
    shifted = logits - logits.max(axis=-1, keepdims=True)
    with np.errstate(over="ignore"):
        weights = np.exp(shifted / temperature)
    return weights / weights.sum(axis=-1, keepdims=True)


def generate_next_token(model, input_ids, *, temperature=1.0, do_sample=True, rng=None):
    logits = _last_logits(model, input_ids)

    def as_tensor(tokens):
        column = np.ascontiguousarray(tokens, dtype=np.int64).reshape(-1, 1)
        return Tensor.from_dlpack(column).to(input_ids.device)

    if not do_sample:
        return as_tensor(np.argmax(logits, axis=-1))
    if not math.isfinite(temperature) or temperature < 0:
        raise ValueError(f"temperature must be finite and >= 0, got {temperature}")
    if temperature == 0:
        return as_tensor(np.argmax(logits, axis=-1))
    generator = rng if rng is not None else np.random.default_rng()
    probabilities = _softmax(logits, temperature)
    return as_tensor(np.array([generator.choice(len(p), p=p) for p in probabilities]))


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
    if do_sample and (not (math.isfinite(temperature) and temperature >= 0)):
        raise ValueError(f"temperature must be finite and >= 0, got {temperature}")
    rng = np.random.default_rng() if rng is None else rng
    device = input_ids.device
    ids = np.array(input_ids.to(CPU()).to_numpy(), dtype=np.int64)
    finished = np.zeros(ids.shape[0], dtype=bool)
    for _ in range(max_new_tokens):
        window = ids if n_positions is None else ids[:, -n_positions:]
        next_token = generate_next_token(
            model,
            Tensor.from_dlpack(np.array(window, order="C")).to(device),
            temperature=temperature,
            do_sample=do_sample,
            rng=rng,
        )
        column = np.array(next_token.to(CPU()).to_numpy())
        if stop_token is not None:
            column[finished] = stop_token
            finished |= column[:, 0] == stop_token
        ids = np.concatenate([ids, column], axis=1)
        if finished.all():
            break
    return Tensor.from_dlpack(ids).to(device)
""",
    ),
    (
        "one random number for all sequences",
        """
def _check_temperature(temperature):
    if not math.isfinite(temperature) or temperature < 0:
        raise ValueError(
            f"temperature must be finite and not negative, got {temperature}"
        )


def _last_logits(model, input_ids):
    logits = model(input_ids)[:, -1, :].to(CPU())
    return F.cast(logits, DType.float32).to_numpy().astype(np.float64)


def _softmax(logits, temperature):
    shifted = logits - logits.max(axis=-1, keepdims=True)
    with np.errstate(over="ignore"):
        weights = np.exp(shifted / temperature)
    return weights / weights.sum(axis=-1, keepdims=True)


def generate_next_token(model, input_ids, *, temperature=1.0, do_sample=True, rng=None):
    _check_temperature(temperature)
    logits = _last_logits(model, input_ids)
    if do_sample and temperature > 0:
        if rng is None:
            rng = np.random.default_rng()
        cumulative = np.cumsum(_softmax(logits, temperature), axis=-1)
        cumulative /= cumulative[:, -1:]
        chosen = (cumulative <= rng.random()).sum(axis=-1)
    else:
        chosen = logits.argmax(axis=-1)
    tokens = np.array(chosen, dtype=np.int64)[:, None].copy()
    return Tensor.from_dlpack(tokens).to(input_ids.device)
""",
    ),
    (
        "cropping only once, before the first token",
        """
def _check_temperature(temperature):
    if not math.isfinite(temperature) or temperature < 0:
        raise ValueError(
            f"temperature must be finite and not negative, got {temperature}"
        )


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
    _check_temperature(temperature)
    rng = rng if rng is not None else np.random.default_rng()
    device = input_ids.device
    batch, prompt_length = (int(dim) for dim in input_ids.shape)
    ids = context = input_ids
    if n_positions is not None and prompt_length > n_positions:
        context = input_ids[:, -n_positions:]
    finished = np.zeros([batch, 1], dtype=bool)
    for _ in range(max_new_tokens):
        token = generate_next_token(
            model, context, temperature=temperature, do_sample=do_sample, rng=rng
        )
        if stop_token is not None:
            values = np.where(finished, stop_token, token.to(CPU()).to_numpy())
            finished |= values == stop_token
            token = Tensor.from_dlpack(values.astype(np.int64)).to(device)
        ids = F.concat([ids, token], axis=1)
        context = F.concat([context, token], axis=1)
        if finished.all():
            break
    return ids
""",
    ),
    (
        "taking a temperature of 0 for none, as `or` does",
        """
def generate_next_token(
    model, input_ids, *, temperature=1.0, do_sample=True, rng=None
):
    temperature = temperature or 1.0
    if not math.isfinite(temperature) or temperature < 0:
        raise ValueError("temperature must be a finite number >= 0")
    logits = model(input_ids)[:, -1, :]
    if not do_sample:
        return F.argmax(logits, axis=-1)
    rng = rng or np.random.default_rng()
    p = F.softmax(logits / temperature, axis=-1).to_numpy().astype(np.float64)
    p /= p.sum(axis=1, keepdims=True)
    ids = [rng.choice(p.shape[1], p=row) for row in p]
    return Tensor(np.array(ids)[:, None], dtype=DType.int64, device=input_ids.device)
""",
    ),
]
