package io.plumbline.spark.cli.options;

import io.plumbline.spark.tracking.TrackingSettings;
import io.plumbline.spark.tracking.TrackingSettings.Artifacts;
import io.plumbline.spark.tracking.TrackingSettings.Credentials;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * The options about an MLflow server, and what MLflow's own variables say where they are not given.
 * Credentials go no further than into the request.
 */
public final class TrackingOptions {
  private static final String USUAL_EXPERIMENT = "plumbline";

  static final Setting<String> MLFLOW_URI = Setting.declared(TrackingSettings.class, "mlflow-uri");
  static final Setting<String> MLFLOW_EXPERIMENT =
      Setting.declared(TrackingSettings.class, "mlflow-experiment");
  static final Setting<String> MLFLOW_RUN = Setting.declared(TrackingSettings.class, "mlflow-run");
  static final Setting<String> MLFLOW_MODEL =
      Setting.declared(TrackingSettings.class, "mlflow-model");
  static final Setting<Artifacts> MLFLOW_ARTIFACTS =
      Setting.declared(TrackingSettings.class, "mlflow-artifacts");

  /** An address with user and password before the host. */
  private static final Pattern WITH_USER = Pattern.compile("(https?://)([^/@]*)@(.+)");

  private static final Pattern ADDRESS =
      Pattern.compile("https?://[^/\\s?#@]+(/[^\\s?#]*)?|databricks(://[^\\s/]+)?");

  private TrackingOptions() {}

  public static List<Setting<?>> all() {
    return List.of(MLFLOW_URI, MLFLOW_EXPERIMENT, MLFLOW_RUN, MLFLOW_MODEL, MLFLOW_ARTIFACTS);
  }

  /** The server that is named by the options or by MLflow's variables. */
  public static Optional<TrackingSettings> settings(
      SettingValues values, String output, Problems problems) {
    return settings(values, output, System.getenv(), problems);
  }

  public static Optional<TrackingSettings> settings(
      SettingValues values, String output, Map<String, String> environment, Problems problems) {
    Optional<String> given =
        values.find(MLFLOW_URI).or(() -> variable(environment, "MLFLOW_TRACKING_URI"));
    if (given.isEmpty()) {
      all().stream()
          .filter(values::has)
          .forEach(
              alone ->
                  problems.add(
                      alone.option()
                          + " does nothing without a server: name one by --mlflow-uri, or leave it"
                          + " out."));
      return Optional.empty();
    }
    Matcher withUser = WITH_USER.matcher(given.get().strip());
    String uri =
        (withUser.matches() ? withUser.group(1) + withUser.group(3) : given.get().strip())
            .replaceAll("/+$", "");
    if (!ADDRESS.matcher(uri).matches()) {
      problems.add(
          String.format(
              "%s is '%s' and must be an MLflow server's address, such as http://HOST:5000, or"
                  + " databricks.",
              values.has(MLFLOW_URI) ? MLFLOW_URI.option() : "MLFLOW_TRACKING_URI",
              uri.contains("@") ? "***" : uri));
      return Optional.empty();
    }
    Optional<String> experiment =
        values.find(MLFLOW_EXPERIMENT).or(() -> variable(environment, "MLFLOW_EXPERIMENT_NAME"));
    if (uri.startsWith("databricks") && !experiment.orElse("").startsWith("/")) {
      problems.add(
          "--mlflow-experiment must be a path in the workspace for databricks: give one such as"
              + " /Shared/plumbline.");
    }
    return Optional.of(
        new TrackingSettings(
            uri,
            credentials(uri, withUser.matches() ? withUser.group(2) : "", environment),
            experiment.orElse(USUAL_EXPERIMENT),
            values.find(MLFLOW_RUN).orElseGet(() -> lastPart(output)),
            values.find(MLFLOW_MODEL),
            values.of(MLFLOW_ARTIFACTS),
            Stream.of("MLFLOW_PARENT_RUN_ID", "MLFLOW_RUN_ID")
                .flatMap(name -> variable(environment, name).stream())
                .findFirst()));
  }

  /** What stands in the address comes before what stands in variables. */
  private static Credentials credentials(
      String uri, String userInfo, Map<String, String> environment) {
    if (!userInfo.isEmpty()) {
      int colon = userInfo.indexOf(':');
      return new Credentials(
          "",
          decoded(colon < 0 ? userInfo : userInfo.substring(0, colon)),
          colon < 0 ? "" : decoded(userInfo.substring(colon + 1)),
          "");
    }
    if (uri.equals("databricks")
        && variable(environment, "DATABRICKS_HOST").isPresent()
        && variable(environment, "DATABRICKS_TOKEN").isPresent()) {
      String host = environment.get("DATABRICKS_HOST").replaceAll("/+$", "");
      return new Credentials(
          host.startsWith("http") ? host : "https://" + host,
          "",
          "",
          environment.get("DATABRICKS_TOKEN"));
    }
    return new Credentials(
        "",
        variable(environment, "MLFLOW_TRACKING_USERNAME").orElse(""),
        variable(environment, "MLFLOW_TRACKING_PASSWORD").orElse(""),
        variable(environment, "MLFLOW_TRACKING_TOKEN").orElse(""));
  }

  /** Characters that an address cannot hold stand there by their codes; a plus is a plus. */
  private static String decoded(String text) {
    try {
      return URLDecoder.decode(text.replace("+", "%2B"), StandardCharsets.UTF_8);
    } catch (IllegalArgumentException e) {
      // Percent signs that begin no code are meant as they stand.
      return text;
    }
  }

  private static Optional<String> variable(Map<String, String> environment, String name) {
    return Optional.ofNullable(environment.get(name)).filter(text -> !text.isBlank());
  }

  private static String lastPart(String output) {
    String path = output.replaceAll("/+$", "");
    String last = path.substring(path.lastIndexOf('/') + 1);
    return last.isEmpty() ? "run" : last;
  }
}
