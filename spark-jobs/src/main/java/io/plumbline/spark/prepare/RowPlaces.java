package io.plumbline.spark.prepare;

import io.plumbline.data.DataFileReader;
import io.plumbline.data.ExampleKind;
import io.plumbline.data.ExampleParser;
import io.plumbline.data.ExampleTokenizer;
import io.plumbline.data.RawRow;
import io.plumbline.data.RefusedRowException;
import io.plumbline.data.TokenizedRow;
import io.plumbline.spark.prepare.PrepareTask.Work;
import io.plumbline.storage.Storage;
import io.plumbline.text.Tokenizer;
import io.plumbline.text.TokenizerFiles;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.api.java.function.Function;
import org.apache.spark.broadcast.Broadcast;

/**
 * Finds where rows stand in the data. Prepared rows do not carry their file and line, which few
 * runs ever ask for; so the data is read and tokenized again, and rows are told by their tokens.
 */
final class RowPlaces {
  private RowPlaces() {}

  /** A row of the data that has the tokens of one that is looked for. */
  private record Place(String key, int slice, long line) implements Serializable {}

  /** What a task finds: its numbers of lines count from its slices. */
  private record Found(List<Place> places, long[] lineEnds) implements Serializable {}

  /**
   * File and line of each row by its index; none for a row that the data has no longer. A packed
   * row stands where its documents do, and rows with the same tokens stand in several places.
   */
  static SortedMap<Long, List<String>> find(
      JavaSparkContext context,
      Storage storage,
      PrepareSettings settings,
      TokenizerFiles tokenizerFiles,
      List<List<Work>> tasks,
      List<TokenizedRow> rows) {
    Map<String, List<Long>> wanted = new TreeMap<>();
    for (TokenizedRow row : rows) {
      for (String key : keys(settings.kind(), row)) {
        wanted.computeIfAbsent(key, k -> new ArrayList<>()).add(row.index());
      }
    }
    Broadcast<TokenizerFiles> files = context.broadcast(tokenizerFiles);
    SortedMap<Long, List<String>> found = new TreeMap<>();
    try {
      Search search = new Search(storage, settings, files, Set.copyOf(wanted.keySet()));
      List<Found> searched =
          Jobs.run(() -> context.parallelize(tasks, tasks.size()).map(search).collect());
      List<long[]> before =
          LineNumbers.before(tasks, searched.stream().map(Found::lineEnds).toList());
      for (int task = 0; task < searched.size(); task++) {
        for (Place place : searched.get(task).places()) {
          String words =
              tasks.get(task).get(place.slice()).slice().path()
                  + ":"
                  + (before.get(task)[place.slice()] + place.line());
          for (long index : wanted.get(place.key())) {
            found.computeIfAbsent(index, i -> new ArrayList<>()).add(words);
          }
        }
      }
    } finally {
      files.destroy();
    }
    return found;
  }

  /** What tells a row of the data, or each document of a packed one. */
  private static List<String> keys(ExampleKind kind, TokenizedRow row) {
    int[] prompt = row.prompt();
    if (kind == ExampleKind.PREFERENCE) {
      return List.of(key(joined(prompt, row.completions().get(0)), row.completions().get(1)));
    }
    if (prompt.length == 0) {
      return row.completions().stream().map(document -> key(document)).toList();
    }
    // A second completion is that of another row.
    return List.of(key(joined(prompt, row.completions().get(0))));
  }

  private static int[] joined(int[] prompt, int[] completion) {
    int[] ids = Arrays.copyOf(prompt, prompt.length + completion.length);
    System.arraycopy(completion, 0, ids, prompt.length, completion.length);
    return ids;
  }

  private static String key(int[]... texts) {
    return TokenizedRow.fingerprint(new int[0], List.of(texts), List.of());
  }

  /** Reads a task's slices for rows with one of the keys. */
  private record Search(
      Storage storage,
      PrepareSettings settings,
      Broadcast<TokenizerFiles> tokenizerFiles,
      Set<String> wanted)
      implements Function<List<Work>, Found> {

    @Override
    public Found call(List<Work> works) {
      List<Place> places = new ArrayList<>();
      long[] lineEnds = new long[works.size()];
      try (Tokenizer tokenizer = Tokenizer.of(tokenizerFiles.value())) {
        ExampleTokenizer examples =
            new ExampleTokenizer(tokenizer, settings.limits(), settings.lossOn());
        for (int slice = 0; slice < lineEnds.length; slice++) {
          Work work = works.get(slice);
          ExampleParser parser = new ExampleParser(settings.reading(), work.layout(), tokenizer);
          lineEnds[slice] = search(work, slice, parser, examples, places);
        }
      }
      return new Found(places, lineEnds);
    }

    /** Says how many lines end in the slice. */
    private long search(
        Work work, int slice, ExampleParser parser, ExampleTokenizer examples, List<Place> places) {
      try (DataFileReader reader =
          DataFileReader.open(storage, work.slice(), settings.reading().columnsOf(work.layout()))) {
        for (Optional<RawRow> next = reader.next(); next.isPresent(); next = reader.next()) {
          RawRow raw = next.get();
          tokenized(raw, parser, examples)
              .map(row -> keys(settings.kind(), row).get(0))
              .filter(wanted::contains)
              .ifPresent(key -> places.add(new Place(key, slice, raw.line())));
        }
        return reader.lineEnds();
      }
    }

    /** Refused rows are in quarantine, with their lines. */
    private static Optional<TokenizedRow> tokenized(
        RawRow raw, ExampleParser parser, ExampleTokenizer examples) {
      if (raw.values().isEmpty()) {
        return Optional.empty();
      }
      try {
        return Optional.of(examples.tokenize(parser.parse(raw.values().get()), 0).row());
      } catch (RefusedRowException e) {
        return Optional.empty();
      }
    }
  }
}
