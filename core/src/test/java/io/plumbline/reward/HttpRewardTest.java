package io.plumbline.reward;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import io.plumbline.storage.Storage;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.time.Duration;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class HttpRewardTest {
  private static final List<Completion> THREE =
      List.of(Completions.of("one"), Completions.of("a secret"), Completions.of("three"));

  private static List<ScoredCompletion> score(String url, String options) {
    return score(url, options, THREE);
  }

  private static List<ScoredCompletion> score(
      String url, String options, List<Completion> completions) {
    String spec = "http{\"url\":\"" + url + "\"" + options + "}";
    try (RewardPanel panel = RewardPanel.open(List.of(RewardSpec.parse(spec)), Storage.local())) {
      return panel.score(completions);
    }
  }

  private static double[] values(List<ScoredCompletion> scored) {
    return scored.stream().mapToDouble(s -> s.rewards()[0]).toArray();
  }

  @Test
  void sendsAllThatARewardMayLookAt() throws Exception {
    try (ScoreServer server = new ScoreServer()) {
      Map<String, Object> row = Map.of("answer", List.of(1, "a"));
      assertThat(values(score(server.url(), "", List.of(Completions.of(row, "hé")))))
          .containsExactly(2);
      JsonNode item = server.requests.get(0).path("completions").path(0);

      assertThat(item.path("prompt").asText()).isEqualTo("How many?");
      assertThat(item.path("completion").asText()).isEqualTo("hé");
      assertThat(item.path("finish").asText()).isEqualTo("eos");
      assertThat(item.path("tokens")).hasToString("[104,233]");
      assertThat(item.path("row")).hasToString("{\"answer\":[1,\"a\"]}");
      assertThat(server.authorizations).containsExactly("null");
    }
  }

  @Test
  void cutsBatchesToSize() throws Exception {
    try (ScoreServer server = new ScoreServer()) {
      assertThat(values(score(server.url(), ",\"batch_size\":2"))).containsExactly(3, 8, 5);
      assertThat(server.requests)
          .extracting(r -> r.path("completions").size())
          .containsExactly(2, 1);
    }
  }

  @Test
  void triesAgainAfterWhatMayPass() throws Exception {
    for (ScoreServer.Answer fault :
        List.of(
            ScoreServer.status(503),
            ScoreServer.status(429),
            ScoreServer.status(500),
            ScoreServer.dropped(),
            ScoreServer.stalled())) {
      try (ScoreServer server = new ScoreServer(fault)) {
        List<ScoredCompletion> scored = score(server.url(), ",\"request_timeout\":2");
        assertThat(scored).allMatch(s -> s.failure().isEmpty());
        assertThat(values(scored)).containsExactly(3, 8, 5);
        assertThat(server.requests).hasSize(2);
      }
    }
  }

  @Test
  void anAnswerWithoutAnEndIsGivenUp() throws Exception {
    ScoreServer.Answer endless =
        (exchange, request) -> {
          exchange.sendResponseHeaders(200, 0);
          byte[] zeros = new byte[1 << 20];
          try (OutputStream body = exchange.getResponseBody()) {
            for (int i = 0; i < 4096; i++) {
              body.write(zeros);
            }
          }
        };
    try (ScoreServer server = new ScoreServer(endless)) {
      assertThat(score(server.url(), ""))
          .allSatisfy(
              scored ->
                  assertThat(scored.failure().orElseThrow())
                      .contains("answered with more than 67108864 bytes"));
      assertThat(server.requests).hasSize(1);
    }
  }

  @Test
  void waitsAsLongAsItIsTold() throws Exception {
    try (ScoreServer server = new ScoreServer(ScoreServer.retryAfter(429, "2"))) {
      long start = System.nanoTime();
      assertThat(values(score(server.url(), ""))).containsExactly(3, 8, 5);
      assertThat(Duration.ofNanos(System.nanoTime() - start)).isGreaterThan(Duration.ofSeconds(2));
    }
    String date =
        DateTimeFormatter.RFC_1123_DATE_TIME.format(
            ZonedDateTime.now(ZoneOffset.UTC).plusSeconds(100));
    assertThat(HttpEndpoint.retryAfter(date).orElseThrow())
        .isBetween(Duration.ofSeconds(90), Duration.ofSeconds(101));
    assertThat(HttpEndpoint.retryAfter("soon")).isEmpty();
  }

  @Test
  void givesUpAfterItsRetriesAndSaysWhy() throws Exception {
    try (ScoreServer server = new ScoreServer(ScoreServer.status(503), ScoreServer.status(502))) {
      assertThat(score(server.url(), ",\"retries\":1"))
          .allSatisfy(
              s ->
                  assertThat(s.failure().orElseThrow())
                      .isEqualTo(
                          "http: "
                              + server.url()
                              + " answered with status 502, in the last of 2 attempts"));
      assertThat(server.requests).hasSize(2);
    }
  }

  @Test
  void theDeadlineEndsTheRetriesAndTheReasonStays() throws Exception {
    ScoreServer.Answer[] busy = new ScoreServer.Answer[50];
    java.util.Arrays.fill(busy, ScoreServer.retryAfter(503, "1"));
    busy[0] = ScoreServer.body("{\"rewards\":[4]}");
    try (ScoreServer server = new ScoreServer(busy)) {
      List<ScoredCompletion> scored =
          score(server.url(), ",\"retries\":100,\"timeout\":2.5,\"batch_size\":1");

      assertThat(scored.get(0).rewards()).containsExactly(4);
      assertThat(scored.get(1).failure().orElseThrow())
          .endsWith("answered with status 503 when the time was up");
      assertThat(scored.get(2).failure()).isEqualTo(scored.get(1).failure());
    }
  }

  @Test
  void marksOnlyWhatTheEndpointRefuses() throws Exception {
    ScoreServer.Answer refusing = ScoreServer.refusing("secret");
    try (ScoreServer server = new ScoreServer(refusing, refusing, refusing, refusing)) {
      List<ScoredCompletion> scored = score(server.url(), "");

      assertThat(values(scored)).containsExactly(3, Double.NaN, 5);
      assertThat(scored.get(1).failure().orElseThrow()).endsWith("answered with status 422");
      assertThat(server.requests).hasSize(4);
    }
  }

  @Test
  void saysWhatDoesNotHelpToRepeat() throws Exception {
    try (ScoreServer server = new ScoreServer(ScoreServer.status(401))) {
      assertThat(score(server.url(), ""))
          .allMatch(s -> s.failure().orElse("").contains("status 401: check token_env"));
      assertThat(server.requests).hasSize(1);
    }
    try (ScoreServer server = new ScoreServer(ScoreServer.status(302))) {
      assertThat(score(server.url(), ""))
          .allMatch(s -> s.failure().orElse("").contains("redirects are not followed"));
    }
    int nobody;
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      nobody = socket.getLocalPort();
    }
    assertThat(score("http://127.0.0.1:" + nobody + "/score?key=hidden", ",\"retries\":0"))
        .allMatch(s -> s.failure().orElse("").contains("could not be reached"))
        .noneMatch(s -> s.failure().orElse("").contains("hidden"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "secret|the endpoint's answer of 6 bytes is no JSON",
        "|the endpoint's answer has no list named rewards",
        "[1,2,3]|the endpoint's answer has no list named rewards",
        "{\"rewards\":{\"secret\":1}}|the endpoint's answer has no list named rewards",
        "{\"rewards\":[1,2]}|the endpoint gave 2 rewards for 3 completions",
      })
  void anAnswerOfTheWrongShapeMarksAll(String bodyAndFailure) throws Exception {
    String[] parts = bodyAndFailure.split("\\|", 2);
    try (ScoreServer server = new ScoreServer(ScoreServer.body(parts[0]))) {
      assertThat(score(server.url(), ""))
          .allSatisfy(s -> assertThat(s.failure().orElseThrow()).isEqualTo("http: " + parts[1]));
    }
  }

  @Test
  void rewardsAreNumbersNullOrSteps() throws Exception {
    // An emoji is one code point and two characters of Java's.
    List<Completion> completions =
        List.of(
            Completions.of("a😀b\nc"),
            Completions.of("a😀b\nc"),
            Completions.of("null"),
            Completions.of("nan"),
            Completions.of("text"),
            Completions.of("far"),
            Completions.of("back"),
            Completions.of("1"));
    try (ScoreServer server =
        new ScoreServer(
            ScoreServer.body(
                "{\"rewards\":[{\"steps\":[{\"end\":4,\"value\":1},{\"end\":5,\"value\":0}]},"
                    + "{\"value\":9,\"steps\":[{\"end\":2,\"value\":1}]},"
                    + "null,NaN,\"secret\",{\"steps\":[{\"end\":99,\"value\":1}]},"
                    + "{\"steps\":[{\"end\":2,\"value\":1},{\"end\":1,\"value\":1}]},0.5]}"))) {
      List<ScoredCompletion> scored = score(server.url(), "", completions);

      assertThat(values(scored))
          .containsExactly(0.5, 9, Double.NaN, Double.NaN, Double.NaN, Double.NaN, Double.NaN, 0.5);
      assertThat(scored.get(0).steps().get(0))
          .containsExactly(new Reward.Step(5, 1), new Reward.Step(6, 0));
      assertThat(scored.get(1).steps().get(0)).containsExactly(new Reward.Step(3, 1));
      assertThat(scored.get(2).failure()).isEmpty();
      assertThat(scored.get(3).failure()).contains("http: gave NaN");
      assertThat(scored.get(4).failure().orElseThrow())
          .contains("neither a number nor null")
          .doesNotContain("secret");
      assertThat(scored.get(5).failure().orElseThrow()).contains("ends outside of the completion");
      assertThat(scored.get(6).failure().orElseThrow()).contains("not in the order of the text");
    }
  }

  @Test
  void takesATokenFromTheEnvironmentAndKeepsItToItself() throws Exception {
    try (ScoreServer server = new ScoreServer(ScoreServer.status(403))) {
      var options =
          Options.parse("{\"url\":\"" + server.url() + "\",\"token_env\":\"SCORER\"}", "http");
      try (RewardFunction function =
          new HttpReward(Map.of("SCORER", "t0ken")).create(options, Storage.local())) {
        assertThatThrownBy(() -> function.score(THREE))
            .isInstanceOfSatisfying(
                PartlyScoredException.class,
                e -> assertThat(e.outcomes().toString()).contains("403").doesNotContain("t0ken"));
      }
      assertThat(server.authorizations).containsExactly("Bearer t0ken");
      assertThatThrownBy(() -> new HttpReward(Map.of()).create(options, Storage.local()))
          .hasMessageContaining("token_env names SCORER, which is not set here");
    }
    assertThat(
            new HttpEndpoint.Settings(
                    java.net.URI.create("http://a/"),
                    Duration.ZERO,
                    0,
                    java.util.Optional.of("t0ken"))
                .toString())
        .doesNotContain("t0ken");
  }

  @Test
  void refusesUrlsThatCannotBe() {
    assertThatThrownBy(() -> score("ftp://host/", "")).hasMessageContaining("must begin with http");
    assertThatThrownBy(() -> score("http://", "")).hasMessageContaining("url");
    assertThatThrownBy(() -> score("http://user:pass@host/", ""))
        .hasMessageContaining("holds credentials")
        .hasMessageNotContaining("pass@");
  }
}
