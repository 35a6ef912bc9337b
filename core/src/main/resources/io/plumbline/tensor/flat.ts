  def view_of(self: __torch__.Ops, flat: Tensor, offset: int, shape: List[int], leaf: bool) -> Tensor:
    n = 1
    for i in range(torch.len(shape)):
      n = torch.mul(n, shape[i])
    return torch.requires_grad_(torch.view(torch.narrow(flat, 0, offset, n), shape), leaf)
