package io.plumbline.spark.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.plumbline.spark.reference.LocalSpark;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What commands say of data in other formats, under other names, and that does not fit. */
class DataFormatsCommandTest {
  @TempDir static Path directory;

  private static String model;
  private static String questions;

  @BeforeAll
  static void makeModelAndData() throws Exception {
    LocalSpark.session();
    model = directory.resolve("model").toString();
    Call init =
        Call.plumbline(
            ("init-model --output "
                    + model
                    + " --hidden-size 32 --layers 1 --heads 2 --kv-heads 1"
                    + " --intermediate-size 64")
                .split(" "));
    assertThat(init.status()).as(init.err()).isZero();
    Files.writeString(
        Path.of(model, "chat_template.jinja"),
        "{%- for m in messages -%}{{ '[' + m.role + ']' + m.content + '\\n' }}{%- endfor -%}"
            + "{%- if add_generation_prompt -%}{{ '[assistant]' }}{%- endif -%}");
    questions =
        rows(
            "questions.jsonl", "{'question': 'Say %d.', 'best': ' %d', 'worst': ' No %d', 'x': 1}");
  }

  private static String rows(String name, String row) throws Exception {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < 12; i++) {
      text.append(row.replace('\'', '"').replace("%d", Integer.toString(i))).append('\n');
    }
    Path file = directory.resolve(name);
    Files.writeString(file, text);
    return file.toString();
  }

  private static Call prepare(String output, String... more) {
    List<String> call =
        new ArrayList<>(
            List.of("prepare", "--model", model, "--output", directory.resolve(output).toString()));
    call.addAll(List.of(more));
    return Call.plumbline(call.toArray(String[]::new));
  }

  @Test
  void whatTheRowsWereReadAsIsSaid() throws Exception {
    String pairs =
        rows(
            "pairs.jsonl",
            "{'conversations': [{'from': 'human', 'value': 'Say %d.'}], 'chosen': {'from': 'gpt',"
                + " 'value': '%d'}, 'rejected': {'from': 'gpt', 'value': 'No.'}, 'score_chosen': 3,"
                + " 'tools': '[]'}");
    Call call = prepare("sharegpt", "--data", pairs);
    assertThat(call.status()).as(call.err()).isZero();
    assertThat(call.err())
        .contains(
            "train: 12 rows read as ShareGPT pairs (conversations, chosen, rejected); not used:"
                + " score_chosen; the chat template leaves out what tools says");
    // Once more, where it is found prepared.
    assertThat(prepare("sharegpt", "--data", pairs).err())
        .contains("12 rows read as ShareGPT pairs");
  }

  @Test
  void columnsHaveOtherNamesInEverySource() throws Exception {
    String names = "prompt=question,chosen=best,rejected=worst";
    String parquet = directory.resolve("questions.parquet").toString();
    LocalSpark.session().read().json(questions).coalesce(1).write().parquet(parquet);
    Path yaml = directory.resolve("columns.yaml");
    Files.writeString(yaml, "columns: {prompt: question, chosen: best, rejected: worst}\n");
    List<String> summaries = new ArrayList<>();
    for (List<String> call :
        List.of(
            List.of("--data", questions, "--columns", names),
            List.of("--data", parquet, "--columns", names),
            List.of(
                "--data",
                "sql:SELECT * FROM json.`" + questions + "` ORDER BY question",
                "--columns",
                names),
            List.of("--data", questions, "--config", yaml.toString()))) {
      Call made = prepare("names" + summaries.size(), call.toArray(String[]::new));
      assertThat(made.status()).as("%s: %s", call, made.err()).isZero();
      assertThat(made.err()).contains("12 rows read as pairs (prompt, chosen, rejected)");
      summaries.add(made.out().replaceAll("(?m)^.*\\(", "("));
    }
    assertThat(summaries).containsOnly(summaries.get(0));

    Call score =
        Call.plumbline(
            "score", "--model", model, "--data", questions, "--columns", names, "--json");
    assertThat(score.status()).as(score.err()).isZero();
    assertThat(score.err()).contains("12 rows read as pairs (prompt, chosen, rejected)\n");
    assertThat(score.out().lines()).hasSize(12).allMatch(line -> line.contains("chosen_logp"));
    Call generate =
        Call.plumbline(
            "generate",
            "--model",
            model,
            "--data",
            questions,
            "--columns",
            "prompt=question",
            "--max-new-tokens",
            "1",
            "--json");
    assertThat(generate.status()).as(generate.err()).isZero();
    assertThat(generate.err()).contains("12 rows read as prompts (prompt)\n");
    assertThat(generate.out().lines()).hasSize(12);
  }

  @Test
  void howTextsAreReadByAModelWithATemplateIsSaid() throws Exception {
    String rated = rows("rated.jsonl", "{'prompt': 'Say %d.', 'completion': '%d', 'rating': %d}");
    Call texts = prepare("texts", "--data", rated, "--kind", "unpaired", "--desirable-from", "4");
    assertThat(texts.err())
        .contains("without the chat template")
        .doesNotContain("as there is no chat template");
    assertThat(texts.status()).as(texts.err()).isZero();
    Call turned = prepare("turned", "--data", questions, "--columns", "best=chosen,worst=rejected");
    assertThat(turned.err())
        .contains("it is the other way round, --columns chosen=best", "--columns rejected=worst");
    Path semicolons = directory.resolve("semicolons.csv");
    Files.writeString(semicolons, "question;good;bad\na;b;c\n");
    assertThat(prepare("semicolons", "--data", "csv:" + semicolons).err())
        .contains("name it csv{\"sep\":\";\"}:" + semicolons)
        .doesNotContain("--columns");
  }

  @Test
  void whatDpoDoesNotLearnFromIsSaidAndStandsInItsRecord() throws Exception {
    String pairs =
        rows(
            "margins.jsonl",
            "{'prompt': 'Say %d.', 'chosen': ' %d', 'rejected': ' No', 'margin': 1, 'rating': 2}");
    String output = directory.resolve("dpo").toString();
    Call dpo =
        Call.plumbline(
            "dpo --model %s --data %s --output %s --max-steps 1 --global-batch-size 2"
                .formatted(model, pairs, output)
                .split(" "));
    assertThat(dpo.status()).as(dpo.err()).isZero();
    String as = "; texts as they are, without the chat template, which is for messages";
    String line = "12 rows read as pairs (prompt, chosen, rejected); not used: margin, rating" + as;
    assertThat(dpo.err()).contains("train: " + line + "\n");
    assertThat(Files.readString(Path.of(output, "run.json"))).contains("\"" + line + "\"");
    assertThat(Files.readString(Path.of(output, "report.html"))).contains(line);
    // Prepared rows have their margins, whoever learns from them.
    assertThat(prepare("margins", "--data", pairs).err())
        .contains("12 rows read as pairs (prompt, chosen, rejected); not used: rating" + as + "\n");
  }

  @Test
  void whatGenerateLeavesOutOfItsPromptsIsSaid() throws Exception {
    String output = directory.resolve("completed").toString();
    String asked =
        rows(
            "asked.jsonl",
            "{'messages': [{'role': 'user', 'content': 'Say %d.'}], 'system': 'Be brief.'}");
    List<String> call =
        List.of("generate", "--model", model, "--max-new-tokens", "1", "--data", asked);
    List<String> written = new ArrayList<>(call);
    written.addAll(List.of("--output", output));
    Call generate = Call.plumbline(written.toArray(String[]::new));
    assertThat(generate.status()).as(generate.err()).isZero();
    String line = "12 rows read as prompts (messages); not used: system";
    assertThat(generate.err()).contains(line + "\n");
    assertThat(Files.readString(Path.of(output, "generate.json"))).contains('"' + line + '"');
    List<String> pictures = new ArrayList<>(call);
    pictures.set(
        pictures.size() - 1,
        rows("pictures.jsonl", "{'prompt': 'What is in it?', 'images': ['%d.png']}"));
    assertThat(Call.plumbline(pictures.toArray(String[]::new)).err())
        .contains("images is a list, and no model here takes anything but text");
  }

  @Test
  void mineReadsColumnsOfCsvUnderOtherNames() throws Exception {
    Path file = Files.writeString(directory.resolve("fragen.csv"), "frage\nWarum?\nWer?\n");
    Call call =
        Call.plumbline(
            "mine",
            "--model",
            model,
            "--data",
            "csv:" + file,
            "--columns",
            "prompt=frage",
            "--reward",
            MineCommandTest.CodePoints.class.getName(),
            "--num-generations",
            "4",
            "--max-new-tokens",
            "4",
            "--output",
            directory.resolve("mined").toString());
    assertThat(call.status()).as(call.err()).isZero();
    assertThat(call.err()).contains("of 2 prompts and 8 completions");
    assertThat(call.err()).contains("2 rows read as prompts (prompt)\n");
    assertThat(Files.readString(directory.resolve("mined/mine.json")))
        .contains("\"2 rows read as prompts (prompt)\"");
  }

  @Test
  void trainingAndHeldOutRowsOfOneDirectoryAreThoseOfTheirSplits() throws Exception {
    Path splits = Files.createDirectory(directory.resolve("splits"));
    Files.writeString(splits.resolve("train.csv"), "prompt,chosen,rejected\na,b,c\nd,e,f\ng,h,i\n");
    Files.writeString(splits.resolve("test.csv"), "prompt,chosen,rejected\nx,y,z\n");
    Call call = prepare("split", "--data", "csv:" + splits, "--eval-data", "csv:" + splits);
    assertThat(call.status()).as(call.err()).isZero();
    assertThat(call.err())
        .contains("train: 3 rows read as", "eval: 1 rows read as")
        .contains("train is read (1 of 2 files)", "test is read (1 of 2 files)");
  }

  @Test
  void columnsThatAreNotThereAreNamedWithThoseThatAre() {
    for (List<String> call :
        List.of(
            List.of("prepare", "--output", directory.resolve("none").toString()),
            List.of("score"))) {
      List<String> all = new ArrayList<>(call);
      all.addAll(List.of("--model", model, "--data", questions, "--columns", "prompt=qestion"));
      Call made = Call.plumbline(all.toArray(String[]::new));
      assertThat(made.status()).isNotZero();
      assertThat(made.err())
          .contains(
              "there is no column qestion", "best, question, worst, x", "did you mean question?");
    }
    assertThat(prepare("typo", "--data", questions, "--columns", "promt=question").err())
        .contains(
            "--columns promt=question names a column promt that no format has: did you mean prompt?");
    assertThat(prepare("twice", "--data", questions, "--columns", "prompt=a,prompt=b").err())
        .contains("two columns as prompt");
  }

  @Test
  void refusalsSayTheirCauseAndWhatEndsThem() throws Exception {
    String pairs =
        rows("long.jsonl", "{'prompt': 'Say it %d.', 'chosen': ' %d, yes', 'rejected': ' No %d.'}");
    Call cut = prepare("cut", "--data", pairs, "--max-length", "5");
    assertThat(cut.err())
        .contains(
            "12 of 12 rows were refused", "long.jsonl:1: the prompt has", "--max-prompt-length")
        .doesNotContain("max-bad-rows", "completion_truncated");
    Call refused =
        prepare("refused", "--data", pairs, "--max-length", "5", "--truncation-mode", "refuse");
    assertThat(refused.err())
        .contains("tokens are more than --max-length 5", "raise --max-length")
        .doesNotContain("max-bad-rows");
    String alike =
        rows(
            "alike.jsonl",
            "{'prompt': 'Say it.', 'chosen': ' It is long, %d', 'rejected': ' It is long: %d'}");
    for (List<String> call :
        List.of(
            List.of("prepare"),
            List.of("reference", "--reference-cache", directory.resolve("cache").toString()),
            List.of("dpo"),
            List.of("reward"))) {
      List<String> all = new ArrayList<>(call);
      all.addAll(List.of("--model", model, "--data", alike, "--max-length", "14"));
      all.addAll(List.of("--output", directory.resolve("alike-" + call.get(0)).toString()));
      assertThat(Call.plumbline(all.toArray(String[]::new)).err())
          .contains(
              "12 of 12 rows were refused",
              "12 identical sides after truncation",
              "alike.jsonl:1: chosen and rejected have the same first",
              "--max-length 14 leaves of them",
              "raise --max-length, or keep the ends of rows by --truncation-mode keep_end")
          .doesNotContain("max-bad-rows");
    }
    Call typed =
        prepare(
            "typed",
            "--data",
            rows("typed.jsonl", "{'prompt': 'a', 'chosen': %d, 'rejected': 'b'}"));
    assertThat(typed.err())
        .contains("prompt is text and chosen is a number", "--columns")
        .doesNotContain("raise --max-bad-rows");
    Call ratings =
        prepare(
            "ratings",
            "--kind",
            "unpaired",
            "--data",
            rows("rated.jsonl", "{'prompt': 'a', 'completion': 'b%d', 'label': 4}"));
    assertThat(ratings.err()).contains("label is 4", "--desirable-from");
    Call rated =
        prepare(
            "rated",
            "--kind",
            "unpaired",
            "--desirable-from",
            "3",
            "--data",
            directory.resolve("rated.jsonl").toString());
    assertThat(rated.status()).as(rated.err()).isZero();
  }

  @Test
  void weightsAreNamedWhereTheyAreNotUsed() throws Exception {
    String pairs =
        rows(
            "weighted.jsonl",
            "{'chosen': [{'role': 'user', 'content': '%d'}, {'role': 'assistant', 'content': 'a',"
                + " 'weight': 0}], 'rejected': [{'role': 'user', 'content': '%d'}, {'role':"
                + " 'assistant', 'content': 'b'}]}");
    Call call = prepare("weighted", "--data", pairs);
    assertThat(call.status()).as(call.err()).isZero();
    assertThat(call.err().split("weights of messages are not used", -1)).hasSize(2);
  }
}
