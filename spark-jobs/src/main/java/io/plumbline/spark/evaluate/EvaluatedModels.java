package io.plumbline.spark.evaluate;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import io.plumbline.base.Json;
import io.plumbline.checkpoint.ModelDirectory;
import io.plumbline.checkpoint.RunTemplates;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.model.CausalLm;
import io.plumbline.spark.inference.ModelTokenizer;
import io.plumbline.storage.Storage;
import io.plumbline.text.TemplateSettings;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;

/** The models of an evaluation, looked at before any work. */
final class EvaluatedModels {
  private EvaluatedModels() {}

  /**
   * The directories of all models by their paths, each found to be one that can be loaded.
   * Log-probabilities of the same ids mean the same text only where the vocabulary is one.
   *
   * @param note told what a user would not expect of a tokenizer
   * @throws PlumblineException BAD_CHECKPOINT before any work
   */
  static Map<String, ModelDirectory> checked(
      Storage storage, EvaluationRequest request, Consumer<String> note) {
    Map<String, ModelDirectory> models = new LinkedHashMap<>();
    TemplateSettings rendering = request.templates().settings(storage);
    for (String path : request.models()) {
      models.put(path, ModelDirectory.open(storage, path).with(rendering));
    }
    // All headers before the weights of any.
    models.values().forEach(CausalLm::check);
    if (request.reference().isPresent()) {
      ModelDirectory reference = models.get(request.reference().get());
      Map<String, Integer> ids = vocabulary(reference);
      for (EvaluationRequest.Policy policy : request.policies()) {
        if (!vocabulary(models.get(policy.model())).equals(ids)) {
          throw new PlumblineException(
              ErrorCode.BAD_CHECKPOINT,
              "The policy %s and the reference %s have different vocabularies, so that their log-probabilities cannot be compared; name the model that the policy was trained from as --reference."
                  .formatted(policy.name(), reference.path()));
        }
      }
    }
    models.values().forEach(model -> ModelTokenizer.check(model, note));
    models.values().forEach(model -> RunTemplates.unread(model).ifPresent(note));
    models.values().forEach(ModelDirectory::requireFinite);
    return models;
  }

  /** Ids by token, as tokenizer.json says; empty where it says nothing. */
  private static Map<String, Integer> vocabulary(ModelDirectory model) {
    Map<String, Integer> ids = new TreeMap<>();
    try {
      JsonNode json =
          Json.MAPPER.readTree(model.tokenizerFiles().content("tokenizer.json").orElse("{}"));
      JsonNode tokens = json.path("model").path("vocab");
      tokens.properties().forEach(token -> ids.put(token.getKey(), token.getValue().asInt()));
      // Unigram models have a list of tokens with their scores.
      for (int id = 0; tokens.isArray() && id < tokens.size(); id++) {
        ids.put(tokens.get(id).path(0).asText(), id);
      }
      json.path("added_tokens")
          .forEach(token -> ids.put(token.path("content").asText(), token.path("id").asInt()));
    } catch (JsonProcessingException e) {
      throw new PlumblineException(
          ErrorCode.BAD_CHECKPOINT,
          "tokenizer.json in %s is not JSON; copy it from the model's origin."
              .formatted(model.path()),
          e);
    }
    return ids;
  }
}
