package io.plumbline.model;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.error.PlumblineException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The architecture of a decoder of the Llama family, read from a Hugging Face config.json in the
 * form of transformers 4 or 5.
 *
 * @param family the config's model_type: llama, mistral or qwen2
 * @param hiddenSize width of the residual stream
 * @param intermediateSize width inside the feed-forward network
 * @param heads query heads
 * @param kvHeads key and value heads; divides {@code heads}
 * @param headDim width of one head
 * @param maxPositions the longest context the checkpoint promises
 * @param ropeTheta base of the rotary frequencies
 * @param padTokenId the token whose embedding is not learned where it is read, as in transformers;
 *     a negative number for none
 */
public record DecoderConfig(
    String family,
    int vocabSize,
    int hiddenSize,
    int intermediateSize,
    int layers,
    int heads,
    int kvHeads,
    int headDim,
    int maxPositions,
    double rmsNormEps,
    double ropeTheta,
    RopeScaling ropeScaling,
    boolean tiedEmbeddings,
    boolean queryKeyValueBias,
    boolean attentionOutputBias,
    boolean mlpBias,
    int padTokenId) {
  /** What stands on top of the layers. */
  public enum Head {
    /** Predicts the next token: {@code lm_head.weight}, or the embedding where they are tied. */
    TOKENS,
    /** Gives one number: {@code score.weight}, [1, hidden]. */
    SCORE
  }

  /** The score head's weight by its Hugging Face name. */
  static final String SCORE_WEIGHT = "score.weight";

  /** The token head's weight by its Hugging Face name. */
  static final String TOKENS_WEIGHT = "lm_head.weight";

  /** The embedding's weight by its Hugging Face name. */
  static final String EMBEDDING_WEIGHT = "model.embed_tokens.weight";

  /** A parameter by its Hugging Face name. */
  public record ParameterShape(String name, long[] shape) {
    public long elements() {
      return Arrays.stream(shape).reduce(1, Math::multiplyExact);
    }
  }

  /** The parameters of one segment, in the order of its buffer. */
  public record SegmentShape(String name, List<ParameterShape> parameters) {}

  /**
   * Reads and checks a configuration.
   *
   * @param where what messages call the checkpoint, such as its path
   * @throws PlumblineException BAD_CHECKPOINT where the architecture or one of its settings is not
   *     supported
   */
  public static DecoderConfig parse(ObjectNode config, String where) {
    return new DecoderConfigReader(config, where).read();
  }

  /** This configuration with a head that is not the embedding. */
  DecoderConfig untied() {
    return new DecoderConfig(
        family,
        vocabSize,
        hiddenSize,
        intermediateSize,
        layers,
        heads,
        kvHeads,
        headDim,
        maxPositions,
        rmsNormEps,
        ropeTheta,
        ropeScaling,
        false,
        queryKeyValueBias,
        attentionOutputBias,
        mlpBias,
        padTokenId);
  }

  /** All parameters of a language model by segment, in the order of the forward pass. */
  public List<SegmentShape> segmentShapes() {
    return segmentShapes(Head.TOKENS);
  }

  /** All parameters under a head by segment, in the order of the forward pass. */
  public List<SegmentShape> segmentShapes(Head kind) {
    List<SegmentShape> out = new ArrayList<>();
    out.add(
        new SegmentShape(
            "embedding",
            List.of(new ParameterShape(EMBEDDING_WEIGHT, shape(vocabSize, hiddenSize)))));
    for (int layer = 0; layer < layers; layer++) {
      out.add(new SegmentShape("layer " + layer, layerShapes("model.layers." + layer + ".")));
    }
    List<ParameterShape> head = new ArrayList<>();
    head.add(new ParameterShape("model.norm.weight", shape(hiddenSize)));
    if (kind == Head.SCORE) {
      head.add(new ParameterShape(SCORE_WEIGHT, shape(1, hiddenSize)));
    } else if (!tiedEmbeddings) {
      head.add(new ParameterShape(TOKENS_WEIGHT, shape(vocabSize, hiddenSize)));
    }
    out.add(new SegmentShape("head", List.copyOf(head)));
    return List.copyOf(out);
  }

  /** A language model's parameters in segment order: what its checkpoint holds. */
  public List<ParameterShape> parameterShapes() {
    return segmentShapes().stream().flatMap(s -> s.parameters().stream()).toList();
  }

  private List<ParameterShape> layerShapes(String prefix) {
    long q = (long) heads * headDim;
    long kv = (long) kvHeads * headDim;
    List<ParameterShape> out = new ArrayList<>();
    // Projections of the same input lie side by side: one multiplication serves them all.
    out.add(new ParameterShape(prefix + "input_layernorm.weight", shape(hiddenSize)));
    out.add(new ParameterShape(prefix + "self_attn.q_proj.weight", shape(q, hiddenSize)));
    out.add(new ParameterShape(prefix + "self_attn.k_proj.weight", shape(kv, hiddenSize)));
    out.add(new ParameterShape(prefix + "self_attn.v_proj.weight", shape(kv, hiddenSize)));
    if (queryKeyValueBias) {
      out.add(new ParameterShape(prefix + "self_attn.q_proj.bias", shape(q)));
      out.add(new ParameterShape(prefix + "self_attn.k_proj.bias", shape(kv)));
      out.add(new ParameterShape(prefix + "self_attn.v_proj.bias", shape(kv)));
    }
    out.add(new ParameterShape(prefix + "self_attn.o_proj.weight", shape(hiddenSize, q)));
    if (attentionOutputBias) {
      out.add(new ParameterShape(prefix + "self_attn.o_proj.bias", shape(hiddenSize)));
    }
    out.add(new ParameterShape(prefix + "post_attention_layernorm.weight", shape(hiddenSize)));
    out.add(
        new ParameterShape(prefix + "mlp.gate_proj.weight", shape(intermediateSize, hiddenSize)));
    out.add(new ParameterShape(prefix + "mlp.up_proj.weight", shape(intermediateSize, hiddenSize)));
    if (mlpBias) {
      out.add(new ParameterShape(prefix + "mlp.gate_proj.bias", shape(intermediateSize)));
      out.add(new ParameterShape(prefix + "mlp.up_proj.bias", shape(intermediateSize)));
    }
    out.add(
        new ParameterShape(prefix + "mlp.down_proj.weight", shape(hiddenSize, intermediateSize)));
    if (mlpBias) {
      out.add(new ParameterShape(prefix + "mlp.down_proj.bias", shape(hiddenSize)));
    }
    return List.copyOf(out);
  }

  private static long[] shape(long... sizes) {
    return sizes;
  }

  /**
   * Rotary frequencies in radians a position, {@code headDim / 2} of them, rounded where
   * transformers rounds (f32 at each operation).
   */
  float[] inverseFrequencies() {
    float[] out = new float[headDim / 2];
    for (int i = 0; i < out.length; i++) {
      float exponent = (float) (2 * i) / headDim;
      float frequency = 1.0f / (float) Math.pow((float) ropeTheta, exponent);
      out[i] = scaled(frequency);
    }
    return out;
  }

  private float scaled(float frequency) {
    if (ropeScaling instanceof RopeScaling.Linear linear) {
      return frequency / (float) linear.factor();
    }
    if (ropeScaling instanceof RopeScaling.Llama3 llama3) {
      double wavelength = 2 * Math.PI / frequency;
      if (wavelength > llama3.originalMaxPositions() / llama3.lowFreqFactor()) {
        return frequency / (float) llama3.factor();
      }
      if (wavelength < llama3.originalMaxPositions() / llama3.highFreqFactor()) {
        return frequency;
      }
      double smooth =
          (llama3.originalMaxPositions() / wavelength - llama3.lowFreqFactor())
              / (llama3.highFreqFactor() - llama3.lowFreqFactor());
      return (float) ((1 - smooth) * frequency / llama3.factor() + smooth * frequency);
    }
    return frequency;
  }
}
