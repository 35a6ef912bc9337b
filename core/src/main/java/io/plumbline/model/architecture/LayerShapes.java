package io.plumbline.model.architecture;

import io.plumbline.model.architecture.DecoderConfig.ParameterShape;
import java.util.ArrayList;
import java.util.List;

/**
 * Lists the parameters of a layer in the order of its buffer. Projections of the same input lie
 * side by side: one multiplication serves them all.
 */
final class LayerShapes {
  /** Whether a projection has a bias. */
  enum Bias {
    PRESENT,
    ABSENT;

    static Bias of(boolean present) {
      return present ? PRESENT : ABSENT;
    }
  }

  private final List<ParameterShape> shapes = new ArrayList<>();
  private final Sizes sizes;

  LayerShapes(Sizes sizes) {
    this.sizes = sizes;
  }

  /** A parameter by its name in the layer. */
  LayerShapes add(String name, long... shape) {
    shapes.add(new ParameterShape(name, shape));
    return this;
  }

  /** A norm of the residual stream. */
  LayerShapes norm(String name) {
    return add(name + ".weight", sizes.hidden());
  }

  /** Queries, keys and values in matrices of their own. */
  LayerShapes queriesKeysValues(Bias bias) {
    long hidden = sizes.hidden();
    long q = queryWidth();
    long kv = keyWidth();
    add("self_attn.q_proj.weight", q, hidden);
    add("self_attn.k_proj.weight", kv, hidden);
    add("self_attn.v_proj.weight", kv, hidden);
    if (bias == Bias.PRESENT) {
      add("self_attn.q_proj.bias", q);
      add("self_attn.k_proj.bias", kv);
      add("self_attn.v_proj.bias", kv);
    }
    return this;
  }

  /** Norms of each query head and each key head. */
  LayerShapes headNorms() {
    add("self_attn.q_norm.weight", sizes.headDim());
    return add("self_attn.k_norm.weight", sizes.headDim());
  }

  /** What brings the heads' output back to the residual stream. */
  LayerShapes attentionOutput(Bias bias) {
    add("self_attn.o_proj.weight", sizes.hidden(), queryWidth());
    return bias == Bias.PRESENT ? add("self_attn.o_proj.bias", sizes.hidden()) : this;
  }

  /** A feed-forward network with a gate. */
  LayerShapes gatedMlp(long intermediate, Bias bias) {
    long hidden = sizes.hidden();
    add("mlp.gate_proj.weight", intermediate, hidden);
    add("mlp.up_proj.weight", intermediate, hidden);
    if (bias == Bias.PRESENT) {
      add("mlp.gate_proj.bias", intermediate);
      add("mlp.up_proj.bias", intermediate);
    }
    add("mlp.down_proj.weight", hidden, intermediate);
    return bias == Bias.PRESENT ? add("mlp.down_proj.bias", hidden) : this;
  }

  /**
   * A router and the networks that it chooses from; gates and ups of all of them lie side by side,
   * and so do their downs.
   */
  LayerShapes experts(int experts, long intermediate) {
    long hidden = sizes.hidden();
    add(DecoderConfig.ROUTER, experts, hidden);
    for (int i = 0; i < experts; i++) {
      add("mlp.experts." + i + ".gate_proj.weight", intermediate, hidden);
      add("mlp.experts." + i + ".up_proj.weight", intermediate, hidden);
    }
    for (int i = 0; i < experts; i++) {
      add("mlp.experts." + i + ".down_proj.weight", hidden, intermediate);
    }
    return this;
  }

  /** All query heads side by side. */
  long queryWidth() {
    return (long) sizes.heads() * sizes.headDim();
  }

  /** All key heads side by side. */
  long keyWidth() {
    return (long) sizes.kvHeads() * sizes.headDim();
  }

  List<ParameterShape> list() {
    return List.copyOf(shapes);
  }
}
