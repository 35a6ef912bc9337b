package io.plumbline.optim;

import io.plumbline.tensor.Segment;
import io.plumbline.tensor.Segment.Slice;
import io.plumbline.tensor.Value;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;

/**
 * Neighbouring parameters of one segment that decay alike, as one tensor.
 *
 * @param slices side by side in the segment
 */
record Run(Segment segment, List<Slice> slices) {
  /** All parameters of segments that are taken, in their order. */
  static List<Run> of(List<Segment> segments, Predicate<Slice> taken) {
    List<Run> runs = new ArrayList<>();
    for (Segment segment : segments) {
      List<Slice> alike = new ArrayList<>();
      for (Slice slice : segment.slices()) {
        boolean continued =
            taken.test(slice) && !alike.isEmpty() && decays(alike.get(0)) == decays(slice);
        if (!continued && !alike.isEmpty()) {
          runs.add(new Run(segment, List.copyOf(alike)));
          alike.clear();
        }
        if (taken.test(slice)) {
          alike.add(slice);
        }
      }
      if (!alike.isEmpty()) {
        runs.add(new Run(segment, List.copyOf(alike)));
      }
    }
    return runs;
  }

  /** As Hugging Face's Trainer has it: norms and biases do not. */
  static boolean decays(Slice slice) {
    return slice.shape().length > 1;
  }

  boolean decays() {
    return decays(slices.get(0));
  }

  long offset() {
    return slices.get(0).offset();
  }

  long length() {
    return slices.stream().mapToLong(Slice::length).sum();
  }

  /** [length]. */
  Value values() {
    return segment.view(offset(), length());
  }

  /** [length]. */
  Value gradients() {
    return segment.gradientView(offset(), length());
  }
}
