package io.plumbline.spark.prepare;

import io.plumbline.data.DataFileReader;
import io.plumbline.data.Example;
import io.plumbline.data.ExampleKind;
import io.plumbline.data.ExampleParser;
import io.plumbline.data.ExampleShape;
import io.plumbline.data.ExampleTokenizer;
import io.plumbline.data.FileSlice;
import io.plumbline.data.LossOn;
import io.plumbline.data.RawRow;
import io.plumbline.data.ReadAs;
import io.plumbline.data.RefusedRowException;
import io.plumbline.data.RowLayout;
import io.plumbline.data.TemplateMessages;
import io.plumbline.data.TurnEnds;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.storage.Storage;
import io.plumbline.text.Tokenizer;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * Looks at the first rows of one of the user's paths for what decides how all of them are read: the
 * columns, as TRL does.
 */
final class LayoutSearch {
  private static final int ROWS_LOOKED_AT = 100;
  private static final int MOST_ROWS_LOOKED_AT = 10_000;

  /** More text is not looked at where some row fits: all that is read here is read twice. */
  private static final long TEXT_LOOKED_AT = 1 << 20;

  /**
   * How the rows of a path are laid out, and what is said of it.
   *
   * @param layout that all rows are read by
   * @param note what of the template a model may learn wrongly; empty for nothing
   */
  record Found(RowLayout layout, ReadAs reading, Optional<String> note) {}

  private final PrepareSettings settings;
  private final Tokenizer tokenizer;
  private final String path;

  /** Rows by the layout that they have, the first of each. */
  private final Map<RowLayout, Map<String, Object>> layouts = new LinkedHashMap<>();

  /** Rows as they are in the data. */
  private final List<Map<String, Object>> looked = new ArrayList<>();

  /** The rows with the names that columns are read by. */
  private final List<Map<String, Object>> renamed = new ArrayList<>();

  private final Set<String> seen = new LinkedHashSet<>();
  private Optional<String> firstPlace = Optional.empty();
  private Optional<Example> tried = Optional.empty();
  private int fitting;
  private int read;
  private long textRead;

  private LayoutSearch(PrepareSettings settings, Tokenizer tokenizer, String path) {
    this.settings = settings;
    this.tokenizer = tokenizer;
    this.path = path;
  }

  /**
   * Fails with BAD_DATA where the columns fit no format that the settings' kind can be made of, or
   * a column that is named is not there, and with BAD_USAGE where turns are to be learned of text.
   */
  static Found in(
      Storage storage,
      PrepareSettings settings,
      Tokenizer tokenizer,
      String path,
      List<FileSlice> files) {
    LayoutSearch search = new LayoutSearch(settings, tokenizer, path);
    for (FileSlice file : files) {
      if (search.enough()) {
        break;
      }
      try (DataFileReader reader =
          DataFileReader.openForFirstRows(storage, file, settings.reading().columnsThatTell())) {
        long textBefore = search.textRead;
        while (!search.enough()) {
          Optional<RawRow> next = reader.next();
          if (next.isEmpty()) {
            break;
          }
          search.look(file.path(), next.get());
          search.textRead = textBefore + reader.textRead();
        }
      }
    }
    return search.found();
  }

  private boolean enough() {
    return fitting >= ROWS_LOOKED_AT
        || read >= MOST_ROWS_LOOKED_AT
        || (fitting > 0 && textRead >= TEXT_LOOKED_AT);
  }

  private void look(String file, RawRow raw) {
    read++;
    if (raw.values().isEmpty()) {
      return;
    }
    Map<String, Object> own = raw.values().get();
    Map<String, Object> values = settings.reading().renamed(own);
    if (looked.size() < ROWS_LOOKED_AT) {
      looked.add(own);
      renamed.add(values);
    }
    if (seen.isEmpty()) {
      seen.addAll(values.keySet());
      firstPlace = Optional.of(file + ":" + raw.line());
    }
    Optional<RowLayout> layout = RowLayout.of(settings.kind(), values);
    if (layout.isPresent()) {
      layouts.putIfAbsent(layout.get(), values);
      fitting++;
      if (tried.isEmpty()) {
        tried = tryOut(own, layout.get());
      }
    }
  }

