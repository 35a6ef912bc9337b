package io.plumbline.spark.prepare;

import io.plumbline.data.DataFileReader;
import io.plumbline.data.ExampleParser;
import io.plumbline.data.ExampleTokenizer;
import io.plumbline.data.FileSlice;
import io.plumbline.data.RawRow;
import io.plumbline.data.RefusalReason;
import io.plumbline.data.RefusedRowException;
import io.plumbline.data.RowLayout;
import io.plumbline.data.TokenizedRowFiles;
import io.plumbline.spark.prepare.PrepareTask.PartResult;
import io.plumbline.spark.prepare.PrepareTask.Work;
import io.plumbline.storage.Storage;
import io.plumbline.text.Tokenizer;
import io.plumbline.text.TokenizerFiles;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.apache.spark.TaskContext;
import org.apache.spark.TaskKilledException;
import org.apache.spark.broadcast.Broadcast;
import scala.collection.Iterator;
import scala.runtime.AbstractFunction1;

/** Tokenizes one partition's slices into one part, and writes what it refuses to the quarantine. */
final class PrepareTask extends AbstractFunction1<Iterator<List<Work>>, PartResult>
    implements Serializable {
  private static final long serialVersionUID = 1L;
  private static final int NAMED_REFUSALS = 5;

  /**
   * A slice to tokenize.
   *
   * @param source place among the settings' paths of the one that the slice belongs to
   * @param bytes its size
   */
  record Work(FileSlice slice, RowLayout layout, int source, long bytes) implements Serializable {}

  /**
   * What a task did.
   *
   * @param file name of its part; null without an accepted row
   * @param hash value of {@link RowSequenceHash} over its rows
   * @param sources accepted rows by path of the settings
   * @param quarantineFile name of its refused rows; null without one
   * @param firstRefusals with numbers that count from their slices
   * @param lineEnds in each of its slices
   */
  record PartResult(
      String file,
      String hash,
      PreparedCounts counts,
      long[] sources,
      String quarantineFile,
      List<Refused> firstRefusals,
      long[] lineEnds)
      implements Serializable {}

  /**
   * A refused row to name in a message.
   *
   * @param slice place among the task's
   * @param refusal with a line that counts within a slice of JSON lines
   */
  record Refused(int slice, Prepared.Refusal refusal) implements Serializable {}

  private final Storage storage;
  private final PrepareSettings settings;
  private final Broadcast<TokenizerFiles> tokenizerFiles;
  private final String directory;
  private final String quarantineDirectory;
  private final String run;

  PrepareTask(
      Storage storage,
      PrepareSettings settings,
      Broadcast<TokenizerFiles> tokenizerFiles,
      String directory,
      String quarantineDirectory,
      String run) {
    this.storage = storage;
    this.settings = settings;
    this.tokenizerFiles = tokenizerFiles;
    this.directory = directory;
    this.quarantineDirectory = quarantineDirectory;
    this.run = run;
  }

  @Override
  public PartResult apply(Iterator<List<Work>> partition) {
    TaskContext context = TaskContext.get();
    // Unique to the attempt: two attempts at one task never write to one file.
    String attempt =
        String.format("%05d-%s-%d", context.partitionId(), run, context.taskAttemptId());
    List<Work> works = partition.next();
    long[] lineEnds = new long[works.size()];
    try (Tokenizer tokenizer = Tokenizer.of(tokenizerFiles.value());
        Quarantine quarantine =
            new Quarantine(
                storage, quarantineDirectory, LineNumbers.quarantineName(works, attempt));
        Part part = new Part("part-" + attempt + ".parquet")) {
      ExampleTokenizer examples =
          new ExampleTokenizer(tokenizer, settings.limits(), settings.lossOn());
      for (int slice = 0; slice < lineEnds.length; slice++) {
        part.slice = slice;
        Work work = works.get(slice);
        ExampleParser parser = new ExampleParser(settings.reading(), work.layout(), tokenizer);
        lineEnds[slice] = read(work, parser, examples, part, quarantine);
      }
      return part.result(quarantine, lineEnds);
    }
  }

  /** Reads a slice; says how many lines end in it. */
  private long read(
      Work work,
      ExampleParser parser,
      ExampleTokenizer examples,
      Part part,
      Quarantine quarantine) {
    TaskContext context = TaskContext.get();
    String path = work.slice().path();
    try (DataFileReader reader =
        DataFileReader.open(storage, work.slice(), settings.reading().columnsOf(work.layout()))) {
      for (Optional<RawRow> next = reader.next(); next.isPresent(); next = reader.next()) {
        if (context.isInterrupted()) {
          throw new TaskKilledException("preparing was stopped");
        }
        RawRow row = next.get();
        try {
          if (row.refusal().isPresent()) {
            throw row.refusal().get();
          }
          part.write(
              examples.tokenize(parser.parse(row.values().orElseThrow()), part.rows()),
              work.source());
        } catch (RefusedRowException e) {
          part.refused(path, row, e);
          quarantine.refuse(path, row, e);
        }
      }
      return reader.lineEnds();
    }
  }

  /** A file of accepted rows, made with the first of them. */
  private final class Part implements AutoCloseable {
    private final String name;
    private final PreparedCounts.Counter counter = new PreparedCounts.Counter();
    private final RowSequenceHash hash = new RowSequenceHash();
    private final List<Refused> firstRefusals = new ArrayList<>();
    private final Set<RefusalReason> named = EnumSet.noneOf(RefusalReason.class);
    private final long[] sources = new long[settings.paths().size()];
    private Optional<TokenizedRowFiles.Writer> writer = Optional.empty();
    private int slice;

    private Part(String name) {
      this.name = name;
    }

    private long rows() {
      return writer.map(TokenizedRowFiles.Writer::rows).orElse(0L);
    }

    private void write(ExampleTokenizer.Tokenized tokenized, int source) {
      if (writer.isEmpty()) {
        writer = Optional.of(TokenizedRowFiles.writer(storage, Storage.join(directory, name)));
      }
      writer.get().write(tokenized.row());
      counter.accepted(tokenized);
      hash.add(tokenized.row().dataFingerprint());
      sources[source]++;
    }

    private void refused(String path, RawRow row, RefusedRowException refusal) {
      counter.refused(refusal.reason());
      // Each reason once, so that the one of most rows can be told by an example.
      if (named.add(refusal.reason()) || firstRefusals.size() < NAMED_REFUSALS) {
        firstRefusals.add(new Refused(slice, Prepared.Refusal.of(path, row.line(), refusal)));
      }
    }

    private PartResult result(Quarantine quarantine, long[] lineEnds) {
      return new PartResult(
          writer.isPresent() ? name : null,
          hash.value(),
          counter.counts(),
          sources,
          quarantine.file().orElse(null),
          firstRefusals,
          lineEnds);
    }

    @Override
    public void close() {
      writer.ifPresent(TokenizedRowFiles.Writer::close);
    }
  }
}
