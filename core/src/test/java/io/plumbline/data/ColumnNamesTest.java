package io.plumbline.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ColumnNamesTest {
  private static ColumnNames names(String... texts) {
    return ColumnNames.parse(List.of(texts));
  }

  @Test
  void columnsAreReadUnderTheNamesGiven() {
    Map<String, Object> row =
        Map.of(
            "question",
            "q",
            "response_j",
            "j",
            "rejected",
            "k",
            "meta",
            Map.of("a", List.of(5, 6)));
    assertThat(names("prompt=question,chosen=response_j").rename(row))
        .isEqualTo(Map.of("prompt", "q", "chosen", "j", "rejected", "k", "meta", row.get("meta")));
    assertThat(names("prompt=question", "answer = meta.a.1").rename(row))
        .containsEntry("answer", 6)
        .containsEntry("prompt", "q")
        .containsKey("meta");
    assertThat(names("chosen=rejected,rejected=chosen").rename(Map.of("chosen", 1, "rejected", 2)))
        .isEqualTo(Map.of("chosen", 2, "rejected", 1));
    assertThat(names("prompt=a, b and c,completion=d").texts())
        .containsExactly("prompt=a, b and c", "completion=d");
    assertThat(ColumnNames.parse(names("prompt=x.y,completion=z").texts()))
        .isEqualTo(names("prompt=x.y,completion=z"));
    assertThat(names("prompt=a.b.c").columns()).containsExactly("a.b.c", "a", "a.b");
  }

  @Test
  void aColumnWhoseNameHasTheDotsWins() {
    Map<String, Object> row =
        Map.of("reward_model", Map.of("ground_truth", "inner"), "reward_model.ground_truth", "own");
    assertThat(ColumnPath.find(row, "reward_model.ground_truth")).contains("own");
    assertThat(ColumnPath.find(Map.of("a.b", Map.of("c.d", 1)), "a.b.c.d")).contains(1);
    assertThat(ColumnPath.find(Map.of("a", Map.of("b", 1)), "a.c")).isEmpty();
    assertThat(ColumnPath.find(Map.of("a", List.of(1)), "a.1")).isEmpty();
  }

  @Test
  void whatIsNotThereIsNamedWithWhatIs() {
    List<Map<String, Object>> rows = List.of(Map.of("question", "q", "meta", Map.of("answer", 1)));
    assertThatThrownBy(() -> names("prompt=qestion").require(rows, "rows.jsonl"))
        .hasMessageContaining("no column qestion in rows.jsonl, which has meta, question")
        .hasMessageContaining("did you mean question?");
    assertThatThrownBy(() -> names("answer=meta.anwser").require(rows, "rows.jsonl"))
        .hasMessageContaining("did you mean meta.answer?");
    names("prompt=question,answer=meta.answer").require(rows, "rows.jsonl");
    // As rename_column of the library datasets.
    assertThatThrownBy(
            () ->
                names("prompt=question")
                    .require(List.of(Map.of("question", "q", "prompt", "p")), "rows.jsonl"))
        .hasMessageContaining("two cannot have one name");
    assertThatThrownBy(() -> names("prompt=a,prompt=b")).hasMessageContaining("two columns");
    assertThatThrownBy(() -> names("prompt")).hasMessageContaining("a name, = and a column");
  }
}
