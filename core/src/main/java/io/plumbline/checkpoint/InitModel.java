package io.plumbline.checkpoint;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.storage.Storage;
import io.plumbline.text.TokenizerFiles;
import java.io.IOException;
import java.io.InputStream;
import java.nio.FloatBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.TreeMap;
import java.util.function.Consumer;

/**
 * A fresh, randomly initialised Llama with a byte-level tokenizer of its own, as a Hugging Face
 * directory. The same settings and texts give the same files, byte for byte.
 */
public final class InitModel {
  /** Ids 0 to 3. */
  static final List<String> SPECIAL_TOKENS =
      List.of("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|pad|>");

  private static final String BEGIN = SPECIAL_TOKENS.get(0);
  private static final String TURN_START = SPECIAL_TOKENS.get(1);
  private static final String TURN_END = SPECIAL_TOKENS.get(2);
  private static final String PADDING = SPECIAL_TOKENS.get(3);

  /** The smallest vocabulary: the special tokens and the 256 bytes. */
  public static final int SMALLEST_VOCABULARY = SPECIAL_TOKENS.size() + 256;

  /** Whether the output head has weights of its own. */
  public enum EmbeddingSharing {
    /** The head is the embedding. */
    TIED,
    SEPARATE
  }

  /**
   * Sizes of the decoder.
   *
   * @param hiddenSize width of the residual stream; a multiple of {@code 2 · heads}
   * @param layers decoder layers
   * @param heads query heads
   * @param keyValueHeads heads of keys and values; divides {@code heads}
   * @param intermediateSize width inside the feed-forward block
   */
  public record Decoder(
      int hiddenSize, int layers, int heads, int keyValueHeads, int intermediateSize) {
    public Decoder {
      check(layers >= 1, "layers", "at least 1", layers);
      check(heads >= 1, "heads", "at least 1", heads);
      check(
          hiddenSize >= 2 && hiddenSize % (2 * heads) == 0,
          "hidden size",
          "a multiple of twice the " + heads + " heads",
          hiddenSize);
      check(
          keyValueHeads >= 1 && heads % keyValueHeads == 0,
          "key-value heads",
          "a divisor of the " + heads + " heads",
          keyValueHeads);
      check(intermediateSize >= 1, "intermediate size", "at least 1", intermediateSize);
    }

    int headSize() {
      return hiddenSize / heads;
    }
  }

  /**
   * What a new model is.
   *
   * @param vocabularySize tokens at most, special tokens and bytes included; what is above {@link
   *     #SMALLEST_VOCABULARY} is learned from texts
   * @param sharing of the embedding with the head
   * @param ropeTheta base of the rotary frequencies
   * @param maxPositions longest sequence, in tokens
   * @param initializerRange standard deviation of the weights
   * @param seed of the weights
   */
  public record Settings(
      Decoder decoder,
      int vocabularySize,
      EmbeddingSharing sharing,
      double ropeTheta,
      int maxPositions,
      double initializerRange,
      long seed) {

    public Settings {
      check(
          vocabularySize >= SMALLEST_VOCABULARY,
          "vocabulary size",
          "at least " + SMALLEST_VOCABULARY,
          vocabularySize);
      check(maxPositions >= 1, "max positions", "at least 1", maxPositions);
      check(ropeTheta > 0, "rope theta", "above 0", ropeTheta);
      check(
          initializerRange >= 0 && initializerRange < 100,
          "initializer range",
          "from 0 to 100",
          initializerRange);
    }

    /** A model of 1.7 million parameters without learned merges. */
    public static Settings defaults() {
      return new Settings(
          new Decoder(192, 4, 6, 3, 512),
          SMALLEST_VOCABULARY,
          EmbeddingSharing.TIED,
          10_000,
          1024,
          0.02,
          0);
    }

    public Settings withSeed(long value) {
      return new Settings(
          decoder, vocabularySize, sharing, ropeTheta, maxPositions, initializerRange, value);
    }
  }

  private static void check(boolean good, String name, String should, Number is) {
    if (!good) {
      throw new PlumblineException(
          ErrorCode.BAD_USAGE,
          "The " + name + " of a new model must be " + should + ", not " + is + ".");
    }
  }

  private InitModel() {}

  /** Writes a directory whose tokenizer spells every byte by itself. */
  public static ModelDirectory write(Storage storage, String path, Settings settings) {
    return write(storage, path, settings, List.of());
  }

  /**
   * Writes a directory whose tokenizer learned its merges from {@code texts}, up to the vocabulary
   * size of the settings, or fewer where the texts have no more pairs that occur twice.
   */
  public static ModelDirectory write(
      Storage storage, String path, Settings settings, Iterable<String> texts) {
    BytePairTrainer.Vocabulary vocabulary =
        BytePairTrainer.train(
            texts, SPECIAL_TOKENS, settings.vocabularySize(), BytePairTrainer.Digits.SINGLE);
    int vocabularySize = vocabulary.tokens().size();
    ModelDirectoryWriter.of(config(settings, vocabularySize), tokenizerFiles(settings, vocabulary))
        .withGenerationConfig(generationConfig())
        .write(storage, path, weights(settings, vocabularySize));
    return ModelDirectory.open(storage, path);
  }

