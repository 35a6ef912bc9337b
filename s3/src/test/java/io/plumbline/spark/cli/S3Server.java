package io.plumbline.spark.cli;

import io.plumbline.Fixtures;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A server that speaks S3, as a process of its own with a class path of its own, over a directory
 * whose children are the buckets. Closing ends it.
 */
final class S3Server implements AutoCloseable {
  static final String KEY = "plumbline-test-key";
  static final String SECRET = "a-secret/of+the-tests";

  private static final long START_SECONDS = 60;
  private static final Pattern STARTED = Pattern.compile("Started .*\\{127\\.0\\.0\\.1:([0-9]+)}");

  private final Process process;
  private final int port;
  private final Path files;

  private S3Server(Process process, int port, Path files) {
    this.process = process;
    this.port = port;
    this.files = files;
  }

  static S3Server start(Path directory, String... buckets)
      throws IOException, InterruptedException {
    Path classPath = Fixtures.root().resolve("s3-server/target/classpath");
    if (!Files.exists(classPath)) {
      throw new IOException(classPath + " is not there: build the module s3-server");
    }
    Path files = Files.createDirectories(directory.resolve("objects"));
    for (String bucket : buckets) {
      Files.createDirectory(files.resolve(bucket));
    }
    Path settings = directory.resolve("s3proxy.properties");
    Files.write(
        settings,
        List.of(
            "s3proxy.authorization=aws-v2-or-v4",
            "s3proxy.identity=" + KEY,
            "s3proxy.credential=" + SECRET,
            "s3proxy.endpoint=http://127.0.0.1:0",
            "jclouds.provider=filesystem-nio2",
            "jclouds.filesystem.basedir=" + files));
    Path logging = directory.resolve("logback.xml");
    Files.writeString(
        logging,
        "<configuration><appender name=\"out\" class=\"ch.qos.logback.core.ConsoleAppender\">"
            + "<encoder><pattern>%d %-5level %logger{0} %msg%n</pattern></encoder></appender>"
            + "<root level=\"INFO\"><appender-ref ref=\"out\"/></root></configuration>");
    Path log = directory.resolve("s3-server.log");
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx256m",
                "-XX:+UseSerialGC",
                "-Dlogback.configurationFile=" + logging,
                "-cp",
                Files.readString(classPath).strip(),
                "org.gaul.s3proxy.Main",
                "--properties",
                settings.toString())
            .redirectErrorStream(true)
            .redirectOutput(log.toFile())
            .start();
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(START_SECONDS);
    while (System.nanoTime() < end && process.isAlive()) {
      Matcher started = STARTED.matcher(Files.readString(log));
      if (started.find()) {
        return new S3Server(process, Integer.parseInt(started.group(1)), files);
      }
      Thread.sleep(50);
    }
    process.destroyForcibly();
    throw new IOException("the S3 server did not start: " + Files.readString(log));
  }

  int port() {
    return port;
  }

  /** The directory that holds the objects, by bucket and key. */
  Path files() {
    return files;
  }

  /** An object as it lies on disk; empty where there is none. */
  Optional<Path> object(String bucket, String key) {
    Path file = files.resolve(bucket).resolve(key);
    return Files.isRegularFile(file) ? Optional.of(file) : Optional.empty();
  }

  @Override
  public void close() {
    process.destroy();
    try {
      if (!process.waitFor(10, TimeUnit.SECONDS)) {
        process.destroyForcibly();
      }
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
    }
  }
}
