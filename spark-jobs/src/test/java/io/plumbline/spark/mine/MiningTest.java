package io.plumbline.spark.mine;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.Fixtures;
import io.plumbline.base.CountOrShare;
import io.plumbline.mine.BestAgainstWorst;
import io.plumbline.mine.Candidate;
import io.plumbline.mine.Choice;
import io.plumbline.model.CausalLm.ComputeDtype;
import io.plumbline.model.TokenFilter;
import io.plumbline.reward.RewardSpec;
import io.plumbline.spark.evaluate.RowSources;
import io.plumbline.spark.inference.DecodingSettings;
import io.plumbline.spark.mine.MiningRequest.CutOff;
import io.plumbline.spark.progress.ProgressListener;
import io.plumbline.spark.reference.LocalSpark;
import io.plumbline.spark.run.Start;
import io.plumbline.storage.Storage;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MiningTest {
  @TempDir Path temp;

  private static final class Heard implements ProgressListener {
    final List<String> lines = new ArrayList<>();

    @Override
    public void stageStarted(String stage, long total, String unit) {
      lines.add(stage + " " + total + " " + unit);
    }

    @Override
    public void stageAdvanced(String stage, long done) {
      assertThat(done).isLessThanOrEqualTo(12);
    }

    @Override
    public void stageFinished(String stage, String summary) {
      lines.add(summary);
    }

    @Override
    public void step(long step, long totalSteps, Map<String, Double> metrics) {
      throw new AssertionError("mining has no training steps");
    }

    @Override
    public void note(String line) {
      lines.add(line);
    }
  }

  private String model() throws Exception {
    return Fixtures.modelWithTokenizer("llama", temp.resolve("llama")).toString();
  }

  private static MiningRequest request(String model, List<String> data) {
    CountOrShare none = CountOrShare.ofCount(0);
    return new MiningRequest(
        model,
        RowSources.of(data),
        List.of(RewardSpec.parse("repetition{\"ngram_size\":1}")),
        new BestAgainstWorst(0, 4),
        // 64 completions make a slice of two prompts.
        new DecodingSettings(3, 0.5, TokenFilter.NONE, List.of(), 64, 9),
        ComputeDtype.F32,
        0,
        CutOff.KEPT,
        none,
        none);
  }

  @Test
  void rowsDoNotDependOnFilesOrTasks() throws Exception {
    String model = model();
    Path one = temp.resolve("one.jsonl");
    List<String> parts = new ArrayList<>();
    StringBuilder all = new StringBuilder();
    for (int i = 0; i < 12; i++) {
      String row = "{\"prompt\": \"What is %d + 7?\", \"id\": %d}\n".formatted(i, i);
      all.append(row);
      if (i % 5 == 0) {
        parts.add(Files.writeString(temp.resolve("part-%d.jsonl".formatted(i)), "").toString());
      }
      Path part = Path.of(parts.get(parts.size() - 1));
      Files.writeString(part, Files.readString(part) + row);
    }
    Files.writeString(one, all);

    List<List<String>> rows = new ArrayList<>();
    List<ObjectNode> summaries = new ArrayList<>();
    Heard heard = new Heard();
    for (int run = 0; run < 3; run++) {
      String output = temp.resolve("mined-" + run).toString();
      SparkSession spark = LocalSpark.session();
      summaries.add(
          Mining.run(
              spark,
              Storage.local(),
              request(model, run == 2 ? parts : List.of(one.toString())),
              output,
              Start.FRESH,
              1,
              run == 0 ? 100 : run == 1 ? 1 : 4,
              heard));
      rows.add(
          spark
              .read()
              .parquet(output + "/data")
              .orderBy("row", "chosen_sample")
              .toJSON()
              .collectAsList());
    }

    assertThat(rows.get(0)).hasSizeGreaterThan(5);
    assertThat(rows.get(1)).isEqualTo(rows.get(0));
    assertThat(rows.get(2)).isEqualTo(rows.get(0));
    for (String name : List.of("pairs", "skipped", "left_out", "histogram")) {
      assertThat(summaries.get(1).get(name)).isEqualTo(summaries.get(0).get(name));
      assertThat(summaries.get(2).get(name)).isEqualTo(summaries.get(0).get(name));
    }
    assertThat(summaries.get(0).path("left_out").path("duplicate").asInt()).isPositive();
    assertThat(heard.lines.get(0)).isEqualTo("12 rows read as prompts (prompt)");
    assertThat(heard.lines.get(1)).isEqualTo("mine 12 prompts");
    assertThat(heard.lines.get(2)).contains(" of 12 prompts and 768 completions; skipped: ");
  }

  @Test
  void aPartitionThatWasComputedTwiceCountsOnce() {
    List<Tally> tallies = new ArrayList<>();
    for (int partition : List.of(1, 0, 1)) {
      Tally tally = new Tally(partition, 1);
      tally.prompts = 2;
      tally.completion(partition, new double[] {partition}, 3);
      tally.choice(new Choice(new Candidate(0, 1), Optional.of(new Candidate(1, 0.25))));
      tallies.add(tally);
    }

    Tally sum = Mining.sum(tallies, List.of(RewardSpec.parse("answer")));

    assertThat(sum.prompts).isEqualTo(4);
    assertThat(sum.completions).isEqualTo(2);
    assertThat(sum.rows).isEqualTo(2);
    assertThat(sum.reward.count()).isEqualTo(2);
    assertThat(sum.reward.max()).isEqualTo(1);
    assertThat(sum.histogram).containsOnly(Map.entry(0.0, 1L), Map.entry(1.0, 1L));
  }
}
