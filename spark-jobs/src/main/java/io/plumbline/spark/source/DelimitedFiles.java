package io.plumbline.spark.source;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.base.Json;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.spark.source.DataFiles.Purpose;
import io.plumbline.storage.Storage;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.Reader;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.regex.Pattern;
import org.apache.hadoop.fs.RawLocalFileSystem;
import org.apache.spark.sql.DataFrameReader;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.functions;
import org.apache.spark.sql.types.StructType;

/**
 * Files of CSV or TSV: {@code csv:PATH}, or {@code csv{"option":value}:PATH} with options of
 * Spark's reader. As RFC 4180 and pandas have them unless the options say otherwise: a header,
 * quotes doubled within quotes, line ends within quotes; and every column is text.
 *
 * @param path a file, a directory or a glob
 * @param options for Spark's reader, by name in lower case
 */
record DelimitedFiles(String path, Map<String, String> options) {
  private static final Pattern PREFIX = Pattern.compile("(csv|tsv)[:{].*", Pattern.DOTALL);

  /** Spark passes over options that it does not know. */
  private static final Set<String> KNOWN =
      Set.of(
          "sep",
          "delimiter",
          "encoding",
          "charset",
          "quote",
          "escape",
          "comment",
          "header",
          "inferSchema",
          "preferDate",
          "ignoreLeadingWhiteSpace",
          "ignoreTrailingWhiteSpace",
          "nullValue",
          "nanValue",
          "positiveInf",
          "negativeInf",
          "dateFormat",
          "timestampFormat",
          "timestampNTZFormat",
          "enableDateTimeParsingFallback",
          "maxColumns",
          "maxCharsPerColumn",
          "mode",
          "multiLine",
          "charToEscapeQuoteEscaping",
          "samplingRatio",
          "emptyValue",
          "locale",
          "lineSep",
          "unescapedQuoteHandling",
          "timeZone");

  private static final Map<String, String> DEFAULTS =
      Map.of("header", "true", "multiline", "true", "escape", "\"", "mode", "FAILFAST");

  private static final Pattern PATTERN_SIGN = Pattern.compile("[*?\\[\\]{}\\\\]");

  /** Hadoop's name for a file of checksums is none where the file's own has a colon. */
  private static final Map<String, String> WITHOUT_CHECKSUMS =
      Map.of(
          "fs.file.impl", RawLocalFileSystem.class.getName(), "fs.file.impl.disable.cache", "true");

  private static final int MOST_FILES = 1000;
  private static final int LINES_FOR_COLUMNS = 100;
  private static final long MOST_BYTES_LOOKED_AT = 64L << 20;

  static boolean isNamedBy(String given) {
    return PREFIX.matcher(given).matches();
  }

  /** The path in a value of this form; any other value as it is. */
  static String pathIn(String given) {
    return isNamedBy(given) ? of(given).path() : given;
  }

  /** What a user gave, with another path. */
  static String withPath(String given, String path) {
    return given.substring(0, given.length() - of(given).path().length()) + path;
  }

  /**
   * Reads what a user wrote.
   *
   * @throws PlumblineException BAD_USAGE where it is not of this form or has unknown options
   */
  static DelimitedFiles of(String given) {
    String kind = given.substring(0, 3);
    Map<String, String> options = new TreeMap<>(DEFAULTS);
    options.put("sep", kind.equals("tsv") ? "\t" : ",");
    int colon = 3;
    if (given.charAt(3) == '{') {
      colon = 3 + readOptions(given, kind, options);
    }
    if (colon >= given.length() - 1 || given.charAt(colon) != ':') {
      throw badForm(given, kind);
    }
    return new DelimitedFiles(given.substring(colon + 1), options);
  }

