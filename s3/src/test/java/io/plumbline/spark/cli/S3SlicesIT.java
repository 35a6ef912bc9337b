package io.plumbline.spark.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.plumbline.Fixtures;
import io.plumbline.Records;
import io.plumbline.base.CountOrShare;
import io.plumbline.data.ExampleKind;
import io.plumbline.data.LengthLimits;
import io.plumbline.spark.prepare.Prepare;
import io.plumbline.spark.prepare.PrepareListener;
import io.plumbline.spark.prepare.PrepareSettings;
import io.plumbline.spark.prepare.Prepared;
import io.plumbline.spark.reference.LocalSpark;
import io.plumbline.storage.Storage;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What reading a large file in slices costs, as the server counts it. */
class S3SlicesIT {
  private static final int FILE_BYTES = 64 << 20;
  private static final int SLICES = 8;

  @TempDir Path directory;

  /** Rows with long texts of which little is kept, so that the time goes into reading. */
  private byte[] rows() {
    StringBuilder text = new StringBuilder(FILE_BYTES + (1 << 17));
    String filling = "word ".repeat(12_000);
    for (int line = 1; text.length() < FILE_BYTES; line++) {
      text.append(
          line % 100 == 7
              ? "{broken\n"
              : "{\"prompt\": \"%d\", \"chosen\": \"a\", \"rejected\": \"b\", \"more\": \"%s\"}\n"
                  .formatted(line, filling));
    }
    return text.toString().getBytes(StandardCharsets.UTF_8);
  }

  @Test
  void aFileInSlicesIsSentOnce() throws Exception {
    try (S3Server server = S3Server.start(directory, "data");
        FaultyProxy proxy = FaultyProxy.before(server.port())) {
      Configuration configuration = new Configuration();
      configuration.set("fs.s3a.endpoint", "http://127.0.0.1:" + proxy.port());
      configuration.set("fs.s3a.endpoint.region", "us-east-1");
      configuration.set("fs.s3a.access.key", S3Server.KEY);
      configuration.set("fs.s3a.secret.key", S3Server.SECRET);
      configuration.set("fs.s3a.buffer.dir", directory.resolve("buffer").toString());
      Storage storage = Storage.of(configuration);
      byte[] rows = rows();
      storage.writeBytes("s3a://data/rows.jsonl", rows);
      Path local = Files.write(directory.resolve("rows.jsonl"), rows);
      proxy.takeRequests();
      long before = proxy.sentBytes();

      Prepared prepared = prepare(storage, "s3a://data/rows.jsonl", FILE_BYTES / SLICES + 1L);

      long sent = proxy.sentBytes() - before;
      long gets =
          proxy.takeRequests().stream()
              .filter(request -> request.startsWith("GET ") && request.contains("rows.jsonl"))
              .count();
      System.out.printf(
          "%,d bytes of a file of %,d were sent in answer to %d GET%n", sent, rows.length, gets);
      assertThat(sent).isGreaterThan(rows.length).isLessThan((long) (rows.length * 1.1));
      // Requests cost too: one for 8 MiB, and a few small ones for each end of a slice.
      assertThat(gets).isLessThan(80);
      Prepared whole = prepare(Storage.local(), local.toString(), Long.MAX_VALUE);
      assertThat(prepared.fingerprint()).isEqualTo(whole.fingerprint());
      assertThat(lines(prepared)).isEqualTo(lines(whole)).hasSizeGreaterThan(5);
    }
  }

  private Prepared prepare(Storage storage, String path, long splitBytes) throws IOException {
    PrepareSettings settings =
        Records.with(
            PrepareSettings.of(
                    List.of(path),
                    ExampleKind.PREFERENCE,
                    directory.resolve("out-" + path.hashCode()).toString())
                .withLimits(new LengthLimits(64, 0, LengthLimits.Truncation.KEEP_START))
                .withBadRows(CountOrShare.parse("50%")),
            "splitBytes",
            splitBytes);
    return Prepare.run(
        LocalSpark.session(), storage, settings, Fixtures.tokenizerFiles(), PrepareListener.NONE);
  }

  /** The numbers of the refused lines, in their order. */
  private static List<String> lines(Prepared prepared) {
    Storage storage = Storage.local();
    return storage.list(prepared.quarantine().orElseThrow()).stream()
        .flatMap(file -> storage.readText(file.path()).lines())
        .map(line -> line.replaceFirst(".*\"line\":([0-9]+).*", "$1"))
        .toList();
  }
}
