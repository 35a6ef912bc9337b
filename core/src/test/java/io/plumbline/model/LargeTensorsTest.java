package io.plumbline.model;

import static java.util.stream.Collectors.toSet;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.plumbline.Fixtures;
import io.plumbline.checkpoint.ModelDirectory;
import io.plumbline.checkpoint.WeightFormat;
import io.plumbline.data.TokenizedRow;
import io.plumbline.error.PlumblineException;
import io.plumbline.model.CausalLm.ComputeDtype;
import io.plumbline.model.CausalLm.Purpose;
import io.plumbline.model.architecture.DecoderConfig;
import io.plumbline.model.architecture.DecoderConfig.ParameterShape;
import io.plumbline.storage.Storage;
import io.plumbline.tensor.SmallWindows;
import io.plumbline.tensor.Torch;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Models whose tensors are larger than a buffer. Here a buffer holds some hundred or thousand
 * floats; otherwise the path is that of tensors of over 2 GiB.
 */
class LargeTensorsTest {
  @TempDir Path directory;

  /** Everything that a model says and writes. */
  private record Seen(List<float[]> logps, Map<String, float[]> gradients, byte[] file) {}

  private Seen seen(String name, String output) throws IOException {
    Torch.useThreads(1);
    ModelDirectory start =
        ModelDirectory.open(Storage.local(), Fixtures.golden("models/" + name).toString());
    try (CausalLm model = CausalLm.load(start, Purpose.TRAINING, ComputeDtype.F32)) {
      Random random = new Random(3);
      TokenizedRow row =
          Models.row(
              Models.tokens(random, 5, model.config().vocabSize()),
              Models.tokens(random, 7, model.config().vocabSize()),
              Models.tokens(random, 4, model.config().vocabSize()));
      List<float[]> logps;
      try (TrainingPass<TokenLogps, TokenGradients> pass = model.forward(List.of(row))) {
        logps = pass.values().logps().get(0);
        pass.backward(
            TokenGradients.of(Models.derivatives(pass.values(), new Random(1))), segment -> {});
      }
      Path written = directory.resolve(output);
      model.write(Storage.local(), written.toString(), start, WeightFormat.F32);
      return new Seen(
          logps, Models.gradients(model), Files.readAllBytes(written.resolve("model.safetensors")));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"llama", "qwen2", "gpt2"})
  void saysAndWritesTheSame(String name) throws IOException {
    Seen whole = seen(name, "whole");
    for (int floats : new int[] {331, 4099}) {
      Seen inPieces;
      try (SmallWindows windows = SmallWindows.of(floats)) {
        inPieces = seen(name, "pieces");
      }
      assertThat(inPieces.logps()).usingRecursiveComparison().isEqualTo(whole.logps());
      assertThat(inPieces.gradients()).usingRecursiveComparison().isEqualTo(whole.gradients());
      assertThat(inPieces.file()).isEqualTo(whole.file());
    }
  }

  /** A fresh head comes from an array, and not from the file. */
  @Test
  void aFreshHeadIsTheSame() {
    ModelDirectory start =
        ModelDirectory.open(Storage.local(), Fixtures.golden("models/llama").toString());
    List<TokenizedRow> rows =
        List.of(Models.row(new int[] {5, 6}, new int[] {7}, new int[] {8, 9}));
    try (ScoreModel whole = ScoreModel.load(start, Purpose.INFERENCE, ComputeDtype.F32, 4);
        SmallWindows windows = SmallWindows.of(17);
        ScoreModel inPieces = ScoreModel.load(start, Purpose.INFERENCE, ComputeDtype.F32, 4)) {
      assertThat(inPieces.segments().get(0).values().buffers()).hasSizeGreaterThan(100);
      assertThat(inPieces.infer(rows)).usingRecursiveComparison().isEqualTo(whole.infer(rows));
    }
  }

  @Test
  void aNumberThatIsNoneIsNamedByItsPlaceInTheTensor() {
    DecoderConfig config = DecoderConfig.parse(Models.config(Map.of()), "random");
    try (SmallWindows windows = SmallWindows.of(10)) {
      assertThatThrownBy(
              () ->
                  CausalLm.load(
                      config,
                      new OneBadNumber(config, "model.norm.weight", 27),
                      Purpose.INFERENCE,
                      ComputeDtype.F32))
          .isInstanceOf(PlumblineException.class)
          .hasMessageContaining("in model.norm.weight at place 27");
    }
  }

  /** Zeros, and NaN at one place of one tensor. */
  private record OneBadNumber(DecoderConfig config, String bad, long place)
      implements WeightSource {
    @Override
    public String description() {
      return "bad weights";
    }

    @Override
    public Set<String> names() {
      return config.parameterShapes().stream().map(ParameterShape::name).collect(toSet());
    }

    @Override
    public long[] shape(String name) {
      return config.parameterShapes().stream()
          .filter(parameter -> parameter.name().equals(name))
          .findFirst()
          .orElseThrow()
          .shape();
    }

    @Override
    public void read(String name, long from, FloatBuffer target) {
      for (long at = from; target.hasRemaining(); at++) {
        target.put(name.equals(bad) && at == place ? Float.NaN : 0);
      }
    }
  }
}
