package io.plumbline.spark.evaluate;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.plumbline.Fixtures;
import io.plumbline.checkpoint.ModelDirectory;
import io.plumbline.model.CausalLm.ComputeDtype;
import io.plumbline.spark.inference.InputRows;
import io.plumbline.spark.inference.Score;
import io.plumbline.spark.inference.Scoring;
import io.plumbline.spark.inference.StageResults;
import io.plumbline.spark.progress.ProgressListener;
import io.plumbline.spark.reference.LocalSpark;
import io.plumbline.storage.Storage;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.spark.api.java.JavaRDD;

/** The golden Llama with the golden tokenizer, and what transformers said about them. */
public final class GoldenLlama {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final byte[] file;
  private final JsonNode header;
  private final int dataStart;
  public final List<String> texts;
  public final List<String> prompts;

  private GoldenLlama() throws IOException {
    file = Files.readAllBytes(Fixtures.golden("models/llama/golden.safetensors"));
    ByteBuffer bytes = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN);
    int headerLength = Math.toIntExact(bytes.getLong(0));
    header = JSON.readTree(new String(file, 8, headerLength, StandardCharsets.UTF_8));
    dataStart = 8 + headerLength;
    JsonNode golden = JSON.readTree(Fixtures.golden("models/llama/golden.json").toFile());
    texts = strings(golden.get("texts"));
    prompts = strings(golden.get("prompts"));
  }

  public static GoldenLlama read() throws IOException {
    return new GoldenLlama();
  }

  /** A model directory with a tokenizer in it. */
  public static String directory(Path parent) throws IOException {
    return Fixtures.modelWithTokenizer("llama", parent.resolve("llama")).toString();
  }

  /** What a model says of the golden pairs, over Spark. */
  public static List<Score> preferenceScores(String model) {
    Storage storage = Storage.local();
    JavaRDD<Map<String, Object>> rows =
        InputRows.read(
            LocalSpark.session(),
            storage,
            List.of(Fixtures.golden("traj/preference.jsonl").toString()));
    List<Score> scores = new ArrayList<>();
    try (StageResults<Score> results =
        Scoring.run(
            storage,
            rows,
            ModelDirectory.open(storage, model),
            ComputeDtype.F32,
            1024,
            1,
            ProgressListener.NONE)) {
      assertThat(results.size()).isEqualTo(64);
      results.iterator().forEachRemaining(scores::add);
    }
    return scores;
  }

  /** [rows][columns] of an int64 tensor. */
  public int[][] ints(String tensor) {
    int[][] values = new int[rows(tensor)][columns(tensor)];
    ByteBuffer data = data(tensor);
    for (int[] row : values) {
      for (int i = 0; i < row.length; i++) {
        row[i] = (int) data.getLong();
      }
    }
    return values;
  }

  /** [rows][columns] of an f32 tensor. */
  public float[][] floats(String tensor) {
    float[][] values = new float[rows(tensor)][columns(tensor)];
    ByteBuffer data = data(tensor);
    for (float[] row : values) {
      for (int i = 0; i < row.length; i++) {
        row[i] = data.getFloat();
      }
    }
    return values;
  }

  private int rows(String tensor) {
    return header.get(tensor).get("shape").get(0).intValue();
  }

  private int columns(String tensor) {
    return header.get(tensor).get("shape").get(1).intValue();
  }

  private ByteBuffer data(String tensor) {
    JsonNode offsets = header.get(tensor).get("data_offsets");
    int start = offsets.get(0).intValue();
    return ByteBuffer.wrap(file, dataStart + start, offsets.get(1).intValue() - start)
        .slice()
        .order(ByteOrder.LITTLE_ENDIAN);
  }

  private static List<String> strings(JsonNode array) {
    List<String> strings = new ArrayList<>();
    array.forEach(element -> strings.add(element.textValue()));
    return strings;
  }
}
