package io.plumbline.text;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import ai.djl.huggingface.tokenizers.jni.CharSpan;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.base.Json;
import io.plumbline.base.Sha256;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * A Hugging Face tokenizer: the same ids as transformers gives for the same files, never truncated
 * or padded. May be used by many threads at once.
 */
public final class Tokenizer implements AutoCloseable {
  private static final String[][] CLEANED_UP = {
    {" .", "."}, {" ?", "?"}, {" !", "!"}, {" ,", ","}, {" ' ", "'"},
    {" n't", "n't"}, {" 'm", "'m"}, {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"}
  };

  private final HuggingFaceTokenizer tokenizer;

  /** Another where the texts of special tokens are text like any other. */
  private final HuggingFaceTokenizer encoder;

  private final Map<String, Integer> ids;
  private final int vocabularySize;
  private final Map<String, String> namedTokens;
  private final Map<String, OptionalInt> namedIds = new HashMap<>();
  private final ChatTemplates templates;
  private final Set<Integer> addedIds;
  private final Set<Integer> specialIds = new HashSet<>();
  private final boolean cleansUp;
  private final List<String> notes;
  private final String fingerprint;

  private Tokenizer(TokenizerAssembly assembly, ChatTemplates templates, String fingerprint) {
    this.namedTokens = assembly.named().texts();
    namedTokens.keySet().forEach(name -> namedIds.put(name, assembly.id(name)));
    this.cleansUp = assembly.cleansUp();
    this.notes = List.copyOf(assembly.notes());
    this.templates = templates;
    this.fingerprint = fingerprint;
    this.ids = assembly.vocabulary().all();
    this.addedIds = Set.copyOf(assembly.vocabulary().ids().values());
    assembly.vocabulary().special().forEach(token -> specialIds.add(ids.get(token)));
    int most = -1;
    for (int id : ids.values()) {
      most = Math.max(most, id);
    }
    this.vocabularySize =
        Math.max(most + 1, assembly.definition().path("model").path("vocab").size());
    this.tokenizer = load(assembly.definition());
    this.encoder =
        assembly.splitsSpecialTokens() ? load(assembly.definitionThatSplits()) : tokenizer;
  }

  /**
   * Loads a tokenizer from its files. Fails with BAD_CHECKPOINT where tokenizer.json is missing or
   * is none, and with BAD_TEMPLATE where the chat template cannot be parsed.
   */
  public static Tokenizer of(TokenizerFiles files) {
    TokenizerAssembly assembly = new TokenizerAssembly(files);
    ChatTemplates templates = new ChatTemplates(files, assembly.config(), assembly.named().texts());
    return new Tokenizer(assembly, templates, fingerprint(assembly, templates, files));
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

  private static String fingerprint(
      TokenizerAssembly assembly, ChatTemplates templates, TokenizerFiles files) {
    ObjectNode all = Json.MAPPER.createObjectNode();
    all.set("tokenizer", assembly.definition());
    all.set("special_tokens", Json.MAPPER.valueToTree(new TreeMap<>(assembly.named().texts())));
    all.set("templates", Json.MAPPER.valueToTree(new TreeMap<>(templates.sources())));
    if (assembly.splitsSpecialTokens()) {
      all.put("split_special_tokens", true);
    }
    TemplateSettings rendering = files.rendering();
    if (!rendering.variables().isEmpty()) {
      all.set("variables", Json.MAPPER.valueToTree(rendering.variables()));
    }
    if (!rendering.date().isEmpty() && templates.readDate()) {
      all.put("date", rendering.date());
    }
    return Sha256.hex(all.toString());
  }

  /** Ids with the special tokens that the post-processor adds, as {@code tokenizer(text)} gives. */
  public int[] encode(String text) {
    return ids(encoder.encode(text, true, false).getIds());
  }

  /** Ids without added special tokens, as {@code add_special_tokens=False} gives. */
  public int[] encodeWithoutSpecialTokens(String text) {
    return ids(encoder.encode(text, false, false).getIds());
  }

  /**
   * Ids without added special tokens, with where in the text each token stands, as {@code
   * return_offsets_mapping} gives.
   */
  public Encoding encodeWithOffsets(String text) {
    ai.djl.huggingface.tokenizers.Encoding encoding = encoder.encode(text, false, false);
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
   * Renders a conversation by the template that is for it. Fails with BAD_CHECKPOINT where the
   * files have none.
   */
  public ChatTemplate.Rendered render(ChatRequest request) {
    if (request.messages().isEmpty()) {
      throw new PlumblineException(
          ErrorCode.BAD_DATA, "A conversation has no messages; give it at least one.");
    }
    return templates.of(request).render(request);
  }

  /**
   * Renders and encodes a conversation, as {@code apply_chat_template(tokenize=True,
   * return_dict=True, return_assistant_tokens_mask=True)} does. Fails with BAD_CHECKPOINT where the
   * files have no chat template.
   */
  public TokenizedChat tokenize(ChatRequest request) {
    ChatTemplate.Rendered rendered = render(request);
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
    String text = tokenizer.decode(widened, skipSpecialTokens);
    return cleansUp ? cleanedUp(text) : text;
  }

  /** transformers' clean_up_tokenization, in its order. */
  private static String cleanedUp(String text) {
    String cleaned = text;
    for (String[] change : CLEANED_UP) {
      cleaned = cleaned.replace(change[0], change[1]);
    }
    return cleaned;
  }

  /** One more than the greatest token id. */
  public int vocabularySize() {
    return vocabularySize;
  }

  public OptionalInt bosTokenId() {
    return namedIds.getOrDefault("bos_token", OptionalInt.empty());
  }

  public OptionalInt eosTokenId() {
    return namedIds.getOrDefault("eos_token", OptionalInt.empty());
  }

  public OptionalInt padTokenId() {
    return namedIds.getOrDefault("pad_token", OptionalInt.empty());
  }

  public Optional<String> eosToken() {
    return Optional.ofNullable(namedTokens.get("eos_token"));
  }

  /** The tokens with this id or a greater one, by id. */
  public SortedMap<Integer, String> tokensFrom(int id) {
    SortedMap<Integer, String> tokens = new TreeMap<>();
    ids.forEach(
        (token, its) -> {
          if (its >= id) {
            tokens.put(its, token);
          }
        });
    return tokens;
  }

  /**
   * Whether a token stands beside the model's vocabulary or is marked there, as one of a turn's.
   */
  public boolean isAdded(int id) {
    return addedIds.contains(id);
  }

  /** Whether decoding may leave a token out. */
  public boolean isSpecial(int id) {
    return specialIds.contains(id);
  }

  /** Where the tokenizer's files contradict one another, a sentence each on what was taken. */
  public List<String> notes() {
    return notes;
  }

  /** The template that renders conversations, if the files have one. */
  public Optional<ChatTemplate> chatTemplate() {
    return templates.standard();
  }

  /** Changes whenever the ids for some text, or the rendering of some chat, may change. */
  public String fingerprint() {
    return fingerprint;
  }

  @Override
  public void close() {
    tokenizer.close();
    if (encoder != tokenizer) {
      encoder.close();
    }
  }
}
