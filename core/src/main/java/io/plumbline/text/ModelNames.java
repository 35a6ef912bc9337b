package io.plumbline.text;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.Serializable;
import java.util.Optional;

/**
 * What config.json says that decides how transformers loads the tokenizer beside it.
 *
 * @param type {@code model_type}; empty where there is none
 * @param className {@code tokenizer_class}; empty where there is none
 */
public record ModelNames(String type, String className) implements Serializable {
  /** Of a tokenizer without a model. */
  public static final ModelNames NONE = new ModelNames("", "");

  public static ModelNames of(JsonNode config) {
    return new ModelNames(
        config.path("model_type").asText(""), config.path("tokenizer_class").asText(""));
  }

  Optional<String> tokenizerClass() {
    return className.isEmpty() ? Optional.empty() : Optional.of(className);
  }
}
