package io.plumbline.model;

import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.model.architecture.DecoderConfig;
import io.plumbline.model.architecture.DecoderConfig.Head;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Whether weights are what a configuration asks for, by names and shapes alone. */
final class WeightCheck {
  /** Buffers that old checkpoints carry; transformers passes over them by these patterns. */
  private static final List<String> BUFFERS =
      List.of(
          "rotary_emb.inv_freq",
          ".attn.bias",
          ".attn.masked_bias",
          ".attention.bias",
          ".attention.masked_bias");

  private WeightCheck() {}

  /** What some tool leaves in tensor names, what that is, and what to do. */
  private record Trace(String in, String what, String todo) {}

  private static final List<Trace> TRACES =
      List.of(
          new Trace(
              "lora_",
              "a LoRA adapter inside the model",
              "merge it in PEFT by merge_and_unload(), save_pretrained, and name what it wrote"),
          new Trace(
              "base_layer.",
              "a model saved with its LoRA adapter in place",
              "merge it in PEFT by merge_and_unload(), save_pretrained, and name what it wrote"),
          new Trace(
              "_orig_mod.",
              "torch.compile",
              "save the model below it: model._orig_mod.save_pretrained"),
          new Trace(
              "_fsdp_wrapped_module.",
              "FSDP",
              "gather the whole state (accelerator.get_state_dict) and save that"),
          new Trace(
              "_checkpoint_wrapped_module.",
              "a wrapper for gradient checkpoints",
              "save the model before it is wrapped"),
          new Trace(
              "_forward_module.",
              "Lightning",
              "save the model below it: module._forward_module.save_pretrained"),
          new Trace(
              "base_model.model.",
              "PEFT",
              "merge the adapter by merge_and_unload(), save_pretrained, and name what it wrote"),
          new Trace(
              "pretrained_model.",
              "TRL's model with a value head",
              "save the model below it: model.pretrained_model.save_pretrained"),
          new Trace(
              "language_model.",
              "a model of images and text",
              "save its language model alone: model.language_model.save_pretrained"),
          new Trace(
              "module.",
              "DistributedDataParallel or DeepSpeed",
              "save the model below it: model.module.save_pretrained"));

  /** Endings of the tensors that quantised checkpoints have beside or for a weight. */
  private static final List<String> QUANTISED =
      List.of(
          "qweight",
          "qzeros",
          "g_idx",
          "weight_scale",
          "weight_scale_inv",
          "input_scale",
          "weight_zero_point",
          "weight_packed",
          "absmax",
          "quant_map",
          "SCB",
          "weight_format");

  /** The base of the families that have the anchors. */
  private static final String ANCHORED_BASE = "model.";

  /** Tensors of any Llama; what stands before them in a file is a prefix. */
  private static final List<String> ANCHORS =
      List.of("embed_tokens.weight", "layers.0.input_layernorm.weight");

  /** Fails with BAD_CHECKPOINT where a parameter is missing, too many, or of another shape. */
  static void require(DecoderConfig config, Head head, WeightSource source) {
    Map<String, long[]> wanted = new LinkedHashMap<>();
    config.segmentShapes(head).stream()
        .flatMap(segment -> segment.parameters().stream())
        .forEach(p -> wanted.put(p.name(), p.shape()));
    List<String> missing =
        wanted.keySet().stream().filter(n -> !source.names().contains(n)).toList();
    Set<String> extra = new HashSet<>(source.names());
    extra.removeAll(wanted.keySet());
    extra.removeIf(name -> BUFFERS.stream().anyMatch(name::contains));
    List<String> others = extra.stream().map(source::nameInFile).sorted().toList();
    trace(others, config.names().base()).ifPresent(sentence -> fail(source, sentence));
    if (!missing.isEmpty()) {
      fail(
          source,
          "lacks "
              + some(missing)
              + " that its config.json asks for"
              + (others.isEmpty() ? "" : ", and holds " + some(others) + " that no such model has")
              + advice(config, missing));
    }
    if (!others.isEmpty()) {
      fail(
          source,
          "holds "
              + some(others)
              + " that a "
              + config.family()
              + " model of its config.json does not have"
              + (others.contains(DecoderConfig.SCORE_WEIGHT)
                  ? ": it is the head of a reward model, so name it where a reward model is meant,"
                      + " or take the tensor out"
                  : ""));
    }
    wanted.forEach(
        (name, shape) -> {
          long[] found = source.shape(name);
          if (!Arrays.equals(found, shape)) {
            fail(
                source,
                "holds "
                    + source.nameInFile(name)
                    + " with shape "
                    + Arrays.toString(found)
                    + ", but its config.json asks for "
                    + Arrays.toString(shape)
                    + (Arrays.equals(found, new long[] {0})
                        ? ": DeepSpeed ZeRO 3 saved a place and no weights; save it with"
                            + " stage3_gather_16bit_weights_on_model_save, or make it whole by"
                            + " zero_to_fp32.py"
                        : ""));
          }
        });
  }

  private static String advice(DecoderConfig config, List<String> missing) {
    if (missing.equals(List.of(config.names().head()))) {
      return ": it was saved without its head, or its head is the embedding; save it again from"
          + " AutoModelForCausalLM, or set tie_word_embeddings to true where the two are one";
    }
    if (missing.size() == 1 && missing.get(0).equals(config.names().embedding())) {
      return config.tiedEmbeddings()
          ? ""
          : ": set tie_word_embeddings to true where the head is the embedding";
    }
    return "";
  }

  /** What the names of tensors that no such model has tell about how they came to be. */
  private static Optional<String> trace(List<String> others, String base) {
    for (Trace trace : TRACES) {
      for (String name : others) {
        if (name.startsWith(trace.in()) || name.contains("." + trace.in())) {
          return Optional.of(
              "has tensors with \""
                  + trace.in()
                  + "\" in their names, such as "
                  + name
                  + ", which is what "
                  + trace.what()
                  + " leaves; transformers finds no weights under such names: "
                  + trace.todo());
        }
      }
    }
    for (String name : others) {
      for (String ending : QUANTISED) {
        if (name.endsWith("." + ending) || name.contains("." + ending + ".")) {
          return Optional.of(
              "holds quantised weights (such as "
                  + name
                  + "), which cannot be read: name the model that they were made from, or save it"
                  + " dequantised");
        }
      }
    }
    for (String name : others) {
      for (String anchor : ANCHORS) {
        if (base.equals(ANCHORED_BASE) && name.endsWith("." + anchor)) {
          String before = name.substring(0, name.length() - anchor.length());
          return Optional.of(
              "has tensors with the prefix \""
                  + before
                  + "\", such as "
                  + name
                  + ", where transformers takes \"model.\" or none: rename the tensors, or save the"
                  + " model again by save_pretrained");
        }
      }
    }
    return Optional.empty();
  }

  private static void fail(WeightSource source, String what) {
    throw new PlumblineException(ErrorCode.BAD_CHECKPOINT, source.description() + " " + what);
  }

  private static String some(List<String> names) {
    String first = "the tensor " + names.get(0);
    return names.size() == 1 ? first : first + " and " + (names.size() - 1) + " more";
  }
}
