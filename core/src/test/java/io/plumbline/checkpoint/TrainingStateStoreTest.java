package io.plumbline.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.base.Floats;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.storage.ObjectStoreFileSystem;
import io.plumbline.storage.Storage;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TrainingStateStoreTest {
  @TempDir Path temp;

  private TrainingStateStore store(String prefix) {
    Configuration configuration = new Configuration();
    configuration.set("fs.objects.impl", ObjectStoreFileSystem.class.getName());
    return TrainingStateStore.of(Storage.of(configuration), prefix + temp + "/checkpoints");
  }

  private static Floats floats(float... values) {
    return Floats.of(FloatBuffer.wrap(values));
  }

  private static FloatBuffer anyBits(int n, long seed) {
    Random random = new Random(seed);
    FloatBuffer values =
        ByteBuffer.allocateDirect(4 * n).order(ByteOrder.nativeOrder()).asFloatBuffer();
    for (int i = 0; i < n; i++) {
      values.put(Float.intBitsToFloat(random.nextInt()));
    }
    return values.flip();
  }

  private static void write(TrainingStateStore store, long step, float value) {
    try (TrainingStateStore.Writer writer = store.begin(step)) {
      writer.values("weights/embedding", floats(value, -value));
      writer.json("state", PythonJson.object().put("step", step));
      writer.commit();
    }
  }

  private static float first(TrainingStateStore.Snapshot snapshot) {
    Floats target = floats(0, 0);
    snapshot.read("weights/embedding", target);
    return target.get(0);
  }

  private Path step(long step) {
    return temp.resolve(String.format("checkpoints/step-%08d", step));
  }

  private Path file(long step, String ending) throws IOException {
    try (var walk = Files.walk(step(step))) {
      return walk.filter(p -> p.toString().endsWith(ending)).findFirst().orElseThrow();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "objects:"})
  void everyBitComesBack(String prefix) {
    TrainingStateStore store = store(prefix);
    assertThat(store.newest()).isEmpty();
    FloatBuffer weights = anyBits(600_003, 1);
    FloatBuffer moments = anyBits(7, 2);
    ObjectNode state =
        PythonJson.object().put("step", 20).put("seed", Long.MAX_VALUE).put("x", 0.1);
    try (TrainingStateStore.Writer writer = store.begin(20)) {
      writer.values("weights/layer.0", Floats.of(weights));
      writer.values("exp_avg/layer.0", Floats.of(moments));
      writer.values("exp/avg_layer.0", floats());
      writer.json("state", state);
      assertThat(store.newest()).isEmpty();
      writer.commit();
    }
    assertThat(weights.remaining()).isEqualTo(600_003);
    TrainingStateStore.Snapshot snapshot = store.newest().orElseThrow();
    assertThat(snapshot.step()).isEqualTo(20);
    FloatBuffer read = FloatBuffer.allocate(600_003);
    snapshot.read("weights/layer.0", Floats.of(read));
    for (int i = 0; i < 600_003; i++) {
      assertThat(Float.floatToRawIntBits(read.get(i)))
          .isEqualTo(Float.floatToRawIntBits(weights.get(i)));
    }
    assertThat(snapshot.json("state")).isEqualTo(state);
  }

  @Test
  void valuesInPiecesMakeTheFileOfTheWhole() throws IOException {
    FloatBuffer whole = anyBits(1_000_003, 3);
    try (TrainingStateStore.Writer writer = store("").begin(1)) {
      writer.values("w", Floats.of(whole));
      writer.commit();
    }
    byte[] bytes = Files.readAllBytes(file(1, "w.safetensors"));
    List<FloatBuffer> pieces =
        List.of(
            whole.slice(0, 1),
            whole.slice(1, 0),
            whole.slice(1, 700_000),
            whole.slice(700_001, 300_002));
    try (TrainingStateStore.Writer writer = store("").begin(1)) {
      writer.values("w", Floats.of(pieces));
      writer.commit();
    }
    assertThat(Files.readAllBytes(file(1, "w.safetensors"))).isEqualTo(bytes);
    FloatBuffer read = FloatBuffer.allocate(1_000_003);
    store("")
        .at(1)
        .read("w", Floats.of(List.of(read.slice(0, 400_001), read.slice(400_001, 600_002))));
    for (int i = 0; i < 1_000_003; i++) {
      assertThat(Float.floatToRawIntBits(read.get(i)))
          .isEqualTo(Float.floatToRawIntBits(whole.get(i)));
    }
  }

  @Test
  void aTextOfMoreThanTwentyMillionCharactersComesBack() {
    TrainingStateStore store = store("");
    String curriculum = "A".repeat(21_500_000);
    try (TrainingStateStore.Writer writer = store.begin(1)) {
      writer.json("state", PythonJson.object().put("measured", curriculum));
      writer.commit();
    }

    assertThat(store.at(1).json("state").path("measured").asText()).isEqualTo(curriculum);
  }

  @Test
  void theFilesAreWhereTheDesignSays() {
    write(store(""), 20, 1);
    assertThat(temp.resolve("checkpoints/step-00000020/_COMPLETE")).exists();
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "objects:"})
  void halfWrittenStatesArePassedOver(String prefix) throws IOException {
    TrainingStateStore store = store(prefix);
    write(store, 10, 1);
    // A writer that dies: never committed, never closed.
    TrainingStateStore.Writer dead = store.begin(20);
    dead.values("weights/embedding", floats(9, 9));
    assertThat(store.newest().orElseThrow().step()).isEqualTo(10);
    assertThat(store.steps()).containsExactly(10L);
    assertThatThrownBy(() -> store.at(20))
        .isInstanceOf(PlumblineException.class)
        .hasMessageContaining("no complete training state")
        .hasMessageContaining("[10]");
    // The retry writes the same step; what the dead one left is not mixed in, and goes.
    write(store, 20, 2);
    assertThat(first(store.newest().orElseThrow())).isEqualTo(2);
    try (var children = Files.list(step(20))) {
      assertThat(children).hasSize(2);
    }
  }

  @Test
  void everyPrefixOfTheWriteIsIgnoredOrWhole() throws IOException {
    TrainingStateStore store = store("");
    write(store, 1, 1);
    write(store, 2, 2);
    // Take the files away again in the order opposite to their writing.
    List<Path> files;
    try (var walk = Files.walk(step(2))) {
      files =
          walk.filter(Files::isRegularFile)
              .sorted(Comparator.comparing(p -> !p.endsWith("_COMPLETE")))
              .toList();
    }
    assertThat(files).hasSize(3);
    for (Path file : files) {
      Files.delete(file);
      assertThat(store.newest().orElseThrow().step()).isEqualTo(1);
    }
  }

  @Test
  void aWriterClosedWithoutCommitLeavesNothing() throws IOException {
    TrainingStateStore store = store("");
    try (TrainingStateStore.Writer writer = store.begin(3)) {
      writer.json("state", PythonJson.object());
    }
    try (var walk = Files.walk(temp)) {
      assertThat(walk.filter(Files::isRegularFile)).isEmpty();
    }
  }

  @Test
  void aStateWrittenAgainReplacesTheEarlierOne() {
    TrainingStateStore store = store("");
    write(store, 5, 1);
    write(store, 5, 2);
    assertThat(first(store.at(5))).isEqualTo(2);
  }

  @Test
  void aLateCommitGivesWayToTheStateThatIsThere() {
    TrainingStateStore store = store("");
    TrainingStateStore.Writer zombie = store.begin(5);
    zombie.json("state", PythonJson.object());
    write(store, 5, 2);
    zombie.commit();
    assertThat(first(store.at(5))).isEqualTo(2);
  }

  @Test
  void damagedFilesAreFoundAndNamed() throws IOException {
    TrainingStateStore store = store("");
    write(store, 5, 1);
    write(store, 6, 1);
    Path file = file(6, ".safetensors");
    byte[] bytes = Files.readAllBytes(file);

    byte[] flipped = bytes.clone();
    flipped[flipped.length - 1] ^= 1;
    Files.write(file, flipped);
    damaged(() -> first(store.newest().orElseThrow()), "have changed");

    byte[] header = bytes.clone();
    header[20] ^= 1;
    Files.write(file, header);
    damaged(() -> first(store.newest().orElseThrow()), "changed");

    Files.write(file, java.util.Arrays.copyOf(bytes, bytes.length - 4));
    damaged(store::newest, "bytes where " + bytes.length + " were written");

    Files.delete(file);
    damaged(store::newest, "is gone");

    Files.write(file, bytes);
    assertThat(first(store.newest().orElseThrow())).isEqualTo(1);
    Files.writeString(file(6, "state.json"), "{\"step\" : 7}\n".substring(0, 13));
    assertThatThrownBy(() -> store.newest().orElseThrow().json("state"))
        .isInstanceOf(PlumblineException.class);

    // The fix that the sentence names.
    Storage.local().delete(step(6).toString());
    assertThat(store.newest().orElseThrow().step()).isEqualTo(5);
  }

  @Test
  void damagedMarkersAreFound() throws IOException {
    TrainingStateStore store = store("");
    write(store, 6, 1);
    Path marker = step(6).resolve("_COMPLETE");
    String text = Files.readString(marker);
    for (String changed :
        List.of(
            "",
            text.substring(0, text.length() / 2),
            text.replace("\"files\"", "\"fies\""),
            text.replaceFirst("\"length\" ?: \\d+", "\"length\" : 7"),
            text.replaceFirst("\"name\" ?: \"[a-z]", "\"name\" : \"X"))) {
      assertThat(changed).isNotEqualTo(text);
      Files.writeString(marker, changed);
      damaged(store::newest, "its marker");
    }
    // Earlier versions wrote no digest.
    Files.writeString(marker, text.replaceFirst(",\\s*\"digest\" ?: \"[0-9a-f]*\"", ""));
    assertThat(Files.readString(marker)).doesNotContain("digest");
    assertThat(first(store.newest().orElseThrow())).isEqualTo(1);
  }

  @Test
  void aStateThatWasSetAsideIsPassedOverAndCanBeWrittenAgain() {
    TrainingStateStore store = store("");
    write(store, 5, 1);
    write(store, 6, 2);
    store.setAside(6, "the bytes of x have changed");
    assertThat(store.newest().orElseThrow().step()).isEqualTo(5);
    assertThat(step(6).resolve("_DAMAGED")).hasContent("the bytes of x have changed");
    store.retain(1, Set.of());
    assertThat(store.steps()).containsExactly(5L);

    write(store, 6, 3);
    assertThat(first(store.newest().orElseThrow())).isEqualTo(3);
    assertThat(step(6).resolve("_DAMAGED")).doesNotExist();
  }

  private static void damaged(
      org.assertj.core.api.ThrowableAssert.ThrowingCallable call, String what) {
    assertThatThrownBy(call)
        .isInstanceOf(PlumblineException.class)
        .hasMessageContaining("is damaged")
        .hasMessageContaining(what)
        .hasMessageContaining("delete that directory")
        .extracting(e -> ((PlumblineException) e).code())
        .isEqualTo(ErrorCode.BAD_CHECKPOINT);
  }

  @Test
  void otherModelsAndOtherStatesAreToldApart() {
    TrainingStateStore store = store("");
    write(store, 6, 1);
    TrainingStateStore.Snapshot snapshot = store.at(6);
    assertThatThrownBy(() -> snapshot.read("weights/embedding", floats(0, 0, 0)))
        .isInstanceOf(PlumblineException.class)
        .hasMessageContaining("holds 2 values of weights/embedding where this model has 3");
    assertThatThrownBy(() -> snapshot.read("exp_avg/embedding", floats(0, 0)))
        .isInstanceOf(PlumblineException.class)
        .hasMessageContaining("holds no exp_avg/embedding");
  }

  @Test
  void onlyTheNewestAreRetained() {
    TrainingStateStore store = store("");
    for (int step = 1; step <= 5; step++) {
      write(store, step, step);
    }
    TrainingStateStore.Writer dead = store.begin(2);
    dead.json("state", PythonJson.object());
    Storage.local().delete(step(3).resolve("_COMPLETE").toString());
    store.retain(2, Set.of());
    assertThat(store.steps()).containsExactly(4L, 5L);
    assertThat(step(1)).doesNotExist();
    assertThat(step(2)).doesNotExist();
    assertThat(step(3)).doesNotExist();
  }

  @Test
  void aMarkerCannotLeadOutOfItsDirectory() throws IOException {
    TrainingStateStore store = store("");
    write(store, 1, 1);
    Path marker = step(1).resolve("_COMPLETE");
    Files.writeString(
        marker,
        Files.readString(marker)
            .replace("state.json", "../../x.json")
            .replaceFirst(",\\s*\"digest\" ?: \"[0-9a-f]*\"", ""));
    assertThatThrownBy(store::newest)
        .isInstanceOf(PlumblineException.class)
        .hasMessageContaining("names files that no writer makes");
  }
}
