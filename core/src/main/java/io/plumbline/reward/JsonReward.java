package io.plumbline.reward;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.storage.Storage;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * {@code json}: whether a completion is JSON that satisfies a JSON Schema. The JSON is the
 * completion's answer (behind {@code </think>}, in {@code <answer>}, or in another tag), in a code
 * fence or bare.
 */
public final class JsonReward implements RewardFunctionFactory {
  /** Schemas of a column that are kept ready. */
  private static final int CACHED = 256;

  /** The rewards for the three things that a completion may be. */
  private record Values(Verdict verdict, double parsed) {}

  @Override
  public String kind() {
    return "json";
  }

  @Override
  public RewardFunction create(ObjectNode given, Storage storage) {
    Options options = new Options(kind(), given);
    Optional<JsonNode> schema = options.node("schema");
    Optional<String> tag = options.text("tag");
    Column.Missing missing = options.choice("missing", Column.Missing.FAIL);
    Verdict verdict = Verdict.of(options);
    Values values = new Values(verdict, options.number("parsed", verdict.penalty()));
    options.end();
    if (schema.isPresent() && schema.get().isTextual()) {
      return ofColumn(new Column(schema.get().asText(), missing), tag, values);
    }
    Optional<JsonSchemaCheck> check = schema.map(node -> inline(options, node));
    return reading(tag, completion -> reward(completion, tag, check, values));
  }

  private static JsonSchemaCheck inline(Options options, JsonNode schema) {
    try {
      return JsonSchemaCheck.of(schema);
    } catch (ScoringException e) {
      throw options.bad(e.getMessage());
    }
  }

  private static RewardFunction ofColumn(Column column, Optional<String> tag, Values values) {
    Map<String, JsonSchemaCheck> ready =
        new LinkedHashMap<>(16, 0.75f, true) {
          private static final long serialVersionUID = 1L;

          @Override
          protected boolean removeEldestEntry(Map.Entry<String, JsonSchemaCheck> eldest) {
            return size() > CACHED;
          }
        };
    OneByOne function =
        completion -> {
          Optional<Object> value = column.value(completion);
          if (value.isEmpty()) {
            return Reward.notApplicable();
          }
          JsonNode schema = schema(value.get(), column);
          JsonSchemaCheck check =
              ready.computeIfAbsent(schema.toString(), text -> JsonSchemaCheck.of(schema));
          return reward(completion, tag, Optional.of(check), values);
        };
    return reading(tag, function);
  }

  private static RewardFunction reading(Optional<String> tag, OneByOne function) {
    return new Reading(function, TagsReward.both(tag.stream().toList()));
  }

  private static JsonNode schema(Object value, Column column) {
    if (!(value instanceof String text)) {
      return Options.JSON.valueToTree(value);
    }
    try {
      return Options.JSON.readTree(text);
    } catch (JsonProcessingException e) {
      // Without the cause: it quotes what the column holds.
      throw new ScoringException("the column " + column.name() + " holds text that is no JSON");
    }
  }

  private static Reward reward(
      Completion completion,
      Optional<String> tag,
      Optional<JsonSchemaCheck> schema,
      Values values) {
    Optional<JsonNode> json = json(FinalPart.written(completion), tag);
    if (json.isEmpty()) {
      return values.verdict.on(false);
    }
    return schema.isEmpty() || schema.get().satisfiedBy(json.get())
        ? values.verdict.on(true)
        : Reward.of(values.parsed);
  }

  private static Optional<JsonNode> json(String text, Optional<String> tag) {
    Optional<String> part = tag.isPresent() ? FinalPart.inTag(text, tag.get()) : FinalPart.of(text);
    return part.flatMap(inside -> parsed(inside).or(() -> parsed(FinalPart.inFence(inside))));
  }

  private static Optional<JsonNode> parsed(String text) {
    try {
      return Optional.of(Options.JSON.readTree(text)).filter(node -> !node.isMissingNode());
    } catch (JsonProcessingException e) {
      return Optional.empty();
    }
  }
}