  /** Writes a model whose vocabulary is learned from the lines of text files. */
  public static ModelDirectory writeFromTextFiles(
      Storage storage, String path, Settings settings, List<String> textFiles) {
    List<String> texts = new ArrayList<>();
    for (String named : textFiles) {
      for (Storage.Entry file : storage.expand(named)) {
        storage.readText(file.path()).lines().forEach(texts::add);
      }
    }
    return write(storage, path, settings, texts);
  }

  /** In the form of transformers 4, which version 5 reads as well; the reverse does not hold. */
  private static ObjectNode config(Settings settings, int vocabularySize) {
    ObjectNode config = PythonJson.object();
    config.putArray("architectures").add("LlamaForCausalLM");
    config.put("attention_bias", false);
    config.put("attention_dropout", 0.0);
    config.put("bos_token_id", SPECIAL_TOKENS.indexOf(BEGIN));
    config.put("eos_token_id", SPECIAL_TOKENS.indexOf(TURN_END));
    config.put("head_dim", settings.decoder().headSize());
    config.put("hidden_act", "silu");
    config.put("hidden_size", settings.decoder().hiddenSize());
    config.put("initializer_range", settings.initializerRange());
    config.put("intermediate_size", settings.decoder().intermediateSize());
    config.put("max_position_embeddings", settings.maxPositions());
    config.put("mlp_bias", false);
    config.put("model_type", "llama");
    config.put("num_attention_heads", settings.decoder().heads());
    config.put("num_hidden_layers", settings.decoder().layers());
    config.put("num_key_value_heads", settings.decoder().keyValueHeads());
    config.put("pad_token_id", SPECIAL_TOKENS.indexOf(PADDING));
    config.put("rms_norm_eps", 1e-5);
    config.putNull("rope_scaling");
    config.put("rope_theta", settings.ropeTheta());
    config.put("tie_word_embeddings", settings.sharing() == EmbeddingSharing.TIED);
    config.put("torch_dtype", "float32");
    config.put("use_cache", true);
    config.put("vocab_size", vocabularySize);
    return config;
  }

  private static String generationConfig() {
    ObjectNode config = PythonJson.object();
    config.put("bos_token_id", SPECIAL_TOKENS.indexOf(BEGIN));
    config.put("eos_token_id", SPECIAL_TOKENS.indexOf(TURN_END));
    config.put("pad_token_id", SPECIAL_TOKENS.indexOf(PADDING));
    return PythonJson.pretty(config);
  }

  private static TokenizerFiles tokenizerFiles(
      Settings settings, BytePairTrainer.Vocabulary vocabulary) {
    TreeMap<String, String> files = new TreeMap<>();
    files.put("tokenizer.json", PythonJson.pretty(tokenizer(vocabulary)));
    files.put("tokenizer_config.json", PythonJson.pretty(tokenizerConfig(settings)));
    ObjectNode special = specialTokens(PythonJson.object());
    files.put("special_tokens_map.json", PythonJson.pretty(special));
    try (InputStream template = InitModel.class.getResourceAsStream("chatml.jinja")) {
      files.put("chat_template.jinja", new String(template.readAllBytes(), StandardCharsets.UTF_8));
    } catch (IOException e) {
      throw new PlumblineException(
          ErrorCode.INTERNAL, "The jar lacks its chat template; build it again.", e);
    }
    return new TokenizerFiles(files);
  }

  private static ObjectNode specialTokens(ObjectNode target) {
    target.putArray("additional_special_tokens").add(TURN_START);
    target.put("bos_token", BEGIN);
    target.put("eos_token", TURN_END);
    target.put("pad_token", PADDING);
    target.put("unk_token", BEGIN);
    return target;
  }

  private static ObjectNode tokenizerConfig(Settings settings) {
    ObjectNode config = specialTokens(PythonJson.object());
    config.put("clean_up_tokenization_spaces", false);
    config.put("model_max_length", settings.maxPositions());
    config.put("padding_side", "right");
    // Both versions of transformers know this name.
    config.put("tokenizer_class", "PreTrainedTokenizerFast");
    return config;
  }

