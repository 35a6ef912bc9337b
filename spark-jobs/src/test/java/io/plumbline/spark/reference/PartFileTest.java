package io.plumbline.spark.reference;

import static org.assertj.core.api.Assertions.assertThat;

import io.plumbline.parquet.MemoryParquet;
import java.io.IOException;
import java.util.List;
import org.apache.parquet.hadoop.ParquetFileReader;
import org.apache.parquet.schema.MessageTypeParser;
import org.junit.jupiter.api.Test;

class PartFileTest {
  private static final List<CachedRow> ROWS =
      List.of(
          new CachedRow("a", new float[][] {{-1.5f, -0.25f}, {}}),
          new CachedRow("b", new float[][] {{Float.MIN_VALUE}}),
          new CachedRow("c", new float[][] {}));

  @Test
  void rowsComeBack() throws IOException {
    List<CachedRow> read = PartFile.decode(PartFile.encode(ROWS));
    assertThat(read).extracting(CachedRow::fingerprint).containsExactly("a", "b", "c");
    assertThat(read.get(0).logps()).isDeepEqualTo(ROWS.get(0).logps());
    assertThat(read.get(1).logps()).isDeepEqualTo(ROWS.get(1).logps());
    assertThat(read.get(2).logps()).isEmpty();
  }

  @Test
  void theColumnsAreThoseOfVersion1() throws IOException {
    byte[] bytes = PartFile.encode(ROWS);
    try (ParquetFileReader file = ParquetFileReader.open(MemoryParquet.input(bytes))) {
      assertThat(file.getFileMetaData().getSchema())
          .isEqualTo(
              MessageTypeParser.parseMessageType(
                  """
                  message reference_logps {
                    required binary fingerprint (STRING);
                    required group lengths (LIST) { repeated group list {
                      required int32 element; } }
                    required group logps (LIST) { repeated group list {
                      required group element (LIST) { repeated group list {
                        required float element; } } } }
                  }
                  """));
    }
  }
}
