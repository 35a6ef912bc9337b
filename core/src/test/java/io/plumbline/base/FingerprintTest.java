package io.plumbline.base;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class FingerprintTest {
  @Test
  void fieldsHaveBoundariesNamesAndTypes() {
    List<Fingerprint> different =
        List.of(
            Fingerprint.of("k"),
            Fingerprint.of("k").text("a", "bc"),
            Fingerprint.of("k").text("ab", "c"),
            Fingerprint.of("k").text("a", "b").text("", "c"),
            Fingerprint.of("k").text("a", "b").text("c", ""),
            Fingerprint.of("k").bytes("a", new byte[] {'b', 'c'}),
            Fingerprint.of("k").number("a", 1),
            Fingerprint.of("k").numbers("a", new long[] {1}),
            Fingerprint.of("k").numbers("a", new long[] {1}).numbers("a", new long[] {2}),
            Fingerprint.of("k").numbers("a", new long[] {1, 2}),
            Fingerprint.of("other"));
    Set<String> seen = new HashSet<>();
    different.forEach(fingerprint -> seen.add(fingerprint.hex()));
    assertThat(seen).hasSameSizeAs(different).allMatch(hex -> hex.matches("[0-9a-f]{64}"));
  }

  @Test
  void theSameFieldsGiveTheSameOnEveryMachine() {
    assertThat(Fingerprint.of("k").text("a", "ü").number("n", -7).hex())
        .isEqualTo(Fingerprint.of("k").text("a", "ü").number("n", -7).hex());
    // Fixed: a cache that outlives a version must be found again.
    assertThat(Fingerprint.of("k").text("a", "ü").number("n", -7).hex())
        .isEqualTo("903344ebb505c85dffef2b5b983aeb2c3af4ada077f56d3a72f21761a642bec1");
  }
}
