package io.plumbline.spark.cli.terminal;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalInt;

/**
 * Where a command writes: results to {@code out}, everything else (progress, notes, errors) to
 * {@code err}.
 *
 * @param columns width of the terminal that {@code err} is; empty where it is none
 */
public record Console(PrintStream out, PrintStream err, OptionalInt columns) {
  private static final int USUAL_COLUMNS = 80;

  /** A console that is no terminal. */
  public static Console of(PrintStream out, PrintStream err) {
    return new Console(out, err, OptionalInt.empty());
  }

  /**
   * The process's own. From here on {@link System#out} is standard error, so that whatever a
   * library prints cannot get between the lines that another program reads.
   */
  public static Console ofProcess() {
    PrintStream out =
        new PrintStream(new FileOutputStream(FileDescriptor.out), false, StandardCharsets.UTF_8);
    PrintStream err =
        new PrintStream(new FileOutputStream(FileDescriptor.err), true, StandardCharsets.UTF_8);
    System.setOut(err);
    System.setErr(err);
    return new Console(out, err, terminalColumns());
  }

  /** This console for a quiet call: results, and nothing of how they come about. */
  public Console quiet() {
    return of(out, new PrintStream(OutputStream.nullOutputStream(), false, StandardCharsets.UTF_8));
  }

  /** The width for help and other text that is laid out. */
  public int textColumns() {
    return Math.max(60, Math.min(columns.orElse(USUAL_COLUMNS + 20), 120));
  }

  private static OptionalInt terminalColumns() {
    try {
      String target = Files.readSymbolicLink(Path.of("/proc/self/fd/2")).toString();
      if (!target.startsWith("/dev/pts/") && !target.startsWith("/dev/tty")) {
        return OptionalInt.empty();
      }
    } catch (IOException | UnsupportedOperationException e) {
      // Not Linux: plain lines are right anywhere.
      return OptionalInt.empty();
    }
    String columns = System.getenv("PLUMBLINE_COLUMNS");
    if (columns != null && columns.matches("[1-9][0-9]{1,3}")) {
      return OptionalInt.of(Integer.parseInt(columns));
    }
    return OptionalInt.of(USUAL_COLUMNS);
  }
}
