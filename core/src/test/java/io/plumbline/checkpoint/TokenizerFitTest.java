package io.plumbline.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.storage.Storage;
import io.plumbline.text.Tokenizer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is found out about a tokenizer and the model beside it before any work. */
class TokenizerFitTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir Path directory;

  @BeforeEach
  void model() {
    InitModel.write(Storage.local(), directory.toString(), InitModel.Settings.defaults());
  }

  private ModelDirectory open() {
    return ModelDirectory.open(Storage.local(), directory.toString());
  }

  private List<String> notes() {
    try (Tokenizer tokenizer = Tokenizer.of(open().tokenizerFiles())) {
      return TokenizerFit.notes(open(), tokenizer);
    }
  }

  private void put(String file, String name, Object value) throws Exception {
    Path path = directory.resolve(file);
    ObjectNode node =
        Files.exists(path) ? (ObjectNode) JSON.readTree(path.toFile()) : JSON.createObjectNode();
    node.set(name, JSON.valueToTree(value));
    Files.writeString(path, node.toString());
  }

  @Test
  void aTokenWithoutARowIsRefusedByBothNumbersAndItsName() throws Exception {
    TokenizerFit.require(open());
    assertThat(notes()).isEmpty();
    put("tokenizer_config.json", "extra_special_tokens", List.of("<think>", "</think>"));
    assertThatThrownBy(() -> TokenizerFit.require(open()))
        .isInstanceOfSatisfying(
            PlumblineException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.BAD_CHECKPOINT))
        .hasMessageContaining("ids up to 261")
        .hasMessageContaining("260 rows")
        .hasMessageContaining("<think> (260), </think> (261)")
        .hasMessageContaining("resize_token_embeddings(262)");
  }

  @Test
  void whatEndsACompletionIsWhatTransformersTakes() throws Exception {
    assertThat(TokenizerFit.stopIds(open())).containsExactly(2);
    put("config.json", "eos_token_id", 0);
    assertThat(TokenizerFit.stopIds(open())).containsExactly(2);
    put("generation_config.json", "eos_token_id", List.of(1, 3));
    assertThat(TokenizerFit.stopIds(open())).containsExactly(1, 3);
    assertThat(notes().get(0)).contains("[1, 3]").contains("<|im_end|> (2)");
    Files.delete(directory.resolve("generation_config.json"));
    assertThat(TokenizerFit.stopIds(open())).containsExactly(0);
  }

  @Test
  void filesThatContradictOneAnotherAreSaidInOneSentence() throws Exception {
    put("special_tokens_map.json", "eos_token", "<|endoftext|>");
    assertThat(notes())
        .singleElement()
        .asString()
        .contains("eos_token is <|im_end|> in tokenizer_config.json")
        .contains("<|endoftext|> is taken");
    try (Tokenizer tokenizer = Tokenizer.of(open().tokenizerFiles())) {
      assertThat(tokenizer.eosTokenId()).hasValue(0);
    }
  }
}
