package io.plumbline.text;

import java.io.Serializable;
import java.util.Optional;
import java.util.TreeMap;

/**
 * The small text files of a Hugging Face directory that define its tokenizer and chat template, by
 * name ({@code tokenizer.json}, {@code tokenizer_config.json}, {@code special_tokens_map.json},
 * {@code chat_template.jinja}, …). They travel to executors and into every checkpoint that is
 * saved.
 */
public record TokenizerFiles(TreeMap<String, String> contents) implements Serializable {
  public TokenizerFiles {
    contents = new TreeMap<>(contents);
  }

  public Optional<String> content(String fileName) {
    return Optional.ofNullable(contents.get(fileName));
  }
}
