package io.plumbline.spark.prepare;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.base.Json;
import io.plumbline.data.FileSlice.Content;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.spark.prepare.PrepareTask.Work;
import io.plumbline.storage.Storage;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.Serializable;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.JavaSparkContext;

/**
 * The numbers of lines in files that are read in slices. A task knows only how many lines end in
 * its slices, so it counts from the start of each; what stands before is known when all slices have
 * been read. To count beforehand would be to read all data twice.
 */
final class LineNumbers {
  /** Refused rows of a task whose first slice begins within a file, and their numbers there. */
  private static final String UNNUMBERED = "unnumbered-";

  private static final String NUMBERED = "refused-";

  private LineNumbers() {}

  /**
   * How many lines stand before each slice in its file.
   *
   * @param tasks slices in the order of the data
   * @param lineEnds of each of them
   */
  static List<long[]> before(List<List<Work>> tasks, List<long[]> lineEnds) {
    List<long[]> before = new ArrayList<>();
    long lines = 0;
    for (int task = 0; task < tasks.size(); task++) {
      List<Work> works = tasks.get(task);
      long[] ofTask = new long[works.size()];
      for (int i = 0; i < ofTask.length; i++) {
        if (works.get(i).slice().start() == 0
            || works.get(i).slice().content() != Content.JSON_LINES) {
          lines = 0;
        }
        ofTask[i] = lines;
        lines += lineEnds.get(task)[i];
      }
      before.add(ofTask);
    }
    return before;
  }

  /** The name of a task's file of refused rows, by what the task reads first. */
  static String quarantineName(List<Work> works, String attempt) {
    return (beginsWithin(works) ? UNNUMBERED : NUMBERED) + attempt + ".jsonl";
  }

  /** Only the first slice of a task may: a slice that others follow fills a task. */
  private static boolean beginsWithin(List<Work> works) {
    return works.get(0).slice().content() == Content.JSON_LINES && works.get(0).slice().start() > 0;
  }

  private record Unnumbered(String name, String file, long before) implements Serializable {}

  /**
   * Writes the files of refused rows again that hold numbers within a slice.
   *
   * @param names one of each task, null where it has refused nothing
   * @param before of each task, as {@link #before} has it
   * @return the names that count from now on, without nulls
   */
  static List<String> number(
      JavaSparkContext context,
      Storage storage,
      String directory,
      List<List<Work>> tasks,
      List<String> names,
      List<long[]> before) {
    List<Unnumbered> unnumbered = new ArrayList<>();
    for (int task = 0; task < names.size(); task++) {
      if (names.get(task) != null && names.get(task).startsWith(UNNUMBERED)) {
        unnumbered.add(
            new Unnumbered(
                names.get(task), tasks.get(task).get(0).slice().path(), before.get(task)[0]));
      }
    }
    List<String> made = List.of();
    if (!unnumbered.isEmpty()) {
      made =
          Jobs.run(
              () ->
                  context
                      .parallelize(unnumbered, unnumbered.size())
                      .map(one -> number(storage, directory, one))
                      .collect());
    }
    List<String> all = new ArrayList<>();
    int next = 0;
    for (String name : names) {
      if (name != null) {
        all.add(name.startsWith(UNNUMBERED) ? made.get(next++) : name);
      }
    }
    return all;
  }

  private static String number(Storage storage, String directory, Unnumbered one) {
    // Unique to the attempt: two attempts at one task never write to one file.
    String name =
        NUMBERED
            + one.name().substring(UNNUMBERED.length()).replaceFirst("\\.jsonl$", "")
            + "-"
            + TaskContext.get().taskAttemptId()
            + ".jsonl";
    String from = Storage.join(directory, one.name());
    try (BufferedReader lines =
            new BufferedReader(new InputStreamReader(storage.open(from), StandardCharsets.UTF_8));
        OutputStream output = storage.create(Storage.join(directory, name))) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        output.write((numbered(line, one) + "\n").getBytes(StandardCharsets.UTF_8));
      }
    } catch (IOException e) {
      throw new PlumblineException(
          ErrorCode.STORAGE_FAILED,
          "Refused rows in %s could not be numbered (%s); check the output directory"
              .formatted(from, e.getMessage()),
          e);
    }
    return name;
  }

  private static String numbered(String line, Unnumbered one) throws JsonProcessingException {
    ObjectNode row = (ObjectNode) Json.MAPPER.readTree(line);
    if (row.path("file").asText().equals(one.file())) {
      row.put("line", row.path("line").asLong() + one.before());
    }
    return Json.MAPPER.writeValueAsString(row);
  }
}
