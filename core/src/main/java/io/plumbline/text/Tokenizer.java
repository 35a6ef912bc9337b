package io.plumbline.text;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import ai.djl.huggingface.tokenizers.jni.CharSpan;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeMap;

/**
 * A Hugging Face tokenizer: the same ids as transformers gives for the same files, never truncated
 * or padded. May be used by many threads at once.
 */
public final class Tokenizer implements AutoCloseable {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String TOKENIZER = "tokenizer.json";
  private static final String CONFIG = "tokenizer_config.json";
  private static final String SPECIAL_TOKENS = "special_tokens_map.json";
  private static final String TEMPLATE = "chat_template.jinja";
  private static final String ADDITIONAL_TEMPLATES = "additional_chat_templates/";
  private static final List<String> SPECIAL_NAMES =
      List.of(
          "bos_token",
          "eos_token",
          "unk_token",
          "sep_token",
          "pad_token",
          "cls_token",
          "mask_token");
  private static final String DEFAULT = "default";
  private static final String TOOL_USE = "tool_use";

  private final HuggingFaceTokenizer tokenizer;
  private final Map<String, Integer> ids;
  private final int vocabularySize;
  private final Map<String, Object> specialTokens;
  private final Map<String, ChatTemplate> templates;
  private final String fingerprint;

  private Tokenizer(
      HuggingFaceTokenizer tokenizer,
      Map<String, Integer> ids,
      int vocabularySize,
      Map<String, Object> specialTokens,
      Map<String, ChatTemplate> templates,
      String fingerprint) {
    this.tokenizer = tokenizer;
    this.ids = ids;
    this.vocabularySize = vocabularySize;
    this.specialTokens = specialTokens;
    this.templates = templates;
    this.fingerprint = fingerprint;
  }

  /**
   * Loads a tokenizer from its files. Fails with BAD_CHECKPOINT where tokenizer.json is missing or
   * is none, and with BAD_TEMPLATE where the chat template cannot be parsed.
   */
  public static Tokenizer of(TokenizerFiles files) {
    String text =
        files
            .content(TOKENIZER)
            .orElseThrow(
                () ->
                    new PlumblineException(
                        ErrorCode.BAD_CHECKPOINT,
                        "The model directory has no tokenizer.json; save the tokenizer with"
                            + " transformers' save_pretrained, which writes one, or copy it there"
                            + " from the model it belongs to."));
    JsonNode definition = parse(TOKENIZER, text);
    JsonNode model = definition.path("model");
    if (!model.isObject()) {
      throw new PlumblineException(
          ErrorCode.BAD_CHECKPOINT,
          "tokenizer.json has no model in it; save the tokenizer again with transformers'"
              + " save_pretrained.");
    }
    ((ObjectNode) definition).putNull("truncation").putNull("padding");
    JsonNode config =
        files.content(CONFIG).map(c -> parse(CONFIG, c)).orElse(JSON.createObjectNode());
    JsonNode special =
        files
            .content(SPECIAL_TOKENS)
            .map(c -> parse(SPECIAL_TOKENS, c))
            .orElse(JSON.createObjectNode());
    addTokens(definition, config.path("added_tokens_decoder"));
    Map<String, Integer> ids = vocabulary(definition);
    Map<String, Object> specialTokens = specialTokens(config, special);
    Map<String, String> sources = templateSources(files, config);
    Map<String, ChatTemplate> templates = new LinkedHashMap<>();
    sources.forEach(
        (name, source) -> templates.put(name, ChatTemplate.parse(source, specialTokens)));
    return new Tokenizer(
        load(definition),
        ids,
        vocabularySize(definition, ids),
        specialTokens,
        templates,
        fingerprint(definition, specialTokens, sources));
  }

  private static JsonNode parse(String name, String text) {
    try {
      JsonNode node = JSON.readTree(text);
      if (node == null || !node.isObject()) {
        throw new PlumblineException(
            ErrorCode.BAD_CHECKPOINT, name + " holds no JSON object; copy the file again.");
      }
      return node;
    } catch (JsonProcessingException e) {
      throw new PlumblineException(
          ErrorCode.BAD_CHECKPOINT,
          name
              + " is no valid JSON at line "
              + e.getLocation().getLineNr()
              + "; copy the file again.",
          e);
    }
  }

