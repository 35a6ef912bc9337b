package io.plumbline.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.code_intelligence.jazzer.junit.FuzzTest;
import com.sun.management.ThreadMXBean;
import io.plumbline.PythonPeer;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.storage.Storage;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class SafetensorsTest {
  private static final Storage STORAGE = Storage.local();

  @TempDir Path temp;

  private static float[] values(int n, long seed) {
    Random random = new Random(seed);
    float[] values = new float[n];
    for (int i = 0; i < n; i++) {
      values[i] = Float.intBitsToFloat(random.nextInt());
    }
    return values;
  }

  private static TensorSource tensor(String name, float[] values, long... shape) {
    return TensorSource.of(name, shape, () -> FloatBuffer.wrap(values));
  }

  private static float[] read(SafetensorsFile file, String name) {
    FloatBuffer target = FloatBuffer.allocate((int) file.tensor(name).elements());
    file.read(name, target);
    assertThat(target.hasRemaining()).isFalse();
    return target.array();
  }

  @ParameterizedTest
  @EnumSource(names = {"F32", "F16", "BF16"})
  void whatIsWrittenIsReadAgain(Dtype dtype) {
    String path = temp.resolve("x.safetensors").toString();
    float[] large = values(700_001, 1);
    for (int i = 0; i < large.length && dtype != Dtype.F32; i++) {
      if (dtype.isInfinite(dtype == Dtype.F16 ? Dtype.toF16(large[i]) : Dtype.toBf16(large[i]))) {
        large[i] = Float.NEGATIVE_INFINITY;
      }
    }
    SafetensorsWriter.write(
        STORAGE,
        path,
        List.of(
            tensor("zebra", new float[] {1, -2, 0.5f, 65504}, 2, 2),
            tensor("large", large, 700_001),
            tensor("scalar", new float[] {3}),
            tensor("empty", new float[0], 4, 0)),
        dtype);
    SafetensorsFile file = SafetensorsFile.open(STORAGE, path);
    assertThat(file.tensors().keySet()).containsExactly("zebra", "large", "scalar", "empty");
    assertThat(new String(STORAGE.readBytes(path), StandardCharsets.ISO_8859_1))
        .contains("\"__metadata__\":{\"format\":\"pt\"}");
    assertThat(file.tensor("zebra").shape()).containsExactly(2, 2);
    assertThat(file.tensor("large").dtype()).isEqualTo(dtype);
    assertThat(file.tensor("zebra").start() % 8).isZero();
    assertThat(read(file, "zebra"))
        .containsExactly(1, -2, 0.5f, dtype == Dtype.BF16 ? 65536 : 65504);
    assertThat(read(file, "scalar")).containsExactly(3);
    assertThat(read(file, "empty")).isEmpty();
    float[] got = read(file, "large");
    for (int i = 0; i < large.length; i++) {
      float expected =
          switch (dtype) {
            case F16 -> Dtype.fromF16(Dtype.toF16(large[i]));
            case BF16 -> Dtype.fromBf16(Dtype.toBf16(large[i]));
            default -> large[i];
          };
      assertThat(Float.floatToRawIntBits(got[i])).isEqualTo(Float.floatToRawIntBits(expected));
    }
    FloatBuffer part =
        ByteBuffer.allocateDirect(400_000).order(ByteOrder.nativeOrder()).asFloatBuffer();
    file.read("large", 600_001, part);
    assertThat(part.flip()).isEqualTo(FloatBuffer.wrap(got, 600_001, 100_000));
    assertThatThrownBy(() -> file.read("large", 600_002, part.clear()))
        .isInstanceOf(IndexOutOfBoundsException.class);
    assertThatThrownBy(() -> file.read("large", FloatBuffer.allocate(3)))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> file.tensor("other"))
        .isInstanceOf(PlumblineException.class)
        .hasMessageContaining("has no tensor other");
  }

  @Test
  void doublesAreRounded() throws IOException {
    String header = "{\"x\":{\"dtype\":\"F64\",\"shape\":[2],\"data_offsets\":[0,16]}}";
    ByteBuffer data = ByteBuffer.allocate(16).order(ByteOrder.LITTLE_ENDIAN);
    SafetensorsFile file = open(header, data.putDouble(0.1).putDouble(-1e300).array());
    assertThat(read(file, "x")).containsExactly(0.1f, Float.NEGATIVE_INFINITY);
  }

  @Test
  void otherTypesAreListedButNotReadAsWeights() throws IOException {
    String header = "{\"mask\":{\"dtype\":\"BOOL\",\"shape\":[2],\"data_offsets\":[0,2]}}";
    SafetensorsFile file = open(header, new byte[2]);
    assertThat(file.tensor("mask").elements()).isEqualTo(2);
    assertThatThrownBy(() -> file.read("mask", FloatBuffer.allocate(2)))
        .isInstanceOf(PlumblineException.class)
        .hasMessageContaining("BOOL");
  }

  @Test
  void aSourceThatGivesTooFewValuesIsFound() {
    assertThatThrownBy(
            () ->
                SafetensorsWriter.write(
                    STORAGE,
                    temp.resolve("x").toString(),
                    List.of(tensor("short", new float[3], 2, 2)),
                    Dtype.F32))
        .isInstanceOf(PlumblineException.class)
        .hasMessageContaining("gave 3 values");
  }

  /** The greatest numbers that round to a finite one, and the least that do not. */
  @ParameterizedTest
  @CsvSource({
    "F16, 65519.99, 65504, 65520",
    "F16, -65519.99, -65504, -1e9",
    "BF16, 3.396177e38, 3.3895314e38, 3.3961777e38"
  })
  void whatWouldBecomeInfiniteIsRefused(Dtype dtype, float most, float stored, float tooLarge) {
    String path = temp.resolve("x.safetensors").toString();
    SafetensorsWriter.write(
        STORAGE, path, List.of(tensor("a.weight", new float[] {1, most}, 2)), dtype);
    assertThat(read(SafetensorsFile.open(STORAGE, path), "a.weight")).containsExactly(1, stored);
    assertThatThrownBy(
            () ->
                SafetensorsWriter.write(
                    STORAGE,
                    path,
                    List.of(tensor("b.weight", new float[] {1, tooLarge}, 2)),
                    dtype))
        .isInstanceOf(PlumblineException.class)
        .hasMessageContainingAll("b.weight", path, String.valueOf(tooLarge), "--save-dtype")
        .extracting(e -> ((PlumblineException) e).code())
        .isEqualTo(ErrorCode.NUMERICS);
  }

  private SafetensorsFile open(String header, byte[] data) throws IOException {
    byte[] json = header.getBytes(StandardCharsets.UTF_8);
    return open(json.length, json, data);
  }

  private SafetensorsFile open(long claimed, byte[] header, byte[] data) throws IOException {
    Path file = Files.createTempFile(temp, "hostile", ".safetensors");
    ByteBuffer bytes =
        ByteBuffer.allocate(8 + header.length + data.length).order(ByteOrder.LITTLE_ENDIAN);
    Files.write(file, bytes.putLong(claimed).put(header).put(data).array());
    return SafetensorsFile.open(STORAGE, file.toString());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "{",
        "[]",
        " {}",
        "{}x",
        "{} {}",
        "null",
        "{\"x\":3}",
        "{\"x\":{}}",
        "{\"x\":{\"dtype\":\"F32\",\"shape\":[2]}}",
        "{\"x\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0]}}",
        "{\"x\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8,16]}}",
        "{\"x\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,0]}}",
        "{\"x\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[-8,0]}}",
        "{\"x\":{\"dtype\":\"F32\",\"shape\":[-2],\"data_offsets\":[0,8]}}",
        "{\"x\":{\"dtype\":\"F32\",\"shape\":[2.0],\"data_offsets\":[0,8]}}",
        "{\"x\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,8]}}",
        "{\"x\":{\"dtype\":\"F32\",\"shape\":[2,0],\"data_offsets\":[0,8]}}",
        "{\"x\":{\"dtype\":\"F32\",\"shape\":2,\"data_offsets\":[0,8]}}",
        "{\"x\":{\"dtype\":\"F32\",\"shape\":[[2]],\"data_offsets\":[0,8]}}",
        "{\"x\":{\"dtype\":\"float\",\"shape\":[2],\"data_offsets\":[0,8]}}",
        "{\"x\":{\"dtype\":7,\"shape\":[2],\"data_offsets\":[0,8]}}",
        "{\"x\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8],\"y\":{}}}",
        "{\"x\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,16]}}",
        "{\"x\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,99999999999999999999]}}",
        "{\"x\":{\"dtype\":\"F32\",\"shape\":[4611686018427387906],\"data_offsets\":[0,8]}}",
        "{\"x\":{\"dtype\":\"F32\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,0]}}",
        "{\"x\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}",
        "{\"x\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}",
        "{\"x\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},"
            + "\"y\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}",
        "{\"x\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},"
            + "\"x\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}",
        "{\"__metadata__\":{\"a\":1}}",
        "{\"__metadata__\":\"a\"}"
      })
  void unsoundHeadersAreRefused(String header) {
    assertThatThrownBy(() -> open(header, new byte[8]))
        .isInstanceOf(PlumblineException.class)
        .hasMessageContaining("is not a sound safetensors file")
        .extracting(e -> ((PlumblineException) e).code())
        .isEqualTo(ErrorCode.BAD_CHECKPOINT);
  }

  @ParameterizedTest
  @ValueSource(longs = {-1, Long.MIN_VALUE, Long.MAX_VALUE, 0, 1, 11, 100_000_001})
  void headerLengthsAreChecked(long claimed) {
    assertThatThrownBy(() -> open(claimed, "{}".getBytes(StandardCharsets.UTF_8), new byte[8]))
        .isInstanceOf(PlumblineException.class)
        .hasMessageContaining("is not a sound safetensors file");
  }

  /** As many tensors as fit into the longest header that the format allows. */
  @Test
  void aHeaderOf100MegabytesIsRefusedInBoundedMemory() throws IOException {
    byte[] header = new byte[(int) SafetensorsFile.MAX_HEADER_BYTES];
    java.util.Arrays.fill(header, (byte) ' ');
    String first = "{\"a%08d\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]}";
    int at = 0;
    for (int i = 0; at + 100 < header.length; i++) {
      String entry = (i == 0 ? first : "," + first.substring(1)).formatted(i);
      byte[] bytes = entry.getBytes(StandardCharsets.UTF_8);
      System.arraycopy(bytes, 0, header, at, bytes.length);
      at += bytes.length;
    }
    header[at] = '}';
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    Path file = temp.resolve("header.safetensors");
    try (var output = Files.newOutputStream(file)) {
      ByteBuffer length = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN);
      output.write(length.putLong(header.length).array());
      output.write(header);
    }
    long before = threads.getCurrentThreadAllocatedBytes();
    assertThatThrownBy(() -> SafetensorsFile.open(STORAGE, file.toString()))
        .isInstanceOf(PlumblineException.class)
        .hasMessageContainingAll(file.toString(), "more than 100000 tensors", "\"a00100000\"");
    assertThat(threads.getCurrentThreadAllocatedBytes() - before)
        .isLessThan(SafetensorsFile.MAX_HEADER_BYTES + (300L << 20));
  }

  @Test
  void filesShorterThanALengthAreRefused() throws IOException {
    Path file = Files.write(temp.resolve("short"), new byte[5]);
    assertThatThrownBy(() -> SafetensorsFile.open(STORAGE, file.toString()))
        .isInstanceOf(PlumblineException.class)
        .hasMessageContaining("5 bytes");
  }

  /** Whatever the bytes are: a sound file whose tensors can be read, or one clear refusal. */
  private static void openHostile(byte[] bytes) throws IOException {
    Path file = Files.createTempFile("plumbline-hostile", ".safetensors");
    try {
      Files.write(file, bytes);
      SafetensorsFile opened;
      try {
        opened = SafetensorsFile.open(STORAGE, file.toString());
      } catch (PlumblineException e) {
        assertThat(e.code()).isEqualTo(ErrorCode.BAD_CHECKPOINT);
        return;
      }
      for (SafetensorsFile.Tensor tensor : opened.tensors().values()) {
        assertThat(tensor.end()).isLessThanOrEqualTo(bytes.length);
        if (tensor.dtype().readsAsFloat()) {
          read(opened, tensor.name());
        }
      }
    } finally {
      Files.delete(file);
    }
  }

  @FuzzTest(maxDuration = "20s")
  void fuzzed(byte[] bytes) throws IOException {
    openHostile(bytes);
  }

  /** Sound files with some bytes changed, which get further than noise does. */
  @Property(tries = 500)
  void changedFilesAreReadOrRefused(
      @ForAll @Size(max = 4) List<@IntRange(max = 300) Integer> places, @ForAll byte[] bytes)
      throws IOException {
    Path sound = Files.createTempFile("plumbline-sound", ".safetensors");
    List<TensorSource> tensors = new ArrayList<>();
    tensors.add(tensor("a", new float[] {1, 2, 3, 4, 5, 6}, 2, 3));
    tensors.add(tensor("b", new float[] {7}, 1));
    SafetensorsWriter.write(STORAGE, sound.toString(), tensors, Dtype.F32);
    byte[] content = Files.readAllBytes(sound);
    Files.delete(sound);
    for (int i = 0; i < Math.min(places.size(), bytes.length); i++) {
      content[places.get(i) % content.length] = bytes[i];
    }
    openHostile(content);
  }

  @Test
  void theReferenceLibraryReadsWhatIsWritten() throws Exception {
    List<Dtype> dtypes = List.of(Dtype.F32, Dtype.F16, Dtype.BF16);
    List<String> arguments = new ArrayList<>(List.of("safetensors"));
    for (Dtype dtype : dtypes) {
      arguments.add(temp.resolve(dtype + ".safetensors").toString());
      SafetensorsWriter.write(
          STORAGE,
          arguments.get(arguments.size() - 1),
          List.of(
              tensor("a", new float[] {1, 2.5f, -3, 4}, 2, 2), tensor("b.c", new float[] {8}, 1)),
          dtype);
    }
    var files =
        PythonPeer.run(temp, "check_checkpoint.py", arguments.toArray(new String[0])).path("files");
    for (int i = 0; i < dtypes.size(); i++) {
      var file = files.get(i);
      assertThat(file.path("metadata").path("format").asText()).isEqualTo("pt");
      assertThat(file.path("sums").path("a").asDouble()).isEqualTo(4.5);
      assertThat(file.path("sums").path("b.c").asDouble()).isEqualTo(8);
      assertThat(file.path("dtypes").path("a").asText())
          .isEqualTo("torch." + dtypes.get(i).torchName());
    }
  }
}