  private static int readOptions(String given, String kind, Map<String, String> options) {
    String json = given.substring(3);
    int end;
    ObjectNode written;
    try (JsonParser parser = Json.MAPPER.getFactory().createParser(json)) {
      parser.nextToken();
      parser.skipChildren();
      end = (int) parser.currentLocation().getCharOffset();
      written = (ObjectNode) Json.MAPPER.readTree(json.substring(0, end));
    } catch (JsonProcessingException e) {
      throw badForm(given, kind);
    } catch (IOException e) {
      throw new IllegalStateException("a text is read from memory", e);
    }
    for (Map.Entry<String, JsonNode> option : written.properties()) {
      if (KNOWN.stream().noneMatch(known -> known.equalsIgnoreCase(option.getKey()))
          || option.getValue().isContainerNode()) {
        throw new PlumblineException(
            ErrorCode.BAD_USAGE,
            "%s has the option %s, which Spark's reader of CSV does not have; it has %s"
                .formatted(
                    SourceFailures.shown(given),
                    option.getKey(),
                    String.join(", ", KNOWN.stream().sorted().toList())));
      }
      String name = option.getKey().toLowerCase(Locale.ROOT);
      options.put(
          name.equals("delimiter") ? "sep" : name.equals("charset") ? "encoding" : name,
          option.getValue().asText());
    }
    return end;
  }

  private static PlumblineException badForm(String given, String kind) {
    return new PlumblineException(
        ErrorCode.BAD_USAGE,
        "%s names no files; write %s:PATH, or %s{\"quote\":\"'\"}:PATH with options of Spark's reader"
            .formatted(SourceFailures.shown(given), kind, kind));
  }

  /** The files and what is to be said of them. */
  DataFiles.Found files(Storage storage, Purpose purpose) {
    DataFiles.Found found = DataFiles.find(storage, path, purpose);
    List<Storage.Entry> named =
        found.files().stream()
            .filter(
                file -> file.path().toLowerCase(Locale.ROOT).matches(".*\\.[ct]sv(\\.[a-z0-9]+)?"))
            .toList();
    return named.isEmpty() ? found : new DataFiles.Found(named, found.notes(), found.folders());
  }

  /**
   * The rows, in the order of the files by path and of their lines.
   *
   * @param notes told what a user would not expect
   * @throws PlumblineException BAD_DATA where the files have different columns or are of another
   *     encoding, INPUT_NOT_FOUND where there is none
   */
  Dataset<Row> rows(SparkSession spark, Storage storage, Purpose purpose, Consumer<String> notes) {
    DataFiles.Found found = files(storage, purpose);
    found.notes().forEach(notes);
    List<Storage.Entry> files = readable(found);
    requireUtf8(storage, files);
    return analysed(spark, storage, files, found);
  }

  /** The files as a table for those who want its columns alone: its encoding is not checked. */
  Dataset<Row> columns(SparkSession spark, Storage storage, Purpose purpose) {
    DataFiles.Found found = files(storage, purpose);
    return analysed(spark, storage, readable(found), found);
  }

  private List<Storage.Entry> readable(DataFiles.Found found) {
    List<Storage.Entry> files = found.files().stream().filter(file -> file.length() > 0).toList();
    if (files.isEmpty()) {
      throw new PlumblineException(ErrorCode.BAD_DATA, path + " names only files that are empty");
    }
    if (files.size() > MOST_FILES) {
      throw new PlumblineException(
          ErrorCode.BAD_USAGE,
          "%s names %,d files, and CSV is read from at most %,d; write its rows as Parquet"
              .formatted(path, files.size(), MOST_FILES));
    }
    return files;
  }

  private Dataset<Row> analysed(
      SparkSession spark, Storage storage, List<Storage.Entry> files, DataFiles.Found found) {
    Optional<Dataset<Row>> all = Optional.empty();
    for (Storage.Entry file : files) {
      // Each by itself: Spark would take the first one's header for all, and the largest first.
      String whole = storage.absolute(file.path());
      Dataset<Row> rows =
          PATTERN_SIGN.matcher(whole).find() || file.name().contains(":")
              ? namedLikeAPattern(spark, file, whole)
              : spark.read().options(options).csv(whole);
      for (Map.Entry<String, Object> folder : found.foldersOf(file).entrySet()) {
        rows = rows.withColumn(folder.getKey(), functions.lit(folder.getValue()));
      }
      if (all.isPresent() && !Arrays.equals(all.get().columns(), rows.columns())) {
        throw new PlumblineException(
            ErrorCode.BAD_DATA,
            "%s has the columns %s, and %s has %s; name files with other columns apart"
                .formatted(
                    files.get(0).path(),
                    String.join(", ", all.get().columns()),
                    file.path(),
                    String.join(", ", rows.columns())));
      }
      all = Optional.of(all.isPresent() ? all.get().union(rows) : rows);
    }
    return all.get();
  }

