package io.plumbline.storage;

import java.net.URI;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import org.apache.hadoop.conf.Configuration;

/**
 * Settings of Hadoop's S3A for jobs that must end. Its own defaults let one request to a server
 * that stopped answering take hours, because attempts of the SDK, of S3A and of the throttling
 * multiply. With these, silence is borne for six minutes, which is less than ranks wait for each
 * other. What anybody has set stays.
 */
final class ObjectStoreDefaults {
  private static final String ENDPOINT = "fs.s3a.endpoint";
  private static final String PATH_STYLE = "fs.s3a.path.style.access";

  /** Where Hadoop keeps what nobody has set. */
  private static final String SHIPPED = "core-default.xml";

  private static final Pattern ADDRESS = Pattern.compile("[0-9.]+|\\[.*]|[^.]+");

  static final Map<String, String> SETTINGS = settings();

  private ObjectStoreDefaults() {}

  private static Map<String, String> settings() {
    Map<String, String> settings = new LinkedHashMap<>();
    settings.put("fs.s3a.connection.establish.timeout", "15s");
    settings.put("fs.s3a.connection.timeout", "30s"); // Between two packets.
    settings.put("fs.s3a.connection.request.timeout", "60s");
    settings.put("fs.s3a.connection.part.upload.timeout", "5m");
    settings.put("fs.s3a.attempts.maximum", "2");
    settings.put("fs.s3a.retry.limit", "5");
    settings.put("fs.s3a.retry.interval", "500ms");
    // The newer stream has a client and timeouts of its own, and hides what went wrong.
    settings.put("fs.s3a.input.stream.type", "classic");
    // Each wait is twice the one before: the default of 20 would be more than a day.
    settings.put("fs.s3a.retry.throttle.limit", "9");
    settings.put("fs.s3a.retry.throttle.interval", "200ms");
    return settings;
  }

  /** Adds what is not set. */
  static void addTo(Configuration configuration) {
    SETTINGS.forEach(
        (key, value) -> {
          if (!isGiven(configuration, key)) {
            configuration.set(key, value, "plumbline");
          }
        });
    if (!isGiven(configuration, PATH_STYLE) && isOwnServer(configuration.get(ENDPOINT))) {
      configuration.set(PATH_STYLE, "true", "plumbline");
    }
  }

  private static boolean isGiven(Configuration configuration, String key) {
    String[] sources = configuration.getPropertySources(key);
    return sources != null && !(sources.length == 1 && sources[0].equals(SHIPPED));
  }

  /**
   * Whether an endpoint is a server such as MinIO: one with a port, an address, or a name without a
   * domain. There is no DNS name of every bucket then.
   */
  private static boolean isOwnServer(String endpoint) {
    if (endpoint == null || endpoint.isBlank()) {
      return false;
    }
    try {
      URI uri = URI.create(endpoint.contains("://") ? endpoint : "https://" + endpoint.strip());
      return Optional.ofNullable(uri.getHost())
          .map(host -> uri.getPort() >= 0 || ADDRESS.matcher(host).matches())
          .orElse(false);
    } catch (IllegalArgumentException e) {
      return false; // S3A says what is wrong with it.
    }
  }
}
