package io.plumbline.text;

import java.io.Serializable;
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
    TreeMap<String, String> contents, ModelNames model, TemplateSettings.Rendering rendering)
    implements Serializable {
  static final String TEMPLATE = "chat_template.jinja";
  static final String MORE_TEMPLATES = "additional_chat_templates/";

  public TokenizerFiles {
    contents = new TreeMap<>(contents);
  }

  /** Those of a tokenizer alone. */
  public TokenizerFiles(TreeMap<String, String> contents) {
    this(contents, ModelNames.NONE, TemplateSettings.Rendering.PLAIN);
  }

  public Optional<String> content(String fileName) {
    return Optional.ofNullable(contents.get(fileName));
  }

  /** The same with other files. */
  public TokenizerFiles with(TreeMap<String, String> others) {
    return new TokenizerFiles(others, model, rendering);
  }

  public TokenizerFiles withModel(ModelNames other) {
    return new TokenizerFiles(contents, other, rendering);
  }

  /**
   * The same as a run has it. A template of the run takes the place of all that the files have, as
   * in TRL, and stands in checkpoints; its variables and its date do not.
   */
  public TokenizerFiles with(TemplateSettings settings) {
    TreeMap<String, String> files = new TreeMap<>(contents);
    settings
        .chatTemplate()
        .ifPresent(
            source -> {
              files.keySet().removeIf(name -> name.startsWith(MORE_TEMPLATES));
              files.put(TEMPLATE, source);
            });
    return new TokenizerFiles(files, model, settings.rendering());
  }
}
