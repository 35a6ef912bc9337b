  def clear(self: __torch__.Ops, x: Tensor) -> Tensor:
    return torch.zero_(x)
  def norm(self: __torch__.Ops, x: Tensor) -> Tensor:
    return torch.linalg_vector_norm(x, 2)
  def step(self: __torch__.Ops, values: List[Tensor], gradients: List[Tensor], mean: List[Tensor], square: List[Tensor], count: Tensor, scale: Tensor, lr: float, beta1: float, beta2: float, decay: float, eps: float) -> int:
    counts = annotate(List[Tensor], [])
    for i in range(torch.len(values)):
      _0 = torch.append(counts, count)
    unused = annotate(List[Tensor], [])
    _1 = torch._fused_adamw_(values, gradients, mean, square, unused, counts, lr=lr, beta1=beta1, beta2=beta2, weight_decay=decay, eps=eps, amsgrad=False, maximize=False, grad_scale=scale, found_inf=None)
    return 0