  /**
   * To find the columns, Spark takes a name for a pattern and knows no escape; and Hadoop finds
   * none with a colon (HADOOP-14217). So the columns are those of the first line, and the file is
   * found in its folder, where a name can be escaped.
   */
  private Dataset<Row> namedLikeAPattern(SparkSession spark, Storage.Entry file, String whole) {
    int slash = whole.lastIndexOf('/');
    String folder = DataFiles.escaped(whole.substring(0, slash));
    String name = DataFiles.escaped(file.name());
    if (PATTERN_SIGN.matcher(folder).find() && folder.lastIndexOf(':') > folder.indexOf(":/")) {
      throw unreadableName(file, "there are both a colon and one of *?[]{}\\ in its path");
    }
    if (Boolean.parseBoolean(options.get("inferschema"))) {
      throw unreadableName(file, "the types of columns cannot be found in it");
    }
    if (!options.getOrDefault("encoding", "UTF-8").equalsIgnoreCase("UTF-8")) {
      throw unreadableName(file, "its columns cannot be found in another encoding than UTF-8");
    }
    DataFrameReader lines = spark.read().options(WITHOUT_CHECKSUMS).option("pathGlobFilter", name);
    if (options.containsKey("linesep")) {
      lines = lines.option("lineSep", options.get("linesep"));
    }
    List<String> first = lines.textFile(folder).limit(LINES_FOR_COLUMNS).collectAsList();
    Map<String, String> ofLines = new TreeMap<>(options);
    ofLines.remove("multiline");
    StructType columns =
        spark.read().options(ofLines).csv(spark.createDataset(first, Encoders.STRING())).schema();
    if (isCut(first)) {
      throw unreadableName(file, "its header goes over more than a line");
    }
    return spark
        .read()
        .options(options)
        .options(WITHOUT_CHECKSUMS)
        .option("pathGlobFilter", name)
        .schema(columns)
        .csv(folder);
  }

  /** Whether a quote is open at the end of the line that has the columns. */
  private boolean isCut(List<String> first) {
    String quote = options.getOrDefault("quote", "\"");
    String comment = options.getOrDefault("comment", "");
    return !quote.isEmpty()
        && first.stream()
            .filter(line -> !line.isBlank() && (comment.isEmpty() || !line.startsWith(comment)))
            .findFirst()
            .map(line -> (line.length() - line.replace(quote, "").length()) % 2 != 0)
            .orElse(false);
  }

  private static PlumblineException unreadableName(Storage.Entry file, String why) {
    return new PlumblineException(
        ErrorCode.BAD_USAGE,
        "%s has a colon or one of *?[]{}\\ in its name, which Spark's reader of CSV takes for a pattern, and %s; give it another name"
            .formatted(file.path(), why));
  }

  /** Spark puts a sign of replacement where bytes are not of the encoding, and says nothing. */
  private void requireUtf8(Storage storage, List<Storage.Entry> files) {
    if (options.containsKey("encoding")) {
      return;
    }
    long left = MOST_BYTES_LOOKED_AT;
    for (Storage.Entry file : files) {
      boolean compressed = !file.path().toLowerCase(Locale.ROOT).matches(".*\\.(csv|tsv|txt|tab)");
      if (compressed || left <= 0) {
        continue;
      }
      long end = Math.min(file.length(), left);
      try (InputStream bytes = storage.openAt(file.path(), 0, end);
          Reader text =
              new InputStreamReader(
                  bytes,
                  StandardCharsets.UTF_8
                      .newDecoder()
                      .onMalformedInput(CodingErrorAction.REPORT)
                      .onUnmappableCharacter(CodingErrorAction.REPORT))) {
        char[] buffer = new char[1 << 16];
        for (long read = 0; read < end; ) {
          int n = text.read(buffer);
          if (n < 0) {
            break;
          }
          read += n;
        }
        left -= end;
      } catch (CharacterCodingException e) {
        throw new PlumblineException(
            ErrorCode.BAD_DATA,
            "%s is not UTF-8; say its encoding, as in csv{\"encoding\":\"windows-1252\"}:%s"
                .formatted(file.path(), path),
            e);
      } catch (IOException e) {
        throw new PlumblineException(
            ErrorCode.BAD_DATA,
            "%s cannot be read (%s); write it again or leave it out"
                .formatted(file.path(), e.getMessage()),
            e);
      }
    }
  }
}
