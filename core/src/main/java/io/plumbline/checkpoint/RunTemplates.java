package io.plumbline.checkpoint;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.base.Fingerprint;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.storage.Storage;
import io.plumbline.text.ChatTemplate;
import io.plumbline.text.TemplateSettings;
import io.plumbline.text.TemplateVariables;
import io.plumbline.text.TokenizerFiles;
import java.io.Serializable;
import java.time.OffsetDateTime;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.time.temporal.ChronoUnit;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/**
 * What a call says about chat templates, as its options have it.
 *
 * @param source a file with a template, or a directory with a tokenizer's files, whose template
 *     takes the place of the model's own; empty for that one
 * @param variables as {@link TemplateSettings} has them
 * @param date as {@link TemplateSettings} has it
 */
public record RunTemplates(String source, TreeMap<String, Object> variables, String date)
    implements Serializable {
  /** The model's own template, rendered with what rows say. */
  public static final RunTemplates NONE = new RunTemplates("", new TreeMap<>(), "");

  /** The name of the option for {@link #source}. */
  public static final String TEMPLATE = "chat-template";

  /** The name of the option for {@link #variables}. */
  public static final String VARIABLES = "chat-template-kwargs";

  /** The name of the option for {@link #date}. */
  public static final String DATE = "chat-template-date";

  private static final String CONFIG = "tokenizer_config.json";

  /** Longer than any template; weights that are named by mistake are not read. */
  private static final long MOST_BYTES = 16L << 20;

  public RunTemplates {
    variables = new TreeMap<>(variables);
  }

  public RunTemplates withDate(String other) {
    return new RunTemplates(source, variables, other);
  }

  /** The options by their names; those that do nothing are left out. */
  public Map<String, Object> options() {
    Map<String, Object> options = new LinkedHashMap<>();
    if (!source.isEmpty()) {
      options.put(TEMPLATE, source);
    }
    if (!variables.isEmpty()) {
      options.put(VARIABLES, TemplateVariables.json(variables));
    }
    if (!date.isEmpty()) {
      options.put(DATE, date);
    }
    return options;
  }

  /** Writes the options down as JSON files have them. */
  public void addTo(ObjectNode json) {
    options().forEach((option, value) -> json.put(option.replace('-', '_'), value.toString()));
  }

  /** The date that {@link #addTo} wrote; empty text where it wrote none. */
  public static String dateIn(JsonNode json) {
    return json.path(DATE.replace('-', '_')).asText("");
  }

  /**
   * With the text of the template.
   *
   * @throws PlumblineException INPUT_NOT_FOUND where it is not there, BAD_TEMPLATE where it is none
   */
  public TemplateSettings settings(Storage storage) {
    return new TemplateSettings(source.isEmpty() ? "" : text(storage), variables, date);
  }

  /**
   * A model as a call renders for it. Fails as {@link ModelDirectory#open} and {@link #settings}.
   */
  public ModelDirectory open(Storage storage, String model) {
    return ModelDirectory.open(storage, model).with(settings(storage));
  }

  private String text(Storage storage) {
    if (!storage.exists(source)) {
      throw new PlumblineException(
          ErrorCode.INPUT_NOT_FOUND,
          named()
              + ", which is not there: name a file with a Jinja template, or a model directory.");
    }
    String text = storage.isDirectory(source) ? ofDirectory(storage) : ofFile(storage);
    try {
      ChatTemplate.parse(text, Map.of());
    } catch (PlumblineException e) {
      throw new PlumblineException(e.code(), named() + ": " + e.getMessage(), e);
    }
    if (!ChatTemplate.reads(text, "messages")) {
      throw bad(" and reads no messages, so that it is no chat template: name the file of one.");
    }
    return text;
  }

  private String ofDirectory(Storage storage) {
    Set<String> names = ModelDirectory.names(storage, source);
    return ModelDirectory.readTokenizerFiles(storage, source, names)
        .standardTemplate()
        .orElseThrow(
            () ->
                bad(
                    ", which has neither a chat_template.jinja nor a default template in"
                        + " tokenizer_config.json: name the file of a template."));
  }

  private String ofFile(Storage storage) {
    if (storage.size(source) > MOST_BYTES) {
      throw bad(", which is too large for a template: name the file of one.");
    }
    String text = ModelDirectory.text(storage, source);
    if (!source.endsWith(".json")) {
      return text;
    }
    TreeMap<String, String> contents = new TreeMap<>();
    contents.put(CONFIG, text);
    return new TokenizerFiles(contents)
        .standardTemplate()
        .orElseThrow(() -> bad(", which has no default template under chat_template."));
  }

  private String named() {
    return "--" + TEMPLATE + " names " + source;
  }

  private PlumblineException bad(String sentence) {
    return new PlumblineException(ErrorCode.BAD_TEMPLATE, named() + sentence);
  }

  /**
   * These templates with one date for all renderings, where a template that is rendered reads the
   * date; without one, where none does.
   *
   * @param models that are rendered for with these templates
   * @param others that are rendered for with their own
   * @param before the date of the run that is resumed; empty text where it had none
   */
  public RunTemplates dated(
      Storage storage, List<String> models, List<String> others, Optional<String> before) {
    TemplateSettings own = settings(storage);
    boolean read =
        models.stream().anyMatch(model -> readsDate(ModelDirectory.open(storage, model).with(own)))
            || others.stream().anyMatch(other -> readsDate(ModelDirectory.open(storage, other)));
    if (!read) {
      return withDate("");
    }
    return date.isEmpty() ? withDate(before.orElseGet(RunTemplates::now)) : this;
  }

  private static boolean readsDate(ModelDirectory model) {
    return model.tokenizerFiles().templatesReadDate();
  }

  /** The time, as {@link #date} has it. */
  public static String now() {
    return text(OffsetDateTime.now(ZoneId.systemDefault()));
  }

  /** A time as {@link #date} has it: to the second. */
  public static String text(OffsetDateTime time) {
    return DateTimeFormatter.ISO_OFFSET_DATE_TIME.format(time.truncatedTo(ChronoUnit.SECONDS));
  }

  /** Of the text that takes the place of a model's templates; empty where none does. */
  public static Optional<String> fingerprint(ModelDirectory model) {
    String text = model.tokenizerFiles().rendering().template();
    return text.isEmpty()
        ? Optional.empty()
        : Optional.of(Fingerprint.of(TEMPLATE).text("text", text).hex());
  }

  /**
   * A sentence where variables are set that no template of the model reads; empty where all are.
   */
  public static Optional<String> unread(ModelDirectory model) {
    List<String> unread = model.tokenizerFiles().unreadVariables();
    return unread.isEmpty()
        ? Optional.empty()
        : Optional.of(
            "The chat template of %s never reads %s, which --%s sets."
                .formatted(model.path(), String.join(", ", unread), VARIABLES));
  }
}
