package io.plumbline.spark.cli.terminal;

import io.plumbline.checkpoint.RunRecord;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Map;
import java.util.Properties;
import org.apache.spark.SparkBuildInfo;

/** Versions of this program and of what it runs on. */
public final class Versions {
  /** Lies in the jar of PyTorch's native library. */
  private static final String PYTORCH = "/native/lib/pytorch.properties";

  private Versions() {}

  public static String text() {
    Map<String, String> libraries = RunRecord.libraryVersions();
    StringBuilder text = new StringBuilder();
    line(text, "plumbline", libraries.get("plumbline"));
    line(text, "Spark", SparkBuildInfo.spark_version());
    line(text, "DJL", libraries.get("djl"));
    line(text, "PyTorch", pytorch());
    line(text, "Java", libraries.get("java") + " (" + System.getProperty("java.vendor") + ")");
    line(text, "System", libraries.get("os"));
    return text.toString();
  }

  private static void line(StringBuilder text, String what, String version) {
    text.append(what).append(' ').append(version).append('\n');
  }

  /** As the library says that is in the jar; the engine itself is not loaded for it. */
  private static String pytorch() {
    String own = System.getenv("PYTORCH_LIBRARY_PATH");
    if (own != null) {
      return "in " + own;
    }
    try (InputStream stream = Versions.class.getResourceAsStream(PYTORCH)) {
      if (stream == null) {
        return "(not in the jar)";
      }
      Properties properties = new Properties();
      properties.load(stream);
      return properties.getProperty("version", "").replaceFirst("-.*", "")
          + " ("
          + properties.getProperty("flavor")
          + ")";
    } catch (IOException e) {
      throw new UncheckedIOException("The versions in the jar cannot be read", e);
    }
  }
}
