package io.plumbline.model.architecture;

/**
 * Where a family's checkpoints have their tensors.
 *
 * @param base what stands before the names of all but the heads, and may be left out in a file
 * @param positions of a position's vector, which is added to the token's; empty for none
 * @param layers what stands before a layer's number
 * @param norm of the norm before the heads
 * @param normBias of that norm's bias; empty for none
 * @param head of the token head
 */
public record TensorNames(
    String base,
    String embedding,
    String positions,
    String layers,
    String norm,
    String normBias,
    String head) {
  static final TensorNames LLAMA =
      new TensorNames(
          "model.",
          "model.embed_tokens.weight",
          "",
          "model.layers.",
          "model.norm.weight",
          "",
          "lm_head.weight");

  static final TensorNames GPT2 =
      new TensorNames(
          "transformer.",
          "transformer.wte.weight",
          "transformer.wpe.weight",
          "transformer.h.",
          "transformer.ln_f.weight",
          "transformer.ln_f.bias",
          "lm_head.weight");

  static final TensorNames GPT_NEOX =
      new TensorNames(
          "gpt_neox.",
          "gpt_neox.embed_in.weight",
          "",
          "gpt_neox.layers.",
          "gpt_neox.final_layer_norm.weight",
          "gpt_neox.final_layer_norm.bias",
          "embed_out.weight");
}