  private static HuggingFaceTokenizer load(JsonNode definition) {
    try {
      byte[] bytes = definition.toString().getBytes(StandardCharsets.UTF_8);
      // No option but these: without them the library takes over settings of its own.
      return HuggingFaceTokenizer.newInstance(
          new ByteArrayInputStream(bytes), Map.of("truncation", "false", "padding", "false"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (RuntimeException e) {
      throw new PlumblineException(
          ErrorCode.BAD_CHECKPOINT,
          "tokenizer.json cannot be loaded ("
              + e.getMessage()
              + "); save the tokenizer again with transformers' save_pretrained.",
          e);
    }
  }

  /** Adds what version 4 notes beside tokenizer.json, where tokenizer.json lacks it. */
  private static void addTokens(JsonNode definition, JsonNode addedTokens) {
    Set<Integer> known = new HashSet<>();
    ArrayNode tokens = ((ObjectNode) definition).withArray("added_tokens");
    tokens.forEach(token -> known.add(token.path("id").asInt()));
    addedTokens
        .properties()
        .forEach(
            entry -> {
              int id = Integer.parseInt(entry.getKey());
              if (known.add(id)) {
                JsonNode token = entry.getValue();
                ObjectNode added = tokens.addObject().put("id", id);
                added.put("content", token.path("content").asText());
                for (String flag : List.of("single_word", "lstrip", "rstrip", "special")) {
                  added.put(flag, token.path(flag).asBoolean(false));
                }
                added.put("normalized", token.path("normalized").asBoolean(true));
              }
            });
  }

  private static Map<String, Integer> vocabulary(JsonNode definition) {
    Map<String, Integer> ids = new HashMap<>();
    JsonNode vocab = definition.path("model").path("vocab");
    vocab.properties().forEach(entry -> ids.put(entry.getKey(), entry.getValue().asInt()));
    if (vocab.isArray()) {
      for (int i = 0; i < vocab.size(); i++) {
        ids.put(vocab.get(i).path(0).asText(), i);
      }
    }
    for (JsonNode token : definition.path("added_tokens")) {
      ids.put(token.path("content").asText(), token.path("id").asInt());
    }
    return ids;
  }

  private static int vocabularySize(JsonNode definition, Map<String, Integer> ids) {
    int most = -1;
    for (int id : ids.values()) {
      most = Math.max(most, id);
    }
    return Math.max(most + 1, definition.path("model").path("vocab").size());
  }

  /** Names to tokens, such as bos_token; what tokenizer_config.json says goes first. */
  private static Map<String, Object> specialTokens(JsonNode config, JsonNode special) {
    Map<String, Object> tokens = new TreeMap<>();
    for (String name : SPECIAL_NAMES) {
      JsonNode node = config.has(name) ? config.get(name) : special.path(name);
      content(node).ifPresent(token -> tokens.put(name, token));
    }
    // In version 5 this may be an object of further named tokens (image_token, …).
    JsonNode extra = config.path("extra_special_tokens");
    if (extra.isObject()) {
      extra
          .properties()
          .forEach(
              entry ->
                  content(entry.getValue())
                      .ifPresent(token -> tokens.putIfAbsent(entry.getKey(), token)));
    }
    JsonNode specific = config.path("model_specific_special_tokens");
    specific
        .properties()
        .forEach(
            entry ->
                content(entry.getValue())
                    .ifPresent(token -> tokens.putIfAbsent(entry.getKey(), token)));
    return tokens;
  }

  private static Optional<String> content(JsonNode node) {
    if (node.isTextual()) {
      return Optional.of(node.asText());
    }
    JsonNode content = node.path("content");
    return content.isTextual() ? Optional.of(content.asText()) : Optional.empty();
  }

  private static Map<String, String> templateSources(TokenizerFiles files, JsonNode config) {
    Map<String, String> sources = new LinkedHashMap<>();
    Optional<String> file = files.content(TEMPLATE);
    if (file.isPresent()) {
      sources.put(DEFAULT, file.get());
      files
          .contents()
          .forEach(
              (name, content) -> {
                if (name.startsWith(ADDITIONAL_TEMPLATES) && name.endsWith(".jinja")) {
                  sources.put(
                      name.substring(
                          ADDITIONAL_TEMPLATES.length(), name.length() - ".jinja".length()),
                      content);
                }
              });
      return sources;
    }
    JsonNode template = config.path("chat_template");
    if (template.isTextual()) {
      sources.put(DEFAULT, template.asText());
    } else if (template.isArray()) {
      for (JsonNode named : template) {
        sources.put(named.path("name").asText(), named.path("template").asText());
      }
    } else if (template.isObject()) {
      template.properties().forEach(e -> sources.put(e.getKey(), e.getValue().asText()));
    }
    return sources;
  }

  private static String fingerprint(
      JsonNode definition, Map<String, Object> specialTokens, Map<String, String> sources) {
    ObjectNode all = JSON.createObjectNode();
    all.set("tokenizer", definition);
    all.set("special_tokens", JSON.valueToTree(specialTokens));
    all.set("templates", JSON.valueToTree(new TreeMap<>(sources)));
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      return HexFormat.of()
          .formatHex(digest.digest(all.toString().getBytes(StandardCharsets.UTF_8)));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }

  /** Ids with the special tokens that the post-processor adds, as {@code tokenizer(text)} gives. */
  public int[] encode(String text) {
    return ids(tokenizer.encode(text, true, false).getIds());
  }

  /** Ids without added special tokens, as {@code add_special_tokens=False} gives. */
  public int[] encodeWithoutSpecialTokens(String text) {
    return ids(tokenizer.encode(text, false, false).getIds());
  }

  /**
   * Ids without added special tokens, with where in the text each token stands, as {@code
   * return_offsets_mapping} gives.
   */
  public Encoding encodeWithOffsets(String text) {
    ai.djl.huggingface.tokenizers.Encoding encoding = tokenizer.encode(text, false, false);
    CharSpan[] spans = encoding.getCharTokenSpans();
    int[] starts = new int[spans.length];
    int[] ends = new int[spans.length];
    for (int i = 0; i < spans.length; i++) {
      if (spans[i] != null) {
        starts[i] = spans[i].getStart();
        ends[i] = spans[i].getEnd();
      }
    }
    return new Encoding(ids(encoding.getIds()), starts, ends);
  }

  /**
   * Renders and encodes a conversation, as {@code apply_chat_template(tokenize=True,
   * return_dict=True, return_assistant_tokens_mask=True)} does. Fails with BAD_CHECKPOINT where the
   * files have no chat template.
   */
  public TokenizedChat tokenize(ChatRequest request) {
    if (request.messages().isEmpty()) {
      throw new PlumblineException(
          ErrorCode.BAD_DATA, "A conversation has no messages; give it at least one.");
    }
    ChatTemplate.Rendered rendered = chatTemplateFor(request).render(request);
    if (rendered.assistantSpans().isEmpty()) {
      int[] ids = encodeWithoutSpecialTokens(rendered.text());
      return new TokenizedChat(ids, new byte[ids.length]);
    }
    Encoding encoding = encodeWithOffsets(rendered.text());
    return new TokenizedChat(encoding.ids(), mask(encoding, rendered.assistantSpans()));
  }

  private static byte[] mask(Encoding encoding, List<ChatTemplate.Span> spans) {
    byte[] mask = new byte[encoding.ids().length];
    for (ChatTemplate.Span span : spans) {
      int first = tokenAt(encoding, span.start());
      if (first < 0) {
        break;
      }
      int last = tokenAt(encoding, span.end() - 1);
      // As in transformers, where an end at token 0 or at none means the end of the text.
      Arrays.fill(mask, first, Math.max(first, last > 0 ? last + 1 : mask.length), (byte) 1);
    }
    return mask;
  }

  /** The first token that holds a character, or -1. */
  private static int tokenAt(Encoding encoding, int character) {
    for (int i = 0; i < encoding.ids().length; i++) {
      if (encoding.starts()[i] <= character && character < encoding.ends()[i]) {
        return i;
      }
    }
    return -1;
  }

  private static int[] ids(long[] ids) {
    int[] narrowed = new int[ids.length];
    for (int i = 0; i < ids.length; i++) {
      narrowed[i] = Math.toIntExact(ids[i]);
    }
    return narrowed;
  }

  /** Text with special tokens kept. */
  public String decode(int[] ids) {
    return decode(ids, false);
  }

  /** Text with special tokens left out. */
  public String decodeSkippingSpecialTokens(int[] ids) {
    return decode(ids, true);
  }

  private String decode(int[] ids, boolean skipSpecialTokens) {
    long[] widened = Arrays.stream(ids).asLongStream().toArray();
    return tokenizer.decode(widened, skipSpecialTokens);
  }

  /** One more than the greatest token id. */
  public int vocabularySize() {
    return vocabularySize;
  }

  /** The id of one token by its exact text. */
  public OptionalInt tokenId(String token) {
    Integer id = ids.get(token);
    return id == null ? OptionalInt.empty() : OptionalInt.of(id);
  }

  private OptionalInt specialTokenId(String name) {
    Object token = specialTokens.get(name);
    return token == null ? OptionalInt.empty() : tokenId((String) token);
  }

  public OptionalInt bosTokenId() {
    return specialTokenId("bos_token");
  }

  public OptionalInt eosTokenId() {
    return specialTokenId("eos_token");
  }

  public OptionalInt padTokenId() {
    return specialTokenId("pad_token");
  }

  public Optional<String> bosToken() {
    return Optional.ofNullable((String) specialTokens.get("bos_token"));
  }

  public Optional<String> eosToken() {
    return Optional.ofNullable((String) specialTokens.get("eos_token"));
  }

  /** The template that renders conversations, if the files have one. */
  public Optional<ChatTemplate> chatTemplate() {
    return Optional.ofNullable(templates.get(DEFAULT));
  }

  /** The template for a conversation: "tool_use" where there is one and tools are given. */
  private ChatTemplate chatTemplateFor(ChatRequest request) {
    if (request.tools().isPresent() && templates.containsKey(TOOL_USE)) {
      return templates.get(TOOL_USE);
    }
    return chatTemplate()
        .orElseThrow(
            () ->
                new PlumblineException(
                    ErrorCode.BAD_CHECKPOINT,
                    "The data holds conversations and the model directory has no chat template;"
                        + " add a chat_template.jinja, or give prompts and completions as text."));
  }

  /** Changes whenever the ids for some text, or the rendering of some chat, may change. */
  public String fingerprint() {
    return fingerprint;
  }

  @Override
  public void close() {
    tokenizer.close();
  }
}
