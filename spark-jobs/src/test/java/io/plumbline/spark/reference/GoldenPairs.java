package io.plumbline.spark.reference;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.plumbline.Fixtures;
import io.plumbline.data.TokenizedRow;
import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;

/**
 * The 64 pairs that TRL tokenized, with the sums of log-probabilities that it computed for them.
 */
public record GoldenPairs(
    List<TokenizedRow> rows, List<Double> chosenLogps, List<Double> rejectedLogps) {

  public static GoldenPairs read() throws IOException {
    ObjectMapper json = new ObjectMapper();
    List<TokenizedRow> rows = new ArrayList<>();
    List<Double> chosen = new ArrayList<>();
    List<Double> rejected = new ArrayList<>();
    for (String line : Files.readAllLines(Fixtures.golden("traj/dpo/tokenized.jsonl"))) {
      JsonNode pair = json.readTree(line);
      rows.add(
          TokenizedRow.of(
              rows.size(),
              ids(pair.get("prompt_ids")),
              List.of(ids(pair.get("chosen_ids")), ids(pair.get("rejected_ids"))),
              List.of()));
      chosen.add(pair.get("ref_chosen_logps").doubleValue());
      rejected.add(pair.get("ref_rejected_logps").doubleValue());
    }
    return new GoldenPairs(rows, chosen, rejected);
  }

  private static int[] ids(JsonNode array) {
    int[] ids = new int[array.size()];
    for (int i = 0; i < ids.length; i++) {
      ids[i] = array.get(i).intValue();
    }
    return ids;
  }
}
