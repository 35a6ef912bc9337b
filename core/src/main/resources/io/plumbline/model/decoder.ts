  # Kernels of a decoder layer, its embedding and its head. Positions of a micro-batch lie one
  # after the other: x is [n, d]. They form blocks of b rows of t positions each; blocks is a flat
  # list of (offset, b, t). masks[i] is empty where block i is plainly causal.

  def low(self: __torch__.Ops, x: Tensor) -> Tensor:
    return {{low}}

  def norm(self: __torch__.Ops, x: Tensor, weight: Tensor) -> Tensor:
    return torch.rms_norm(x, [{{hidden}}], weight, {{eps}})

  # cos and sin of every position's rotary angles: [n, 1, head_dim] each.
  def rope(self: __torch__.Ops, positions: Tensor, frequencies: Tensor) -> Tuple[Tensor, Tensor]:
    angles = torch.mul(torch.unsqueeze(positions, 1), torch.unsqueeze(frequencies, 0))
    cos = torch.cos(angles)
    sin = torch.sin(angles)
    return ((self).low(torch.unsqueeze(torch.cat([cos, cos], -1), 1)), (self).low(torch.unsqueeze(torch.cat([sin, sin], -1), 1)))

  def rotate(self: __torch__.Ops, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    a, b = torch.chunk(x, 2, -1)
    return torch.add(torch.mul(x, cos), torch.mul(torch.cat([torch.neg(b), a], -1), sin))

  # Additive masks [b, 1, t - start, t] of the places from start on: a place sees what stands before
  # it and belongs to the prompt (part 0) or to its own completion. Padding is a part of its own, so
  # that no row sees nothing. Plain blocks need a mask only where start is not 0: [1, 1, t - start, t].
  def masks_of(self: __torch__.Ops, parts: Tensor, blocks: List[int], plain: List[int], starts: List[int]) -> List[Tensor]:
    out = annotate(List[Tensor], [])
    for i in range(torch.len(plain)):
      o = blocks[torch.mul(i, 3)]
      b = blocks[torch.add(torch.mul(i, 3), 1)]
      t = blocks[torch.add(torch.mul(i, 3), 2)]
      start = starts[i]
      rows = torch.sub(t, start)
      if torch.__and__(torch.eq(plain[i], 1), torch.eq(start, 0)):
        _1 = torch.append(out, torch.empty([0]))
      else:
        places = torch.arange(t, dtype=None, layout=None, device=ops.prim.device(parts))
        seen = torch.unsqueeze(torch.ge(torch.unsqueeze(torch.narrow(places, 0, start, rows), 1), torch.unsqueeze(places, 0)), 0)
        if torch.eq(plain[i], 0):
          p = torch.view(torch.narrow(parts, 0, o, torch.mul(b, t)), [b, t])
          own = torch.eq(torch.unsqueeze(torch.narrow(p, 1, start, rows), 2), torch.unsqueeze(p, 1))
          prompt = torch.unsqueeze(torch.eq(p, 0), 1)
          seen = torch.logical_and(torch.logical_or(own, prompt), seen)
        else:
          pass
        mask = torch.masked_fill(torch.zeros([torch.size(seen, 0), rows, t], dtype=6, layout=None, device=ops.prim.device(parts)), torch.logical_not(seen), -inf)
        _2 = torch.append(out, (self).low(torch.unsqueeze(mask, 1)))
    return out

  def embed(self: __torch__.Ops, ids: Tensor, weight: Tensor) -> Tensor:
    return torch.embedding(weight, ids)

  # What reads a padding token teaches its embedding nothing, as in transformers.
  def embed_backward(self: __torch__.Ops, ids: Tensor, gx: Tensor, gradient: Tensor) -> None:
    learned = torch.masked_fill(gx, torch.unsqueeze(torch.eq(ids, {{pad}}), 1), 0.)
    _0 = torch.index_add_(gradient, 0, ids, learned)
    return None

  # What follows a layer's attention: its output projection and the feed-forward network.
  def rest(self: __torch__.Ops, x: Tensor, attended: Tensor, w: List[Tensor]) -> Tensor:
    x1 = torch.add(x, torch.linear(attended, (self).low(w[{{o_weight}}]), {{o_bias}}))
    h1 = (self).low((self).norm(x1, w[{{post_norm}}]))
    gate, up = torch.chunk(torch.linear(h1, (self).low(w[{{gate_up_weight}}]), {{gate_up_bias}}), 2, -1)
    return torch.add(x1, torch.linear(torch.mul(torch.silu(gate), up), (self).low(w[{{down_weight}}]), {{down_bias}}))

  def layer(self: __torch__.Ops, x: Tensor, cos: Tensor, sin: Tensor, masks: List[Tensor], blocks: List[int], w: List[Tensor]) -> Tensor:
    n = torch.size(x, 0)
    h = (self).low((self).norm(x, w[0]))
    qkv = torch.view(torch.linear(h, (self).low(w[1]), {{qkv_bias}}), [n, {{all_heads}}, {{head_dim}}])
    qk = (self).rotate(torch.narrow(qkv, 1, 0, {{qk_heads}}), cos, sin)
    outs = annotate(List[Tensor], [])
    for i in range(torch.len(masks)):
      o = blocks[torch.mul(i, 3)]
      b = blocks[torch.add(torch.mul(i, 3), 1)]
      t = blocks[torch.add(torch.mul(i, 3), 2)]
      m = torch.mul(b, t)
      bqk = torch.view(torch.narrow(qk, 0, o, m), [b, t, {{qk_heads}}, {{head_dim}}])
      bv = torch.view(torch.narrow(torch.narrow(qkv, 0, o, m), 1, {{qk_heads}}, {{kv_heads}}), [b, t, {{kv_heads}}, {{head_dim}}])
      q = torch.transpose(torch.narrow(bqk, 2, 0, {{heads}}), 1, 2)
      k = torch.transpose(torch.narrow(bqk, 2, {{heads}}, {{kv_heads}}), 1, 2)
      v = torch.transpose(bv, 1, 2)
      mask = masks[i]
      if torch.eq(torch.numel(mask), 0):
        a = torch.scaled_dot_product_attention(q, k, v, None, 0., True, scale=None, enable_gqa={{grouped}})
      else:
        a = torch.scaled_dot_product_attention(q, k, v, mask, 0., False, scale=None, enable_gqa={{grouped}})
      _1 = torch.append(outs, torch.reshape(torch.transpose(a, 1, 2), [m, {{query_width}}]))
    if torch.eq(torch.len(outs), 1):
      attended = outs[0]
    else:
      attended = torch.cat(outs, 0)
    return (self).rest(x, attended, w)

  # The last layer, whose output is wanted from each block's start on only: kept are those places.
  # Keys and values come from all of them.
  def last_layer(self: __torch__.Ops, x: Tensor, cos: Tensor, sin: Tensor, masks: List[Tensor], blocks: List[int], starts: List[int], kept: Tensor, w: List[Tensor]) -> Tensor:
    n = torch.size(x, 0)
    m = torch.size(kept, 0)
    h = (self).low((self).norm(x, w[0]))
    weight = (self).low(w[1])
    bias = annotate(Optional[Tensor], {{qkv_bias}})
    if torch.__is__(bias, None):
      query_bias = annotate(Optional[Tensor], None)
      key_bias = annotate(Optional[Tensor], None)
    else:
      all_bias = unchecked_cast(Tensor, bias)
      query_bias = annotate(Optional[Tensor], torch.narrow(all_bias, 0, 0, {{query_width}}))
      key_bias = annotate(Optional[Tensor], torch.narrow(all_bias, 0, {{query_width}}, {{key_value_width}}))
    queries = torch.linear(torch.index_select(h, 0, kept), torch.narrow(weight, 0, 0, {{query_width}}), query_bias)
    queries = (self).rotate(torch.view(queries, [m, {{heads}}, {{head_dim}}]), torch.index_select(cos, 0, kept), torch.index_select(sin, 0, kept))
    kv = torch.view(torch.linear(h, torch.narrow(weight, 0, {{query_width}}, {{key_value_width}}), key_bias), [n, {{key_value_heads}}, {{head_dim}}])
    keys = (self).rotate(torch.narrow(kv, 1, 0, {{kv_heads}}), cos, sin)
    outs = annotate(List[Tensor], [])
    at = 0
    for i in range(torch.len(masks)):
      o = blocks[torch.mul(i, 3)]
      b = blocks[torch.add(torch.mul(i, 3), 1)]
      t = blocks[torch.add(torch.mul(i, 3), 2)]
      rows = torch.sub(t, starts[i])
      q = torch.transpose(torch.view(torch.narrow(queries, 0, at, torch.mul(b, rows)), [b, rows, {{heads}}, {{head_dim}}]), 1, 2)
      k = torch.transpose(torch.view(torch.narrow(keys, 0, o, torch.mul(b, t)), [b, t, {{kv_heads}}, {{head_dim}}]), 1, 2)
      bv = torch.narrow(torch.narrow(kv, 0, o, torch.mul(b, t)), 1, {{kv_heads}}, {{kv_heads}})
      v = torch.transpose(torch.view(bv, [b, t, {{kv_heads}}, {{head_dim}}]), 1, 2)
      mask = masks[i]
      if torch.eq(torch.numel(mask), 0):
        a = torch.scaled_dot_product_attention(q, k, v, None, 0., True, scale=None, enable_gqa={{grouped}})
      else:
        a = torch.scaled_dot_product_attention(q, k, v, mask, 0., False, scale=None, enable_gqa={{grouped}})
      _1 = torch.append(outs, torch.reshape(torch.transpose(a, 1, 2), [torch.mul(b, rows), {{query_width}}]))
      at = torch.add(at, torch.mul(b, rows))
    return (self).rest(torch.index_select(x, 0, kept), torch.cat(outs, 0), w)

  # The input of the next segment: cut off from the graph, a leaf of the next part.
  def cut(self: __torch__.Ops, y: Tensor) -> Tensor:
    return torch.requires_grad_(torch.detach(y), True)

  # Adds the weights' gradients where they belong and returns the input's.
  def layer_backward(self: __torch__.Ops, y: Tensor, gy: Tensor, x: Tensor, w: List[Tensor], g: List[Tensor]) -> Tensor:
    inputs = annotate(List[Tensor], [x])
    for i in range(torch.len(w)):
      _1 = torch.append(inputs, w[i])
    outer = annotate(List[Optional[Tensor]], [gy])
    found = torch.grad([y], inputs, outer, False, False, False)
    for i in range(torch.len(w)):
      _2 = torch.add_(g[i], unchecked_cast(Tensor, found[torch.add(i, 1)]))
    gx = found[0]
    return unchecked_cast(Tensor, gx)

  # Room for a value of each of m targets, on the device of another tensor; for none unless the
  # values are asked for.
  def room(self: __torch__.Ops, asked: bool, m: int, like: Tensor) -> Tensor:
    n = 0
    if asked:
      n = m
    else:
      pass
    return torch.empty([n], dtype=6, layout=None, device=ops.prim.device(like))

  # Log-probabilities of targets at the positions that predict them, chunk rows of logits at a time.
  # The distribution is the softmax of logits / temperature. Returns logp, the log of the softmax's
  # denominator, then entropy, hit, the undivided logits' mean and the log of the probabilities' sum of
  # squares (each empty unless asked for), and the divided logits (empty unless kept).
  def head(self: __torch__.Ops, x: Tensor, predictors: Tensor, targets: Tensor, norm: Tensor, weight: Tensor, temperature: float, chunk: int, keep: bool, with_entropy: bool, with_hit: bool, with_mean: bool, with_squares: bool) -> Tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
    h = (self).low((self).norm(torch.index_select(x, 0, predictors), norm))
    w = (self).low(weight)
    m = torch.size(h, 0)
    logp = (self).room(True, m, x)
    denominator = (self).room(True, m, x)
    entropy = (self).room(with_entropy, m, x)
    hit = (self).room(with_hit, m, x)
    squares = (self).room(with_squares, m, x)
    if with_mean:
      # The mean over the vocabulary of h . w_v is h . the mean of w_v.
      mean = torch.mv(torch.to(h, 6), torch.mean(weight, [0]))
    else:
      mean = torch.empty([0])
    kept = annotate(List[Tensor], [])
    start = 0
    for i in range(torch.floordiv(torch.sub(torch.add(m, chunk), 1), chunk)):
      rows = torch.sub(m, start)
      if torch.gt(rows, chunk):
        rows = chunk
      else:
        pass
      logits = torch.to(torch.linear(torch.narrow(h, 0, start, rows), w), 6)
      target = torch.narrow(targets, 0, start, rows)
      if with_hit:
        # Before the division, whose rounding could make two logits equal.
        _4 = torch.copy_(torch.narrow(hit, 0, start, rows), torch.to(torch.eq(torch.argmax(logits, -1), target), 6))
      else:
        pass
      if torch.ne(temperature, 1.):
        logits = torch.div_(logits, temperature)
      else:
        pass
      lse = torch.logsumexp(logits, [-1])
      _1 = torch.copy_(torch.narrow(denominator, 0, start, rows), lse)
      _2 = torch.copy_(torch.narrow(logp, 0, start, rows), torch.sub(torch.squeeze(torch.gather(logits, 1, torch.unsqueeze(target, 1)), 1), lse))
      if with_entropy:
        p = torch.softmax(logits, -1)
        _3 = torch.copy_(torch.narrow(entropy, 0, start, rows), torch.sub(lse, torch.sum(torch.mul_(p, logits), [-1])))
      else:
        pass
      if with_squares:
        doubled = torch.logsumexp(torch.mul(logits, 2.), [-1])
        _5 = torch.copy_(torch.narrow(squares, 0, start, rows), torch.sub(doubled, torch.mul(lse, 2.)))
      else:
        pass
      if keep:
        _6 = torch.append(kept, logits)
      else:
        pass
      start = torch.add(start, rows)
    if keep:
      logits = torch.cat(kept, 0)
    else:
      logits = torch.empty([0])
    return (logp, denominator, entropy, hit, mean, squares, logits)

  # g is the loss's derivative by each logp, g_entropy by each entropy H (empty where none is). By the
  # divided logits it is g (onehot - p) - g_entropy p (log p + H), p the softmax, found chunk by chunk.
  # Returns the derivative by x, which is 0 away from the predictors.
  def head_backward(self: __torch__.Ops, g: Tensor, g_entropy: Tensor, x: Tensor, predictors: Tensor, targets: Tensor, denominator: Tensor, kept: Tensor, norm: Tensor, weight: Tensor, temperature: float, chunk: int, g_norm: Tensor, g_weight: Tensor) -> Tensor:
    selected = torch.requires_grad_(torch.detach(torch.index_select(x, 0, predictors)), True)
    scale = torch.requires_grad_(torch.detach(norm), True)
    h = (self).low((self).norm(selected, scale))
    hd = torch.detach(h)
    w = (self).low(torch.detach(weight))
    m = torch.size(h, 0)
    gh = torch.empty_like(hd)
    # By the undivided logits all of it is over the temperature: a cheaper division here than there.
    by_logp = torch.unsqueeze(torch.div(g, temperature), 1)
    by_entropy = torch.unsqueeze(torch.div(g_entropy, temperature), 1)
    start = 0
    for i in range(torch.floordiv(torch.sub(torch.add(m, chunk), 1), chunk)):
      rows = torch.sub(m, start)
      if torch.gt(rows, chunk):
        rows = chunk
      else:
        pass
      hr = torch.narrow(hd, 0, start, rows)
      if torch.eq(torch.numel(kept), 0):
        logits = torch.to(torch.linear(hr, w), 6)
        if torch.ne(temperature, 1.):
          logits = torch.div_(logits, temperature)
        else:
          pass
      else:
        logits = torch.narrow(kept, 0, start, rows)
      gr = torch.narrow(by_logp, 0, start, rows)
      target = torch.unsqueeze(torch.narrow(targets, 0, start, rows), 1)
      logp = torch.sub(logits, torch.unsqueeze(torch.narrow(denominator, 0, start, rows), 1))
      if torch.eq(torch.numel(g_entropy), 0):
        gl = torch.mul_(torch.exp_(logp), torch.neg(gr))
      else:
        ge = torch.narrow(by_entropy, 0, start, rows)
        p = torch.exp(logp)
        plogp = torch.mul_(logp, p)
        minus_entropy = torch.sum(plogp, [-1], True)
        gl = torch.sub_(torch.mul_(p, torch.sub(torch.mul(ge, minus_entropy), gr)), torch.mul_(plogp, ge))
      gl = torch.scatter_add_(gl, 1, target, gr)
      gl = (self).low(gl)
      _1 = torch.copy_(torch.narrow(gh, 0, start, rows), torch.matmul(gl, w))
      {{head_weight_gradient}}
      start = torch.add(start, rows)
    found = torch.grad([h], [selected, scale], annotate(List[Optional[Tensor]], [gh]), False, False, False)
    _2 = torch.add_(g_norm, unchecked_cast(Tensor, found[1]))
    gx = torch.zeros_like(x)
    return torch.index_add_(gx, 0, predictors, unchecked_cast(Tensor, found[0]))

  # One number at each of these places, in f32 throughout. weight is [1, hidden].
  def scores(self: __torch__.Ops, x: Tensor, places: Tensor, norm: Tensor, weight: Tensor) -> Tensor:
    return torch.squeeze(torch.linear((self).norm(torch.index_select(x, 0, places), norm), weight), 1)

  # g is the loss's derivative by each score. Returns the derivative by x.
  def scores_backward(self: __torch__.Ops, g: Tensor, x: Tensor, places: Tensor, norm: Tensor, weight: Tensor, g_norm: Tensor, g_weight: Tensor) -> Tensor:
    leaf = torch.requires_grad_(torch.detach(x), True)
    scale = torch.requires_grad_(torch.detach(norm), True)
    head = torch.requires_grad_(torch.detach(weight), True)
    found = torch.grad([(self).scores(leaf, places, scale, head)], [leaf, scale, head], annotate(List[Optional[Tensor]], [g]), False, False, False)
    _1 = torch.add_(g_norm, unchecked_cast(Tensor, found[1]))
    _2 = torch.add_(g_weight, unchecked_cast(Tensor, found[2]))
    gx = found[0]
    return unchecked_cast(Tensor, gx)

  def plus(self: __torch__.Ops, x: Tensor, y: Tensor) -> Tensor:
    return torch.add(x, y)

  def all_logits(self: __torch__.Ops, x: Tensor, norm: Tensor, weight: Tensor) -> Tensor:
    return torch.to(torch.linear((self).low((self).norm(x, norm)), (self).low(weight)), 6)

  # Generation. kv is [2 layers, rows, kv_heads, capacity, head_dim]: keys of a layer, then values.

  # Matrices in the type that multiplies, kept for many steps; the embedding, which comes first and
  # is only looked up, and vectors as they are.
  def lowered(self: __torch__.Ops, w: List[Tensor]) -> List[Tensor]:
    out = annotate(List[Tensor], [])
    for i in range(torch.len(w)):
      if torch.__and__(torch.eq(torch.dim(w[i]), 2), torch.gt(i, 0)):
        _1 = torch.append(out, (self).low(w[i]))
      else:
        _2 = torch.append(out, w[i])
    return out

  # On the device of another tensor.
  def new_cache(self: __torch__.Ops, like: Tensor, rows: int, capacity: int) -> Tensor:
    return (self).low(torch.zeros([{{caches}}, rows, {{kv_heads}}, capacity, {{head_dim}}], dtype=6, layout=None, device=ops.prim.device(like)))

  def grown_cache(self: __torch__.Ops, kv: Tensor, capacity: int) -> Tensor:
    out = (self).new_cache(kv, torch.size(kv, 1), capacity)
    _1 = torch.copy_(torch.narrow(out, 3, 0, torch.size(kv, 3)), kv)
    return out

  # Copies rows of a cache into kv, from row at on: of each the last places before source_end, to
  # before end. lengths says how many places of each row.
  def place_rows(self: __torch__.Ops, kv: Tensor, at: int, end: int, source: Tensor, rows: List[int], source_end: int, lengths: List[int]) -> Tensor:
    for i in range(torch.len(rows)):
      to = torch.narrow(torch.select(kv, 1, torch.add(at, i)), 2, torch.sub(end, lengths[i]), lengths[i])
      _1 = torch.copy_(to, torch.narrow(torch.select(source, 1, rows[i]), 2, torch.sub(source_end, lengths[i]), lengths[i]))
    return kv

  def selected_rows(self: __torch__.Ops, x: Tensor, dim: int, rows: Tensor) -> Tensor:
    return torch.index_select(x, dim, rows)

  # Additive mask of the prompts: causal, and blind to the padding at the left, whose places see
  # themselves so that no row sees nothing. Its last row is that of the places that follow.
  def prompt_mask(self: __torch__.Ops, padding: Tensor, length: int) -> Tensor:
    places = torch.arange(length, dtype=None, layout=None, device=ops.prim.device(padding))
    real = torch.ge(torch.unsqueeze(places, 0), torch.unsqueeze(padding, 1))
    itself = torch.eq(torch.unsqueeze(places, 1), torch.unsqueeze(places, 0))
    past = torch.ge(torch.unsqueeze(places, 1), torch.unsqueeze(places, 0))
    seen = torch.logical_or(torch.logical_and(torch.unsqueeze(real, 1), past), itself)
    mask = torch.masked_fill(torch.zeros([torch.size(padding, 0), length, length], dtype=6, layout=None, device=ops.prim.device(padding)), torch.logical_not(seen), -inf)
    return (self).low(torch.unsqueeze(mask, 1))

  def step_mask(self: __torch__.Ops, padding: Tensor, length: int) -> Tensor:
    hidden = torch.lt(torch.unsqueeze(torch.arange(length, dtype=None, layout=None, device=ops.prim.device(padding)), 0), torch.unsqueeze(padding, 1))
    mask = torch.masked_fill(torch.zeros([torch.size(padding, 0), length], dtype=6, layout=None, device=ops.prim.device(padding)), hidden, -inf)
    return (self).low(torch.view(mask, [torch.size(padding, 0), 1, 1, length]))

  # All layers for t new places of each row, written to the cache behind the first at ones. Returns
  # the logits of each row's last place. An empty mask stands for the plainly causal one.
  def step(self: __torch__.Ops, ids: Tensor, positions: Tensor, frequencies: Tensor, kv: Tensor, at: int, mask: Tensor, w: List[Tensor]) -> Tensor:
    b, t = torch.size(ids)
    n = torch.mul(b, t)
    cos, sin = (self).rope(torch.view(positions, [n]), frequencies)
    x = torch.embedding(w[0], torch.view(ids, [n]))
    seen = torch.add(at, t)
    for l in range({{layers}}):
      o = torch.add(3, torch.mul(l, {{layer_tensors}}))
      h = (self).low((self).norm(x, w[o]))
      qkv = torch.view(torch.linear(h, w[torch.add(o, 1)], {{step_qkv_bias}}), [n, {{all_heads}}, {{head_dim}}])
      qk = torch.view((self).rotate(torch.narrow(qkv, 1, 0, {{qk_heads}}), cos, sin), [b, t, {{qk_heads}}, {{head_dim}}])
      v = torch.narrow(torch.view(qkv, [b, t, {{all_heads}}, {{head_dim}}]), 2, {{qk_heads}}, {{kv_heads}})
      keys = torch.select(kv, 0, torch.mul(l, 2))
      values = torch.select(kv, 0, torch.add(torch.mul(l, 2), 1))
      _1 = torch.copy_(torch.narrow(keys, 2, at, t), torch.transpose(torch.narrow(qk, 2, {{heads}}, {{kv_heads}}), 1, 2))
      _2 = torch.copy_(torch.narrow(values, 2, at, t), torch.transpose(v, 1, 2))
      kk = torch.narrow(keys, 2, 0, seen)
      vv = torch.narrow(values, 2, 0, seen)
      q = torch.narrow(qk, 2, 0, {{heads}})
      if torch.eq(t, 1):
        # The query heads of a key head stand in for query places: the cache need not be repeated.
        folded = torch.reshape(q, [b, {{kv_heads}}, {{group}}, {{head_dim}}])
        if torch.eq(torch.numel(mask), 0):
          a = torch.scaled_dot_product_attention(folded, kk, vv, None, 0., False)
        else:
          a = torch.scaled_dot_product_attention(folded, kk, vv, mask, 0., False)
        attended = torch.reshape(a, [n, {{query_width}}])
      else:
        if torch.eq(torch.numel(mask), 0):
          a = torch.scaled_dot_product_attention(torch.transpose(q, 1, 2), kk, vv, None, 0., True, scale=None, enable_gqa={{grouped}})
        else:
          a = torch.scaled_dot_product_attention(torch.transpose(q, 1, 2), kk, vv, mask, 0., False, scale=None, enable_gqa={{grouped}})
        attended = torch.reshape(torch.transpose(a, 1, 2), [n, {{query_width}}])
      x = torch.add(x, torch.linear(attended, w[torch.add(o, {{o_weight}})], {{step_o_bias}}))
      h = (self).low((self).norm(x, w[torch.add(o, {{post_norm}})]))
      gate, up = torch.chunk(torch.linear(h, w[torch.add(o, {{gate_up_weight}})], {{step_gate_up_bias}}), 2, -1)
      x = torch.add(x, torch.linear(torch.mul(torch.silu(gate), up), w[torch.add(o, {{down_weight}})], {{step_down_bias}}))
    last = torch.select(torch.view(x, [b, t, {{hidden}}]), 1, -1)
    return torch.to(torch.linear((self).low((self).norm(last, w[1])), w[2]), 6)

  # Makes the ids in seen [rows, any] less probable; leaves the logits alone where it is empty.
  def penalized(self: __torch__.Ops, logits: Tensor, seen: Tensor, penalty: float) -> Tensor:
    if torch.eq(torch.numel(seen), 0):
      bent = logits
    else:
      found = torch.gather(logits, 1, seen)
      lowered = torch.where(torch.lt(found, 0.), torch.mul(found, penalty), torch.div(found, penalty))
      bent = torch.scatter(logits, 1, seen, lowered)
    return bent

  # One token a row, and its log-probability over the whole vocabulary at this temperature. The
  # choice inverts the distribution's sum at u, after the penalty has bent it and top-k, top-p and
  # min-p have cut it.
  def pick(self: __torch__.Ops, logits: Tensor, seen: Tensor, u: Tensor, temperature: float, penalty: float, top_k: int, top_p: float, min_p: float) -> Tuple[Tensor, Tensor]:
    if torch.eq(temperature, 0.):
      token = torch.argmax((self).penalized(logits, seen, penalty), -1, True)
      logp = torch.gather(torch.log_softmax(logits, -1), 1, token)
    else:
      scaled = torch.div(logits, temperature)
      cut = (self).penalized(scaled, seen, penalty)
      vocabulary = torch.size(logits, -1)
      if torch.__and__(torch.gt(top_k, 0), torch.lt(top_k, vocabulary)):
        best, _1 = torch.topk(cut, top_k, -1)
        cut = torch.masked_fill(cut, torch.lt(cut, torch.narrow(best, -1, torch.sub(top_k, 1), 1)), -inf)
      else:
        pass
      if torch.lt(top_p, 1.):
        ordered, places = torch.sort(cut, -1, True)
        share = torch.softmax(ordered, -1)
        before = torch.sub(torch.cumsum(share, -1), share)
        removed = torch.ge(before, top_p)
        _2 = torch.fill_(torch.narrow(removed, -1, 0, 1), False)
        cut = torch.masked_fill(cut, torch.scatter(removed, 1, places, removed), -inf)
      else:
        pass
      share = torch.softmax(cut, -1)
      if torch.gt(min_p, 0.):
        least = torch.mul(torch.amax(share, [-1], True), min_p)
        share = torch.masked_fill(share, torch.lt(share, least), 0.)
      else:
        pass
      total = torch.cumsum(share, -1, dtype=7)
      wanted = torch.mul(torch.unsqueeze(u, 1), torch.narrow(total, -1, torch.sub(vocabulary, 1), 1))
      token = torch.clamp(torch.searchsorted(total, wanted, right=True), 0, torch.sub(vocabulary, 1))
      logp = torch.gather(torch.log_softmax(scaled, -1), 1, token)
    return (torch.squeeze(token, 1), torch.squeeze(logp, 1))
