package io.plumbline.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Sizes as transformers' convert_file_size_to_int reads them. */
class ShardSizeTest {
  @ParameterizedTest
  @CsvSource({
    "5GB, 5000000000, 5GB",
    "500MB, 500000000, 500MB",
    "2GiB, 2147483648, 2GiB",
    "50KB, 50000, 50KB",
    "1000MB, 1000000000, 1GB",
    "1_234, 1234, 1234"
  })
  void sizesAreRead(String text, long bytes, String again) {
    assertThat(ShardSize.parse(text)).isEqualTo(new ShardSize(bytes));
    assertThat(ShardSize.parse(text)).hasToString(again);
    assertThat(ShardSize.parse(again).bytes()).isEqualTo(bytes);
  }

  /** A small b is bits in transformers. */
  @ParameterizedTest
  @ValueSource(strings = {"", "0", "-5GB", "5gb", "5Gb", "5 GB", "1.5GB", "99999999999GB", "GB"})
  void othersAreRefused(String text) {
    assertThatThrownBy(() -> ShardSize.parse(text))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("must be a size such as 5GB, 500MB or 2GiB");
  }
}
