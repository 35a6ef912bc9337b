package io.plumbline.model;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/** A small safetensors file of f32 and int64 tensors, read whole. */
final class TensorFile implements WeightSource {
  private record Entry(String dtype, long[] shape, int begin, int end) {}

  private final Path path;
  private final Map<String, Entry> entries = new LinkedHashMap<>();
  private final ByteBuffer data;

  private TensorFile(Path path) throws IOException {
    this.path = path;
    ByteBuffer all = ByteBuffer.wrap(Files.readAllBytes(path)).order(ByteOrder.LITTLE_ENDIAN);
    int header = Math.toIntExact(all.getLong(0));
    byte[] json = new byte[header];
    all.get(8, json);
    JsonNode root = new ObjectMapper().readTree(json);
    root.fields()
        .forEachRemaining(
            e -> {
              if (!e.getKey().equals("__metadata__")) {
                JsonNode n = e.getValue();
                long[] shape = new long[n.get("shape").size()];
                for (int i = 0; i < shape.length; i++) {
                  shape[i] = n.get("shape").get(i).asLong();
                }
                entries.put(
                    e.getKey(),
                    new Entry(
                        n.get("dtype").asText(),
                        shape,
                        n.get("data_offsets").get(0).asInt(),
                        n.get("data_offsets").get(1).asInt()));
              }
            });
    data = all.slice(8 + header, all.capacity() - 8 - header).order(ByteOrder.LITTLE_ENDIAN);
  }

  static TensorFile open(Path path) {
    try {
      return new TensorFile(path);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public String description() {
    return path.toString();
  }

  @Override
  public Set<String> names() {
    return entries.keySet();
  }

  @Override
  public long[] shape(String name) {
    return entries.get(name).shape();
  }

  @Override
  public void read(String name, long from, FloatBuffer target) {
    target.put(floats(name), (int) from, target.remaining());
  }

  float[] floats(String name) {
    Entry e = entry(name, "F32");
    float[] out = new float[(e.end() - e.begin()) / 4];
    data.slice(e.begin(), e.end() - e.begin())
        .order(ByteOrder.LITTLE_ENDIAN)
        .asFloatBuffer()
        .get(out);
    return out;
  }

  long[] longs(String name) {
    Entry e = entry(name, "I64");
    long[] out = new long[(e.end() - e.begin()) / 8];
    data.slice(e.begin(), e.end() - e.begin())
        .order(ByteOrder.LITTLE_ENDIAN)
        .asLongBuffer()
        .get(out);
    return out;
  }

  private Entry entry(String name, String dtype) {
    Entry e = entries.get(name);
    if (!e.dtype().equals(dtype)) {
      throw new IllegalArgumentException(name + " is " + e.dtype());
    }
    return e;
  }
}