  private Found found() {
    settings.reading().columns().require(looked, path);
    ExampleKind kind = settings.kind();
    if (layouts.isEmpty() && firstPlace.isPresent()) {
      throw new PlumblineException(
          ErrorCode.BAD_DATA,
          firstPlace.get()
              + " does not fit: "
              + kind.words()
              + " "
              + ExampleShape.mismatch(kind, seen)
              + "; say which columns they are by --columns, as in --columns prompt=question, or give"
              + " other data");
    }
    RowLayout layout =
        layouts.keySet().stream()
            .min(Comparator.comparingInt(one -> one.rank(kind)))
            .orElseGet(() -> RowLayout.of(ExampleShape.shapes(kind).get(0)));
    Optional<String> note =
        tried
            .flatMap(Example::chatSettings)
            .flatMap(chat -> TurnEnds.note(tokenizer, settings.lossOn(), chat));
    return new Found(layout, reading(layout), note);
  }

  private ReadAs reading(RowLayout layout) {
    ExampleKind kind = settings.kind();
    Map<String, Object> first = layouts.getOrDefault(layout, Map.of());
    Set<String> unread = new TreeSet<>();
    List<String> remarks = new ArrayList<>();
    boolean prompted =
        tried
            .filter(row -> row instanceof Example.PromptedText || row instanceof Example.TextPrompt)
            .isPresent();
    boolean text = prompted || tried.filter(Example.WholeText.class::isInstance).isPresent();
    renamed.forEach(row -> unread.addAll(layout.unread(kind, row)));
    boolean tools = renamed.stream().anyMatch(row -> row.get("tools") != null);
    if (text && !kind.keepsColumns()) {
      for (String column : List.of("tools", "chat_template_kwargs")) {
        if (renamed.stream().anyMatch(row -> row.get(column) != null)) {
          unread.add(column);
        }
      }
    } else if (tools && new TemplateMessages(tokenizer.chatTemplate()).hidesTools()) {
      remarks.add("the chat template leaves out what tools says");
    }
    if (kind != ExampleKind.SUPERVISED
        && kind != ExampleKind.SUPERVISED_FROM_CHOSEN
        && renamed.stream().anyMatch(RowLayout::weighsMessages)) {
      remarks.add("the weights of messages are not used, as completions are compared whole");
    }
    if (prompted && tokenizer.chatTemplate().isPresent()) {
      remarks.add("texts as they are, without the chat template, which is for messages");
    } else if (prompted
        && layout.form() != RowLayout.Form.TRL
        && !layout.prompt().equals("prompt")) {
      remarks.add("a line end between question and answer, as there is no chat template");
    }
    boolean margins =
        layout.reads().contains("margin")
            && renamed.stream().anyMatch(row -> row.get("margin") != null);
    return new ReadAs(layout.words(first), List.copyOf(unread), remarks, margins);
  }

  /** Finds out before any task starts whether the tokenizer fits the data. */
  private Optional<Example> tryOut(Map<String, Object> own, RowLayout layout) {
    try {
      Example example = new ExampleParser(settings.reading(), layout, tokenizer).parse(own);
      requireTurns(example);
      new ExampleTokenizer(tokenizer, settings.limits(), settings.lossOn()).tokenize(example, 0);
      return Optional.of(example);
    } catch (RefusedRowException e) {
      return Optional.empty();
    }
  }

  /** Text has nobody's turns: then every row would be refused, one by one. */
  private void requireTurns(Example example) {
    boolean isText =
        example instanceof Example.PromptedText || example instanceof Example.WholeText;
    if (settings.lossOn() == LossOn.ASSISTANT && isText) {
      throw new PlumblineException(
          ErrorCode.BAD_USAGE,
          "--loss-on assistant needs conversations, and the rows of "
              + path
              + " are text; give messages, or --loss-on completion");
    }
  }
}
