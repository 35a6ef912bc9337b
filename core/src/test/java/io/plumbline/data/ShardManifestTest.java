package io.plumbline.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.plumbline.Fixtures;
import io.plumbline.data.CanonicalShards.Order;
import io.plumbline.data.CanonicalShards.Plan;
import io.plumbline.data.CanonicalShards.ShardFile;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.storage.Storage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ShardManifestTest {
  private static final Plan PLAN = new Plan(3, 2, 5, 7, 3, 11);
  private static final List<ShardFile> FILES =
      List.of(
          new ShardFile("shard-00000-a1.parquet", 4), new ShardFile("shard-00001-b2.parquet", 9));
  private static final Mixture MIXTURE = new Mixture(List.of(3L, 4L), List.of(0.25, 1e-7));

  @TempDir Path directory;
  private final Storage storage = Storage.local();

  @Test
  void itIsWrittenAsByTheFirstVersion() throws IOException {
    assertThat(written(Order.SHUFFLED, Optional.empty())).isEqualTo(golden("shards.json"));
    assertThat(written(Order.INPUT, Optional.of(MIXTURE))).isEqualTo(golden("weighted.json"));
  }

  @Test
  void itIsReadAsOfTheFirstVersion() throws IOException {
    put(golden("weighted.json"));
    CanonicalShards shards = CanonicalShards.open(storage, directory.toString());
    assertThat(shards.plan()).isEqualTo(PLAN);
    assertThat(shards.order()).isEqualTo(Order.INPUT);
    assertThat(shards.mixture()).contains(MIXTURE);
    put(golden("shards.json"));
    assertThat(CanonicalShards.open(storage, directory.toString()).mixture()).isEmpty();
  }

  @Test
  void whatCannotBeReadIsSaid() throws IOException {
    String path = directory.resolve("manifest.json").toString();
    assertThatThrownBy(() -> CanonicalShards.open(storage, directory.toString()))
        .hasMessage(
            "There are no complete canonical shards in "
                + directory
                + ": manifest.json is missing; run prepare, or the training command, again")
        .extracting(e -> ((PlumblineException) e).code())
        .isEqualTo(ErrorCode.INPUT_NOT_FOUND);
    put("{");
    assertRefused(
        path + " is not a manifest of canonical shards; delete " + directory + " and run again");
    put(golden("shards.json").replace("\"version\" : 1", "\"version\" : 0"));
    assertRefused(
        path
            + " has format plumbline.shards version 0, and this is plumbline.shards version 1;"
            + " delete "
            + directory
            + " and run again");
    put(golden("shards.json").replaceFirst(", \\{[^}]*\\}", ""));
    assertRefused(
        path + " does not name a file for each shard; delete " + directory + " and run again");
  }

  private void assertRefused(String sentence) {
    assertThatThrownBy(() -> CanonicalShards.open(storage, directory.toString()))
        .hasMessage(sentence)
        .extracting(e -> ((PlumblineException) e).code())
        .isEqualTo(ErrorCode.BAD_DATA);
  }

  private String written(Order order, Optional<Mixture> mixture) throws IOException {
    CanonicalShards.commit(storage, directory.toString(), PLAN, order, mixture, "content", FILES);
    return Files.readString(directory.resolve("manifest.json"));
  }

  private void put(String text) throws IOException {
    Files.writeString(directory.resolve("manifest.json"), text);
  }

  private static String golden(String name) throws IOException {
    return Files.readString(Fixtures.golden("manifests").resolve(name));
  }
}
