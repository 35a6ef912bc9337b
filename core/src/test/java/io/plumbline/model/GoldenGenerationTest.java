package io.plumbline.model;

import static java.util.stream.Collectors.toSet;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.plumbline.Fixtures;
import io.plumbline.Records;
import io.plumbline.model.CausalLm.ComputeDtype;
import io.plumbline.model.CausalLm.Purpose;
import io.plumbline.model.Generation.Finish;
import io.plumbline.tensor.Torch;
import io.plumbline.text.Tokenizer;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Against what transformers' generate writes with penalties, stop strings and several EOS ids. */
class GoldenGenerationTest {
  private static final int LENGTH = 40;

  /** Small models gain nothing from more threads, and on a busy machine they lose. */
  @BeforeAll
  static void useOneThread() {
    Torch.useThreads(1);
  }

  private static int[] ids(JsonNode array) {
    return IntStream.range(0, array.size()).map(i -> array.get(i).intValue()).toArray();
  }

  private static Tokenizer tokenizer() throws IOException {
    return Tokenizer.of(Fixtures.tokenizerFiles());
  }

  @ParameterizedTest
  @MethodSource("io.plumbline.model.Models#families")
  void writesWhatTransformersWrites(String name) throws IOException {
    SamplingSettings greedy = SamplingSettings.greedy(LENGTH, Set.of());
    JsonNode cases = Models.json(Fixtures.golden("models/" + name + "/generation.json"));
    List<int[]> prompts =
        IntStream.range(0, cases.size()).mapToObj(i -> ids(cases.get(i).get("prompt"))).toList();
    try (CausalLm model = Models.golden(name, Purpose.INFERENCE, ComputeDtype.F32);
        Tokenizer tokenizer = tokenizer();
        Generator generator = new Generator(model, tokenizer)) {
      for (double penalty : new double[] {0.8, 1.3, 2.0}) {
        List<List<Generation>> found =
            generator.generate(prompts, Records.with(greedy, "repetitionPenalty", penalty));
        for (int p = 0; p < prompts.size(); p++) {
          assertThat(found.get(p).get(0).tokens())
              .as("prompt %d, penalty %s", p, penalty)
              .containsExactly(ids(cases.get(p).get("penalty_" + penalty)));
        }
      }
      for (int p = 0; p < prompts.size(); p++) {
        JsonNode golden = cases.get(p);
        List<int[]> one = prompts.subList(p, p + 1);
        boolean stops = !golden.get("stop").isNull();
        List<String> stopStrings =
            stops ? List.of(golden.get("stop").asText(), "nowhere") : List.of("nowhere");
        Generation stopped =
            generator.generate(one, Records.with(greedy, "stopStrings", stopStrings)).get(0).get(0);
        assertThat(stopped.tokens()).as("stop").containsExactly(ids(golden.get("stopped")));
        assertThat(stopped.finish()).isEqualTo(stops ? Finish.STOP : Finish.LENGTH);
        Set<Integer> eosIds = Arrays.stream(ids(golden.get("eos"))).boxed().collect(toSet());
        Generation ended =
            generator.generate(one, SamplingSettings.greedy(LENGTH, eosIds)).get(0).get(0);
        assertThat(ended.tokens()).as("eos").containsExactly(ids(golden.get("ended")));
        assertThat(ended.finish()).isEqualTo(Finish.EOS);
      }
    }
  }
}
