package io.plumbline.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.plumbline.Fixtures;
import io.plumbline.data.TokenizedRow.Desirability;
import io.plumbline.text.Tokenizer;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Labels, margins, and sentences for data that does not fit. */
class UnpairedRowsTest {
  private static TokenizedRow row(ExampleKind kind, Map<String, Object> row) throws Exception {
    ExampleShape shape = ExampleShape.of(kind, row).orElseThrow();
    try (Tokenizer tokenizer = Tokenizer.of(Fixtures.tokenizerFiles())) {
      return new ExampleTokenizer(tokenizer, LengthLimits.none())
          .tokenize(new ExampleParser(kind, shape).parse(row), 0)
          .row();
    }
  }

  private static Map<String, Object> labelled(Object label) {
    return Map.of("prompt", "Is it so?", "completion", " It is.", "label", label);
  }

  private static Map<String, Object> pair(Object margin) {
    Map<String, Object> row = new LinkedHashMap<>();
    row.putAll(Map.of("prompt", "Is it so?", "chosen", " It is.", "rejected", " No."));
    row.put("margin", margin);
    return row;
  }

  @Test
  void labelsAreReadAsTablesSpellThem() throws Exception {
    for (Object label : List.of(true, 1, 1L, 1.0, "true")) {
      assertThat(row(ExampleKind.UNPAIRED, labelled(label)).desirability())
          .as("%s", label)
          .isEqualTo(Desirability.DESIRABLE);
    }
    for (Object label : List.of(false, 0, 0L, 0.0, "false")) {
      assertThat(row(ExampleKind.UNPAIRED, labelled(label)).desirability())
          .as("%s", label)
          .isEqualTo(Desirability.UNDESIRABLE);
    }
    for (Object label : List.of(2, -1, 0.5, Double.NaN, "good", "", List.of(), Map.of())) {
      assertThatThrownBy(() -> row(ExampleKind.UNPAIRED, labelled(label)))
          .as("%s", label)
          .hasMessageContaining("label is ")
          .hasMessageContaining("it must be true or false")
          .extracting(e -> ((RefusedRowException) e).reason())
          .isEqualTo(RefusalReason.BAD_VALUE);
    }
  }

  @Test
  void aLabelledRowIsThatOfASupervisedOne() throws Exception {
    TokenizedRow labelled = row(ExampleKind.UNPAIRED, labelled(true));
    TokenizedRow supervised = row(ExampleKind.SUPERVISED, labelled(true));
    assertThat(labelled.fingerprint()).isEqualTo(supervised.fingerprint());
    assertThat(supervised.desirability()).isEqualTo(Desirability.UNSTATED);
    List<Map<String, String>> prompt = List.of(Map.of("role", "user", "content", "Hi"));
    List<Map<String, String>> completion = List.of(Map.of("role", "assistant", "content", "Yo"));
    TokenizedRow chat =
        row(
            ExampleKind.UNPAIRED,
            Map.of("prompt", prompt, "completion", completion, "label", false));
    assertThat(chat.desirability()).isEqualTo(Desirability.UNDESIRABLE);
    assertThat(chat.completions()).hasSize(1);
  }

  @Test
  void marginsAreFiniteNumbers() throws Exception {
    assertThat(row(ExampleKind.PREFERENCE, pair(0.25)).margin()).isEqualTo(0.25);
    assertThat(row(ExampleKind.PREFERENCE, pair(-3)).margin()).isEqualTo(-3);
    assertThat(row(ExampleKind.PREFERENCE, pair(null)).margin()).isNaN();
    assertThat(row(ExampleKind.SUPERVISED_FROM_CHOSEN, pair("much")).margin()).isNaN();
    for (Object margin : List.of(Double.NaN, Double.POSITIVE_INFINITY, "1.5", true)) {
      assertThatThrownBy(() -> row(ExampleKind.PREFERENCE, pair(margin)))
          .as("%s", margin)
          .hasMessageContaining("it must be a finite number")
          .extracting(e -> ((RefusedRowException) e).reason())
          .isEqualTo(RefusalReason.BAD_VALUE);
    }
    List<Map<String, String>> prompt = List.of(Map.of("role", "user", "content", "Hi"));
    assertThat(
            row(
                    ExampleKind.PREFERENCE,
                    Map.of(
                        "prompt",
                        prompt,
                        "chosen",
                        List.of(Map.of("role", "assistant", "content", "Yo")),
                        "rejected",
                        List.of(Map.of("role", "assistant", "content", "No")),
                        "margin",
                        2))
                .margin())
        .isEqualTo(2);
  }

  @Test
  void dataThatDoesNotFitIsToldWhereItDoes() {
    List<String> pairs = List.of("prompt", "chosen", "rejected");
    assertThat(ExampleShape.mismatch(ExampleKind.UNPAIRED, pairs))
        .isEqualTo(
            "needs the columns prompt, completion and label; it has chosen, prompt, rejected,"
                + " which reward, dpo, orpo, simpo and sft --supervised-on chosen take");
    assertThat(ExampleShape.mismatch(ExampleKind.SUPERVISED, pairs))
        .endsWith(
            "it has chosen, prompt, rejected, which reward, dpo, orpo, simpo and sft --supervised-on chosen take");
    assertThat(ExampleShape.mismatch(ExampleKind.UNPAIRED, List.of("prompt", "completion")))
        .endsWith("it has completion, prompt, which sft takes");
    assertThat(
            ExampleShape.mismatch(ExampleKind.PREFERENCE, List.of("prompt", "completion", "label")))
        .isEqualTo(
            "needs the columns chosen and rejected, with or without prompt;"
                + " it has completion, label, prompt, which kto and sft take");
    assertThat(ExampleShape.mismatch(ExampleKind.PREFERENCE, List.of("question")))
        .endsWith(
            "it has question; the nearest format is pairs of responses (question, response_j,"
                + " response_k), and there is no response_j and no response_k");
    // The columns are right, so it is a null that is wrong.
    assertThat(ExampleShape.mismatch(ExampleKind.PREFERENCE, pairs))
        .endsWith("it has chosen, prompt, rejected");
  }
}
