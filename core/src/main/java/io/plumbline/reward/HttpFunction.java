package io.plumbline.reward;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.json.JsonReadFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.reward.HttpEndpoint.HttpException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.OptionalDouble;

/**
 * Rewards from an endpoint, in requests of a bounded number of completions. docs/rewards.md has the
 * protocol. Places in a text are counted in Unicode code points there, as Python's {@code len}
 * does.
 */
final class HttpFunction implements RewardFunction {
  /** Python writes NaN bare; here it means that there is no reward. */
  private static final JsonMapper JSON =
      JsonMapper.builder().enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS).build();

  private final HttpEndpoint endpoint;
  private final int batchSize;

  HttpFunction(HttpEndpoint endpoint, int batchSize) {
    this.endpoint = endpoint;
    this.batchSize = batchSize;
  }

  /** A completion, and where its steps end if the endpoint is to score these. */
  private record Item(Completion completion, int[] ends) {
    private static final int[] NO_STEPS = {};
  }

  @Override
  public List<Reward> score(List<Completion> completions) throws PartlyScoredException {
    return score(completions.stream().map(c -> new Item(c, Item.NO_STEPS)));
  }

  /**
   * Scores the steps of completions; none is without a step.
   *
   * @param ends for each completion the ends of its steps, as {@link Reward.Step} counts them
   */
  List<Reward> scoreSteps(List<Completion> completions, List<int[]> ends)
      throws PartlyScoredException {
    return score(
        java.util.stream.IntStream.range(0, completions.size())
            .mapToObj(i -> new Item(completions.get(i), ends.get(i))));
  }

  private List<Reward> score(java.util.stream.Stream<Item> stream) throws PartlyScoredException {
    List<Item> items = stream.toList();
    List<Outcome> outcomes = new ArrayList<>();
    try {
      for (int from = 0; from < items.size(); from += batchSize) {
        outcomes.addAll(ask(items.subList(from, Math.min(items.size(), from + batchSize))));
      }
    } catch (HttpException e) {
      // It would say the same of the rest, and take its time for it.
      while (outcomes.size() < items.size()) {
        outcomes.add(Outcome.failed(e.getMessage()));
      }
    }
    if (outcomes.stream().anyMatch(outcome -> outcome.failure().isPresent())) {
      throw new PartlyScoredException(outcomes);
    }
    return outcomes.stream().map(Outcome::reward).toList();
  }

  /** One request; one for each item where the endpoint refuses them together. */
  private List<Outcome> ask(List<Item> items) throws HttpException {
    byte[] answer;
    try {
      answer = endpoint.post(request(items));
    } catch (HttpException e) {
      if (e.reach() == HttpException.Reach.ENDPOINT) {
        throw e;
      }
      if (items.size() == 1) {
        return List.of(Outcome.failed(e.getMessage()));
      }
      List<Outcome> singly = new ArrayList<>();
      for (Item item : items) {
        singly.addAll(ask(List.of(item)));
      }
      return singly;
    }
    try {
      return read(answer, items);
    } catch (ScoringException e) {
      return Collections.nCopies(items.size(), Outcome.failed(e.getMessage()));
    }
  }

  private static byte[] request(List<Item> items) {
    ObjectNode body = JSON.createObjectNode();
    ArrayNode list = body.putArray("completions");
    for (Item item : items) {
      Completion completion = item.completion;
      ObjectNode node =
          list.addObject()
              .put("prompt", completion.prompt())
              .put("completion", completion.text())
              .put("finish", completion.finish().name().toLowerCase(Locale.ROOT));
      ArrayNode tokens = node.putArray("tokens");
      for (int token : completion.tokens()) {
        tokens.add(token);
      }
      node.set("row", JSON.valueToTree(completion.row()));
      if (item.ends.length > 0) {
        ArrayNode ends = node.putArray("step_ends");
        for (int end : item.ends) {
          ends.add(completion.text().codePointCount(0, end));
        }
      }
    }
    try {
      return JSON.writeValueAsBytes(body);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a JSON tree that cannot be written", e);
    }
  }

  private static List<Outcome> read(byte[] answer, List<Item> items) {
    JsonNode rewards = parsed(answer).path("rewards");
    if (!rewards.isArray()) {
      throw new ScoringException("the endpoint's answer has no list named rewards");
    }
    if (rewards.size() != items.size()) {
      throw new ScoringException(
          "the endpoint gave " + rewards.size() + " rewards for " + items.size() + " completions");
    }
    List<Outcome> outcomes = new ArrayList<>();
    for (int i = 0; i < items.size(); i++) {
      try {
        Item item = items.get(i);
        outcomes.add(Batch.checked(item.completion, reward(rewards.get(i), item)));
      } catch (ScoringException e) {
        outcomes.add(Outcome.failed(e.getMessage()));
      }
    }
    return outcomes;
  }

  private static JsonNode parsed(byte[] answer) {
    try {
      JsonNode node = JSON.readTree(answer);
      return node == null ? JSON.missingNode() : node;
    } catch (IOException e) {
      // Without the cause: it quotes the answer, which may quote the prompt.
      throw new ScoringException("the endpoint's answer of " + answer.length + " bytes is no JSON");
    }
  }

  private static Reward reward(JsonNode node, Item item) {
    if (node.isNull()) {
      return Reward.notApplicable();
    }
    if (node.isArray() && item.ends.length > 0) {
      return ofList(node, item);
    }
    if (node.isNumber() && item.ends.length == 0) {
      return Reward.of(node.doubleValue());
    }
    if (node.isObject() && node.path("steps").isArray()) {
      return ofSteps(node, item.completion.text());
    }
    throw new ScoringException(
        item.ends.length > 0
            ? "the endpoint gave what is no list of numbers, one for each of step_ends"
            : "the endpoint gave what is neither a number nor null nor"
                + " {\"steps\":[{\"end\":…,\"value\":…}]}");
  }

  private static Reward ofList(JsonNode values, Item item) {
    if (values.size() != item.ends.length) {
      throw new ScoringException(
          "the endpoint gave " + values.size() + " values for " + item.ends.length + " steps");
    }
    List<Reward.Step> steps = new ArrayList<>();
    for (int i = 0; i < item.ends.length; i++) {
      steps.add(new Reward.Step(item.ends[i], number(values.get(i))));
    }
    return Reward.ofSteps(steps);
  }

  private static Reward ofSteps(JsonNode node, String text) {
    int length = text.codePointCount(0, text.length());
    List<Reward.Step> steps = new ArrayList<>();
    for (JsonNode step : node.path("steps")) {
      JsonNode end = step.path("end");
      if (!end.isIntegralNumber() || !end.canConvertToInt()) {
        throw new ScoringException("the endpoint gave a step without an end");
      }
      int points = end.asInt();
      if (points < 0 || points > length) {
        throw new ScoringException("the endpoint gave a step that ends outside of the completion");
      }
      steps.add(new Reward.Step(text.offsetByCodePoints(0, points), number(step.path("value"))));
    }
    JsonNode value = node.path("value");
    return value.isMissingNode() || value.isNull()
        ? Reward.ofSteps(steps)
        : new Reward(OptionalDouble.of(number(value)), steps);
  }

  private static double number(JsonNode node) {
    if (!node.isNumber()) {
      throw new ScoringException("the endpoint gave a value that is no number");
    }
    return node.doubleValue();
  }
}
