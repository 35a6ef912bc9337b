package io.plumbline.tensor;

import io.plumbline.tensor.Segment.Slice;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/**
 * The values of a segment, each parameter in a type of its own. Parameters of one type lie side by
 * side in one flat tensor, in the segment's order.
 */
final class LoweredValues {
  /** The functions of lowered.py. */
  private interface LoweredKernels {
    Value zerosInBf16(long length, Value like);

    Value zerosInInt8(long length, Value like);

    void quantize(Value x, Value quantized, Value scales, int block);
  }

  /**
   * Where a parameter lies.
   *
   * @param offset in the flat tensor of its type
   * @param firstScale in that of scales
   */
  private record Place(HeldDtype dtype, long offset, long firstScale) {}

  private final Scope scope;

  /** By the offset in the segment. */
  private final Map<Long, Place> places = new HashMap<>();

  private final Map<HeldDtype, Value> flats = new EnumMap<>(HeldDtype.class);

  /** Null where nothing is int8. */
  private final Value scales;

  private final long bytes;

  /**
   * @param scope owns the tensors
   * @param values the flat f32 tensor that is lowered
   */
  LoweredValues(
      Scope scope,
      Value values,
      Device device,
      List<Slice> slices,
      Function<Slice, HeldDtype> dtypes) {
    this.scope = scope;
    Map<HeldDtype, Long> lengths = new EnumMap<>(HeldDtype.class);
    long scaleCount = 0;
    long total = 0;
    for (Slice slice : slices) {
      HeldDtype dtype = dtypes.apply(slice);
      places.put(slice.offset(), new Place(dtype, lengths.getOrDefault(dtype, 0L), scaleCount));
      lengths.merge(dtype, slice.length(), Long::sum);
      if (dtype == HeldDtype.INT8) {
        scaleCount += slice.shape()[0] * HeldDtype.blocks(slice.shape()[1]);
      }
      total += dtype.bytes(slice.shape());
    }
    this.bytes = total;
    lengths.forEach((dtype, length) -> flats.put(dtype, zeros(dtype, length, values, device)));
    this.scales = scaleCount == 0 ? null : Transfers.zeros(scope, scaleCount, device);
    slices.forEach(slice -> fill(slice, values));
  }

  private Value zeros(HeldDtype dtype, long length, Value like, Device device) {
    return switch (dtype) {
      case F32 -> Transfers.zeros(scope, length, device);
      case BF16 -> kernels(scope).zerosInBf16(length, like);
      case INT8 -> kernels(scope).zerosInInt8(length, like);
    };
  }

  private void fill(Slice slice, Value values) {
    try (Scope own = Scope.open()) {
      Value from = Transfers.view(own, values, slice.offset(), slice.shape());
      Value to = view(own, slice.offset(), slice.shape());
      Optional<Value> factors = scales(own, slice.offset(), slice.shape());
      if (factors.isPresent()) {
        kernels(own).quantize(from, to, factors.get(), HeldDtype.BLOCK);
      } else {
        Transfers.copy(from, to);
      }
    }
  }

  private static LoweredKernels kernels(Scope scope) {
    return Kernels.load(LoweredKernels.class, "lowered.py", KernelFilling.NONE)
        .in(scope, GraphMode.NO_GRAPH);
  }

  /** A tensor of a parameter and of those of its type behind it. */
  Value view(Scope owner, long offset, long... shape) {
    Place place = places.get(offset);
    return Transfers.view(owner, flats.get(place.dtype()), place.offset(), shape);
  }

  /** The scales of such a tensor, [rows, blocks, 1]; empty where it has none. */
  Optional<Value> scales(Scope owner, long offset, long... shape) {
    Place place = places.get(offset);
    if (place.dtype() != HeldDtype.INT8) {
      return Optional.empty();
    }
    long[] own = {shape[0], HeldDtype.blocks(shape[1]), 1};
    return Optional.of(Transfers.view(owner, scales, place.firstScale(), own));
  }

  long bytes() {
    return bytes;
  }
}
