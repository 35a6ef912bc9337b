package io.plumbline.reward;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.storage.Storage;
import java.net.URI;
import java.net.URISyntaxException;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;

/** {@code http}: rewards from an endpoint that takes completions as JSON. */
public final class HttpReward implements RewardFunctionFactory {
  private final Map<String, String> environment;

  /** Takes a token from the environment of this process. */
  public HttpReward() {
    this(System.getenv());
  }

  HttpReward(Map<String, String> environment) {
    this.environment = environment;
  }

  @Override
  public String kind() {
    return "http";
  }

  @Override
  public RewardFunction create(ObjectNode given, Storage storage) {
    Options options = new Options(kind(), given);
    URI url = url(options, options.requiredText("url", "http://127.0.0.1:8080/score"));
    int batchSize = options.count("batch_size", 64, 1);
    double seconds = options.numberOverZero("request_timeout", 60);
    int retries = options.count("retries", 4, 0);
    Optional<String> token = options.text("token_env").map(name -> token(options, name));
    options.end();
    Duration requestTimeout = Duration.ofMillis((long) Math.max(1, Math.min(seconds, 1e6) * 1000));
    return new HttpFunction(
        new HttpEndpoint(new HttpEndpoint.Settings(url, requestTimeout, retries, token)),
        batchSize);
  }

  private static URI url(Options options, String text) {
    URI url;
    try {
      url = new URI(text);
    } catch (URISyntaxException e) {
      throw options.bad("the url cannot be read: " + e.getReason());
    }
    boolean http = "http".equals(url.getScheme()) || "https".equals(url.getScheme());
    if (!http || url.getHost() == null) {
      throw options.bad("the url must begin with http:// or https:// and a host");
    }
    if (url.getUserInfo() != null) {
      throw options.bad(
          "the url holds credentials, which would stand in the record of the run; put a token in an"
              + " environment variable and name that in token_env");
    }
    return url;
  }

  private String token(Options options, String variable) {
    String token = environment.getOrDefault(variable, "").strip();
    if (token.isEmpty()) {
      throw options.bad(
          "token_env names "
              + variable
              + ", which is not set here; set it on the driver and on the executors"
              + " (spark.executorEnv."
              + variable
              + ")");
    }
    if (!token.chars().allMatch(c -> c > 32 && c < 127)) {
      throw options.bad("the token in " + variable + " holds what no token may hold");
    }
    return token;
  }
}
