package io.plumbline.text;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.base.Json;
import java.io.UncheckedIOException;

/**
 * The pipelines that transformers 5.23 builds where it does not take that of tokenizer.json: {@code
 * __init__} of LlamaTokenizer, Qwen2Tokenizer, Qwen3_5Tokenizer, GPT2Tokenizer, GPTNeoXTokenizer
 * and GemmaTokenizer, as tokenizer.json would spell them.
 */
final class Pipelines {
  private static final String QWEN2 =
      "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}|"
          + " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
  private static final String QWEN3_5 =
      "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?[\\p{L}\\p{M}]+|\\p{N}|"
          + " ?[^\\s\\p{L}\\p{M}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

  private static final String SPACES =
      "{'type':'Replace','pattern':{'String':'▁'},'content':' '},{'type':'ByteFallback'},"
          + "{'type':'Fuse'}";

  private Pipelines() {}

  /** tokenizer.json with the pipeline of the class; its added tokens are none. */
  static ObjectNode of(TokenizerClass kind, JsonNode file, JsonNode config, String unkToken) {
    ObjectNode result = Json.MAPPER.createObjectNode();
    result.setAll((ObjectNode) file);
    result.putArray("added_tokens");
    switch (kind) {
      case BACKEND -> throw new IllegalArgumentException("it takes tokenizer.json's");
      case LLAMA -> llama(result, file, config);
      case QWEN2 -> bytes(result, file, config, QWEN2);
      case QWEN3_5 -> bytes(result, file, config, QWEN3_5);
      case GPT2 -> gpt2(result, file, config);
      case GPT_NEOX -> {
        gpt2(result, file, config);
        result.set("normalizer", json("{'type':'NFC'}"));
        // The class sets the post-processor anew, and no flag for the start or end reaches it.
        result.set(
            "post_processor",
            json(
                "{'type':'TemplateProcessing','single':[{'Sequence':{'id':'A','type_id':0}}],"
                    + "'pair':[{'Sequence':{'id':'A','type_id':0}},"
                    + "{'Sequence':{'id':'B','type_id':1}}],'special_tokens':{}}"));
      }
      case GEMMA -> {
        model(result, file).put("fuse_unk", true).put("byte_fallback", true);
        ((ObjectNode) result.get("model")).put("unk_token", unkToken);
        result.set("normalizer", json("{'type':'Replace','pattern':{'String':' '},'content':'▁'}"));
        result.set(
            "pre_tokenizer",
            json(
                "{'type':'Split','pattern':{'String':' '},'behavior':'MergedWithPrevious',"
                    + "'invert':false}"));
        result.set("decoder", json("{'type':'Sequence','decoders':[" + SPACES + "]}"));
      }
    }
    return result;
  }

  private static void llama(ObjectNode result, JsonNode file, JsonNode config) {
    model(result, file).put("fuse_unk", true).put("byte_fallback", true);
    result.putNull("normalizer");
    boolean prefix = truth(config.path("add_prefix_space"), true);
    boolean legacy = truth(config.path("legacy"), false);
    String scheme = !prefix ? "never" : legacy ? "always" : "first";
    result.set(
        "pre_tokenizer",
        json(
            "{'type':'Metaspace','replacement':'▁','prepend_scheme':'"
                + scheme
                + "','split':false}"));
    String strip = prefix ? ",{'type':'Strip','content':' ','start':1,'stop':0}" : "";
    result.set("decoder", json("{'type':'Sequence','decoders':[" + SPACES + strip + "]}"));
  }

  private static void bytes(ObjectNode result, JsonNode file, JsonNode config, String pattern) {
    model(result, file).put("continuing_subword_prefix", "").put("end_of_word_suffix", "");
    result.set("normalizer", json("{'type':'NFC'}"));
    ObjectNode splitter = result.putObject("pre_tokenizer").put("type", "Sequence");
    ObjectNode split = splitter.putArray("pretokenizers").addObject().put("type", "Split");
    split.putObject("pattern").put("Regex", pattern);
    split.put("behavior", "Isolated").put("invert", false);
    splitter
        .withArray("pretokenizers")
        .addObject()
        .put("type", "ByteLevel")
        .put("add_prefix_space", truth(config.path("add_prefix_space"), false))
        .put("trim_offsets", true)
        .put("use_regex", false);
    result.set("decoder", byteLevel(true));
  }

  private static void gpt2(ObjectNode result, JsonNode file, JsonNode config) {
    model(result, file).put("continuing_subword_prefix", "").put("end_of_word_suffix", "");
    result.putNull("normalizer");
    result.set("pre_tokenizer", byteLevel(truth(config.path("add_prefix_space"), false)));
    result.set("decoder", byteLevel(true));
  }

  private static JsonNode byteLevel(boolean prefix) {
    return Json.MAPPER
        .createObjectNode()
        .put("type", "ByteLevel")
        .put("add_prefix_space", prefix)
        .put("trim_offsets", true)
        .put("use_regex", true);
  }

  /** A byte-pair model with the file's vocabulary and merges and no setting of the file. */
  private static ObjectNode model(ObjectNode result, JsonNode file) {
    JsonNode from = file.path("model");
    ObjectNode model = result.putObject("model");
    model.put("type", "BPE");
    for (String absent :
        new String[] {"dropout", "unk_token", "continuing_subword_prefix", "end_of_word_suffix"}) {
      model.putNull(absent);
    }
    model.put("fuse_unk", false).put("byte_fallback", false).put("ignore_merges", false);
    JsonNode vocab = from.path("vocab");
    if (vocab.isArray()) {
      ObjectNode ids = model.putObject("vocab");
      for (int i = 0; i < vocab.size(); i++) {
        ids.put(vocab.get(i).path(0).asText(), i);
      }
    } else {
      model.set("vocab", vocab);
    }
    model.set("merges", from.has("merges") ? from.get("merges") : Json.MAPPER.createArrayNode());
    return model;
  }

  /** A setting as Python takes it in a condition; absent and null are the default. */
  private static boolean truth(JsonNode value, boolean initial) {
    return (value.isMissingNode() || value.isNull()) ? initial : value.asBoolean(initial);
  }

  private static JsonNode json(String text) {
    try {
      return Json.MAPPER.readTree(text.replace('\'', '"'));
    } catch (com.fasterxml.jackson.core.JsonProcessingException e) {
      throw new UncheckedIOException(e);
    }
  }
}
