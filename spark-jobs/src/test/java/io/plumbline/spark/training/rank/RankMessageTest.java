package io.plumbline.spark.training.rank;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class RankMessageTest {
  @Test
  void everyKindIsReadAsItWasWritten() {
    Map<String, Double> line = new LinkedHashMap<>();
    line.put("step", 3.0);
    line.put("loss", 0.1);
    line.put("a metric of any name: note", Double.NaN);
    for (RankMessage message :
        List.of(
            new RankMessage.Metrics(line),
            new RankMessage.Note("{\"metrics\": \"no\"}"),
            new RankMessage.Evaluated(7, Long.MAX_VALUE),
            new RankMessage.BadRows(2, List.of(0L, 5_000_000_000L)),
            new RankMessage.BadRows(2, List.of()))) {
      assertThat(RankMessage.read(message.write())).isEqualTo(message);
    }
    assertThat(
            ((RankMessage.Metrics) RankMessage.read(new RankMessage.Metrics(line).write())).line())
        .containsExactlyEntriesOf(line);
  }
}
