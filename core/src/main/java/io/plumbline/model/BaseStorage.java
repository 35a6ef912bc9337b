package io.plumbline.model;

import io.plumbline.model.CausalLm.ComputeDtype;
import io.plumbline.model.architecture.DecoderConfig;
import io.plumbline.model.architecture.DecoderConfig.Head;
import io.plumbline.tensor.HeldDtype;

/**
 * In which types the parameters of a frozen model are held. Matrices of layers have the type that
 * is asked for. Where it is not f32, embedding and head are bf16: a token reads few of their rows,
 * and what int8 rounds off there reaches every logit. Norms, biases, routers of experts and score
 * heads stay f32.
 *
 * @param matrices the type of the matrices of layers
 */
public record BaseStorage(DecoderConfig config, HeldDtype matrices) {
  /** The type of a parameter, by its name in the model. */
  HeldDtype of(String parameter, long... shape) {
    if (shape.length != 2
        || parameter.equals(DecoderConfig.SCORE_WEIGHT)
        || parameter.endsWith(DecoderConfig.ROUTER)) {
      return HeldDtype.F32;
    }
    boolean around = !parameter.startsWith(config.names().layers());
    return around && matrices == HeldDtype.INT8 ? HeldDtype.BF16 : matrices;
  }

  /** The bytes of all parameters under a head. */
  public long bytes(Head head) {
    return config.segmentShapes(head).stream()
        .flatMap(segment -> segment.parameters().stream())
        .mapToLong(parameter -> of(parameter.name(), parameter.shape()).bytes(parameter.shape()))
        .sum();
  }

  /**
   * What a training pass keeps over these weights. A product keeps its weight in the type in which
   * it is multiplied. Where that is a copy, keeping the copies of all layers would take the memory
   * that the held type saves, so each layer is computed again.
   */
  public static ActivationMemory kept(
      HeldDtype matrices, ComputeDtype dtype, ActivationMemory asked) {
    return switch (matrices) {
      case F32 -> asked;
      case BF16 -> dtype == ComputeDtype.BF16 ? asked : ActivationMemory.RECOMPUTE;
      case INT8 -> ActivationMemory.RECOMPUTE;
    };
  }
}
