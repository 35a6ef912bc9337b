package io.plumbline.checkpoint;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.text.Tokenizer;
import io.plumbline.text.TokenizerFiles;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The configuration and the tokenizer of a reward model, as transformers' sequence classifier with
 * one label reads them.
 *
 * <p>transformers takes a text's score at its last token that is not the padding token, whatever
 * the attention mask says. Where padding is the token that ends texts, it would take the one before
 * the end; so the padding token of a new reward model is one that ends no text, in the
 * configuration and, for those who pad by the tokenizer, there as well. A model that was a reward
 * model before keeps its padding, whichever it is: that is where its head learned to read.
 */
record RewardModelFiles(ObjectNode config, TokenizerFiles tokenizerFiles) {
  private static final Logger LOG = LoggerFactory.getLogger(RewardModelFiles.class);
  private static final String TOKENIZER = "tokenizer.json";
  private static final String TOKENIZER_CONFIG = "tokenizer_config.json";
  private static final String SPECIAL_TOKENS = "special_tokens_map.json";
  private static final String PAD_ID = "pad_token_id";
  private static final String PAD = "pad_token";

  /** The configuration of a reward model of the same family, with the padding token as it is. */
  static ObjectNode named(ObjectNode config) {
    ObjectNode result = config.deepCopy();
    String family = config.path("model_type").asText();
    if (family.isEmpty()) {
      throw new PlumblineException(
          ErrorCode.BAD_CHECKPOINT,
          "A reward model cannot be written from a config.json without model_type; add it there.");
    }
    result.putArray("architectures").add(classifier(family));
    result.remove("num_labels"); // transformers counts the names.
    result.putObject("id2label").put("0", "LABEL_0");
    result.putObject("label2id").put("LABEL_0", 0);
    return result;
  }

  /** Those of a reward model that a language model with the given ones becomes. */
  static RewardModelFiles ofNew(ObjectNode config, TokenizerFiles tokenizerFiles) {
    ObjectNode result = named(config);
    if (!tokenizerFiles.contents().containsKey(TOKENIZER)) {
      return withPadding(result, tokenizerFiles, Optional.empty());
    }
    try (Tokenizer tokenizer = Tokenizer.of(tokenizerFiles)) {
      return withPadding(result, tokenizerFiles, Optional.of(tokenizer));
    }
  }

  /** How transformers begins the names of a family's classes where the rule has it otherwise. */
  private static final Map<String, String> CLASS_NAMES =
      Map.of(
          "gemma3_text", "Gemma3Text",
          "gpt2", "GPT2",
          "gpt_neox", "GPTNeoX",
          "smollm3", "SmolLM3");

  /** Classes that predict tokens and have names of their own. */
  private static final Map<String, String> PREDICTORS =
      Map.of("gemma3_text", "Gemma3ForCausalLM", "gpt2", "GPT2LMHeadModel");

  /**
   * The class of transformers that scores with a family's model: LlamaForSequenceClassification.
   */
  static String classifier(String family) {
    return className(family) + ModelDirectory.CLASSIFIER;
  }

  /** The class of transformers that predicts tokens with a family's model: LlamaForCausalLM. */
  static String predictor(String family) {
    return PREDICTORS.getOrDefault(family, className(family) + ModelDirectory.PREDICTOR);
  }

  private static String className(String family) {
    return CLASS_NAMES.getOrDefault(
        family, family.substring(0, 1).toUpperCase(Locale.ROOT) + family.substring(1));
  }

  private static RewardModelFiles withPadding(
      ObjectNode config, TokenizerFiles files, Optional<Tokenizer> tokenizer) {
    Set<Integer> ends = new TreeSet<>();
    JsonNode eos = config.path("eos_token_id");
    (eos.isArray() ? eos : PythonJson.MAPPER.createArrayNode().add(eos))
        .forEach(id -> ends.add(id.asInt(-1)));
    tokenizer.ifPresent(t -> t.eosTokenId().ifPresent(ends::add));
    int rows = config.path("vocab_size").asInt();

    int own = tokenizer.map(t -> t.padTokenId().orElse(-1)).orElse(-1);
    if (fits(own, rows, ends)) {
      config.put(PAD_ID, own);
      return new RewardModelFiles(config, files);
    }
    int configured = config.path(PAD_ID).asInt(-1);
    Map<Integer, String> special = specialTokens(files);
    if (fits(configured, rows, ends) && (tokenizer.isEmpty() || special.containsKey(configured))) {
      return new RewardModelFiles(config, padding(files, special.get(configured)));
    }
    int bos = tokenizer.map(t -> t.bosTokenId().orElse(-1)).orElse(-1);
    special.keySet().removeIf(id -> !fits(id, rows, ends));
    Optional<Integer> spare =
        special.keySet().stream()
            .max(
                (a, b) -> {
                  int byUse = Integer.compare(use(special, a, bos), use(special, b, bos));
                  return byUse != 0 ? byUse : Integer.compare(a, b);
                });
    if (spare.isEmpty()) {
      LOG.warn(
          "The tokenizer has no special token that could pad and ends no text: transformers will"
              + " score texts one at a time only");
      config.putNull(PAD_ID);
      return new RewardModelFiles(config, files);
    }
    config.put(PAD_ID, spare.get());
    return new RewardModelFiles(config, padding(files, special.get(spare.get())));
  }

  private static boolean fits(int id, int rows, Set<Integer> ends) {
    return id >= 0 && id < rows && !ends.contains(id);
  }

  /** Tokens made for padding first, the token that starts texts last. */
  private static int use(Map<Integer, String> special, int id, int bos) {
    if (special.get(id).toLowerCase(Locale.ROOT).contains("pad")) {
      return 2;
    }
    return id == bos ? 0 : 1;
  }

  /** Special tokens by id. */
  private static Map<Integer, String> specialTokens(TokenizerFiles files) {
    Map<Integer, String> special = new TreeMap<>();
    files
        .content(TOKENIZER)
        .ifPresent(
            text -> {
              for (JsonNode token : PythonJson.parse(text, TOKENIZER).path("added_tokens")) {
                if (token.path("special").asBoolean()) {
                  special.put(token.path("id").asInt(-1), token.path("content").asText());
                }
              }
            });
    return special;
  }

  /** The files with another padding token; null leaves them as they are. */
  private static TokenizerFiles padding(TokenizerFiles files, String token) {
    if (token == null) {
      return files;
    }
    TreeMap<String, String> contents = new TreeMap<>(files.contents());
    contents.putIfAbsent(TOKENIZER_CONFIG, "{}");
    for (String name : new String[] {TOKENIZER_CONFIG, SPECIAL_TOKENS}) {
      contents.computeIfPresent(
          name, (n, text) -> PythonJson.pretty(PythonJson.parse(text, n).put(PAD, token)));
    }
    return files.with(contents);
  }
}
