package io.plumbline.text;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.Serializable;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * The small text files of a Hugging Face directory that define its tokenizer and chat template, by
 * name ({@code tokenizer.json}, {@code tokenizer_config.json}, {@code special_tokens_map.json},
 * {@code chat_template.jinja}, …). They travel to executors and into every checkpoint that is
 * saved.
 *
 * @param model what the configuration beside them says
 * @param rendering what the run says about rendering; no part of a checkpoint
 */
public record TokenizerFiles(
    TreeMap<String, String> contents, ModelNames model, TemplateSettings rendering)
    implements Serializable {
  static final String TEMPLATE = "chat_template.jinja";
  static final String MORE_TEMPLATES = "additional_chat_templates/";

  public TokenizerFiles {
    contents = new TreeMap<>(contents);
  }

  /** Those of a tokenizer alone. */
  public TokenizerFiles(TreeMap<String, String> contents) {
    this(contents, ModelNames.NONE, TemplateSettings.NONE);
  }

  public Optional<String> content(String fileName) {
    return Optional.ofNullable(contents.get(fileName));
  }

  /** Other files of the same model, rendered as these. */
  public TokenizerFiles with(TreeMap<String, String> others) {
    return new TokenizerFiles(others, model, rendering);
  }

  public TokenizerFiles withModel(ModelNames other) {
    return new TokenizerFiles(contents, other, rendering);
  }

  /**
   * These files with what a run says about rendering. A template of the run takes the place of all
   * that the files have, as in TRL, and stands in checkpoints; its variables and its date do not.
   */
  public TokenizerFiles with(TemplateSettings settings) {
    TreeMap<String, String> files = new TreeMap<>(contents);
    if (!settings.template().isEmpty()) {
      files.keySet().removeIf(name -> name.startsWith(MORE_TEMPLATES));
      files.remove(ChatTemplates.PROCESSORS);
      files.computeIfPresent(TokenizerAssembly.CONFIG, (name, text) -> withoutTemplate(text));
      files.put(TEMPLATE, settings.template());
    }
    return new TokenizerFiles(files, model, settings);
  }

  private static String withoutTemplate(String config) {
    ObjectNode json = (ObjectNode) TokenizerAssembly.parse(TokenizerAssembly.CONFIG, config);
    return json.remove(ChatTemplates.KEY) == null ? config : json.toPrettyString() + "\n";
  }

  /** The template for conversations without tools, where there is one. */
  public Optional<String> standardTemplate() {
    return Optional.ofNullable(templates().get(ChatTemplates.DEFAULT));
  }

  /** Variables that the run sets and no chat template reads. */
  public List<String> unreadVariables() {
    Collection<String> sources = templates().values();
    return rendering.variables().keySet().stream()
        .filter(name -> sources.stream().noneMatch(source -> ChatTemplate.reads(source, name)))
        .toList();
  }

  /** Whether what a chat template says depends on the date. */
  public boolean templatesReadDate() {
    return templates().values().stream()
        .anyMatch(source -> ChatTemplate.reads(source, ChatTemplate.CLOCK));
  }

  private Map<String, String> templates() {
    return ChatTemplates.sources(
        this,
        content(TokenizerAssembly.CONFIG)
            .map(text -> TokenizerAssembly.parse(TokenizerAssembly.CONFIG, text))
            .orElseGet(JsonNodeFactory.instance::objectNode));
  }
}
