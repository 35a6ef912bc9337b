  def view_of(self: __torch__.Ops, flat: Tensor, offset: int, shape: List[int], leaf: bool) -> Tensor:
    n = 1
    for i in range(torch.len(shape)):
      n = torch.mul(n, shape[i])
    return torch.requires_grad_(torch.view(torch.narrow(flat, 0, offset, n), shape), leaf)
  def moved(self: __torch__.Ops, x: Tensor, device: str) -> Tensor:
    return torch.to(x, torch.device(device))
  def zeros_on(self: __torch__.Ops, length: int, device: str) -> Tensor:
    return torch.zeros([length], dtype=6, layout=None, device=torch.device(device), pin_memory=None)
  def copied(self: __torch__.Ops, x: Tensor, source: Tensor) -> Tensor:
    return torch.copy_(x, source)
