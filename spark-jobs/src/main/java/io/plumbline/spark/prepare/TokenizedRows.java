package io.plumbline.spark.prepare;

import io.plumbline.data.TokenizedRow;
import io.plumbline.data.TokenizedRow.Desirability;
import java.util.ArrayList;
import java.util.List;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;

/** Tokenized rows as Spark SQL's rows; the columns are those of the Parquet files. */
public final class TokenizedRows {
  private static final int FINGERPRINT = 0;
  private static final int ROW = 1;
  private static final int PROMPT_IDS = 2;
  private static final int COMPLETIONS = 3;
  private static final int LOSS_MASKS = 4;
  private static final int REFERENCE_LOGPS = 5;
  private static final int MARGIN = 6;
  private static final int DESIRABLE = 7;
  private static final int COLUMNS = 8;

  /**
   * {@code fingerprint} string, {@code row} bigint (the index over all accepted rows), {@code
   * prompt_ids} array of int, {@code completions} array of array of int, {@code loss_masks} array
   * of array of tinyint, {@code reference_logps} array of array of float, none of them null; {@code
   * margin} double, null where the data does not say, {@code desirable} boolean, null where it has
   * no labels, and {@code columns} string, null where rows keep none.
   */
  public static final StructType SCHEMA =
      DataTypes.createStructType(
          List.of(
              required("fingerprint", DataTypes.StringType),
              required("row", DataTypes.LongType),
              required("prompt_ids", DataTypes.createArrayType(DataTypes.IntegerType, false)),
              required("completions", lists(DataTypes.IntegerType)),
              required("loss_masks", lists(DataTypes.ByteType)),
              required("reference_logps", lists(DataTypes.FloatType)),
              DataTypes.createStructField("margin", DataTypes.DoubleType, true),
              DataTypes.createStructField("desirable", DataTypes.BooleanType, true),
              DataTypes.createStructField("columns", DataTypes.StringType, true)));

  private TokenizedRows() {}

  private static StructField required(String name, org.apache.spark.sql.types.DataType type) {
    return DataTypes.createStructField(name, type, false);
  }

  private static org.apache.spark.sql.types.DataType lists(
      org.apache.spark.sql.types.DataType element) {
    return DataTypes.createArrayType(DataTypes.createArrayType(element, false), false);
  }

  public static Dataset<Row> toDataset(SparkSession spark, JavaRDD<TokenizedRow> rows) {
    return spark.createDataFrame(rows.map(TokenizedRows::toRow), SCHEMA);
  }

  /** Reads columns by name, so that others may stand beside them. */
  public static JavaRDD<TokenizedRow> fromDataset(Dataset<Row> rows) {
    return rows.select(
            "fingerprint",
            "row",
            "prompt_ids",
            "completions",
            "loss_masks",
            "reference_logps",
            "margin",
            "desirable",
            "columns")
        .javaRDD()
        .map(TokenizedRows::fromRow);
  }

  /** A row of {@link #SCHEMA}. */
  public static Row toRow(TokenizedRow row) {
    List<Integer> prompt = ints(row.prompt());
    List<List<Integer>> completions = row.completions().stream().map(TokenizedRows::ints).toList();
    List<List<Byte>> masks = row.lossMasks().stream().map(TokenizedRows::bytes).toList();
    List<List<Float>> logps = row.referenceLogps().stream().map(TokenizedRows::floats).toList();
    return RowFactory.create(
        row.fingerprint(),
        row.index(),
        prompt.toArray(),
        arrays(completions),
        arrays(masks),
        arrays(logps),
        Double.isNaN(row.margin()) ? null : row.margin(),
        row.desirability() == Desirability.UNSTATED
            ? null
            : row.desirability() == Desirability.DESIRABLE,
        row.columns().isEmpty() ? null : row.columns());
  }

  /** A row whose columns stand as in {@link #SCHEMA}. */
  public static TokenizedRow fromRow(Row row) {
    List<int[]> completions = new ArrayList<>();
    for (List<Object> completion : nested(row, COMPLETIONS)) {
      completions.add(completion.stream().mapToInt(id -> (Integer) id).toArray());
    }
    List<byte[]> masks = new ArrayList<>();
    for (List<Object> list : nested(row, LOSS_MASKS)) {
      byte[] mask = new byte[list.size()];
      for (int i = 0; i < mask.length; i++) {
        mask[i] = (Byte) list.get(i);
      }
      masks.add(mask);
    }
    List<float[]> logps = new ArrayList<>();
    for (List<Object> list : nested(row, REFERENCE_LOGPS)) {
      float[] values = new float[list.size()];
      for (int i = 0; i < values.length; i++) {
        values[i] = (Float) list.get(i);
      }
      logps.add(values);
    }
    int[] prompt = row.<Integer>getList(PROMPT_IDS).stream().mapToInt(Integer::intValue).toArray();
    return new TokenizedRow(
        row.getString(FINGERPRINT),
        row.getLong(ROW),
        prompt,
        completions,
        masks,
        logps,
        row.isNullAt(MARGIN) ? Double.NaN : row.getDouble(MARGIN),
        desirability(row),
        row.isNullAt(COLUMNS) ? "" : row.getString(COLUMNS));
  }

  private static Desirability desirability(Row row) {
    if (row.isNullAt(DESIRABLE)) {
      return Desirability.UNSTATED;
    }
    return row.getBoolean(DESIRABLE) ? Desirability.DESIRABLE : Desirability.UNDESIRABLE;
  }

  private static List<List<Object>> nested(Row row, int column) {
    List<List<Object>> lists = new ArrayList<>();
    for (scala.collection.Seq<Object> inner : row.<scala.collection.Seq<Object>>getList(column)) {
      lists.add(scala.jdk.javaapi.CollectionConverters.asJava(inner));
    }
    return lists;
  }

  private static Object[] arrays(List<? extends List<?>> lists) {
    return lists.stream().map(List::toArray).toArray();
  }

  private static List<Integer> ints(int[] values) {
    List<Integer> list = new ArrayList<>(values.length);
    for (int value : values) {
      list.add(value);
    }
    return list;
  }

  private static List<Byte> bytes(byte[] values) {
    List<Byte> list = new ArrayList<>(values.length);
    for (byte value : values) {
      list.add(value);
    }
    return list;
  }

  private static List<Float> floats(float[] values) {
    List<Float> list = new ArrayList<>(values.length);
    for (float value : values) {
      list.add(value);
    }
    return list;
  }
}
