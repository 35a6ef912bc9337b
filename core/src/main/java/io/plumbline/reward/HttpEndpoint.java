package io.plumbline.reward;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.time.Instant;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeParseException;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Sends JSON to an endpoint, again where it may help: after status 408, 429 and 5xx, and where no
 * answer came. Waits before the next attempt as long as {@code Retry-After} says, else twice as
 * long each time, less a random part so that ranks do not come back together.
 *
 * <p>What it says of failures holds neither the token nor a query nor what was sent or answered.
 */
final class HttpEndpoint {
  private static final Duration FIRST_WAIT = Duration.ofMillis(500);
  private static final Duration LONGEST_WAIT = Duration.ofSeconds(60);

  /** Of an answer; scores of a batch take a few thousand. */
  private static final long MOST_BYTES = 64L << 20;

  private static final Duration CONNECTING = Duration.ofSeconds(10);

  /**
   * @param requestTimeout for one attempt, connecting and the whole answer included
   * @param retries attempts after the first
   * @param token sent as a bearer token
   */
  record Settings(URI url, Duration requestTimeout, int retries, Optional<String> token) {
    /** Without the token. */
    @Override
    public String toString() {
      return "Settings[" + url.getHost() + "]";
    }
  }

  /** What was wrong in the end. */
  static final class HttpException extends Exception {
    private static final long serialVersionUID = 1L;

    /** Whether less in one request could help. */
    enum Reach {
      /** The endpoint refused this request. */
      REQUEST,
      /** The endpoint cannot be used at all. */
      ENDPOINT
    }

    private final Reach reach;

    HttpException(Reach reach, String message) {
      super(message);
      this.reach = reach;
    }

    Reach reach() {
      return reach;
    }
  }

  private final Settings settings;
  private final HttpClient client;

  HttpEndpoint(Settings settings) {
    this.settings = settings;
    this.client =
        HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            // A token must not follow to another host.
            .followRedirects(HttpClient.Redirect.NEVER)
            .connectTimeout(min(CONNECTING, settings.requestTimeout))
            .build();
  }

  private static Duration min(Duration a, Duration b) {
    return a.compareTo(b) < 0 ? a : b;
  }

  /** How an attempt ended: with a body, or with a reason to try again. */
  private record Attempt(byte[] body, String reason, Optional<Duration> pause) {
    static Attempt again(String reason, Optional<Duration> pause) {
      return new Attempt(new byte[0], reason, pause);
    }

    boolean succeeded() {
      return reason.isEmpty();
    }
  }

  /** The body of the answer; waits no longer once the thread is interrupted. */
  byte[] post(byte[] json) throws HttpException {
    String reason = "no answer yet";
    try {
      for (int attempt = 0; ; attempt++) {
        Attempt made = attempt(json);
        if (made.succeeded()) {
          return made.body;
        }
        reason = made.reason;
        if (attempt == settings.retries) {
          throw new HttpException(
              HttpException.Reach.ENDPOINT,
              where() + " " + reason + ", in the last of " + (attempt + 1) + " attempts");
        }
        Thread.sleep(made.pause.orElse(backoff(attempt)).toMillis());
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new HttpException(
          HttpException.Reach.ENDPOINT, where() + " " + reason + " when the time was up");
    }
  }

  private String where() {
    // A query may hold a key.
    return settings.url.getScheme() + "://" + settings.url.getAuthority() + settings.url.getPath();
  }

  private static Duration backoff(int attempt) {
    Duration full = min(FIRST_WAIT.multipliedBy(1L << Math.min(attempt, 10)), LONGEST_WAIT);
    return Duration.ofMillis(
        (long) (full.toMillis() * ThreadLocalRandom.current().nextDouble(0.5, 1)));
  }

  private Attempt attempt(byte[] json) throws HttpException, InterruptedException {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(settings.url)
            .header("Content-Type", "application/json")
            .header("Accept", "application/json")
            .POST(BodyPublishers.ofByteArray(json));
    settings.token.ifPresent(token -> request.header("Authorization", "Bearer " + token));
    // The client's own timeout ends with the headers; this one covers the body.
    CompletableFuture<HttpResponse<byte[]>> sent =
        client.sendAsync(request.build(), answered -> new LimitedBody(MOST_BYTES));
    try {
      return judged(sent.get(settings.requestTimeout.toMillis(), TimeUnit.MILLISECONDS));
    } catch (TimeoutException e) {
      return Attempt.again(
          "gave no answer within " + settings.requestTimeout.toMillis() / 1e3 + " s",
          Optional.empty());
    } catch (ExecutionException e) {
      if (e.getCause() instanceof LimitedBody.TooLarge) {
        throw new HttpException(
            HttpException.Reach.ENDPOINT,
            where()
                + " answered with more than "
                + MOST_BYTES
                + " bytes: it has to give one number for each completion");
      }
      if (e.getCause() instanceof IOException cause) {
        return Attempt.again(
            "could not be reached or broke off (" + cause.getClass().getSimpleName() + ")",
            Optional.empty());
      }
      throw new HttpException(
          HttpException.Reach.ENDPOINT,
          where() + " could not be asked (" + e.getCause().getClass().getName() + ")");
    } finally {
      sent.cancel(true);
    }
  }

  private Attempt judged(HttpResponse<byte[]> response) throws HttpException {
    int status = response.statusCode();
    if (status / 100 == 2) {
      return new Attempt(response.body(), "", Optional.empty());
    }
    if (status == 408 || status == 429 || status >= 500) {
      return Attempt.again(
          "answered with status " + status,
          response.headers().firstValue("Retry-After").flatMap(HttpEndpoint::retryAfter));
    }
    boolean thisRequest = status == 400 || status == 413 || status == 422;
    throw new HttpException(
        thisRequest ? HttpException.Reach.REQUEST : HttpException.Reach.ENDPOINT,
        where() + " answered with status " + status + advice(status));
  }

  private static String advice(int status) {
    return switch (status) {
      case 401, 403 -> ": check token_env and the variable that it names";
      case 404, 405 -> ": check the url; it has to take POST";
      default -> status / 100 == 3 ? ": redirects are not followed, name the place itself" : "";
    };
  }

  /** Seconds, or a date of HTTP's. */
  static Optional<Duration> retryAfter(String value) {
    try {
      Duration wait =
          value.strip().matches("\\d{1,9}")
              ? Duration.ofSeconds(Long.parseLong(value.strip()))
              : Duration.between(
                  Instant.now(),
                  ZonedDateTime.parse(value.strip(), DateTimeFormatter.RFC_1123_DATE_TIME));
      return Optional.of(wait.isNegative() ? Duration.ZERO : wait);
    } catch (DateTimeParseException e) {
      return Optional.empty();
    }
  }
}