  private static ObjectNode tokenizer(BytePairTrainer.Vocabulary vocabulary) {
    ObjectNode tokenizer = PythonJson.object();
    tokenizer.put("version", "1.0");
    tokenizer.putNull("truncation");
    tokenizer.putNull("padding");
    ArrayNode added = tokenizer.putArray("added_tokens");
    for (int id = 0; id < SPECIAL_TOKENS.size(); id++) {
      added
          .addObject()
          .put("id", id)
          .put("content", SPECIAL_TOKENS.get(id))
          .put("single_word", false)
          .put("lstrip", false)
          .put("rstrip", false)
          .put("normalized", false)
          .put("special", true);
    }
    tokenizer.putNull("normalizer");
    ObjectNode splitter = tokenizer.putObject("pre_tokenizer");
    splitter.put("type", "Sequence");
    ArrayNode steps = splitter.putArray("pretokenizers");
    steps.addObject().put("type", "Digits").put("individual_digits", true);
    byteLevel(steps.addObject());
    byteLevel(tokenizer.putObject("post_processor"));
    byteLevel(tokenizer.putObject("decoder"));
    ObjectNode model = tokenizer.putObject("model");
    model.put("type", "BPE");
    model.putNull("dropout");
    model.putNull("unk_token");
    model.putNull("continuing_subword_prefix");
    model.putNull("end_of_word_suffix");
    model.put("fuse_unk", false);
    model.put("byte_fallback", false);
    model.put("ignore_merges", false);
    ObjectNode ids = model.putObject("vocab");
    for (int id = 0; id < vocabulary.tokens().size(); id++) {
      ids.put(vocabulary.tokens().get(id), id);
    }
    ArrayNode merges = model.putArray("merges");
    for (List<String> merge : vocabulary.merges()) {
      merges.addArray().add(merge.get(0)).add(merge.get(1));
    }
    return tokenizer;
  }

  private static void byteLevel(ObjectNode target) {
    target
        .put("type", "ByteLevel")
        .put("add_prefix_space", false)
        .put("trim_offsets", false)
        .put("use_regex", true);
  }

  /** A parameter of a Llama: its name and shape, as transformers has them. */
  private record Parameter(String name, long... shape) {}

  private static List<Parameter> parameters(Settings settings, int vocabularySize) {
    long hidden = settings.decoder().hiddenSize();
    long keyValues = (long) settings.decoder().keyValueHeads() * settings.decoder().headSize();
    long inner = settings.decoder().intermediateSize();
    List<Parameter> parameters = new ArrayList<>();
    parameters.add(new Parameter("model.embed_tokens.weight", vocabularySize, hidden));
    for (int i = 0; i < settings.decoder().layers(); i++) {
      String layer = "model.layers." + i + ".";
      parameters.add(new Parameter(layer + "input_layernorm.weight", hidden));
      parameters.add(new Parameter(layer + "self_attn.q_proj.weight", hidden, hidden));
      parameters.add(new Parameter(layer + "self_attn.k_proj.weight", keyValues, hidden));
      parameters.add(new Parameter(layer + "self_attn.v_proj.weight", keyValues, hidden));
      parameters.add(new Parameter(layer + "self_attn.o_proj.weight", hidden, hidden));
      parameters.add(new Parameter(layer + "post_attention_layernorm.weight", hidden));
      parameters.add(new Parameter(layer + "mlp.gate_proj.weight", inner, hidden));
      parameters.add(new Parameter(layer + "mlp.up_proj.weight", inner, hidden));
      parameters.add(new Parameter(layer + "mlp.down_proj.weight", hidden, inner));
    }
    parameters.add(new Parameter("model.norm.weight", hidden));
    if (settings.sharing() == EmbeddingSharing.SEPARATE) {
      parameters.add(new Parameter("lm_head.weight", vocabularySize, hidden));
    }
    return parameters;
  }

  private static List<TensorSource> weights(Settings settings, int vocabularySize) {
    List<TensorSource> weights = new ArrayList<>();
    // A seed for each tensor, so that a tensor's values do not depend on when it is asked for.
    Random seeds = new Random(settings.seed());
    for (Parameter parameter : parameters(settings, vocabularySize)) {
      weights.add(
          parameter.name().endsWith("norm.weight")
              ? new Ones(parameter.name(), parameter.shape())
              : new Normal(
                  parameter.name(),
                  parameter.shape(),
                  settings.initializerRange(),
                  seeds.nextLong()));
    }
    return weights;
  }

  private record Ones(String name, long[] shape) implements TensorSource {
    @Override
    public void values(Consumer<FloatBuffer> receiver) {
      float[] ones = new float[Math.toIntExact(elements())];
      java.util.Arrays.fill(ones, 1f);
      receiver.accept(FloatBuffer.wrap(ones));
    }
  }

  private record Normal(String name, long[] shape, double deviation, long seed)
      implements TensorSource {
    @Override
    public void values(Consumer<FloatBuffer> receiver) {
      Random random = new Random(seed);
      long left = elements();
      float[] piece = new float[(int) Math.min(left, 1 << 18)];
      while (left > 0) {
        int n = (int) Math.min(left, piece.length);
        for (int i = 0; i < n; i++) {
          piece[i] = (float) (random.nextGaussian() * deviation);
        }
        receiver.accept(FloatBuffer.wrap(piece, 0, n));
        left -= n;
      }
    }
  }
}
