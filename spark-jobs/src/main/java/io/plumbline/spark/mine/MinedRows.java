package io.plumbline.spark.mine;

import com.fasterxml.jackson.core.JsonProcessingException;
import io.plumbline.base.Json;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.mine.Candidate;
import io.plumbline.mine.Choice;
import io.plumbline.model.Generation.Finish;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;

/**
 * The columns of what is mined: the input's, then those that are added. An input column with the
 * name of an added one gives way to it, whatever the case of its letters: data that was mined
 * before holds prompts for the next round.
 *
 * @param pairs whether rows are pairs
 */
record MinedRows(boolean pairs) implements Serializable {
  /** Columns that say how training reads a row, which only mine may say of its rows. */
  private static final List<String> FORMAT = List.of("chosen", "rejected", "completion", "margin");

  /** A completion's text and why it ends. */
  record Text(Object side, Finish finish) {}

  /**
   * @param side type of a completion: text, or a list of messages
   */
  StructType added(DataType side) {
    return pairs
        ? new StructType()
            .add("chosen", side)
            .add("rejected", side)
            .add("chosen_reward", DataTypes.DoubleType)
            .add("rejected_reward", DataTypes.DoubleType)
            .add("row", DataTypes.LongType)
            .add("chosen_sample", DataTypes.IntegerType)
            .add("rejected_sample", DataTypes.IntegerType)
            .add("chosen_finish", DataTypes.StringType)
            .add("rejected_finish", DataTypes.StringType)
        : new StructType()
            .add("completion", side)
            .add("reward", DataTypes.DoubleType)
            .add("row", DataTypes.LongType)
            .add("sample", DataTypes.IntegerType)
            .add("finish", DataTypes.StringType);
  }

  /** Whether an input column stays as it is. */
  boolean keeps(String column) {
    String name = column.toLowerCase(Locale.ROOT);
    return !FORMAT.contains(name)
        && !List.of(added(DataTypes.NullType).fieldNames()).contains(name);
  }

  /** The input's columns that stay, with their types, then the added ones. */
  StructType schema(StructType input, DataType side) {
    List<StructField> fields = new ArrayList<>();
    for (StructField field : input.fields()) {
      if (keeps(field.name())) {
        fields.add(DataTypes.createStructField(field.name(), field.dataType(), true));
      }
    }
    fields.addAll(List.of(added(side).fields()));
    return DataTypes.createStructType(fields);
  }

  /** A row as JSON. */
  String line(MinePrompt prompt, Choice choice, Map<Candidate, Text> texts) {
    Map<String, Object> row = new LinkedHashMap<>();
    prompt
        .values()
        .forEach(
            (column, value) -> {
              if (keeps(column)) {
                row.put(column, value);
              }
            });
    row.put("prompt", prompt.prompt());
    row.put("row", prompt.place());
    if (pairs) {
      put(row, "chosen", choice.chosen(), texts);
      put(row, "rejected", choice.rejected().orElseThrow(), texts);
    } else {
      Text text = texts.get(choice.chosen());
      row.put("completion", text.side());
      row.put("reward", choice.chosen().reward());
      row.put("sample", choice.chosen().sample());
      row.put("finish", word(text.finish()));
    }
    return json(row);
  }

  private static void put(
      Map<String, Object> row, String side, Candidate candidate, Map<Candidate, Text> texts) {
    Text text = texts.get(candidate);
    row.put(side, text.side());
    row.put(side + "_reward", candidate.reward());
    row.put(side + "_sample", candidate.sample());
    row.put(side + "_finish", word(text.finish()));
  }

  private static String word(Finish finish) {
    return finish.name().toLowerCase(Locale.ROOT);
  }

  static String json(Map<String, Object> row) {
    try {
      return Json.MAPPER.writeValueAsString(row);
    } catch (JsonProcessingException e) {
      throw new PlumblineException(
          ErrorCode.INTERNAL, "A row could not be written as JSON: " + e.getOriginalMessage(), e);
    }
  }
}
