package io.plumbline.spark.inference;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.base.Json;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.storage.Storage;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;

/**
 * Completions as Parquet files, which the executors write:
 *
 * <pre>
 * OUTPUT/_unfinished/   what tasks have finished, until all is there
 * OUTPUT/completions/   a row for each completion: the input's columns and those of {@link #ADDED}
 * OUTPUT/generate.json  written last: how they were drawn, and how many there are
 * </pre>
 */
public final class CompletionTable {
  /** The file that makes an output complete. */
  public static final String MARKER = "generate.json";

  private static final int LOOKED_AT = 100;
  private static final String ROWS = "completions";
  private static final String UNFINISHED = "_unfinished";
  private static final Set<String> OWN = Set.of(MARKER, ROWS, UNFINISHED);

  /**
   * {@code row} and {@code sample} count from 0: the input's rows, and the completions of one.
   * {@code logp} is the sum over the tokens, at temperature 1.
   */
  static final StructType ADDED =
      new StructType()
          .add("row", DataTypes.LongType)
          .add("sample", DataTypes.IntegerType)
          .add("prompt_text", DataTypes.StringType)
          .add("completion", DataTypes.StringType)
          .add("tokens", DataTypes.createArrayType(DataTypes.IntegerType, false))
          .add("logps", DataTypes.createArrayType(DataTypes.FloatType, false))
          .add("logp", DataTypes.DoubleType)
          .add("finish", DataTypes.StringType);

  private CompletionTable() {}

  /** What lies in an output directory. */
  public enum State {
    EMPTY,
    /** A call was stopped before all was there. */
    BEGUN,
    COMPLETE
  }

  /**
   * What an earlier call has left.
   *
   * @throws PlumblineException OUTPUT_IN_USE where something lies there that generate did not write
   */
  public static State state(Storage storage, String output) {
    if (!storage.exists(output)) {
      return State.EMPTY;
    }
    List<String> names =
        storage.isDirectory(output)
            ? storage.list(output).stream()
                .map(Storage.Entry::name)
                .filter(name -> !name.startsWith("."))
                .toList()
            : List.of("a file");
    for (String name : names) {
      if (!OWN.contains(name)) {
        throw new PlumblineException(
            ErrorCode.OUTPUT_IN_USE,
            "%s is there already and not empty: it holds %s, which generate did not write; give another --output."
                .formatted(output, name));
      }
    }
    return names.isEmpty() ? State.EMPTY : names.contains(MARKER) ? State.COMPLETE : State.BEGUN;
  }

  /** Deletes what earlier calls have left. */
  public static void delete(Storage storage, String output) {
    for (String name : List.of(MARKER, UNFINISHED, ROWS)) {
      storage.delete(Storage.join(output, name));
    }
  }

  /** What tasks have finished of a table that is not complete. */
  public static KeptLines kept(Storage storage, String output) {
    return new KeptLines(storage, Storage.join(output, UNFINISHED));
  }

  /** Fails with BAD_DATA where the first rows have a column of a name that is added. */
  public static void checkColumns(JavaRDD<Map<String, Object>> rows) {
    SparkFailures.unwrapped(() -> rows.take(LOOKED_AT)).forEach(row -> requireUnused(row.keySet()));
  }

  /** Fails with BAD_DATA where the input has a column of a name that is added. */
  static void requireUnused(Iterable<String> columns) {
    List<String> taken = new ArrayList<>();
    for (String column : columns) {
      for (String added : ADDED.fieldNames()) {
        if (added.equalsIgnoreCase(column)) {
          taken.add(column);
        }
      }
    }
    if (!taken.isEmpty()) {
      throw new PlumblineException(
          ErrorCode.BAD_DATA,
          "The input has a column named %s, which --output writes itself; rename it, for a table by sql:SELECT ... AS."
              .formatted(String.join(", ", taken)));
    }
  }

  /** One line of JSON for one completion, with the input's columns. */
  static String line(
      Map<String, Object> row, long place, int number, String prompt, Sample sample) {
    requireUnused(row.keySet());
    ObjectNode json = Json.MAPPER.createObjectNode();
    row.forEach((column, value) -> json.set(column, Json.MAPPER.valueToTree(value)));
    json.put("row", place);
    json.put("sample", number);
    json.put("prompt_text", prompt);
    json.put("completion", sample.completion());
    json.set("tokens", JsonLines.array(sample.tokens()));
    json.set("logps", JsonLines.array(sample.logps()));
    json.put("logp", sample.logp());
    json.put("finish", sample.finishWord());
    return JsonLines.line(json);
  }

  /**
   * Writes the table and then its marker. Nothing passes through the driver but the schema.
   *
   * @param kept lines of {@link #line}, deleted once the table is complete
   * @param lines all of them
   * @param inputSchema types of the input's columns; found by a look at all rows where empty
   * @param about what the marker says besides the number of completions
   */
  public static void write(
      SparkSession spark,
      KeptLines kept,
      KeptStage.Lines lines,
      Optional<StructType> inputSchema,
      String output,
      ObjectNode about) {
    Storage storage = kept.storage();
    if (lines.count() == 0) {
      throw new PlumblineException(
          ErrorCode.BAD_DATA, "The input holds no row; give data with at least one.");
    }
    String rows = Storage.join(output, ROWS);
    // What a run left that was stopped in the middle of it.
    storage.delete(rows);
    SparkFailures.unwrapped(
        () -> {
          Dataset<String> json = spark.createDataset(lines.values().rdd(), Encoders.STRING());
          StructType schema =
              withAdded(inputSchema.orElseGet(() -> spark.read().json(json).schema()));
          JsonLines.writeAsParquet(json, schema, rows);
          return schema;
        });
    about.put("completions", lines.count());
    storage.writeText(Storage.join(output, MARKER), about.toPrettyString() + "\n");
    kept.delete();
  }

  /** The input's columns with the types that are found, then those that are added. */
  private static StructType withAdded(StructType found) {
    StructType schema = new StructType();
    for (StructField field : found.fields()) {
      if (ADDED.getFieldIndex(field.name()).isEmpty()) {
        DataType type = field.dataType();
        schema = schema.add(field.name(), type, true);
      }
    }
    for (StructField field : ADDED.fields()) {
      schema = schema.add(field);
    }
    return schema;
  }
}
