package io.plumbline.spark.evaluate;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.plumbline.Fixtures;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** The golden Llama with the golden tokenizer, and what transformers said about them. */
final class GoldenLlama {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final byte[] file;
  private final JsonNode header;
  private final int dataStart;
  final List<String> texts;
  final List<String> prompts;

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

  static GoldenLlama read() throws IOException {
    return new GoldenLlama();
  }

  /** A model directory with a tokenizer in it. */
  static String directory(Path parent) throws IOException {
    Path directory = Files.createDirectories(parent.resolve("llama"));
    for (String file : List.of("config.json", "generation_config.json", "model.safetensors")) {
      Files.copy(Fixtures.golden("models/llama").resolve(file), directory.resolve(file));
    }
    for (String file :
        List.of("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json")) {
      Files.copy(Fixtures.golden("tokenizer").resolve(file), directory.resolve(file));
    }
    return directory.toString();
  }

  /** [rows][columns] of an int64 tensor. */
  int[][] ints(String tensor) {
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
  float[][] floats(String tensor) {
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
