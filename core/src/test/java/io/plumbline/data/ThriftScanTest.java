package io.plumbline.data;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ThriftScanTest {
  /** Each byte pair opens one value more: a struct, a list, or a map of one pair. */
  @ParameterizedTest
  @CsvSource({"1c,1c", "19,19", "1b,01 bb"})
  void whatIsNestedTooDeeplyIsRefused(String first, String more) {
    byte[] pattern = bytes(more);
    ByteBuffer nested = ByteBuffer.allocate(1_000_000);
    nested.put(bytes(first));
    while (nested.remaining() >= pattern.length) {
      nested.put(pattern);
    }
    nested.flip();
    assertThatThrownBy(() -> ThriftScan.requireSound(nested))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("it is nested more than 64 deep");
  }

  private static byte[] bytes(String hexadecimal) {
    return java.util.HexFormat.of().parseHex(hexadecimal.replace(" ", ""));
  }
}
