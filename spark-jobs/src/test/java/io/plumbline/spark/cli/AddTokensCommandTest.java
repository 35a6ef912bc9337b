package io.plumbline.spark.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.plumbline.checkpoint.ModelDirectory;
import io.plumbline.spark.reference.LocalSpark;
import io.plumbline.storage.Storage;
import io.plumbline.text.Tokenizer;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code add-tokens}, and a run that trains what it made. */
class AddTokensCommandTest {
  @TempDir static Path directory;

  private static String model;

  @BeforeAll
  static void makeModel() {
    LocalSpark.session();
    model = CommandRuns.freshModel(directory.resolve("model"));
  }

  private static ModelDirectory open(String path) {
    return ModelDirectory.open(Storage.local(), path);
  }

  @Test
  void aModelGetsTokensAndIsTrained() throws Exception {
    String made = directory.resolve("made").toString();
    Path words = Files.writeString(directory.resolve("words.txt"), "a,b\n\nnova\n");
    Call call =
        Call.plumbline(
            "add-tokens",
            "--model",
            model,
            "--tokens",
            "one,two",
            "--tokens-file",
            words.toString(),
            "--special-tokens",
            "<|turn|>,<|stop|>",
            "--eos-token",
            "<|stop|>",
            "--output",
            made);

    assertThat(call.err()).isEmpty();
    assertThat(call.out())
        .isEqualTo(
            "one: 260\ntwo: 261\na,b: 262\nnova: 263\n<|turn|>: 264\n<|stop|>: 265\n"
                + made
                + ": 266 rows in the embedding, 6 of them new\n");
    assertThat(open(made).config().path("vocab_size").asInt()).isEqualTo(266);
    assertThat(open(made).config().path("eos_token_id").asInt()).isEqualTo(265);
    assertThat(open(made).generationConfig().orElseThrow()).contains("\"eos_token_id\" : 265");

    String rows = directory.resolve("rows.jsonl").toString();
    Files.writeString(
        Path.of(rows), "{\"prompt\": \"<|turn|>Say\", \"completion\": \" nova two\"}\n".repeat(8));
    String output = directory.resolve("run").toString();
    Call sft =
        Call.plumbline(
            ("sft --model "
                    + made
                    + " --data "
                    + rows
                    + " --output "
                    + output
                    + " --max-steps 2 --global-batch-size 4 --save-dtype bf16 --max-shard-size"
                    + " 20KB")
                .split(" "));

    assertThat(sft.status()).as(sft.err()).isZero();
    ModelDirectory trained = open(output + "/checkpoint");
    assertThat(Path.of(output, "checkpoint/model.safetensors.index.json")).exists();
    assertThat(Path.of(output, "checkpoint/model.safetensors")).doesNotExist();
    assertThat(trained.tensors()).allMatch(tensor -> tensor.dtype().equals("BF16"));
    assertThat(trained.config().path("vocab_size").asInt()).isEqualTo(266);
    try (Tokenizer tokenizer = Tokenizer.of(trained.tokenizerFiles())) {
      assertThat(tokenizer.encode("<|turn|>nova<|stop|>")).containsExactly(264, 263, 265);
      assertThat(tokenizer.eosTokenId()).hasValue(265);
    }

    Call other =
        Call.plumbline(
            ("sft --model "
                    + model
                    + " --data "
                    + rows
                    + " --output "
                    + output
                    + " --max-steps 2 --global-batch-size 4 --resume")
                .split(" "));
    assertThat(other.status()).isEqualTo(2);
    assertThat(other.err()).contains("model");
  }

  @Test
  void whatCannotBeIsRefusedBeforeAnythingIsWritten() {
    Call nothing = Call.plumbline("add-tokens", "--model", model);
    assertThat(nothing.status()).isEqualTo(2);
    assertThat(nothing.err()).contains("2 problems", "--output is missing", "No token is named");

    Call there = Call.plumbline("add-tokens", "--model", model, "--tokens", "x", "--output", model);
    assertThat(there.status()).isEqualTo(2);
    assertThat(there.err()).contains("is not empty").hasLineCount(1);

    Call itself =
        Call.plumbline(
            "add-tokens", "--model", model, "--tokens", "x", "--output", model, "--overwrite");
    assertThat(itself.status()).isEqualTo(2);
    assertThat(itself.err()).contains("--model is '" + model, "--overwrite would delete");
    assertThat(open(model).config().path("vocab_size").asInt()).isEqualTo(260);
  }
}
