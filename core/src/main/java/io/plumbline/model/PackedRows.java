package io.plumbline.model;

import io.plumbline.data.TokenizedRow;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.model.architecture.DecoderConfig;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;

/**
 * A micro-batch laid out for the kernels. Each row is a sequence: its prompt and then its
 * completions. Behind an empty prompt every completion is a sequence of its own, and so it is with
 * its prompt where completions of a row differ in their rotary positions. Sequences of almost equal
 * length form a block that is padded at the end of each sequence, blocks follow each other.
 *
 * @param ids token ids of all n places, 0 for padding
 * @param positions each place's distance from its sequence's start; completions restart behind the
 *     prompt
 * @param identities what tells each place from others of a run, by {@link Dropout#identity}; 0 for
 *     padding
 * @param parts 0 for the prompt, j for completion j, -1 for padding
 * @param blocks offset, sequences and length of each block
 * @param plain 1 for each block whose sequences have one completion, so that the causal mask
 *     suffices
 * @param starts of each block the first place, counted from a sequence's start, that is read
 * @param kept the places from their block's start on, or all where hardly any would be left out
 * @param read what the head reads
 * @param states what a second head reads: a value belongs to the state before a token, or behind
 *     the last
 */
record PackedRows(
    long[] ids,
    float[] positions,
    long[] identities,
    long[] parts,
    long[] blocks,
    long[] plain,
    long[] starts,
    long[] kept,
    Reads read,
    Reads states) {
  /**
   * What a head reads.
   *
   * @param places indices in {@code kept} of the places whose output it reads
   * @param targets of each the token that it predicts; empty where it predicts none
   * @param owners where each value goes
   */
  record Reads(long[] places, long[] targets, List<Owner> owners) {
    /** What was found, in the order in which it was. */
    private static Reads of(List<Found> found, boolean predicts, int[] place) {
      return new Reads(
          found.stream().mapToLong(one -> place[one.place()]).toArray(),
          predicts ? found.stream().mapToLong(Found::target).toArray() : new long[0],
          found.stream().map(Found::owner).toList());
    }
  }

  /** A place that a head reads, of all, and the token that it predicts, or {@link #NO_TOKEN}. */
  private record Found(int place, int target, Owner owner) {}

  /** A token by row, completion and index in the completion; the prompt is completion -1. */
  record Owner(int row, int completion, int token) {
    boolean inPrompt() {
      return completion < 0;
    }
  }

  /** Which places the head reads. */
  enum Reading {
    /** Those that predict a completion token that counts. */
    COMPLETIONS,
    /** Those, and those that predict a token of the prompt. */
    PROMPTS_AND_COMPLETIONS,
    /** Those, and for a second head all {@link #STATES}. */
    COMPLETIONS_AND_STATES,
    /** The last place of each text that is not padding; it predicts nothing. */
    ENDS,
    /** What stands before each token of a completion, whether it counts or not, and its end. */
    STATES
  }

  /** Completions of one row that share its prompt. */
  private record Sequence(int row, int firstCompletion, int completions, int length) {
    boolean plain() {
      return completions == 1;
    }
  }

  private static final int NO_TOKEN = -1;

  /** Padding a block may hold, as a share of its places. */
  private static final double WASTE = 0.06;

  /** Leaving out fewer places than this share of them does not pay for the explicit mask. */
  private static final double WORTHWHILE = 0.15;

  static PackedRows of(List<TokenizedRow> rows, DecoderConfig config, Reading reading) {
    return of(rows, config, reading, NO_TOKEN);
  }

  /**
   * Of each completion with its prompt the last token that is not padding, or the first of all
   * where every token is: what transformers' GenericForSequenceClassification reads.
   *
   * @param padding the token that pads; negative for none
   */
  static PackedRows ends(List<TokenizedRow> rows, DecoderConfig config, int padding) {
    return of(rows, config, Reading.ENDS, padding);
  }

  private static PackedRows of(
      List<TokenizedRow> rows, DecoderConfig config, Reading reading, int padding) {
    check(rows, config.vocabSize());
    List<List<Sequence>> groups = group(sequences(rows, config.originalPositions()));
    int n = 0;
    for (List<Sequence> group : groups) {
      n = Math.addExact(n, Math.multiplyExact(group.size(), group.get(0).length()));
    }
    long[] ids = new long[n];
    float[] positions = new float[n];
    long[] identities = new long[n];
    long[] parts = new long[n];
    Arrays.fill(parts, -1);
    long[] blocks = new long[3 * groups.size()];
    long[] plain = new long[groups.size()];
    long[] starts = new long[groups.size()];
    Finder found = new Finder(reading, padding);
    int offset = 0;
    for (int block = 0; block < groups.size(); block++) {
      List<Sequence> group = groups.get(block);
      int length = group.get(0).length();
      blocks[3 * block] = offset;
      blocks[3 * block + 1] = group.size();
      blocks[3 * block + 2] = length;
      plain[block] = group.get(0).plain() ? 1 : 0;
      // At least one place of each sequence stays, even where nothing is read.
      int first = length - 1;
      for (Sequence sequence : group) {
        TokenizedRow row = rows.get(sequence.row());
        int at = offset;
        for (int i = 0; i < row.prompt().length; i++, at++) {
          ids[at] = row.prompt()[i];
          positions[at] = i;
          identities[at] = Dropout.identity(row.index(), -1, i);
          parts[at] = 0;
        }
        int before = found.read.size();
        int statesBefore = found.states.size();
        if (sequence.firstCompletion() == 0) {
          found.addPrompt(sequence.row(), row, offset);
        }
        for (int j = 0; j < sequence.completions(); j++) {
          int c = sequence.firstCompletion() + j;
          int[] completion = row.completions().get(c);
          found.addCompletion(sequence.row(), row, c, offset, at);
          for (int i = 0; i < completion.length; i++, at++) {
            ids[at] = completion[i];
            positions[at] = row.prompt().length + i;
            identities[at] = Dropout.identity(row.index(), c, i);
            parts[at] = j + 1L;
          }
        }
        for (Found one : found.read.subList(before, found.read.size())) {
          first = Math.min(first, one.place() - offset);
        }
        for (Found one : found.states.subList(statesBefore, found.states.size())) {
          first = Math.min(first, one.place() - offset);
        }
        offset += length;
      }
      starts[block] = first;
    }
    long left = 0;
    for (int block = 0; block < groups.size(); block++) {
      left += starts[block] * groups.get(block).size();
    }
    if (left < WORTHWHILE * n) {
      Arrays.fill(starts, 0);
    }
    int[] place = new int[n];
    long[] kept = kept(blocks, starts, place);
    return new PackedRows(
        ids,
        positions,
        identities,
        parts,
        blocks,
        plain,
        starts,
        kept,
        Reads.of(found.read, reading != Reading.ENDS, place),
        Reads.of(found.states, false, place));
  }

  /** The places that heads read, as they are found. */
  private static final class Finder {
    private final Reading reading;
    private final int padding;
    private final List<Found> read = new ArrayList<>();
    private final List<Found> states = new ArrayList<>();

    Finder(Reading reading, int padding) {
      this.reading = reading;
      this.padding = padding;
    }

    void addPrompt(int index, TokenizedRow row, int start) {
      if (reading == Reading.PROMPTS_AND_COMPLETIONS) {
        for (int i = 1; i < row.prompt().length; i++) {
          read.add(new Found(start + i - 1, row.prompt()[i], new Owner(index, -1, i)));
        }
      }
    }

    /** The place of the last token that is not padding. */
    private int end(int[] prompt, int[] completion, int start, int at) {
      for (int i = completion.length - 1; i >= 0; i--) {
        if (completion[i] != padding) {
          return at + i;
        }
      }
      for (int i = prompt.length - 1; i >= 0; i--) {
        if (prompt[i] != padding) {
          return start + i;
        }
      }
      return prompt.length > 0 ? start : at;
    }

    /**
     * @param start of the sequence
     * @param at the completion's first place
     */
    void addCompletion(int index, TokenizedRow row, int c, int start, int at) {
      int[] completion = row.completions().get(c);
      if (reading == Reading.ENDS) {
        Owner owner = new Owner(index, c, completion.length - 1);
        read.add(new Found(end(row.prompt(), completion, start, at), NO_TOKEN, owner));
        return;
      }
      boolean statesToo = reading == Reading.STATES || reading == Reading.COMPLETIONS_AND_STATES;
      for (int i = 0; i < completion.length; i++) {
        if (i == 0 && row.prompt().length == 0) {
          continue;
        }
        int predictor = i > 0 ? at + i - 1 : start + row.prompt().length - 1;
        Owner owner = new Owner(index, c, i);
        if (reading != Reading.STATES && counts(row, c, i)) {
          read.add(new Found(predictor, completion[i], owner));
        }
        if (statesToo) {
          states.add(new Found(predictor, NO_TOKEN, owner));
        }
      }
      if (statesToo) {
        Owner last = new Owner(index, c, completion.length);
        states.add(new Found(at + completion.length - 1, NO_TOKEN, last));
      }
    }
  }

  private static List<Sequence> sequences(List<TokenizedRow> rows, int originalPositions) {
    List<Sequence> out = new ArrayList<>();
    for (int i = 0; i < rows.size(); i++) {
      TokenizedRow row = rows.get(i);
      int prompt = row.prompt().length;
      if (prompt > 0 && sharesPrompt(row, originalPositions)) {
        out.add(new Sequence(i, 0, row.completions().size(), row.tokens()));
      } else {
        for (int c = 0; c < row.completions().size(); c++) {
          out.add(new Sequence(i, c, 1, prompt + row.completions().get(c).length));
        }
      }
    }
    return out;
  }

  /** Whether all texts of a row have the same rotary positions, by what each needs alone. */
  private static boolean sharesPrompt(TokenizedRow row, int originalPositions) {
    return row.completions().stream()
            .map(completion -> row.prompt().length + completion.length > originalPositions)
            .distinct()
            .count()
        == 1;
  }

  /** The kept places; writes to {@code place} where each of them stands among these. */
  private static long[] kept(long[] blocks, long[] starts, int[] place) {
    long[] kept = new long[place.length];
    int count = 0;
    for (int block = 0; block < starts.length; block++) {
      int offset = (int) blocks[3 * block];
      int length = (int) blocks[3 * block + 2];
      for (int i = 0; i < blocks[3 * block + 1] * length; i++) {
        if (i % length >= starts[block]) {
          place[offset + i] = count;
          kept[count++] = (long) offset + i;
        }
      }
    }
    return Arrays.copyOf(kept, count);
  }

  /** Whether the last layer may leave places out. */
  boolean trimmed() {
    return kept.length < ids.length;
  }

  private static boolean counts(TokenizedRow row, int completion, int token) {
    return row.lossMasks().isEmpty() || row.lossMasks().get(completion)[token] != 0;
  }

  /** Splits sequences, longest first within their kind, where one more would waste too much. */
  private static List<List<Sequence>> group(List<Sequence> sequences) {
    List<Sequence> ordered =
        sequences.stream()
            .sorted(
                Comparator.comparing((Sequence s) -> !s.plain())
                    .thenComparing(s -> -s.length())
                    .thenComparing(Sequence::row)
                    .thenComparing(Sequence::firstCompletion))
            .toList();
    List<List<Sequence>> groups = new ArrayList<>();
    List<Sequence> current = new ArrayList<>();
    long used = 0;
    for (Sequence sequence : ordered) {
      if (!current.isEmpty()) {
        Sequence first = current.get(0);
        long places = (long) first.length() * (current.size() + 1);
        if (first.plain() != sequence.plain()
            || places - used - sequence.length() > WASTE * places) {
          groups.add(current);
          current = new ArrayList<>();
          used = 0;
        }
      }
      current.add(sequence);
      used += sequence.length();
    }
    if (!current.isEmpty()) {
      groups.add(current);
    }
    return groups;
  }

  private static void check(List<TokenizedRow> rows, int vocabSize) {
    for (TokenizedRow row : rows) {
      if (row.completions().isEmpty()) {
        throw new PlumblineException(
            ErrorCode.BAD_DATA, "row " + row.index() + " has no completion");
      }
      checkIds(row, row.prompt(), vocabSize);
      for (int c = 0; c < row.completions().size(); c++) {
        int[] completion = row.completions().get(c);
        if (completion.length == 0) {
          throw new PlumblineException(
              ErrorCode.BAD_DATA, "row " + row.index() + " has an empty completion");
        }
        checkIds(row, completion, vocabSize);
        if (!row.lossMasks().isEmpty()
            && (row.lossMasks().size() != row.completions().size()
                || row.lossMasks().get(c).length != completion.length)) {
          throw new PlumblineException(
              ErrorCode.BAD_DATA,
              "row " + row.index() + " has loss masks that do not fit its completions");
        }
      }
    }
  }

  private static void checkIds(TokenizedRow row, int[] ids, int vocabSize) {
    for (int id : ids) {
      if (id < 0 || id >= vocabSize) {
        throw new PlumblineException(
            ErrorCode.BAD_DATA,
            "row "
                + row.index()
                + " has the token id "
                + id
                + ", but the model's vocabulary has "
                + vocabSize
                + " entries; use the tokenizer that belongs to the model");
      }
    }
  }

  /** Values of completion tokens in the shape of the rows; 0 where there is none. */
  static List<List<float[]>> spread(List<TokenizedRow> rows, List<Owner> owners, float[] values) {
    List<List<float[]>> out = new ArrayList<>();
    for (TokenizedRow row : rows) {
      out.add(row.completions().stream().map(c -> new float[c.length]).toList());
    }
    for (int i = 0; i < owners.size(); i++) {
      Owner owner = owners.get(i);
      if (!owner.inPrompt()) {
        out.get(owner.row()).get(owner.completion())[owner.token()] = values[i];
      }
    }
    return List.copyOf(out);
  }

  /**
   * Values of prompt tokens by row: an array of the prompt's length each, 0 where none is given.
   */
  static List<float[]> spreadPrompts(List<TokenizedRow> rows, List<Owner> owners, float[] values) {
    List<float[]> out = rows.stream().map(row -> new float[row.prompt().length]).toList();
    for (int i = 0; i < owners.size(); i++) {
      Owner owner = owners.get(i);
      if (owner.inPrompt()) {
        out.get(owner.row())[owner.token()] = values[i];
      }
    }
    return out;
  }

  /** The reverse of {@link #spread} and {@link #spreadPrompts}; no prompts at all mean zeros. */
  float[] collect(TokenGradients gradients) {
    float[] out = new float[read.owners().size()];
    for (int i = 0; i < out.length; i++) {
      Owner owner = read.owners().get(i);
      if (!owner.inPrompt()) {
        out[i] = gradients.byLogp().get(owner.row()).get(owner.completion())[owner.token()];
      } else if (!gradients.byPromptLogp().isEmpty()) {
        out[i] = gradients.byPromptLogp().get(owner.row())[owner.token()];
      }
    }
    return out;
  }

  /**
   * The derivatives by entropies in the order of {@link #read}, 0 for prompt tokens; empty where
   * all are 0, which spares the head their part.
   */
  float[] collectEntropies(TokenGradients gradients) {
    float[] none = {};
    if (gradients.byEntropy().isEmpty()) {
      return none;
    }
    float[] out = new float[read.owners().size()];
    boolean found = false;
    for (int i = 0; i < out.length; i++) {
      Owner owner = read.owners().get(i);
      if (!owner.inPrompt()) {
        float[] completion = gradients.byEntropy().get(owner.row()).get(owner.completion());
        if (completion.length > 0) {
          out[i] = completion[owner.token()];
          found |= out[i] != 0;
        }
      }
    }
    return found ? out : none;
  }

  /** Values of states: of a completion one more than it has tokens; 0 where nothing stands. */
  static List<List<float[]>> spreadStates(
      List<TokenizedRow> rows, List<Owner> owners, float[] values) {
    List<List<float[]>> out = new ArrayList<>();
    for (TokenizedRow row : rows) {
      out.add(row.completions().stream().map(c -> new float[c.length + 1]).toList());
    }
    for (int i = 0; i < owners.size(); i++) {
      Owner owner = owners.get(i);
      out.get(owner.row()).get(owner.completion())[owner.token()] = values[i];
    }
    return List.copyOf(out);
  }

  /** The reverse of {@link #spreadStates}. */
  float[] collectStates(List<List<float[]>> shaped) {
    float[] out = new float[states.owners().size()];
    for (int i = 0; i < out.length; i++) {
      Owner owner = states.owners().get(i);
      out[i] = shaped.get(owner.row()).get(owner.completion())[owner.token()];
    }
    return out;
  }

  /** Values of ends, one a completion. */
  static List<float[]> spreadEnds(List<TokenizedRow> rows, List<Owner> owners, float[] values) {
    List<float[]> out = rows.stream().map(row -> new float[row.completions().size()]).toList();
    for (int i = 0; i < owners.size(); i++) {
      out.get(owners.get(i).row())[owners.get(i).completion()] = values[i];
    }
    return out;
  }

  /** The reverse of {@link #spreadEnds}. */
  float[] collectEnds(List<float[]> shaped) {
    float[] out = new float[read.owners().size()];
    for (int i = 0; i < out.length; i++) {
      Owner owner = read.owners().get(i);
      out[i] = shaped.get(owner.row())[owner.completion()];
    }
    return out;
  }
}
