package io.plumbline.model;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.plumbline.Fixtures;
import io.plumbline.PythonPeer;
import io.plumbline.checkpoint.Dtype;
import io.plumbline.checkpoint.ModelDirectory;
import io.plumbline.checkpoint.ShardSize;
import io.plumbline.checkpoint.WeightFormat;
import io.plumbline.model.CausalLm.ComputeDtype;
import io.plumbline.model.CausalLm.Purpose;
import io.plumbline.storage.Storage;
import io.plumbline.tensor.Torch;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.assertj.core.api.SoftAssertions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Every family, written in every type and in several files, is what transformers itself makes of
 * the same model by rounding its weights: under the same names, with the same logits.
 */
class SavedFamiliesTest {
  private static final Storage STORAGE = Storage.local();
  private static final long SHARD_BYTES = 60_000;

  private static final Map<String, String> TORCH_NAMES =
      Map.of("F32", "float32", "F16", "float16", "BF16", "bfloat16");

  @TempDir Path temp;

  @BeforeAll
  static void useOneThread() {
    Torch.useThreads(1);
  }

  @Test
  void transformersReadsWhatItWouldHaveRoundedItself() throws Exception {
    List<String> families = Models.families().toList();
    for (String family : families) {
      ModelDirectory start =
          ModelDirectory.open(STORAGE, Fixtures.golden("models/" + family).toString());
      try (CausalLm model = CausalLm.load(start, Purpose.INFERENCE, ComputeDtype.F32)) {
        for (Dtype dtype : List.of(Dtype.F32, Dtype.F16, Dtype.BF16)) {
          Path target = temp.resolve(family).resolve(dtype.name());
          WeightFormat format = new WeightFormat(dtype, new ShardSize(SHARD_BYTES));
          model.write(STORAGE, target.toString(), start, format);
          assertThat(target.resolve("model.safetensors.index.json")).exists();
          try (var files = Files.list(target)) {
            assertThat(files.filter(file -> file.toString().endsWith(".safetensors")))
                .hasSizeGreaterThan(2);
          }
        }
      }
    }

    JsonNode found =
        PythonPeer.run(
            temp,
            "check_checkpoint.py",
            "rounded",
            Fixtures.golden("models").toString(),
            temp.toString());

    SoftAssertions all = new SoftAssertions();
    for (String family : families) {
      for (String dtype : List.of("F32", "F16", "BF16")) {
        JsonNode of = found.path(family).path(dtype);
        String name = family + " in " + dtype;
        all.assertThat(of.path("problems").isArray()).as(name).isTrue();
        all.assertThat(of.path("problems")).as(name).isEmpty();
        all.assertThat(of.path("dtypes").toString())
            .as(name)
            .isEqualTo("[\"torch." + TORCH_NAMES.get(dtype) + "\"]");
        all.assertThat(of.path("same_names").asBoolean()).as(name + ": names").isTrue();
        all.assertThat(of.path("same_weights").asBoolean()).as(name + ": weights").isTrue();
        all.assertThat(of.path("same_logits").asBoolean()).as(name + ": logits").isTrue();
      }
    }
    all.assertAll();
  }
}
