package io.plumbline.text;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.PythonPeer;
import io.plumbline.error.PlumblineException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import org.assertj.core.api.SoftAssertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Tokens added to folders of every kind: the files as they are written here give transformers the
 * ids that it gives where it adds the tokens itself.
 */
class AddedTokensTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final int FOLDERS = Integer.getInteger("plumbline.tokenizers", 150);
  private static final long SEED = Long.getLong("plumbline.seed", 20_261_130L);

  @TempDir Path work;

  private record Grown(TokenizerFiles files, List<String> texts) {}

  @Test
  void everyFolderGivesTheIdsOfAddTokens() throws Exception {
    TokenizerFolders folders = new TokenizerFolders(SEED);
    Random random = new Random(SEED);
    ArrayNode tasks = JSON.createArrayNode();
    List<Grown> grown = new ArrayList<>();
    Map<String, Integer> refused = new TreeMap<>();
    for (int i = 0; i < FOLDERS; i++) {
      Map<String, String> files = folders.draw();
      List<String> plain = random.nextBoolean() ? List.of("<new>", "nova") : List.of("q\u00e9");
      List<String> special = random.nextBoolean() ? List.of("<|a|>", "<|b|>") : List.of();
      List<String> texts = new ArrayList<>(folders.texts());
      texts.add("see <new>nova <|a|> q\u00e9 and<|b|>Nova");
      AddedTokens tokens = new AddedTokens(plain, special, Optional.empty());
      TokenizerFiles added;
      try {
        added = tokens.to(TokenizerDifferentialTest.files(files)).files();
      } catch (PlumblineException e) {
        refused.merge(e.getMessage(), 1, Integer::sum);
        continue; // What cannot be loaded is the subject of another test.
      }
      write(work.resolve("before-" + grown.size()), files);
      Map<String, String> after = new TreeMap<>(added.contents());
      if (files.containsKey("config.json")) {
        after.put("config.json", files.get("config.json"));
      }
      write(work.resolve("after-" + grown.size()), after);
      for (String name : List.of("before-", "after-")) {
        ObjectNode task = tasks.addObject();
        task.put("directory", work.resolve(name + grown.size()).toString());
        task.set("texts", JSON.valueToTree(texts));
        if (name.equals("before-")) {
          task.set("plain", JSON.valueToTree(plain));
          task.set("special", JSON.valueToTree(special));
        }
      }
      grown.add(new Grown(added, texts));
    }
    Files.writeString(work.resolve("tasks.json"), tasks.toString());
    JsonNode found =
        PythonPeer.run(work, "tokenizer_folders.py", work.resolve("tasks.json").toString());

    SoftAssertions all = new SoftAssertions();
    int compared = 0;
    Map<String, Integer> failed = new TreeMap<>();
    for (int i = 0; i < grown.size(); i++) {
      JsonNode wanted = found.get(2 * i);
      if (wanted.has("error")) {
        failed.merge(wanted.path("error").asText(), 1, Integer::sum);
        continue;
      }
      compared++;
      String name = "seed " + SEED + ", folder " + i + ", a " + wanted.path("class").asText();
      for (String part : List.of("ids", "bare", "named", "greatest", "added", "error")) {
        all.assertThat(found.get(2 * i + 1).path(part)).as(name).isEqualTo(wanted.path(part));
      }
      try (Tokenizer tokenizer = Tokenizer.of(grown.get(i).files())) {
        for (int t = 0; t < grown.get(i).texts().size(); t++) {
          int[] ids = JSON.convertValue(wanted.path("ids").path(t), int[].class);
          String text = grown.get(i).texts().get(t);
          all.assertThat(tokenizer.encode(text)).as(name + ": " + text).isEqualTo(ids);
        }
      }
    }
    assertThat(compared)
        .as("of %s refused, %s not loaded", refused, failed)
        .isGreaterThan(FOLDERS * 3 / 4);
    all.assertAll();
  }

  private static void write(Path directory, Map<String, String> files) throws Exception {
    Files.createDirectories(directory);
    for (Map.Entry<String, String> file : files.entrySet()) {
      Files.writeString(directory.resolve(file.getKey()), file.getValue());
    }
  }
}
